//! Whatever a call holds, its event is in the portable profile, and a canonicalizer that we did
//! not write makes the same bytes of it. `tests/peers` asks two more, in other languages.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
mod made;

use made::{any_facts, entry};
use proptest::prelude::*;
use serde_json::Value;
use tollgate_audit::{Digest, SAFE_INTEGER_MAX};

/// Names what is outside the profile; nothing when all is in it.
fn outside(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(_) => None,
        Value::Number(number) => {
            let safe = number.as_u64().is_some_and(|number| number <= SAFE_INTEGER_MAX);
            (!safe).then(|| number.to_string())
        }
        Value::String(text) => {
            let wild =
                |c: char| c.is_control() || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
            text.contains(wild).then(|| text.clone())
        }
        Value::Array(items) => items.iter().find_map(outside),
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let plain = key.starts_with(|c: char| c.is_ascii_lowercase())
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if plain { outside(value) } else { Some(key.clone()) }
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_event_is_portable(facts in any_facts()) {
        let entry = entry(facts);
        prop_assert_eq!(outside(entry.payload()), None);
        let other = serde_json_canonicalizer::to_string(entry.payload()).unwrap();
        prop_assert_eq!(entry.canonical(), &other);
        prop_assert_eq!(*entry.hash(), Digest::of(&[other.as_bytes()]));
        // The whole line is canonical, too.
        let line: Value = serde_json::from_str(&entry.to_line()).unwrap();
        prop_assert_eq!(entry.to_line(), serde_json_canonicalizer::to_string(&line).unwrap() + "\n");
    }
}
