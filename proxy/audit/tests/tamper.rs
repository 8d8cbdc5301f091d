//! Whoever changes a record is found out: each kind of change by name, and any byte at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
mod record;

use std::sync::LazyLock;

use proptest::prelude::*;
use record::{Record, key, record, seal};
use tollgate_audit::{
    Break, Chain, Checkpoint, Entry, EventType, Facts, Profile, SignedCheckpoint, Summary, Verifier,
};

fn verify<'a>(
    record: &Record,
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Summary, Break> {
    let mut verifier = Verifier::new(Profile::Tollgate, &record.registry);
    for checkpoint in &record.checkpoints {
        verifier.checkpoint(checkpoint)?;
    }
    for line in lines {
        verifier.push(line)?;
    }
    verifier.finish()
}

/// Changes the record and expects this sentence.
#[track_caller]
fn check(change: impl FnOnce(&mut Record), expect: &str) {
    let mut record = record();
    change(&mut record);
    let broken = verify(&record, record.lines.iter().map(String::as_bytes)).unwrap_err();
    assert!(broken.to_string().contains(expect), "{broken}");
}

fn replace(line: usize, from: &'static str, to: &'static str) -> impl FnOnce(&mut Record) {
    move |record| {
        let changed = record.lines[line].replacen(from, to, 1);
        assert_ne!(changed, record.lines[line]);
        record.lines[line] = changed;
    }
}

#[test]
fn untouched_it_is_sound() {
    let record = record();
    let summary = verify(&record, record.lines.iter().map(String::as_bytes)).unwrap();
    assert_eq!((summary.events, summary.checkpoints, summary.anchored), (8, 2, 8));
}

#[test]
fn a_changed_payload_or_column() {
    check(replace(2, "send_email", "read_email"), "the payload was changed");
    check(replace(2, "\"revision\":\"r1\"", "\"revision\":\"r2\""), "the payload was changed");
    // The first occurrence stands beside the payload, the second in it.
    check(replace(2, "\"actor\":\"spiffe", "\"actor\":\"spiffi"), "`actor` beside the payload");
    check(replace(2, "call.intent", "call.outcome"), "`event_type` beside the payload");
    check(replace(2, "000000002\"", "000000003\""), "`id` beside the payload");
    check(replace(2, "\"m1\"", "\"m2\""), "`manifest_signature_id` beside the payload");
    check(replace(2, "\"signer_id\":\"k1\"", "\"signer_id\":\"k2\""), "`signer_id` beside");
    check(
        replace(2, "\"seq\":2,\"signature\"", "\"seq\":3,\"signature\""),
        "`seq` beside the payload",
    );
    // The column ends the line; in the payload more follows.
    check(replace(2, "00.000002Z\"}", "00.000009Z\"}"), "`ts` beside the payload");
}

#[test]
fn a_column_too_few_or_too_many() {
    check(replace(2, ",\"signer_id\":\"k1\"", ""), "`signer_id` is missing");
    check(
        replace(2, "\"seq\":2,\"signature\"", "\"seq\":2,\"shown\":1,\"signature\""),
        "none of ours",
    );
    check(replace(2, "{\"actor\"", "{\"actor\":\"x\",\"actor\""), "twice");
    check(replace(2, "{\"actor\"", "{ \"actor\""), "canonical form");
    check(|record| record.lines[2].truncate(40), "not JSON");
    check(|record| record.lines[2] = "[]".to_owned(), "not an object");
}

#[test]
fn missing_swapped_repeated_appended() {
    check(|record| drop(record.lines.remove(3)), "events 3 to 3 are missing");
    check(|record| record.lines.swap(3, 4), "events 3 to 3 are missing");
    check(
        |record| {
            let again = record.lines[3].clone();
            record.lines.insert(4, again);
        },
        "event number 3 came where 4 should",
    );
    check(|record| drop(record.lines.drain(..2)), "the first 2 events are not here");
    check(|record| record.lines.truncate(6), "there were 8 events, but the chain ends after 6");
    check(|record| record.lines.clear(), "ends after 0");
    // Without checkpoints a cut end is not seen: that is what they are for.
    let mut cut = record();
    cut.checkpoints.clear();
    cut.lines.truncate(6);
    assert_eq!(verify(&cut, cut.lines.iter().map(String::as_bytes)).unwrap().anchored, 0);
}

#[test]
fn a_chain_rewritten_with_the_real_key() {
    // A thief of the key writes another history; the checkpoint held elsewhere tells.
    check(
        |record| {
            let mut chain = Chain::new();
            for line in &mut record.lines {
                let facts = Facts::new(EventType::CallIntent, "somebody else");
                *line = seal(&mut chain, &record.key, facts).to_line().trim_end().to_owned();
            }
        },
        "checkpoint of size 4 saw another event",
    );
}

#[test]
fn another_signer() {
    let swap = |seed, kid: &'static str| {
        move |record: &mut Record| {
            let first = Entry::parse(record.lines[0].as_bytes()).unwrap();
            let mut chain = Chain::after(&first);
            let facts = Facts::new(EventType::CallIntent, "a");
            let entry = seal(&mut chain, &key(seed, kid), facts);
            record.lines[1] = entry.to_line().trim_end().to_owned();
        }
    };
    check(swap(2, "k2"), "`k2` is not in the registry");
    check(swap(2, "k1"), "not by this key");
}

#[test]
fn wrong_encodings() {
    check(
        |record| {
            let entry = Entry::parse(record.lines[2].as_bytes()).unwrap();
            let hash = entry.hash().to_string();
            record.lines[2] = record.lines[2].replace(&hash, &hash.to_uppercase());
        },
        "`hash` is not 64 lower-case",
    );
    check(replace(0, "\"prev_hash\":null", "\"prev_hash\":\"\""), "`prev_hash` is not 64");
    check(
        |record| {
            let zeros = format!("\"prev_hash\":\"{}\"", "0".repeat(64));
            record.lines[0] = record.lines[0].replace("\"prev_hash\":null", &zeros);
        },
        "first event names a previous hash",
    );
    check(
        |record| {
            let entry = Entry::parse(record.lines[2].as_bytes()).unwrap();
            let bare = entry.signature().trim_end_matches('=');
            record.lines[2] = record.lines[2].replace(entry.signature(), bare);
        },
        "not standard base64",
    );
    check(replace(2, "\"signature\":\"", "\"signature\":null,\"x\":\""), "canonical");
}

#[test]
fn a_checkpoint_of_another_chain_or_by_nobody() {
    let refused = |signed: SignedCheckpoint, expect: &str| {
        let record = record();
        let mut verifier = Verifier::new(Profile::Tollgate, &record.registry);
        verifier.checkpoint(&record.checkpoints[0]).unwrap();
        let broken = verifier.checkpoint(&signed).unwrap_err().to_string();
        assert!(broken.contains(expect), "{broken}");
    };
    let head_hash = *Entry::parse(record().lines[7].as_bytes()).unwrap().hash();
    let ts = "2026-01-01T00:00:00Z".parse().unwrap();
    let other = Checkpoint { origin: "other".to_owned(), size: 8, head_hash, ts };
    let signature = record().key.sign(&other.hash()).unwrap();
    refused(other.close(&signature).unwrap(), "different chains");
    let stranger = key(9, "k9");
    let mine = Checkpoint { origin: "tollgate/test".to_owned(), size: 8, head_hash, ts };
    let signature = stranger.sign(&mine.hash()).unwrap();
    refused(mine.close(&signature).unwrap(), "`k9` is not in the registry");
}

#[test]
fn a_part_is_only_a_part() {
    let record = record();
    let mut verifier = Verifier::new(Profile::Tollgate, &record.registry).part();
    verifier.checkpoint(&record.checkpoints[0]).unwrap();
    for line in &record.lines[4..] {
        verifier.push(line.as_bytes()).unwrap();
    }
    let summary = verifier.finish().unwrap();
    assert!(summary.part);
    assert_eq!((summary.first_seq, summary.events, summary.checkpoints), (4, 4, 1));
}

static RECORD: LazyLock<Record> = LazyLock::new(record);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_flipped_byte_is_seen(line in 0..8_usize, place in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let record = &*RECORD;
        let mut lines: Vec<Vec<u8>> =
            record.lines.iter().map(|line| line.clone().into_bytes()).collect();
        let place = place.index(lines[line].len());
        lines[line][place] ^= flip;
        let broken = verify(record, lines.iter().map(Vec::as_slice));
        prop_assert!(broken.is_err(), "byte {} of line {}", place, line);
        let at = broken.unwrap_err().line();
        prop_assert_eq!(at, u64::try_from(line).unwrap() + 1);
    }

    #[test]
    fn any_other_order_is_seen(order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle()) {
        prop_assume!(!order.is_sorted());
        let record = &*RECORD;
        prop_assert!(verify(record, order.iter().map(|n| record.lines[*n].as_bytes())).is_err());
    }

    #[test]
    fn any_bytes_are_only_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let record = &*RECORD;
        prop_assert!(verify(record, [bytes.as_slice()]).is_err());
        let mut foreign = Verifier::new(Profile::Foreign, &record.registry);
        prop_assert!(foreign.push(&bytes).is_err());
    }
}
