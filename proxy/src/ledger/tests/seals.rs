//! Seals, the tree, torn ends byte by byte, and files that are not what they were.
use tollgate_audit::{Frontier, Note};

use super::super::recovery::recover;
use super::super::seal::Seal;
use super::super::segment::segment_path;
use super::*;

/// A spool of several small segments.
async fn spool(dir: &TempDir) -> LedgerOptions {
    let mut options = options(dir);
    options.segment_bytes = 4096;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for n in 0..12 {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    ledger.stop().await.unwrap();
    options
}

fn registry(spool: &Path) -> Registry {
    Registry::parse(&fs::read(spool.join("signers.json")).unwrap()).unwrap()
}

async fn refused(options: &LedgerOptions, expect: &[&str]) {
    let error = Ledger::open(options.clone()).await.err().expect("it started").to_string();
    for part in expect {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_segments_are_sealed_and_seals_are_compared() {
    let dir = TempDir::new().unwrap();
    let options = spool(&dir).await;
    let first = segment_path(&options.spool, 1);
    let bytes = fs::read(&first).unwrap();
    let seal = Seal::read(&options.spool, 1).unwrap().unwrap();
    assert_eq!((seal.crc32, seal.bytes), (crc32fast::hash(&bytes), bytes.len() as u64));
    assert_eq!(seal.tree.as_ref().unwrap().size(), seal.last_seq + 1);
    assert!(compare_seals(&options.spool).unwrap() >= 2);
    // The same bytes, and something that only the seal knows to be wrong.
    let path = options.spool.join("events-000000000001.seal");
    let text = fs::read_to_string(&path).unwrap();
    let crc = format!("{:08x}", seal.crc32);
    fs::write(&path, text.replace(&crc, "00000000")).unwrap();
    refused(&options, &["events-000000000001.jsonl", "its seal says `crc32` 00000000"]).await;
    assert!(compare_seals(&options.spool).unwrap_err().to_string().contains("crc32"));
    fs::write(&path, "{}").unwrap();
    refused(&options, &["events-000000000001.seal", "no seal"]).await;
    // Without it, the lines speak for themselves, and it is made anew.
    fs::remove_file(&path).unwrap();
    Ledger::open(options.clone()).await.unwrap().stop().await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    // A changed line is found with a seal and without.
    let changed = String::from_utf8(bytes).unwrap().replace("\"tool\":\"1\"", "\"tool\":\"x\"");
    fs::write(&first, changed).unwrap();
    refused(&options, &["events-000000000001.jsonl", "its seal says `crc32`"]).await;
    fs::remove_file(&path).unwrap();
    refused(&options, &["events-000000000001.jsonl", "line 2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newest_segment_that_is_gone_is_missed() {
    let dir = TempDir::new().unwrap();
    let options = spool(&dir).await;
    let newest = recover(&options.spool, &registry(&options.spool)).unwrap();
    let newest = newest.segments.last().unwrap().ordinal;
    fs::remove_file(segment_path(&options.spool, newest)).unwrap();
    refused(&options, &["the segment is missing", "sealed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_that_of_the_lines_and_is_signed() {
    let dir = TempDir::new().unwrap();
    let options = spool(&dir).await;
    // A restart goes on with it.
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("more")).await.unwrap();
    ledger.stop().await.unwrap();
    let notes = read_notes(&options.spool, &registry(&options.spool)).unwrap();
    let mut tree = Frontier::new();
    let mut met = 0;
    for line in lines(&options.spool) {
        if line.contains("\"event_type\":\"audit.checkpoint\"") {
            assert!(line.contains(&format!("\"root\":\"{}\"", tree.root())), "{line}");
        }
        tree.push(line.as_bytes());
        met += notes.iter().filter(|(_, note)| note.size == tree.size()).count();
        for (_, note) in notes.iter().filter(|(_, note)| note.size == tree.size()) {
            assert_eq!(note.root, tree.root());
        }
    }
    assert_eq!((notes.len(), met), (2, 2));
    let last = fs::read_to_string(options.spool.join("checkpoint")).unwrap();
    assert_eq!(Note::read(&last, &registry(&options.spool)).as_ref(), Ok(&notes[1].1));
    // A note that a crash cut short is no note.
    let path = options.spool.join("notes.txt");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole.as_bytes()[..whole.len() - 9]).unwrap();
    Ledger::open(options.clone()).await.unwrap().stop().await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), notes[0].0.clone() + "\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_torn_at_any_byte_is_mended() {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for tool in ["a", "b", "c"] {
        ledger.append(facts(tool)).await.unwrap();
    }
    let crashed = dir.path().join("crashed");
    copy(&options.spool, &crashed);
    ledger.stop().await.unwrap();
    let path = segment_path(&crashed, 1);
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    let registry = registry(&crashed);
    for cut in ends[0]..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let recovered = recover(&crashed, &registry).unwrap();
        let left = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(recovered.chain.size(), left as u64, "cut at {cut}");
        assert_eq!(recovered.tally.tree().unwrap().size(), left as u64);
        let torn = cut - ends[left - 1];
        assert_eq!(recovered.torn.map_or(0, |torn| torn.bytes), torn as u64, "cut at {cut}");
        assert_eq!(fs::read(&path).unwrap(), &whole[..ends[left - 1]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_moved_or_replaced_stops_the_record() {
    for closed in [false, true] {
        for replaced in [false, true] {
            let dir = TempDir::new().unwrap();
            let mut options = options(&dir);
            options.segment_bytes = 2048;
            options.checkpoint_events = 1;
            let ledger = Ledger::open(options.clone()).await.unwrap();
            while !segment_path(&options.spool, 2).exists() {
                ledger.append(facts("a")).await.unwrap();
            }
            let newest = recover(&options.spool, &registry(&options.spool)).unwrap();
            let newest = newest.segments.last().unwrap().ordinal;
            let path = segment_path(&options.spool, if closed { 1 } else { newest });
            let away = dir.path().join("away");
            fs::rename(&path, &away).unwrap();
            if replaced {
                fs::copy(&away, &path).unwrap();
            }
            // A closed one is looked at at the next checkpoint.
            until("the refusal", || {
                ledger.health().failed || {
                    let ledger = ledger.clone();
                    tokio::spawn(async move { ledger.append(facts("b")).await });
                    false
                }
            })
            .await;
            assert_eq!(ledger.append(facts("c")).await, Err(LedgerRefusal::Unavailable));
            assert!(ledger.stop().await.is_err());
        }
    }
}
