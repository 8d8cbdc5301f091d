//! Whatever bytes come, nothing here stops the program: everything that reads from outside says yes
//! or no.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
mod record;

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use record::{Record, record};
use tollgate_audit::{
    Entry, EventProof, Frontier, Note, Profile, Registry, SignedCheckpoint, Trail, Verifier,
    canonical, cef, leaf_hash, read_json, read_stamp,
};

static RECORD: LazyLock<Record> = LazyLock::new(record);

/// Good texts of every kind, to be damaged.
static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let record = &*RECORD;
    let entry = Entry::parse(record.lines[3].as_bytes()).unwrap();
    let mut tree = Frontier::new();
    record.lines[..3].iter().for_each(|line| tree.push(line.as_bytes()));
    let mut trail = Trail::of_leaf(tree, leaf_hash(record.lines[3].as_bytes()));
    record.lines[4..].iter().for_each(|line| trail.push_hash(leaf_hash(line.as_bytes())));
    let root = trail.tree().root();
    let note = Note { origin: "tollgate/test".to_owned(), size: 8, root };
    let note = note.sign(&record.key).unwrap();
    let proof = EventProof::new(record.lines[3].as_bytes(), 3, &trail, &note).to_text();
    assert!(EventProof::parse(&proof).unwrap().check(&record.registry).is_ok());
    let checkpoint = record.checkpoints[0].to_line();
    let texts = [
        record.lines[0].clone(),
        record.lines[3].clone(),
        cef::write_cef(&entry),
        note,
        proof,
        checkpoint,
        record.registry.to_json(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
});

/// Arbitrary bytes; or a good text with some bytes exchanged, a piece taken out, and another put in.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::sample::select(vec![
            "\u{2014} ",
            "\n\n",
            "\n",
            " ",
            "=",
            "\\",
            "|",
            "{",
            "[",
            "\"",
            "null",
            "-",
            "18446744073709551616",
            "9007199254740993",
            "1e999",
            "\\ud800",
            "\u{0}",
            "\u{10ffff}",
            "extra ",
            "index ",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let damaged = (any::<Index>(), any::<[Index; 2]>(), piece, any::<Option<(Index, u8)>>());
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..300),
        4 => damaged.prop_map(|(which, [from, to], piece, flip)| {
            let mut bytes = GOOD[which.index(GOOD.len())].clone();
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            // Small pieces, so that most of the text stays what it was.
            let to = to.clamp(from, bytes.len().min(from + 8));
            bytes.splice(from..to, piece);
            if let Some((at, flip)) = flip && !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn anything_is_examined_and_admitted_or_not(lines in prop::collection::vec(hostile(), 1..4)) {
        for profile in [Profile::Tollgate, Profile::Foreign] {
            let mut verifier = Verifier::new(profile, &RECORD.registry).part();
            let examiner = verifier.examiner();
            for line in &lines {
                let _ = verifier.admit(examiner.examine(line));
            }
            let _ = verifier.finish();
        }
    }

    #[test]
    fn anything_is_read_or_refused(bytes in hostile()) {
        let _ = Entry::parse(&bytes);
        let _ = cef::read_cef(&bytes);
        let _ = Registry::parse(&bytes);
        if let Ok(signed) = SignedCheckpoint::parse(&bytes) {
            let line = signed.to_line();
            prop_assert_eq!(line.trim_end().as_bytes(), bytes.strip_suffix(b"\n").unwrap_or(&bytes));
            let _ = signed.check(&RECORD.registry);
        }
        if let Ok(value) = read_json(&bytes) {
            let text = canonical(&value).unwrap();
            prop_assert_eq!(canonical(&read_json(text.as_bytes()).unwrap()).unwrap(), text);
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = Note::read(text, &RECORD.registry);
            let _ = read_stamp(text);
            if let Ok(proof) = EventProof::parse(text) {
                prop_assert_eq!(proof.to_text(), text);
                let _ = proof.check(&RECORD.registry);
            }
        }
    }
}
