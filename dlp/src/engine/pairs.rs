//! Pairs of bytes that stand beside each other in known texts: one look-up tells most places off.

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
