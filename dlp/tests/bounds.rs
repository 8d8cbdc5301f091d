//! Little that says much, and much that says the same: what has no bound does not end here within
//! hours, or needs more memory than a machine has.
use serde_json::{Value, json};
use tollgate_dlp::{Direction, Grade, Judge, Scanner};

const BYTES: usize = 1 << 18;
/// 250,000 bytes of `1.1.1.…` in 33 bytes of zstd (RFC 8878), as base64.
const PACKED: &str = "KLUv/aCQ0AMAVAAAEDEuAQD7/+UOC0UAAAABAI3Q8gsE";
const UNREAD: &str = "[REDACTED:UNREAD]";

fn redacted(scanner: &Scanner, mut document: Value) -> (usize, Value) {
    let acted = scanner.redact_json(&mut document, &Judge::default(), Direction::Request);
    (acted.len(), document)
}

#[test]
fn what_is_packed_comes_out_within_what_its_text_may() {
    let scanner = Scanner::new().unwrap();
    let many = BYTES / PACKED.len();
    let (acted, document) = redacted(&scanner, json!(vec![PACKED; many]));
    assert_eq!(acted, many);
    assert_eq!(document, json!(vec![UNREAD; many]));
    // In one text, where each may take what the others have left.
    let (acted, document) = redacted(&scanner, json!({ "a": vec![PACKED; many].join(" ") }));
    assert!(acted > 0, "{acted}");
    assert!(!document.to_string().contains(PACKED));
}

#[test]
fn rows_without_an_end() {
    let scanner = Scanner::new().unwrap();
    for row in
        ["1.", "1-", "1 ", "1:", "1_", "x_key=1 ", "password=", "61 ", "1\n", "1.2.3.4 fe80::1 "]
    {
        let text = row.repeat(BYTES / row.len());
        scanner.scan(text.as_bytes());
        scanner.scan_json(&json!({ "a": text }));
    }
}

#[test]
fn more_than_can_be_told_is_unread() {
    const MANY: usize = 100_000;
    let scanner = Scanner::new().unwrap();
    let text = "a.b@example.de ".repeat(MANY);
    let findings = scanner.scan(text.as_bytes());
    let last = findings.last().unwrap();
    assert_eq!((last.class.as_str(), last.end), ("content.unread", text.len()));
    assert!(findings.len() < MANY, "{}", findings.len());
    let clean = scanner.redact(&text, &Judge::default(), Direction::Request).text;
    assert!(!clean.contains('@') && clean.ends_with(UNREAD));
    // In texts of their own: each is taken out, whether it is told or not.
    let (acted, document) = redacted(&scanner, json!(vec!["a.b@example.de"; MANY]));
    assert!(acted < MANY, "{acted}");
    assert_eq!(document, json!(vec!["[REDACTED:EMAIL]"; MANY]));
}

#[test]
fn a_number_is_what_it_is_however_it_is_written() {
    let scanner = Scanner::new().unwrap();
    for number in
        ["4111111111111111", "4.111111111111111e15", "41111111111111110e-1", "4111111111111111.5"]
    {
        let document: Value = serde_json::from_str(&format!("{{\"card\":{number}}}")).unwrap();
        let found = scanner.scan_json(&document);
        assert_eq!(found.len(), 1, "{number}");
        assert_eq!(found[0].class.as_str(), "pci.pan");
        assert!(found[0].grade >= Grade::Likely);
        let (_, clean) = redacted(&scanner, document);
        assert!(!clean.to_string().contains("4111"), "{clean}");
    }
    assert!(scanner.scan_json(&json!({ "ratio": 0.411_111_111_111_111_1 })).is_empty());
}

#[test]
fn a_long_token_is_taken_out_to_its_end() {
    let scanner = Scanner::new().unwrap();
    let tail = "q7Xw2Rb9Kd4Ts6Vn".repeat(75);
    for head in ["ops_eyJ", "ya29.", "sl.u.", "vk1.a.", "AQAAANCMnd8BFdERjHo"] {
        let text = format!("key {head}{tail} end");
        let clean = scanner.redact(&text, &Judge::default(), Direction::Request).text;
        assert!(!clean.contains("q7Xw2Rb9"), "{head}: {clean}");
    }
}

/// A long text that is escapes throughout is looked at in blocks: what stands over the edge of two is
/// found once, and as it would be alone.
#[test]
fn a_secret_among_too_many_escapes_is_found_wherever_it_stands() {
    const UNITS: usize = 300_000;
    const BLOCK: usize = 1 << 19;
    let scanner = Scanner::new().unwrap();
    let escaped =
        |text: &str| text.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<String>();
    let token = escaped(" ghp_16C7e42F292c6912E7710c838347Ae178B4a ");
    let filler = "\\u0001";
    // Near the ends of the first block, and where the second begins.
    for at in [0, 1000, BLOCK / 6 - 30, BLOCK / 6, BLOCK * 3 / 24 - 700, UNITS - 1] {
        let text = format!("{}{token}{}", filler.repeat(at), filler.repeat(UNITS - at));
        let found = scanner.scan(text.as_bytes());
        assert_eq!(found.len(), 1, "{at}: {found:?}");
        let inside = found[0].start >= at * filler.len();
        assert!(inside && found[0].end <= at * filler.len() + token.len(), "{at}");
        let clean = scanner.redact(&text, &Judge::default(), Direction::Request).text;
        assert!(!clean.contains(&escaped("16C7e42F")), "{at}");
    }
}
