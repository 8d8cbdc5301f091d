//! Names and values: `application/x-www-form-urlencoded`, and the query of a URL.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::limits::{Budget, Why};
use super::look::Look;
use crate::finding::Layer;

/// What the WHATWG URL standard leaves as it is; a space becomes `+`.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

/// Names and values, decoded.
#[derive(Clone, PartialEq)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads a form: whole escapes, UTF-8 behind them.
    pub(crate) fn open(bytes: &[u8], budget: &mut Budget) -> Result<Self, Why> {
        let text = std::str::from_utf8(bytes).map_err(|_| Why::Malformed("it is not UTF-8"))?;
        if !has_whole_escapes(text) {
            return Err(Why::Malformed(
                "it has a `%` without two hexadecimal digits; write it as `%25`",
            ));
        }
        let mut pairs = Vec::new();
        for field in text.split('&').filter(|field| !field.is_empty()) {
            budget.entry()?;
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            pairs.push((strict(name)?, strict(value)?));
        }
        Ok(Self { pairs })
    }

    /// Reads a query; what is no UTF-8 is replaced.
    pub(crate) fn query(text: &str) -> Self {
        let pairs = text.split('&').filter(|field| !field.is_empty()).map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (lenient(name), lenient(value))
        });
        Self { pairs: pairs.collect() }
    }

    /// Looks at every name, and at every value behind its name; whether anything changed.
    pub(crate) fn look(&mut self, look: &mut Look<'_>, layer: fn(String) -> Layer) -> bool {
        let texts =
            self.pairs.iter().map(|(name, value)| (Some(name.as_str()), Some(value.as_str())));
        let joined = look.joined(&texts.collect::<Vec<_>>());
        let mut changed = false;
        for (at, (name, value)) in self.pairs.iter_mut().enumerate() {
            changed |= look.within(layer(name.clone()), |look| {
                // Both, whatever the first says.
                look.text_beside(Some(name), value, joined.of(at)) | look.key(name)
            });
        }
        changed
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            if at > 0 {
                out.push(b'&');
            }
            encode(name, out);
            out.push(b'=');
            encode(value, out);
        }
    }

    pub(crate) fn named(&self) -> impl Iterator<Item = (String, Value)> {
        self.pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())))
    }
}

fn encode(text: &str, out: &mut Vec<u8>) {
    for piece in utf8_percent_encode(text, KEPT) {
        out.extend(piece.bytes().map(|byte| if byte == b' ' { b'+' } else { byte }));
    }
}

fn strict(text: &str) -> Result<String, Why> {
    let spaced = text.replace('+', " ");
    let plain = percent_decode_str(&spaced).decode_utf8();
    plain.map(String::from).map_err(|_| Why::Malformed("its escapes are not UTF-8"))
}

fn lenient(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

pub(crate) fn has_whole_escapes(text: &str) -> bool {
    let is_whole = |after: &str| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    text.split('%').skip(1).all(is_whole)
}
