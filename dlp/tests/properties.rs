//! What holds for every text: a stream equals its whole, redaction twice is redaction once, JSON
//! stays JSON, nothing panics.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;
use tollgate_dlp::{
    Acted, Action, Deltas, Direction, Grade, Judge, JudgeRule, JudgeSettings, Means, Scanner,
    TextStream,
};

static SCANNER: LazyLock<Arc<Scanner>> = LazyLock::new(|| Arc::new(Scanner::new().unwrap()));

/// Redacts whatever is found.
fn judge() -> Judge {
    let all = JudgeRule::new(vec!["*".to_owned()], None, Action::Redact);
    Judge::new(Grade::Possible, vec![all]).unwrap()
}

/// Masks, tokens and prints of whatever is found.
fn others() -> Vec<Judge> {
    [Action::Mask, Action::Tokenise, Action::Hash]
        .map(|action| {
            Judge::with(JudgeSettings {
                minimum: Grade::Possible,
                rules: vec![JudgeRule::new(vec!["*".to_owned()], None, action)],
                means: Means::new(b"a key of tests"),
                ..JudgeSettings::default()
            })
            .unwrap()
        })
        .to_vec()
}

/// Secrets, things like secrets, and what stands around them. Tokens are put together here, so
/// that none is written out.
fn piece() -> impl Strategy<Value = String> {
    let word = "[a-zA-Z0-9]{36}";
    prop_oneof![
        4 => "[ \\n.,:;=\"'@/\\\\\\[\\]{}<>-]{1,3}",
        3 => "[a-z]{1,8}",
        2 => "[0-9]{1,17}",
        2 => word.prop_map(|body| format!("ghp_{body}")),
        1 => "[a-zA-Z0-9]{1,50}".prop_map(|body| format!("sk-ant-{body}")),
        1 => "[A-Z0-9]{15,17}".prop_map(|body| format!("AKIA{body}")),
        1 => "[a-zA-Z0-9_-]{8,24}".prop_map(|body| format!("eyJhbGciOiJIUzI1NiJ9.eyJ{body}.{body}")),
        2 => Just("password".to_owned()),
        1 => Just("api_key = '".to_owned()),
        1 => Just("\"token\": \"".to_owned()),
        1 => Just("<secret>".to_owned()),
        1 => Just("Authorization: Bearer ".to_owned()),
        1 => Just("https://user:".to_owned()),
        1 => Just("bob.smith@example.com".to_owned()),
        1 => Just("4111 1111 1111 1111".to_owned()),
        1 => "(\\+|00|\\()?[0-9]{1,4}[ ).-]{1,2}[0-9]{3,4}[ -]?[0-9]{0,4}",
        1 => "(phone|tel|mobile|call|ip|mac|wallet)[: =]{1,2}",
        1 => "[0-9a-f]{0,4}(:[0-9a-f]{0,4}){1,7}(/[0-9]{1,3})?",
        1 => "[0-9]{1,3}(\\.[0-9]{1,3}){2,4}",
        1 => "(([0-9A-F]{2}[:-]){5}|([0-9A-F]{4}\\.){2})[0-9A-F]{2,4}",
        1 => "[a-z]{1,6} ?[\\[(](at|@)[\\])] ?[a-z]{1,6}(\\.| ?[\\[(]dot[\\])] ?)[a-z]{2,4}",
        1 => Just("+447700900123".to_owned()),
        1 => "(Mr\\. |my name is |Name: |first_name=|Hi |Dear |regards,\n)([A-Z][a-z]{0,6}[ ,.]){0,3}",
        1 => "(born|DOB:|date_of_birth=) ?[0-9]{1,4}[-/. ]([0-9]{1,2}|May)[-/. ][0-9]{1,4}",
        1 => "[0-9]{1,5} ([A-Z][a-z]{1,6} ){1,3}(Street|Road|Apt\\. [0-9]{1,3})[ ,\n]{1,2}[0-9]{0,6}",
        1 => "(address is |lives at |corner of |PO Box |APO A)[A-Z0-9][a-z0-9]{0,6} [0-9]{1,5}",
        1 => "([A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|zip [0-9]{4,6}|PLZ [0-9]{5})",
        1 => "gps:? -?[0-9]{1,2}\\.[0-9]{3,6}, ?-?[0-9]{1,3}\\.[0-9]{3,6}",
        1 => Just("seed abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about".to_owned()),
        1 => Just("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa".to_owned()),
        1 => Just("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".to_owned()),
        1 => Just("3782-822463-10005".to_owned()),
        1 => Just("ssn 123-45-6789".to_owned()),
        1 => Just("GB82 WEST 1234 5698 7654 32".to_owned()),
        3 => identifier(),
        1 => Just("-----BEGIN RSA PRIVATE KEY-----\n".to_owned()),
        1 => Just("-----BEGIN PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA".to_owned()),
        1 => Just("-----END RSA PRIVATE KEY-----".to_owned()),
        1 => Just("\" + \"".to_owned()),
        2 => prop::sample::select(vec![
            "adafruit_key = ", "ADAFRUIT", "clockify ACCESS ", "box: ", "linear token", "heroku",
            "the password is ", "'''", "&quot;", " value=\"", "IDENTIFIED BY '", "\u{ff1a}",
            "\u{5bc6}\u{7801}", "curl -u a:", "tgram://", "APIFY_TOKEN=apify_api_", "glpat-",
        ]).prop_map(str::to_owned),
        1 => "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
        2 => "[a-z0-9]{32}",
        1 => Just("[REDACTED]".to_owned()),
        1 => Just("[REDACTED-GITHUB-TOKEN]".to_owned()),
        1 => Just("[REDAC".to_owned()),
        1 => Just("é".to_owned()),
        1 => Just("😅".to_owned()),
        1 => "[A-Za-z0-9+/]{40,90}",
    ]
}

/// Identifiers, in groups and without, and words for them.
fn identifier() -> impl Strategy<Value = String> {
    let written = prop::sample::select(vec![
        "DE 136 695 976",
        "CHE-116.281.710 TVA",
        "KA EF 12H",
        "HRB 123456",
        "943-476-5870",
        "130 692 544",
        "2341 2341 2346",
        "44051401458",
        "078051121",
        "131052-308T",
        "RCCMNL83S18D969H",
        "A494866(4)",
        "Q803337[0",
        "4EF6GH8JK12",
        "%B4111111111111111^DOE/JOHN^25121010000000?",
        ";4111111111111111=2512101",
        "DEUTDEFF500",
    ]);
    let word = prop::sample::select(vec![
        "tax id ",
        "VAT number: ",
        "passport ",
        "\"text\": \"",
        "swift: ",
        "NHS ",
        "d=",
        " är mitt pnr",
        "steuerId",
        " HTTP/1.1",
        "ИНН ",
    ]);
    prop_oneof![3 => written, 2 => word].prop_map(str::to_owned)
}

/// The same, written in another way than it is meant, and apart from what stands beside it.
fn encoded() -> impl Strategy<Value = String> {
    let word = "[a-zA-Z0-9]{36}";
    let piece = prop_oneof![
        1 => word.prop_map(|body| STANDARD.encode(format!("ghp_{body}"))),
        1 => word.prop_map(|body| URL_SAFE_NO_PAD.encode(format!("token = ghp_{body}"))),
        1 => "[a-z0-9]{8}".prop_map(|body| format!("%70%61ss%77ord%3D{body}")),
        1 => word.prop_map(|body| format!("\\u0067hp_{body}")),
        1 => word.prop_map(|body| format!("&#103;hp_{body}")),
        1 => word.prop_map(|body| format!("gh\u{200b}p_{body}")),
        1 => Just("\u{ff11}\u{ff12} and %2 and é".to_owned()),
    ];
    piece.prop_map(|piece| format!(", {piece} ;"))
}

/// Words, numbers and things encoded.
fn written() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z]{1,8} ",
        1 => "[0-9]{1,17}, ",
        3 => encoded(),
        1 => Just("\n".repeat(3) + &"words between them ".repeat(8)),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..14).prop_map(|pieces| pieces.concat())
}

/// The same pieces, so far from each other that none is glued to a mask or a token, or told by a
/// word before it.
fn apart() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..14)
        .prop_map(|pieces| pieces.join(&format!("\n{}\n", "and so on ".repeat(8))))
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..12)
}

fn chunks<'t>(text: &'t [u8], cuts: &[prop::sample::Index]) -> Vec<&'t [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn classes(acted: &[Acted]) -> Vec<(&str, usize)> {
    acted.iter().map(|acted| (acted.finding.detector.as_str(), acted.finding.start)).collect()
}

fn streamed(judge: &Judge, chunks: &[&[u8]]) -> (Vec<u8>, Vec<Acted>) {
    let judge = Arc::new(judge.clone());
    let mut stream = TextStream::new(Arc::clone(&SCANNER), judge, Direction::Answer);
    let mut out = Vec::new();
    let mut acted = Vec::new();
    for chunk in chunks {
        acted.extend(stream.push(chunk, &mut out));
    }
    acted.extend(stream.finish(&mut out));
    assert!(!stream.holding());
    (out, acted)
}

fn check_stream(
    text: &str,
    cuts: &[prop::sample::Index],
    judge: &Judge,
) -> Result<(), TestCaseError> {
    let (whole, all) = streamed(judge, &[text.as_bytes()]);
    let (out, acted) = streamed(judge, &chunks(text.as_bytes(), cuts));
    prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole));
    prop_assert_eq!(classes(&acted), classes(&all));
    Ok(())
}

/// The check digit of a card number without it.
fn luhn(number: u64) -> u64 {
    let (mut rest, mut sum, mut doubles) = (number, 0, true);
    while rest > 0 {
        let digit = rest % 10;
        sum += if doubles { digit * 2 / 10 + digit * 2 % 10 } else { digit };
        (rest, doubles) = (rest / 10, !doubles);
    }
    (10 - sum % 10) % 10
}

/// The same cases in every run, so that what fails is the change at hand; `PROPTEST_RNG_SEED` and
/// `PROPTEST_CASES` look further.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(7),
        given => given,
    };
    let cases = if default.cases == 256 { 1000 } else { default.cases };
    ProptestConfig { cases, rng_seed: seed, failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_equals_its_whole(text in text(), cuts in cuts()) {
        check_stream(&text, &cuts, &judge())?;
        check_stream(&text, &cuts, &Judge::default())?;
    }

    #[test]
    fn a_stream_of_single_bytes_equals_its_whole(text in text()) {
        let every: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let (whole, all) = streamed(&judge(), &[text.as_bytes()]);
        let (out, acted) = streamed(&judge(), &every);
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole));
        prop_assert_eq!(classes(&acted), classes(&all));
    }

    #[test]
    fn a_stream_of_things_encoded_equals_its_whole(text in written(), cuts in cuts()) {
        check_stream(&text, &cuts, &judge())?;
        check_stream(&text, &cuts, &Judge::default())?;
        let every: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let (whole, _) = streamed(&judge(), &[text.as_bytes()]);
        prop_assert_eq!(streamed(&judge(), &every).0, whole);
    }

    #[test]
    fn redaction_of_things_encoded_leaves_nothing(text in written()) {
        for judge in [judge(), Judge::default()] {
            let once = SCANNER.redact(&text, &judge, Direction::Request).text.into_owned();
            let twice = SCANNER.redact(&once, &judge, Direction::Request);
            let changed = twice.acted.iter().filter(|acted| acted.action.edits()).count();
            prop_assert_eq!(changed, 0, "{:?} became {:?}", text, once);
        }
    }

    #[test]
    fn redaction_is_idempotent_and_leaves_nothing(text in text()) {
        for judge in [judge(), Judge::default()] {
            let once = SCANNER.redact(&text, &judge, Direction::Request).text.into_owned();
            let twice = SCANNER.redact(&once, &judge, Direction::Request);
            // What is only told is told again.
            let changed = twice.acted.iter().filter(|acted| acted.action.edits()).count();
            prop_assert_eq!(changed, 0, "{:?} became {:?}", text, once);
            prop_assert_eq!(&twice.text, &once);
        }
    }

    #[test]
    fn masks_tokens_and_prints_are_not_found_again(text in apart(), cuts in cuts()) {
        for judge in others() {
            let once = SCANNER.redact(&text, &judge, Direction::Request).text.into_owned();
            let twice = SCANNER.redact(&once, &judge, Direction::Request);
            prop_assert_eq!(&twice.text, &once, "{:?}", text);
            prop_assert_eq!(twice.acted.len(), 0, "{:?} became {:?}", text, once);
            check_stream(&text, &cuts, &judge)?;
            check_stream(&once, &cuts, &judge)?;
        }
    }

    #[test]
    fn documents_stay_documents_under_every_action(
        texts in prop::collection::vec(apart(), 3),
        number in any::<u64>(),
        card in 400_000_000_000_000_u64..499_999_999_999_999,
    ) {
        for judge in others() {
            let mut value = serde_json::json!({
                "password": &texts[0], "a": [&texts[1], number], "card": card * 10 + luhn(card),
                &texts[2]: 1,
            });
            SCANNER.redact_json(&mut value, &judge, Direction::Request);
            let before = value.clone();
            let again = SCANNER.redact_json(&mut value, &judge, Direction::Request);
            prop_assert!(again.is_empty(), "{:?}: {} became {}", again, before, value);
        }
    }

    #[test]
    fn findings_are_sorted_apart_and_within(text in text()) {
        let findings = SCANNER.scan(text.as_bytes());
        let mut end = 0;
        for finding in &findings {
            prop_assert!(finding.start >= end && finding.start < finding.end);
            prop_assert!(text.is_char_boundary(finding.start) && text.is_char_boundary(finding.end));
            end = finding.end;
        }
        prop_assert!(end <= text.len());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), cuts in cuts()) {
        let _ = SCANNER.scan(&bytes);
        let (out, _) = streamed(&judge(), &chunks(&bytes, &cuts));
        let (whole, _) = streamed(&judge(), &[&bytes]);
        prop_assert_eq!(out, whole);
    }

    #[test]
    fn documents_stay_documents_and_come_out_clean(
        names in prop::collection::vec(prop_oneof![text(), Just("password".to_owned())], 3),
        texts in prop::collection::vec(text(), 4),
        number in any::<u64>(),
    ) {
        let mut value = serde_json::json!({
            &names[0]: &texts[0],
            &names[1]: [&texts[1], number, { &names[2]: &texts[2] }],
            "n": { "m": &texts[3] },
        });
        let members = value.as_object().unwrap().len();
        let first = SCANNER.redact_json(&mut value, &judge(), Direction::Answer);
        prop_assert_eq!(value.as_object().unwrap().len(), members);
        let again = SCANNER.scan_json(&value);
        prop_assert!(again.is_empty(), "{:?} after {:?}: {}", again, first, value);
    }

    #[test]
    fn deltas_keep_events_and_hide_tokens(
        before in "[a-o ]{0,12}",
        body in "[a-zA-Z0-9]{36}",
        after in "[ ,][a-z ]{0,12}",
        cuts in cuts(),
    ) {
        let token = format!("ghp_{body}");
        let text = format!("{before} {token}{after}");
        let mut deltas = Deltas::new(Arc::clone(&SCANNER), Arc::new(judge()), Direction::Answer);
        let mut released: Vec<(Value, Vec<Acted>)> = Vec::new();
        let mut sent = 0;
        for chunk in chunks(text.as_bytes(), &cuts) {
            let piece = std::str::from_utf8(chunk).unwrap();
            let event = serde_json::json!({"choices": [{"index": 0, "delta": {"content": piece}}]});
            released.extend(deltas.push(event, false));
            released.extend(deltas.push(serde_json::json!({"type": "ping"}), false));
            sent += 2;
        }
        released.extend(deltas.flush());
        prop_assert!(!deltas.holding());
        prop_assert_eq!(released.len(), sent);
        let joined: String = released
            .iter()
            .filter_map(|(event, _)| event.pointer("/choices/0/delta/content")?.as_str())
            .collect();
        prop_assert!(!joined.contains(&body), "{}", joined);
        prop_assert_eq!(joined.matches("[REDACTED-GITHUB-TOKEN]").count(), 1, "{}", joined);
        prop_assert!(joined.starts_with(&before) && joined.ends_with(&after));
        prop_assert_eq!(released.iter().map(|(_, acted)| acted.len()).sum::<usize>(), 1);
    }
}

/// What other seeds and the fuzzer found once: a block that was cut in its last line, a sign that
/// something behind it made telling, and a run whose beginning was too short to be one.
#[test]
fn streams_that_differed_once_are_their_whole() {
    let token = format!("ghp_Z7ELSZgnu18FMTahov29GNUbipw3{}", "AHOVcjqx");
    let packed = {
        use std::io::Read as _;
        let text = format!("As we said, here it is:\n{token}\nAnd that is all of it.\n");
        let mut out = Vec::new();
        let level = flate2::Compression::new(2);
        flate2::read::DeflateEncoder::new(text.as_bytes(), level).read_to_end(&mut out).unwrap();
        STANDARD.encode(out)
    };
    let texts = [
        "born0-0-0ИНН -----BEGIN PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA00000aaa-a0aa-a0a0-000a-00a0a000a0aa-----END RSA PRIVATE KEY-----a".to_owned(),
        "Authorization: Bearer aa,  +447700900123=\n:".to_owned(),
        "：4111 1111 1111 1111}eyJhbGciOiJIUzI1NiJ9.eyJAA0Aa-a0.AA0Aa-a0".to_owned(),
        format!("As we said, here it is:\n{packed}\nAnd that is all of it.\n"),
    ];
    for text in texts {
        let (whole, all) = streamed(&judge(), &[text.as_bytes()]);
        for length in 1..60 {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(length).collect();
            let (out, acted) = streamed(&judge(), &pieces);
            assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole), "{length}");
            assert_eq!(classes(&acted), classes(&all), "{length}");
        }
    }
}

/// What another seed found once: what stood in the place of a finding made one of its neighbour.
#[test]
fn texts_that_were_redacted_in_two_steps_are_in_one() {
    let words = "and so on ".repeat(8);
    let texts = ["AA-A0:AA-A0:AA-00", ":::/0", "a:::/0", "::/000", "gps 1.000, 10.000"];
    for text in texts.map(|text| format!("{words}\n{text}\n{words}")) {
        for judge in others().into_iter().chain([judge()]) {
            let once = SCANNER.redact(&text, &judge, Direction::Request);
            let inside = |acted: &Acted| acted.finding.end <= text.len();
            assert!(once.acted.iter().all(inside), "{:?}", once.acted);
            let twice = SCANNER.redact(&once.text, &judge, Direction::Request);
            assert_eq!(twice.text, once.text);
        }
    }
}
