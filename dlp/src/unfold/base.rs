//! Base64, base32 and hexadecimal digits (RFC 4648), and what is packed in them.
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};

use super::atoms::Atoms;
use super::packed;
use super::runs::{RUN_BYTES, gap, in_run};
use crate::coding::Coding;
use crate::engine::Span;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STD: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Less text than this in something binary is chance.
const STRETCH_BYTES: usize = 12;
/// Less text than this is not looked at when all of it is text.
const TEXT_BYTES: usize = 8;
/// Where a run does not begin where the encoding does, so much of it is tried at each place.
const SHIFT_BYTES: usize = 4096;

/// What kinds of bytes there are in a run, a bit each.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kinds(u8);

impl Kinds {
    const LOWER: Self = Self(1);
    const UPPER: Self = Self(2);
    const DIGIT: Self = Self(4);
    /// The signs of the standard alphabet of base64.
    const STANDARD: Self = Self(8);
    /// The signs of the alphabet for URLs.
    const URL: Self = Self(16);
    /// What stands in no run: line ends and dots.
    const OTHER: Self = Self(32);
    /// What is no hexadecimal digit.
    const NO_HEX: Self = Self(64);

    const OF: [u8; 256] = {
        let mut of = [0; 256];
        let mut rest: &mut [u8] = &mut of;
        let mut byte = 0_u8;
        while let Some((slot, more)) = rest.split_first_mut() {
            let kind = match byte {
                b'a'..=b'z' => Self::LOWER,
                b'A'..=b'Z' => Self::UPPER,
                b'0'..=b'9' => Self::DIGIT,
                b'+' | b'/' => Self::STANDARD,
                b'-' | b'_' => Self::URL,
                b'=' => Self(0),
                _ => Self::OTHER,
            };
            *slot = kind.0 | if byte.is_ascii_hexdigit() { 0 } else { Self::NO_HEX.0 };
            byte = byte.wrapping_add(1);
            rest = more;
        }
        of
    };

    fn of(bytes: &[u8]) -> Self {
        let kind = |byte: &u8| Self::OF.get(usize::from(*byte)).copied().unwrap_or(0);
        Self(bytes.iter().fold(0, |all, byte| all | kind(byte)))
    }

    fn has(self, kinds: Self) -> bool {
        self.0 & kinds.0 == kinds.0
    }

    fn is_hex(self) -> bool {
        !self.has(Self::NO_HEX)
    }
}

/// Adds what the run means, if it means anything.
pub(crate) fn decode(text: &[u8], run: Span, atoms: &mut Atoms) {
    let (bytes, kinds) = told(text.get(run.start..run.end));
    if !kinds.has(Kinds::OTHER) {
        pieces((bytes, kinds), run, atoms);
        return;
    }
    // Signs at the beginning may be a URL's: `https://6768…`.
    let signs = bytes.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    let joined = unwrapped(bytes);
    for skip in if signs > 0 { 0..2 } else { 0..1 } {
        let from = skip * signs;
        if let Some((coding, meaning)) = whole(told(joined.get(from..)), atoms, run) {
            atoms.push(Span::new(run.start + from, run.end), coding, &meaning, true);
            return;
        }
    }
    // Not one thing in lines: each line may be one by itself.
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| in_run(**byte) || **byte == b'=').count();
        let part = Span::new(run.start + at, run.start + at + length);
        pieces(told(rest.get(..length)), part, atoms);
        at += length + gap(rest.get(length..).unwrap_or_default()).max(1);
    }
}

/// Bytes with their kinds.
fn told(bytes: Option<&[u8]>) -> (&[u8], Kinds) {
    let bytes = bytes.unwrap_or_default();
    (bytes, Kinds::of(bytes))
}

/// A run without line ends: as a whole, then without what belongs to no encoding of it.
fn pieces((bytes, kinds): (&[u8], Kinds), run: Span, atoms: &mut Atoms) {
    if bytes.len() < RUN_BYTES || is_identifier(bytes) {
        return;
    }
    if kinds.has(Kinds::STANDARD) && kinds.has(Kinds::URL) {
        let url = |byte: &u8| matches!(byte, b'-' | b'_');
        // No alphabet has both: what stands between the signs of one is in the other.
        let mut at = run.start;
        for part in bytes.split(url) {
            pieces(told(Some(part)), Span::new(at, at + part.len()), atoms);
            at += part.len() + 1;
        }
        return;
    }
    if let Some((coding, meaning)) = whole((bytes, kinds), atoms, run) {
        atoms.push(run, coding, &meaning, true);
        return;
    }
    if kinds.is_hex() {
        return;
    }
    // `key-aGVsbG8…`, `/path/aGVsbG8…`, `id_736b…`: the encoding begins behind a sign.
    let mut at = 0;
    let mut parts = 0;
    for part in bytes.split(|byte| matches!(byte, b'/' | b'-' | b'_' | b'+')) {
        let span = Span::new(run.start + at, run.start + at + part.len());
        at += part.len() + 1;
        parts += 1;
        if part.len() == bytes.len() || part.len() < RUN_BYTES || parts > 64 {
            continue;
        }
        if let Some((coding, meaning)) = whole(told(Some(part)), atoms, span) {
            atoms.push(span, coding, &meaning, true);
        }
    }
    let mixed = [Kinds::LOWER, Kinds::UPPER, Kinds::DIGIT].iter().all(|kind| kinds.has(*kind));
    if bytes.len() <= SHIFT_BYTES && mixed {
        shifted(bytes, run, atoms);
    }
}

/// The encoding begins inside the run, behind letters that are not its own.
fn shifted(bytes: &[u8], run: Span, atoms: &mut Atoms) {
    for shift in 1..4 {
        let part = bytes.get(shift..).unwrap_or_default();
        let groups = part.len() - part.len() % 4;
        let Some(decoded) = base64(part.get(..groups).unwrap_or_default()) else { continue };
        let Some(stretch) = stretches(&decoded).max_by_key(|span| span.end - span.start) else {
            continue;
        };
        if stretch.end - stretch.start < STRETCH_BYTES + 4 {
            continue;
        }
        // Whole groups of four, from the first whole group of three bytes.
        let start = run.start + shift + stretch.start / 3 * 4;
        let end = (run.start + shift + stretch.end.div_ceil(3) * 4).min(run.end);
        let meaning = decoded.get(stretch.start..stretch.end).unwrap_or_default();
        atoms.push(Span::new(start, end), Coding::Base64, meaning, true);
        return;
    }
}

/// What the bytes mean in the one coding in which they mean text.
fn whole(
    (bytes, kinds): (&[u8], Kinds),
    atoms: &mut Atoms,
    run: Span,
) -> Option<(Coding, Vec<u8>)> {
    if kinds.is_hex() && bytes.len().is_multiple_of(2) {
        let decoded = HEXLOWER_PERMISSIVE.decode(bytes).ok()?;
        return Some((Coding::Hex, text(decoded, atoms, run)?));
    }
    let cases = kinds.has(Kinds::LOWER) && kinds.has(Kinds::UPPER);
    if !cases
        && !kinds.has(Kinds::STANDARD)
        && !kinds.has(Kinds::URL)
        && let Some(decoded) = base32(bytes)
        && let Some(meaning) = text(decoded, atoms, run)
    {
        return Some((Coding::Base32, meaning));
    }
    // Text in base64 has letters of both cases before long; names and digests in capitals do not.
    if !cases {
        return None;
    }
    Some((Coding::Base64, text(base64(bytes)?, atoms, run)?))
}

fn base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let trimmed = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = bytes.get(..trimmed)?;
    // One letter alone behind the last group holds no byte.
    let body = body.get(..body.len() - usize::from(body.len() % 4 == 1))?;
    let url = body.iter().any(|byte| matches!(byte, b'-' | b'_'));
    if url { URL.decode(body).ok() } else { STD.decode(body).ok() }
}

fn base32(bytes: &[u8]) -> Option<Vec<u8>> {
    let trimmed = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = bytes.get(..trimmed)?;
    let upper = body.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
    let lower = body.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    if !(upper || lower) {
        return None;
    }
    // Lengths that hold a part of a byte lose it.
    let whole = match body.len() % 8 {
        1 | 3 | 6 => body.len() - 1,
        _ => body.len(),
    };
    let mut letters = body.get(..whole)?.to_ascii_uppercase();
    // Bits behind the last byte must be nothing; an encoder of another mind leaves some.
    if BASE32_NOPAD.decode(&letters).is_err() {
        letters.truncate(whole - whole % 8);
    }
    BASE32_NOPAD.decode(&letters).ok()
}

/// The text in what was decoded: all of it, what is packed in it, or what stands between bytes
/// that are none.
fn text(decoded: Vec<u8>, atoms: &mut Atoms, run: Span) -> Option<Vec<u8>> {
    if decoded.len() >= TEXT_BYTES && is_text(&decoded) {
        return Some(decoded);
    }
    if let Some(unpacked) = packed::unpack(&decoded, atoms.room) {
        atoms.room = atoms.room.saturating_sub(unpacked.bytes.len());
        if unpacked.cut {
            atoms.unread.push(run);
        }
        return text_of_packed(unpacked.bytes);
    }
    if let Some(narrow) = packed::narrowed(&decoded) {
        return Some(narrow);
    }
    between(&decoded)
}

fn text_of_packed(bytes: Vec<u8>) -> Option<Vec<u8>> {
    if is_text(&bytes) { Some(bytes) } else { between(&bytes) }
}

/// The stretches of text in something binary, with a line end between them.
fn between(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for span in stretches(bytes) {
        if span.end - span.start >= STRETCH_BYTES {
            out.extend_from_slice(bytes.get(span.start..span.end).unwrap_or_default());
            out.push(b'\n');
        }
    }
    (!out.is_empty()).then_some(out)
}

fn stretches(bytes: &[u8]) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let start = at + rest.iter().position(|byte| is_printed(*byte))?;
        let run = bytes.get(start..)?;
        let length = run.iter().position(|byte| !is_printed(*byte)).unwrap_or(run.len());
        at = start + length;
        Some(Span::new(start, at))
    })
}

pub(crate) fn is_printed(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// Text, with the few control characters that texts have.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    if bytes.iter().all(|byte| is_printed(*byte)) {
        return true;
    }
    std::str::from_utf8(bytes)
        .is_ok_and(|text| !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')))
}

/// The run without the line ends, written or escaped, and the dots in it.
fn unwrapped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let gap = gap(rest);
        if gap > 0 {
            at += gap;
        } else {
            out.extend(rest.first());
            at += 1;
        }
    }
    out
}

/// A UUID, or a digest in hexadecimal digits: they decode to noise, and there are many.
fn is_identifier(bytes: &[u8]) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| {
            if DASHES.contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}
