use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::survey::{Patience, Survey};
use crate::engine::window::Heed;
use crate::engine::{Hit, Window};
use crate::known::{Fetched, Known, Secret, Values};
use crate::unfold::joints::Bond;
use crate::{DocumentPart, Judge, Memory, MemoryLimits, Scanner, Tape};

/// More of them with `PROPTEST_CASES`.
pub(crate) fn cases(least: u32) -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    ProptestConfig { cases: config.cases.max(least), ..config }
}

/// Names and values that tell, look as if they told, or tell nothing.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "name",
        "id",
        "zip",
        "postcode",
        "cvv",
        "pesel",
        "tel",
        "phone",
        "token",
        "password",
        "text",
        "note",
        "swift",
        "dob",
        "ip",
        "mac",
        "iban",
        "first_name",
        "seed",
        "coordinates",
        "94105",
        "4111111111111111",
        "12",
        "2.0",
        "737",
        "44051401458",
        "415-555-0132",
        "large-2",
        "2026-11-26",
        "2026-11-26T10:15:00Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "A12",
        "192.168.1.7",
        "1.2.3",
        "ab:cd:ef:01:02:03",
        "DE89370400440532013000",
        "COBADEFFXXX",
        "bob@example.com",
        "hunter2hunter2",
        "aGVsbG8gd29ybGQK",
        "GHIJKLMNOPQRST",
        "%34%31",
        "\\u0034",
        "data: 1",
        "ghp_q7Xw2Rb9\"\"Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E",
        "ghp_q7Xw2Rb9''Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E",
        "ghp_q7Xw2Rb9\\\nKd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E",
        "12 Main Street",
        "John Smith",
        "Dr. Anna Bell",
        "+14155550132",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "078-05-1120",
        "eu-12",
        "D-1",
        "12.5%",
        "=41",
        KNOWN,
        "a correct horse battery staple",
        "https://one.test/two/123",
        "https://user:hunter2@one.test/",
        "https://one.test/?token=hunter2hunter2",
        "about 3248 of them",
        "from 4111 1111 1111 1111 on",
        "in 4 ms",
        "4111 1111",
        "1111 1111",
        "a long name that says a good deal about what it holds, and in the end that it is a password",
        "password_and_then_a_name_that_goes_on_for_longer_than_what_counts_of_it_and_says_no_more_at_all",
        "[REDACTED-GITHUB-TOKEN]_and_a_name_that_goes_on_for_just_as_long_as_to_cut_it",
        "[REDACTED-GITHUB-TOKEN]_goes_on_for_just_so_long_that_what_counts_begins_behind_it",
        "a_name_of_more_bytes_than_what_counts_of_it_for_an_api_token_é",
        "3 rooms at 12 Main Street, 94105",
        "username",
        "author",
        "prompt_tokens",
        "stripe",
        "openai key",
        "ether 0a:1b:2c:3d:4e:5f",
        "because",
        "production_",
        "b \"gh\" + \"p_1\" c",
        "it's 'gh' 'p_12' or",
        "line 1\nline 22\nline 333",
        "tel 415 555 0132",
        "ace1",
        "ac00000000000000000000000000000001",
        "date of birth 1980-02-03",
        "a1 b2 c3 d4 e5 f6 a7 b8",
        "sk_live_",
        "sk-",
        "ghp_",
        "abcd1234efgh5678ijkl9012mnop3456qrst",
        "limit=3)",
        "a && b %",
        "\\n\\x41",
        "&amp;&#65;1",
        "=3D",
        "this line is longer than others are, and =\ngoes on",
        "postal code",
        "order number",
        "passport",
        "**",
        "part_a",
        "part_b",
        "part_12",
        "gh",
        "p_abcd1234efgh5678",
        "ghp_abcd1234efgh5678",
        "ijkl9012mnop3456qrst",
        "AKIAZ7QK4W",
        "PNX2M5RTVC",
        "4111",
        "411111111111",
        "1111",
        "'4111111' '111111111'",
        "'@2026-11-26' '4111111111111111'",
        "10:00:00 INFOINFO 12345678 x",
        "2026-11-26 10:00:00 4111 1111 1111 1111",
        "DE8937040044",
        "0532013000",
        "078-05",
        "-1120",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-z_]{1,12}", 1 => "[ -~é]{0,24}"]
}

/// Words that stand before secrets, and what tokens begin with.
pub(crate) fn begun() -> impl Strategy<Value = String> {
    let literals = Scanner::patterns().flat_map(|(literals, _)| literals.iter().copied());
    let words = [
        "password",
        "passwd: ",
        "api_key",
        "secret is ",
        "token",
        "my name is ",
        "Mr. ",
        "born in",
        "Authorization: Bearer ",
        "-----BEGIN",
        "user@",
        "http://",
        "//user:",
        "[at]",
        "ABCDEFGHIJKL",
        "abcdefghijklm",
        "aGVsbG",
        "seed phrase: abandon ability able about ",
        "configuration",
        "\\u",
        "&#",
        "=",
        "%",
    ];
    let all: Vec<&str> = literals.chain(words).collect();
    (prop::sample::select(all), 0_usize..40)
        .prop_map(|(text, cut)| text.chars().take(cut).collect())
}

pub(crate) fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::String),
        2 => (0_u64..1_000_000).prop_map(|number| json!(number)),
        1 => prop::sample::select(vec![4111_u64, 1111, 41_111_111, 11_111_111, 4, 1])
            .prop_map(|number| json!(number)),
        1 => any::<u64>().prop_map(|number| json!(number)),
        1 => (-1e6..1e6_f64).prop_map(|number| json!((number * 100.0).round() / 100.0)),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn what_is_told_quiet_gives_no_finding(documents in prop::collection::vec(document(), 1..4)) {
        let scanner = SCANNER.with(std::clone::Clone::clone);
        for document in documents {
            prop_assert_eq!(scanner.scan_json(&document), scanner.scan_json_in_full(&document));
        }
    }
}

/// The same with strings that are long enough to be remembered.
fn long_documents() -> impl Strategy<Value = Value> {
    const PROSE: &str = "the order of the twelfth line was changed by who asked for it, and nobody else has \
        seen what came of it but those who had been there before, so they say";
    fn longer(value: &Value, ends: bool) -> Value {
        match value {
            Value::String(text) if ends => Value::String(format!("{text} {PROSE}")),
            Value::String(text) => Value::String(format!("{PROSE} {text}")),
            Value::Array(items) => items.iter().map(|item| longer(item, ends)).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let longer = members.enumerate().map(|(at, (name, member))| {
                    (name.clone(), if at % 3 == 2 { member.clone() } else { longer(member, ends) })
                });
                Value::Object(longer.collect())
            }
            other => other.clone(),
        }
    }
    (document(), any::<bool>()).prop_map(|(document, ends)| longer(&document, ends))
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn what_came_before_is_found_each_time(documents in prop::collection::vec(long_documents(), 1..4)) {
        let scanner = SCANNER.with(std::clone::Clone::clone);
        for _ in 0..4 {
            for document in &documents {
                prop_assert_eq!(scanner.scan_json(document), scanner.scan_json_in_full(document));
            }
        }
    }
}

#[test]
fn what_came_before_is_not_looked_at_again() {
    let scanner = scanner();
    let prose = "who asks how many of the lines were changed ".repeat(8);
    let code = format!("{prose} and keeps it at https://one.test/two/123 or in \\x41");
    for text in [&prose, &code] {
        let tape = Tape::of(&json!({ "role": "user", "content": text, "more": ["x", text] }));
        let looked_at = |tape: &Tape| {
            let quiet = scanner.glance(tape);
            let parts = quiet.recalled.parts.iter().map(|part| part.len()).sum::<usize>();
            scanner.redact_glanced(quiet, &Judge::default(), crate::Direction::Request);
            parts
        };
        // The first time nothing is known of it, the second time nothing but that it came before.
        let parts: Vec<usize> = (0..3).map(|_| looked_at(&tape)).collect();
        assert_eq!(parts[..2], [tape.written.len(); 2]);
        assert!(parts[2] < 64, "{parts:?} of {}", tape.written.len());
        // One byte more is another string, and so is one of another name.
        let other = json!({ "role": "user", "content": format!("{text}.") });
        assert!(looked_at(&Tape::of(&other)) > text.len());
        assert!(looked_at(&Tape::of(&json!({ "password": text }))) > text.len());
    }
}

#[test]
fn what_comes_to_be_known_is_found_where_it_was_not_before() {
    let fetched = Arc::new(Fetched::new(*b"0123456789abcdef"));
    let mut known = Known::default();
    known.set_fetched(Arc::clone(&fetched));
    let scanner = Scanner::new().unwrap().with_known(Arc::new(known));
    let value = "wrong-mule-charger-nail";
    let text = format!("{} {value}", "who asks how many of the lines were changed ".repeat(8));
    let document = json!({ "content": text });
    for _ in 0..4 {
        assert_eq!(scanner.scan_json(&document), []);
    }
    fetched.add("token".into(), value.as_bytes()).unwrap();
    for _ in 0..4 {
        assert_eq!(scanner.scan_json(&document).len(), 1);
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn a_text_told_quiet_gives_no_finding(
        texts in prop::collection::vec(text(), 1..4),
        between in prop::sample::select(vec!["", " ", ", ", "/", "; ", "-"]),
    ) {
        let scanner = SCANNER.with(std::clone::Clone::clone);
        let text = texts.join(between);
        if super::is_quiet(&scanner.surveyor, text.as_bytes()) {
            prop_assert_eq!(scanner.scan(text.as_bytes()), Vec::new());
        }
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn what_counts_is_found_whatever_else_is(
        texts in prop::collection::vec(text(), 1..5),
        between in prop::sample::select(vec!["", " ", "\", \"", "-"]),
        joint in any::<bool>(),
    ) {
        let scanner = SCANNER.with(std::clone::Clone::clone);
        let text = texts.join(between);
        let joints = if joint { vec![texts[0].len()] } else { Vec::new() };
        let look = |heed| {
            let window = Window { heed, joints: &joints, ..Window::whole(text.as_bytes()) };
            scanner.surveyor.plain(&window)
        };
        let secrets = |survey: &Survey| {
            let counts = |hit: &&Hit| Bond::Weak.accepts(hit);
            let told = |hit: &Hit| format!("{} {:?} {:?}", hit.detector.as_str(), hit.secret, hit.grade);
            survey.hits.iter().filter(counts).map(told).collect::<Vec<_>>()
        };
        let all = look(Heed::All);
        prop_assert_eq!(secrets(&all), secrets(&look(Heed::Secrets)));
        let pieces = look(Heed::Pieces);
        prop_assert_eq!((all.pieces, all.tokens), (pieces.pieces, pieces.tokens));
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn what_may_go_is_neither_found_nor_held(
        texts in prop::collection::vec(prop_oneof![text(), begun()], 1..6),
        between in prop::sample::select(vec!["", " ", ", ", "/", "; ", "-", ": ", "\n"]),
        cut in 0_usize..40,
    ) {
        let scanner = SCANNER.with(std::clone::Clone::clone);
        let text = texts.join(between);
        let length = text.len().saturating_sub(cut);
        let text = &text.as_bytes()[..length];
        let window = Window { ended: false, streamed: true, ..Window::whole(text) };
        if super::may_go(&scanner.surveyor, &window, 0) {
            let survey = scanner.surveyor.survey(&window);
            prop_assert_eq!(survey.hits.len(), 0);
            prop_assert_eq!(survey.open(Patience::Eager), length);
        }
    }
}

/// Strings that begin secrets or go on with them, in lists and objects.
fn pieces() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => begun().prop_map(Value::String),
        1 => text().prop_map(Value::String),
        1 => any::<u64>().prop_map(|number| json!(number)),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-z/~]{0,3}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn what_is_remembered_of_a_tape_is_what_is_of_its_tree(
        calls in prop::collection::vec(pieces(), 1..5),
        cut in 4_usize..30,
    ) {
        let scanner = SCANNER.with(std::clone::Clone::clone);
        let judge = Judge::default();
        let limits = MemoryLimits { seconds: 60, bytes: 4096, pairs: 4 };
        let (trees, tapes, parts) = (Memory::new(limits), Memory::new(limits), Memory::new(limits));
        // A token in two pieces among them, so that something is completed.
        let (one, two) = "ghp_abcd1234efgh5678ijkl9012mnop3456qrst".split_at(cut);
        let pieces = [json!({ "a": [1, { "/": one }] }), json!({ "b": { "c": [two] } })];
        for call in calls.iter().chain(&pieces) {
            let engine = (&*scanner, &judge);
            let acted = trees.look(engine, ("a", "x"), call, 0);
            let alone = Tape::of(call);
            let quiet = scanner.glance(&alone);
            let all = DocumentPart::default();
            prop_assert_eq!(&acted, &tapes.look_at(engine, ("a", "x"), (&quiet, &all), 0));
            let within = Tape::of(&json!({ "before": "gh", "call": call, "behind": ["sk-"] }));
            let part = within.root().get("call").unwrap().part();
            let quiet = scanner.glance(&within);
            prop_assert_eq!(&acted, &parts.look_at(engine, ("a", "x"), (&quiet, &part), 0));
        }
    }
}

thread_local! {
    pub(crate) static SCANNER: std::rc::Rc<Scanner> = std::rc::Rc::new(scanner());
}

/// It knows a value, which stands in some texts.
fn scanner() -> Scanner {
    let mut values = Values::new(b"0123456789abcdef");
    values.add(Secret::Own, "own".into(), KNOWN.as_bytes()).unwrap();
    let mut known = Known::default();
    known.set_values(values);
    Scanner::new().unwrap().with_known(Arc::new(known))
}

const KNOWN: &str = "correct horse battery";
