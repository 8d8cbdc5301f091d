//! JSON, read strictly: one document, one meaning.
//!
//! Parsers disagree about duplicate keys, byte order marks, other encodings, lone surrogates and
//! numbers that a double cannot hold. Each of them is an error here, so that what the rules saw is
//! what the upstream sees.
use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use tollgate_rules::Code;

/// The deepest nesting that can be asked for. The parser below recurses, and its own guard stands
/// at 128.
pub const DEPTH_CEILING: usize = 126;

/// Values in one document. A value takes about 80 bytes in memory however short its text is, so
/// this bounds a hostile document at about 40 MB, and leaves room for a hundred embeddings.
pub const VALUES_MAX: usize = 500_000;

/// Why a text is not one JSON document with one meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonErrorKind {
    /// It starts with a byte order mark.
    ByteOrderMark,
    /// It is not UTF-8.
    Encoding,
    /// An object holds the same key twice.
    DuplicateKey,
    /// Nested deeper than allowed.
    TooDeep,
    /// More than [`VALUES_MAX`] values.
    TooMany,
    /// An integer beyond 64 bits: parsers round it to different numbers.
    WideInteger,
    /// Not JSON, or more than one document.
    Syntax,
}

/// Where and why reading stopped. Never holds what was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{} (line {line}, column {column})", self.reason())]
pub struct JsonError {
    kind: JsonErrorKind,
    line: usize,
    column: usize,
}

impl JsonError {
    /// What is wrong.
    pub fn kind(&self) -> JsonErrorKind {
        self.kind
    }

    /// The refusal's code.
    pub fn code(&self) -> Code {
        match self.kind {
            JsonErrorKind::DuplicateKey => Code::DuplicateKey,
            JsonErrorKind::TooDeep => Code::TooDeep,
            JsonErrorKind::TooMany => Code::BodyTooLarge,
            JsonErrorKind::ByteOrderMark
            | JsonErrorKind::Encoding
            | JsonErrorKind::WideInteger
            | JsonErrorKind::Syntax => Code::MalformedBody,
        }
    }

    /// What is wrong, without its place.
    pub fn reason(&self) -> &'static str {
        match self.kind {
            JsonErrorKind::ByteOrderMark => {
                "the JSON body starts with a byte order mark; send it without"
            }
            JsonErrorKind::Encoding => "the JSON body is not UTF-8",
            JsonErrorKind::DuplicateKey => {
                "an object in the JSON body holds the same key twice; name each key once"
            }
            JsonErrorKind::TooDeep => "the JSON body is nested deeper than the limit",
            JsonErrorKind::TooMany => "the JSON body holds more values than the limit",
            JsonErrorKind::WideInteger => {
                "an integer in the JSON body does not fit 64 bits; send it as a string"
            }
            JsonErrorKind::Syntax => "the body is not exactly one well-formed JSON document",
        }
    }
}

/// Reads one JSON document of at most `depth_max` nested arrays and objects (never more than
/// [`DEPTH_CEILING`]).
pub fn parse(bytes: &[u8], depth_max: usize) -> Result<Value, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, line: 1, column: 1 });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(bytes, error.valid_up_to());
        JsonError { kind: JsonErrorKind::Encoding, line, column }
    })?;
    let watch = Watch {
        depth_max: depth_max.min(DEPTH_CEILING),
        values_left: Cell::new(VALUES_MAX),
        members: [const { Cell::new(MEMBERS) }; DEPTHS],
        breach: Cell::new(None),
        wide: Cell::new(false),
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Node { depth: 0, watch: &watch }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| JsonError {
            kind: watch.breach.get().unwrap_or(JsonErrorKind::Syntax),
            line: error.line(),
            column: error.column(),
        })?;
    if watch.wide.get()
        && let Some(offset) = wide_integer(bytes)
    {
        let (line, column) = place(bytes, offset);
        return Err(JsonError { kind: JsonErrorKind::WideInteger, line, column });
    }
    Ok(value)
}

/// What one reading has used up.
struct Watch {
    depth_max: usize,
    values_left: Cell<usize>,
    /// How many members the last object had, for each of the outer depths.
    members: [Cell<usize>; DEPTHS],
    breach: Cell<Option<JsonErrorKind>>,
    /// A number was read that may have been an integer beyond 64 bits.
    wide: Cell<bool>,
}

/// An object mostly has as many members as the one before it at its depth, and need not grow then.
/// The first of them is given room for so many, none for more than so many, and room is only given
/// to so many values of a document.
const MEMBERS: usize = 7;
const MEMBERS_MAX: usize = 14;
const ROOMY: usize = 8192;
const DEPTHS: usize = 16;

impl Watch {
    /// How many members an object at this depth is given room for.
    fn room(&self, depth: usize) -> usize {
        let small = self.values_left.get() >= VALUES_MAX - ROOMY;
        let last = self.members.get(depth).map_or(MEMBERS, Cell::get);
        if small { last.min(MEMBERS_MAX) } else { 0 }
    }

    /// Takes note of how many it had.
    fn had(&self, depth: usize, members: usize) {
        if let Some(last) = self.members.get(depth) {
            last.set(members);
        }
    }

    fn stop<E: serde::de::Error>(&self, kind: JsonErrorKind) -> E {
        self.breach.set(Some(kind));
        E::custom("limit")
    }
}

#[derive(Clone, Copy)]
struct Node<'w> {
    depth: usize,
    watch: &'w Watch,
}

impl<'w> Node<'w> {
    /// The place of this container's children.
    fn descend<E: serde::de::Error>(self) -> Result<Node<'w>, E> {
        if self.depth >= self.watch.depth_max {
            return Err(self.watch.stop(JsonErrorKind::TooDeep));
        }
        Ok(Node { depth: self.depth + 1, watch: self.watch })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        let Some(left) = self.watch.values_left.get().checked_sub(1) else {
            return Err(self.watch.stop(JsonErrorKind::TooMany));
        };
        self.watch.values_left.set(left);
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // 2^63 is the smallest magnitude that an integer beyond 64 bits can have.
        if value.abs() >= 9_223_372_036_854_775_808.0 {
            self.watch.wide.set(true);
        }
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.watch.stop(JsonErrorKind::Syntax))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let child = self.descend()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(child)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let child = self.descend()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if map.is_empty() {
                map = Map::with_capacity(self.watch.room(self.depth));
            }
            match map.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(members.next_value_seed(child)?);
                }
                Entry::Occupied(_) => return Err(self.watch.stop(JsonErrorKind::DuplicateKey)),
            }
        }
        self.watch.had(self.depth, map.len());
        Ok(Value::Object(map))
    }
}

/// The offset of the first integer that fits neither `i64` nor `u64`. `bytes` is well-formed JSON.
fn wide_integer(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        let (&first, tail) = rest.split_first()?;
        match first {
            b'"' => rest = after_string(tail),
            b'-' | b'0'..=b'9' => {
                let length = rest
                    .iter()
                    .position(|b| !matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
                    .unwrap_or(rest.len());
                let (token, after) = rest.split_at(length);
                if is_wide(token) {
                    return Some(bytes.len() - rest.len());
                }
                rest = after;
            }
            _ => rest = tail,
        }
    }
}

fn is_wide(token: &[u8]) -> bool {
    if token.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        return false;
    }
    let text = std::str::from_utf8(token).unwrap_or_default();
    text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

/// What follows the string whose opening quote has been read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'"' => return tail,
            b'\\' => rest = tail.get(1..).unwrap_or_default(),
            _ => rest = tail,
        }
    }
    rest
}

/// Line and column, both from 1, columns in bytes.
fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
    (line, column)
}

/// Writes a document without spaces, keys in their order. `room` is about how many bytes it will
/// have; what is much too large or too small costs time and nothing else.
#[expect(
    clippy::expect_used,
    reason = "INVARIANT: keys are strings and memory does not fail, so a `Value` can be written"
)]
pub fn write(value: &(impl serde::Serialize + ?Sized), room: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(room.clamp(ROOM_LEAST, ROOM_MOST));
    serde_json::to_writer(&mut bytes, value).expect("a JSON value can be written");
    // It is held for as long as the other side takes to read it.
    if bytes.capacity() - bytes.len() > bytes.len() / 8 {
        bytes.shrink_to_fit();
    }
    bytes.into()
}

/// Room for a short document, and for what nobody is believed before it is there.
const ROOM_LEAST: usize = 128;
const ROOM_MOST: usize = 16 << 20;

#[cfg(test)]
mod tests;
