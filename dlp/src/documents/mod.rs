//! What a body is cut into, so that every finding names its place.
//!
//! [`Document::open`] reads bytes by their kind, and what they hold by its own kind, as deep as the
//! limits allow. [`Scanner::redact_document`] looks at every text in it; [`Document::write`] writes
//! it again. What cannot be written again (archives) blocks where something would be redacted, and
//! what cannot be opened is told with its place and its reason, never left out.
//!
//! ```
//! use tollgate_dlp::documents::{Document, Kind, Limits, NotJson, Opener};
//! use tollgate_dlp::{Direction, Judge, Scanner};
//!
//! let json = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|_| NotJson::Syntax);
//! let opener = Opener { limits: Limits::default(), json: &json };
//! let mut form = Document::open(&Kind::Form, b"user=jo&password=hunter2hunter2", &opener);
//! let found = Scanner::new()?.redact_document(&mut form, &Judge::default(), Direction::Request);
//! assert_eq!(found.acted[0].finding.place.to_string(), "field password");
//! assert_eq!(form.write(), b"user=jo&password=%5BREDACTED%5D");
//! # Ok::<(), tollgate_dlp::ScannerError>(())
//! ```
mod events;
mod form;
mod grpc;
mod gzip;
mod headers;
mod kind;
mod limits;
mod lines;
mod look;
mod multipart;
mod pack;
mod protobuf;
mod tar;
mod text;
mod url;
mod xml;
mod zip;

use std::fmt;

use serde_json::{Map, Value};

pub use self::headers::Header;
pub use self::kind::{Kind, MediaType, is_token};
pub use self::limits::{Limits, Why};
pub use self::look::{Inspection, Unread};
pub use self::text::{JsonReader, NotJson};
pub use self::url::Url;

use self::events::Events;
use self::form::Form;
use self::grpc::Frames;
use self::kind::Magic;
use self::limits::Budget;
use self::lines::Lines;
use self::look::Look;
use self::multipart::Multipart;
use self::pack::Pack;
use self::protobuf::Message;
use self::xml::Xml;
use crate::finding::{Direction, Layer};
use crate::judge::Judge;
use crate::scanner::Scanner;

/// How documents are opened.
#[derive(Clone, Copy)]
pub struct Opener<'o> {
    /// How much one body may make of itself.
    pub limits: Limits,
    /// Reads JSON: strictly, and bounded in depth.
    pub json: &'o JsonReader<'o>,
}

impl fmt::Debug for Opener<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One body, cut into its texts.
#[derive(Clone, PartialEq)]
pub struct Document(Node);

/// A document, or something within one.
#[derive(Clone, PartialEq)]
pub(crate) enum Node {
    Events(Events),
    Form(Form),
    Frames(Frames),
    Json(Value),
    Lines(Lines),
    Message(Message),
    Multipart(Multipart),
    Pack(Pack),
    Text(String),
    Unread(Vec<u8>, Why),
    Xml(Xml),
}

impl Document {
    /// Opens bytes. What cannot be opened is [`Self::unread`].
    pub fn open(kind: &Kind, bytes: &[u8], opener: &Opener<'_>) -> Self {
        let mut opening = Opening { budget: Budget::new(opener.limits), json: opener.json };
        Self(opening.inner(kind, bytes))
    }

    /// Why nothing of it could be opened.
    pub fn unread(&self) -> Option<Why> {
        match &self.0 {
            Node::Unread(_, why) => Some(*why),
            _ => None,
        }
    }

    /// Writes it again, from what was read.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.write(&mut out);
        out
    }

    /// What it holds, as a JSON value for rules: members by their names, several of one name as a
    /// list.
    pub fn view(&self) -> Value {
        self.0.view()
    }

    /// The names and values of a form, whether it is one text or in parts: what a part without a name
    /// holds has its number for one.
    pub fn pairs(&self) -> Option<Vec<(String, Value)>> {
        match &self.0 {
            Node::Form(form) => Some(form.named().collect()),
            Node::Multipart(multipart) => Some(multipart.named().collect()),
            _ => None,
        }
    }
}

/// The kind alone, never what was sent.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.0 {
            Node::Events(_) => "Events",
            Node::Form(_) => "Form",
            Node::Frames(_) => "Frames",
            Node::Json(_) => "Json",
            Node::Lines(_) => "Lines",
            Node::Message(_) => "Message",
            Node::Multipart(_) => "Multipart",
            Node::Pack(_) => "Pack",
            Node::Text(_) => "Text",
            Node::Unread(_, why) => return write!(f, "Document(Unread({}))", why.as_str()),
            Node::Xml(_) => "Xml",
        };
        write!(f, "Document({name})")
    }
}

impl Scanner {
    /// Puts tags in the place of what the judge has redacted, everywhere in a document.
    pub fn redact_document(
        &self,
        document: &mut Document,
        judge: &Judge,
        way: Direction,
    ) -> Inspection {
        let mut look = Look::new(self, (judge, way));
        document.0.look(&mut look);
        look.done()
    }
}

/// A body while it is opened.
pub(crate) struct Opening<'o> {
    pub(crate) budget: Budget,
    json: &'o JsonReader<'o>,
}

impl Opening<'_> {
    /// Opens something, one step further in.
    pub(crate) fn inner(&mut self, kind: &Kind, bytes: &[u8]) -> Node {
        let opened = self.budget.descend().and_then(|()| {
            let opened = self.by_kind(kind, bytes);
            self.budget.ascend();
            opened
        });
        opened.unwrap_or_else(|why| Node::Unread(bytes.to_vec(), why))
    }

    fn by_kind(&mut self, kind: &Kind, bytes: &[u8]) -> Result<Node, Why> {
        match kind {
            Kind::Any => self.by_beginning(bytes),
            Kind::Events => Events::open(bytes, self).map(Node::Events),
            Kind::Form => Form::open(bytes, &mut self.budget).map(Node::Form),
            Kind::Grpc(coding) => Frames::open(bytes, coding.as_deref(), self).map(Node::Frames),
            Kind::Json => match (self.json)(bytes) {
                Ok(value) => self.weigh(value).map(Node::Json),
                Err(NotJson::Refused(what)) => Err(Why::Malformed(what)),
                Err(NotJson::Syntax) => Err(Why::Malformed("it is not JSON")),
            },
            Kind::Lines => Lines::open(bytes, self).map(Node::Lines),
            Kind::Multipart(boundary) => {
                Multipart::open(bytes, boundary, self).map(Node::Multipart)
            }
            Kind::Protobuf => Message::open(bytes, self).map(Node::Message),
            Kind::Strange => Err(Why::Charset),
            Kind::Text => self.text(text::utf8(bytes)?),
            Kind::Xml => Xml::open(bytes, &mut self.budget).map(Node::Xml),
        }
    }

    fn by_beginning(&mut self, bytes: &[u8]) -> Result<Node, Why> {
        match Magic::of(bytes) {
            Magic::Gzip => gzip::open(bytes, self).map(Node::Pack),
            Magic::Tar => tar::open(bytes, self).map(Node::Pack),
            Magic::Zip => zip::open(bytes, self).map(Node::Pack),
            Magic::Xml => Xml::open(bytes, &mut self.budget).map(Node::Xml),
            Magic::Unknown => match text::utf8(bytes) {
                Ok(text) => self.text(text),
                Err(Why::Charset) => Err(Why::Kind),
                Err(why) => Err(why),
            },
        }
    }

    fn text(&mut self, text: &str) -> Result<Node, Why> {
        Ok(match self.json(text)? {
            Some(value) => Node::Json(value),
            None => Node::Text(text.to_owned()),
        })
    }

    /// A text that is a JSON object or list.
    pub(crate) fn json(&mut self, text: &str) -> Result<Option<Value>, Why> {
        text::disguised(text, self.json)?.map(|value| self.weigh(value)).transpose()
    }

    /// Counts the values of a document: many small ones are as large as one.
    fn weigh(&mut self, value: Value) -> Result<Value, Why> {
        let mut open = vec![&value];
        while let Some(value) = open.pop() {
            self.budget.node()?;
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(members) => open.extend(members.values()),
                _ => {}
            }
        }
        Ok(value)
    }
}

impl Node {
    /// Looks at everything in it; whether anything changed.
    pub(crate) fn look(&mut self, look: &mut Look<'_>) -> bool {
        match self {
            Self::Events(events) => events.look(look),
            Self::Form(form) => form.look(look, Layer::Field),
            Self::Frames(frames) => frames.look(look),
            Self::Json(value) => look.json(value),
            Self::Lines(lines) => lines.look(look),
            Self::Message(message) => message.look(look),
            Self::Multipart(multipart) => multipart.look(look),
            Self::Pack(pack) => {
                pack.look(look);
                false
            }
            Self::Text(text) => look.text(None, text),
            Self::Unread(bytes, why) => {
                look.unread(bytes, *why);
                false
            }
            Self::Xml(xml) => xml.look(look),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Events(events) => events.write(out),
            Self::Form(form) => form.write(out),
            Self::Frames(frames) => frames.write(out),
            Self::Json(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Lines(lines) => lines.write(out),
            Self::Message(message) => message.write(out),
            Self::Multipart(multipart) => multipart.write(out),
            Self::Pack(pack) => pack.write(out),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Unread(bytes, _) => out.extend_from_slice(bytes),
            Self::Xml(xml) => xml.write(out),
        }
    }

    pub(crate) fn view(&self) -> Value {
        match self {
            Self::Events(events) => events.view(),
            Self::Form(form) => members(form.named()),
            Self::Frames(frames) => frames.view(),
            Self::Json(value) => value.clone(),
            Self::Lines(lines) => lines.view(),
            Self::Message(message) => message.view(),
            Self::Multipart(multipart) => multipart.view(),
            Self::Pack(pack) => pack.view(),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Unread(..) => Value::Null,
            Self::Xml(xml) => xml.view(),
        }
    }
}

/// A name that stands several times becomes a list of all its values: which of them a reader takes
/// is not known, so rules see every one.
pub(crate) fn members(pairs: impl Iterator<Item = (String, Value)>) -> Value {
    let mut lists: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        match lists.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(values) => values.push(value),
            other => *other = value,
        }
    }
    let one = |(name, value): (String, Value)| match value {
        Value::Array(mut values) if values.len() == 1 => {
            (name, values.pop().unwrap_or(Value::Null))
        }
        value => (name, value),
    };
    Value::Object(lists.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests;
