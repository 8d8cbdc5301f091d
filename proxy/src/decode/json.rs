//! JSON, read strictly: one document, one meaning.
//!
//! Parsers disagree about duplicate keys, byte order marks, other encodings and lone surrogates. Each of
//! them is an error here, so that what the rules saw is what the upstream sees. They disagree about
//! numbers, too: these pass as they are written, and a rule that compares one knows which of them others
//! may read differently.
mod ahead;
mod pass;
mod tree;
mod walk;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tollgate_dlp::{Changes, Slot, Tape};
use tollgate_rules::{Code, Json};

use self::pass::Pass;
use self::tree::Tree;
use self::walk::{Build, Walk};

/// The deepest nesting that can be asked for. The parser below recurses, and its own guard stands
/// at 128.
pub const DEPTH_CEILING: usize = 126;

/// Values in one document. A value takes about 250 bytes in memory however short its text is (its
/// place on the tape, the end of its list's name before it, what is told of it), so this bounds a
/// hostile document at about 130 MB, and leaves room for a hundred embeddings.
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
    /// A name that JSON readers keep for themselves.
    KeptName,
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
            | JsonErrorKind::KeptName
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
            JsonErrorKind::KeptName => {
                "a name in the JSON body starts with `$serde_json::private::`, which some readers take \
                 for something else; use another"
            }
            JsonErrorKind::Syntax => "the body is not exactly one well-formed JSON document",
        }
    }
}

/// Reads one JSON document of at most `depth_max` nested arrays and objects (never more than
/// [`DEPTH_CEILING`]) as a tree.
pub fn parse(bytes: &[u8], depth_max: usize) -> Result<Value, JsonError> {
    walk(bytes, depth_max, (), Tree::new()).map(|(value, _)| value)
}

/// The same in one pass, without a tree.
pub fn read(bytes: &[u8], depth_max: usize) -> Result<Reading, JsonError> {
    let ((), Pass { mut out, tape, .. }) =
        walk(bytes, depth_max, Slot::ROOT, Pass::new(bytes.len()))?;
    fit(&mut out);
    Ok(Reading { json: Arc::new(Json::of_text(out.into(), tree)), tape })
}

/// The tree of a document that was written here.
#[expect(
    clippy::expect_used,
    reason = "INVARIANT: the text was written by who had read it; reading nothing into it would show \
              rules a call that is not made"
)]
fn tree(written: &[u8]) -> Value {
    parse(written, DEPTH_CEILING).expect("what was written can be read again")
}

/// A document that was read: as it travels, and as it is looked at.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The document, for all who hold it.
    pub json: Arc<Json>,
    /// The same, written down for inspection.
    pub tape: Tape,
}

impl Reading {
    /// Writes it again from what was read. `room` is about how many bytes it will have.
    pub fn write(&self, room: usize) -> Bytes {
        self.json.text().cloned().unwrap_or_else(|| write(self.json.tree(), room))
    }

    /// The document with its changes, if there are any.
    pub fn changed(&self, changes: Changes) -> Option<Value> {
        (!changes.is_empty()).then(|| {
            let mut tree = self.json.to_tree();
            changes.apply(&mut tree);
            tree
        })
    }
}

impl From<Value> for Reading {
    fn from(tree: Value) -> Self {
        let tape = Tape::of(&tree);
        Self { json: Arc::new(tree.into()), tape }
    }
}

impl PartialEq for Reading {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

fn walk<B: Build>(
    bytes: &[u8],
    depth_max: usize,
    root: B::Place,
    build: B,
) -> Result<(B::Value, B), JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, line: 1, column: 1 });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(bytes, error.valid_up_to());
        JsonError { kind: JsonErrorKind::Encoding, line, column }
    })?;
    let mut walk = Walk::new(text, depth_max.min(DEPTH_CEILING), build);
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = walk
        .value(root, &mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| JsonError {
            kind: walk.breach.unwrap_or(JsonErrorKind::Syntax),
            line: error.line(),
            column: error.column(),
        })?;
    Ok((value, walk.build))
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
    fit(&mut bytes);
    bytes.into()
}

/// What is written is held for as long as the other side takes to read it.
fn fit(bytes: &mut Vec<u8>) {
    if bytes.capacity() - bytes.len() > bytes.len() / 8 {
        bytes.shrink_to_fit();
    }
}

/// Room for a short document, and for what nobody is believed before it is there.
const ROOM_LEAST: usize = 128;
const ROOM_MOST: usize = 16 << 20;

#[cfg(test)]
mod tests;
