//! Whoever changes a chain is found out: any bit of any line, any other order, any cut, any fork
//! against a checkpoint or a signed root held elsewhere. The chains are of any events whatever.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
mod made;

use std::sync::LazyLock;

use made::{any_facts, key, registry, seal};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tollgate_audit::{
    Break, Chain, Checkpoint, Entry, EventType, Facts, Flaw, Frontier, Note, Profile, Registry,
    SignedCheckpoint, Summary, Verifier,
};

const ORIGIN: &str = "tollgate/test";

static REGISTRY: LazyLock<Registry> = LazyLock::new(registry);

/// What somebody keeps elsewhere.
enum Anchor {
    Checkpoint(Box<SignedCheckpoint>),
    Note(Note),
}

fn chain(all: impl IntoIterator<Item = Facts>) -> Vec<Entry> {
    let (mut chain, key) = (Chain::new(), key());
    all.into_iter().map(|facts| seal(&mut chain, &key, facts)).collect()
}

fn lines(entries: &[Entry]) -> Vec<Vec<u8>> {
    entries.iter().map(|entry| entry.to_line().trim_end().as_bytes().to_vec()).collect()
}

fn verify(lines: &[Vec<u8>], anchors: &[Anchor]) -> Result<Summary, Break> {
    let mut verifier = Verifier::new(Profile::Tollgate, &REGISTRY);
    for anchor in anchors {
        match anchor {
            Anchor::Checkpoint(signed) => verifier.checkpoint(signed)?,
            Anchor::Note(note) => verifier.note(note)?,
        }
    }
    for line in lines {
        verifier.push(line)?;
    }
    verifier.finish()
}

fn checkpoint(entries: &[Entry]) -> Anchor {
    let last = entries.last().unwrap();
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: last.seq() + 1,
        head_hash: *last.hash(),
        ts: last.ts(),
    };
    let signature = key().sign(&checkpoint.hash()).unwrap();
    Anchor::Checkpoint(Box::new(checkpoint.close(&signature).unwrap()))
}

fn note(entries: &[Entry]) -> Anchor {
    let mut tree = Frontier::new();
    lines(entries).iter().for_each(|line| tree.push(line));
    let note = Note { origin: ORIGIN.to_owned(), size: tree.size(), root: tree.root() };
    // Through its written form, as it is kept.
    let text = note.sign(&key()).unwrap();
    Anchor::Note(Note::read(&text, &REGISTRY).unwrap())
}

/// A checkpoint, a root, or both, of the chain's beginning of that many events.
fn anchors(entries: &[Entry], which: u8) -> Vec<Anchor> {
    match which % 3 {
        0 => vec![checkpoint(entries)],
        1 => vec![note(entries)],
        _ => vec![checkpoint(entries), note(entries)],
    }
}

#[test]
fn every_bit_of_a_small_chain() {
    let kinds = [EventType::GateStart, EventType::CallIntent, EventType::CallRefused];
    let entries =
        chain(kinds.map(|kind| Facts::new(kind, "a").text("tool", "t\u{e9}").number("n", 7)));
    let sound = lines(&entries);
    assert_eq!(verify(&sound, &[]).unwrap().events, 3);
    let (mut changed, mut bits) = (sound.clone(), 0_u64);
    for at in 0..sound.len() {
        for place in 0..sound[at].len() {
            for bit in 0..8 {
                changed[at][place] ^= 1 << bit;
                let broken = verify(&changed, &[]).err();
                let line = broken.as_ref().map(Break::line);
                assert_eq!(line, Some(at as u64 + 1), "bit {bit} of byte {place} of line {at}");
                changed[at][place] = sound[at][place];
                bits += 1;
            }
        }
    }
    assert!(bits > 8 * 3 * 400, "only {bits} bits were changed");
    assert_eq!(verify(&changed, &[]).unwrap().events, 3);
}

/// At least so many events of any kind.
fn any_events(least: usize) -> impl Strategy<Value = Vec<Facts>> {
    vec(any_event(), least..least + 8)
}

/// Of any kind but one: what vouches for a key is believed only with its root's word, which
/// the tests of `delegation.rs` have.
fn any_event() -> impl Strategy<Value = Facts> {
    any_facts().prop_filter("a delegation without a word", |facts| {
        facts.event_type() != EventType::SignerDelegated
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_bit(events in any_events(1), at: Index, places in vec((any::<Index>(), 0..8_u8), 16)) {
        let sound = lines(&chain(events));
        prop_assert!(verify(&sound, &[]).is_ok());
        let at = at.index(sound.len());
        for (place, bit) in places {
            let mut changed = sound.clone();
            let place = place.index(sound[at].len());
            changed[at][place] ^= 1 << bit;
            let line = verify(&changed, &[]).err().map(|broken| broken.line());
            prop_assert_eq!(line, Some(at as u64 + 1), "bit {} of byte {}", bit, place);
        }
    }

    #[test]
    fn any_other_order(events in any_events(2), one: Index, two: Index, which in 0..3) {
        let sound = lines(&chain(events));
        let (one, two) = (one.index(sound.len()), two.index(sound.len()));
        let mut changed = sound.clone();
        match which {
            0 => changed.swap(one, two),
            1 => {
                let moved = changed.remove(one);
                changed.insert(two, moved);
            }
            // Again, wherever it comes again.
            _ => changed.insert(two, sound[one].clone()),
        }
        prop_assume!(changed != sound);
        prop_assert!(verify(&changed, &[]).is_err());
    }

    #[test]
    fn any_cut(events in any_events(2), from: Index, count: Index, which: u8) {
        let entries = chain(events);
        let sound = lines(&entries);
        let from = from.index(sound.len());
        let count = 1 + count.index(sound.len() - from);
        let mut changed = sound.clone();
        changed.drain(from..from + count);
        let is_tail = from + count == sound.len();
        // A cut end shows against what was kept elsewhere, every other without it.
        let kept = if is_tail { anchors(&entries, which) } else { Vec::new() };
        prop_assert_eq!(verify(&sound, &kept).unwrap().checkpoints, kept.len() as u64);
        prop_assert!(verify(&changed, &kept).is_err());
        // The same, when it was kept long before the end.
        let kept = anchors(&entries[..=from], which);
        prop_assert!(verify(&sound, &kept).is_ok());
        prop_assert!(verify(&changed, &kept).is_err());
    }

    /// With the real key, from any event on: sound in itself, but not against what was kept.
    #[test]
    fn any_fork(events in any_events(2), at: Index, seen: Index, which: u8, other in any_event()) {
        let entries = chain(events);
        let at = at.index(entries.len());
        let mut end = match at.checked_sub(1) {
            Some(last) => Chain::after(&entries[last]),
            None => Chain::new(),
        };
        let mut fork = entries[..at].to_vec();
        while fork.len() < entries.len() {
            let facts = other.clone().text("forked", "yes");
            fork.push(seal(&mut end, &key(), facts));
        }
        let forked = lines(&fork);
        prop_assert!(verify(&forked, &[]).is_ok());
        let size = seen.index(entries.len()) + 1;
        let found = verify(&forked, &anchors(&entries[..size], which));
        if size > at {
            let broken = found.unwrap_err();
            prop_assert!(matches!(broken.flaw(), Flaw::Fork(seen) if *seen == size as u64), "{}", broken);
        } else {
            prop_assert!(found.is_ok());
        }
        // Events of one chain do not go on in the other.
        let mut grafted = forked[..=at].to_vec();
        grafted.extend_from_slice(&lines(&entries)[at + 1..]);
        prop_assert!(at + 1 == entries.len() || verify(&grafted, &[]).is_err());
    }
}
