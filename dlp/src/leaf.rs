//! The strings of an event that may be pieces of a longer text.
use serde_json::Value;

use crate::engine::key;
use crate::pointer::escaped;

/// A string, and the text that it is a piece of.
pub(crate) struct Leaf {
    /// Pieces of one text have the same: the pointer, and what tells interleaved texts apart.
    pub(crate) thread: String,
    pub(crate) pointer: String,
    pub(crate) text: String,
}

/// Members whose strings name something and are never joined by a reader.
const NAMING: [&str; 22] = [
    "id",
    "type",
    "object",
    "model",
    "role",
    "jsonrpc",
    "method",
    "event",
    "status",
    "created",
    "created_at",
    "timestamp",
    "time",
    "date",
    "finish_reason",
    "stop_reason",
    "service_tier",
    "system_fingerprint",
    "progressToken",
    "obfuscation",
    "level",
    "logger",
];

/// Members that tell interleaved texts apart: the blocks of an Anthropic message, the choices and
/// tool calls of OpenAI, the progress of several MCP calls.
const DISTINGUISHING: [&str; 7] =
    ["index", "output_index", "content_index", "item_id", "type", "method", "progressToken"];

/// Whether strings of members with this name are pieces of a text.
pub(crate) fn joins(name: Option<&str>) -> bool {
    let Some(name) = name else { return true };
    let naming = NAMING.contains(&name) || name.ends_with("_id") || name.ends_with("Id");
    !naming && key::strength(name.as_bytes()).is_none()
}

/// All such strings of an event.
pub(crate) fn leaves(event: &Value) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    collect(event, None, &mut String::new(), &mut String::new(), &mut leaves);
    leaves
}

fn collect(
    value: &Value,
    name: Option<&str>,
    pointer: &mut String,
    marks: &mut String,
    leaves: &mut Vec<Leaf>,
) {
    match value {
        Value::String(text) if joins(name) && !text.is_empty() => leaves.push(Leaf {
            thread: format!("{pointer}{marks}"),
            pointer: pointer.clone(),
            text: text.clone(),
        }),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let length = pointer.len();
                pointer.push_str(&format!("/{at}"));
                collect(item, name, pointer, marks, leaves);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            let marked = marks.len();
            for mark in DISTINGUISHING {
                if let Some(value @ (Value::String(_) | Value::Number(_))) = members.get(mark) {
                    marks.push_str(&format!("\n{mark}={value}"));
                }
            }
            for (name, member) in members {
                let length = pointer.len();
                pointer.push('/');
                pointer.push_str(&escaped(name));
                collect(member, Some(name), pointer, marks, leaves);
                pointer.truncate(length);
            }
            marks.truncate(marked);
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
