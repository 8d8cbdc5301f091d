//! Check digits of identifiers: pure functions over upper-case letters and digits without what
//! joins them.
//!
//! A detector's shapes say how long the bytes are and which of them are digits. A function says no
//! when it is given others.
pub(crate) mod americas;
pub(crate) mod asia;
pub(crate) mod documents;
pub(crate) mod europe;
pub(crate) mod vat;
pub(crate) mod world;

pub(crate) use super::checks::rest_97;

use super::checks::luhn_sum;

/// A digit's worth.
pub(crate) fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

/// The digit at this place.
pub(crate) fn digit_at(id: &[u8], at: usize) -> Option<u32> {
    id.get(at).copied().and_then(digit)
}

/// Some digits as a number.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    digits
        .iter()
        .try_fold(0_u64, |sum, byte| sum.checked_mul(10)?.checked_add(u64::from(digit(*byte)?)))
}

/// A part of the id as a number.
pub(crate) fn part(id: &[u8], from: usize, to: usize) -> Option<u64> {
    number(id.get(from..to)?)
}

/// Digits times weights, as many as there are weights.
pub(crate) fn weighted(id: &[u8], weights: &[u32]) -> Option<u32> {
    if id.len() < weights.len() {
        return None;
    }
    id.iter().zip(weights).try_fold(0, |sum, (byte, weight)| Some(sum + digit(*byte)? * weight))
}

/// The last byte is this digit.
pub(crate) fn ends_with(id: &[u8], check: u32) -> bool {
    id.last().copied().and_then(digit) == Some(check)
}

/// Digits times weights are a multiple.
pub(crate) fn divides(id: &[u8], weights: &[u32], by: u32) -> bool {
    id.len() == weights.len() && weighted(id, weights).is_some_and(|sum| sum.is_multiple_of(by))
}

/// All digits, and the last is the Luhn check digit.
pub(crate) fn luhn(id: &[u8]) -> bool {
    let sum = luhn_sum(id.iter().rev().copied().filter_map(digit));
    id.iter().all(u8::is_ascii_digit) && sum.is_multiple_of(10) && !is_one_digit(id)
}

/// One digit over and over.
pub(crate) fn is_one_digit(id: &[u8]) -> bool {
    id.iter().all(|byte| Some(byte) == id.first())
}

/// A filler: one digit, or all digits in a row, up from 0 or 1 or down from 9.
pub(crate) fn is_filler(id: &[u8]) -> bool {
    let step = |by: u8| {
        id.iter().zip(id.iter().skip(1)).all(|(one, next)| {
            one.is_ascii_digit() && (one - b'0' + by) % 10 == next.wrapping_sub(b'0')
        })
    };
    match id.first() {
        Some(b'0' | b'1') => is_one_digit(id) || step(1),
        Some(b'9') => is_one_digit(id) || step(9),
        _ => is_one_digit(id),
    }
}

/// Anything but a filler.
pub(crate) fn any(id: &[u8]) -> bool {
    let from = id.iter().position(u8::is_ascii_digit).unwrap_or(0);
    id.get(from..).is_some_and(|digits| digits.len() < 3 || !is_filler(digits))
}

/// Anything at all.
pub(crate) fn always(_: &[u8]) -> bool {
    true
}

/// Verhoeff's check digit, the last one (J. Verhoeff, Error detecting decimal codes, 1969).
pub(crate) fn verhoeff(id: &[u8]) -> bool {
    const TIMES: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const TURNS: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let mut rest = 0_u8;
    for (at, byte) in id.iter().rev().enumerate() {
        let digit = usize::from(byte.wrapping_sub(b'0'));
        let turned = TURNS.get(at % 8).and_then(|row| row.get(digit)).copied();
        let Some(turned) = turned else { return false };
        let product = TIMES.get(usize::from(rest)).and_then(|row| row.get(usize::from(turned)));
        rest = product.copied().unwrap_or(u8::MAX);
    }
    rest == 0
}

/// ISO 7064 MOD 11,10 over digits, the last one the check digit.
pub(crate) fn mod_11_10(id: &[u8]) -> bool {
    let Some((last, body)) = id.split_last() else { return false };
    let mut rest = 10;
    for byte in body {
        let Some(digit) = digit(*byte) else { return false };
        let sum = (rest + digit) % 10;
        rest = (if sum == 0 { 10 } else { sum }) * 2 % 11;
    }
    digit(*last).is_some_and(|last| (rest + last) % 10 == 1)
}

/// The value of a letter or digit: `0` to `9`, then `A` is 10.
pub(crate) fn value_36(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    }
}

/// The check digit of ICAO 9303 over letters and digits: weights 7, 3, 1, modulo 10.
pub(crate) fn icao(body: &[u8]) -> Option<u32> {
    let sum = body
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .try_fold(0, |sum, (byte, weight)| Some(sum + value_36(*byte)? * weight))?;
    Some(sum % 10)
}

/// Whether a day of a month is one that exists in some year.
pub(crate) fn is_day(month: u64, day: u64) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// `MMDD` at this place is a day.
pub(crate) fn month_day(id: &[u8], at: usize) -> bool {
    matches!((part(id, at, at + 2), part(id, at + 2, at + 4)), (Some(m), Some(d)) if is_day(m, d))
}

/// `DDMM` at this place is a day.
pub(crate) fn day_month(id: &[u8], at: usize) -> bool {
    matches!((part(id, at, at + 2), part(id, at + 2, at + 4)), (Some(d), Some(m)) if is_day(m, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples() {
        assert!(luhn(b"79927398713") && !luhn(b"79927398714") && !luhn(b"0000000000"));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
        assert!(mod_11_10(b"36574261809") && !mod_11_10(b"36574261800"));
        // ICAO 9303 part 3, section 4.9: `520727` has the check digit 3.
        assert_eq!(icao(b"520727"), Some(3));
        assert!(is_filler(b"123456789") && is_filler(b"987654321") && is_filler(b"1111"));
        assert!(is_filler(b"1234567890") && !is_filler(b"1235") && !is_filler(b"876543210"));
        assert!(is_day(2, 29) && !is_day(2, 30) && !is_day(13, 1) && !is_day(1, 0));
    }
}
