//! A token in the events of a stream, in pieces as long as the bytes say: no event is lost, and the
//! token is in none.
#![no_main]
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tollgate_dlp::{Deltas, Direction};
use tollgate_fuzz::{JUDGE, SCANNER, letter, token};

fuzz_target!(|bytes: &[u8]| {
    let token = token(bytes);
    let text = letter(&token);
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    for length in bytes {
        let (piece, tail) = rest.split_at(usize::from(*length).min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    let mut deltas = Deltas::new(Arc::clone(&SCANNER), Arc::clone(&JUDGE), Direction::Answer);
    let mut out = Vec::new();
    for piece in &pieces {
        out.extend(deltas.push(json!({ "index": 0, "delta": { "text": piece } }), false));
    }
    out.extend(deltas.flush());
    assert!(!deltas.holding());
    assert_eq!(out.len(), pieces.len());
    let texts = out.iter().filter_map(|(event, _)| event.pointer("/delta/text")?.as_str());
    let joined: String = texts.collect();
    assert!(!joined.contains(&token), "{joined}");
});
