//! What is packed (gzip, zlib, deflate, zstd, brotli), unpacked within a bound.
use std::io::Read;

/// No more is unpacked of one thing.
const UNPACKED_BYTES: u64 = 256 * 1024;
/// What is shorter is not packed by anyone.
const PACKED_BYTES: usize = 16;

/// What has no first bytes to know it by is tried from this length on.
const BARE_BYTES: usize = 40;
/// The lengths of digests, of which there are many.
const DIGESTS: [usize; 3] = [48, 64, 128];

/// What came out.
pub(crate) struct Unpacked {
    pub(crate) bytes: Vec<u8>,
    /// There was more than is looked at.
    pub(crate) cut: bool,
}

/// Unpacks by the first bytes of the format: gzip (RFC 1952), zlib (RFC 1950), zstd (RFC 8878).
/// Raw deflate (RFC 1951) and brotli (RFC 7932) have none, so that they are tried.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Unpacked> {
    if bytes.len() < PACKED_BYTES {
        return None;
    }
    match bytes {
        [0x1f, 0x8b, 8, ..] => read(flate2::read::MultiGzDecoder::new(bytes)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => read(zstd::stream::read::Decoder::new(bytes).ok()?),
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) => {
            read(flate2::read::ZlibDecoder::new(bytes))
        }
        _ if bytes.len() < BARE_BYTES || DIGESTS.contains(&bytes.len()) => None,
        _ => {
            let unpacked = read(flate2::read::DeflateDecoder::new(bytes))
                .or_else(|| read(brotli::Decompressor::new(bytes, 4096)))?;
            // By chance a few bytes of noise come out of anything.
            let printed = unpacked.bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | 9..=13));
            (printed && unpacked.bytes.len() >= PACKED_BYTES).then_some(unpacked)
        }
    }
}

/// What can be read; a broken end keeps what came before it.
fn read(source: impl Read) -> Option<Unpacked> {
    let mut bytes = Vec::new();
    let mut source = source.take(UNPACKED_BYTES + 1);
    let whole = source.read_to_end(&mut bytes).is_ok();
    if bytes.is_empty() || (!whole && bytes.len() < PACKED_BYTES) {
        return None;
    }
    let cut = bytes.len() as u64 > UNPACKED_BYTES || !whole;
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
