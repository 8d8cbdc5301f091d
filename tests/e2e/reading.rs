//! What anybody could read into a body: the strict reader of these tests.
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Reads one JSON document in which no key stands twice and no object, at any depth, names the
/// denied tool; else says what is wrong.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, String> {
    let Once(document) = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match names_denied(&document) {
        true => Err("a call of the denied tool".to_owned()),
        false => Ok(document),
    }
}

fn names_denied(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(names_denied),
        Value::Object(members) => members.iter().any(|(key, value)| {
            let called = value.as_str().is_some_and(|name| name.trim() == "delete_branch");
            (key.trim().eq_ignore_ascii_case("name") && called) || names_denied(value)
        }),
        _ => false,
    }
}

/// A document whose keys stand once each.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = serde_json::Map::new();
        while let Some((key, Once(value))) = members.next_entry::<String, Once>()? {
            // So the library gives a number that is no integer within 64 bits.
            if let ("$serde_json::private::Number", Value::String(written)) = (&*key, &value) {
                return written.parse().map(Value::Number).map_err(serde::de::Error::custom);
            }
            if all.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("a key that stands twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[test]
fn the_reader_sees_what_it_should() {
    for (text, expect) in [
        (r#"{"params":{"name":"get_weather"}}"#, true),
        (r#"{"params":{"name":"delete_branch"}}"#, false),
        (r#"[{"a":[{"n\u0061me":"\u0064elete_branch"}]}]"#, false),
        (r#"{"a":{"b":1,"b":2}}"#, false),
        (r#"{"name":"get_weather"} {}"#, false),
    ] {
        assert_eq!(read(text.as_bytes()).is_ok(), expect, "{text}");
    }
}
