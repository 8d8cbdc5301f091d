//! What an argument may be to the server that takes it.
//!
//! Servers differ: some take the first of several values, some the last; readers that ignore case
//! (Go's `encoding/json`) take `Amount` for `amount`. Which of them this one takes is not known, so a
//! rule that lets pass must hold of each reading, and one that does not of any.
use std::borrow::Cow;
use std::cell::Cell;

use serde_json::{Number, Value};

use crate::facts::Words;
use crate::rule::Test;

/// Whether two names are one but for their case.
///
/// Letters outside of ASCII that fold to one in it count as that (Unicode `CaseFolding.txt`: U+017F,
/// U+212A).
///
/// ```
/// assert!(tollgate_rules::is_one_name("amount", "Amount"));
/// assert!(!tollgate_rules::is_one_name("amount", "amounts"));
/// ```
pub fn is_one_name(one: &str, other: &str) -> bool {
    match one.is_ascii() && other.is_ascii() {
        true => one.eq_ignore_ascii_case(other),
        false => one == other || folded(one) == folded(other),
    }
}

/// The name as all its spellings have it that differ in case alone.
pub fn folded(name: &str) -> String {
    let fold = |letter: char| if letter == 'ſ' { 's' } else { letter };
    name.chars().flat_map(char::to_lowercase).map(fold).collect()
}

/// Whether a test holds of the argument with this name.
pub(crate) fn hold(test: &Test, words: Words<'_>, name: &str, permits: bool) -> bool {
    let members = words.tree().as_object();
    let given = members.and_then(|members| members.get(name));
    let twins = members.into_iter().flatten().filter(|(twin, _)| is_twin(twin, name));
    let pairs = words.pairs().iter().filter(|(pair, _)| is_one_name(plain(pair), name));
    let cut = words.pairs().iter().flat_map(cut).filter(|(pair, _)| is_one_name(plain(pair), name));
    let mut others = twins
        .map(|(name, value)| (name.as_str(), Cow::Borrowed(value)))
        .chain(pairs.map(|(name, value)| (name.as_str(), test.meant(value, permits))))
        .chain(
            cut.map(|(name, value)| (name, Cow::Owned(test.meant(&value, permits).into_owned()))),
        )
        .peekable();
    if permits && words.hides() && !words.pairs().is_empty() && others.peek().is_some() {
        return false;
    }
    let exact = Cell::new(given.is_some());
    let others = others.map(|(spelt, value)| {
        exact.set(exact.get() || spelt == name);
        test.holds(Some(&value), permits)
    });
    let mut readings =
        given.map(|given| test.holds(Some(given), permits)).into_iter().chain(others);
    // Who heeds case finds nothing by this name, if none is spelt like that.
    match permits {
        true => readings.all(|held| held) && (exact.get() || test.holds(None, permits)),
        false => readings.any(|held| held) || (!exact.get() && test.holds(None, permits)),
    }
}

/// The pairs that a server finds in one to which a semicolon ends a pair as well (HTML 4.01 appendix
/// B.2.2); none where there is no semicolon.
fn cut((pair, value): &(String, Value)) -> impl Iterator<Item = (&str, Value)> {
    let text = value.as_str().unwrap_or_default();
    let is_cut = pair.contains(';') || text.contains(';');
    let name = pair.rsplit(';').next().unwrap_or_default();
    let mut parts = text.split(';');
    let first = parts.next().map(|value| (name, value));
    let others = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    let all = first.into_iter().chain(others).filter(move |_| is_cut);
    all.map(|(name, value)| (name, Value::from(value)))
}

/// The name of a pair as a server may read it: `amount[]`, `amount[0]` and ` amount` are `amount` to
/// some (PHP's `parse_str`).
fn plain(pair: &str) -> &str {
    let name = pair.split('[').next().unwrap_or(pair);
    name.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control())
}

fn is_twin(twin: &str, name: &str) -> bool {
    twin != name && is_one_name(twin, name)
}

/// A text without a type, as what it is compared with: a number or a truth value when that is one.
pub(crate) fn as_like<'v>(given: &'v Value, operand: &Value, permits: bool) -> Cow<'v, Value> {
    match (operand, given) {
        (Value::Number(_), _) => as_number(given, permits),
        (Value::Bool(_), Value::String(text)) => {
            let truth = text.trim().to_ascii_lowercase().parse().ok();
            truth.map_or(Cow::Borrowed(given), |truth| Cow::Owned(Value::Bool(truth)))
        }
        _ => Cow::Borrowed(given),
    }
}

/// A text without a type as a number, if it is one. Where `permits`, one as JSON writes it; else
/// whatever a lenient reader takes for one.
pub(crate) fn as_number(given: &Value, permits: bool) -> Cow<'_, Value> {
    let number = given.as_str().and_then(|text| number(text, permits));
    number.map_or(Cow::Borrowed(given), |number| Cow::Owned(Value::Number(number)))
}

fn number(text: &str, permits: bool) -> Option<Number> {
    serde_json::from_str(text).ok().or_else(|| {
        let text = text.trim();
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let whole = hex.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let plain = || text.replace([',', '_'], "").parse::<f64>().ok();
        let lenient = whole.map(|whole| whole as f64).or_else(plain).filter(|_| !permits)?;
        // What is too large for a number is at least the largest.
        Number::from_f64(lenient.clamp(f64::MIN, f64::MAX))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_differ_in_case_alone_are_one() {
        for (one, other, is) in [
            ("name", "Name", true),
            ("task", "ta\u{17f}k", true),
            ("kind", "\u{212a}ind", true),
            ("größe", "GRÖßE", true),
            ("name", "names", false),
            ("a", "b", false),
        ] {
            assert_eq!(is_one_name(one, other), is, "{one} {other}");
        }
    }

    #[test]
    fn texts_are_read_as_what_they_are_compared_with() {
        let read = |text: &str, operand: Value, permits| {
            as_like(&json!(text), &operand, permits).into_owned()
        };
        for permits in [false, true] {
            assert_eq!(read("50", json!(1), permits), json!(50));
            assert_eq!(read("5.0e+1", json!(1), permits).as_f64(), Some(50.0));
            assert_eq!(read("50", json!("1"), permits), json!("50"));
            assert_eq!(read("True", json!(true), permits), json!(true));
            assert_eq!(read("fifty", json!(1), permits), json!("fifty"));
            assert_eq!(read("NaN", json!(1), permits), json!("NaN"));
            assert_eq!(*as_like(&json!([50]), &json!(1), permits), json!([50]));
        }
        for (text, meant) in
            [("+50", 50.0), ("050", 50.0), ("-inf", f64::MIN), ("0x32", 50.0), ("5,0_0", 500.0)]
        {
            assert_eq!(read(text, json!(1), false), json!(meant), "{text}");
        }
        for text in ["+50", "050", "inf", "0x32", "5,000"] {
            assert_eq!(read(text, json!(1), true), json!(text), "{text}");
        }
    }
}
