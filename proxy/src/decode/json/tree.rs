//! A document as a tree.
use serde_json::{Map, Number, Value};

use super::walk::{Build, Text};

/// An object mostly has as many members as the one before it at its depth, and need not grow then.
/// The first of them is given room for so many, none for more than so many, and room is only given
/// to so many objects of a document.
const MEMBERS: usize = 7;
const MEMBERS_MAX: usize = 14;
const ROOMY: usize = 8192;
const DEPTHS: usize = 16;

/// Makes a tree.
pub(super) struct Tree {
    /// How many members the last object had, for each of the outer depths.
    members: [usize; DEPTHS],
    objects: usize,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { members: [MEMBERS; DEPTHS], objects: 0 }
    }
}

pub(super) struct Object {
    depth: usize,
    room: usize,
    members: Map<String, Value>,
}

impl Build for Tree {
    type Value = Value;
    type Place = ();
    type Object = Object;
    type List = Vec<Value>;

    fn null(&mut self, (): ()) -> Value {
        Value::Null
    }

    fn bool(&mut self, (): (), value: bool) -> Value {
        Value::Bool(value)
    }

    fn number(&mut self, (): (), written: &str) -> Value {
        // Read from its text, `1E5` would become `1e+5`, and a document that is changed elsewhere must
        // keep its numbers. A property holds that to what is written.
        Value::Number(Number::from_string_unchecked(written.to_owned()))
    }

    fn text(&mut self, (): (), Text { text, .. }: Text<'_>) -> Value {
        Value::String(text.to_owned())
    }

    fn list(&mut self, (): ()) -> Vec<Value> {
        Vec::new()
    }

    fn item(&mut self, _: &mut Vec<Value>) {}

    fn push(&mut self, list: &mut Vec<Value>, value: Value) {
        list.push(value);
    }

    fn end_list(&mut self, list: Vec<Value>) -> Value {
        Value::Array(list)
    }

    fn object(&mut self, (): (), depth: usize) -> Object {
        self.objects += 1;
        let last = self.members.get(depth).map_or(MEMBERS, |last| *last);
        let room = if self.objects > ROOMY { 0 } else { last.min(MEMBERS_MAX) };
        Object { depth, room, members: Map::new() }
    }

    fn member(&mut self, object: &mut Object, Text { text, .. }: Text<'_>) -> Option<()> {
        let Object { room, members, .. } = object;
        if members.is_empty() {
            *members = Map::with_capacity(*room);
        }
        members.insert(text.to_owned(), Value::Null).is_none().then_some(())
    }

    fn put(&mut self, object: &mut Object, value: Value) {
        if let Some(last) = object.members.values_mut().next_back() {
            *last = value;
        }
    }

    fn end_object(&mut self, object: Object) -> Value {
        let Object { depth, members, .. } = object;
        if let Some(last) = self.members.get_mut(depth) {
            *last = members.len();
        }
        Value::Object(members)
    }
}
