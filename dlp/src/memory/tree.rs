//! The strings of a document that nobody has looked at before.
use serde_json::Value;

use super::Memory;
use crate::pointer::{cut, escaped};

/// The strings of a document, [`Memory::TEXTS`] of them.
pub(super) fn collect<'v>(value: &'v Value, texts: &mut Vec<&'v [u8]>) {
    if texts.len() >= Memory::TEXTS {
        return;
    }
    match value {
        Value::String(text) if !text.is_empty() => texts.push(text.as_bytes()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The pointer of the string with this number, as [`collect`] counts.
pub(super) fn pointer(document: &Value, nth: usize) -> String {
    fn find(value: &Value, left: &mut usize, pointer: &mut String) -> bool {
        let length = pointer.len();
        let mut inside = |step: &str, value: &Value, left: &mut usize| {
            pointer.push('/');
            pointer.push_str(step);
            let found = find(value, left, pointer);
            if !found {
                pointer.truncate(length);
            }
            found
        };
        match value {
            Value::String(text) if !text.is_empty() => {
                let found = *left == 0;
                *left = left.saturating_sub(1);
                found
            }
            Value::Array(items) => {
                items.iter().enumerate().any(|(at, item)| inside(&at.to_string(), item, left))
            }
            Value::Object(members) => {
                members.iter().any(|(name, member)| inside(&escaped(cut(name)), member, left))
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let (mut left, mut pointer) = (nth, String::new());
    find(document, &mut left, &mut pointer);
    pointer
}
