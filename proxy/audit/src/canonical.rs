//! One JSON value, one way to write it: RFC 8785 (JCS).
//!
//! The hash of an event covers these bytes, so they are fixed: keys sorted by UTF-16 code units
//! (section 3.2.3), only the escapes that JSON demands (3.2.2.2), numbers as ECMAScript prints
//! doubles (3.2.2.3), no white space.
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Map, Number, Value};

/// Integers beyond this are not exact in a double (2^53 − 1, RFC 7493 section 2.2).
pub const SAFE_INTEGER_MAX: u64 = 9_007_199_254_740_991;

/// Why a value has no canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a number is outside the range of a double and has no canonical form")]
pub struct CanonicalError;

/// The canonical text of a value.
pub fn canonical(value: &Value) -> Result<String, CanonicalError> {
    let mut out = String::with_capacity(1024);
    write_value(value, &mut out)?;
    Ok(out)
}

/// The same, and where in it the value of the outermost object's `key` stands.
pub(crate) fn canonical_with(
    value: &Value,
    key: &str,
) -> Result<(String, Option<Range<usize>>), CanonicalError> {
    let Value::Object(map) = value else { return canonical(value).map(|text| (text, None)) };
    let (mut out, mut place) = (String::with_capacity(2048), None);
    write_members(map, &mut out, |name, at| {
        if name == key {
            place = Some(at);
        }
    })?;
    Ok((out, place))
}

fn write_value(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(item, out)?;
            }
            out.push(']');
        }
        Value::Object(map) => write_object(map, out)?,
    }
    Ok(())
}

fn write_object(map: &Map<String, Value>, out: &mut String) -> Result<(), CanonicalError> {
    write_members(map, out, |_, _| {})
}

/// An object; `wrote` is told each key and where in `out` its value begins.
fn write_members(
    map: &Map<String, Value>,
    out: &mut String,
    mut wrote: impl FnMut(&str, Range<usize>),
) -> Result<(), CanonicalError> {
    let mut write = |place: usize, key: &str, value: &Value| {
        out.push(if place == 0 { '{' } else { ',' });
        write_text(key, out);
        out.push(':');
        let start = out.len();
        write_value(value, out)?;
        wrote(key, start..out.len());
        Ok(())
    };
    // What was written by this writer and read back is in order already.
    if map.keys().is_sorted_by(|a, b| order(a, b).is_lt()) {
        for (place, (key, value)) in map.iter().enumerate() {
            write(place, key, value)?;
        }
    } else {
        let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
        pairs.sort_unstable_by(|(a, _), (b, _)| order(a, b));
        for (place, (key, value)) in pairs.into_iter().enumerate() {
            write(place, key, value)?;
        }
    }
    out.push_str(if map.is_empty() { "{}" } else { "}" });
    Ok(())
}

/// Not the order of the bytes: a surrogate pair (U+10000 and up) sorts before U+E000.
fn order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}

/// A member with a text, and what stands before it.
pub(crate) fn write_field(out: &mut String, before: char, key: &str, text: &str) {
    out.push(before);
    write_text(key, out);
    out.push(':');
    write_text(text, out);
}

/// A string with its quotes.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // What must be escaped is a byte of its own in UTF-8, and most texts have none of it.
    while let Some((plain, special)) =
        rest.bytes().position(must_escape).and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut chars = special.chars();
        chars.next().into_iter().for_each(|c| write_escape(c, out));
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn must_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

fn write_escape(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        _ => {
            out.push_str("\\u00");
            let code = u32::from(c);
            for nibble in [code >> 4, code & 0xf] {
                out.push(char::from_digit(nibble, 16).unwrap_or('0'));
            }
        }
    }
}

fn write_number(number: &Number, out: &mut String) -> Result<(), CanonicalError> {
    // By its value and not by its text, which may be `-0`.
    if let Some(whole) = number.as_i64().filter(|n| n.unsigned_abs() <= SAFE_INTEGER_MAX) {
        let _ = write!(out, "{whole}");
        return Ok(());
    }
    // An integer that a double cannot hold is a double to every reader of ECMAScript, so it is
    // written as the double it becomes there. Our own events never hold one.
    let double = number.as_f64().filter(|f| f.is_finite()).ok_or(CanonicalError)?;
    write_double(double, out);
    Ok(())
}

/// ECMAScript's Number::toString for a finite double (ECMA-262, section 6.1.6.1.20).
fn write_double(double: f64, out: &mut String) {
    if double == 0.0 {
        out.push('0');
        return;
    }
    if double.is_sign_negative() {
        out.push('-');
    }
    let (digits, point) = shortest(double.abs());
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if count <= point && point <= 21 {
        out.push_str(&digits);
        out.push_str(&zeros(point - count));
    } else if 0 < point && point <= 21 {
        let (whole, rest) = split(&digits, point);
        out.push_str(whole);
        out.push('.');
        out.push_str(rest);
    } else if -6 < point && point <= 0 {
        out.push_str("0.");
        out.push_str(&zeros(-point));
        out.push_str(&digits);
    } else {
        write_scientific(&digits, point - 1, out);
    }
}

fn write_scientific(digits: &str, exponent: i32, out: &mut String) {
    let (first, rest) = split(digits, 1);
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out.push('e');
    out.push(if exponent < 0 { '-' } else { '+' });
    out.push_str(&exponent.unsigned_abs().to_string());
}

/// The shortest digits that read back as the same double, and how many of them stand before the
/// point. They come from the JSON library, since the standard library breaks a tie between two
/// equally short forms upwards and ECMAScript breaks it to the even digit.
fn shortest(double: f64) -> (String, i32) {
    let written = Number::from_f64(double).map(|number| number.to_string()).unwrap_or_default();
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let small = i32::try_from(all.len() - significant.len()).unwrap_or(0);
    let before = i32::try_from(whole.len()).unwrap_or(0);
    let exponent: i32 = exponent.parse().unwrap_or(0);
    (significant.trim_end_matches('0').to_owned(), before + exponent - small)
}

fn split(digits: &str, at: i32) -> (&str, &str) {
    usize::try_from(at).ok().and_then(|at| digits.split_at_checked(at)).unwrap_or((digits, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(json: &str, expect: &str) {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(canonical(&value).unwrap(), expect, "for {json}");
    }

    #[test]
    fn numbers() {
        for (json, expect) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("123456.789e3", "123456789"),
            ("1.5e300", "1.5e+300"),
            ("9007199254740991", "9007199254740991"),
            ("12345678901234567890", "12345678901234567000"),
            ("-9223372036854775808", "-9223372036854776000"),
            ("333333333.33333329", "333333333.3333333"),
            // Two forms are equally short and equally near: the even digit.
            ("-1482462819571646.25", "-1482462819571646.2"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ] {
            check(json, expect);
        }
    }

    #[test]
    fn texts_and_keys() {
        for (json, expect) in [
            (r#"{"b":1,"a":[ ]}"#, r#"{"a":[],"b":1}"#),
            (r#""\u001f\u007f\/\u20ac\b""#, "\"\\u001f\u{7f}/€\\b\""),
            // U+10000 sorts before U+E000 in UTF-16, after it in UTF-8.
            ("{\"\u{e000}\":1,\"\u{10000}\":2}", "{\"\u{10000}\":2,\"\u{e000}\":1}"),
            (r#"{"10":1,"9":2}"#, r#"{"10":1,"9":2}"#),
        ] {
            check(json, expect);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn doubles_agree_with_another_writer(bits: u64) {
            let double = f64::from_bits(bits);
            prop_assume!(double.is_finite());
            let value = Value::from(double);
            prop_assert_eq!(
                canonical(&value).unwrap(),
                serde_json_canonicalizer::to_string(&value).unwrap()
            );
        }

        #[test]
        fn agrees_with_another_writer(value in any_json()) {
            prop_assert_eq!(
                canonical(&value).unwrap(),
                serde_json_canonicalizer::to_string(&value).unwrap()
            );
        }
    }
}
