//! The strings of an event that may be pieces of a longer text.
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::Value;

use crate::engine::key;
use crate::pointer::escaped;

/// The strings of one event, written one behind the other; the room is used again for the next.
#[derive(Default)]
pub(crate) struct Leaves {
    room: String,
    places: Vec<Leaf<Range<usize>>>,
}

/// A string, and the text that it is a piece of.
pub(crate) struct Leaf<T> {
    /// Pieces of one text have the same: the pointer, and what tells interleaved texts apart.
    pub(crate) thread: T,
    /// How much of `thread` is the pointer.
    pub(crate) pointer: usize,
    pub(crate) text: T,
}

impl Leaves {
    /// Takes the strings of an event in the place of those before.
    pub(crate) fn take(&mut self, event: &Value) {
        self.room.clear();
        self.places.clear();
        self.collect(event, None, &mut String::new(), &mut String::new());
    }

    /// Whether its room is worth keeping: large events are rare, and streams live long.
    pub(crate) fn is_usual(&self) -> bool {
        const USUAL_BYTES: usize = 64 << 10;
        self.room.capacity() <= USUAL_BYTES
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Leaf<&str>> {
        let part = |range: &Range<usize>| self.room.get(range.clone()).unwrap_or_default();
        self.places.iter().map(move |Leaf { thread, pointer, text }| Leaf {
            thread: part(thread),
            pointer: *pointer,
            text: part(text),
        })
    }

    fn collect(
        &mut self,
        value: &Value,
        name: Option<&str>,
        pointer: &mut String,
        marks: &mut String,
    ) {
        match value {
            Value::String(text) if joins(name) && !text.is_empty() => {
                let thread = self.put(&[pointer, marks]);
                let text = self.put(&[text]);
                self.places.push(Leaf { thread, pointer: pointer.len(), text });
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    let length = pointer.len();
                    // A string takes all that is written to it.
                    _ = write!(pointer, "/{at}");
                    self.collect(item, name, pointer, marks);
                    pointer.truncate(length);
                }
            }
            Value::Object(members) => {
                let marked = marks.len();
                mark(members, marks);
                for (name, member) in members {
                    let length = pointer.len();
                    pointer.push('/');
                    pointer.push_str(&escaped(name));
                    self.collect(member, Some(name), pointer, marks);
                    pointer.truncate(length);
                }
                marks.truncate(marked);
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn put(&mut self, parts: &[&str]) -> Range<usize> {
        let start = self.room.len();
        self.room.extend(parts.iter().copied());
        start..self.room.len()
    }
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

/// Writes down what tells an object's texts from those of others, in an order of its own.
fn mark(members: &serde_json::Map<String, Value>, marks: &mut String) {
    let mut values = [None; DISTINGUISHING.len()];
    for (name, value) in members {
        let nth = DISTINGUISHING.iter().position(|mark| mark == name);
        if let Some(slot) = nth.and_then(|nth| values.get_mut(nth)) {
            *slot = Some(value);
        }
    }
    for (mark, value) in DISTINGUISHING.iter().zip(values) {
        if let Some(value @ (Value::String(_) | Value::Number(_))) = value {
            _ = write!(marks, "\n{mark}={value}");
        }
    }
}

/// Whether strings of members with this name are pieces of a text.
pub(crate) fn joins(name: Option<&str>) -> bool {
    let Some(name) = name else { return true };
    let naming = NAMING.contains(&name) || name.ends_with("_id") || name.ends_with("Id");
    !naming && key::strength(name.as_bytes()).is_none()
}
