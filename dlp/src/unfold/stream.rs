//! A text in the events of a stream that is looked at as one text (HTML 5 section 9.2), or in its
//! lines where each is a JSON document.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::escapes;
use super::view::View;
use crate::coding::Coding;
use crate::engine::Span;
use crate::leaf;

/// More members of one event are not followed.
const MEMBERS: usize = 64;
/// More names are not followed in one text.
const NAMES: usize = 32;

/// What a line of an event begins with.
const DATA: &[u8] = b"data:";
/// So many lines are put together at a time, and then the next, beginning in the middle of these.
const LINES: usize = 64;

/// Calls `sink` with the strings that members of one name have in the events, one after another.
pub(crate) fn find(text: &[u8], mut sink: impl FnMut(&View, Span)) {
    static LINE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\ndata:"));
    if !text.starts_with(DATA) && LINE.find(text).is_none() {
        return;
    }
    for values in threads(text, DATA, |_| true).into_values().filter(|values| values.len() > 1) {
        let (view, span) = joined(text, &values);
        sink(&view, span);
    }
}

/// The same of lines that are JSON documents. They may be anything, the rows of a table too: they are
/// put together from one on that `begins` something which the next may go on with.
pub(crate) fn lines(
    text: &[u8],
    begins: impl Fn(Span, Span) -> bool,
    mut sink: impl FnMut(&View, Span),
) {
    let joins = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| leaf::joins(Some(name)));
    for values in threads(text, b"{", joins).into_values() {
        let mut from = 0;
        while let Some([one, two, ..]) = values.get(from..) {
            if !begins(*one, *two) {
                from += 1;
                continue;
            }
            let some = values.get(from..values.len().min(from + LINES)).unwrap_or_default();
            let (view, span) = joined(text, some);
            sink(&view, span);
            from += LINES / 2;
        }
    }
}

/// The strings of each name, in the lines that begin so.
fn threads<'t>(
    text: &'t [u8],
    begin: &[u8],
    joins: impl Fn(&[u8]) -> bool,
) -> BTreeMap<&'t [u8], Vec<Span>> {
    let mut threads: BTreeMap<&[u8], Vec<Span>> = BTreeMap::new();
    let mut at = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(begin) {
            for (name, value) in members(text, Span::new(at, at + line.len())).take(MEMBERS) {
                let room = threads.len() < NAMES || threads.contains_key(name);
                if room && joins(name) {
                    threads.entry(name).or_default().push(value);
                }
            }
        }
        at += line.len();
    }
    threads
}

/// Strings as one text.
fn joined(text: &[u8], values: &[Span]) -> (View, Span) {
    let mut view = View::default();
    let mut end = None;
    for value in values {
        if let Some(end) = end {
            view.join(Span::new(end, value.start), Coding::Events);
        }
        escapes::copy(&mut view, text, *value);
        end = Some(value.end);
    }
    let start = values.first().map_or(0, |value| value.start);
    (view, Span::new(start, end.unwrap_or(start)))
}

/// The members with a string for a value, whatever object they are of.
fn members(text: &[u8], line: Span) -> impl Iterator<Item = (&[u8], Span)> {
    let mut at = line.start;
    let mut name: Option<&[u8]> = None;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..line.end)?;
            let open = at + memchr::memchr(b'"', rest)?;
            let close = closing(text, open + 1, line.end)?;
            let behind = text.get(close + 1..line.end).unwrap_or_default();
            let named = behind.trim_ascii_start().first() == Some(&b':');
            at = close + 1;
            let inner = Span::new(open + 1, close);
            if named {
                name = text.get(inner.start..inner.end);
            } else if let Some(name) = name.take() {
                return Some((name, inner));
            }
        }
    })
}

/// The quote that closes a JSON string.
fn closing(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let mut from = start;
    loop {
        let quote = from + memchr::memchr(b'"', text.get(from..end)?)?;
        let slashes = text.get(start..quote)?.iter().rev().take_while(|b| **b == b'\\').count();
        if slashes.is_multiple_of(2) {
            return Some(quote);
        }
        from = quote + 1;
    }
}
