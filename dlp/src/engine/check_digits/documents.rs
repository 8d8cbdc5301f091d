//! Travel documents (ICAO 9303) and identity cards of any country.
use super::{any, digit, icao, month_day, part};

/// Enough digits for a number, and no filler behind the letters.
pub(crate) fn passport(id: &[u8]) -> bool {
    id.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3 && any(id)
}

/// The second line of a machine readable zone: three check digits.
pub(crate) fn mrz(id: &[u8]) -> bool {
    let right = |from: usize, to: usize| {
        let body = id.get(from..to).and_then(icao);
        body.is_some() && body == id.get(to).copied().and_then(digit)
    };
    right(0, 9) && right(13, 19) && right(21, 27) && month_day(id, 15)
}
/// Mozambique, identity cards: no check digit is known, but a time in a certificate is written alike
/// (X.690, `UTCTime`: `YYMMDDhhmmssZ`).
pub(crate) fn mz_card(id: &[u8]) -> bool {
    let within = |from, to, most| part(id, from, to).is_some_and(|number| number <= most);
    let dated = matches!(part(id, 2, 4), Some(1..=12)) && matches!(part(id, 4, 6), Some(1..=31));
    let timed = within(6, 8, 23) && within(8, 10, 59) && within(10, 12, 59);
    !(id.ends_with(b"Z") && dated && timed)
}
