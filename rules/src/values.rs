//! The texts inside a call's arguments, gathered once and only when a rule asks.
use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::{Number, Value};

use crate::facts::Facts;
use crate::number::is_held;

/// Every text, number and truth value of the arguments, and what the person typed.
pub(crate) struct Values<'f> {
    facts: &'f Facts<'f>,
    lowered: OnceCell<Vec<String>>,
    joined: OnceCell<String>,
}

impl<'f> Values<'f> {
    pub(crate) fn of(facts: &'f Facts<'f>) -> Self {
        Self { facts, lowered: OnceCell::new(), joined: OnceCell::new() }
    }

    /// Whether one value contains one of these lower-case texts, in any case.
    pub(crate) fn contain_any(&self, needles: &[String]) -> bool {
        let lowered = self
            .lowered
            .get_or_init(|| self.gather().into_iter().map(|text| text.to_lowercase()).collect());
        lowered.iter().any(|text| needles.iter().any(|needle| text.contains(needle.as_str())))
    }

    /// All values in order, joined by one space.
    pub(crate) fn joined(&self) -> &str {
        self.joined.get_or_init(|| self.gather().join(" "))
    }

    /// Walks with a stack of its own, so that no depth of arguments can exhaust the thread's.
    fn gather(&self) -> Vec<Cow<'f, str>> {
        let mut texts = Vec::new();
        let arguments = self.facts.arguments;
        let pairs = arguments.pairs().iter().rev().map(|(_, value)| value);
        let mut open: Vec<&Value> = pairs.chain([arguments.tree()]).collect();
        while let Some(value) = open.pop() {
            match value {
                Value::Null => {}
                Value::Bool(true) => texts.push("true".into()),
                Value::Bool(false) => texts.push("false".into()),
                Value::Number(number) => texts.extend(written(number).map(Cow::Owned)),
                Value::String(text) => texts.push(text.as_str().into()),
                Value::Array(items) => open.extend(items.iter().rev()),
                Value::Object(map) => open.extend(map.values().rev()),
            }
        }
        texts.extend(self.facts.user_input.filter(|text| !text.is_empty()).map(Cow::Borrowed));
        texts
    }
}

/// A number as text: integers with all their digits, others as ECMAScript writes them. One that some
/// readers round stands there both ways.
fn written(number: &Number) -> impl Iterator<Item = String> {
    let is_integer = number.is_i64() || number.is_u64();
    // What is beyond doubles has no canonical form, and no reader writes it otherwise.
    let rounded = (!is_integer).then(|| serde_json_canonicalizer::to_string(number).ok()).flatten();
    let whole = (rounded.is_none() || !is_held(number)).then(|| number.to_string());
    whole.into_iter().chain(rounded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::written;

    #[test]
    fn numbers_are_written_as_people_do() {
        for (number, expect) in [
            (json!(1500), "1500"),
            (json!(1500.0), "1500"),
            (json!(-0.5), "-0.5"),
            (json!(1e21), "1e+21"),
            (json!(18446744073709551615u64), "18446744073709551615"),
        ] {
            assert_eq!(written(number.as_number().unwrap()).collect::<Vec<_>>(), [expect]);
        }
    }

    #[test]
    fn numbers_that_some_round_are_written_both_ways() {
        for (text, expect) in [
            ("100.0000000000000000001", &["100.0000000000000000001", "100"][..]),
            ("12345678901234567890123", &["12345678901234567890123", "1.2345678901234568e+22"]),
            ("1e-400", &["1e-400", "0"]),
            ("1e+400", &["1e+400"]),
            ("1.10", &["1.1"]),
        ] {
            assert_eq!(written(&text.parse().unwrap()).collect::<Vec<_>>(), expect);
        }
    }
}
