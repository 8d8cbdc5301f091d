//! YAML text to a tree. One document, no anchors, no tags, no key twice.
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::errata::{Cover, Errata};
use crate::tree::{Entry, Kind, Node, Place};
use crate::walk::join;
use crate::words::{names_secret, showable, shown};

/// The largest file that is read. A gate for a thousand agents needs a tenth of it.
pub(crate) const BYTES_MAX: usize = 1 << 20;
/// The deepest nesting that is read; the settings themselves need six levels.
const DEPTH_MAX: usize = 32;

/// Reads the one document. What is wrong goes to `errata`; `None` when there is no tree at all.
pub(crate) fn parse(text: &str, errata: &mut Errata) -> Option<Node> {
    if text.len() > BYTES_MAX {
        errata.add(
            Place::Whole,
            "",
            format!("the file has {} bytes, more than the {BYTES_MAX} that are read", text.len()),
        );
        return None;
    }
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    // To the parser a zero byte is the end of the file; what follows would be cut in silence.
    let odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if let Some(at) = text.find(odd) {
        errata.broken_syntax();
        let place = place(text, &starts, at..at);
        errata
            .add(place, "", "a control character stands here")
            .help("remove it; text holds no control characters but tabs and line breaks");
        return None;
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder =
        Builder { text, starts, errata, frames: Vec::new(), root: None, documents: 0 };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => {
                if !builder.take(event, &span) {
                    break;
                }
            }
            Err(error) => {
                builder.refuse(&error);
                return None;
            }
        }
    }
    let root = builder.root.take();
    match root {
        Some(Node { kind: Kind::Null, .. }) | None => {
            errata.add(Place::Whole, "", "the file is empty").help(
                "a gate needs at least `version`, `listeners`, `agents`, `policy` and `audit`",
            );
            None
        }
        root => root,
    }
}

struct Builder<'a> {
    text: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
    errata: &'a mut Errata,
    frames: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
}

/// A collection that is still open.
enum Frame {
    List { place: Place, items: Vec<Node> },
    Map { place: Place, entries: Vec<Entry>, lines: HashMap<String, usize>, key: Option<Key> },
}

/// A key that waits for its value.
struct Key {
    name: String,
    place: Place,
    extent: Range<usize>,
    /// A key that was reported; its value is read and dropped.
    broken: bool,
}

impl Builder<'_> {
    /// Takes one event; false when the rest is not to be read.
    fn take(&mut self, event: Event<'_>, span: &Span) -> bool {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let place = self.place(span);
                    self.errata
                        .add(place, "", "a second document begins here; the file holds one")
                        .help("remove the `---`, or move the rest to a file of its own");
                    return false;
                }
            }
            Event::Comment(..) => self.errata.conceal(extent(self.text, span), Cover::Blanks),
            Event::Scalar(text, style, anchor, tag) => {
                let place = self.place(span);
                let plain = self.plain(&place, anchor, tag.as_ref());
                let kind = if plain { scalar(text, style) } else { Kind::Broken };
                self.put(Node { place, extent: extent(self.text, span), kind });
            }
            Event::SequenceStart(_, anchor, tag) => {
                let place = self.place(span);
                self.plain(&place, anchor, tag.as_ref());
                self.frames.push(Frame::List { place, items: Vec::new() });
            }
            Event::MappingStart(_, anchor, tag) => {
                let place = self.place(span);
                self.plain(&place, anchor, tag.as_ref());
                self.frames.push(Frame::Map {
                    place,
                    entries: Vec::new(),
                    lines: HashMap::new(),
                    key: None,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let place = self.place(span);
                self.errata
                    .add(place.clone(), "", "an alias stands here; write the value itself")
                    .help("anchors and aliases are not read: a value means the same wherever it is moved");
                self.put(Node { place, extent: extent(self.text, span), kind: Kind::Broken });
            }
            _ => {}
        }
        true
    }

    /// Refuses anchors and tags; true when there are none.
    fn plain(&mut self, place: &Place, anchor: usize, tag: Option<&Cow<'_, Tag>>) -> bool {
        if anchor != 0 {
            self.errata
                .add(place.clone(), "", "an anchor stands before this value; remove it")
                .help(
                    "anchors and aliases are not read: a value means the same wherever it is moved",
                );
        }
        if tag.is_some() {
            self.errata
                .add(place.clone(), "", "a tag stands before this value; remove it")
                .help("each key knows its type; put text that looks like a number in quotes");
        }
        anchor == 0 && tag.is_none()
    }

    fn close(&mut self, span: &Span) {
        let extent = extent(self.text, span);
        match self.frames.pop() {
            Some(Frame::List { place, items }) => {
                self.put(Node { place, extent, kind: Kind::List(items) });
            }
            Some(Frame::Map { place, entries, .. }) => {
                // A block map's own span is empty; its first key shows better where it is.
                let place = entries.first().map_or(place, |entry| entry.place.clone());
                self.put(Node { place, extent, kind: Kind::Map(entries) });
            }
            None => {}
        }
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, node: Node) {
        // Only a mistake about a key asks for it.
        let path = match self.frames.last() {
            Some(Frame::Map { key: None, .. }) => self.path(),
            _ => String::new(),
        };
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, lines, key, .. }) => match key.take() {
                None => *key = Some(open(node, lines, &path, self.errata)),
                Some(Key { broken: true, name, .. }) => {
                    let secret = names_secret(&name);
                    let cover = if secret { Cover::Lines } else { Cover::Stars };
                    node.extents(&mut |bytes| self.errata.conceal(bytes, cover));
                }
                Some(Key { name, place, extent, .. }) => {
                    let value = if node.kind == Kind::Null {
                        // Nothing was written, so the key is the place to point at.
                        Node { place: place.clone(), ..node }
                    } else {
                        node
                    };
                    entries.push(Entry { key: name, place, extent, value });
                }
            },
        }
    }

    /// The path of the collection that is read.
    fn path(&self) -> String {
        let mut path = String::new();
        let depth = self.frames.len().saturating_sub(1);
        for frame in self.frames.iter().take(depth) {
            match frame {
                Frame::List { items, .. } => path = format!("{path}[{}]", items.len()),
                Frame::Map { key: Some(key), .. } if showable(&key.name) => {
                    path = join(&path, &key.name);
                }
                Frame::Map { .. } => {}
            }
        }
        path
    }

    fn place(&self, span: &Span) -> Place {
        place(self.text, &self.starts, extent(self.text, span))
    }

    fn refuse(&mut self, error: &ScanError) {
        let marker = error.marker();
        let nth = |nth| self.text.char_indices().nth(nth).map(|(start, _)| start);
        let start = marker.byte_offset().or_else(|| nth(marker.index())).unwrap_or(self.text.len());
        let place = place(self.text, &self.starts, start..self.text.ceil_char_boundary(start + 1));
        self.errata.broken_syntax();
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            self.errata.add(place, "", format!("nested deeper than {DEPTH_MAX} levels"));
            return;
        }
        self.errata
            .add(place, "", format!("this is not YAML: {}", error.kind()))
            .help("check the indentation, the quotes and the brackets here and on the line above");
    }
}

/// A node in the place of a key.
fn open(node: Node, lines: &mut HashMap<String, usize>, path: &str, errata: &mut Errata) -> Key {
    let name = match &node.kind {
        Kind::Text(text) => text.clone(),
        Kind::Integer(number) => number.to_string(),
        Kind::Flag(flag) => flag.to_string(),
        Kind::Broken => return broken(node, String::new()),
        _ => {
            node.extents(&mut |bytes| errata.conceal(bytes, Cover::Stars));
            errata.add(node.place.clone(), path, "a key is a word");
            return broken(node, String::new());
        }
    };
    let path = if showable(&name) { join(path, &name) } else { path.to_owned() };
    let line = match node.place {
        Place::File { line, .. } => line,
        _ => 0,
    };
    if let Some(first) = lines.get(&name) {
        errata
            .add(node.place.clone(), path, format!("key {} is given twice", shown(&name)))
            .help(format!("it was given first on line {first}; keep one of them"));
        return broken(node, name);
    }
    lines.insert(name.clone(), line);
    Key { name, place: node.place, extent: node.extent, broken: false }
}

fn broken(node: Node, name: String) -> Key {
    Key { name, place: node.place, extent: node.extent, broken: true }
}

/// The bytes of a value, without the blanks and line breaks that end a block.
fn extent(text: &str, span: &Span) -> Range<usize> {
    let start = span.start.byte_offset().unwrap_or(0);
    let end = span.end.byte_offset().unwrap_or(start);
    start..start + text.get(start..end).map_or(0, |written| written.trim_end().len())
}

/// The most bytes that a caret points at; the rest of a long value adds nothing.
const CARET_BYTES_MAX: usize = 80;

/// The place of some bytes, cut at the end of their first line. Lines are counted here and not
/// taken from the parser, to which a lone carriage return is a line break too: what is covered and
/// what is shown must speak of the same lines.
fn place(text: &str, starts: &[usize], bytes: Range<usize>) -> Place {
    let start = bytes.start.min(text.len());
    let line = text.get(start..bytes.end.min(text.len())).unwrap_or_default();
    let mut length = line.lines().next().map_or(0, |first| first.trim_end().len());
    if length > CARET_BYTES_MAX {
        length = text.floor_char_boundary(start + CARET_BYTES_MAX).saturating_sub(start);
    }
    let number = starts.partition_point(|begin| *begin <= start);
    let begin = starts.get(number.saturating_sub(1)).copied().unwrap_or(0);
    let column = text.get(begin..start).map_or(0, |head| head.chars().count()) + 1;
    Place::File { line: number, column, bytes: start..start + length }
}

/// What a scalar means, by the core schema of YAML 1.2 (section 10.3): `yes` and `on` are text.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Kind {
    if style != ScalarStyle::Plain {
        return Kind::Text(text.into_owned());
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Flag(true),
        "false" | "False" | "FALSE" => return Kind::Flag(false),
        _ => {}
    }
    if let Some(number) = integer(&text) {
        return Kind::Integer(number);
    }
    let number = text.trim_start_matches(['+', '-']);
    let numeric = number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && number.contains(|c: char| c.is_ascii_digit());
    if numeric && text.parse::<f64>().is_ok() {
        return Kind::Float;
    }
    Kind::Text(text.into_owned())
}

/// Decimal, `0x` and `0o` numbers.
pub(crate) fn integer(text: &str) -> Option<i128> {
    if let Some(digits) = text.strip_prefix("0x") {
        return unsigned(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return unsigned(digits, 8);
    }
    text.parse().ok()
}

fn unsigned(digits: &str, radix: u32) -> Option<i128> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok()
}
