//! What all targets share.
use std::sync::{Arc, LazyLock};

use tollgate_dlp::documents::{Document, Kind, Limits, NotJson, Opener};
use tollgate_dlp::{Direction, Finding, Grade, Judge, Scanner, TextStream};

/// Built once for all inputs.
pub static SCANNER: LazyLock<Arc<Scanner>> = LazyLock::new(|| Arc::new(Scanner::new().unwrap()));

/// Acts on everything.
pub static JUDGE: LazyLock<Arc<Judge>> =
    LazyLock::new(|| Arc::new(Judge::new(Grade::Possible, Vec::new()).unwrap()));

/// Opens, looks, writes, and does so again: what was written is read as the same.
pub fn document(kind: &Kind, bytes: &[u8]) {
    let mut document = open(kind, bytes);
    let _ = document.view();
    SCANNER.redact_document(&mut document, &JUDGE, Direction::Request);
    let once = document.write();
    let mut again = open(kind, &once);
    assert_eq!(document.unread().is_some(), again.unread().is_some());
    SCANNER.redact_document(&mut again, &JUDGE, Direction::Request);
    assert!(again.write() == once);
}

fn open(kind: &Kind, bytes: &[u8]) -> Document {
    let json = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|_| NotJson::Syntax);
    let limits = Limits { expanded_bytes: 4 << 20, ..Limits::default() };
    Document::open(kind, bytes, &Opener { limits, json: &json })
}

/// Puts a decoder to the test. The bytes choose among the pieces that it is made for, so that it
/// is reached at once, well formed or not; and they are the body of a token, which is found when
/// it is written in that way.
pub fn decoder(bytes: &[u8], pieces: &[&str], write: impl Fn(&str) -> String) {
    look(bytes, letter(&spelled(bytes, pieces)).as_bytes());
    if let Ok(text) = std::str::from_utf8(bytes) {
        look(bytes, letter(&write(text)).as_bytes());
    }
    let token = token(bytes);
    if is_found(&letter(&token)) {
        let text = letter(&write(&token));
        assert!(is_found(&text), "{token} is not found in {text:?}");
        look(bytes, text.as_bytes());
    }
}

/// One piece for each byte.
pub fn spelled(bytes: &[u8], pieces: &[&str]) -> String {
    bytes.iter().map(|byte| pieces[usize::from(*byte) % pieces.len()]).collect()
}

/// A token of GitHub with a body of the bytes' choice.
pub fn token(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let letter = |(nth, byte): (usize, &u8)| {
        char::from(LETTERS[(usize::from(*byte) + 7 * nth) % LETTERS.len()])
    };
    let body = bytes.iter().chain([&0; 36]).take(36).enumerate().map(letter);
    format!("ghp_{}", body.collect::<String>())
}

/// What an encoded text stands in.
pub fn letter(text: &str) -> String {
    format!("As we said, here it is:\n{text}\nAnd that is all of it.\n")
}

fn is_found(text: &str) -> bool {
    SCANNER.scan(text.as_bytes()).iter().any(|one| one.class.as_str() == "secret.github")
}

/// What holds for every text: findings stand in it, one behind another; a stream is its whole,
/// wherever the bytes cut it; redaction twice is redaction once.
pub fn look(bytes: &[u8], text: &[u8]) {
    stand_inside(&SCANNER.scan(text), text);
    cut(bytes, text);
    if let Ok(text) = std::str::from_utf8(text) {
        redact(text);
    }
}

fn stand_inside(findings: &[Finding], text: &[u8]) {
    let mut end = 0;
    let valid = std::str::from_utf8(text).ok();
    for finding in findings {
        assert!(finding.start >= end && finding.start < finding.end);
        end = finding.end;
        let whole = |text: &str| text.is_char_boundary(finding.start) && text.is_char_boundary(end);
        assert!(valid.is_none_or(whole));
    }
    assert!(end <= text.len());
}

/// Cuts a text in pieces, as long as the bytes say, and wants what one push gives.
pub fn cut(bytes: &[u8], text: &[u8]) {
    let mut rest = text;
    let mut pieces = Vec::new();
    for length in bytes.iter().take(64) {
        let (piece, tail) = rest.split_at(usize::from(*length).min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    assert!(streamed(&pieces) == streamed(&[text]));
}

fn streamed(pieces: &[&[u8]]) -> (Vec<u8>, Vec<(String, usize, usize)>) {
    let mut stream = TextStream::new(Arc::clone(&SCANNER), Arc::clone(&JUDGE), Direction::Answer);
    let mut out = Vec::new();
    let mut acted = Vec::new();
    for piece in pieces {
        acted.extend(stream.push(piece, &mut out));
        assert!(stream.held_bytes() <= TextStream::HOLD_BYTES + piece.len());
    }
    acted.extend(stream.finish(&mut out));
    assert!(!stream.holding());
    let found = acted.into_iter().map(|one| one.finding);
    (out, found.map(|one| (one.detector.to_string(), one.start, one.end)).collect())
}

/// Redacts a text, and the text in a document, and both again.
pub fn redact(text: &str) {
    let redaction = SCANNER.redact(text, &JUDGE, Direction::Request);
    let found: Vec<Finding> = redaction.acted.into_iter().map(|one| one.finding).collect();
    assert!(found.iter().all(|one| one.start < one.end && one.end <= text.len()));
    let once = redaction.text.into_owned();
    assert_eq!(SCANNER.redact(&once, &JUDGE, Direction::Request).text, once);
    let mut value = serde_json::json!({ "note": text, "list": [text, 1], "password": text });
    SCANNER.redact_json(&mut value, &JUDGE, Direction::Request);
    let once = value.clone();
    SCANNER.redact_json(&mut value, &JUDGE, Direction::Request);
    assert_eq!(value, once);
    // A document that is read as text stays a document.
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let once = SCANNER.redact(text, &JUDGE, Direction::Request).text;
    if value.is_object() {
        assert!(serde_json::from_str::<serde_json::Value>(&once).is_ok(), "{once}");
    }
}
