//! Bytes that stand beside each other in known texts: one look-up tells most places off.

/// A set of pairs, a bit each (8 KiB). Letters lose their case, and some signs become others: it may
/// say yes of a pair that was not added, never no of one that was.
pub(super) type Pairs = Set<2>;

/// The same of three bytes each, by a hash.
pub(super) type Triples = Set<3>;

pub(super) struct Set<const N: usize>(Vec<u64>);

impl<const N: usize> Default for Set<N> {
    fn default() -> Self {
        Self(vec![0; 1 << (u16::BITS - u64::BITS.trailing_zeros())])
    }
}

impl<const N: usize> Set<N> {
    pub(super) fn add(&mut self, bytes: [u8; N]) {
        let (slot, bit) = place(bytes);
        if let Some(slot) = self.0.get_mut(slot) {
            *slot |= bit;
        }
    }

    #[inline]
    pub(super) fn holds(&self, bytes: [u8; N]) -> bool {
        let (slot, bit) = place(bytes);
        self.0.get(slot).is_some_and(|slot| slot & bit != 0)
    }
}

#[inline]
fn place<const N: usize>(bytes: [u8; N]) -> (usize, u64) {
    let number = bytes.iter().rev().fold(0_u32, |all, byte| all << 8 | u32::from(byte | 0x20));
    // Two bytes are their own number.
    let number = if N > 2 { number.wrapping_mul(0x9E37_79B1) >> 16 } else { number };
    ((number >> 6) as usize, 1 << (number & 63))
}
