//! Documents: passages of texts that must not leave, found by fingerprints.
//!
//! Winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003): of every window of neighbouring grams the
//! least hash is a fingerprint, so that a passage as long as a window and a gram has one at least,
//! wherever it begins. Only letters and digits count, whatever their case. A text is asked at each
//! of its grams whether that is a fingerprint, which needs no window and so no memory of what went
//! before.
use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;

use super::file::{self, IndexError, Kind};
use super::key::KnownKey;
use super::table::{Entry, SECTIONS, Table};
use super::words::Stretch;
use crate::engine::boundary::has_tag;
use crate::engine::hit::Rank;
use crate::engine::{Hit, Open, Outcome, Span};
use crate::finding::Grade;
use crate::name::Name;

pub(super) const CLASS: &str = "known.document";
pub(super) const TAG: &str = "[REDACTED:DOCUMENT]";
/// Letters and digits of a gram.
pub(super) const GRAM: usize = 32;
/// Grams of which one at least is a fingerprint.
pub(super) const WINDOW: usize = 64;
/// How many bytes a gram may have in a text, with all that does not count.
const GRAM_BYTES: usize = 96;
/// Within how many bytes the fingerprints of a passage must begin: half of it on either side.
const PASSAGE_BYTES: usize = 320;
/// Within how many bytes a fingerprint is the least, where findings are cut.
const CUT_BYTES: usize = 96;
/// How many fingerprints on either side of one are looked at with it.
const PRINTS_AROUND: usize = 24;
/// How many documents that share a fingerprint are told apart.
const SHARED: usize = 16;

/// What the head of the file says.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    documents: Vec<Document>,
}

/// A document, by name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its name.
    pub name: String,
    /// How many fingerprints it has.
    pub prints: u32,
}

/// An index of documents, as it was built or read.
pub struct DocumentIndex {
    roller: Roller,
    key: String,
    about: About,
    table: Table,
    rough: Vec<u8>,
}

/// Counts of an index; nothing of what is in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DocumentStats {
    /// Which key it was made with.
    pub key: String,
    /// The documents.
    pub documents: Vec<Document>,
    /// Fingerprints in all.
    pub prints: usize,
    /// Bytes it holds.
    pub bytes: usize,
}

impl DocumentIndex {
    /// Reads a file.
    pub fn read(file: &[u8], key: &KnownKey) -> Result<Self, IndexError> {
        let [a, b, c] = SECTIONS;
        let (about, [offsets, entries, filter, rough]): (About, _) =
            file::read(file, (Kind::Documents, "documents"), key, [a, b, c, "rough"])?;
        let unread = IndexError::Unread { part: "table", start: 0 };
        let table = Table::read([offsets, entries, filter]).filter(|_| !rough.is_empty());
        Ok(Self {
            roller: Roller::new(key),
            key: key.id(),
            about,
            table: table.ok_or(unread)?,
            rough: rough.to_vec(),
        })
    }

    /// What it holds, counted.
    pub fn stats(&self) -> DocumentStats {
        DocumentStats {
            key: self.key.clone(),
            documents: self.about.documents.clone(),
            prints: self.table.len(),
            bytes: self.table.bytes() + self.rough.len(),
        }
    }
}

/// Builds an index, document by document. No text is kept.
pub struct DocumentBuilder {
    key: KnownKey,
    roller: Roller,
    documents: Vec<Document>,
    prints: Vec<(u64, u32)>,
}

impl DocumentBuilder {
    /// A builder without documents.
    pub fn new(key: &KnownKey) -> Self {
        Self { key: key.clone(), roller: Roller::new(key), documents: Vec::new(), prints: vec![] }
    }

    /// Adds a document; how many fingerprints it has. None means that it is too short.
    pub fn add(&mut self, name: &str, text: &[u8]) -> u32 {
        let number = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        let mut least = Winnow::default();
        let before = self.prints.len();
        self.roller.roll(text, |gram| {
            if let Some(print) = least.push(gram.hash) {
                self.prints.push((print, number));
            }
        });
        // A text of one gram, or of fewer than a window, has its least.
        if let Some(print) = least.rest() {
            self.prints.push((print, number));
        }
        let prints = u32::try_from(self.prints.len() - before).unwrap_or(u32::MAX);
        self.documents.push(Document { name: name.to_owned(), prints });
        prints
    }

    /// The index.
    pub fn finish(mut self) -> DocumentIndex {
        self.prints.sort_unstable();
        self.prints.dedup();
        let mut rough = vec![0_u8; (self.prints.len() * 2).next_power_of_two().max(64)];
        for (hash, _) in &self.prints {
            let (byte, mask) = rough_slot(*hash, rough.len());
            if let Some(byte) = rough.get_mut(byte) {
                *byte |= mask;
            }
        }
        let sealed = |hash: u64| self.roller.hasher.hash(&hash.to_le_bytes());
        let entries = self.prints.iter().map(|(hash, document)| Entry {
            hash: sealed(*hash),
            row: *document,
            column: 0,
        });
        let table = Table::build(entries.collect());
        let about = About { documents: self.documents };
        DocumentIndex { roller: self.roller, key: self.key.id(), about, table, rough }
    }

    /// The index as a file.
    pub fn write(self) -> (DocumentStats, Vec<u8>) {
        let key = self.key.clone();
        let index = self.finish();
        let [offsets, entries, filter] = index.table.sections();
        let [a, b, c] = SECTIONS;
        let sections = [(a, offsets), (b, entries), (c, filter), ("rough", &index.rough[..])];
        let file = file::write(Kind::Documents, &key, &index.about, &sections);
        (index.stats(), file)
    }
}

/// The least of the last hashes, told when it is another one.
#[derive(Default)]
struct Winnow {
    window: VecDeque<u64>,
    /// How long the least is still in the window, and which it is.
    least: Option<(usize, u64)>,
    told: bool,
}

impl Winnow {
    fn push(&mut self, hash: u64) -> Option<u64> {
        if self.window.len() == WINDOW {
            self.window.pop_front();
            self.least = self.least.and_then(|(left, least)| Some((left.checked_sub(1)?, least)));
        }
        self.window.push_back(hash);
        let place = self.window.len() - 1;
        let before = self.least;
        self.least = match before {
            Some((_, least)) if hash > least => before,
            Some(_) => Some((place, hash)),
            None => self.window.iter().copied().enumerate().min_by_key(|(at, hash)| {
                // Of two that are equal, the later stays longer.
                (*hash, usize::MAX - at)
            }),
        };
        let is_new = self.least.map(|(_, least)| least) != before.map(|(_, least)| least);
        if self.window.len() < WINDOW {
            return None;
        }
        let tells = is_new || !self.told;
        self.told = true;
        self.least.map(|(_, least)| least).filter(|_| tells)
    }

    fn rest(&self) -> Option<u64> {
        self.least.map(|(_, least)| least).filter(|_| !self.told)
    }
}

/// A gram of a text.
#[derive(Clone, Copy)]
struct Gram {
    hash: u64,
    start: usize,
    end: usize,
}

/// Rolls a keyed hash over the letters and digits of a text (a cyclic polynomial: each letter has
/// a number of sixty-four random bits, turned by one for each letter behind it).
struct Roller {
    hasher: SipHasher24,
    numbers: Box<[u64; 256]>,
}

impl Roller {
    fn new(key: &KnownKey) -> Self {
        let mut numbers = Box::new([0; 256]);
        for (byte, number) in (0..=u8::MAX).zip(numbers.iter_mut()) {
            let lower = byte.to_ascii_lowercase();
            let counts = lower.is_ascii_alphanumeric() || !lower.is_ascii();
            // Never 0, which is for what does not count.
            *number = if counts { key.roll.hash(&[lower]).max(1) } else { 0 };
        }
        Self { hasher: key.roll, numbers }
    }

    #[inline]
    fn roll(&self, text: &[u8], mut visit: impl FnMut(Gram)) {
        let mut ring = [(0_u64, 0_usize); GRAM];
        let mut count = 0_usize;
        let mut hash = 0_u64;
        for (at, byte) in text.iter().enumerate() {
            let number = self.numbers.get(usize::from(*byte)).copied().unwrap_or(0);
            if number == 0 {
                continue;
            }
            let Some(slot) = ring.get_mut(count % GRAM) else { continue };
            // The one that falls out was turned by one for each letter since.
            let (old, _) = std::mem::replace(slot, (number, at));
            hash = hash.rotate_left(1) ^ number ^ old.rotate_left(GRAM as u32);
            count += 1;
            if count >= GRAM {
                let (_, start) = ring.get(count % GRAM).copied().unwrap_or_default();
                visit(Gram { hash, start, end: at + 1 });
            }
        }
    }
}

fn rough_slot(hash: u64, bytes: usize) -> (usize, u8) {
    let byte = usize::try_from(hash >> 3).unwrap_or(usize::MAX) & (bytes - 1);
    (byte, 1 << (hash & 7))
}

/// An index in use.
pub(super) struct Documents {
    index: DocumentIndex,
    /// A name for each document.
    detectors: Vec<Name>,
    /// How many fingerprints close together are a finding.
    wanted: usize,
}

/// A fingerprint in a text.
#[derive(Clone, Copy)]
struct Print {
    hash: u64,
    document: u32,
    span: Span,
    /// Its place among all.
    number: usize,
}

impl Documents {
    pub(super) fn new(index: DocumentIndex, name: &str, wanted: usize) -> Self {
        let called = |document: &Document| format!("{name}/{}", document.name);
        let detectors = index.about.documents.iter();
        let detectors = detectors.map(|document| Arc::<str>::from(called(document)).into());
        Self { detectors: detectors.collect(), index, wanted: wanted.max(1) }
    }

    /// Looks through a stretch.
    pub(super) fn look(&self, stretch: &Stretch<'_>, sink: &mut dyn FnMut(Outcome)) {
        let text = stretch.part(stretch.start, stretch.end);
        let mut prints: Vec<Print> = Vec::new();
        let rough = &self.index.rough;
        self.index.roller.roll(text, |gram| {
            let (byte, mask) = rough_slot(gram.hash, rough.len());
            if rough.get(byte).is_some_and(|byte| byte & mask != 0) {
                self.print(stretch.start, gram, &mut prints);
            }
        });
        for number in 0..prints.len() {
            self.passage(stretch, &prints, number, sink);
        }
        for print in &prints {
            if stretch.goes_on() && stretch.end < print.span.start + 2 * PASSAGE_BYTES {
                sink(Outcome::Open(Open { from: print.span.start, serious: true }));
            }
        }
        if stretch.goes_on() {
            let from = stretch.end.saturating_sub(GRAM_BYTES).max(stretch.start);
            sink(Outcome::Open(Open { from, serious: false }));
        }
    }

    #[cold]
    fn print(&self, base: usize, gram: Gram, prints: &mut Vec<Print>) {
        if gram.end - gram.start > GRAM_BYTES {
            return;
        }
        let sealed = self.index.roller.hasher.hash(&gram.hash.to_le_bytes());
        let Some(found) = self.index.table.find(sealed) else { return };
        let span = Span::new(base + gram.start, base + gram.end);
        for at in (found.start..found.end).take(SHARED) {
            let (hash, document, number) = (gram.hash, self.index.table.row(at), prints.len());
            prints.push(Print { hash, document, span, number });
        }
    }

    /// Tells of this fingerprint, if enough of its document stand around it.
    ///
    /// The fingerprints of a passage overlap, and what overlaps is one finding; so that a copy of a
    /// whole document is not held back to its end, the findings are cut at fingerprints that are
    /// less than their neighbours.
    fn passage(
        &self,
        stretch: &Stretch<'_>,
        prints: &[Print],
        number: usize,
        sink: &mut dyn FnMut(Outcome),
    ) {
        let Some(print) = prints.get(number) else { return };
        let document = usize::try_from(print.document).unwrap_or(usize::MAX);
        let known = self.index.about.documents.get(document).zip(self.detectors.get(document));
        let Some((about, detector)) = known else { return };
        // A short document has no more.
        let wanted = self.wanted.min(usize::try_from(about.prints).unwrap_or(1)).max(1);
        let mut near: Vec<&Print> = around(prints, number)
            .filter(|other| other.document == print.document)
            .filter(|other| other.span.start.abs_diff(print.span.start) <= PASSAGE_BYTES / 2)
            .filter(|other| {
                // What a tag has replaced may have been longer.
                let both = other.span.with(print.span);
                !has_tag(stretch.part(both.start, both.end))
            })
            .collect();
        near.sort_unstable_by_key(|other| other.hash);
        near.dedup_by_key(|other| other.hash);
        if near.len() < wanted {
            return;
        }
        let before = |other: &&Print| other.span.start < print.span.start;
        let cut = around(prints, number).filter(before).filter(|other| {
            let least = |near: &Print| {
                near.span.start.abs_diff(other.span.start) > CUT_BYTES || near.hash >= other.hash
            };
            around(prints, other.number).all(least)
        });
        // What stands between two fingerprints of a passage belongs to it.
        let joined = around(prints, number).filter(before).filter(|other| {
            other.document == print.document && other.span.end + GRAM_BYTES >= print.span.start
        });
        let from = joined.map(|other| other.span.end).max().unwrap_or(print.span.start);
        let cut = cut.map(|other| other.span.end).max().unwrap_or(0);
        let start = from.min(print.span.start).max(cut);
        if start >= print.span.end || has_tag(stretch.part(start, print.span.end)) {
            return;
        }
        sink(Outcome::Hit(Hit::new(
            (detector.clone(), CLASS),
            Grade::Likely,
            Span::new(start, print.span.end),
            (TAG, Rank::Shape),
        )));
    }
}

/// The fingerprints that stand around one, itself among them.
fn around(prints: &[Print], number: usize) -> impl Iterator<Item = &Print> {
    let from = number.saturating_sub(PRINTS_AROUND);
    prints.iter().skip(from).take(2 * PRINTS_AROUND + 1)
}
