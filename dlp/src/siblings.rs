//! A text in several values of one object or list, found by writing them down beside each other.
use serde_json::Value;

use crate::engine::survey::Surveyor;
use crate::engine::{Hit, Span};
use crate::unfold::{self, quotes::are_alike};

/// Of a longer string only the end is written down: it may tell what follows it.
const STRING_BYTES: usize = 512;
const TAIL_BYTES: usize = 96;
/// More values of one object or list are not looked at together.
const VALUES: usize = 4096;

/// The hits in the values of an object or a list that only their neighbours make, each with the
/// number of the value. `before` is the string before the object or list.
pub(crate) fn hits(
    surveyor: &Surveyor,
    before: Option<&str>,
    values: &[(Option<&str>, &Value)],
) -> Vec<(usize, Hit)> {
    let pieces = values.iter().filter(|(_, value)| is_piece(value)).count();
    if !(2..=VALUES).contains(&pieces) {
        return Vec::new();
    }
    let named = values.iter().any(|(_, value)| names_token(surveyor, value));
    if !named && !values.iter().any(|(_, value)| has_digit(value)) {
        return Vec::new();
    }
    // A token's literal in one value is one in all of them.
    if !named && !may_join(surveyor, before, values) {
        return Vec::new();
    }
    let sheet = Sheet::of(before, values);
    let hits = unfold::joined(surveyor, &sheet.text, named).into_iter();
    let mut hits: Vec<_> = hits.filter_map(|hit| sheet.place(hit)).collect();
    hits.sort_by_key(|(value, _)| *value);
    hits
}

/// Whether anything can come of putting the values together: they are long enough, and they are
/// items of a list, members of like names, or hold the literal of a token together.
fn may_join(surveyor: &Surveyor, before: Option<&str>, values: &[(Option<&str>, &Value)]) -> bool {
    const TEXT_BYTES: usize = 4;
    let like = |pair: &[(Option<&str>, &Value)]| match pair {
        [(Some(one), first), (Some(two), second)] => {
            is_piece(first) && is_piece(second) && are_alike(one.as_bytes(), two.as_bytes())
        }
        pair => pair.iter().any(|(name, _)| name.is_none()),
    };
    let like = values.windows(2).any(like);
    let mut joined = Vec::new();
    for (_, value) in values.iter().filter(|(_, value)| is_piece(value)) {
        match value {
            Value::String(text) => joined.extend_from_slice(text.as_bytes()),
            value => joined.extend_from_slice(value.to_string().as_bytes()),
        }
        if like && joined.len() >= TEXT_BYTES {
            return true;
        }
    }
    joined.extend_from_slice(before.map(tail).unwrap_or_default().as_bytes());
    !like && surveyor.names_token(&joined)
}

/// Values as a document would have them, and where each stands.
#[derive(Default)]
struct Sheet {
    text: Vec<u8>,
    /// The number of a value and its place, in order.
    places: Vec<(usize, Span)>,
}

impl Sheet {
    fn of(before: Option<&str>, values: &[(Option<&str>, &Value)]) -> Self {
        let mut sheet = Self::default();
        if let Some(before) = before {
            sheet.string(tail(before));
            sheet.text.extend_from_slice(b", \"in\": ");
        }
        sheet.text.push(b'[');
        for (at, (name, value)) in values.iter().enumerate() {
            if at > 0 {
                sheet.text.extend_from_slice(b", ");
            }
            if let Some(name) = name {
                sheet.string(name);
                sheet.text.extend_from_slice(b": ");
            }
            sheet.value(at, value);
        }
        sheet
    }

    fn value(&mut self, at: usize, value: &Value) {
        match value {
            Value::String(text) if text.len() > STRING_BYTES => self.string(tail(text)),
            Value::String(text) => {
                let start = self.text.len() + 1;
                self.string(text);
                // With escapes in it, it is no piece of anything that is looked for.
                if self.text.len() == start + text.len() + 1 {
                    self.places.push((at, Span::new(start, start + text.len())));
                }
            }
            Value::Number(number) => {
                let number = number.to_string();
                let start = self.text.len() + 1;
                self.string(&number);
                self.places.push((at, Span::new(start, start + number.len())));
            }
            // Nothing is joined over it.
            _ => self.text.extend_from_slice(b"{}"),
        }
    }

    fn string(&mut self, text: &str) {
        // A string is always written.
        self.text.extend(serde_json::to_vec(text).unwrap_or_default());
    }

    /// The hit counted in its value.
    fn place(&self, mut hit: Hit) -> Option<(usize, Hit)> {
        let at = self.places.partition_point(|(_, place)| place.end <= hit.secret.start);
        let (value, place) = self.places.get(at).filter(|(_, place)| place.holds(hit.secret))?;
        hit.secret.start -= place.start;
        hit.secret.end -= place.start;
        Some((*value, hit))
    }
}

/// The end of a string.
fn tail(text: &str) -> &str {
    let from = (text.len().saturating_sub(TAIL_BYTES)..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    text.get(from..).unwrap_or_default()
}

fn is_piece(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && text.len() <= STRING_BYTES,
        Value::Number(_) => true,
        _ => false,
    }
}

/// Whether the literal of a token stands in a value that is one word.
fn names_token(surveyor: &Surveyor, value: &Value) -> bool {
    let Value::String(text) = value else { return false };
    text.len() <= STRING_BYTES
        && memchr::memchr2(b'_', b'-', text.as_bytes()).is_some()
        && !text.contains(' ')
        && surveyor.names_token(text.as_bytes())
}

fn has_digit(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            text.len() <= STRING_BYTES && text.bytes().any(|byte| byte.is_ascii_digit())
        }
        Value::Number(number) => number.is_u64(),
        _ => false,
    }
}
