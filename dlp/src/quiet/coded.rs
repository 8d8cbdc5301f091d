//! Where a text may mean something else than it shows, told for many texts at once.
use std::ops::Range;

use crate::engine::bits::{BLOCK, Block, Lane, capitals, is, letters};
use crate::unfold::escapes;
use crate::unfold::runs::{RUN_BYTES, in_run};

/// Where signs of a coding stand, and where a long run with capitals and without digits does: words
/// with digits are looked at in another way. In order; each run is read once.
pub(super) fn places(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut blocks = Blocks { bytes, at: 0, ahead: Bits::of(bytes, 0) };
    let (mut word, mut base, mut passed) = (0, 0, 0);
    std::iter::from_fn(move || {
        loop {
            while word == 0 {
                base = blocks.at;
                word = blocks.next()?;
            }
            let place = base + word.trailing_zeros() as usize;
            word &= word - 1;
            match bytes.get(place) {
                Some(byte) if in_run(*byte) => {}
                Some(byte) if byte.is_ascii() && !escapes::is_one(bytes, place) => continue,
                _ => return Some(place),
            }
            if place >= passed {
                let run = around(bytes, place);
                passed = run.end;
                if is_told(bytes.get(run).unwrap_or_default()) {
                    return Some(place);
                }
            }
        }
    })
}

/// The run that a place is in.
fn around(bytes: &[u8], place: usize) -> Range<usize> {
    let (before, rest) = bytes.split_at_checked(place).unwrap_or_default();
    let back = before.iter().rev().take_while(|byte| in_run(**byte)).count();
    let on = rest.iter().take_while(|byte| in_run(**byte)).count();
    place - back..place + on
}

fn is_told(run: &[u8]) -> bool {
    run.len() >= RUN_BYTES
        && run.iter().any(u8::is_ascii_uppercase)
        && !run.iter().any(u8::is_ascii_digit)
}

/// What is told of 64 bytes, a bit each.
#[derive(Clone, Copy, Default)]
struct Bits {
    signs: u64,
    /// What a run is made of but digits: a run that is told holds none.
    runs: u64,
    capitals: u64,
}

impl Bits {
    #[inline(always)]
    fn of(bytes: &[u8], at: usize) -> Self {
        let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else {
            return Self::default();
        };
        let block = Block::of(rest);
        let sign = |lane| is(lane, b'%') | is(lane, b'\\') | is(lane, b'&') | is(lane, b'=');
        let run = |lane: Lane| {
            let signs = is(lane, b'+') | is(lane, b'/') | is(lane, b'-') | is(lane, b'_');
            letters(lane) | signs
        };
        Self {
            // The highest bit of a byte is the one that tells whether it is ASCII.
            signs: block.bits(|lane| sign(lane) | lane),
            runs: block.bits(run),
            capitals: block.bits(capitals),
        }
    }
}

struct Blocks<'t> {
    bytes: &'t [u8],
    at: usize,
    /// What is told of the block at `at`.
    ahead: Bits,
}

impl Blocks<'_> {
    /// The places in the next block.
    fn next(&mut self) -> Option<u64> {
        if self.at >= self.bytes.len() {
            return None;
        }
        self.at += BLOCK;
        let now = std::mem::replace(&mut self.ahead, Bits::of(self.bytes, self.at));
        if now.capitals | self.ahead.capitals == 0 {
            return Some(now.signs);
        }
        let both = |of: fn(Bits) -> u64| u128::from(of(now)) | u128::from(of(self.ahead)) << BLOCK;
        let runs = both(|bits| bits.runs);
        // A bit for each byte behind which enough in a row stand, and of these the first.
        let mut long = runs;
        let mut length = 1;
        while length < RUN_BYTES {
            let more = length.min(RUN_BYTES - length);
            long &= long >> more;
            length += more;
        }
        let first = long & !(long << 1);
        Some(now.signs | with_any(runs, first, both(|bits| bits.capitals)) as u64)
    }
}

/// The first bits of those runs in which such a bit stands, or may behind the last one.
fn with_any(runs: u128, firsts: u128, wanted: u128) -> u128 {
    let (mut rest, mut all) = (firsts, 0);
    while rest != 0 {
        let first = rest & rest.wrapping_neg();
        // Added to the run, its first bit carries over to the bit behind it, if there is one.
        let behind = runs.wrapping_add(first) & !runs;
        let run = behind.wrapping_sub(first);
        all |= if behind == 0 || run & wanted != 0 { first } else { 0 };
        rest ^= first;
    }
    all
}

const _: () = assert!(RUN_BYTES <= BLOCK);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_may_be_coded_is_told() {
        let told = |text: &str| places(text.as_bytes()).next().is_some();
        for before in 0..130 {
            let beside =
                |text: &str| format!("{}{text} and", "a word ".repeat(19).split_at(before).0);
            for text in
                ["%41", "\\u0041", "&lt;", "=41", "=\n", "é", "_GHIJKLMNOPQ", " abcdefghijkL"]
            {
                assert!(told(&beside(text)), "{text} behind {before}");
            }
            for text in [
                "",
                "5 %",
                "\\n",
                " & ",
                "limit=5)",
                " GHIJKLMNOPQ",
                " abcdefghijklmnopqrstuvwx",
                " A1CDEFGHIJKLMN",
            ] {
                assert!(!told(&beside(text)), "{text} behind {before}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn runs_are_those_found_byte_by_byte(
            pieces in prop::collection::vec(
                prop_oneof!["[a-z/_-]{1,40}", "[a-z/]{0,70}[A-Z]{0,2}", "[0-9A-Za-z-]{1,14}", " ", "[.,]"],
                0..14,
            ),
        ) {
            let text = pieces.concat();
            let runs = text.as_bytes().split(|byte| !in_run(*byte));
            prop_assert_eq!(places(text.as_bytes()).count(), runs.filter(|run| is_told(run)).count());
        }
    }

    #[test]
    fn a_run_is_told_once() {
        for run in ["aB".repeat(5000), "aB-/".repeat(2500), "a".repeat(9000) + "B"] {
            assert_eq!(places(format!(" {run} and").as_bytes()).count(), 1);
        }
        for run in ["aB1".repeat(5000), "550E8400-E29B-41D4-A716-446655440000/".repeat(300)] {
            assert_eq!(places(run.as_bytes()).count(), 0);
        }
    }
}
