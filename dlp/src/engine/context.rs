//! Words beside a candidate that tell what it is.
use super::Window;
use super::boundary::tag_before;

/// How far before a candidate a word may say what it is.
pub(crate) const CONTEXT_BYTES: usize = 48;

/// Whether one of the words stands shortly before `start`, whatever its case. A tag cuts off what
/// stands before it: it may be shorter than what it replaced, and its own words say nothing.
pub(crate) fn said(window: &Window<'_>, start: usize, words: &[&[u8]]) -> bool {
    let before = before(window, start);
    words.iter().any(|word| before.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

/// The text shortly before `start`, back to the last tag.
pub(crate) fn before<'t>(window: &Window<'t>, start: usize) -> &'t [u8] {
    let from = start.saturating_sub(CONTEXT_BYTES);
    let tag = (from..start)
        .rev()
        .find(|at| window.byte(*at) == Some(b']') && tag_before(window, at.saturating_add(1)));
    window.part(tag.unwrap_or(from), start)
}
