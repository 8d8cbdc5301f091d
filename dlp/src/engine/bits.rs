//! Bytes to bits: which bytes of a block are of a kind, told in vectors of sixteen.
//!
//! The vectors are those that every x86-64 and AArch64 has; elsewhere the library counts them out.
use wide::u8x16;

/// So many bytes make a word of bits.
pub(crate) const BLOCK: usize = 64;
const LANE: usize = 16;

/// Sixteen bytes.
pub(crate) type Lane = u8x16;

/// 64 bytes of a text, to be asked of what kinds they are.
#[derive(Clone, Copy)]
pub(crate) struct Block([Lane; BLOCK / LANE]);

impl Block {
    #[inline(always)]
    pub(crate) fn new(bytes: &[u8; BLOCK]) -> Self {
        let mut lanes = [Lane::default(); BLOCK / LANE];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks().0) {
            *lane = Lane::new(*bytes);
        }
        Self(lanes)
    }

    /// The block that a text begins with, as if it went on with zeros.
    #[inline(always)]
    pub(crate) fn of(text: &[u8]) -> Self {
        match text.first_chunk() {
            Some(block) => Self::new(block),
            None => {
                let mut block = [0; BLOCK];
                block.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
                Self::new(&block)
            }
        }
    }

    /// A bit for each byte that the kind holds, the first byte's the lowest.
    #[inline(always)]
    pub(crate) fn bits(&self, kind: impl Fn(Lane) -> Lane) -> u64 {
        let lanes = self.0.iter().rev();
        lanes.fold(0, |all, lane| all << LANE | u64::from(kind(*lane).to_bitmask()))
    }
}

/// Letters, whatever their case.
#[inline(always)]
pub(crate) fn letters(lane: Lane) -> Lane {
    between(lane | Lane::splat(0x20), b'a', b'z')
}

#[inline(always)]
pub(crate) fn digits(lane: Lane) -> Lane {
    between(lane, b'0', b'9')
}

#[inline(always)]
pub(crate) fn capitals(lane: Lane) -> Lane {
    between(lane, b'A', b'Z')
}

/// What stands before the blank in ASCII.
#[inline(always)]
pub(crate) fn controls(lane: Lane) -> Lane {
    between(lane, 0, 0x1F)
}

#[inline(always)]
pub(crate) fn is(lane: Lane, byte: u8) -> Lane {
    lane.simd_eq(Lane::splat(byte))
}

#[inline(always)]
fn between(lane: Lane, least: u8, most: u8) -> Lane {
    let over = lane - Lane::splat(least);
    over.min(Lane::splat(most - least)).simd_eq(over)
}

/// The bits below this one.
pub(crate) fn below(bit: u32) -> u64 {
    1_u64.checked_shl(bit).map_or(u64::MAX, |one| one - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_of_its_kinds() {
        type Kind = (fn(Lane) -> Lane, fn(&u8) -> bool);
        let kinds: [Kind; 5] = [
            (controls, |byte| *byte < 0x20),
            (letters, u8::is_ascii_alphabetic),
            (digits, u8::is_ascii_digit),
            (capitals, u8::is_ascii_uppercase),
            (|lane| is(lane, b'-'), |byte| *byte == b'-'),
        ];
        for from in [0_u8, 64, 128, 192] {
            let bytes: [u8; BLOCK] = std::array::from_fn(|at| from + at as u8);
            for (kind, plain) in kinds {
                let bits = Block::new(&bytes).bits(kind);
                for (at, byte) in bytes.iter().enumerate() {
                    assert_eq!(bits >> at & 1 == 1, plain(byte), "{byte}");
                }
            }
        }
        assert_eq!(Block::of(b"a1").bits(letters), 1);
    }
}
