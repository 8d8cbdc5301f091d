//! Findings: where something stands and what it is, never the thing itself.
use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::class::Class;
use crate::coding::Codings;
use crate::name::Name;

/// Something found in a text or a JSON document.
///
/// It holds places and names only: the matched text is in no field, so that a finding can be
/// logged, recorded and shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The detector's name, stable: `github-token`.
    pub detector: Name,
    /// What it is.
    pub class: Class,
    /// How sure the detector is.
    pub grade: Grade,
    /// In which string.
    pub place: Place,
    /// How it was written there, from the outside in; empty when it stood in the open.
    pub via: Codings,
    /// The first byte, counted within that string.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// How sure a detector is. Ordered: `Possible < Likely < Certain`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// It may be; too weak to act on unless asked for.
    Possible,
    /// Very probably what it looks like.
    Likely,
    /// Checksum or unmistakable structure.
    Certain,
}

impl Grade {
    /// The name in records: `likely`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// The string that a finding stands in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A plain text; offsets count from its beginning.
    Text,
    /// The value at this JSON pointer (RFC 6901). Names that hold findings themselves are shown
    /// redacted.
    Value(String),
    /// The name of the member at this JSON pointer; of what stands around it when that is empty.
    Key(String),
    /// A place within something larger, from the outside in.
    Within(Vec<Layer>, Box<Place>),
}

impl Place {
    /// As it is written in records and refusals: `part file entry a.txt line 3 /user/name`. Every
    /// name in it goes through `name`, and every pointer through `pointer`.
    pub fn written(
        &self,
        name: &dyn Fn(&str) -> String,
        pointer: &dyn Fn(&str) -> String,
    ) -> String {
        match self {
            Self::Text => String::new(),
            Self::Value(at) => pointer(at),
            Self::Key(at) if at.is_empty() => "(name)".to_owned(),
            Self::Key(at) => format!("{} (name)", pointer(at)),
            Self::Within(layers, leaf) => {
                let mut words: Vec<String> = layers
                    .iter()
                    .map(|layer| layer.shown(|text| name(text)).to_string())
                    .chain([leaf.written(name, pointer)])
                    .collect();
                words.retain(|word| !word.is_empty());
                words.join(" ")
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(&str::to_owned, &str::to_owned))
    }
}

/// One step into a document. Names that hold findings themselves are shown redacted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A cookie of this name.
    Cookie(String),
    /// An element or attribute of XML, by the names on the way to it.
    Element(String),
    /// A file in an archive.
    Entry(String),
    /// An event of a stream, counted from one.
    Event(usize),
    /// A form's field.
    Field(String),
    /// A URL's fragment.
    Fragment,
    /// A header.
    Header(String),
    /// A URL's host.
    Host,
    /// A line, counted from one.
    Line(usize),
    /// A message of a gRPC call, counted from one.
    Message(usize),
    /// A field of protobuf, by its number.
    Number(u64),
    /// A part of a multipart body, by its name, name and file, or number.
    Part(String),
    /// A URL's query, by the parameter's name.
    Query(String),
    /// A segment of a URL's path, counted from one.
    Segment(usize),
    /// A URL's user information.
    User,
}

impl Layer {
    /// The same with its name as `name` shows it.
    pub(crate) fn shown(&self, name: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Cookie(text) => Self::Cookie(name(text)),
            Self::Element(text) => Self::Element(name(text)),
            Self::Entry(text) => Self::Entry(name(text)),
            Self::Field(text) => Self::Field(name(text)),
            Self::Header(text) => Self::Header(name(text)),
            Self::Part(text) => Self::Part(name(text)),
            Self::Query(text) => Self::Query(name(text)),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(name) => write!(f, "cookie {name}"),
            Self::Element(path) => write!(f, "element {path}"),
            Self::Entry(name) => write!(f, "entry {name}"),
            Self::Event(at) => write!(f, "event {at}"),
            Self::Field(name) => write!(f, "field {name}"),
            Self::Fragment => f.write_str("fragment"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Host => f.write_str("host"),
            Self::Line(at) => write!(f, "line {at}"),
            Self::Message(at) => write!(f, "message {at}"),
            Self::Number(number) => write!(f, "number {number}"),
            Self::Part(name) => write!(f, "part {name}"),
            Self::Query(name) => write!(f, "query {name}"),
            Self::Segment(at) => write!(f, "segment {at}"),
            Self::User => f.write_str("user"),
        }
    }
}

/// Which way a body travels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// From the agent to the upstream.
    Request,
    /// Back to the agent.
    Answer,
}

/// What is done about a finding. Ordered by how little is left: of two decisions about one place
/// the later one holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Record nothing, change nothing.
    Allow,
    /// Record it, change nothing.
    Alert,
    /// Put the value of one of our own tokens in its place again.
    Restore,
    /// Hide most of it, and leave what a person needs to tell it from another.
    Mask,
    /// Put a token in its place: the same for the same value, and its way back is kept.
    Tokenise,
    /// Put a keyed print in its place: the same for the same value, and no way back.
    Hash,
    /// Put a typed tag in its place.
    Redact,
    /// Refuse the call, or cut the answer. The text is redacted as well, so that what is left of
    /// it may be kept.
    Block,
}

impl Action {
    /// The word in settings, records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Alert => "alert",
            Self::Restore => "restore",
            Self::Mask => "mask",
            Self::Tokenise => "tokenise",
            Self::Hash => "hash",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }

    /// Whether the text is changed.
    pub fn edits(self) -> bool {
        self >= Self::Restore
    }

    /// Whether what replaces it is made of what was there, so that nothing around it goes too.
    pub(crate) fn keeps_form(self) -> bool {
        matches!(self, Self::Restore | Self::Mask | Self::Tokenise | Self::Hash)
    }
}

/// A finding and what was done about it; never [`Action::Allow`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acted {
    /// What was found.
    pub finding: Finding,
    /// What was done.
    pub action: Action,
}

/// A text after redaction. Borrowed from the input when nothing had to change.
pub struct Redaction<'t> {
    /// The text with tags in it.
    pub text: Cow<'t, str>,
    /// What was acted on, in order.
    pub acted: Vec<Acted>,
}

impl fmt::Debug for Redaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("bytes", &self.text.len())
            .field("acted", &self.acted)
            .finish_non_exhaustive()
    }
}
