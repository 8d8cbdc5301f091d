//! Text in characters that are not seen: the tags of Unicode (U+E0000 to U+E007F).
use memchr::memchr_iter;

use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::detectors::INJECTION;
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "hidden-text";
/// Bytes of one such character: `F3 A0 80 80` to `F3 A0 81 BF`.
const LETTER: usize = 4;
/// Fewer make the flag of a country within a country, and say nothing.
const LETTERS: usize = 8;
/// So many letters without anything between them are no word.
const UNCUT: usize = 56;

/// Looks for runs of such characters. A finding is a word of them: a run is cut behind each that
/// is no letter and, where there are none, behind each at all, so that nothing is held for long.
pub(crate) fn look(window: &Window<'_>, mut take: impl FnMut(Outcome)) {
    let mut from = window.floor;
    for at in memchr_iter(0xF3, window.part(window.floor, window.len())) {
        let at = window.floor + at;
        if at >= from {
            from = run(window, at, &mut take).max(at + 1);
        }
    }
}

/// Looks at the run that begins at `at`, and tells where it ends.
fn run(window: &Window<'_>, at: usize, take: &mut impl FnMut(Outcome)) -> usize {
    let mut end = at;
    let mut piece = at;
    let mut uncut = 0;
    let mut pieces = Vec::new();
    while letter(window, end) == Letter::Whole {
        end += LETTER;
        uncut += 1;
        if uncut > UNCUT || !is_alphabetic(window, end - LETTER) {
            uncut = if uncut > UNCUT { UNCUT } else { 0 };
            pieces.push(Span::new(piece, end));
            piece = end;
        }
    }
    let open = letter(window, end) == Letter::Begun;
    if end - at < LETTERS * LETTER {
        if open {
            take(Outcome::Open(Open { from: at, serious: end > at }));
        }
        return end;
    }
    if open {
        take(Outcome::Open(Open { from: piece, serious: true }));
    } else if piece < end {
        pieces.push(Span::new(piece, end));
    }
    for piece in pieces {
        take(Outcome::Hit(Hit::new(
            (DETECTOR, INJECTION),
            Grade::Possible,
            piece,
            // What is found in what it hides gives the name.
            ("[REDACTED-INJECTION]", Rank::Assignment),
        )));
    }
    end
}

/// Whether the character stands for a letter.
fn is_alphabetic(window: &Window<'_>, at: usize) -> bool {
    let last = window.part(at + 2, at + LETTER);
    matches!(last, [0x81, 0x81..=0x9A | 0xA1..=0xBA])
}

#[derive(PartialEq, Eq)]
enum Letter {
    No,
    /// As far as the text goes.
    Begun,
    Whole,
}

fn letter(window: &Window<'_>, at: usize) -> Letter {
    let bytes = window.part(at, at.saturating_add(LETTER));
    let fits = bytes.iter().enumerate().all(|(place, byte)| match place {
        0 => *byte == 0xF3,
        1 => *byte == 0xA0,
        2 => matches!(byte, 0x80 | 0x81),
        _ => matches!(byte, 0x80..=0xBF),
    });
    match (fits, bytes.len()) {
        (true, LETTER) => Letter::Whole,
        (true, length) if window.dry(at.saturating_add(length)) => Letter::Begun,
        _ => Letter::No,
    }
}
