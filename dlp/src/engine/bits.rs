//! Bytes to bits.

/// So many bytes make a word of bits.
pub(crate) const BLOCK: usize = 64;

/// A bit for each byte, which is 0 or 1; the first byte is the lowest bit.
#[inline(always)]
pub(crate) fn bits(bytes: &[u8; BLOCK]) -> u64 {
    let mut parts = [0; BLOCK / 8];
    for (part, bytes) in parts.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *part = bits_of_8(bytes);
    }
    u64::from_le_bytes(parts)
}

/// The multiplication brings the bit of each byte to the highest byte, none onto another.
#[inline(always)]
pub(crate) fn bits_of_8(bytes: &[u8; 8]) -> u8 {
    (u64::from_le_bytes(*bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// The bits below this one.
pub(crate) fn below(bit: u32) -> u64 {
    1_u64.checked_shl(bit).map_or(u64::MAX, |one| one - 1)
}
