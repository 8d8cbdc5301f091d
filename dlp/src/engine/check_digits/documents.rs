//! Travel documents (ICAO 9303) of any country.
use super::{any, digit, icao, month_day};

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
