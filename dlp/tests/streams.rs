//! Streams as agents see them: what is released when, and what comes out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_dlp::{Action, Class, Deltas, Direction, Grade, Judge, Place, Scanner, TextStream};

fn deltas() -> Deltas {
    let scanner = Arc::new(Scanner::new().unwrap());
    Deltas::new(scanner, Arc::new(Judge::default()), Direction::Answer)
}

/// How a piece of text stands in an event.
type Wrap = fn(&str) -> Value;

fn openai(text: &str) -> Value {
    json!({"id": "chatcmpl-1234", "model": "m-4", "choices": [{"index": 0, "delta": {"content": text}}]})
}

fn anthropic(text: &str) -> Value {
    json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": text}})
}

fn tool_input(text: &str) -> Value {
    json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": text}})
}

fn progress(text: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 4, "progress": 1, "message": text}})
}

fn pieces(event: &Value) -> String {
    let places =
        ["/choices/0/delta/content", "/delta/text", "/delta/partial_json", "/params/message"];
    places.iter().find_map(|place| event.pointer(place)?.as_str()).unwrap_or_default().to_owned()
}

/// Sends the pieces; gives how many events went after each, and what came out in the end.
fn run(wrap: Wrap, texts: &[&str]) -> (Vec<usize>, Vec<String>, usize) {
    let mut deltas = deltas();
    let mut counts = Vec::new();
    let mut out = Vec::new();
    let mut acted = 0;
    for text in texts {
        let released = deltas.push(wrap(text), false);
        counts.push(released.len());
        out.extend(released);
    }
    out.extend(deltas.flush());
    assert!(!deltas.holding());
    acted += out.iter().map(|(_, acted)| acted.len()).sum::<usize>();
    (counts, out.iter().map(|(event, _)| pieces(event)).collect(), acted)
}

/// A name, the pieces, how many events go after each, what comes out, how many findings.
type Case =
    (&'static str, &'static [&'static str], &'static [usize], &'static [&'static str], usize);

#[test]
fn what_only_repeats_itself_is_not_held() {
    for text in ["0", "a1", "12:00:01", "a constant"] {
        let mut deltas = deltas();
        let counts = (0..40).map(|_| deltas.push(openai(text), false).len()).collect::<Vec<_>>();
        assert!(counts[9..].iter().all(|count| *count == 1), "{text}: {counts:?}");
        assert_eq!(counts.iter().sum::<usize>(), 40, "{text}");
    }
}

#[test]
fn pieces_of_one_text() {
    let cases: &[Case] = &[
        (
            "nothing is held that holds nothing",
            &["Hello", " there", ", agent."],
            &[1, 1, 1],
            &["Hello", " there", ", agent."],
            0,
        ),
        (
            "a token over two pieces",
            &["use ghp_a1B2c3D4e", "5F6g7H8i9J0k1L2m3N4o5P6", " now"],
            &[0, 0, 3],
            &["use [REDACTED-GITHUB-TOKEN]", "", " now"],
            1,
        ),
        (
            "a token in short pieces",
            &["key ", "gh", "p_", "abcd1234", "efgh5678", "\n"],
            &[1, 0, 0, 0, 0, 5],
            &["key ", "[REDACTED-GITHUB-TOKEN]", "", "", "", "\n"],
            1,
        ),
        (
            "a card in equal groups",
            &["4111", " 1111", " 1111", " 1111", ", thanks"],
            &[0, 0, 0, 0, 5],
            &["[REDACTED:PAN]", "", "", "", ", thanks"],
            1,
        ),
        (
            "a beginning that comes to nothing",
            &["see gh", "osts ", "sk-", "etch."],
            &[0, 2, 0, 2],
            &["see gh", "osts ", "sk-", "etch."],
            0,
        ),
        (
            "a private key is swallowed, and its pieces are not held",
            &[
                "-----BEGIN RSA PRI",
                "VATE KEY-----\nMIIEpAIBAAKCAQEA",
                "AAAAbbbbCCCCdddd",
                "EEEE\n-----END RSA PRIVATE KEY-----",
                " done",
            ],
            &[0, 2, 1, 1, 1],
            &["[REDACTED-PRIVATE-KEY]", "", "", "", " done"],
            1,
        ),
        (
            "a value behind its name",
            &["{\"password\"", ": \"", "hunter2", "hunter2", "\"}"],
            &[1, 1, 0, 0, 3],
            &["{\"password\"", ": \"", "[REDACTED]", "", "\"}"],
            1,
        ),
        (
            "user information",
            &["https://user:", "s3cret", "@host/x"],
            &[0, 0, 3],
            &["https://[REDACTED]", "", "@host/x"],
            1,
        ),
    ];
    let wraps: [(&str, Wrap); 4] = [
        ("openai", openai),
        ("anthropic", anthropic),
        ("tool input", tool_input),
        ("progress", progress),
    ];
    for (wrap_name, wrap) in wraps {
        for (name, texts, counts, out, acted) in cases {
            let got = run(wrap, texts);
            let expect = (counts.to_vec(), out.iter().map(|t| (*t).to_owned()).collect(), *acted);
            assert_eq!(got, expect, "{wrap_name}: {name}");
        }
    }
}

#[test]
fn interleaved_texts_are_kept_apart() {
    let mut deltas = deltas();
    let block = |index: u64, text: &str| json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}});
    let mut out = Vec::new();
    for event in [
        block(0, "ghp_abcd"),
        block(1, "hello "),
        json!({"type": "ping"}),
        block(0, "1234efgh5678"),
        block(1, "world"),
        block(0, " end"),
    ] {
        out.extend(deltas.push(event, false));
    }
    out.extend(deltas.flush());
    let texts: Vec<String> = out.iter().map(|(event, _)| pieces(event)).collect();
    assert_eq!(texts, ["[REDACTED-GITHUB-TOKEN]", "hello ", "", "", "world", " end"]);
}

#[test]
fn the_last_document_goes_at_once_and_takes_what_is_held_with_it() {
    let mut deltas = deltas();
    assert!(deltas.push(progress("step ghp_abcd"), false).is_empty());
    assert!(deltas.holding());
    let result = json!({"jsonrpc": "2.0", "id": 4, "result": {"content": [{"type": "text", "text": "ghp_abcd1234efgh"}]}});
    let out = deltas.push(result, true);
    assert_eq!(out.len(), 2);
    assert_eq!(out[1].0["result"]["content"][0]["text"], "[REDACTED-GITHUB-TOKEN]");
    assert_eq!(out[1].1[0].finding.place, Place::Value("/result/content/0/text".to_owned()));
    assert!(!deltas.holding());
}

#[test]
fn after_a_flush_the_rest_of_a_secret_is_still_found() {
    let mut deltas = deltas();
    assert!(deltas.push(openai("ghp_abcd"), false).is_empty());
    assert_eq!(deltas.flush().len(), 1);
    let mut out = deltas.push(openai("1234efgh5678ijkl"), false);
    out.extend(deltas.push(openai("."), false));
    let texts: Vec<String> = out.iter().map(|(event, _)| pieces(event)).collect();
    assert_eq!(texts, ["[REDACTED-GITHUB-TOKEN]", "."]);
    // A private key that was being swallowed goes on being swallowed.
    deltas.push(anthropic("-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEAabcd"), false);
    deltas.flush();
    let out = deltas.push(anthropic("AAAAbbbbCCCCddddEEEE"), false);
    assert_eq!(pieces(&out[0].0), "");
}

#[test]
fn bounds_release_and_are_counted() {
    let mut deltas = deltas();
    let mut released = 0;
    released += deltas.push(openai("eyJhbGciOiJIUzI1NiJ9.eyJ"), false).len();
    let events = Deltas::HELD_EVENTS + 1;
    for _ in 0..events {
        released += deltas.push(openai("a"), false).len();
    }
    assert_eq!(deltas.cut_short(), 1);
    released += deltas.flush().len();
    assert_eq!(released, events + 1);
}

#[test]
fn members_of_an_event_are_redacted_as_in_any_document() {
    let mut deltas = deltas();
    let event = json!({"password": "hunter2hunter2", "n": 4242424242424242_u64, "text": "ok."});
    let out = deltas.push(event, false);
    assert_eq!(out[0].0, json!({"password": "[REDACTED]", "n": "[REDACTED:PAN]", "text": "ok."}));
    assert_eq!(out[0].1.len(), 2);
}

#[test]
fn a_block_is_said_so() {
    let rule = tollgate_dlp::JudgeRule::new(vec!["secret.*".to_owned()], None, Action::Block);
    let judge = Arc::new(Judge::new(Grade::Likely, vec![rule]).unwrap());
    let scanner = Arc::new(Scanner::new().unwrap());
    let mut deltas = Deltas::new(Arc::clone(&scanner), Arc::clone(&judge), Direction::Answer);
    let out = deltas.push(openai("ghp_abcd1234efgh5678 "), false);
    assert_eq!(out[0].1[0].action, Action::Block);
    assert_eq!(
        out[0].1[0].finding.class,
        Class::all().into_iter().find(|c| c.as_str() == "secret.github").unwrap()
    );
    let mut stream = TextStream::new(scanner, judge, Direction::Answer);
    let mut text = Vec::new();
    let acted = stream.push(b"x ghp_abcd1234efgh5678 y", &mut text);
    assert_eq!(acted[0].action, Action::Block);
    assert_eq!(text, b"x [REDACTED-GITHUB-TOKEN] ");
}

#[test]
fn a_text_holds_little_and_swallows_keys_of_any_length() {
    let scanner = Arc::new(Scanner::new().unwrap());
    let mut stream = TextStream::new(scanner, Arc::new(Judge::default()), Direction::Answer);
    let mut out = Vec::new();
    stream.push(b"a: -----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEAabcd", &mut out);
    for _ in 0..1000 {
        stream
            .push(b"AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKKLLLLMMMMNNNNOOOOPPPP\n", &mut out);
    }
    assert_eq!(out, b"a: [REDACTED-PRIVATE-KEY]");
    stream.push(b"-----END PRIVATE KEY-----\nafter.", &mut out);
    stream.finish(&mut out);
    assert_eq!(out, b"a: [REDACTED-PRIVATE-KEY]\nafter.");
    // The longest candidates: a token without end, a value without end, a word without end.
    let scanner = Arc::new(Scanner::new().unwrap());
    for head in ["eyJhbGciOiJIUzI1NiJ9.", "password=", "\"secret\": \"", "https://", "Bearer ", ""]
    {
        let judge = Arc::new(Judge::default());
        let mut stream = TextStream::new(Arc::clone(&scanner), judge, Direction::Answer);
        let mut out = Vec::new();
        let text = format!("{head}{}", "aB3".repeat(10_000));
        for chunk in text.as_bytes().chunks(100) {
            stream.push(chunk, &mut out);
            assert!(stream.held_bytes() <= TextStream::HOLD_BYTES, "{head}");
        }
    }
}

#[test]
fn a_password_that_may_still_be_a_type_is_held() {
    for (text, secret) in [
        ("my password: Correcthorsebattery9 ok", "Corr"),
        ("api_key: Abcdefghijklmnop1234 and so on", "Abcd"),
        ("the Passwort: Kennwortlang77 was", "Kenn"),
    ] {
        for length in [1, 4] {
            let letters: Vec<char> = text.chars().collect();
            let pieces: Vec<String> =
                letters.chunks(length).map(|piece| piece.iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (_, out, acted) = run(openai, &pieces);
            let out = out.concat();
            assert!(acted > 0 && !out.contains(secret), "{out}");
        }
    }
}
