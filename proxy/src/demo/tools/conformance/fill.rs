//! Filling `{word}` in made-up answers with what the caller gave.

use serde_json::Value;

/// What stands where nothing was given.
const NOTHING: &str = "(nothing)";

/// Fills each `{word}` in the texts of `template` with the value that `words` holds, at any depth,
/// under that name. A brace around anything but a name stays as it is.
pub(super) fn fill(template: &Value, words: &Value) -> Value {
    match template {
        Value::String(text) => Value::String(fill_text(text, words)),
        Value::Array(items) => items.iter().map(|item| fill(item, words)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), fill(member, words))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }
}

/// [`fill`] for one text.
pub(super) fn fill_text(text: &str, words: &Value) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}').filter(|(word, _)| is_word(word)) {
            Some((word, beyond)) => {
                filled.push_str(&spoken(find(words, word)));
                rest = beyond;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

/// Reads the one `{word}` of `template` out of `text`: `/a/{id}/b` and `/a/7/b` give `("id", "7")`.
pub(super) fn unfill<'t>(template: &'t str, text: &'t str) -> Option<(&'t str, &'t str)> {
    let (before, after) = template.split_once('{')?;
    let (word, beyond) = after.split_once('}')?;
    let value = text.strip_prefix(before)?.strip_suffix(beyond)?;
    let whole = is_word(word) && !value.is_empty() && !value.contains('/');
    whole.then_some((word, value))
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn find<'v>(words: &'v Value, name: &str) -> Option<&'v Value> {
    match words {
        Value::Object(members) => {
            members.get(name).or_else(|| members.values().find_map(|member| find(member, name)))
        }
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn spoken(value: Option<&Value>) -> String {
    match value {
        None => NOTHING.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_filled_and_other_braces_stay() {
        let words = json!({ "id": "7", "deep": [{ "ok": true }], "a": { "b": 1 } });
        let cases = [
            ("plain", "plain"),
            ("{id}", "7"),
            ("{\"id\":\"{id}\"}", "{\"id\":\"7\"}"),
            ("ok={ok} a={a} none={none}", "ok=true a={\"b\":1} none=(nothing)"),
            ("open { and {id", "open { and {id"),
            ("{} {id}", "{} 7"),
        ];
        for (text, filled) in cases {
            assert_eq!(fill_text(text, &words), filled, "{text}");
        }
    }

    #[test]
    fn a_template_gives_its_word_back() {
        let cases = [
            ("/a/{id}/b", "/a/7/b", Some(("id", "7"))),
            ("/a/{id}/b", "/a//b", None),
            ("/a/{id}/b", "/a/7/8/b", None),
            ("/a/{id}/b", "/a/7/c", None),
            ("/a/b", "/a/b", None),
        ];
        for (template, text, expect) in cases {
            assert_eq!(unfill(template, text), expect, "{text}");
        }
    }
}
