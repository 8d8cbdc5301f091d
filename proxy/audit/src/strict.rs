//! JSON as a verifier must read it: one meaning or none.
//!
//! A reader that keeps the last of two equal keys and one that keeps the first see two different
//! events under one signature. So a key that stands twice, at any depth, is an error here
//! (RFC 8785 section 3.1 asks for RFC 7493, which forbids it).
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why bytes are no JSON that can be verified. Says where, never what stood there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ReadError {
    reason: String,
}

/// Reads one JSON text. Nesting is bounded at 128 by the parser.
pub fn read_json(bytes: &[u8]) -> Result<Value, ReadError> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = Strict
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value))
        .map_err(|error| ReadError { reason: error.to_string() })?;
    Ok(value)
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            if key == NUMBER {
                return match map.is_empty() {
                    true => from.next_value_seed(Written),
                    false => Err(A::Error::custom(KEPT_NAME)),
                };
            }
            let value = from.next_value_seed(Strict)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice in one object"));
            }
        }
        Ok(Value::Object(map))
    }
}

/// The name that the JSON reader gives a number that is no integer within 64 bits. It owns the text
/// behind it, as it never does one that stands in the document; there the name would have two readings.
const NUMBER: &str = "$serde_json::private::Number";
const KEPT_NAME: &str = "a name in it is one that some readers take for something else";

/// A number: a double, as it is to every reader of canonical JSON.
struct Written;

impl<'de> DeserializeSeed<'de> for Written {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Written {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Value, E> {
        Err(E::custom(KEPT_NAME))
    }

    fn visit_string<E: serde::de::Error>(self, written: String) -> Result<Value, E> {
        let double = written.parse().ok().and_then(Number::from_f64);
        double.map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meaning_or_none() {
        for (json, good) in [
            (r#"{"a":1,"b":{"a":2}}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"[{"x":{"k":0,"\u006b":1}}]"#, false),
            (r#""\ud800""#, false),
            ("1e999", false),
            ("{} {}", false),
            ("", false),
            ("nul", false),
            ("-0", true),
            ("1.5e3", true),
            (r#"{"$serde_json::private::Number":"1"}"#, false),
            (r#"{"a":1,"\u0024serde_json::private::Number":"1"}"#, false),
        ] {
            assert_eq!(read_json(json.as_bytes()).is_ok(), good, "for {json}");
        }
        assert!(read_json(b"\"\xff\"").is_err());
        assert!(read_json("[".repeat(200).as_bytes()).is_err());
    }

    #[test]
    fn an_error_does_not_repeat_what_it_read() {
        let error = read_json(br#"{"secret":"hunter2","secret":1}"#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        assert!(error.to_string().contains("twice"));
    }
}
