//! The pass itself: which places of a text may hold a literal.
//!
//! Every literal has a *window*: four bytes of it. A table of 32 KiB says for each hash of four
//! bytes whether such a window exists, by a second hash. Hashes are reckoned and compared many at
//! a time (the loops are plain, over fixed lengths, so that the compiler uses vectors); only the
//! look-up goes place by place. Literals of one or two bytes are compared directly.
//!
//! It may say yes where no literal stands, never no where one does.
use crate::engine::bits::{BLOCK, bits, bits_of_8};

/// So many places are looked at in one go: many enough that nobody waits for the bytes just
/// written to be readable as vectors.
const WIDE: usize = 256;
/// The same for what is left of a text, and for short ones.
const NARROW: usize = 32;
/// A window reaches so many bytes over its place.
const OVER: usize = 3;

/// The places of one stretch, a bit each.
pub(super) const PLACES: usize = WIDE;
pub(super) type Places = [u64; WIDE / 64];

const SLOT_BITS: u32 = 15;
const SLOTS: usize = 1 << SLOT_BITS;
/// No window has this slot.
const EMPTY: u8 = 0;
/// Windows with different marks have this slot. No mark is even.
const ANY: u8 = 2;

/// The filter: built once.
pub(super) struct Filter {
    slots: Box<[u8; SLOTS]>,
    /// Literals of one or two bytes: what a byte must be after `or`, twice.
    pairs: Vec<[Need; 2]>,
}

/// What a byte must be: letters whatever their case.
#[derive(Clone, Copy)]
struct Need {
    or: u8,
    is: u8,
}

impl Need {
    const ANYTHING: Self = Self { or: 0xFF, is: 0xFF };

    fn new(byte: u8) -> Self {
        let or = if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
        Self { or, is: byte | or }
    }

    fn met(self, byte: u8) -> bool {
        byte | self.or == self.is
    }
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { slots: Box::new([EMPTY; SLOTS]), pairs: Vec::new() }
    }

    /// Lets a window through, folded.
    pub(super) fn let_window(&mut self, window: u32) {
        let mark = mark(window);
        if let Some(slot) = self.slots.get_mut(slot(window)) {
            *slot = if matches!(*slot, EMPTY) || *slot == mark { mark } else { ANY };
        }
    }

    /// Whether the slot of this window is taken by others.
    pub(super) fn crowds(&self, window: u32) -> bool {
        self.slots.get(slot(window)).is_some_and(|s| *s != EMPTY && *s != mark(window))
    }

    /// Lets a literal of one or two bytes through.
    pub(super) fn let_short(&mut self, first: u8, second: Option<u8>) {
        self.pairs.push([Need::new(first), second.map_or(Need::ANYTHING, Need::new)]);
    }

    /// Looks at the places from `at` on, [`PLACES`] at most.
    pub(super) fn places(&self, text: &[u8], at: usize) -> Places {
        let rest = text.get(at..).unwrap_or_default();
        let mut places = [0; WIDE / 64];
        if let Some(part) = rest.get(..WIDE + OVER) {
            self.look::<WIDE>(part, &mut places);
            return places;
        }
        self.rest(rest, &mut places);
        places
    }

    /// The last places of a text, as if it went on with zeros.
    #[inline(never)]
    fn rest(&self, rest: &[u8], places: &mut Places) {
        let mut padded = [0; WIDE + OVER];
        let length = rest.len().min(WIDE);
        for (to, from) in padded.iter_mut().zip(rest) {
            *to = *from;
        }
        for (word, from) in places.iter_mut().zip((0..length).step_by(64)) {
            for half in (0..64).step_by(NARROW).take_while(|half| from + half < length) {
                let start = from + half;
                let mut part = [0];
                if let Some(bytes) = padded.get(start..start + NARROW + OVER) {
                    self.look::<NARROW>(bytes, &mut part);
                }
                let [part] = part;
                *word |= part << half;
            }
            if let Some(beyond) = (from + 64).checked_sub(length) {
                *word &= u64::MAX >> beyond;
            }
        }
    }

    /// Looks at `N` places of a part that is [`OVER`] bytes longer.
    #[inline(always)]
    fn look<const N: usize>(&self, part: &[u8], places: &mut [u64]) {
        let mut slots = [[0_u16; 2]; N];
        let mut marks = [0_u8; N];
        let mut found = [0_u8; N];
        hash(part, slots.split_at_mut(N / 2).0, &mut marks);
        self.look_up(slots.split_at_mut(N / 2).0, &mut found);
        for (found, mark) in found.iter_mut().zip(&marks) {
            *found = u8::from((*found == *mark) | (*found == ANY));
        }
        let after = part.get(1..).unwrap_or_default();
        for [first, second] in &self.pairs {
            for ((found, byte), next) in found.iter_mut().zip(part).zip(after) {
                *found |= u8::from(first.met(*byte) & second.met(*next));
            }
        }
        for (place, found) in places.iter_mut().zip(found.as_chunks::<BLOCK>().0) {
            *place = bits(found);
        }
        if N < BLOCK
            && let Some(place) = places.first_mut()
        {
            *place =
                found.as_chunks::<8>().0.iter().rev().fold(0, |all, one| all << 8 | bits_of_8(one));
        }
    }

    /// One look-up for each place: what cannot be done many at a time.
    #[inline(never)]
    fn look_up(&self, slots: &[[u16; 2]], found: &mut [u8]) {
        let look = |slot: u16| self.slots.get(usize::from(slot) % SLOTS).copied().unwrap_or(EMPTY);
        for ([even, odd], [at_even, at_odd]) in slots.iter().zip(found.as_chunks_mut::<2>().0) {
            *at_even = look(*even);
            *at_odd = look(*odd);
        }
    }
}

/// Slots and marks of the windows at the even and the odd places.
#[inline(always)]
fn hash(part: &[u8], slots: &mut [[u16; 2]], marks: &mut [u8]) {
    let pairs = |from: usize| part.get(from..).unwrap_or_default().as_chunks::<2>().0;
    let evens = pairs(0).iter().zip(pairs(2));
    let odds = pairs(1).iter().zip(pairs(3));
    let marks = marks.as_chunks_mut::<2>().0.iter_mut();
    for ((((v0, v2), (v1, v3)), slot), mark) in evens.zip(odds).zip(slots).zip(marks) {
        let [v0, v1, v2, v3] = [v0, v1, v2, v3].map(|pair| u16::from_le_bytes(*pair) | 0x2020);
        *slot = [slot_of(v0, v2), slot_of(v1, v3)];
        *mark = (mark_of(v1) >> 8 | mark_of(v2) & 0xFF00 | 0x0101).to_le_bytes();
    }
}

/// From the first two bytes of a window and the last two. Odd numbers without a pattern; the
/// high bits of a product depend on all of its lower ones.
#[inline(always)]
fn slot_of(first: u16, last: u16) -> u16 {
    first.wrapping_mul(0x9E37).wrapping_add(last.wrapping_mul(0x6A4D)) >> (16 - SLOT_BITS)
}

/// From the middle two bytes of a window.
#[inline(always)]
fn mark_of(middle: u16) -> u16 {
    middle.wrapping_mul(0xB5C3)
}

fn slot(window: u32) -> usize {
    let [a, b, c, d] = window.to_le_bytes();
    usize::from(slot_of(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
}

fn mark(window: u32) -> u8 {
    let [_, b, c, _] = window.to_le_bytes();
    let [_, high] = mark_of(u16::from_le_bytes([b, c])).to_le_bytes();
    high | 1
}
