//! A document as it was written: every value with its place.
use std::ops::Range;

/// Where something was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In the file.
    File {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// The bytes that a caret points at; never beyond the line.
        bytes: Range<usize>,
    },
    /// In an environment variable of this name.
    Variable(String),
    /// The file as a whole.
    Whole,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    /// All bytes of a scalar, over several lines if need be; what is hidden when it may be secret.
    pub(crate) extent: Range<usize>,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Kind {
    /// Something already reported; later steps pass over it in silence.
    Broken,
    Flag(bool),
    Float,
    Integer(i128),
    List(Vec<Node>),
    Map(Vec<Entry>),
    Null,
    Text(String),
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) extent: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// A value that an environment variable gave.
    pub(crate) fn from_variable(name: &str, kind: Kind) -> Self {
        Self { place: Place::Variable(name.to_owned()), extent: 0..0, kind }
    }

    /// The value of a key, when this is a map that has it.
    pub(crate) fn value(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a key, when it has one.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match &self.value(key)?.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a key says `true`.
    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Node { kind: Kind::Flag(true), .. }))
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list under a key; none of anything else.
    pub(crate) fn items(&self, key: &str) -> &[Node] {
        match self.value(key) {
            Some(Node { kind: Kind::List(items), .. }) => items,
            _ => &[],
        }
    }

    /// What to call this kind of value in a message.
    pub(crate) fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Broken => "something broken",
            Kind::Flag(_) => "true or false",
            Kind::Float => "a number with a fraction",
            Kind::Integer(_) => "a whole number",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Null => "nothing",
            Kind::Text(_) => "text",
        }
    }

    /// Calls `visit` with the bytes of every scalar and key at and below this node.
    pub(crate) fn extents(&self, visit: &mut impl FnMut(Range<usize>)) {
        match &self.kind {
            Kind::Map(entries) => {
                for entry in entries {
                    visit(entry.extent.clone());
                    entry.value.extents(visit);
                }
            }
            Kind::List(items) => items.iter().for_each(|item| item.extents(visit)),
            _ => visit(self.extent.clone()),
        }
    }
}

/// The same values without places, for deserialising.
impl From<&Node> for serde_json::Value {
    fn from(node: &Node) -> Self {
        match &node.kind {
            Kind::Broken | Kind::Float | Kind::Null => Self::Null,
            Kind::Flag(flag) => Self::Bool(*flag),
            Kind::Integer(number) => match (u64::try_from(*number), i64::try_from(*number)) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) => number.into(),
                _ => Self::Null,
            },
            Kind::Text(text) => Self::String(text.clone()),
            Kind::List(items) => Self::Array(items.iter().map(Self::from).collect()),
            Kind::Map(entries) => Self::Object(
                entries.iter().map(|entry| (entry.key.clone(), Self::from(&entry.value))).collect(),
            ),
        }
    }
}
