//! Values that are known letter for letter: canaries, and the gate's own secrets.
//!
//! No value is kept. Four neighbouring pieces of four bytes of each value say, by a bit of a keyed
//! hash, where one may stand; a keyed hash of the whole says whether it does. One of four
//! neighbouring pieces begins at a place that is a multiple of four, however the text was cut, so
//! that a text is read four bytes at a time.
use siphasher::sip::SipHasher24;

use super::words::Stretch;
use super::written::spellings;
use crate::coding::Codings;
use crate::engine::hit::Rank;
use crate::engine::{Hit, Open, Outcome, Span};
use crate::finding::Grade;
use crate::name::Name;

/// What a value is known for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Secret {
    /// A string that stands where nobody has any business.
    Canary,
    /// What the gate puts into calls in the agent's stead.
    Credential,
    /// What the gate itself, or the machine it is on, must keep.
    Own,
    /// What an agent holds in the place of a credential.
    Placeholder,
}

impl Secret {
    fn class(self) -> &'static str {
        match self {
            Self::Canary => CANARY,
            Self::Credential => CREDENTIAL,
            Self::Own => OWN,
            Self::Placeholder => PLACEHOLDER,
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::Canary => "[REDACTED:CANARY]",
            Self::Credential => "[REDACTED:CREDENTIAL]",
            Self::Own => "[REDACTED:OWN-SECRET]",
            Self::Placeholder => "[REDACTED:PLACEHOLDER]",
        }
    }
}

pub(super) const CANARY: &str = "known.canary";
pub(crate) const CREDENTIAL: &str = "known.credential";
pub(super) const OWN: &str = "known.own_secret";
pub(crate) const PLACEHOLDER: &str = "known.placeholder";

/// What is no secret, or no good one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ValueError {
    /// Too short to be told from other things.
    #[error("it has {0} bytes, and needs {min}", min = Values::BYTES_MIN)]
    Short(usize),
    /// `aaaaaaaa`, `password`, a word.
    #[error("it is too easily guessed to be told from other things")]
    Plain,
    /// Tags would be found again.
    #[error("it looks like what stands in the place of things that were redacted")]
    Tag,
    /// No list of secrets is so long.
    #[error("there are more than {max} values", max = Values::COUNT_MAX)]
    Many,
}

/// How long a piece of a value is that is looked for as one; longer values are cut.
const PIECE_BYTES: usize = 64;
/// How long a piece may be in another spelling.
const SPELLED_BYTES: usize = 2 * PIECE_BYTES;
/// How many bytes are looked at together.
const GRAM_BYTES: usize = 4;
/// The beginnings of a value that are known: from this length on, every four bytes.
const BEGINNING_BYTES: usize = 8;
/// Slots of the first look: 64 KiB of numbers and 8 KiB of bits.
const SLOTS: usize = 1 << 16;

/// All values, as hashes.
pub struct Values {
    hasher: SipHasher24,
    /// An odd factor that spreads the grams.
    factor: u64,
    /// A bit for each slot that a gram of a value falls into.
    bits: Vec<u64>,
    /// What may stand where a gram is, sorted by slot.
    places: Vec<Place>,
    values: Vec<Value>,
    /// Hashes of the beginnings of the values, sorted.
    beginnings: Vec<u64>,
    /// A bit for each beginning that is shorter: enough to hold it back, too little to tell it.
    short: Vec<u64>,
    /// A bit for each gram that a value begins with: tells most places off before anything is hashed.
    first: Vec<u64>,
    longest: usize,
}

/// Where in which value a gram is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    slot: u16,
    offset: u16,
    value: u32,
}

struct Value {
    hash: u64,
    length: usize,
    secret: Secret,
    detector: Name,
    via: Codings,
}

impl Values {
    /// The shortest value.
    pub const BYTES_MIN: usize = 8;
    /// How many values may be added.
    pub const COUNT_MAX: usize = 20_000;

    /// Nothing yet. The key is random and lives as long as the process.
    pub fn new(key: &[u8; 16]) -> Self {
        let hasher = SipHasher24::new_with_key(key);
        let factor = hasher.hash(b"factor") | 1;
        Self {
            hasher,
            factor,
            bits: vec![0; SLOTS / 64],
            places: Vec::new(),
            values: Vec::new(),
            beginnings: Vec::new(),
            short: vec![0; SLOTS / 64],
            first: vec![0; SLOTS / 64],
            longest: 0,
        }
    }

    /// Adds a value in the spellings that hide it: as it is, base64, hexadecimal, percent-encoded,
    /// escaped. A long one is cut into pieces, and each is looked for.
    pub fn add(&mut self, secret: Secret, name: Name, value: &[u8]) -> Result<(), ValueError> {
        if self.values.len() >= Self::COUNT_MAX {
            return Err(ValueError::Many);
        }
        checked(value)?;
        for piece in pieces(value).filter(|piece| !repeats(piece)) {
            for (via, spelled) in spellings(piece) {
                self.put(secret, &name, via, &spelled);
            }
        }
        self.places.sort_unstable();
        self.places.dedup();
        self.beginnings.sort_unstable();
        self.beginnings.dedup();
        Ok(())
    }

    /// How many values there are, in all their spellings.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn put(&mut self, secret: Secret, name: &Name, via: Codings, value: &[u8]) {
        if value.len() < Self::BYTES_MIN || value.len() > SPELLED_BYTES {
            return;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        for (offset, gram) in grams(value) {
            let slot = self.slot(gram);
            set(&mut self.bits, slot);
            self.places.push(Place { slot, offset, value: number });
        }
        for beginning in (1..BEGINNING_BYTES).filter_map(|length| value.get(..length)) {
            let slot = self.short(beginning);
            set(&mut self.short, slot);
        }
        if let Some(gram) = value.first_chunk() {
            let slot = self.slot(u32::from_le_bytes(*gram));
            set(&mut self.first, slot);
        }
        let beginnings = (BEGINNING_BYTES..value.len()).step_by(GRAM_BYTES);
        for beginning in beginnings.filter_map(|length| value.get(..length)) {
            self.beginnings.push(self.hasher.hash(beginning));
        }
        self.longest = self.longest.max(value.len());
        self.values.push(Value {
            hash: self.hasher.hash(value),
            length: value.len(),
            secret,
            detector: name.clone(),
            via,
        });
    }

    #[inline]
    fn slot(&self, gram: u32) -> u16 {
        let spread = u64::from(gram).wrapping_mul(self.factor) >> 48;
        // Sixteen bits are left.
        spread as u16
    }

    fn short(&self, beginning: &[u8]) -> u16 {
        self.hasher.hash(beginning) as u16
    }

    /// Looks through a stretch.
    pub(super) fn look(&self, stretch: &Stretch<'_>, sink: &mut dyn FnMut(Outcome)) {
        let text = stretch.part(stretch.start, stretch.end);
        let (quads, _) = text.as_chunks::<GRAM_BYTES>();
        for (number, quad) in quads.iter().enumerate() {
            let slot = self.slot(u32::from_le_bytes(*quad));
            if is_set(&self.bits, slot) {
                self.candidates(stretch, stretch.start + number * GRAM_BYTES, slot, sink);
            }
        }
        if stretch.goes_on() {
            self.tail(stretch, sink);
        }
    }

    #[cold]
    fn candidates(
        &self,
        stretch: &Stretch<'_>,
        at: usize,
        slot: u16,
        sink: &mut dyn FnMut(Outcome),
    ) {
        let from = self.places.partition_point(|place| place.slot < slot);
        let places = self.places.get(from..).unwrap_or_default();
        for place in places.iter().take_while(|place| place.slot == slot) {
            let start = at.checked_sub(usize::from(place.offset));
            let Some(start) = start.filter(|start| *start >= stretch.start) else { continue };
            let Some(value) = usize::try_from(place.value).ok().and_then(|n| self.values.get(n))
            else {
                continue;
            };
            let text = stretch.part(start, start + value.length);
            if text.len() == value.length && self.hasher.hash(text) == value.hash {
                sink(Outcome::Hit(value.hit(start)));
            }
        }
    }

    /// Where the last bytes may be the beginning of a value.
    fn tail(&self, stretch: &Stretch<'_>, sink: &mut dyn FnMut(Outcome)) {
        let length = self.ends_in(stretch.part(stretch.start, stretch.end));
        if length > 0 {
            let from = stretch.end - length;
            sink(Outcome::Open(Open { from, serious: length >= BEGINNING_BYTES }));
        }
    }

    /// How many of a text's last bytes may be the beginning of a value, and not yet all of one.
    pub(super) fn ends_in(&self, text: &[u8]) -> usize {
        let longest = self.longest.saturating_sub(1).min(text.len());
        let may_begin = |length: &usize| {
            let part = text.get(text.len() - length..).unwrap_or_default();
            let first = part.first_chunk().map(|gram| self.slot(u32::from_le_bytes(*gram)));
            if first.is_some_and(|slot| !is_set(&self.first, slot)) {
                return false;
            }
            if *length < BEGINNING_BYTES {
                return is_set(&self.short, self.short(part));
            }
            let known = part.get(..length - length % GRAM_BYTES).unwrap_or_default();
            self.beginnings.binary_search(&self.hasher.hash(known)).is_ok()
        };
        (1..=longest).rev().find(may_begin).unwrap_or(0)
    }
}

fn set(bits: &mut [u64], slot: u16) {
    if let Some(bits) = bits.get_mut(usize::from(slot) / 64) {
        *bits |= 1 << (slot % 64);
    }
}

fn is_set(bits: &[u64], slot: u16) -> bool {
    bits.get(usize::from(slot) / 64).is_some_and(|bits| bits >> (slot % 64) & 1 == 1)
}

impl Value {
    fn hit(&self, start: usize) -> Hit {
        let mut hit = Hit::new(
            (self.detector.clone(), self.secret.class()),
            Grade::Certain,
            Span::new(start, start + self.length),
            (self.secret.tag(), Rank::Token),
        );
        hit.via = self.via;
        hit
    }
}

fn checked(value: &[u8]) -> Result<(), ValueError> {
    if value.len() < Values::BYTES_MIN {
        return Err(ValueError::Short(value.len()));
    }
    let upper = value.to_ascii_uppercase();
    if memchr::memmem::find(&upper, b"REDACTED").is_some() {
        return Err(ValueError::Tag);
    }
    let mut known = upper;
    known.sort_unstable();
    known.dedup();
    match known.len() < DISTINCT_BYTES || repeats(value) {
        true => Err(ValueError::Plain),
        false => Ok(()),
    }
}

/// Fewer different bytes are a line of dashes or a row of zeros.
const DISTINCT_BYTES: usize = 4;

/// Whether it is one thing again and again, and so overlaps itself without end.
fn repeats(piece: &[u8]) -> bool {
    (1..=piece.len() / 2)
        .any(|period| piece.iter().zip(piece.iter().skip(period)).all(|(a, b)| a == b))
}

/// The pieces that a value is looked for in.
fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = value.len().div_ceil(PIECE_BYTES).max(1);
    value.chunks(value.len().div_ceil(count).max(1))
}

/// Four neighbouring grams, where the value looks least like words.
fn grams(value: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    const REACH: usize = 2 * GRAM_BYTES - 1;
    let odd = |part: &[u8]| {
        let mut kinds: Vec<u8> = part.iter().filter(|b| !b.is_ascii_lowercase()).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len()
    };
    let best = value.windows(REACH).enumerate().max_by_key(|(_, part)| odd(part));
    let (at, part) = best.unwrap_or((0, value));
    part.windows(GRAM_BYTES).enumerate().filter_map(move |(offset, gram)| {
        let offset = u16::try_from(at + offset).ok()?;
        Some((offset, u32::from_le_bytes(gram.try_into().ok()?)))
    })
}
