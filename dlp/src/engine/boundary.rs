//! What may stand beside a token.
//!
//! A tag that redaction has put there counts as a letter: what was not found because of its
//! neighbour is not found either when the neighbour has become a tag. That makes redaction
//! idempotent.
use super::Window;

/// Three answers, for a text that may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Free,
    Taken,
    Unknown,
}

const TAG: &[u8] = b"[REDACTED";
/// Longer than any tag.
const TAG_BYTES: usize = 48;

/// Stars at the end of a mask.
const MASK_BYTES: usize = 4;

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether nothing that would be part of the token stands before `at`.
pub(crate) fn free_before(window: &Window<'_>, at: usize, taken: impl Fn(u8) -> bool) -> bool {
    match window.before(at) {
        None => true,
        Some(b']') => !tag_before(window, at),
        // A mask counts as a letter as a tag does; `***` is emphasis.
        Some(b'*') => window.run_back(at, MASK_BYTES, |byte| byte == b'*') + MASK_BYTES > at,
        Some(byte) => !taken(byte),
    }
}

/// Whether a tag ends right before `at`.
pub(crate) fn tag_before(window: &Window<'_>, at: usize) -> bool {
    let Some(close) = at.checked_sub(1) else { return false };
    if window.byte(close) != Some(b']') {
        return false;
    }
    let start = window.run_back(close, TAG_BYTES, is_tag_byte);
    start.checked_sub(1).is_some_and(|open| window.part(open, close).starts_with(TAG))
}

/// What stands after a token that ends at `at`.
pub(crate) fn after(window: &Window<'_>, at: usize, taken: impl Fn(u8) -> bool) -> Side {
    if window.joints.binary_search(&at).is_ok() {
        return Side::Free;
    }
    match window.byte(at) {
        None if window.dry(at) => Side::Unknown,
        None => Side::Free,
        Some(b'[') => tag_after(window, at),
        Some(b'*') => mask_after(window, at),
        Some(byte) if taken(byte) => Side::Taken,
        Some(_) => Side::Free,
    }
}

/// Whether a tag begins at `at`.
pub(crate) fn tag_after(window: &Window<'_>, at: usize) -> Side {
    let next = window.part(at, at + TAG.len());
    if next == TAG {
        Side::Taken
    } else if TAG.starts_with(next) && window.dry(at + next.len()) {
        Side::Unknown
    } else {
        Side::Free
    }
}

/// Whether the stars of a mask begin at `at`.
fn mask_after(window: &Window<'_>, at: usize) -> Side {
    let next = window.part(at, at + MASK_BYTES);
    if next == b"****" || next == b"***@" {
        Side::Taken
    } else if window.dry(at + next.len()) && next.iter().all(|byte| *byte == b'*') {
        Side::Unknown
    } else {
        Side::Free
    }
}

/// Whether the bytes from `start` to `end` are what stands in a tag.
pub(crate) fn is_in_tag(window: &Window<'_>, start: usize, end: usize) -> bool {
    let open = start.saturating_sub(1);
    window.byte(end) == Some(b']') && window.part(open, end).starts_with(TAG)
}

/// Whether `at` stands among the words of a tag.
pub(crate) fn is_inside_tag(window: &Window<'_>, at: usize) -> bool {
    let start = window.run_back(at, TAG_BYTES, is_tag_byte);
    start.checked_sub(1).is_some_and(|open| window.part(open, open + TAG.len()) == TAG)
}

/// Whether the bytes hold a tag, or the beginning of one.
pub(crate) fn has_tag(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, TAG).is_some()
}

fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'_')
}
