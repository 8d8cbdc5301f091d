//! Account numbers (ISO 13616): two letters, two check digits, and a length that the country has.
use super::boundary::{Side, after, free_before, is_word};
use super::checks::mod_97;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "iban";
pub(crate) const CLASS: &str = "financial.iban";

/// The longest in the SWIFT registry is 33 (Russia).
const LETTERS: usize = 34;
/// Letters and digits with a blank or hyphen after every one at most.
const BYTES: usize = LETTERS * 2;

/// Country and length, as the SWIFT IBAN registry has them.
const LENGTHS: [(&[u8; 2], usize); 89] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// Looks at the digits that begin at `at`: do a country's letters stand before them?
pub(crate) fn check(window: &Window<'_>, at: usize) -> Outcome {
    let Some(start) = at.checked_sub(2) else { return Outcome::Nothing };
    let country = window.part(start, at);
    let upper = country.iter().all(u8::is_ascii_uppercase);
    let lower = country.iter().all(u8::is_ascii_lowercase);
    if start < window.floor
        || !(upper || lower)
        || !free_before(window, start, |byte| is_word(byte) || byte == b'-')
    {
        return Outcome::Nothing;
    }
    let known = LENGTHS.iter().find(|(code, _)| code.eq_ignore_ascii_case(country));
    let Some((_, length)) = known else { return Outcome::Nothing };
    read(window, start, *length)
}

fn read(window: &Window<'_>, start: usize, length: usize) -> Outcome {
    let mut account = [0_u8; LETTERS];
    let mut count = 0;
    let mut gap = false;
    let mut at = start;
    while count < length {
        match window.byte(at) {
            None if window.dry(at) => {
                return Outcome::Open(Open { from: start, serious: count >= 6 });
            }
            Some(byte) if byte.is_ascii_alphanumeric() => {
                if let Some(slot) = account.get_mut(count) {
                    *slot = byte;
                }
                count += 1;
                gap = false;
            }
            Some(b' ' | b'-') if !gap && at < start + BYTES => gap = true,
            _ => return Outcome::Nothing,
        }
        // The two check digits.
        if (3..=4).contains(&count) && !gap && !window.byte(at).is_some_and(|b| b.is_ascii_digit())
        {
            return Outcome::Nothing;
        }
        at += 1;
    }
    match after(window, at, |byte| is_word(byte) || byte == b'@') {
        Side::Taken => return Outcome::Nothing,
        Side::Unknown => return Outcome::Open(Open { from: start, serious: true }),
        Side::Free => {}
    }
    // Nobody writes an account in both cases.
    let both =
        account.iter().any(u8::is_ascii_lowercase) && account.iter().any(u8::is_ascii_uppercase);
    if both || !mod_97(account.get(..length).unwrap_or_default()) {
        return Outcome::Nothing;
    }
    Outcome::Hit(Hit::new(
        (DETECTOR, CLASS),
        Grade::Certain,
        Span::new(start, at),
        ("[REDACTED:IBAN]", Rank::Shape),
    ))
}

/// Where the text ends with what may be the letters of a country.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let start = window.run_back(window.len(), 2, |byte| byte.is_ascii_alphabetic());
    (start < window.len()).then_some(Open { from: start, serious: false })
}
