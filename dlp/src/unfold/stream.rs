//! A text in the events of a stream that is looked at as one text (HTML 5 section 9.2).
use std::collections::BTreeMap;

use super::escapes;
use super::view::View;
use crate::coding::Coding;
use crate::engine::Span;

/// More members of one event are not followed.
const MEMBERS: usize = 64;
/// More names are not followed in one text.
const NAMES: usize = 32;

/// Calls `sink` with the strings that members of one name have in the events, one after another.
pub(crate) fn find(text: &[u8], mut sink: impl FnMut(&View, Span)) {
    const DATA: &[u8] = b"\ndata:";
    if !text.starts_with(b"data:") && memchr::memmem::find(text, DATA).is_none() {
        return;
    }
    let mut threads: BTreeMap<&[u8], Vec<Span>> = BTreeMap::new();
    let mut at = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"data:") {
            for (name, value) in members(text, Span::new(at, at + line.len())).take(MEMBERS) {
                if threads.len() < NAMES || threads.contains_key(name) {
                    threads.entry(name).or_default().push(value);
                }
            }
        }
        at += line.len();
    }
    for values in threads.into_values().filter(|values| values.len() > 1) {
        let mut view = View::default();
        let mut end = None;
        for value in &values {
            if let Some(end) = end {
                view.join(Span::new(end, value.start), Coding::Events);
            }
            escapes::copy(&mut view, text, *value);
            end = Some(value.end);
        }
        let start = values.first().map_or(0, |value| value.start);
        sink(&view, Span::new(start, end.unwrap_or(start)));
    }
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
