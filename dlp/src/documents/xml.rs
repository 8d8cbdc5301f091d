//! XML 1.0: text, attributes, comments, instructions.
//!
//! No entity is expanded but the five that XML itself has and numbers of characters; a document
//! that declares entities of its own is not read, since others would expand them.
use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::Value;

use super::limits::{Budget, Why};
use super::look::Look;
use super::text;
use crate::engine::{Hit, Span};
use crate::finding::Layer;

/// Elements within elements.
const DEPTH_MAX: usize = 128;
const BROKEN: Why = Why::Malformed("it is not well-formed XML");
const ENTITIES: Why = Why::Malformed("it has entities of its own");

/// A document as it is written.
#[derive(Clone, PartialEq)]
pub(crate) struct Xml {
    items: Vec<Item>,
}

#[derive(Clone, PartialEq)]
enum Item {
    /// `<?xml …?>`, `<!DOCTYPE …>` and instructions: passed as they are.
    Fixed(&'static str, String, &'static str),
    Start(Start),
    End(String),
    Text(String),
    Comment(String),
}

#[derive(Clone, PartialEq)]
struct Start {
    name: String,
    attributes: Vec<(String, String)>,
    empty: bool,
}

impl Xml {
    pub(crate) fn open(bytes: &[u8], budget: &mut Budget) -> Result<Self, Why> {
        let text = text::utf8(bytes)?;
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        reader.config_mut().check_comments = true;
        let mut items = Vec::new();
        let mut depth = 0_usize;
        loop {
            budget.node()?;
            match reader.read_event().map_err(|_| BROKEN)? {
                Event::Eof => break,
                Event::Start(start) => {
                    depth += 1;
                    if depth > DEPTH_MAX {
                        return Err(Why::TooDeep);
                    }
                    items.push(Item::Start(Start::read(&start, false, budget)?));
                }
                Event::Empty(start) => items.push(Item::Start(Start::read(&start, true, budget)?)),
                Event::End(end) => {
                    depth = depth.checked_sub(1).ok_or(BROKEN)?;
                    items.push(Item::End(end.name().as_ref().to_owned()));
                }
                Event::Text(text) => append(&mut items, &text.xml10_content()),
                Event::CData(text) => append(&mut items, &text.xml10_content()),
                Event::GeneralRef(reference) => append(&mut items, &resolved(&reference)?),
                Event::Comment(text) => {
                    before_text(&mut items, Item::Comment(text.into_inner().into_owned()));
                }
                Event::PI(text) => {
                    let text = text.into_inner().into_owned();
                    before_text(&mut items, Item::Fixed("<?", text, "?>"));
                }
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose().map_err(|_| BROKEN)?;
                    if encoding.is_some_and(|name| !is_utf8(&name)) {
                        return Err(Why::Charset);
                    }
                    items.push(Item::Fixed("<?", declaration.to_string(), "?>"));
                }
                Event::DocType(text) if text.contains('[') => return Err(ENTITIES),
                Event::DocType(text) => {
                    items.push(Item::Fixed("<!DOCTYPE ", text.into_inner().into_owned(), ">"));
                }
            }
        }
        let has_root = items.iter().any(|item| matches!(item, Item::Start(_)));
        match depth == 0 && has_root {
            true => Ok(Self { items }),
            false => Err(BROKEN),
        }
    }

    /// Looks at everything; a text behind the name of its element.
    pub(crate) fn look(&mut self, look: &mut Look<'_>) -> bool {
        let mut path: Vec<String> = Vec::new();
        let mut changed = false;
        let mut joined = self.joined(look);
        for (at, item) in self.items.iter_mut().enumerate() {
            match item {
                Item::Fixed(_, text, _) => look.fixed(None, text),
                Item::Comment(text) => changed |= look.text(None, text),
                Item::Text(text) => {
                    let name = path.last().map(|name| local(name));
                    let more = joined.remove(&at).unwrap_or_default();
                    let found = look.find_beside(name, text, more);
                    if !found.is_empty() {
                        let layer = Layer::Element(path.join("/"));
                        let find = |look: &Look<'_>, text: &str| look.find(name, text);
                        changed |= look.within(layer, |look| look.settle(found, text, &find));
                    }
                }
                Item::Start(start) => {
                    changed |= start.look(&path, look);
                    if !start.empty {
                        path.push(start.name.clone());
                    }
                }
                Item::End(_) => {
                    path.pop();
                }
            }
        }
        changed
    }

    /// What neighbours make of texts, by the number of the item: those of one element and those within
    /// its elements stand beside each other.
    fn joined(&self, look: &Look<'_>) -> HashMap<usize, Vec<Hit>> {
        let mut groups: HashMap<usize, Vec<(usize, &str, &str)>> = HashMap::new();
        // Elements around, by where they begin.
        let mut open: Vec<(usize, &str)> = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            match item {
                Item::Start(start) if !start.empty => open.push((at, local(&start.name))),
                Item::End(_) => _ = open.pop(),
                Item::Text(text) if !text.trim().is_empty() => {
                    // A text beside elements stands beside theirs, too.
                    for (around, _) in open.iter().rev().take(2) {
                        let name = open.last().map_or("", |(_, name)| name);
                        groups.entry(*around).or_default().push((at, name, text));
                    }
                }
                _ => {}
            }
        }
        let mut found: HashMap<usize, Vec<Hit>> = HashMap::new();
        for group in groups.into_values() {
            let texts: Vec<_> =
                group.iter().map(|(_, name, text)| (Some(*name), Some(text.trim()))).collect();
            for (number, mut hit) in look.joined(&texts).all() {
                let Some((at, _, text)) = group.get(number) else { continue };
                let space = text.len() - text.trim_start().len();
                hit.secret = Span::new(hit.secret.start + space, hit.secret.end + space);
                found.entry(*at).or_default().push(hit);
            }
        }
        found
    }

    /// The text of each paragraph of an office document: its pieces are elements of their own.
    pub(crate) fn paragraphs(&self) -> Vec<String> {
        let mut found = Vec::new();
        let (mut text, mut pieces) = (String::new(), 0);
        for item in &self.items {
            match item {
                Item::Text(piece) if !piece.trim().is_empty() => {
                    text.push_str(piece);
                    pieces += 1;
                }
                // Word and PowerPoint, OpenDocument: `p`; Excel: `si` for a shared text, `is`.
                Item::End(name) if matches!(local(name), "p" | "si" | "is" | "h") => {
                    if pieces > 1 {
                        found.push(std::mem::take(&mut text));
                    }
                    text.clear();
                    pieces = 0;
                }
                _ => {}
            }
        }
        found
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for item in &self.items {
            let written = match item {
                Item::Fixed(before, text, after) => format!("{before}{text}{after}"),
                Item::Comment(text) => format!("<!--{text}-->"),
                Item::Text(text) => escape(text.as_str()).replace('\r', "&#13;"),
                Item::End(name) => format!("</{name}>"),
                Item::Start(start) => start.written(),
            };
            out.extend_from_slice(written.as_bytes());
        }
    }

    /// All texts and attributes, one a line.
    pub(crate) fn view(&self) -> Value {
        let mut text = String::new();
        let mut line = |piece: &str| {
            if !piece.trim().is_empty() {
                text.push_str(piece);
                text.push('\n');
            }
        };
        for item in &self.items {
            match item {
                Item::Fixed(_, piece, _) | Item::Comment(piece) | Item::Text(piece) => line(piece),
                Item::End(_) => {}
                Item::Start(start) => {
                    line(&start.name);
                    for (name, value) in &start.attributes {
                        line(name);
                        line(value);
                    }
                }
            }
        }
        Value::from(text)
    }
}

impl Start {
    fn read(start: &BytesStart<'_>, empty: bool, budget: &mut Budget) -> Result<Self, Why> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            budget.node()?;
            let attribute = attribute.map_err(|_| BROKEN)?;
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|_| ENTITIES)?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(Self { name: start.name().as_ref().to_owned(), attributes, empty })
    }

    fn look(&mut self, path: &[String], look: &mut Look<'_>) -> bool {
        let mut changed = false;
        look.fixed(None, &self.name);
        let texts = self.attributes.iter();
        let texts = texts.map(|(name, value)| (Some(local(name)), Some(value.as_str())));
        let joined = look.joined(&texts.collect::<Vec<_>>());
        for (at, (name, value)) in self.attributes.iter_mut().enumerate() {
            look.fixed(None, name);
            let found = look.find_beside(Some(local(name)), value, joined.of(at));
            if !found.is_empty() {
                let layer = Layer::Element(format!("{}/{}/@{name}", path.join("/"), self.name));
                let find = |look: &Look<'_>, text: &str| look.find(Some(local(name)), text);
                changed |= look.within(layer, |look| look.settle(found, value, &find));
            }
        }
        changed
    }

    fn written(&self) -> String {
        let mut text = format!("<{}", self.name);
        for (name, value) in &self.attributes {
            // White space that came as a number would be a mere space if it were written plainly.
            let value = escape(value.as_str())
                .replace('\n', "&#10;")
                .replace('\r', "&#13;")
                .replace('\t', "&#9;");
            text.push_str(&format!(" {name}=\"{value}\""));
        }
        text.push_str(if self.empty { "/>" } else { ">" });
        text
    }
}

/// Adds what no reader takes for a part of the text that it stands in: in front of that, so that the
/// text is one.
fn before_text(items: &mut Vec<Item>, item: Item) {
    let at = items.len() - usize::from(matches!(items.last(), Some(Item::Text(_))));
    items.insert(at, item);
}

/// Text goes on across references and sections, as it does for every reader.
fn append(items: &mut Vec<Item>, piece: &str) {
    match items.last_mut() {
        Some(Item::Text(text)) => text.push_str(piece),
        _ => items.push(Item::Text(piece.to_owned())),
    }
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, Why> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|_| BROKEN)? {
        return Ok(letter.to_string());
    }
    resolve_predefined_entity(reference).map(str::to_owned).ok_or(ENTITIES)
}

fn is_utf8(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}
