//! Reading a rule's conditions.
use serde_json::Value;

use super::BUNDLE_BYTES_MAX;
use super::fields::{At, Section, noun, word};
use super::mistake::{Mistakes, quoted, suggestion};
use super::node::{Entry, Kind, Node};
use super::rule::WORD_CHARS_MAX;
use super::safe_regex;
use crate::rule::{Conditions, Test, Wanted};

const WHEN_KEYS: &[&str] =
    &["contains_any", "not_contains", "matches_regex", "data_labels_any", "tool_args_match"];

/// The conditions of a rule; a rule without `when` has none.
pub(super) fn conditions(
    rule: &Section<'_>,
    mistakes: &mut Mistakes,
    notices: &mut Vec<String>,
) -> Option<Conditions> {
    let Some(node) = rule.field("when") else { return Some(Conditions::default()) };
    let section = Section::open(node, rule.at.key("when"), mistakes)?;
    section.refuse_unknown(WHEN_KEYS, mistakes);
    let mut needles = |key: &str| needles(&section, key, mistakes);
    let contains_any = lowered(needles("contains_any"));
    let not_contains = lowered(needles("not_contains"));
    let labels_any = needles("data_labels_any");
    let matches_regex = section.field("matches_regex").and_then(|node| {
        let at = section.at.key("matches_regex");
        // Its length is the pattern reader's to judge.
        let pattern = word(node, &at, BUNDLE_BYTES_MAX, mistakes)?;
        safe_regex::compile(pattern)
            .map_err(|message| mistakes.push(at.mistake(node.place, message)))
            .ok()
    });
    let arguments = arguments(&section, mistakes);
    if contains_any.iter().any(String::is_empty) || not_contains.iter().any(String::is_empty) {
        let name = rule.at.rule.as_deref().unwrap_or_default();
        notices.push(format!("rule `{name}`: an empty text is contained in every value"));
    }
    Some(Conditions { contains_any, not_contains, matches_regex, labels_any, arguments })
}

fn lowered(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().map(|text| text.to_lowercase()).collect()
}

/// A list of texts; an empty list asks nothing, an empty text is contained in every value.
fn needles(section: &Section<'_>, key: &str, mistakes: &mut Mistakes) -> Vec<String> {
    let Some(node) = section.field(key) else { return Vec::new() };
    let at = section.at.key(key);
    let Kind::List(items) = &node.kind else {
        let message = format!("is {}, but must be a list of texts", noun(node));
        mistakes.push(at.mistake(node.place, message));
        return Vec::new();
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match item.text() {
            Some(text) if text.chars().count() <= WORD_CHARS_MAX => texts.push(text.to_owned()),
            Some(_) => {
                let message = format!("a text is longer than {WORD_CHARS_MAX} characters");
                mistakes.push(at.mistake(item.place, message));
            }
            None => {
                let message = format!("holds {}, but must hold texts; use quotes", noun(item));
                mistakes.push(at.mistake(item.place, message));
            }
        }
    }
    texts
}

fn arguments(section: &Section<'_>, mistakes: &mut Mistakes) -> Vec<(String, Vec<Test>)> {
    let Some(node) = section.field("tool_args_match") else { return Vec::new() };
    let at = section.at.key("tool_args_match");
    if Section::open(node, at.clone(), mistakes).is_none() {
        return Vec::new();
    }
    let Kind::Map(entries) = &node.kind else { return Vec::new() };
    let read = |entry: &Entry| {
        let tests = tests(&entry.node, at.key(&entry.key), mistakes);
        (entry.key.clone(), tests)
    };
    entries.iter().map(read).collect()
}

const OPERATORS: &[&str] = &["gt", "gte", "lt", "lte", "eq", "neq"];

/// A plain value means equality, a mapping holds operators, and a list is equal to nothing.
fn tests(node: &Node, at: At, mistakes: &mut Mistakes) -> Vec<Test> {
    let Kind::Map(entries) = &node.kind else {
        let never = matches!(node.kind, Kind::List(_));
        return vec![if never { Test::Never } else { Test::Equal(node.value()) }];
    };
    let mut tests = Vec::with_capacity(entries.len());
    for entry in entries {
        let message = match test(&entry.key, &entry.node) {
            Ok(test) => {
                tests.push(test);
                continue;
            }
            Err(message) => message,
        };
        mistakes.push(at.mistake(entry.place.or(entry.node.place), message));
    }
    tests
}

fn test(operator: &str, operand: &Node) -> Result<Test, String> {
    let wanted = match operator {
        "gt" => Wanted::Greater,
        "gte" => Wanted::GreaterOrEqual,
        "lt" => Wanted::Less,
        "lte" => Wanted::LessOrEqual,
        "eq" | "neq" if matches!(operand.kind, Kind::List(_) | Kind::Map(_)) => {
            return Err(format!("`{operator}` compares text, numbers, truth values and null"));
        }
        "eq" => return Ok(Test::Equal(operand.value())),
        "neq" => return Ok(Test::Unequal(operand.value())),
        other => {
            let hint = suggestion(other, OPERATORS);
            return Err(format!("unknown operator {}, {hint}", quoted(other)));
        }
    };
    match operand.value() {
        Value::Number(number) => Ok(Test::Order(number, wanted)),
        _ => Err(format!("`{operator}` compares numbers, but its operand is {}", noun(operand))),
    }
}
