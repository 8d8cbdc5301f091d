//! The pass itself: which places of a text may hold a literal.
//!
//! Every literal has a *window*: four bytes of it. A table of 64 KiB says for each hash of four
//! bytes whether such a window exists, by a second hash. Hashes are reckoned and compared many at
//! a time (the loops are plain, over fixed lengths, so that the compiler uses vectors); only the
//! look-up goes place by place. Literals of one or two bytes are compared directly.
//!
//! It may say yes where no literal stands, never no where one does.
use crate::engine::bits::{BLOCK, Block, below, is};

/// So many places are looked at in one go: many enough that nobody waits for the bytes just
/// written to be readable as vectors.
const WIDE: usize = 256;
/// The same for what is left of a text, and for short ones.
const NARROW: usize = 32;
/// A window reaches so many bytes over its place.
const OVER: usize = 3;

/// The places of one stretch, a bit each.
pub(super) const PLACES: usize = WIDE;
pub(super) type Places = [u64; WIDE / BLOCK];

const SLOT_BITS: u32 = 16;
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
    #[inline]
    pub(super) fn places(&self, text: &[u8], at: usize) -> Places {
        let rest = text.get(at..).unwrap_or_default();
        let mut places = [0; WIDE / BLOCK];
        if let Some(part) = rest.first_chunk::<{ WIDE + OVER }>() {
            self.look::<WIDE, { WIDE / 2 }>(part, &mut places);
        } else if rest.len() > WIDE / 3 {
            let part = padded::<{ WIDE + OVER }>(rest);
            self.look::<WIDE, { WIDE / 2 }>(&part, &mut places);
            cut(&mut places, rest.len());
        } else {
            self.few(rest, &mut places);
        }
        places
    }

    /// The last places of a text.
    fn few(&self, rest: &[u8], places: &mut Places) {
        for (number, from) in (0..rest.len()).step_by(NARROW).enumerate() {
            let part = padded::<{ NARROW + OVER }>(rest.get(from..).unwrap_or_default());
            let mut found = [0];
            self.look::<NARROW, { NARROW / 2 }>(&part, &mut found);
            let [found] = found;
            if let Some(word) = places.get_mut(number / 2) {
                *word |= found << (number % 2 * NARROW);
            }
        }
        cut(places, rest.len());
    }

    /// Looks at `N` places of a part that is [`OVER`] bytes longer.
    #[inline(always)]
    fn look<const N: usize, const HALF: usize>(&self, part: &[u8], places: &mut [u64]) {
        let (mut even, mut odd) = ([0; HALF], [0; HALF]);
        let mut marks = [[0; 2]; HALF];
        let mut found = [0; N];
        let lanes = |from: usize| {
            let pairs = part.get(from..).unwrap_or_default().as_chunks::<2>().0.iter();
            pairs.map(|pair| u16::from_le_bytes(*pair) | 0x2020)
        };
        for ((slot, first), last) in even.iter_mut().zip(lanes(0)).zip(lanes(2)) {
            *slot = slot_of(first, last);
        }
        for ((slot, first), last) in odd.iter_mut().zip(lanes(1)).zip(lanes(3)) {
            *slot = slot_of(first, last);
        }
        for ((mark, even), odd) in marks.iter_mut().zip(lanes(1)).zip(lanes(2)) {
            *mark = (mark_of(even) >> 8 | mark_of(odd) & 0xFF00 | 0x0101).to_le_bytes();
        }
        self.look_up(&even, &odd, &mut found);
        for (found, mark) in found.iter_mut().zip(marks.as_flattened()) {
            *found = u8::from((*found == *mark) | (*found == ANY));
        }
        let after = part.get(1..).unwrap_or_default();
        for [first, second] in &self.pairs {
            for ((found, byte), next) in found.iter_mut().zip(part).zip(after) {
                *found |= u8::from(first.met(*byte) & second.met(*next));
            }
        }
        for (place, found) in places.iter_mut().zip(found.as_chunks::<BLOCK>().0) {
            *place = !Block::new(found).bits(|lane| is(lane, 0));
        }
        if N < BLOCK
            && let Some(place) = places.first_mut()
        {
            *place = !Block::of(&found).bits(|lane| is(lane, 0));
        }
    }

    /// One look-up for each place: what cannot be done many at a time.
    #[inline(never)]
    fn look_up(&self, even: &[u16], odd: &[u16], found: &mut [u8]) {
        let look = |slot: u16| self.slots.get(usize::from(slot) % SLOTS).copied().unwrap_or(EMPTY);
        for ((even, odd), [at_even, at_odd]) in
            even.iter().zip(odd).zip(found.as_chunks_mut::<2>().0)
        {
            *at_even = look(*even);
            *at_odd = look(*odd);
        }
    }
}

/// The beginning of a text, as if it went on with zeros.
#[inline]
pub(super) fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    let length = text.len().min(N);
    if let (Some(to), Some(from)) = (padded.get_mut(..length), text.get(..length)) {
        to.copy_from_slice(from);
    }
    padded
}

/// Forgets the places that the text does not have.
fn cut(places: &mut Places, length: usize) {
    for (word, from) in places.iter_mut().zip((0..).step_by(BLOCK)) {
        *word &= below(u32::try_from(length.saturating_sub(from)).unwrap_or(u32::MAX));
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
