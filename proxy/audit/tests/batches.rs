//! However the work is spread, the answer is the same: the same summary, or the same first break.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
mod record;

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use record::{Record, key, record, seal};
use tollgate_audit::{
    Break, Chain, Digest, Entry, EventType, Examined, Facts, Frontier, Note, Profile, Summary,
    Verifier,
};

static RECORD: LazyLock<Record> = LazyLock::new(record);

/// What somebody may do to a record.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, Index, u8),
    Cut(Index, Index),
    Drop(Index),
    Repeat(Index, Index),
    Swap(Index, Index),
    Insert(Index, Vec<u8>),
    /// Another event in this one's place, its hashes and all, by our key (1) or another.
    Replace(Index, u8),
    Replaced(Index, &'static str, &'static str),
    Behead(Index),
    Truncate(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        (index(), index(), 1..=255_u8).prop_map(|(a, b, c)| Change::Flip(a, b, c)),
        (index(), index()).prop_map(|(a, b)| Change::Cut(a, b)),
        index().prop_map(Change::Drop),
        (index(), index()).prop_map(|(a, b)| Change::Repeat(a, b)),
        (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
        (index(), prop::collection::vec(any::<u8>(), 0..80))
            .prop_map(|(a, b)| Change::Insert(a, b)),
        (index(), 1..4_u8).prop_map(|(a, b)| Change::Replace(a, b)),
        (index(), replaced()).prop_map(|(a, (from, to))| Change::Replaced(a, from, to)),
        index().prop_map(Change::Behead),
        index().prop_map(Change::Truncate),
    ]
}

fn replaced() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("send_email", "read_email"),
        ("{\"actor\"", "{ \"actor\""),
        ("\"signer_id\":\"k1\"", "\"signer_id\":\"k2\""),
        ("\"signer_kid\":\"k1\"", "\"signer_kid\":\"k9\""),
        ("\"prev_hash\":\"", "\"prev_hash\":\"0"),
        ("\"seq\":", "\"seq\":1"),
        ("2026-01-01", "2025-01-01"),
    ])
}

fn apply(lines: &mut Vec<Vec<u8>>, change: Change) {
    let count = lines.len();
    if count == 0 {
        return;
    }
    match change {
        Change::Flip(line, place, flip) => {
            let line = &mut lines[line.index(count)];
            if !line.is_empty() {
                let place = place.index(line.len());
                line[place] ^= flip;
            }
        }
        Change::Cut(line, place) => {
            let line = &mut lines[line.index(count)];
            line.truncate(place.index(line.len() + 1));
        }
        Change::Drop(line) => drop(lines.remove(line.index(count))),
        Change::Repeat(line, place) => {
            let again = lines[line.index(count)].clone();
            lines.insert(place.index(count + 1), again);
        }
        Change::Swap(a, b) => lines.swap(a.index(count), b.index(count)),
        Change::Insert(place, bytes) => lines.insert(place.index(count + 1), bytes),
        Change::Replace(line, seed) => {
            let line = line.index(count);
            let before = line.checked_sub(1).and_then(|n| Entry::parse(&lines[n]).ok());
            let mut chain = before.map_or_else(Chain::new, |entry| Chain::after(&entry));
            let facts = Facts::new(EventType::CallIntent, "somebody else");
            let thief = key(seed, ["k1", "k2"][usize::from(seed % 2)]);
            let signer = if seed == 1 { &RECORD.key } else { &thief };
            let entry = seal(&mut chain, signer, facts);
            lines[line] = entry.to_line().trim_end().as_bytes().to_vec();
        }
        Change::Replaced(line, from, to) => {
            let line = &mut lines[line.index(count)];
            *line = String::from_utf8_lossy(line).replacen(from, to, 1).into_bytes();
        }
        Change::Behead(place) => drop(lines.drain(..place.index(count))),
        Change::Truncate(place) => lines.truncate(place.index(count)),
    }
}

/// How a chain is looked at.
#[derive(Clone, Copy, Debug)]
struct Way {
    foreign: bool,
    part: bool,
    anchored: bool,
    note: bool,
}

impl Way {
    fn verifier(self, record: &Record) -> Verifier<'_> {
        let profile = if self.foreign { Profile::Foreign } else { Profile::Tollgate };
        let mut verifier = Verifier::new(profile, &record.registry);
        if self.part {
            verifier = verifier.part();
        }
        if self.anchored {
            for checkpoint in &record.checkpoints {
                verifier.checkpoint(checkpoint).unwrap();
            }
        }
        if self.note {
            let origin = "tollgate/test".to_owned();
            verifier.note(&Note { origin, size: 6, root: root(record, 6) }).unwrap();
        }
        verifier
    }
}

fn root(record: &Record, size: usize) -> Digest {
    let mut tree = Frontier::new();
    record.lines[..size].iter().for_each(|line| tree.push(line.as_bytes()));
    tree.root()
}

fn one_by_one(mut verifier: Verifier<'_>, lines: &[Vec<u8>]) -> Result<Summary, Break> {
    for line in lines {
        verifier.push(line)?;
    }
    verifier.finish()
}

/// Examined on threads of their own, the last batch first; admitted in order.
#[expect(clippy::disallowed_methods, reason = "plays the shell, whose threads they are")]
fn in_batches(
    mut verifier: Verifier<'_>,
    lines: &[Vec<u8>],
    size: usize,
) -> Result<Summary, Break> {
    let examiner = verifier.examiner();
    let mut examined: Vec<Vec<Examined>> = std::thread::scope(|scope| {
        let work = |batch: &'_ [Vec<u8>]| batch.iter().map(|l| examiner.examine(l)).collect();
        let batches: Vec<&[Vec<u8>]> = lines.chunks(size).collect();
        let threads: Vec<_> =
            batches.into_iter().rev().map(|batch| scope.spawn(move || work(batch))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    examined.reverse();
    for one in examined.into_iter().flatten() {
        verifier.admit(one)?;
    }
    verifier.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn the_answer_does_not_depend_on_who_looked(
        changes in prop::collection::vec(change(), 0..4),
        (foreign, part, anchored, note) in any::<(bool, bool, bool, bool)>(),
        size in 1..9_usize,
    ) {
        let way = Way { foreign, part, anchored, note };
        let mut lines: Vec<Vec<u8>> =
            RECORD.lines.iter().map(|line| line.clone().into_bytes()).collect();
        changes.into_iter().for_each(|change| apply(&mut lines, change));
        let expect = one_by_one(way.verifier(&RECORD), &lines);
        let found = in_batches(way.verifier(&RECORD), &lines, size);
        prop_assert_eq!(found, expect);
    }
}

/// With two things wrong, the first line's is told; with two wrong in one line, that of the chain
/// before that of the line's own bytes, as it always was.
#[test]
fn the_first_break_is_told() {
    let check = |changes: &[(usize, &str, &str)], expect: &str| {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for (at, line) in RECORD.lines.iter().enumerate() {
            let mut line = line.clone();
            for (_, from, to) in changes.iter().filter(|(n, ..)| *n == at) {
                assert!(line.contains(from), "{from} in line {at}");
                line = line.replacen(from, to, 1);
            }
            lines.push(line.into_bytes());
        }
        let way = Way { foreign: false, part: false, anchored: false, note: false };
        for size in [1, 3, 8] {
            let broken = in_batches(way.verifier(&RECORD), &lines, size).unwrap_err().to_string();
            assert!(broken.contains(expect), "{broken}");
        }
    };
    check(
        &[(6, "send", "read"), (2, "{\"actor\"", "{ \"actor\"")],
        "line 3, event 00000000-0000-0000-0000-000000000002: it is not in its canonical",
    );
    check(&[(5, "send", "read"), (4, "\"signer_id\":\"k1\"", "\"signer_id\":\"k2\"")], "line 5,");
    let hash = Entry::parse(RECORD.lines[2].as_bytes()).unwrap().hash().to_string();
    let zeros = "0".repeat(64);
    // The link, the payload and so the signature are all wrong.
    check(&[(3, "send", "read"), (3, &hash, &zeros)], "`prev_hash` is 0000");
    check(&[(3, "send", "read")], "the payload was changed");
}
