//! What is packed (gzip, zlib, deflate, zstd, brotli), unpacked within a bound.
use std::io::Read;

use super::base::{is_printed, is_text};

/// No more is unpacked of one thing.
const UNPACKED_BYTES: u64 = 256 * 1024;
/// What is shorter is not packed by anyone.
const PACKED_BYTES: usize = 16;

/// What has no first bytes to know it by is tried from this length on.
const BARE_BYTES: usize = 40;

/// What came out.
pub(crate) struct Unpacked {
    pub(crate) bytes: Vec<u8>,
    /// There was more than is looked at.
    pub(crate) cut: bool,
}

/// Unpacks by the first bytes of the format: gzip (RFC 1952), zlib (RFC 1950), zstd (RFC 8878).
/// Raw deflate (RFC 1951) and brotli (RFC 7932) have none, so that they are tried. No more comes out
/// than `room`.
pub(crate) fn unpack(bytes: &[u8], room: usize) -> Option<Unpacked> {
    let most = UNPACKED_BYTES.min(room as u64);
    if bytes.len() < PACKED_BYTES {
        return None;
    }
    match bytes {
        [0x1f, 0x8b, 8, ..] => read(flate2::bufread::MultiGzDecoder::new(bytes), most),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            // A decoder costs more to set up than most texts to read.
            let told = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
            match told.is_some_and(|length| length > most) {
                true => Some(Unpacked { bytes: Vec::new(), cut: true }),
                false => read(zstd::stream::read::Decoder::with_buffer(bytes).ok()?, most),
            }
        }
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) => {
            read(flate2::bufread::ZlibDecoder::new(bytes), most)
        }
        _ if bytes.len() < BARE_BYTES => None,
        _ => {
            let deflated = || read(flate2::bufread::DeflateDecoder::new(bytes), most);
            let brotli = || read(brotli::Decompressor::new(bytes, 4096), most);
            let is_meant = |unpacked: &Unpacked| is_meant(unpacked, most);
            let deflated = may_be_deflate(bytes).then(deflated).flatten().filter(is_meant);
            deflated.or_else(|| may_be_brotli(bytes).then(brotli).flatten().filter(is_meant))
        }
    }
}

/// Whether what came out of something without first bytes to know it by is what went in: by chance a
/// few bytes of noise come out of anything, before it breaks off.
fn is_meant(unpacked: &Unpacked, most: u64) -> bool {
    let whole = !unpacked.cut || unpacked.bytes.len() as u64 > most;
    whole && unpacked.bytes.len() >= PACKED_BYTES && is_text(&unpacked.bytes)
}

/// Whether the first block can be one of a text (RFC 1951 section 3.2): of a type that there is, with
/// a length that is told twice where it is stored, a letter that a text begins with, or a code that is
/// whole. Nine tenths of all noise, which digests are, is told apart before a decoder is set up. It
/// need not be the last block: fast encoders end even short texts with an empty one.
fn may_be_deflate(bytes: &[u8]) -> bool {
    let Some(head) = bytes.first_chunk().map(|head| u128::from_le_bytes(*head)) else {
        return false;
    };
    let (kind, rest) = (head >> 1 & 3, head >> 3);
    match kind {
        // Section 3.2.4; the length begins with the next byte.
        0 => (head >> 8 ^ head >> 24) & 0xFFFF == 0xFFFF,
        1 => begins_text(rest),
        2 => has_whole_code(rest),
        _ => false,
    }
}

/// Whether the first codes of section 3.2.6 are letters of a text, up to the first repetition, which
/// has nothing to repeat yet at the very beginning, or the end of a block that is empty.
fn begins_text(mut bits: u128) -> bool {
    const LETTERS: usize = 8;
    for at in 0..LETTERS {
        let code = (bits as u16).reverse_bits();
        let (letter, length) = match code >> 8 {
            0 | 1 => return true,
            code @ 0x30..=0xBF => (code - 0x30, 8),
            // From here on nine bits, of which the first is not of the letter.
            0xC8.. => (code >> 7 & 0xFF, 9),
            _ => return at > 0,
        };
        if !(is_printed(letter as u8) || letter > 0x7F) {
            return false;
        }
        bits >>= length;
    }
    true
}

/// Whether the code that the lengths of a block's codes are written in (section 3.2.7) uses every
/// string of bits, which decoders ask for.
fn has_whole_code(bits: u128) -> bool {
    let (literals, distances, lengths) = (bits & 31, bits >> 5 & 31, bits >> 10 & 15);
    let share = |at: u128| match bits >> (14 + 3 * at) & 7 {
        0 => 0,
        length => 128 >> length,
    };
    literals < 30 && distances < 30 && (0..lengths + 4).map(share).sum::<u32>() == 128
}

/// Whether the first meta-block can be one of a text of some such length (RFC 7932 section 9). A
/// decoder takes up to 16 MiB for its window before it sees that it reads noise.
fn may_be_brotli(bytes: &[u8]) -> bool {
    const MORE_TIMES: u64 = 64;
    let Some(head) = bytes.first_chunk().map(|head| u64::from_le_bytes(*head)) else {
        return false;
    };
    let window_bits = match head {
        _ if head & 1 == 0 => 1,
        _ if head & 0b1110 != 0 => 4,
        _ => 7,
    };
    let head = head >> window_bits;
    // A last one that is not empty; or another one, and an empty last one at the end.
    let (whole, head) = match head & 3 {
        1 => (true, head >> 2),
        3 => (false, head),
        _ => (ends_empty(bytes), head >> 1),
    };
    let packed = bytes.len() as u64;
    let lengths = packed / 2..packed * MORE_TIMES;
    let digits = match head & 3 {
        0 => 16,
        1 => 20,
        _ => return false,
    };
    whole && lengths.contains(&((head >> 2 & ((1 << digits) - 1)) + 1))
}

/// Whether the last bits are those of a last meta-block that is empty: two, and nothing behind.
fn ends_empty(bytes: &[u8]) -> bool {
    let [.., before, last] = bytes else { return false };
    let end = u16::from_le_bytes([*before, *last]);
    *last != 0 && end << end.leading_zeros() >> 14 == 3
}

/// What can be read; a broken end keeps what came before it.
fn read(source: impl Read, most: u64) -> Option<Unpacked> {
    let mut bytes = Vec::new();
    let mut source = source.take(most + 1);
    let whole = source.read_to_end(&mut bytes).is_ok();
    if bytes.is_empty() || (!whole && bytes.len() < PACKED_BYTES) {
        return None;
    }
    let cut = bytes.len() as u64 > most || !whole;
    Some(Unpacked { bytes, cut })
}

/// Text of two bytes a character (UTF-16), as one byte a character where it has no other.
pub(crate) fn narrowed(bytes: &[u8]) -> Option<Vec<u8>> {
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    let half = bytes.len() / 2;
    let from = match (zeros(0), zeros(1)) {
        _ if half < 8 => return None,
        (_, odd) if odd * 10 > half * 9 => 0,
        (even, _) if even * 10 > half * 9 => 1,
        _ => return None,
    };
    Some(bytes.iter().skip(from).step_by(2).copied().collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// What our own encoders make of texts of many lengths is not taken for noise.
    #[test]
    fn packed_texts_are_not_taken_for_noise() {
        let text = "user=admin&password=hunter2-zz9, and the order of 12 March has 3 lines. ";
        for length in [16, 20, 40, 72, 300, 2000, 70_000] {
            let numbers = (0..).map(|n: u32| format!("{text}{n} ")).take(length / 72 + 1);
            let mut text = numbers.collect::<String>().into_bytes();
            text.truncate(length);
            for level in [1, 6, 9] {
                let level = flate2::Compression::new(level);
                let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), level);
                deflate.write_all(&text).unwrap();
                let packed = deflate.finish().unwrap();
                assert!(may_be_deflate(&packed), "deflate {length}: {packed:x?}");
            }
            for quality in [0, 1, 5, 9, 11] {
                let mut packed = Vec::new();
                let params = brotli::enc::BrotliEncoderParams { quality, ..Default::default() };
                brotli::BrotliCompress(&mut text.as_slice(), &mut packed, &params).unwrap();
                assert!(
                    may_be_brotli(&packed),
                    "brotli {quality} {length}: {:x?}",
                    packed.get(..8)
                );
            }
        }
    }
}
