//! Long strings that were looked at before and hold nothing.
//!
//! An agent sends all of a conversation with every call of a model, and reads the same documents again
//! and again. What a look finds in a string depends on the string, its name and the detectors alone, so
//! that one in which nothing was found needs no further look, as long as no detector and nothing known
//! has changed: a hash of 120 bits under a key that nobody else has is remembered instead.
//!
//! A string is hashed when it may have come before. That it may is told by its length and its ends, so
//! that what comes once costs next to nothing. There is no lock: what two calls write at the same time
//! is a hash that neither has, or that of one of them.
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::{Sheet, Text};
use crate::engine::Span;
use crate::tape::Kind;

/// Looking a shorter string up would take as long as looking at it.
const LEAST_BYTES: usize = 128;
/// So many strings are remembered, in 768 KiB. Where a set is full, a later one takes the place of one
/// of an earlier one.
const SETS: usize = 1 << 13;
const WAYS: usize = 4;
/// Nothing stands there.
const FREE: u64 = 0;

/// What is remembered, by everyone who uses the same detectors. It is made when it is first needed.
pub(crate) struct Seen {
    keys: [u64; 2],
    /// Of strings that came: their length and their ends.
    glimpses: OnceLock<Sets<AtomicU64>>,
    /// Of strings that hold nothing: their hashes.
    marks: OnceLock<Sets<[AtomicU64; 2]>>,
}

/// Places in sets: what is kept stands in the set that it belongs to.
struct Sets<T>(Box<[[T; WAYS]]>);

impl<T: Default> Sets<T> {
    fn new() -> Self {
        Self((0..SETS).map(|_| Default::default()).collect())
    }

    /// The set that something belongs to.
    fn of(&self, key: u64) -> &[T] {
        self.0.get(key as usize % SETS).map_or(&[], |set| set)
    }

    /// A place of the set that is free, or any of it.
    fn place(&self, key: u64, is_free: impl Fn(&T) -> bool) -> Option<&T> {
        let set = self.of(key);
        set.iter().find(|place| is_free(place)).or_else(|| set.get((key >> 32) as usize % WAYS))
    }
}

impl Default for Seen {
    fn default() -> Self {
        let random = RandomState::new();
        let keys = [0_u64, 1].map(|number| random.hash_one(number));
        Self { keys, glimpses: OnceLock::new(), marks: OnceLock::new() }
    }
}

/// Nothing of the keys.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

/// The hash of a string with its name. The lowest byte of the second half tells what is remembered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([u64; 2]);

/// What is known of a string.
enum Recall {
    /// It did not come before.
    New,
    /// It may have come before.
    Again(Mark),
    /// It did, and it holds nothing.
    Quiet(Told),
}

/// What is told of a string that holds nothing.
#[derive(Clone, Copy)]
struct Told(u8);

impl Told {
    const KNOWN: u8 = 1;
    const TOKEN: u8 = 1 << 1;
    const DIGIT: u8 = 1 << 2;
    const ROW: u8 = 1 << 3;
    const BEGINS: u8 = 1 << 4;
    const PIECES: u8 = 1 << 5;

    fn of(text: &Text) -> Self {
        let bits = [
            (text.told.token, Self::TOKEN),
            (text.told.digit, Self::DIGIT),
            (text.row, Self::ROW),
            (text.begins, Self::BEGINS),
            (text.pieces || !text.told.quiet, Self::PIECES),
        ];
        let bits = bits.into_iter().filter(|(is, _)| *is);
        Self(bits.fold(Self::KNOWN, |all, (_, bit)| all | bit))
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    fn tell(self, text: &mut Text) {
        text.told.token = self.has(Self::TOKEN);
        text.told.digit = self.has(Self::DIGIT);
        text.row = self.has(Self::ROW);
        text.begins = self.has(Self::BEGINS);
        text.pieces = self.has(Self::PIECES);
    }
}

impl Seen {
    fn recall(&self, text: &[u8], shape: u64) -> Recall {
        let glimpse = self.glimpse(text, shape);
        let glimpses = self.glimpses.get_or_init(Sets::new);
        if !glimpses.of(glimpse).iter().any(|known| known.load(Relaxed) == glimpse) {
            if let Some(place) = glimpses.place(glimpse, |place| place.load(Relaxed) == FREE) {
                place.store(glimpse, Relaxed);
            }
            return Recall::New;
        }
        let mark = self.mark(text, shape);
        let known = self.marks.get().map_or(&[][..], |marks| marks.of(mark.key()));
        let told = known.iter().find_map(|[one, two]| {
            let (one, two) = (one.load(Relaxed), two.load(Relaxed));
            let [told, ..] = two.to_le_bytes();
            let told = Told(told).has(Told::KNOWN).then_some(Told(told));
            told.filter(|_| Mark([one, two & !0xFF]) == mark)
        });
        told.map_or(Recall::Again(mark), Recall::Quiet)
    }

    /// Remembers a string in which nothing was found; its name may say something by itself.
    pub(super) fn keep(&self, mark: Mark, text: &Text) {
        if !text.told.name {
            return;
        }
        let told = Told::of(text);
        let marks = self.marks.get_or_init(Sets::new);
        if let Some([one, two]) = marks.place(mark.key(), |[_, two]| two.load(Relaxed) == FREE) {
            let Mark([first, second]) = mark;
            one.store(first, Relaxed);
            two.store(second | u64::from(told.0), Relaxed);
        }
    }

    /// Its length and its ends. Texts that differ may share it.
    fn glimpse(&self, text: &[u8], shape: u64) -> u64 {
        let ends = [text.first_chunk().copied(), text.last_chunk().copied()];
        let ends = ends.map(|end| u128::from_le_bytes(end.unwrap_or_default()));
        let [first, last] = self.keys.map(u128::from);
        let mix = |one: u128, two: u128| {
            let both = (one as u64 as u128 ^ first).wrapping_mul((one >> 64) ^ two);
            (both ^ both >> 64) & u128::from(u64::MAX)
        };
        let [begin, end] = ends;
        mix(end, mix(begin, last) ^ u128::from(shape) ^ (text.len() as u128) << 32) as u64 | 1
    }

    fn mark(&self, text: &[u8], shape: u64) -> Mark {
        let [one, two] = self.keys;
        let mut hasher = SipHasher13::new_with_keys(one, two);
        hasher.write_u64(shape);
        hasher.write(text);
        let hash = hasher.finish128();
        Mark([hash.h1, hash.h2 & !0xFF])
    }
}

impl Mark {
    fn key(self) -> u64 {
        let Self([one, _]) = self;
        one
    }
}

/// What must be looked at in a document, and which of its strings may come again.
pub(super) struct Recalled {
    pub(super) parts: Vec<Span>,
    /// By their number.
    again: Vec<(usize, Mark)>,
}

impl Recalled {
    /// Everything.
    pub(super) fn nothing(sheet: &Sheet<'_>) -> Self {
        Self { parts: vec![Span::new(0, sheet.bytes.len())], again: Vec::new() }
    }

    pub(super) fn mark(&self, number: usize) -> Option<Mark> {
        let at = self.again.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.again.get(at).map(|(_, mark)| *mark)
    }
}

impl Sheet<'_> {
    /// Tells of strings that are known to hold nothing. `version` is that of what is known.
    pub(super) fn recall(&mut self, seen: &Seen, version: u64) -> Recalled {
        let (mut parts, mut again, mut from) = (Vec::new(), Vec::new(), 0);
        for (number, text) in self.texts.iter_mut().enumerate() {
            let value = text.told.value;
            // A longer name is looked at in any case.
            if text.kind != Kind::Text || value.len() < LEAST_BYTES || !text.told.quiet {
                continue;
            }
            let whole = self.bytes.get(text.start..value.end).unwrap_or_default();
            // Where its name ends: less than 256 bytes behind its beginning.
            let shape = version << 16 | (value.start - text.start) as u64 & 0xFF;
            match seen.recall(whole, shape << 1 | u64::from(text.name.is_empty())) {
                Recall::New => {}
                Recall::Again(mark) => again.push((number, mark)),
                Recall::Quiet(told) => {
                    told.tell(text);
                    text.seen = true;
                    parts.push(Span::new(from, text.start));
                    from = value.end;
                }
            }
        }
        parts.push(Span::new(from, self.bytes.len()));
        Recalled { parts, again }
    }

    /// Remembers those that were told to hold nothing.
    pub(super) fn keep(&self, seen: &Seen, recalled: &Recalled) {
        for (number, mark) in &recalled.again {
            if let Some(text) = self.texts.get(*number).filter(|text| text.told.quiet) {
                seen.keep(*mark, text);
            }
        }
    }
}
