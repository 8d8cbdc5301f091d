//! The strict walk over a JSON text, whatever is made of it.
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::ahead::Ahead;
use super::{JsonErrorKind, VALUES_MAX};

/// What a walk makes of a document.
pub(super) trait Build {
    /// What a value becomes.
    type Value;
    /// Where a value stands.
    type Place: Copy;
    /// An object that was begun.
    type Object;
    /// A list that was begun.
    type List;

    fn null(&mut self, at: Self::Place) -> Self::Value;
    fn bool(&mut self, at: Self::Place, value: bool) -> Self::Value;
    /// A number, as it is written.
    fn number(&mut self, at: Self::Place, written: &str) -> Self::Value;
    fn text(&mut self, at: Self::Place, text: Text<'_>) -> Self::Value;

    fn list(&mut self, at: Self::Place) -> Self::List;
    fn item(&mut self, list: &mut Self::List) -> Self::Place;
    fn push(&mut self, list: &mut Self::List, value: Self::Value);
    fn end_list(&mut self, list: Self::List) -> Self::Value;

    fn object(&mut self, at: Self::Place, depth: usize) -> Self::Object;
    /// Begins a member; `None` when the object has one of this name.
    fn member(&mut self, object: &mut Self::Object, name: Text<'_>) -> Option<Self::Place>;
    fn put(&mut self, object: &mut Self::Object, value: Self::Value);
    fn end_object(&mut self, object: Self::Object) -> Self::Value;
}

/// A string or a name, out of its escapes.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) text: &'t str,
    /// It has none, so that it stands in the document as it is.
    pub(super) is_plain: bool,
}

/// One walk: what it has used up, and what it makes.
pub(super) struct Walk<'t, B> {
    depth_max: usize,
    values: usize,
    ahead: Ahead<'t>,
    pub(super) breach: Option<JsonErrorKind>,
    pub(super) build: B,
}

impl<'t, B: Build> Walk<'t, B> {
    pub(super) fn new(text: &'t str, depth_max: usize, build: B) -> Self {
        Self { depth_max, values: 0, ahead: Ahead::of(text), breach: None, build }
    }

    /// Reads a value that stands at a place.
    pub(super) fn value<'de, D: Deserializer<'de>>(
        &mut self,
        at: B::Place,
        reader: D,
    ) -> Result<B::Value, D::Error> {
        Node { depth: 0, at, walk: self }.deserialize(reader)
    }

    fn stop<E: serde::de::Error>(&mut self, kind: JsonErrorKind) -> E {
        self.breach = Some(kind);
        E::custom("limit")
    }

    /// The depth of a container's children.
    fn descend<E: serde::de::Error>(&mut self, depth: usize) -> Result<usize, E> {
        if depth >= self.depth_max {
            return Err(self.stop(JsonErrorKind::TooDeep));
        }
        Ok(depth + 1)
    }
}

struct Node<'w, 't, B: Build> {
    depth: usize,
    at: B::Place,
    walk: &'w mut Walk<'t, B>,
}

impl<'de, B: Build> DeserializeSeed<'de> for Node<'_, '_, B> {
    type Value = B::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<B::Value, D::Error> {
        if self.walk.values >= VALUES_MAX {
            return Err(self.walk.stop(JsonErrorKind::TooMany));
        }
        self.walk.values += 1;
        let Some(written) = self.walk.ahead.number() else { return reader.deserialize_any(self) };
        // The reader has no number for one that is beyond doubles, but knows whether it is one.
        match is_beyond(written) {
            true => reader.deserialize_ignored_any(IgnoredAny).map(drop)?,
            false => reader.deserialize_f64(ANumber)?,
        }
        Ok(self.walk.build.number(self.at, written))
    }
}

impl<'de, B: Build> Visitor<'de> for Node<'_, '_, B> {
    type Value = B::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<B::Value, E> {
        self.walk.ahead.pass();
        Ok(self.walk.build.bool(self.at, value))
    }

    fn visit_str<E>(self, text: &str) -> Result<B::Value, E> {
        self.walk.ahead.pass_escaped();
        Ok(self.walk.build.text(self.at, Text { text, is_plain: false }))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<B::Value, E> {
        self.walk.ahead.pass_plain(text.len());
        Ok(self.walk.build.text(self.at, Text { text, is_plain: true }))
    }

    fn visit_unit<E>(self) -> Result<B::Value, E> {
        self.walk.ahead.pass();
        Ok(self.walk.build.null(self.at))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<B::Value, A::Error> {
        let Node { depth, at, walk } = self;
        walk.ahead.pass();
        let depth = walk.descend(depth)?;
        let mut list = walk.build.list(at);
        let mut next = Item { depth, list: &mut list, walk: &mut *walk };
        while let Some(value) = items.next_element_seed(next)? {
            walk.build.push(&mut list, value);
            next = Item { depth, list: &mut list, walk: &mut *walk };
        }
        Ok(walk.build.end_list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<B::Value, A::Error> {
        let Node { depth, at, walk } = self;
        walk.ahead.pass();
        let mut object = walk.build.object(at, depth);
        let depth = walk.descend(depth)?;
        while let Some(at) =
            members.next_key_seed(Name { object: &mut object, walk: &mut *walk })?
        {
            let value = members.next_value_seed(Node { depth, at, walk: &mut *walk })?;
            walk.build.put(&mut object, value);
        }
        Ok(walk.build.end_object(object))
    }
}

/// Whether a number is beyond doubles, as one without an exponent only is with many digits.
fn is_beyond(written: &str) -> bool {
    const DIGITS: usize = f64::MAX_10_EXP as usize;
    let may_be = written.len() > DIGITS || written.contains(['e', 'E']);
    may_be && written.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// A number, whatever the reader makes of it: what is kept is its text.
struct ANumber;

impl Visitor<'_> for ANumber {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

/// An item, once there is one.
struct Item<'w, 't, B: Build> {
    depth: usize,
    list: &'w mut B::List,
    walk: &'w mut Walk<'t, B>,
}

impl<'de, B: Build> DeserializeSeed<'de> for Item<'_, '_, B> {
    type Value = B::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<B::Value, D::Error> {
        let at = self.walk.build.item(self.list);
        Node { depth: self.depth, at, walk: self.walk }.deserialize(reader)
    }
}

/// The name of a member.
struct Name<'w, 't, B: Build> {
    object: &'w mut B::Object,
    walk: &'w mut Walk<'t, B>,
}

/// Names that the reader keeps for itself. To a server that reads with the same library they would be
/// something else in a document than to the rules, so they are refused.
const KEPT: &str = "$serde_json::private::";

impl<B: Build> Name<'_, '_, B> {
    fn begin<E: serde::de::Error>(self, name: Text<'_>) -> Result<B::Place, E> {
        if name.text.starts_with(KEPT) {
            return Err(self.walk.stop(JsonErrorKind::KeptName));
        }
        let place = self.walk.build.member(self.object, name);
        place.ok_or_else(|| self.walk.stop(JsonErrorKind::DuplicateKey))
    }
}

impl<'de, B: Build> DeserializeSeed<'de> for Name<'_, '_, B> {
    type Value = B::Place;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<B::Place, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de, B: Build> Visitor<'de> for Name<'_, '_, B> {
    type Value = B::Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<B::Place, E> {
        self.walk.ahead.pass_escaped();
        self.begin(Text { text, is_plain: false })
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<B::Place, E> {
        self.walk.ahead.pass_plain(text.len());
        self.begin(Text { text, is_plain: true })
    }
}
