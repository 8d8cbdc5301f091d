//! Parts between boundaries: `multipart/form-data` (RFC 7578) and its kin (RFC 2046 section 5.1).
//!
//! Read strictly, since readers differ about everything that is not: no text before, between or
//! behind the parts, the boundary nowhere but between them, line ends of two characters, header
//! values of one line, quoted names without escapes.
use std::borrow::Cow;

use memchr::memmem;
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_decode_str, utf8_percent_encode,
};
use serde_json::Value;

use super::form::has_whole_escapes;
use super::kind::{Kind, MediaType, is_token};
use super::limits::Why;
use super::look::Look;
use super::{Node, Opening, text};
use crate::engine::Hit;
use crate::finding::Layer;

/// Header fields of one part. There are three in use.
const HEADERS_MAX: usize = 16;
/// Bytes of one part's head.
const HEAD_BYTES_MAX: usize = 8192;
const DISPOSITION: &str = "content-disposition";
const FILE_NAME: &str = "filename";
/// The same in characters beyond ASCII (RFC 8187).
const EXTENDED_FILE_NAME: &str = "filename*";
/// What stands in an extended value as it is, of what is neither a letter nor a digit.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Parts, and what stands between them.
#[derive(Clone, PartialEq)]
pub(crate) struct Multipart {
    boundary: String,
    parts: Vec<Part>,
}

/// One part.
#[derive(Clone, PartialEq)]
struct Part {
    headers: Vec<Header>,
    /// The body as it came, until something in it changes: a file's digest may travel beside it.
    raw: Option<Vec<u8>>,
    body: Node,
}

#[derive(Clone, PartialEq)]
struct Header {
    name: String,
    /// `form-data` of `form-data; name="a"`; the whole value of every other header.
    value: String,
    /// The parameters of a disposition.
    parameters: Vec<(String, String)>,
}

impl Multipart {
    pub(crate) fn open(
        bytes: &[u8],
        boundary: &str,
        opening: &mut Opening<'_>,
    ) -> Result<Self, Why> {
        if !is_boundary(boundary) {
            return Err(Why::Malformed("its boundary is missing or not one of RFC 2046"));
        }
        let dashes = format!("--{boundary}");
        let mut pieces = Pieces::of(bytes, dashes.as_bytes())?;
        let mut parts = Vec::new();
        while let Some(piece) = pieces.next()? {
            opening.budget.entry()?;
            parts.push(Part::open(piece, opening)?);
        }
        Ok(Self { boundary: boundary.to_owned(), parts })
    }

    pub(crate) fn look(&mut self, look: &mut Look<'_>) -> bool {
        let joined = look.joined(&self.parts.iter().map(Part::beside).collect::<Vec<_>>());
        let mut changed = false;
        for (at, part) in self.parts.iter_mut().enumerate() {
            let more = joined.of(at);
            changed |= look.within(Layer::Part(part.shown(at)), |look| part.look(look, more));
        }
        changed
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for part in &self.parts {
            out.extend_from_slice(format!("--{}\r\n", self.boundary).as_bytes());
            part.write(out);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
    }

    /// Parts by their names, files by what they hold, and what files are called.
    pub(crate) fn named(&self) -> impl Iterator<Item = (String, Value)> {
        self.parts.iter().enumerate().flat_map(|(at, part)| {
            let name = part.parameter("name").map_or_else(|| (at + 1).to_string(), str::to_owned);
            let called = part.file_names().map(|called| (FILE_NAME.to_owned(), called.into()));
            std::iter::once((name, part.body.view())).chain(called)
        })
    }

    pub(crate) fn view(&self) -> Value {
        super::members(self.named())
    }
}

/// The bytes between boundaries.
struct Pieces<'b> {
    rest: &'b [u8],
    dashes: &'b [u8],
    ended: bool,
}

impl<'b> Pieces<'b> {
    fn of(bytes: &'b [u8], dashes: &'b [u8]) -> Result<Self, Why> {
        let rest = bytes
            .strip_prefix(dashes)
            .ok_or(Why::Malformed("it does not begin with its boundary"))?;
        let mut pieces = Self { rest, dashes, ended: false };
        pieces.turn()?;
        Ok(pieces)
    }

    fn next(&mut self) -> Result<Option<&'b [u8]>, Why> {
        if self.ended {
            return Ok(None);
        }
        let at = memmem::find(self.rest, self.dashes)
            .ok_or(Why::Malformed("it does not end with its boundary"))?;
        let (piece, after) = self.rest.split_at_checked(at).unwrap_or_default();
        // A boundary that begins no line, or a line of another kind, is one to some readers only.
        let piece = piece
            .strip_suffix(b"\r\n")
            .ok_or(Why::Malformed("its boundary stands within a part"))?;
        self.rest = after.get(self.dashes.len()..).unwrap_or_default();
        self.turn()?;
        Ok(Some(piece))
    }

    /// What follows a boundary: the next part, or the end.
    fn turn(&mut self) -> Result<(), Why> {
        if let Some(rest) = self.rest.strip_prefix(b"\r\n") {
            self.rest = rest;
            return Ok(());
        }
        self.ended = true;
        match self.rest {
            b"--" | b"--\r\n" => Ok(()),
            _ => Err(Why::Malformed("its boundary is followed by something else")),
        }
    }
}

impl Part {
    fn open(piece: &[u8], opening: &mut Opening<'_>) -> Result<Self, Why> {
        let (head, body) = match piece.strip_prefix(b"\r\n") {
            Some(body) => (&[][..], body),
            None => {
                let at = memmem::find(piece, b"\r\n\r\n")
                    .ok_or(Why::Malformed("a part has no empty line behind its headers"))?;
                let (head, rest) = piece.split_at_checked(at).unwrap_or_default();
                (head, rest.get(4..).unwrap_or_default())
            }
        };
        let headers = read_headers(head)?;
        let kind = kind_of(&headers)?;
        let body_node = match kind {
            Some(kind) => opening.inner(&kind, body),
            None => Node::Unread(body.to_vec(), Why::Coding),
        };
        Ok(Self { headers, raw: Some(body.to_vec()), body: body_node })
    }

    /// Name and file name, or its number.
    fn shown(&self, at: usize) -> String {
        match (self.parameter("name"), self.parameter(FILE_NAME)) {
            (Some(name), Some(file)) => format!("{name}/{file}"),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => (at + 1).to_string(),
        }
    }

    /// What its file is called. A plain name may have escapes (WHATWG HTML 4.10.21.8), which some
    /// servers take for what they stand for and others do not.
    fn file_names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let plain = self.parameter(FILE_NAME);
        let meant = plain.and_then(|name| percent_decode_str(name).decode_utf8().ok());
        let meant = meant.filter(|meant| matches!(meant, Cow::Owned(_)));
        let extended = self.parameter(EXTENDED_FILE_NAME).and_then(extended);
        plain.map(Cow::Borrowed).into_iter().chain(meant).chain(extended)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let disposition = self.headers.iter().find(|header| header.name == DISPOSITION)?;
        let parameter = disposition.parameters.iter().find(|(known, _)| known == name)?;
        Some(parameter.1.as_str())
    }

    /// Its name, and its text when it is one.
    fn beside(&self) -> (Option<&str>, Option<&str>) {
        let text = match &self.body {
            Node::Text(text) => Some(text.as_str()),
            _ => None,
        };
        (self.parameter("name"), text)
    }

    /// `more` is what its neighbours make of its text.
    fn look(&mut self, look: &mut Look<'_>, more: Vec<Hit>) -> bool {
        let name = self.parameter("name").map(str::to_owned);
        let mut changed = false;
        for header in &mut self.headers {
            changed |= header.look(look);
        }
        let inner = match &mut self.body {
            Node::Text(text) => look.text_beside(name.as_deref(), text, more),
            body => body.look(look),
        };
        if inner {
            self.raw = None;
        }
        changed | inner
    }

    fn write(&self, out: &mut Vec<u8>) {
        for header in &self.headers {
            header.write(out);
        }
        out.extend_from_slice(b"\r\n");
        match &self.raw {
            Some(raw) => out.extend_from_slice(raw),
            None => self.body.write(out),
        }
    }
}

impl Header {
    fn look(&mut self, look: &mut Look<'_>) -> bool {
        let Self { name, value, parameters } = self;
        look.fixed(None, name);
        let mut changed = look.within(Layer::Header(name.clone()), |look| look.text(None, value));
        for (name, value) in parameters {
            look.fixed(None, name);
            changed |= look.text(None, value);
            if name == EXTENDED_FILE_NAME {
                changed |= look_extended(value, look);
            }
        }
        changed
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut line = format!("{}: {}", self.name, self.value);
        for (name, value) in &self.parameters {
            line.push_str(&format!("; {name}=\"{value}\""));
        }
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// How a part's body is opened; `None` when it is coded.
fn kind_of(headers: &[Header]) -> Result<Option<Kind>, Why> {
    let value = |name: &str| headers.iter().find(|header| header.name == name);
    if let Some(coding) = value("content-transfer-encoding") {
        let coding = coding.value.to_ascii_lowercase();
        if !matches!(coding.as_str(), "7bit" | "8bit" | "binary") {
            return Ok(None);
        }
    }
    if value("content-encoding").is_some() {
        return Ok(None);
    }
    match value("content-type") {
        None => Ok(Some(Kind::Any)),
        Some(header) => MediaType::parse(&header.value)
            .map(|media| Some(Kind::of(&media)))
            .ok_or(Why::Malformed("a part's content-type cannot be read")),
    }
}

fn read_headers(head: &[u8]) -> Result<Vec<Header>, Why> {
    const WRONG: Why = Why::Malformed("a part's headers cannot be read in one way");
    if head.len() > HEAD_BYTES_MAX {
        return Err(WRONG);
    }
    let head = text::utf8(head).map_err(|_| WRONG)?;
    let mut headers: Vec<Header> = Vec::new();
    for line in head.split("\r\n").filter(|_| !head.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(WRONG)?;
        let name = name.to_ascii_lowercase();
        let known = headers.iter().any(|header| header.name == name);
        if !is_token(&name) || known || headers.len() == HEADERS_MAX {
            return Err(WRONG);
        }
        let value = value.trim_matches([' ', '\t']);
        if value.contains(|c: char| c.is_control() && c != '\t') {
            return Err(WRONG);
        }
        let (value, parameters) = match name.as_str() {
            DISPOSITION => read_disposition(value).ok_or(WRONG)?,
            _ => (value.to_owned(), Vec::new()),
        };
        headers.push(Header { name, value, parameters });
    }
    Ok(headers)
}

/// A disposition and its parameters. A backslash in quotes is an escape to some readers and a
/// part of a file's path to others.
fn read_disposition(value: &str) -> Option<(String, Vec<(String, String)>)> {
    let (kind, mut rest) = value.split_once(';').unwrap_or((value, ""));
    let kind = kind.trim_ascii();
    if !is_token(kind) {
        return None;
    }
    let mut parameters: Vec<(String, String)> = Vec::new();
    while !rest.trim_ascii().is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_ascii().to_ascii_lowercase();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        let tail = tail.trim_ascii_start();
        let ended = tail.is_empty() || tail.starts_with(';');
        let known = parameters.iter().any(|(known, _)| *known == name);
        if !is_token(&name) || known || !ended || value.contains(['\\', '"']) {
            return None;
        }
        parameters.push((name, value.trim_ascii_end().to_owned()));
        rest = tail.strip_prefix(';').unwrap_or_default();
    }
    // The extended form (RFC 8187) would give a second file name, or a name that few readers know of
    // (RFC 7578 section 4.2 has none); pieces of one (RFC 2231) are put together by fewer.
    let filename = parameters.iter().any(|(known, _)| known == FILE_NAME);
    let strange = |(known, value): &(String, String)| match known.split_once('*') {
        Some((FILE_NAME, rest)) => filename || !rest.is_empty() || extended(value).is_none(),
        Some(("name", _)) => true,
        _ => false,
    };
    (!parameters.iter().any(strange)).then(|| (kind.to_owned(), parameters))
}

/// What an extended value stands for (RFC 8187 section 3.2): characters, a language and whole escapes.
/// `None` when they are others than the two that every reader of it has known.
fn extended(value: &str) -> Option<Cow<'_, str>> {
    let (characters, rest) = value.split_once('\'')?;
    let (_, escaped) = rest.split_once('\'')?;
    let bytes = percent_decode(escaped.as_bytes());
    if !escaped.is_ascii() || !has_whole_escapes(escaped) {
        return None;
    }
    match characters.to_ascii_lowercase().as_str() {
        "utf-8" => bytes.decode_utf8().ok(),
        "iso-8859-1" => Some(bytes.map(char::from).collect::<String>().into()),
        _ => None,
    }
}

/// Looks at what an extended value stands for, and writes it again if that changes.
fn look_extended(value: &mut String, look: &mut Look<'_>) -> bool {
    let Some(mut meant) = extended(value).map(Cow::into_owned) else { return false };
    let changed = look.text(None, &mut meant);
    if changed {
        *value = format!("UTF-8''{}", utf8_percent_encode(&meant, KEPT));
    }
    changed
}

/// RFC 2046 section 5.1.1.
fn is_boundary(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b);
    (1..=70).contains(&text.len()) && text.bytes().all(known) && !text.ends_with(' ')
}
