//! Secrets in pieces, over several calls.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops where it is wrong, and calls from several threads"
)]
use std::sync::Arc;

use serde_json::json;
use tollgate_dlp::known::{Fetched, Known, Secret, Values};
use tollgate_dlp::{
    Action, DocumentPart, Grade, Judge, JudgeRule, Memory, MemoryLimits, Place, Scanner, Tape,
};

const LIMITS: MemoryLimits = MemoryLimits { seconds: 60, bytes: 4096, pairs: 4 };

fn token() -> String {
    format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E")
}

/// A longer one, whose pieces are no secrets by themselves.
fn long_token() -> String {
    let body = "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E";
    format!("github_pat_{}_{body}{}", &body[..22], &body[..23])
}

fn pieces(text: &str, count: usize) -> Vec<&str> {
    let size = text.len().div_ceil(count);
    (0..count).map(|nth| &text[nth * size..text.len().min((nth + 1) * size)]).collect()
}

#[test]
fn a_token_in_pieces_is_seen_in_the_call_that_completes_it() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let engine = (&scanner, &judge);
    let token = long_token();
    for count in 3..=8 {
        let memory = Memory::new(LIMITS);
        let mut seen = Vec::new();
        for (nth, piece) in pieces(&token, count).iter().enumerate() {
            let arguments = json!({ "id": nth, "part": piece, "note": "and so on" });
            seen.push(memory.look(engine, ("a", "x"), &arguments, nth as u64));
            // Another agent, and another destination, know nothing of it.
            for other in [("b", "x"), ("a", "y")] {
                let arguments = json!({ "q": "more", "part": "W2RB4KDTS6VNZ" });
                assert!(memory.look(engine, other, &arguments, nth as u64).is_empty());
            }
        }
        let last = seen.iter().position(|acted| !acted.is_empty());
        let acted = &seen[last.unwrap_or_else(|| panic!("{count} pieces are not seen"))][0];
        assert_eq!(acted.finding.class.as_str(), "secret.github");
        assert_eq!(acted.action, Action::Block);
        assert!(!format!("{memory:?} {acted:?}").contains(&token[11..20]));
        // The same call once more is refused once more.
        let piece = pieces(&token, count)[last.unwrap()];
        let again = memory.look(engine, ("a", "x"), &json!({ "part": piece }), 9);
        assert!(!again.is_empty(), "{count}");
    }
}

#[test]
fn what_is_only_told_is_only_told() {
    let scanner = Scanner::new().unwrap();
    let rule = JudgeRule::new(vec!["secret.*".to_owned()], None, Action::Alert);
    let judge = Judge::new(Grade::Likely, vec![rule]).unwrap();
    let memory = Memory::new(LIMITS);
    let token = token();
    let (one, two) = token.split_at(11);
    assert!(memory.look((&scanner, &judge), ("a", "x"), &json!([one]), 0).is_empty());
    let acted = memory.look((&scanner, &judge), ("a", "x"), &json!([two]), 0);
    assert_eq!(acted[0].action, Action::Alert);
}

#[test]
fn a_memory_forgets() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let engine = (&scanner, &judge);
    let token = token();
    let (one, two) = token.split_at(11);
    let completes = |memory: &Memory, agent: &str, now: u64| {
        !memory.look(engine, (agent, "x"), &json!([two]), now).is_empty()
    };
    let memory = Memory::new(LIMITS);
    memory.look(engine, ("a", "x"), &json!([one]), 0);
    assert!(completes(&memory, "a", 59) && !completes(&memory, "a", 130));
    // Only so many agents; who rested longest is forgotten, and that is counted.
    memory.look(engine, ("a", "x"), &json!([one]), 200);
    for other in ["b", "c", "d", "e"] {
        memory.look(engine, (other, "x"), &json!([one]), 200);
    }
    assert!(!completes(&memory, "a", 200) && completes(&memory, "e", 200));
    assert!(memory.evicted() > 0);
    // Only so many beginnings.
    let noise: Vec<String> = (0..40).map(|nth| format!("AKIAQ7X{nth}")).collect();
    memory.look(engine, ("e", "x"), &json!(noise), 200);
    assert!(!completes(&memory, "e", 200));
    let off = Memory::new(MemoryLimits { seconds: 0, ..LIMITS });
    off.look(engine, ("a", "x"), &json!([one]), 0);
    assert!(!completes(&off, "a", 0));
}

#[test]
fn harmless_calls_complete_nothing() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let memory = Memory::new(LIMITS);
    let calls = [
        json!({ "q": "how do I split a key", "lang": "sk" }),
        json!({ "sha": "9fceb02d0ae598e95dc970b74767f19372d61af8", "id": 4111 }),
        json!({ "order": "4111 1111", "next": "1111 1111" }),
        json!({ "order": "1111 1111" }),
        json!({ "id": "550e8400-e29b-41d4-a716-446655440000", "path": "src/main.rs" }),
        json!({ "text": "tokens of GitHub begin with ghp_", "url": "https://example.com/a" }),
        json!({ "text": "and those of others with sk-" }),
        json!({ "text": "documentation", "token_type": "bearer" }),
        json!({ "mail": "bob@example" }),
        json!({ "mail": ".com and more" }),
    ];
    for (nth, call) in calls.iter().enumerate() {
        let acted = memory.look((&scanner, &judge), ("a", "x"), call, nth as u64);
        assert!(acted.is_empty(), "{call}: {acted:?}");
    }
}

#[test]
fn a_key_in_three_calls_is_seen_in_the_third() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let memory = Memory::new(LIMITS);
    for (nth, (piece, completes)) in
        [("AKIAQ7X", false), ("W2RB4KD", false), ("TS6VNZ", true)].into_iter().enumerate()
    {
        let call = json!({ "nth": nth, "part": piece });
        let acted = memory.look((&scanner, &judge), ("a", "x"), &call, nth as u64);
        assert_eq!(!acted.is_empty(), completes, "{nth}: {acted:?}");
    }
}

#[test]
fn pieces_that_are_sent_at_once_are_seen() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let token = token();
    let (one, two) = token.split_at(11);
    for _ in 0..20 {
        let memory = Memory::new(LIMITS);
        memory.look((&scanner, &judge), ("a", "x"), &json!([one]), 0);
        let look = |agent: &'static str| {
            let (memory, scanner, judge) = (&memory, &scanner, &judge);
            move || {
                !memory
                    .look((scanner, judge), (agent, "x"), &json!([two, "and so on"]), 1)
                    .is_empty()
            }
        };
        let seen: Vec<bool> = std::thread::scope(|scope| {
            let agents = ["a", "b", "a", "c"].map(|agent| scope.spawn(look(agent)));
            agents.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(seen, [true, false, true, false]);
    }
}

#[test]
fn a_private_key_of_a_ledger_in_pieces_is_seen() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    // A key in the form of wallets, from Bitcoin's wiki.
    let key = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ";
    assert!(!scanner.scan(key.as_bytes()).is_empty());
    let memory = Memory::new(LIMITS);
    let (one, two) = key.split_at(20);
    assert!(memory.look((&scanner, &judge), ("a", "x"), &json!({ "a": one }), 0).is_empty());
    assert!(!memory.look((&scanner, &judge), ("a", "x"), &json!({ "b": two }), 0).is_empty());
}

#[test]
fn pieces_in_no_document_are_put_together_with_those_in_one() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let (engine, pair) = ((&scanner, &judge), ("a", "x"));
    let memory = Memory::new(LIMITS);
    let apart = |texts: Vec<&str>, now| {
        let texts = texts.into_iter().map(str::as_bytes).collect();
        let place = |nth| Place::Value(format!("/{nth}"));
        memory.look_apart(engine, pair, texts, &place, now)
    };
    assert!(apart(vec!["ok", "AKIAQ7X", "x", "one"], 1).is_empty());
    assert!(memory.look(engine, pair, &json!(["two", "W2RB4KD"]), 2).is_empty());
    let acted = apart(vec!["ok", "TS6VNZ", "x"], 3);
    assert_eq!(acted[0].finding.place, Place::Value("/1".to_owned()));
    assert_eq!(acted[0].finding.class.as_str(), "secret.aws_access_key");
}

/// Words beside the pieces could go on from them as well: they do not drive them out.
#[test]
fn pieces_among_many_words_are_put_together() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    for token in [long_token(), format!("AKIA{}", "Q7XW2RB4KDTS6VNZ")] {
        let memory = Memory::new(LIMITS);
        let told = pieces(&token, 3).into_iter().any(|piece| {
            let words = ["x", "one", "two", "ok", "status", "v1", "2026", "a1b2", "gzip", "main"];
            let call = json!({ "before": words, "part": piece, "after": words });
            !memory.look((&scanner, &judge), ("a", "x"), &call, 1).is_empty()
        });
        assert!(told, "{}", &token[..4]);
    }
}

const CANARY: &str = "the heron waits: gentian/5521 by the mooring";
const OWN: &str = "pq9XrTzKv7Harbour";
const GIVEN: &str = "mB4-vault.granite-81";

fn knowing() -> Scanner {
    let mut values = Values::new(&[7; 16]);
    values.add(Secret::Canary, "bait".into(), CANARY.as_bytes()).unwrap();
    values.add(Secret::Own, "own".into(), OWN.as_bytes()).unwrap();
    let fetched = Fetched::new([9; 16]);
    fetched.add("given".into(), GIVEN.as_bytes()).unwrap();
    let mut known = Known::default();
    known.set_values(values);
    known.set_fetched(Arc::new(fetched));
    Scanner::new().unwrap().with_known(Arc::new(known))
}

/// In several calls or in one, wherever it is cut, with words beside each piece.
#[test]
fn a_known_value_in_pieces_is_seen() {
    let scanner = knowing();
    let judge = Judge::default();
    let engine = (&scanner, &judge);
    let hex: String = OWN.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (value, class) in [
        (CANARY, "known.canary"),
        (OWN, "known.own_secret"),
        (GIVEN, "known.credential"),
        (&hex, "known.own_secret"),
    ] {
        for cut in 4..value.len() {
            let (one, two) = value.split_at(cut);
            let memory = Memory::new(LIMITS);
            let first = json!({ "note": "as said", "a": format!("id {one}"), "b": "main" });
            assert!(memory.look(engine, ("a", "x"), &first, 1).is_empty(), "{class} {cut}");
            let second = json!({ "c": format!("{two} and on"), "note": "status" });
            let acted = memory.look(engine, ("a", "x"), &second, 2);
            assert_eq!(acted[0].finding.class.as_str(), class, "{cut}");
            assert_eq!(acted[0].action, Action::Block);
            assert_eq!(acted[0].finding.place, Place::Value("/c".to_owned()));

            let memory = Memory::new(LIMITS);
            let both = json!([{ "first": one, "note": "x" }, { "second": two }]);
            assert_eq!(memory.look(engine, ("a", "x"), &both, 1).len(), 1, "{class} {cut}");
        }
        for count in 2..=8 {
            let size = value.len().div_ceil(count);
            if size < 4 || size * (count - 1) >= value.len() {
                continue;
            }
            let memory = Memory::new(LIMITS);
            let pieces = pieces(value, count);
            let told = pieces.iter().enumerate().map(|(now, piece)| {
                let call = json!({ "part": piece, "words": ["ok", "data", "v1", "the", "main"] });
                memory.look(engine, ("a", "x"), &call, now as u64).len()
            });
            assert_eq!(told.last(), Some(1), "{class} {count}");
        }
    }
}

#[test]
fn pieces_of_a_known_value_that_do_not_belong_together_are_nothing() {
    let scanner = knowing();
    let judge = Judge::default();
    let memory = Memory::new(LIMITS);
    let look = |words| memory.look((&scanner, &judge), ("a", "x"), &words, 1);
    for words in [
        json!([&OWN[..9], "other", &OWN[10..]]),
        json!(["the heron waits", "for the mooring"]),
        json!([&OWN[8..], &OWN[..8]]),
    ] {
        assert!(look(words.clone()).is_empty(), "{words}");
    }
}

/// Who writes what keys look like has begun one: what comes next is no part of it, unless it looks so.
#[test]
fn what_is_said_after_the_beginning_of_a_key_is_no_piece_of_it() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let begun = ["sk-ant-api03-", "-----BEGIN RSA PRIVATE KEY-----", "xoxb-123", "ghp_7Xw2"];
    for begun in begun.into_iter().chain(["begins with ghp_", "sk-", "AIza", "glpat-", "AKIA"]) {
        let memory = Memory::new(LIMITS);
        let call = |call| memory.look((&scanner, &judge), ("a", "x"), &call, 1);
        assert!(call(json!({ "text": format!("keys look like {begun}") })).is_empty());
        for text in [
            "tools/call",
            "get_weather",
            "Berlin",
            "What is the weather in Berlin?",
            "application/json",
            "claude-sonnet-4-20250514",
            "550e8400-e29b-41d4-a716-446655440000",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "2026-11-26T10:00:00Z",
            "python-httpx/0.27.0",
            "getWeatherForCity",
            "order_12345",
            "client",
            "1",
            "abcdef0123456789",
        ] {
            assert!(call(json!({ "a": text, "b": { "c": text } })).is_empty(), "{begun} {text}");
        }
    }
}

/// What stands beside each other is looked at where it stands; what does not, is put together here.
#[test]
fn pieces_in_different_places_of_one_call_are_put_together() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let token = token();
    let (one, two) = token.split_at(10);
    for (call, at) in [
        (json!({ "parts": [{ "t": one }, { "t": two }] }), "/parts/1/t"),
        (json!({ "p": { "t": one }, "q": { "t": two } }), "/q/t"),
        (json!([[one], [two]]), "/1/0"),
        (json!([{ "content": one, "role": "user" }, { "content": two }]), "/1/content"),
        (
            json!({ "edits": [{ "old": "x", "new": one }, { "old": "y", "new": two }] }),
            "/edits/1/new",
        ),
    ] {
        let memory = Memory::new(LIMITS);
        let acted = memory.look((&scanner, &judge), ("a", "x"), &call, 1);
        assert_eq!(acted.len(), 1, "{call}");
        assert_eq!(acted[0].action, Action::Block);
        assert_eq!(acted[0].finding.place, Place::Value(at.to_owned()));
    }
    let memory = Memory::new(LIMITS);
    let beside = json!({ "part1": one, "part2": two });
    assert!(memory.look((&scanner, &judge), ("a", "x"), &beside, 1).is_empty());
    assert!(!scanner.scan_json(&beside).is_empty(), "it is found there");
}

/// Each word may be the name before an `@`, and any goes on from another: what no secret comes of is
/// not kept, or every call is compared with all of it.
#[test]
fn words_push_no_beginning_out() {
    let scanner = Scanner::new().unwrap();
    let judge = Judge::default();
    let memory = Memory::new(LIMITS);
    let words = ["assistant", "text", "message", "function", "default", "through", "test", "for"];
    let said: Vec<_> = (0..40).map(|nth| words[(nth * 3 + nth / 8) % words.len()]).collect();
    let document =
        json!({ "file": "because/form.ts", "of": "https://one.test/or/for", "said": said });
    let tape = Tape::of(&document);
    for call in 0..20 {
        let place = |_| Place::Text;
        let date = vec![&b"2025-11-25"[..]];
        let apart = memory.look_apart((&scanner, &judge), ("a", "x"), date, &place, call);
        let all = (&scanner.glance(&tape), &DocumentPart::default());
        let within = memory.look_at((&scanner, &judge), ("a", "x"), all, call);
        assert!(apart.is_empty() && within.is_empty());
    }
    assert_eq!(memory.evicted(), 0);
}
