//! Codes of banks (ISO 9362): letters mostly, so that only the words `swift` and `bic` tell them.
use super::boundary::{Side, after, free_before, has_tag, is_in_tag, is_word, tag_before};
use super::check_digits::world::bic;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "bic";
pub(crate) const CLASS: &str = "financial.bic";
pub(crate) const LITERALS: [&str; 2] = ["swift", "bic"];

/// Between the word and the code: `SWIFT/BIC code is `, `"swift_bic": "`.
const GAP_BYTES: usize = 24;
/// The longest code.
const CODE_BYTES: usize = 11;

/// Looks for a code behind the word that begins at `at`.
pub(crate) fn check(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let lower = |byte: u8| byte.is_ascii_alphanumeric();
    if !free_before(window, at, lower) || tag_before(window, at) {
        return Outcome::Nothing;
    }
    let mut start = at + length;
    let limit = start + GAP_BYTES;
    loop {
        start = window.run(start, limit.saturating_sub(start), |byte| !is_word(byte));
        let end = window.run(start, CODE_BYTES + 1, is_word);
        // The code is hidden, so that what may still become it is held back.
        if window.dry(start) || window.dry(end) {
            return Outcome::Open(Open { from: start, serious: true });
        }
        if start >= limit || end == start || end - start > CODE_BYTES {
            return Outcome::Nothing;
        }
        // The words of a tag are no code, and say nothing of what follows.
        if has_tag(window.part(at, end)) {
            return Outcome::Nothing;
        }
        if is_code(window.part(start, end)) {
            break;
        }
        start = end;
    }
    let end = window.run(start, CODE_BYTES, is_word);
    match after(window, end, is_word) {
        Side::Unknown => return Outcome::Open(Open { from: start, serious: true }),
        Side::Taken => return Outcome::Nothing,
        Side::Free => {}
    }
    // `swift PACKAGES` is no code: something says that one follows, or it has a digit.
    let gap = window.part(at + length, start);
    let leads = gap.iter().any(|byte| matches!(byte, b':' | b'=' | b'"'))
        || memchr::memmem::find(gap, b"code").is_some();
    let digit = window.part(start, end).iter().any(u8::is_ascii_digit);
    if !(leads || digit) || is_in_tag(window, start, end) || tag_before(window, start) {
        return Outcome::Nothing;
    }
    Outcome::Hit(Hit::new(
        (DETECTOR, CLASS),
        Grade::Likely,
        Span::new(start, end),
        ("[REDACTED:BIC]", Rank::Shape),
    ))
}

/// Four letters, a country, two signs, and three signs of a branch or none.
fn is_code(text: &[u8]) -> bool {
    let letters = text.iter().take(6).all(u8::is_ascii_uppercase);
    let signs = text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    matches!(text.len(), 8 | 11) && letters && signs && bic(text)
}
