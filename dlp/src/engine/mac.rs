//! Hardware addresses (IEEE 802): EUI-48 and EUI-64 in pairs, in groups of four, or in one.
use super::boundary::{Side, is_word, tag_after, tag_before};
use super::context::{Cue, told};
use super::glance::Glance;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "mac-address";
pub(crate) const CLASS: &str = "network.mac";
/// Names of hardware addresses. Behind one an address is found that has no digit at all.
pub(crate) const LITERALS: [&str; 4] = ["mac", "physical address", "hwaddr", "ether "];

/// Eight pairs and the seven signs between them.
const BYTES: usize = 23;
/// How far behind its name an address may stand.
const AHEAD: usize = 24;

const CUE: Cue = Cue::new(
    &[
        "mac", "macs", "hwaddr", "ether", "ethernet", "eui", "bssid", "hardware", "physical",
        "wlan", "wifi",
    ],
    &["macaddr"],
);

/// Pairs and groups of four have a sign beside them; an address in one is as long as one.
pub(crate) fn may_be(glance: &Glance) -> bool {
    match glance.length {
        2 => glance.beside(b":-. "),
        4 => glance.beside(b".:-"),
        12 | 16 => true,
        _ => false,
    }
}

/// Looks at the word with a digit in it: does an address begin with it?
pub(crate) fn check(window: &Window<'_>, word: Span) -> Outcome {
    match word.end - word.start {
        2 | 4 | 12 | 16 => {}
        1..16 if window.dry(word.end) => {}
        _ => return Outcome::Nothing,
    }
    // The words before it may have been letters only: `ab:cd:ef:01:02:03`.
    let mut start = word.start;
    if let Some(sign @ (b':' | b'-' | b'.')) = window.before(start) {
        start = window.run_back(start, BYTES, |byte| byte == sign || is_hex_letter(byte));
        if window.before(start).is_some_and(|byte| byte.is_ascii_digit()) {
            return Outcome::Nothing;
        }
    }
    address(window, start)
}

/// Where the text ends with what may be the first pairs of an address.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let start = window.run_back(window.len(), BYTES, |byte| {
        byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-' | b'.')
    });
    (start < window.len()).then_some(Open { from: start, serious: false })
}

/// Looks behind the name at `at`.
pub(crate) fn behind(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let mut start = at + length;
    let stop = start + AHEAD;
    while start < stop {
        let word = window.run(start, stop - start, |byte| byte.is_ascii_alphanumeric());
        if window.dry(word) {
            return Outcome::Nothing;
        }
        if matches!(word - start, 2 | 4 | 12 | 16) {
            match address(window, start) {
                Outcome::Nothing => {}
                found => return found,
            }
        }
        // A tag is not passed: it may be shorter than what it replaced.
        if window.byte(word) == Some(b'[') && tag_after(window, word) != Side::Free {
            return Outcome::Nothing;
        }
        start = word + 1;
    }
    Outcome::Nothing
}

fn address(window: &Window<'_>, start: usize) -> Outcome {
    let before = window.before(start);
    let glued = before.is_some_and(|byte| is_word(byte) || matches!(byte, b':' | b'-' | b'.'));
    if start < window.floor
        || (glued && !is_sign_of_name(window, start))
        || tag_before(window, start)
    {
        return Outcome::Nothing;
    }
    let first = window.run(start, 17, |byte| byte.is_ascii_hexdigit());
    let open = |at: usize| Outcome::Open(Open { from: start, serious: at - start > 5 });
    if window.dry(first) {
        return open(first);
    }
    let group = first - start;
    let sign = window.byte(first);
    let (sign, groups) = match (group, sign) {
        (2, Some(sign @ (b':' | b'-' | b' '))) => (sign, 8),
        (4, Some(sign @ b'.')) => (sign, 4),
        (12 | 16, _) => (0, 1),
        _ => return Outcome::Nothing,
    };
    if sign == b' ' && follows_pair(window, start) {
        return Outcome::Nothing;
    }
    let mut at = first;
    let mut count = 1;
    while count < groups && window.byte(at) == Some(sign) {
        let end = window.run(at + 1, group + 1, |byte| byte.is_ascii_hexdigit());
        if window.dry(end) {
            return open(end);
        }
        if end - at - 1 != group {
            break;
        }
        at = end;
        count += 1;
    }
    match ends(window, at, sign) {
        Side::Unknown => return open(at),
        Side::Taken => return Outcome::Nothing,
        Side::Free => {}
    }
    let told = told(window, start, &CUE);
    let grade = match (count * group, sign) {
        (12, b':' | b'-' | b'.') if told => Grade::Certain,
        (12, b':' | b'-' | b'.') | (16, b':' | b'-' | b'.')
            if told || (count * group == 12 && is_someones(window.part(start, at))) =>
        {
            Grade::Likely
        }
        (12 | 16, b' ') if told => Grade::Likely,
        // Digits alone in one row are a count or a time.
        (12 | 16, 0) if told && window.part(start, at).iter().any(u8::is_ascii_alphabetic) => {
            Grade::Likely
        }
        _ => return Outcome::Nothing,
    };
    Outcome::Hit(Hit::new(
        (DETECTOR, CLASS),
        grade,
        Span::new(start, at),
        ("[REDACTED:MAC]", Rank::Shape),
    ))
}

/// Whether the colon or hyphen before an address belongs to its name: `mac:ab:cd…`.
fn is_sign_of_name(window: &Window<'_>, start: usize) -> bool {
    let name = start.saturating_sub(1);
    window.before(start) == Some(b':')
        && window
            .before(name)
            .is_some_and(|byte| byte.is_ascii_alphabetic() && !byte.is_ascii_hexdigit())
}

/// Whether the address ends here, and is not the beginning of a longer row of bytes.
fn ends(window: &Window<'_>, at: usize, sign: u8) -> Side {
    match window.byte(at) {
        None if window.dry(at) => Side::Unknown,
        Some(b'[') => tag_after(window, at),
        Some(byte) if is_word(byte) => Side::Taken,
        Some(byte) if byte == sign || matches!(byte, b':' | b'-') => {
            if window.dry(at + 1) {
                return Side::Unknown;
            }
            if window.byte(at + 1) == Some(b'[') {
                return tag_after(window, at + 1);
            }
            let pair = window.part(at + 1, at + 3);
            let goes_on = match byte {
                b' ' => {
                    pair.len() == 2
                        && pair.iter().all(u8::is_ascii_hexdigit)
                        && !window.byte(at + 3).is_some_and(|byte| byte.is_ascii_alphanumeric())
                }
                _ => pair.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b':'),
            };
            // A blank and one byte more: whether a pair follows is not known yet.
            if byte == b' ' && (window.dry(at + 2) || window.dry(at + 3)) {
                return Side::Unknown;
            }
            if goes_on { Side::Taken } else { Side::Free }
        }
        _ => Side::Free,
    }
}

/// Not the address of everyone, nor that of no one.
fn is_someones(address: &[u8]) -> bool {
    let mut digits = address.iter().filter(|byte| byte.is_ascii_hexdigit());
    let first = digits.next();
    digits.any(|digit| Some(digit) != first)
}

/// Whether a pair or a group and a blank stand before: this is not the first.
fn follows_pair(window: &Window<'_>, start: usize) -> bool {
    let Some(blank) = start.checked_sub(1).filter(|at| window.byte(*at) == Some(b' ')) else {
        return false;
    };
    let word = window.part(window.run_back(blank, 5, |byte| byte.is_ascii_alphanumeric()), blank);
    matches!(word.len(), 2 | 4)
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_digit)
}

fn is_hex_letter(byte: u8) -> bool {
    byte.is_ascii_hexdigit() && !byte.is_ascii_digit()
}
