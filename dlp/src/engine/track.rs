//! The magnetic stripe of a card (ISO/IEC 7813): its first and its second track.
use super::boundary::{Side, after, is_word};
use super::check_digits::luhn;
use super::glance::Glance;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "card-track";
pub(crate) const CLASS: &str = "pci.track";

/// The longest first track.
const TRACK_BYTES: usize = 79;

/// The number of a card is one word, with the `B` of a first track before it or not.
pub(crate) fn may_be(glance: &Glance) -> bool {
    glance.length >= 13
}

/// Looks at the track whose number begins at this word: `%B…^NAME^…` or `;…=…`.
pub(crate) fn check(window: &Window<'_>, word: Span) -> Outcome {
    let first = window.byte(word.start) == Some(b'B') && window.before(word.start) == Some(b'%');
    let digits = if first { word.start + 1 } else { word.start };
    // The sign before it has gone already when the text comes byte by byte.
    let start = word.start;
    let end = window.run(digits, 20, |byte| byte.is_ascii_digit());
    let number = window.part(digits, end);
    let open = Outcome::Open(Open { from: start, serious: true });
    // Short of 20 digits at the end of what has come, it may still become a track.
    if window.dry(end) && end - digits < 20 {
        return open;
    }
    let sign = window.byte(end);
    if !(13..=19).contains(&number.len()) || sign != Some(if first { b'^' } else { b'=' }) {
        return Outcome::Nothing;
    }
    if start < window.floor || !luhn(number) {
        return Outcome::Nothing;
    }
    let stripe = |byte: u8| {
        if first { (b' '..=b'_').contains(&byte) && byte != b'?' } else { byte.is_ascii_digit() }
    };
    let close = window.run(end + 1, TRACK_BYTES, stripe);
    if window.dry(close) && close <= end + TRACK_BYTES {
        return open;
    }
    // Four digits of a date and three of a service code stand behind the last sign.
    let data = window.part(end + 1, close);
    let tail = if first { data.rsplit(|byte| *byte == b'^').next() } else { Some(data) };
    let dated =
        tail.is_some_and(|tail| tail.len() >= 7 && tail.iter().take(7).all(u8::is_ascii_digit));
    if !dated || (first && !data.contains(&b'^')) {
        return Outcome::Nothing;
    }
    let end = if window.byte(close) == Some(b'?') {
        close + 1
    } else {
        match after(window, close, is_word) {
            Side::Unknown => return open,
            Side::Taken => return Outcome::Nothing,
            Side::Free => close,
        }
    };
    Outcome::Hit(Hit::new(
        (DETECTOR, CLASS),
        Grade::Certain,
        Span::new(start, end),
        ("[REDACTED:CARD-TRACK]", Rank::Token),
    ))
}
