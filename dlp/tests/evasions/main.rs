//! What is found in plain form is found when it is written in another way, or sent in pieces.
//!
//! Every example of every detector is carried through every way of writing, and a sample of them
//! through every two ways, one in the other. The share that is found may not fall below a floor,
//! which was measured; a test that fails shows the whole table.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]
mod floors;
mod positives;
mod splits;
mod ways;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use floors::{Floor, IN_PIECES, ONE_DEEP, TWO_DEEP};
use positives::{Kind, POSITIVES, Positive, letter};
use splits::SPLITS;
use ways::{BROKEN, CODINGS, DISGUISES};

/// How much of each kind was found in each way, and what was not.
#[derive(Default)]
struct Table(BTreeMap<&'static str, BTreeMap<Kind, Row>>);

#[derive(Default)]
struct Row {
    found: usize,
    all: usize,
    missed: Vec<String>,
}

impl Table {
    fn take(&mut self, way: &'static str, positive: &Positive, found: bool, told: &str) {
        let row = self.0.entry(way).or_default().entry(positive.kind).or_default();
        row.all += 1;
        row.found += usize::from(found);
        if !found {
            row.missed.push(format!("{}{told}", positive.detector));
        }
    }

    /// Fails when a share is below its floor; it shows all shares, and what was missed there.
    fn hold(&self, floors: &[Floor]) {
        let floors: BTreeMap<_, _> = floors.iter().copied().collect();
        let mut shown = String::new();
        let mut below = String::new();
        for (way, rows) in &self.0 {
            let mut shares = [100; Kind::ALL.len()];
            for (at, kind) in Kind::ALL.into_iter().enumerate() {
                let Some(row) = rows.get(&kind) else { continue };
                shares[at] = u32::try_from(row.found * 100 / row.all).unwrap();
                let floor = floors.get(way).map_or(100, |floors| floors[at]);
                if shares[at] < floor {
                    let missed = row.missed.iter().take(24).cloned().collect::<Vec<_>>();
                    let (found, all) = (row.found, row.all);
                    writeln!(below, "{way}, {kind:?}: {found} of {all} are found, {floor} % were; not {missed:?}").unwrap();
                }
            }
            writeln!(shown, "    ({way:?}, {shares:?}),").unwrap();
        }
        assert!(below.is_empty(), "all shares:\n{shown}\n{below}");
    }
}

#[test]
fn written_in_another_way() {
    let mut table = Table::default();
    for positive in POSITIVES.iter() {
        let all = CODINGS.iter().chain(&DISGUISES);
        let all = all.map(|(name, write)| (name, write(&positive.text)));
        let broken = BROKEN.iter().map(|(name, write)| (name, positive.with(write)));
        for (name, text) in all.chain(broken) {
            let text = letter(&text);
            let found = positive.is_found_in(text.as_bytes());
            table.take(name, positive, found, &positive.instead(text.as_bytes()));
        }
    }
    table.hold(ONE_DEEP);
}

/// One in 37, told by its text, so that another detector leaves the sample what it is.
fn is_sampled(positive: &Positive) -> bool {
    const EVERY: u32 = 37;
    let fnv = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    positive.text.bytes().fold(0x811C_9DC5, fnv) % EVERY == 0
}

/// Of a sample: every pair of ways for every example would be a million texts.
#[test]
fn written_in_another_way_twice() {
    let mut table = Table::default();
    for positive in POSITIVES.iter().filter(|positive| is_sampled(positive)) {
        for (inner, write_inner) in &CODINGS {
            let once = write_inner(&positive.text);
            for (outer, write_outer) in &CODINGS {
                let text = letter(&write_outer(&once));
                let found = positive.is_found_in(text.as_bytes());
                table.take(
                    outer,
                    positive,
                    found,
                    &format!(" in {inner}{}", positive.instead(text.as_bytes())),
                );
            }
        }
    }
    table.hold(TWO_DEEP);
}

#[test]
fn sent_in_pieces() {
    let mut table = Table::default();
    for positive in POSITIVES.iter() {
        for (name, finds) in &SPLITS {
            table.take(name, positive, finds(positive), "");
        }
    }
    table.hold(IN_PIECES);
}
