//! Numbers as they are compared: exactly where every reader holds the same one, and not at all where
//! readers differ.
use std::cmp::Ordering;

use serde_json::Number;

/// The order of a number that was given to one that it is compared with; `None` when it depends on
/// who reads it. Integers within 64 bits are compared as they are, others as doubles: who rounds finds
/// what is less no greater than it was, so only what rounding makes equal is in doubt. An integer
/// beyond 64 bits is rounded, wrapped or refused, and what is beyond doubles is infinite to some.
pub(crate) fn order(given: &Number, operand: &Number) -> Option<Ordering> {
    if let (Some(given), Some(operand)) = (integer(given), integer(operand)) {
        return Some(given.cmp(&operand));
    }
    if is_whole(given) && integer(given).is_none() {
        return None;
    }
    let order = given.as_f64()?.partial_cmp(&operand.as_f64()?)?;
    (order.is_ne() || (is_held(given) && is_held(operand))).then_some(order)
}

/// Whether a double has all digits of the number, so that all readers mean the same one.
pub(crate) fn is_held(number: &Number) -> bool {
    let double = number.as_f64().and_then(Number::from_f64);
    double.is_some_and(|double| {
        let held = digits(double.as_str());
        held.is_some() && held == digits(number.as_str())
    })
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn is_whole(number: &Number) -> bool {
    !number.as_str().contains(['.', 'e', 'E'])
}

/// The digits of a number from the first to the last that is not zero, and how many places the last
/// stands before the point. Zero has none, whatever its sign.
fn digits(written: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = written.split_once(['e', 'E']).unwrap_or((written, "0"));
    let (is_negative, mantissa) =
        mantissa.strip_prefix('-').map_or((false, mantissa), |positive| (true, positive));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let kept = all.trim_end_matches('0');
    let zeros = i64::try_from(all.len() - kept.len()).ok()?;
    let kept = kept.trim_start_matches('0');
    if kept.is_empty() {
        return Some((false, String::new(), 0));
    }
    let places = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    Some((is_negative, kept.to_owned(), places.checked_add(zeros)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(written: &str) -> Number {
        written.parse().unwrap()
    }

    #[test]
    fn what_readers_differ_on_has_no_order() {
        use Ordering::{Equal, Greater, Less};
        for (given, operand, expect) in [
            ("1", "2", Some(Less)),
            ("100", "100.0", Some(Equal)),
            ("1E2", "100", Some(Equal)),
            ("0.10", "0.1", Some(Equal)),
            ("-0", "0", Some(Equal)),
            ("-0.0", "0", Some(Equal)),
            ("0e5", "0", Some(Equal)),
            ("18446744073709551615", "18446744073709551614", Some(Greater)),
            ("9007199254740993", "9007199254740992", Some(Greater)),
            ("9007199254740993", "9007199254740992.0", None),
            ("9007199254740993.0", "9007199254740993", None),
            ("18446744073709551617", "100", None),
            ("-9223372036854775809", "100", None),
            ("100.0000000000000000001", "100", None),
            ("99.99999999999999999999", "100", None),
            ("100.0000000000000000001", "100.5", Some(Less)),
            ("1e400", "100", None),
            ("-1e400", "100", None),
            ("1e99999999999999999999", "1", None),
            ("1e-400", "0", None),
            ("1e-400", "1", Some(Less)),
            ("1e23", "1e23", Some(Equal)),
            ("1e18", "1000000000000000000", Some(Equal)),
        ] {
            assert_eq!(order(&number(given), &number(operand)), expect, "{given} {operand}");
        }
    }

    #[test]
    fn a_double_holds_what_it_gives_back() {
        for (written, expect) in [
            ("0.1", true),
            ("1.10", true),
            ("100", true),
            ("9007199254740993", false),
            ("1e-400", false),
            ("0.1000000000000000055511151231257827", false),
            ("123456789012345678901234567890", false),
        ] {
            assert_eq!(is_held(&number(written)), expect, "{written}");
        }
    }
}
