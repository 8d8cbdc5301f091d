//! Events that say nothing new but a text in pieces: what most events of a model's answer are.
//!
//! Such a stream repeats its names, ids and counts in each event, and only the piece of a text
//! differs, which is looked at behind the pieces before it. An event is an *echo* of an earlier one
//! in which nothing was found when a look at it would see the very same: all of it but those pieces
//! is equal, and none of them can be put together with what stands beside it.
use serde_json::{Map, Value};

use crate::engine::survey::Surveyor;
use crate::leaf;

/// A larger event is not kept: they are rare, and streams live long.
const KEPT_BYTES: usize = 16 << 10;
/// What is reckoned for a value that is no text.
const VALUE_BYTES: usize = 32;

/// An event that later ones may be an echo of.
#[derive(Default)]
pub(crate) struct Echo {
    event: Option<Value>,
    /// How many since were none.
    missed: u32,
}

impl Echo {
    /// Whether nothing would be found in an event, since nothing was found in the one that is kept.
    pub(crate) fn is(&mut self, surveyor: &Surveyor, event: &Value) -> bool {
        // Cells of records and prints of documents are looked for over all of an event.
        let by_itself = surveyor.known.as_ref().is_none_or(|known| known.is_of_values());
        let is =
            by_itself && self.event.as_ref().is_some_and(|kept| same(surveyor, kept, event, None));
        self.missed = if is { 0 } else { self.missed.saturating_add(1) };
        is
    }

    /// Keeps an event in which nothing was found: each of the first, and then fewer and fewer while
    /// none is the echo of another.
    pub(crate) fn keep(&mut self, event: &Value) {
        if self.missed.is_power_of_two() {
            self.event = (weight(event) <= KEPT_BYTES).then(|| event.clone());
        }
    }
}

/// Whether two values are the same but for pieces of texts; `name` is the name before them.
fn same(surveyor: &Surveyor, kept: &Value, value: &Value, name: Option<&str>) -> bool {
    match (kept, value) {
        (Value::Array(kept), Value::Array(items)) => {
            let pairs = kept.iter().zip(items).map(|pair| (name, pair));
            kept.len() == items.len() && are_same(surveyor, pairs)
        }
        (Value::Object(kept), Value::Object(members)) => {
            are_named_same(kept, members) && {
                let pairs = kept.iter().zip(members.values());
                are_same(
                    surveyor,
                    pairs.map(|((name, kept), value)| (Some(&**name), (kept, value))),
                )
            }
        }
        (kept, value) => kept == value,
    }
}

fn are_named_same(kept: &Map<String, Value>, members: &Map<String, Value>) -> bool {
    kept.len() == members.len() && kept.keys().eq(members.keys())
}

/// Whether the values of an object or a list are the same. Where pieces differ, none of its values
/// may be put together with another: that takes a digit, the literal of a token, or something that
/// stands before a further object or list.
fn are_same<'v>(
    surveyor: &Surveyor,
    mut pairs: impl Iterator<Item = (Option<&'v str>, (&'v Value, &'v Value))> + Clone,
) -> bool {
    let all = pairs.clone();
    let mut differ = false;
    let same = pairs.all(|(name, (kept, value))| match (kept, value) {
        (Value::String(one), Value::String(two)) if one != two => {
            differ = true;
            leaf::joins(name)
        }
        _ => same(surveyor, kept, value, name),
    });
    let mut both = all.flat_map(|(_, (kept, value))| [kept, value]);
    same && (!differ || both.all(|value| stands_alone(surveyor, value)))
}

/// Whether a value is never put together with one beside it.
fn stands_alone(surveyor: &Surveyor, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => {
            let text = text.as_bytes();
            !text.iter().any(u8::is_ascii_digit) && !surveyor.holds_token(text)
        }
        Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    VALUE_BYTES
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| name.len() + weight(value)).sum()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::finding::Direction;
    use crate::judge::Judge;
    use crate::quiet::tests::{SCANNER, cases, document, text};

    fn is_echo(kept: &Value, event: &Value) -> bool {
        SCANNER.with(|scanner| {
            let mut echo = Echo::default();
            assert!(!echo.is(&scanner.surveyor, kept));
            echo.keep(kept);
            echo.is(&scanner.surveyor, event)
        })
    }

    #[test]
    fn events_of_models_are_echoes() {
        let openai = |id: &str, text: &str| {
            let choice = json!({ "index": 0, "delta": { "content": text }, "finish_reason": null });
            json!({ "id": id, "created": 1_767_225_600, "model": "large-2", "choices": [choice] })
        };
        let anthropic = |text: &str| {
            let delta = json!({ "type": "text_delta", "text": text });
            json!({ "type": "content_block_delta", "index": 0, "delta": delta })
        };
        assert!(is_echo(&openai("chatcmpl-8f", "The"), &openai("chatcmpl-8f", " é,\n")));
        assert!(is_echo(&openai("chatcmpl-8f", "1"), &openai("chatcmpl-8f", "1")));
        assert!(is_echo(&anthropic("The"), &anthropic(" order")));
        for (one, two) in [
            (openai("chatcmpl-8f", "The"), openai("chatcmpl-90", "The")),
            (openai("chatcmpl-8f", "The"), openai("chatcmpl-8f", "ghp_")),
            (openai("chatcmpl-8f", "The"), openai("chatcmpl-8f", "4111")),
            (openai("chatcmpl-8f", "4111"), openai("chatcmpl-8f", "The")),
            (anthropic("The"), json!({ "type": "content_block_delta", "index": 0 })),
            (json!({ "a": "x", "b": [4111, 1111] }), json!({ "a": "y", "b": [4111, 1111] })),
            (json!({ "a": "x", "n": 4111 }), json!({ "a": "y", "n": 4111 })),
            (json!({ "a": "x", "b": "y" }), json!({ "b": "x", "a": "y" })),
            (json!(["x"]), json!(["x", "x"])),
        ] {
            assert!(!is_echo(&one, &two), "{one} {two}");
        }
    }

    #[test]
    fn what_repeats_itself_is_kept_and_what_does_not_seldom() {
        let scanner = SCANNER.with(std::clone::Clone::clone);
        let mut echo = Echo::default();
        let mut kept = 0;
        for at in 0..1000 {
            let event = json!({ "at": at, "text": "word" });
            assert!(!echo.is(&scanner.surveyor, &event));
            let before = echo.event.clone();
            echo.keep(&event);
            kept += usize::from(echo.event != before);
        }
        assert_eq!(kept, 10);
        let large = json!({ "text": "x".repeat(KEPT_BYTES) });
        assert!(!is_echo(&large, &large));
    }

    /// Another text in the place of each that is a piece of one, if there is one.
    fn other(
        value: &mut Value,
        name: Option<&str>,
        texts: &mut impl Iterator<Item = Option<String>>,
    ) {
        match value {
            Value::String(text) if leaf::joins(name) => {
                if let Some(other) = texts.next().flatten() {
                    *text = other;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| other(item, name, texts)),
            Value::Object(members) => {
                members.iter_mut().for_each(|(name, member)| other(member, Some(name), texts));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    proptest! {
        #![proptest_config(cases(3000))]

        #[test]
        fn nothing_is_found_in_an_echo(
            kept in document(),
            texts in prop::collection::vec(
                prop::option::of(prop_oneof![text(), "[a-z ]{1,9}"]),
                1..5,
            ),
        ) {
            let scanner = SCANNER.with(std::clone::Clone::clone);
            let judge = (&Judge::default(), Direction::Answer);
            let look = |event: &Value| {
                let mut event = event.clone();
                let (acted, changed) = scanner.redact_json_but(&mut event, judge, &leaf::joins);
                !acted.is_empty() || changed
            };
            let mut event = kept.clone();
            other(&mut event, None, &mut texts.into_iter().cycle());
            if !look(&kept) && is_echo(&kept, &event) {
                prop_assert!(!look(&event), "{} {}", kept, event);
            }
        }
    }
}
