//! Numbers of JSON as they are looked at.
//!
//! A number travels as it is written, and who reads it rounds it to a double or does not. So it is
//! looked at with its digits in their places, as all readers see them: an exponent is worked out, and
//! where rounding makes another whole number of it, both stand there.
use std::borrow::Cow;

use crate::tape::Kind;

/// Numbers with so many digits before their fraction are looked at without it: what identifies
/// something is whole.
const WHOLE_DIGITS: usize = 12;

/// A double has no more digits of its own (IEEE 754 binary64).
const DOUBLE_DIGITS: usize = 17;

/// Exponents that put more digits before the point than the longest identifiers have are left as they
/// are.
const SHIFTED_DIGITS: usize = 64;

/// What a number is by its text.
pub(crate) fn kind(written: &str) -> Kind {
    match written {
        "-0" => Kind::Float,
        _ if written.contains(['.', 'e', 'E']) => Kind::Float,
        _ if written.parse::<u64>().is_ok() => Kind::Count,
        _ => Kind::Number,
    }
}

/// A number as it is looked at.
pub(crate) fn plain(written: &str) -> Cow<'_, str> {
    if !written.contains(['.', 'e', 'E']) {
        return Cow::Borrowed(written);
    }
    let shifted = shifted(written).map_or(Cow::Borrowed(written), Cow::Owned);
    let whole = shifted.split('.').next().unwrap_or_default().len();
    if whole < WHOLE_DIGITS || shifted.contains(['e', 'E']) {
        return shifted;
    }
    let mut plain = shifted.into_owned();
    plain.truncate(whole);
    if plain.len() <= DOUBLE_DIGITS
        && let Ok(double) = written.parse::<f64>()
    {
        let rounded = format!("{:.0}", double.trunc());
        if rounded != plain {
            plain.push(' ');
            plain.push_str(&rounded);
        }
    }
    Cow::Owned(plain)
}

/// A number without its exponent: whole digits, a point, a fraction. `None` when it has no exponent, or
/// is zero, less than one or far too large.
fn shifted(written: &str) -> Option<String> {
    let (digits, exponent) = written.split_once(['e', 'E'])?;
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |positive| ("-", positive));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent.parse().ok()?)?;
    let point = usize::try_from(point).ok()?;
    let all = format!("{whole}{fraction}");
    let zeros = all.len() - all.trim_start_matches('0').len();
    if zeros == all.len() || point <= zeros || point - zeros > SHIFTED_DIGITS {
        return None;
    }
    let padded = format!("{all:0<point$}");
    let (whole, fraction) = padded.split_at_checked(point)?;
    let whole = whole.trim_start_matches('0');
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    Some(format!("{sign}{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_there_as_their_readers_see_them() {
        for (written, expect) in [
            ("12", "12"),
            ("-0", "-0"),
            ("1.10", "1.10"),
            ("1E5", "100000.0"),
            ("-1.5e+3", "-1500.0"),
            ("15e-1", "1.5"),
            ("1e-7", "1e-7"),
            ("0e5", "0e5"),
            ("1e400", "1e400"),
            ("1e99999999999999999999", "1e99999999999999999999"),
            ("1e64", "1e64"),
            ("4.111111111111111e15", "4111111111111111"),
            ("4.111111111111111E+15", "4111111111111111"),
            ("0.0004111111111111111e19", "4111111111111111"),
            ("41111111111111110e-1", "4111111111111111"),
            ("4111111111111111.25", "4111111111111111"),
            ("4111111111111111.9999", "4111111111111111 4111111111111112"),
            ("4111111111111110.99999", "4111111111111110 4111111111111111"),
            ("123456789012345678901.5", "123456789012345678901"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(plain(written), expect, "{written}");
        }
    }

    #[test]
    fn a_count_is_what_fits_one() {
        for (written, expect) in [
            ("0", Kind::Count),
            ("18446744073709551615", Kind::Count),
            ("18446744073709551616", Kind::Number),
            ("-1", Kind::Number),
            ("-0", Kind::Float),
            ("1.0", Kind::Float),
            ("1E2", Kind::Float),
        ] {
            assert_eq!(kind(written), expect, "{written}");
        }
    }
}
