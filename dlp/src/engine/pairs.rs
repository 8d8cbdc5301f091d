//! Bytes that stand beside each other in known texts: one look-up tells most places off.

/// A set of pairs, a bit each (8 KiB). Letters lose their case, and some signs become others: it may
/// say yes of a pair that was not added, never no of one that was.
pub(super) struct Pairs(Vec<u64>);

impl Default for Pairs {
    fn default() -> Self {
        Self(vec![0; 1 << (u16::BITS - u64::BITS.trailing_zeros())])
    }
}

impl Pairs {
    pub(super) fn add(&mut self, pair: [u8; 2]) {
        let (slot, bit) = place(pair);
        if let Some(slot) = self.0.get_mut(slot) {
            *slot |= bit;
        }
    }

    #[inline]
    pub(super) fn holds(&self, pair: [u8; 2]) -> bool {
        let (slot, bit) = place(pair);
        self.0.get(slot).is_some_and(|slot| slot & bit != 0)
    }
}

fn place(pair: [u8; 2]) -> (usize, u64) {
    let number = u16::from_le_bytes(pair) | 0x2020;
    (usize::from(number >> 6), 1 << (number & 63))
}

/// A set of three bytes each, by a hash (8 KiB). It may say yes of three that were not added, never
/// no of some that were.
pub(super) struct Triples(Vec<u64>);

const TRIPLE_BITS: u32 = 16;

impl Default for Triples {
    fn default() -> Self {
        Self(vec![0; 1 << (TRIPLE_BITS - u64::BITS.trailing_zeros())])
    }
}

impl Triples {
    pub(super) fn add(&mut self, triple: [u8; 3]) {
        let (slot, bit) = hash(triple);
        if let Some(slot) = self.0.get_mut(slot) {
            *slot |= bit;
        }
    }

    #[inline]
    pub(super) fn holds(&self, triple: [u8; 3]) -> bool {
        let (slot, bit) = hash(triple);
        self.0.get(slot).is_some_and(|slot| slot & bit != 0)
    }
}

#[inline]
fn hash([a, b, c]: [u8; 3]) -> (usize, u64) {
    let number = (u32::from_le_bytes([a, b, c, 0]) | 0x0020_2020).wrapping_mul(0x9E37_79B1);
    let hash = number >> (u32::BITS - TRIPLE_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}
