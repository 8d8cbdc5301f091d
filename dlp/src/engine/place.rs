//! Where people live: streets with a number, boxes, and places on the globe.
use super::boundary::{Side, free_before, is_word, tag_after};
use super::glance::Glance;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "street-address";
pub(crate) const CLASS: &str = "contact.street_address";
pub(crate) const GEO_DETECTOR: &str = "coordinates";
pub(crate) const GEO: &str = "contact.geo";

/// Phrases that an address follows.
pub(crate) const PHRASES: [&str; 12] = [
    "address is ",
    "address to ",
    "address:",
    "address\": ",
    "address with ",
    "lives at ",
    "live at ",
    "lives on ",
    "office is at ",
    "offices are located at ",
    "ship to:",
    "deliver to ",
];
pub(crate) const CORNER: &str = "corner of ";
/// What a number follows that mail goes to.
pub(crate) const BOXES: [&str; 4] = ["p.o. box ", "po box ", "postfach ", "apartado postal "];
/// Post offices of the armed forces of the United States (USPS Publication 28, section 238).
pub(crate) const MILITARY: [&str; 3] = ["apo a", "fpo a", "dpo a"];
pub(crate) const GLOBE: [&str; 4] = ["coordinates", "gps", "geo:", "geolocation"];

/// Street, number, flat, and the signs between them.
const BYTES: usize = 80;
const WORDS: usize = 8;
/// Town and postcode behind them.
const TOWN_BYTES: usize = 72;

const STREETS: [&[u8]; 20] = [
    b"street",
    b"st",
    b"str",
    b"avenue",
    b"ave",
    b"road",
    b"rd",
    b"boulevard",
    b"blvd",
    b"lane",
    b"ln",
    b"parkway",
    b"pkwy",
    b"highway",
    b"hwy",
    b"terrace",
    b"crescent",
    b"freeway",
    b"turnpike",
    b"expressway",
];
/// Those that are words of other things, too.
const MAYBE: [&[u8]; 12] = [
    b"drive", b"dr", b"court", b"ct", b"place", b"pl", b"square", b"sq", b"way", b"close",
    b"grove", b"circle",
];
const UNITS: [&[u8]; 8] =
    [b"suite", b"apt", b"ste", b"unit", b"apartment", b"flat", b"room", b"floor"];

/// A blank stands between the number of a house and the street.
pub(crate) fn may_be(glance: &Glance) -> bool {
    glance.length <= 6 && glance.after == Some(b' ')
}

/// Looks at the word: the number of a house that a street follows?
pub(crate) fn check(window: &Window<'_>, word: Span) -> Outcome {
    let length = word.end - word.start;
    let digits =
        window.part(word.start, word.end).iter().filter(|byte| byte.is_ascii_digit()).count();
    if length > 6 || digits + 1 < length || digits == 0 {
        return Outcome::Nothing;
    }
    let open = Outcome::Open(Open { from: word.start, serious: false });
    if window.dry(word.end) || (window.byte(word.end) == Some(b' ') && window.dry(word.end + 1)) {
        return open;
    }
    let next = window.byte(word.end + 1);
    let street = window.byte(word.end) == Some(b' ')
        && next
            .is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte >= 0x80);
    let free = || {
        free_before(window, word.start, |byte| {
            is_word(byte)
                || matches!(byte, b'-' | b'.' | b':' | b'/' | b'#' | b'$' | b'=' | b'\\')
                || byte >= 0x80
        })
    };
    if !street || !free() {
        return Outcome::Nothing;
    }
    let mut at = word.end + 1;
    let mut names = 0;
    for _ in 0..WORDS {
        let end = window.run(at, BYTES.saturating_sub(at - word.start), in_word);
        if window.dry(end) {
            return Outcome::Open(Open { from: word.start, serious: names > 0 });
        }
        let text = window.part(at, end);
        let plain = text.strip_suffix(b".").unwrap_or(text);
        if !is_part(text) {
            return Outcome::Nothing;
        }
        if holds(&UNITS, plain) {
            match unit(window, end) {
                Unit::Open => return Outcome::Open(Open { from: word.start, serious: true }),
                Unit::Until(end) => return town(window, word.start, end),
                Unit::None => {}
            }
        }
        if names > 0
            && (holds(&STREETS, plain)
                || (holds(&MAYBE, plain) && matches!(window.byte(end), Some(b',' | b'\n'))))
        {
            return town(window, word.start, end);
        }
        names += usize::from(!text.first().is_some_and(u8::is_ascii_digit));
        at = window.run(end, 4, |byte| matches!(byte, b' ' | b',' | b'\n' | b'>'));
        if window.dry(at) {
            return Outcome::Open(Open { from: word.start, serious: names > 0 });
        }
        if at == end || end - word.start >= BYTES {
            return Outcome::Nothing;
        }
    }
    Outcome::Nothing
}

/// Looks behind a phrase that an address follows: capitals and a number, in whatever order.
pub(crate) fn announced(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let start =
        window.run(at + length, 6, |byte| matches!(byte, b' ' | b'\n' | b'"' | b':' | b'>'));
    match row(window, start, false) {
        Row::Open { serious } => Outcome::Open(Open { from: start, serious }),
        Row::Until { end, names, numbers, .. } if names > 0 && numbers > 0 => {
            town(window, start, end)
        }
        _ => Outcome::Nothing,
    }
}

/// Looks behind `corner of`: two streets and `and`.
pub(crate) fn corner(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let start = at + length;
    match row(window, start, true) {
        Row::Open { serious } => Outcome::Open(Open { from: start, serious }),
        Row::Until { end, names, both, .. } if names > 1 && both => hit(window, start, end),
        _ => Outcome::Nothing,
    }
}

/// Looks behind the name of a box: its number.
pub(crate) fn boxed(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let start = at + length;
    let end = window.run(start, 8, |byte| byte.is_ascii_digit());
    if window.dry(end) {
        return Outcome::Open(Open { from: start, serious: false });
    }
    let whole = end > start && !window.byte(end).is_some_and(|byte| is_word(byte) || byte == b'[');
    if whole { town(window, start, end) } else { Outcome::Nothing }
}

/// Looks behind `APO A`: the rest of the region and its code.
pub(crate) fn military(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let start = at + length;
    let end = window.run(start, 7, |byte| byte.is_ascii_alphanumeric() || byte == b' ');
    if window.dry(start + 7) || window.dry(end) {
        return Outcome::Open(Open { from: start, serious: false });
    }
    let text = window.part(start, start + 7);
    let right = matches!(text, [b'A' | b'E' | b'P' | b'a' | b'e' | b'p', b' ', zip @ ..] if zip.len() == 5 && zip.iter().all(u8::is_ascii_digit));
    let free = !window.byte(start + 7).is_some_and(|byte| is_word(byte) || byte == b'[');
    if right && free { hit(window, start, start + 7) } else { Outcome::Nothing }
}

/// Looks behind the word for a place on the globe: two decimal fractions of degrees.
pub(crate) fn globe(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    // A tag is not passed: it may be shorter than what it replaced.
    let start = window.run(at + length, 20, |byte| {
        byte.is_ascii_lowercase() || matches!(byte, b' ' | b':' | b'=' | b'"' | b'\'' | b'(' | b'_')
    });
    if window.before(start).is_some_and(is_word) {
        return Outcome::Nothing;
    }
    let stop = window.run(start, 40, |byte| {
        byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b',' | b';' | b' ')
    });
    if window.dry(stop) {
        let open = Outcome::Open(Open { from: start, serious: true });
        return if stop > start { open } else { Outcome::Nothing };
    }
    let Some((middle, latitude)) = degrees(window, start) else { return Outcome::Nothing };
    let next = window.run(middle, 3, |byte| matches!(byte, b',' | b' ' | b';'));
    let Some((end, longitude)) = degrees(window, next).filter(|_| next > middle) else {
        return Outcome::Nothing;
    };
    let glued = window.byte(end).is_some_and(|byte| is_word(byte) || byte == b'[');
    if latitude > 90 || longitude > 180 || glued {
        return Outcome::Nothing;
    }
    Outcome::Hit(Hit::new(
        (GEO_DETECTOR, GEO),
        Grade::Likely,
        Span::new(start, end),
        ("[REDACTED:GEO]", Rank::Shape),
    ))
}

/// Where a fraction with three digits at least ends, and its whole degrees.
fn degrees(window: &Window<'_>, start: usize) -> Option<(usize, u32)> {
    let sign = window.run(start, 1, |byte| byte == b'-' || byte == b'+');
    let whole = window.run(sign, 3, |byte| byte.is_ascii_digit());
    let end = window.run(whole + 1, 15, |byte| byte.is_ascii_digit());
    let degrees = std::str::from_utf8(window.part(sign, whole)).ok()?.parse().ok()?;
    let fine = window.byte(whole) == Some(b'.') && end > whole + 3;
    fine.then_some((end, degrees))
}

enum Row {
    Open {
        /// Something that an address may be is there.
        serious: bool,
    },
    Until {
        end: usize,
        /// Words with a capital, and numbers.
        names: usize,
        numbers: usize,
        /// `and` stands between two of them.
        both: bool,
    },
}

/// The row of capitals and numbers that begins here.
fn row(window: &Window<'_>, start: usize, and: bool) -> Row {
    let (mut at, mut end, mut names, mut numbers, mut both) = (start, start, 0, 0, false);
    for _ in 0..WORDS + 2 {
        let stop = window.run(at, BYTES.saturating_sub(at - start), in_word);
        if window.dry(stop) {
            return Row::Open { serious: names + numbers > 0 };
        }
        let text = window.part(at, stop);
        let joins = and && text == b"and";
        both |= joins && names > 0;
        if !joins && !is_part(text) {
            break;
        }
        if !joins
            && window
                .byte(stop)
                .is_some_and(|byte| matches!(byte, b':' | b'@' | b'/' | b'_' | b'=' | b'['))
        {
            break;
        }
        if !joins {
            if text.first().is_some_and(u8::is_ascii_digit) {
                numbers += 1;
            } else if text.first().is_some_and(|byte| byte.is_ascii_uppercase() || *byte >= 0x80) {
                names += 1;
            }
            end = stop;
        }
        at = window.run(stop, 3, |byte| matches!(byte, b' ' | b',' | b'\n'));
        if window.dry(at) {
            return Row::Open { serious: names + numbers > 0 };
        }
        if at == stop || stop - start >= BYTES {
            break;
        }
    }
    Row::Until { end, names, numbers, both }
}

enum Unit {
    None,
    Open,
    Until(usize),
}

/// The number of a flat.
fn unit(window: &Window<'_>, at: usize) -> Unit {
    let start = window.run(at, 3, |byte| matches!(byte, b' ' | b'#' | b'.'));
    let end = window.run(start, 6, |byte| byte.is_ascii_alphanumeric());
    if window.dry(end) {
        return Unit::Open;
    }
    let numbered = window.part(start, end).iter().any(u8::is_ascii_digit);
    if numbered && start > at { Unit::Until(end) } else { Unit::None }
}

/// The hit, with the town and postcode behind the street if they are there.
fn town(window: &Window<'_>, start: usize, end: usize) -> Outcome {
    let stop = window
        .run(end, TOWN_BYTES, |byte| in_word(byte) || matches!(byte, b' ' | b',' | b'\n' | b'>'));
    if window.dry(stop) {
        return Outcome::Open(Open { from: start, serious: true });
    }
    let text = window.part(end, stop);
    // An empty line ends an address.
    let text = memchr::memmem::find(text, b"\n\n").and_then(|at| text.get(..at)).unwrap_or(text);
    let mut last = 0;
    let mut digits = 0;
    for (at, byte) in text.iter().chain(b" ").enumerate() {
        if byte.is_ascii_digit() {
            digits += 1;
        } else {
            if matches!(digits, 4..=6)
                && !is_word(*byte)
                && *byte < 0x80
                && !(end + at == stop && glued(window, stop))
            {
                last = at;
                break;
            }
            digits = 0;
        }
    }
    hit(window, start, end + last)
}

fn glued(window: &Window<'_>, at: usize) -> bool {
    window.byte(at).is_some_and(|byte| is_word(byte) || matches!(byte, b'[' | b'/' | b':'))
}

fn hit(window: &Window<'_>, start: usize, end: usize) -> Outcome {
    // A full stop ends the sentence.
    let end = end - usize::from(window.before(end) == Some(b'.'));
    match tag_after(window, end) {
        Side::Unknown => Outcome::Open(Open { from: start, serious: true }),
        Side::Taken => Outcome::Nothing,
        Side::Free => Outcome::Hit(Hit::new(
            (DETECTOR, CLASS),
            Grade::Likely,
            Span::new(start, end),
            ("[REDACTED:ADDRESS]", Rank::Shape),
        )),
    }
}

/// A number, a word with a capital, or a small one that names of streets have.
fn is_part(word: &[u8]) -> bool {
    const SMALL: [&[u8]; 20] = [
        b"de", b"la", b"le", b"du", b"des", b"del", b"della", b"di", b"da", b"do", b"dos", b"el",
        b"al", b"van", b"der", b"den", b"u.", b"str", b"ul.", b"nan",
    ];
    word.first()
        .is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte >= 0x80)
        || SMALL.contains(&word)
}

fn holds(words: &[&[u8]], word: &[u8]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'\'' | b'-' | b'.')
}
