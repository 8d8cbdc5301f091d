//! Runs of letters and digits that are long enough to be something encoded.
use crate::engine::Span;
use crate::engine::bits::{BLOCK, Block, capitals, digits, is, letters};

/// No shorter run is looked at: twelve characters of base64 are nine bytes.
pub(crate) const RUN_BYTES: usize = 12;
/// A run is looked at in blocks of this length; what spans two of them further apart than
/// [`OVERLAP_BYTES`] is not seen.
pub(crate) const BLOCK_BYTES: usize = 1 << 16;
/// How much of a block is looked at again with the next one. A multiple of every group length.
const OVERLAP_BYTES: usize = 1920;
/// A seed is so long, and begins at a multiple of it.
const EIGHT: usize = 8;
/// Shorter lines are not lines of something wrapped.
const LINE_BYTES: usize = 40;

/// Calls `take` with each run that may be base64, base32 or hexadecimal: wrapped lines as one, and
/// labels of a host name as one. One that may go on with the next line reaches to the end of the
/// text, if that has not ended.
pub(crate) fn find(text: &[u8], ended: bool, mut take: impl FnMut(Span)) {
    let mut at = 0;
    while let Some(seed) = seed(text, at) {
        let start = back(text, seed, at);
        let end = reach(text, seed, ended);
        at = end.max(seed + 1);
        if end - start < RUN_BYTES {
            continue;
        }
        let mut block = start;
        loop {
            let stop = end.min(block + BLOCK_BYTES);
            take(Span::new(block, stop));
            if stop == end {
                break;
            }
            block = stop - OVERLAP_BYTES;
        }
    }
}

/// A place inside a run: a block of eight bytes of it, with a digit or a capital, as whatever is
/// encoded has soon. A run of fifteen bytes holds such a block; prose holds few.
fn seed(text: &[u8], from: usize) -> Option<usize> {
    let first = from.next_multiple_of(EIGHT);
    let (blocks, rest) = text.get(first..)?.as_chunks::<BLOCK>();
    let found = blocks.iter().enumerate().find_map(|(at, block)| {
        let eight = marked(Block::new(block))?;
        Some(at * BLOCK + eight)
    });
    let last = || Some(blocks.len() * BLOCK + marked(Block::of(rest))?);
    found.or_else(last).map(|at| first + at)
}

/// The first eight bytes of a block that are all of a run and hold a digit or a capital.
#[inline(always)]
fn marked(block: Block) -> Option<usize> {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let digits = block.bits(digits);
    let signs =
        |lane| is(lane, b'+') | is(lane, b'/') | is(lane, b'-') | is(lane, b'_') | letters(lane);
    let runs = digits | block.bits(signs);
    // The high bit of each byte of bits: that none is missing, and that there is one.
    let full = !(((!runs & LOW) + LOW) | !runs | LOW);
    if full == 0 {
        return None;
    }
    let marks = digits | block.bits(capitals);
    let some = ((marks & LOW) + LOW) | marks;
    let both = full & some;
    (both != 0).then(|| both.trailing_zeros() as usize / EIGHT * EIGHT)
}

fn back(text: &[u8], seed: usize, floor: usize) -> usize {
    let before = text.get(floor..seed).unwrap_or_default();
    seed - before.iter().rev().take_while(|byte| in_run(**byte)).count()
}

/// The end of the run that goes on at `seed`, over line ends and dots between labels.
fn reach(text: &[u8], seed: usize, ended: bool) -> usize {
    let mut line = seed;
    loop {
        let length = count(text, line, in_run);
        let end = line + length + count(text, line + length, |byte| byte == b'=').min(6);
        let rest = text.get(end..).unwrap_or_default();
        let gap = gap(rest);
        let full = length >= LINE_BYTES && end == line + length;
        let label = gap == 1 && rest.first() == Some(&b'.') && is_label(text, line, length);
        let next = end + gap;
        if !ended && (full && may_be_gap(rest) || label && next == text.len()) {
            return text.len();
        }
        let more = count(text, next, in_run);
        if gap == 0 || !(full || label) || more == 0 {
            return end;
        }
        if label && !is_label(text, next, more) || full && !is_line(text, next, (length, more)) {
            return end;
        }
        line = next;
    }
}

/// Whether the run that begins a line goes on with what the line before it was full of: no line of
/// something wrapped is longer than the one before it, and behind none stands a word of prose.
fn is_line(text: &[u8], start: usize, (before, length): (usize, usize)) -> bool {
    let behind = text.get(start + length);
    length <= before && !behind.is_some_and(|byte| b" \t,:;!?()".contains(byte))
}

const GAPS: [&[u8]; 7] = [b"\\r\\n", b"\\\\n", b"\r\n", b"\\n", b"\n", b".", b"=\n"];

/// The length of a line end, written or escaped, or of a dot.
pub(crate) fn gap(rest: &[u8]) -> usize {
    GAPS.iter().find(|gap| rest.starts_with(gap)).map_or(0, |gap| gap.len())
}

/// Whether what is left may be a line end, or a part of one.
fn may_be_gap(rest: &[u8]) -> bool {
    !rest.is_empty() && GAPS.iter().any(|gap| gap.starts_with(rest))
}

/// Whether it is a label made of hexadecimal digits or base32.
fn is_label(text: &[u8], start: usize, length: usize) -> bool {
    let label = text.get(start..start + length).unwrap_or_default();
    (4..=63).contains(&length)
        && (label.iter().all(u8::is_ascii_hexdigit)
            || label
                .iter()
                .all(|byte| matches!(byte.to_ascii_uppercase(), b'A'..=b'Z' | b'2'..=b'7')))
        && label.iter().any(u8::is_ascii_digit)
}

fn count(text: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| belongs(**byte)).count()
}

#[inline(always)]
pub(crate) fn in_run(byte: u8) -> bool {
    let signs = (byte == b'+') | (byte == b'/') | (byte == b'-') | (byte == b'_');
    byte.is_ascii_alphanumeric() | signs
}
