//! Ways of sending a text in pieces.
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_dlp::{Action, Deltas, Direction, Grade, Judge, Memory, MemoryLimits, TextStream};

use super::positives::{Positive, SCANNER, letter};

/// A name, and whether a positive is found in pieces.
pub type Split = (&'static str, fn(&Positive) -> bool);

pub const SPLITS: [Split; 10] = [
    ("members", |positive| {
        document(
            positive,
            &|(note, one, two)| json!({ "note": note, "part_1": one, "part_2": two }),
        )
    }),
    ("members of a text", |positive| {
        text(positive, &|(note, one, two)| json!({ "note": note, "part_1": one, "part_2": two }))
    }),
    ("items", |positive| {
        document(positive, &|(note, one, two)| json!({ "note": note, "parts": [one, two] }))
    }),
    ("items of a text", |positive| {
        text(positive, &|(note, one, two)| json!({ "note": note, "parts": [one, two] }))
    }),
    ("chunks", chunks),
    ("bytes", |positive| {
        let text = letter(&positive.text);
        streamed(positive, text.as_bytes().chunks(1))
    }),
    ("deltas of OpenAI", |positive| {
        deltas(
            positive,
            &|piece| json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] }),
        )
    }),
    ("deltas of a tool call", |positive| {
        deltas(
            positive,
            &|piece| json!({ "index": 2, "delta": { "type": "input_json_delta", "partial_json": piece } }),
        )
    }),
    ("events of a text", events),
    ("calls", calls),
];

/// The find cut in two, at a third, a half and two thirds of it; and the text around it.
fn halves(positive: &Positive) -> Vec<(String, String, String)> {
    let (before, find, after) = positive.parts();
    let cuts = [find.len() / 3, find.len() / 2, find.len() * 2 / 3];
    let cuts = cuts.into_iter().filter(|cut| *cut > 0 && find.is_char_boundary(*cut));
    let note = format!("{before}{after}");
    let both = cuts.map(|cut| (note.clone(), find[..cut].to_owned(), find[cut..].to_owned()));
    both.collect()
}

type Wrap<'w> = &'w dyn Fn((String, String, String)) -> Value;

/// In all of the cuts.
fn document(positive: &Positive, wrap: Wrap<'_>) -> bool {
    halves(positive).into_iter().all(|halves| {
        let findings = SCANNER.scan_json(&wrap(halves));
        findings.iter().any(|one| positive.is_kin(one.class.family()) && one.grade >= Grade::Likely)
    })
}

fn text(positive: &Positive, wrap: Wrap<'_>) -> bool {
    halves(positive)
        .into_iter()
        .all(|halves| positive.is_found_in(wrap(halves).to_string().as_bytes()))
}

fn judge() -> Judge {
    Judge::new(Grade::Likely, Vec::new()).unwrap()
}

fn streamed<'t>(positive: &Positive, chunks: impl Iterator<Item = &'t [u8]>) -> bool {
    let scanner = Arc::clone(&SCANNER);
    let mut stream = TextStream::new(scanner, Arc::new(judge()), Direction::Answer);
    let mut out = Vec::new();
    let mut acted = Vec::new();
    for chunk in chunks {
        acted.extend(stream.push(chunk, &mut out));
    }
    acted.extend(stream.finish(&mut out));
    acted.iter().any(|one| positive.is_kin(one.finding.class.family()))
}

/// In two chunks, cut everywhere.
fn chunks(positive: &Positive) -> bool {
    let text = letter(&positive.text);
    let bytes = text.as_bytes();
    (0..=bytes.len()).all(|cut| {
        let (one, two) = bytes.split_at(cut);
        streamed(positive, [one, two].into_iter())
    })
}

/// In three events, cut inside the find; and in events of three characters.
fn deltas(positive: &Positive, wrap: &dyn Fn(&str) -> Value) -> bool {
    let (before, find, after) = positive.parts();
    let text = letter(&positive.text);
    let lead = text.find(&positive.text).unwrap() + before.len();
    let cuts = [1, find.len() / 3, find.len() / 2, find.len() - 1];
    let ways = cuts.into_iter().filter(|cut| find.is_char_boundary(*cut)).map(|cut| {
        let (one, two) = text.split_at(lead + cut);
        let (two, three) = two.split_at(two.len() - after.len());
        vec![one.to_owned(), two.to_owned(), three.to_owned()]
    });
    let mut ways: Vec<_> = ways.collect();
    ways.push(super::ways::pieces(&text, 3));
    ways.into_iter().all(|pieces| {
        let judge = Arc::new(judge());
        let mut deltas = Deltas::new(Arc::clone(&SCANNER), judge, Direction::Answer);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(deltas.push(wrap(&piece), false));
        }
        out.extend(deltas.flush());
        let mut acted = out.iter().flat_map(|(_, acted)| acted);
        acted.any(|one| positive.is_kin(one.finding.class.family()))
    })
}

/// A stream that was kept, looked at as one text.
fn events(positive: &Positive) -> bool {
    let text = letter(&positive.text);
    let event = |piece: String| {
        let event = json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] });
        format!("data: {event}\n\n")
    };
    let events: String = super::ways::pieces(&text, 7).into_iter().map(event).collect();
    positive.is_found_in(events.as_bytes())
}

/// In two and in three calls. A name in one call says nothing of a value in another, so that it
/// travels with the first piece.
fn calls(positive: &Positive) -> bool {
    let (before, find, after) = positive.parts();
    [2, 3].into_iter().all(|count| {
        let mut pieces = super::ways::pieces(find, find.chars().count().div_ceil(count));
        if let Some(first) = pieces.first_mut() {
            *first = format!("{before}{first}");
        }
        if let Some(last) = pieces.last_mut() {
            last.push_str(after);
        }
        let limits = MemoryLimits { seconds: 60, bytes: 4096, pairs: 4 };
        let memory = Memory::new(limits);
        let judge = judge();
        // What is whole in a piece is found there.
        pieces.iter().enumerate().any(|(nth, piece)| {
            let call = json!({ "id": nth, "part": piece, "note": "and so on" });
            let acted = memory.look((&SCANNER, &judge), ("a", "x"), &call, nth as u64);
            acted.iter().any(|one| one.action >= Action::Redact)
                || positive.is_found_in(piece.as_bytes())
        })
    })
}
