//! A JSON document written down flat, as its reader comes by.
//!
//! All texts stand one behind the other as they are looked at: each value behind its name, an item
//! behind the end of the name of its list, so that a tape is never much longer than its document.
//! That is what the first pass over a document reads ([`crate::Scanner::glance`]), so that nobody
//! needs a tree of one that holds nothing.
use std::fmt;
use std::ops::Range;

use serde_json::Value;

use crate::engine::Span;
use crate::engine::literals::BETWEEN;
use crate::json::before_items;
use crate::number;

/// What stands around a name and a value.
const MARGIN_BYTES: usize = 8;
/// Room for the texts of a small document.
const ENTRIES: usize = 64;
/// A text with its name has about so many bytes, at least.
const ENTRY_BYTES: usize = 24;
/// Room for more is only made as it comes.
const ENTRIES_MOST: usize = 4096;

/// A document, written down. [`Self::of`] does it for a tree; a reader begins with [`Slot::ROOT`],
/// asks for the slot of each member and item, and fills it.
///
/// ```
/// use tollgate_dlp::{Slot, Tape};
/// let mut tape = Tape::with_capacity(64);
/// let list = tape.open_object(Slot::ROOT);
/// let slot = tape.member("method");
/// tape.text(slot, "ping");
/// tape.close(list);
/// assert_eq!(tape.root().get("method").and_then(|method| method.as_str()), Some("ping"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Tape {
    pub(crate) written: String,
    /// All members and items, in order.
    pub(crate) entries: Vec<Entry>,
    pub(crate) root: Entry,
}

/// A member or an item.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    /// Where it begins; it ends with its value.
    pub(crate) start: usize,
    pub(crate) kind: Kind,
    /// Its name, without the signs around it; empty when it has none.
    pub(crate) name: Span,
    /// Where its value is written.
    pub(crate) value: Span,
    /// How many members and items it has, and they have.
    pub(crate) inside: usize,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    /// A number that is a count.
    Count,
    /// Any other integer.
    Number,
    /// A number that is no integer, or written as none; `-0` is none to most readers.
    Float,
    List,
    Object,
    Bool,
    Null,
}

impl Kind {
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Count | Self::Number | Self::Float)
    }
}

/// Where the next value stands.
#[derive(Clone, Copy, Debug)]
pub struct Slot(Spot);

#[derive(Clone, Copy, Debug)]
enum Spot {
    Root,
    /// Its name is written already.
    Member {
        start: usize,
        name: Span,
        /// What items below it stand behind.
        end: Span,
    },
    /// Behind the end of the name of its list, when that has one.
    Item(Option<Span>),
}

impl Slot {
    /// The document itself.
    pub const ROOT: Self = Self(Spot::Root);

    /// An item of the list that stands here.
    #[must_use]
    pub fn item(self) -> Self {
        Self(Spot::Item(match self.0 {
            Spot::Root => None,
            Spot::Member { end, .. } => Some(end),
            Spot::Item(name) => name,
        }))
    }
}

/// A list or an object that was begun.
#[derive(Debug)]
#[must_use]
pub struct Opened(Option<usize>);

impl Tape {
    /// A tape for a document of about so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let entries = (bytes / ENTRY_BYTES).clamp(ENTRIES, ENTRIES_MOST);
        let empty = Span::new(0, 0);
        Self {
            written: String::with_capacity(bytes + bytes / 4),
            entries: Vec::with_capacity(entries),
            root: Entry { start: 0, kind: Kind::Null, name: empty, value: empty, inside: 0 },
        }
    }

    /// Writes a tree down.
    pub fn of(document: &Value) -> Self {
        let mut tape = Self::with_capacity(0);
        tape.write(Slot::ROOT, document);
        tape
    }

    fn write(&mut self, slot: Slot, value: &Value) {
        match value {
            Value::Null => self.null(slot),
            Value::Bool(_) => self.bool(slot),
            Value::Number(number) => self.number(slot, number.as_str()),
            Value::String(text) => self.text(slot, text),
            Value::Array(items) => {
                let opened = self.open_list(slot);
                self.entries.reserve(items.len());
                items.iter().for_each(|item| self.write(slot.item(), item));
                self.close(opened);
            }
            Value::Object(members) => {
                let opened = self.open_object(slot);
                self.entries.reserve(members.len());
                for (name, member) in members {
                    let slot = self.member(name);
                    self.write(slot, member);
                }
                self.close(opened);
            }
        }
    }

    /// Begins a member of the object that was opened last: its value comes next.
    pub fn member(&mut self, name: &str) -> Slot {
        let start = self.written.len();
        self.written.reserve(name.len() + MARGIN_BYTES);
        self.written.push('"');
        self.written.push_str(name);
        let here = self.written.len();
        let end = Span::new(here - before_items(name).len(), here);
        Slot(Spot::Member { start, name: Span::new(start + 1, here), end })
    }

    /// The name of a member that was begun.
    pub fn name(&self, slot: Slot) -> &str {
        let Spot::Member { name, .. } = slot.0 else { return "" };
        self.part(name)
    }

    pub(crate) fn part(&self, part: Span) -> &str {
        self.written.get(part.start..part.end).unwrap_or_default()
    }

    /// A string.
    pub fn text(&mut self, slot: Slot, text: &str) {
        let (start, name) = self.begin(slot, "\":\"");
        let begins = self.written.len();
        self.written.push_str(text);
        self.end(slot, (start, name), (begins, Kind::Text));
    }

    /// A number by its text, and as what readers make of it: `4.111111111111111e15` is a card number.
    pub fn number(&mut self, slot: Slot, written: &str) {
        let (start, name) = self.begin(slot, "\":");
        let begins = self.written.len();
        self.written.push_str(&number::plain(written));
        self.end(slot, (start, name), (begins, number::kind(written)));
    }

    /// True or false: nothing is found in either.
    pub fn bool(&mut self, slot: Slot) {
        self.empty(slot, Kind::Bool);
    }

    /// Null.
    pub fn null(&mut self, slot: Slot) {
        self.empty(slot, Kind::Null);
    }

    /// Begins an object.
    pub fn open_object(&mut self, slot: Slot) -> Opened {
        self.open(slot, Kind::Object)
    }

    /// Begins a list.
    pub fn open_list(&mut self, slot: Slot) -> Opened {
        self.open(slot, Kind::List)
    }

    fn open(&mut self, slot: Slot, kind: Kind) -> Opened {
        let number = self.entries.len();
        self.empty(slot, kind);
        Opened((!matches!(slot.0, Spot::Root)).then_some(number))
    }

    /// Ends it, behind the last of what it has.
    pub fn close(&mut self, Opened(number): Opened) {
        let last = self.entries.len();
        match number {
            None => self.root.inside = last,
            Some(number) => {
                if let Some(entry) = self.entries.get_mut(number) {
                    entry.inside = last - number - 1;
                }
            }
        }
    }

    /// Its strings and numbers, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let alone = (!self.root.value.is_empty()).then_some(&self.root);
        let all = alone.into_iter().chain(&self.entries);
        let is_text = |entry: &&Entry| entry.kind == Kind::Text || entry.kind.is_number();
        all.filter(is_text).map(|entry| self.part(entry.value))
    }

    /// The document.
    pub fn root(&self) -> Node<'_> {
        Node { tape: self, entry: self.root, at: None }
    }

    fn empty(&mut self, slot: Slot, kind: Kind) {
        let (start, name) = self.begin(slot, "\":");
        self.end(slot, (start, name), (self.written.len(), kind));
    }

    /// Writes what stands before a value.
    #[inline]
    fn begin(&mut self, slot: Slot, signs: &str) -> (usize, Span) {
        let here = self.written.len();
        let (start, name) = match slot.0 {
            Spot::Root | Spot::Item(None) => return (here, Span::new(here, here)),
            Spot::Member { start, name, .. } => (start, name),
            Spot::Item(Some(name)) => {
                self.written.push('"');
                self.written.extend_from_within(name.start..name.end);
                (here, Span::new(here + 1, self.written.len()))
            }
        };
        self.written.push_str(signs);
        (start, name)
    }

    #[inline]
    fn end(&mut self, slot: Slot, (start, name): (usize, Span), (begins, kind): (usize, Kind)) {
        let value = Span::new(begins, self.written.len());
        let entry = Entry { start, kind, name, value, inside: 0 };
        match slot.0 {
            Spot::Root => self.root = entry,
            Spot::Member { .. } | Spot::Item(_) => {
                self.written.push(char::from(BETWEEN));
                self.entries.push(entry);
            }
        }
    }
}

/// How much it holds, and nothing of it.
impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tape: &'t Tape,
    entry: Entry,
    /// Its number; the document itself has none.
    at: Option<usize>,
}

impl<'t> Node<'t> {
    /// A member of it; `None` when it has none of this name, or is no object.
    pub fn get(self, name: &str) -> Option<Self> {
        self.members().find(|(known, _)| *known == name).map(|(_, member)| member)
    }

    /// What stands at a path of names.
    pub fn within(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// Its members with their names, when it is an object.
    pub fn members(self) -> impl Iterator<Item = (&'t str, Self)> {
        let object = self.is_object().then_some(self);
        object.into_iter().flat_map(Self::children).map(|member| (member.name(), member))
    }

    /// Its members or items.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        let inside = self.entry.inside;
        let tape = self.tape;
        let mut at = self.at.map_or(0, |at| at + 1);
        let end = at + inside;
        std::iter::from_fn(move || {
            let entry = *tape.entries.get(at).filter(|_| at < end)?;
            let node = Self { tape, entry, at: Some(at) };
            at += 1 + entry.inside;
            Some(node)
        })
    }

    /// The string that it is.
    pub fn as_str(self) -> Option<&'t str> {
        (self.entry.kind == Kind::Text).then(|| self.tape.part(self.entry.value))
    }

    /// The integer that it is, within 64 bits with a sign.
    pub fn as_i64(self) -> Option<i64> {
        self.number().filter(|_| self.entry.kind != Kind::Float)?.parse().ok()
    }

    /// The number that it is, as it is looked at.
    pub(crate) fn number(self) -> Option<&'t str> {
        self.entry.kind.is_number().then(|| self.tape.part(self.entry.value))
    }

    pub(crate) fn kind(self) -> Kind {
        self.entry.kind
    }

    /// The name before it: its own, or in a list, the end of the list's.
    pub(crate) fn name(self) -> &'t str {
        self.tape.part(self.entry.name)
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.entry.kind == Kind::Object
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        self.entry.kind == Kind::List
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.entry.kind == Kind::Null
    }

    /// Which part of the document it is, with all that it has.
    pub fn part(self) -> DocumentPart {
        match self.at {
            None => DocumentPart::default(),
            Some(at) => DocumentPart(Some(at..at + 1 + self.entry.inside)),
        }
    }
}

/// A part of a document that was written down: by default, all of it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct DocumentPart(pub(crate) Option<Range<usize>>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_stands_behind_its_name() {
        let document =
            json!({ "a": "x", "n": 12, "l": [1.5, [true, "y"], { "b": null }], "e": {} });
        let tape = Tape::of(&document);
        let written = "\"a\":\"x\0\"n\":12\0\"l\":\0\"l\":1.5\0\"l\":\0\"l\":\0\"l\":\"y\0\"l\":\0\"b\":\0\"e\":\0";
        assert_eq!(tape.written, written);
        let inside: Vec<_> = tape.entries.iter().map(|entry| entry.inside).collect();
        assert_eq!(inside, [0, 0, 6, 0, 2, 0, 0, 1, 0, 0]);
        assert_eq!(Tape::of(&json!("alone")).written, "alone");
    }

    #[test]
    fn a_tape_is_not_much_longer_than_its_document() {
        let name = format!("{}é_password", "k".repeat(10_000));
        let document = json!({ &name: vec![json!([1, ["x"]]); 10_000] });
        let tape = Tape::of(&document);
        assert!(tape.written.len() < 40 * document.to_string().len());
        let end: String = name.chars().skip(name.chars().count() - 63).collect();
        assert!(tape.written.ends_with(&format!("\"{end}\":\"x\0")));
    }

    #[test]
    fn values_are_found_by_name() {
        let tape = Tape::of(&json!({
            "a": { "b": { "c": "deep" }, "n": -3, "f": 1.0, "big": u64::MAX },
            "l": [{ "b": 1 }], "z": null, "t": true, "b": "top",
        }));
        let root = tape.root();
        let within = |path: &[&str]| path.iter().try_fold(root, |node, name| node.get(name));
        assert_eq!(within(&["a", "b", "c"]).unwrap().as_str(), Some("deep"));
        assert_eq!(within(&["b"]).unwrap().as_str(), Some("top"));
        assert_eq!(within(&["a", "n"]).unwrap().as_i64(), Some(-3));
        for no_integer in ["f", "big"] {
            assert_eq!(within(&["a", no_integer]).unwrap().as_i64(), None);
        }
        assert!(within(&["a", "x"]).is_none() && within(&["l", "b"]).is_none());
        assert!(root.get("z").unwrap().is_null() && !root.get("t").unwrap().is_null());
        assert!(root.is_object() && root.get("l").unwrap().is_list());
        let names: Vec<_> = root.members().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "l", "z", "t", "b"]);
        assert_eq!(root.part(), DocumentPart(None));
        assert_eq!(root.get("l").unwrap().part(), DocumentPart(Some(6..9)));
    }
}
