//! The servers of an API's description in YAML: which ones there are, and their URLs written anew.
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span};

/// A description has its servers seven levels deep at most; its schemas go deeper.
const DEPTH_MAX: usize = 256;

/// A description with other URLs for its servers where `lead` has one for what is there, and how many
/// those are; nothing when there are none.
pub(super) fn rewrite(
    text: &str,
    mut lead: impl FnMut(&str) -> Option<String>,
) -> Option<(String, u64)> {
    let mut written = String::with_capacity(text.len());
    let (mut done, mut rewritten, mut meant) = (0, 0, Vec::new());
    for Server { url, at } in servers(text)? {
        let Some(here) = lead(&url) else {
            meant.push(url);
            continue;
        };
        written.push_str(text.get(done..at.start)?);
        // Text in JSON's quotes is text in YAML's.
        written.push_str(&serde_json::to_string(&here).ok()?);
        done = at.end;
        rewritten += 1;
        meant.push(here);
    }
    written.push_str(text.get(done..)?);
    // Whoever reads it has to find what was meant, and no server more or less.
    let found = servers(&written)?.into_iter().map(|server| server.url);
    (rewritten > 0 && found.eq(meant)).then_some((written, rewritten))
}

/// The URL of a server, and the bytes that say it.
struct Server {
    url: String,
    at: Range<usize>,
}

/// A collection that is still open.
enum Frame {
    List,
    /// The key whose value is next; nothing while a key is.
    Map(Option<String>),
}

/// The servers of an API's description in the order of their text; nothing for everything else.
fn servers(text: &str) -> Option<Vec<Server>> {
    // To the parser a zero byte is the end.
    if text.contains('\0') {
        return None;
    }
    let options = granit_parser::options! {
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let (mut frames, mut servers, mut documents) = (Vec::new(), Vec::new(), 0);
    let (mut is_api, mut has_paths) = (false, false);
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.ok()?;
        match event {
            Event::DocumentStart(..) => documents += 1,
            Event::Scalar(value, style, anchor, tag) => {
                if let Some(Frame::Map(key @ None)) = frames.last_mut() {
                    *key = Some(value.into_owned());
                    continue;
                }
                is_api |= path(&frames) == ["openapi"];
                if is_place(&path(&frames))
                    && anchor == 0
                    && tag.is_none()
                    && let Some(at) = extent(text, &span, &value, style)
                {
                    servers.push(Server { url: value.into_owned(), at });
                }
                answered(&mut frames);
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                // A key that is a collection is nobody's description.
                if matches!(frames.last(), Some(Frame::Map(None))) {
                    return None;
                }
                let is_map = matches!(event, Event::MappingStart(..));
                has_paths |= is_map && path(&frames) == ["paths"];
                frames.push(if is_map { Frame::Map(None) } else { Frame::List });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                frames.pop();
                answered(&mut frames);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => match frames.last() {
                Some(Frame::Map(None)) => return None,
                _ => answered(&mut frames),
            },
            _ => {}
        }
    }
    (is_api && has_paths && documents == 1).then_some(servers)
}

/// A key has its value.
fn answered(frames: &mut [Frame]) {
    if let Some(Frame::Map(key)) = frames.last_mut() {
        *key = None;
    }
}

/// The keys that lead to the value that is read; a place in a list is `[]`.
fn path(frames: &[Frame]) -> Vec<&str> {
    let key = |frame| match frame {
        &Frame::List => "[]",
        Frame::Map(key) => key.as_deref().unwrap_or_default(),
    };
    // What lies deeper is no server's, and is not looked at again and again.
    frames.iter().take(8).map(key).collect()
}

/// Whether a server's URL is there: of the whole API, a path, or an operation.
fn is_place(path: &[&str]) -> bool {
    matches!(
        path,
        ["servers", "[]", "url"]
            | ["paths", _, "servers", "[]", "url"]
            | ["paths", _, _, "servers", "[]", "url"]
    )
}

/// The bytes of a text that is written in one piece, as it is or in quotes.
fn extent(text: &str, span: &Span, value: &str, style: ScalarStyle) -> Option<Range<usize>> {
    let (start, end) = (span.start.byte_offset()?, span.end.byte_offset()?);
    let raw = text.get(start..end)?.trim_end();
    let bare = match style {
        ScalarStyle::Plain => raw,
        ScalarStyle::SingleQuoted => raw.strip_prefix('\'')?.strip_suffix('\'')?,
        ScalarStyle::DoubleQuoted => raw.strip_prefix('"')?.strip_suffix('"')?,
        _ => return None,
    };
    (bare == value).then_some(start..start + raw.len())
}
