//! What is known is found, whole or as it streams, and stands in no file.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;
use tollgate_dlp::known::{
    Column, DocumentBuilder, DocumentIndex, Fetched, Form, IndexError, Known, KnownKey,
    RecordBuilder, RecordIndex, RecordUse, Secret, ValueError, Values,
};
use tollgate_dlp::{
    Action, Direction, Grade, Judge, JudgeRule, JudgeSettings, Scanner, TextStream,
};

const KEY: &[u8] = b"a key that is long enough for a test";

fn key() -> KnownKey {
    KnownKey::derive(KEY).unwrap()
}

fn columns() -> Vec<Column> {
    let column = |name: &str, form| Column { name: name.to_owned(), form };
    vec![
        column("email", Form::Email),
        column("card", Form::Digits),
        column("name", Form::Words),
        column("street", Form::Words),
        column("customer", Form::Exact),
        column("iban", Form::Code),
    ]
}

const ROWS: [[&str; 6]; 5] = [
    [
        "zoe.mueller@kunde.example",
        "9000 1111 2222 3333",
        "Zoë Müller-Lüdenscheidt",
        "Lange Straße 12",
        "KD-0042/7",
        "XX99 0000 1111 2222 33",
    ],
    ["o'b@x.example", "90001111", "Conor O'Brien", "1 Main St", "KD-0043/1", "ZZ11ABCD2222"],
    ["", "900055556666", "Anna", "Am Ring 5", "77-AB-99812", ""],
    ["anna@other.example", "900055557777", "Anna", "Am Ring 7", "77-AB-99813", "x"],
    ["", "", "Örn Åberg", "Ängsvägen 8", "", ""],
];

fn index() -> RecordIndex {
    let mut builder = RecordBuilder::new(&key(), columns()).unwrap();
    ROWS.iter().for_each(|row| builder.row(row.iter().copied()));
    let (stats, file) = builder.write();
    assert_eq!((stats.rows, stats.cells + stats.skipped), (5, 30));
    for cell in ROWS.iter().flatten().filter(|cell| cell.len() > 3) {
        let cell = cell.as_bytes();
        assert!(file.windows(cell.len()).all(|part| !part.eq_ignore_ascii_case(cell)));
    }
    RecordIndex::read(&file, &key()).unwrap()
}

/// A long value, which is looked for in pieces.
fn own() -> String {
    (0..30).map(|at| format!("{}/Ow+{}", at * at, at * 7 % 11)).collect()
}

static PASSAGE: LazyLock<String> = LazyLock::new(passage);

fn passage() -> String {
    let words = [
        "merger",
        "target",
        "Northwind",
        "price",
        "per",
        "share",
        "closing",
        "board",
        "approval",
        "escrow",
        "covenant",
        "indemnity",
        "quarter",
        "synergies",
        "headcount",
    ];
    (0..300).map(|at| format!("{}{} ", words[at * 7 % 15], words[at * at % 15])).collect()
}

fn known(together: usize) -> Known {
    let mut known = Known::default();
    known.add_records(index(), RecordUse { together, ..RecordUse::named("customers") }).unwrap();
    let mut builder = DocumentBuilder::new(&key());
    assert!(builder.add("merger.txt", passage().as_bytes()) > 40);
    let (_, file) = builder.write();
    known.add_documents(DocumentIndex::read(&file, &key()).unwrap(), "secret-papers", 4);
    let mut values = Values::new(b"0123456789abcdef");
    values.add(Secret::Canary, "bait".into(), b"cnry-7731-Plumbago-91").unwrap();
    values.add(Secret::Own, "admin-token".into(), own().as_bytes()).unwrap();
    known.set_values(values);
    known
}

/// Class and text of what is found.
fn found<'t>(scanner: &Scanner, text: &'t str) -> Vec<(String, &'t str)> {
    let findings = scanner.scan(text.as_bytes());
    let known = findings.into_iter().filter(|finding| finding.class.family() == "known");
    known.map(|f| (f.class.as_str().to_owned(), &text[f.start..f.end])).collect()
}

#[test]
fn cells_are_found_alone_or_together() {
    let scanner = &SCANNERS[2];
    let record = |text: &'static str| ("known.record".to_owned(), text);
    let cases: [(&str, &[&str]); 17] = [
        ("örn åberg, Ängsvägen 8", &["örn åberg", "Ängsvägen 8"]),
        ("write to Zoe.Mueller@KUNDE.example.", &["Zoe.Mueller@KUNDE.example"]),
        ("to zoe.mueller@kunde.example.org", &[]),
        ("card 9000-1111-2222-3333!", &["9000-1111-2222-3333"]),
        ("card 9000111122223333!", &["9000111122223333"]),
        ("1 9000 1111 2222 3333 4", &["9000 1111 2222 3333"]),
        ("90001111222233334", &[]),
        ("iban xx99000011112222 33", &["xx99000011112222 33"]),
        ("Zoë Müller-Lüdenscheidt alone", &[]),
        ("Zoë MÜLLER Lüdenscheidt, LANGE STRASSE 12", &[]),
        (
            "Zoë MÜLLER Lüdenscheidt, lange straße 12",
            &["Zoë MÜLLER Lüdenscheidt", "lange straße 12"],
        ),
        ("Anna lives at Am Ring 5", &["Anna", "Am Ring 5"]),
        ("Anna and Conor O'Brien", &[]),
        ("Anna, Am Ring [REDACTED] 5", &[]),
        ("conor o brien (1 Main-St)", &["conor o brien", "1 Main-St"]),
        ("KD-0042/7", &[]),
        ("KD-0042/7 for Zoë Müller Lüdenscheidt", &["KD-0042/7", "Zoë Müller Lüdenscheidt"]),
    ];
    for (text, expect) in cases {
        let found: Vec<_> = found(scanner, text).into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, expect, "{text}");
    }
    assert_eq!(found(scanner, "9000111122223333"), [record("9000111122223333")]);
    let far = format!("Anna {} Am Ring 5", "x ".repeat(200));
    assert!(found(scanner, &far).is_empty());
    assert!(found(scanner, "xAnna Am Ring 5").is_empty());
}

#[test]
fn rows_of_a_document_stand_in_several_strings() {
    let scanner = &SCANNERS[2];
    let mut value = json!({
        "customer": {"first": "Anna", "address": {"line": "Am Ring 5"}},
        "other": {"first": "Conor", "address": {"line": "Am Ring 7"}},
    });
    let acted = scanner.redact_json(&mut value, &Judge::default(), Direction::Answer);
    assert_eq!(acted.len(), 3, "{acted:?}");
    assert_eq!(value["customer"]["first"], "[REDACTED:RECORD]");
    assert_eq!(value["customer"]["address"]["line"], "[REDACTED:RECORD]");
    assert_eq!(value["other"]["first"], "Conor");
}

#[test]
fn passages_values_and_their_spellings_are_found() {
    let scanner = &SCANNERS[2];
    let whole = passage();
    let classes = |text: &str| -> Vec<String> {
        found(scanner, text).into_iter().map(|(class, _)| class).collect()
    };
    for at in (0..whole.len() - 700).step_by(37) {
        let copied = whole[at..at + 300].replace(' ', ",\n  ").to_uppercase();
        let text = format!("a note: {copied} and so on");
        assert_eq!(classes(&text).first().map(String::as_str), Some("known.document"), "{at}");
        assert!(classes(&format!("a note: {} end", &whole[at..at + 40])).is_empty());
    }
    let canary = "cnry-7731-Plumbago-91";
    let hex: String = canary.bytes().map(|byte| format!("{byte:02X}")).collect();
    for text in [canary.to_owned(), format!("x{canary}y"), hex] {
        assert_eq!(classes(&text), ["known.canary"], "{text}");
    }
    let own = own();
    assert_eq!(classes(&own[..60]), ["known.own_secret"]);
    let findings = scanner.scan(canary.as_bytes());
    assert_eq!((findings[0].detector.as_str(), findings[0].grade), ("bait", Grade::Certain));
    let shown = format!("{:?} {findings:?}", known(2));
    assert!(!shown.contains("Plumbago"));
}

#[test]
fn credentials_stay_whatever_rules_say() {
    const VALUE: &str = "wq-81x-Harbour/77+Zt";
    const STAND_IN: &str = "tollgate-github";
    let mut values = Values::new(b"0123456789abcdef");
    values.add(Secret::Credential, "github".into(), VALUE.as_bytes()).unwrap();
    let mut known = Known::default();
    known.set_values(values);
    let everywhere = Scanner::new().unwrap().with_known(Arc::new(known));
    let mut values = Values::new(b"0123456789abcdef");
    values.add(Secret::Placeholder, "github".into(), STAND_IN.as_bytes()).unwrap();
    let mut known = Known::default();
    known.set_values(values);
    let guard = Scanner::of_known(Arc::new(known)).unwrap();
    let rules = vec![JudgeRule::new(vec!["*".to_owned()], None, Action::Allow)];
    let judges = [
        Judge::default(),
        Judge::with(JudgeSettings { rules, ..JudgeSettings::default() }).unwrap(),
        Judge::with(JudgeSettings { observes: true, ..JudgeSettings::default() }).unwrap(),
    ];
    let base64 = |text: &str| {
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text.as_bytes())
    };
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let escaped = |text: &str| text.bytes().map(|b| format!("\\u{b:04x}")).collect::<String>();
    let forms = |text: &str| {
        vec![
            text.to_owned(),
            format!("Basic {}", base64(&format!("user:{text}"))),
            base64(&format!("xx{text}yy")),
            hex(text),
            percent(text),
            escaped(text),
            format!("{{\"token\": \"{text}\"}}"),
        ]
    };
    for judge in &judges {
        for text in forms(VALUE) {
            let out = everywhere.redact(&text, judge, Direction::Request);
            assert!(out.acted.iter().any(|acted| acted.action == Action::Block), "{text}");
            let back = everywhere.redact(&text, judge, Direction::Answer);
            assert_ne!(back.text, text);
            assert!(back.acted.iter().any(|acted| acted.action == Action::Redact), "{text}");
        }
        for text in forms(STAND_IN) {
            let found = guard.scan(text.as_bytes());
            let names: Vec<_> =
                found.iter().map(|one| (one.class.as_str(), one.detector.as_str())).collect();
            assert_eq!(names, [("known.placeholder", "github")], "{text}");
            assert_eq!(guard.redact(&text, judge, Direction::Request).text, text);
        }
    }
    assert!(guard.scan(b"bob@example.com password=hunter2hunter2 tollgate-githu").is_empty());
}

#[test]
fn fetched_values_are_known_at_once_and_not_for_ever() {
    let fetched = Arc::new(Fetched::new([7; 16]));
    let mut known = Known::default();
    known.set_fetched(Arc::clone(&fetched));
    let scanner = Scanner::of_known(Arc::new(known)).unwrap();
    let token = |nth: usize| -> String {
        let number = |at: usize| (nth * 1009 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..125).map(|at| format!("{:016X}", number(at))).collect::<String>() + "-Plumbago"
    };
    let knows = |nth: usize| !scanner.scan(format!("at {} end", token(nth)).as_bytes()).is_empty();
    assert!(!knows(0));
    let mut added = Vec::new();
    for nth in 0..250 {
        added.push(fetched.add("idp".into(), token(nth).as_bytes()).unwrap());
        assert!(knows(nth), "{nth}");
    }
    assert!(fetched.still_knows(added[249]) && fetched.still_knows(added[200]));
    assert!(!fetched.still_knows(added[0]) && !knows(0), "the first are forgotten");
    for (nth, added) in added.into_iter().enumerate().step_by(10) {
        assert_eq!(fetched.still_knows(added), knows(nth), "{nth}");
    }
    assert_eq!(fetched.add("idp".into(), b"short"), Err(ValueError::Short(5)));
    assert!(!format!("{fetched:?}").contains("Plumbago"));
}

#[test]
fn poor_values_are_refused() {
    let mut values = Values::new(b"0123456789abcdef");
    let mut add = |value: &[u8]| values.add(Secret::Own, "x".into(), value);
    assert_eq!(add(b"short12"), Err(ValueError::Short(7)));
    assert_eq!(add(b"----------------"), Err(ValueError::Plain));
    assert_eq!(add(b"[redacted-OWN-SECRET]"), Err(ValueError::Tag));
    assert!(values.is_empty());
}

#[test]
fn damaged_files_say_where() {
    let mut builder = RecordBuilder::new(&key(), columns()).unwrap();
    ROWS.iter().for_each(|row| builder.row(row.iter().copied()));
    let (_, file) = builder.write();
    let read = |file: &[u8]| RecordIndex::read(file, &key()).map(|_| ());
    assert!(read(&file).is_ok());
    for length in 0..file.len() {
        let error = read(&file[..length]).unwrap_err();
        assert!(matches!(error, IndexError::Foreign | IndexError::Short { .. }), "{error}");
    }
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        let error = read(&damaged).unwrap_err().to_string();
        assert!(error.contains("byte "), "{error}");
    }
    assert_eq!(read(&[&file[..], b"x"].concat()), Err(IndexError::Long(file.len())));
    let other = KnownKey::derive(b"another key, as long as needed").unwrap();
    assert!(matches!(RecordIndex::read(&file, &other), Err(IndexError::Key(..))));
    assert!(matches!(DocumentIndex::read(&file, &key()), Err(IndexError::Kind("documents"))));
    let how = RecordUse { alone: Some(vec!["mail".into()]), ..RecordUse::named("x") };
    let error = Known::default().add_records(index(), how).unwrap_err().to_string();
    assert!(error.starts_with("the index has no column `mail`, only `email`, `card`"), "{error}");
}

fn piece() -> impl Strategy<Value = String> {
    let cell = (0..5_usize, 0..6_usize).prop_map(|(row, column)| ROWS[row][column].to_owned());
    prop_oneof![
        6 => "[ ,.;:\"'(){}\\n@/-]{1,3}",
        4 => "[a-zé]{1,8}",
        2 => "[0-9]{1,5}",
        8 => cell,
        1 => (0..5_usize, 0..6_usize, 0..9_usize).prop_map(|(row, column, cut)| {
            ROWS[row][column].chars().skip(cut).collect()
        }),
        1 => "cnry-7731-Plumbago-91".prop_map(|text| text),
        1 => (0..150_usize).prop_map(|length| own()[..length].to_owned()),
        2 => (0..3000_usize, 0..400_usize)
            .prop_map(|(at, length)| PASSAGE[at..at + length].to_owned()),
        1 => "[a-zA-Z0-9]{36}".prop_map(|body| format!("ghp_{body}")),
        1 => prop::collection::vec("[\u{E0020}-\u{E007A}]{1,12}", 1..20).prop_map(|t| t.concat()),
        1 => (0..2000_usize).prop_map(|at| PASSAGE[at..at + 1200].to_uppercase()),
        1 => Just("[REDACTED:RECORD]".to_owned()),
        1 => Just("[REDAC".to_owned()),
        1 => Just("-----BEGIN RSA PRIVATE KEY-----\n".to_owned()),
        1 => Just("-----END RSA PRIVATE KEY-----".to_owned()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

/// One for each number of columns that count together.
static SCANNERS: LazyLock<Vec<Arc<Scanner>>> = LazyLock::new(|| {
    let scanner = |together| Scanner::new().unwrap().with_known(Arc::new(known(together)));
    (0..4).map(|together| Arc::new(scanner(together))).collect()
});

/// The same cases in every run, as in `properties.rs`.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(7),
        given => given,
    };
    let cases = if default.cases == 256 { 500 } else { default.cases };
    ProptestConfig { cases, rng_seed: seed, failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_equals_its_whole(
        text in text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        every in any::<bool>(),
        together in 0..4_usize,
    ) {
        let scanner = &SCANNERS[together];
        let judge = Arc::new(Judge::new(Grade::Possible, Vec::new()).unwrap());
        let mut stream = TextStream::new(Arc::clone(scanner), Arc::clone(&judge), Direction::Answer);
        let mut whole = Vec::new();
        let mut all = stream.push(text.as_bytes(), &mut whole);
        all.extend(stream.finish(&mut whole));
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        if every {
            places = (0..=text.len()).collect();
        }
        places.extend([0, text.len()]);
        places.sort_unstable();
        let mut stream = TextStream::new(Arc::clone(scanner), Arc::clone(&judge), Direction::Answer);
        let (mut out, mut acted) = (Vec::new(), Vec::new());
        for pair in places.windows(2) {
            acted.extend(stream.push(&text.as_bytes()[pair[0]..pair[1]], &mut out));
        }
        acted.extend(stream.finish(&mut out));
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole));
        let places = |acted: &[tollgate_dlp::Acted]| -> Vec<(String, usize)> {
            acted.iter().map(|a| (a.finding.detector.to_string(), a.finding.start)).collect()
        };
        prop_assert_eq!(places(&acted), places(&all));
        let whole = scanner.redact(&text, &judge, Direction::Answer);
        let again = scanner.redact(&whole.text, &judge, Direction::Answer);
        prop_assert_eq!(&again.text, &whole.text, "{:?}", text);
    }
}

proptest! {
    // Each builds a scanner.
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_is_found(
        rows in prop::collection::vec(("[a-z]{3,9}@[a-z]{2,9}\\.example", "[0-9]{8,19}", "[A-ZÄÖ][a-zß]{2,9} [A-ZÉ][a-z]{3,12}", "[A-Z]{2}-[0-9]{6}"), 1..30),
        before in "[a-z .,]{0,20} ",
        after in " [a-z .,]{0,20}",
    ) {
        let column = |name: &str, form| Column { name: name.to_owned(), form };
        let columns = vec![
            column("email", Form::Email),
            column("card", Form::Digits),
            column("name", Form::Words),
            column("id", Form::Exact),
        ];
        let mut builder = RecordBuilder::new(&key(), columns).unwrap();
        for (email, card, name, id) in &rows {
            builder.row([email.as_str(), card, name, id].into_iter());
        }
        let (stats, file) = builder.write();
        prop_assert_eq!(stats.skipped, 0);
        let all = ["email", "card", "name", "id"].map(str::to_owned).to_vec();
        let mut known = Known::default();
        let how = RecordUse { alone: Some(all), ..RecordUse::named("t") };
        known.add_records(RecordIndex::read(&file, &key()).unwrap(), how).unwrap();
        let scanner = Scanner::new().unwrap().with_known(Arc::new(known));
        for (email, card, name, id) in &rows {
            let spaced: Vec<String> = card.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
            let cells = [email.to_uppercase(), card.clone(), spaced.join(" "), name.to_lowercase(), id.clone()];
            for cell in cells {
                let text = format!("{before}{cell}{after}");
                let found = scanner.scan(text.as_bytes());
                prop_assert!(
                    found.iter().any(|f| f.start <= before.len() && f.end >= before.len() + cell.len()),
                    "{} in {:?}", cell, text
                );
            }
        }
    }
}
