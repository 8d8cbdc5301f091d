//! A glance at a word: enough to tell most shapes off before any of them is asked.
//!
//! Most numbers in traffic are counts, prices and versions. What a shape asks for at the least (so
//! many digits in a row, a certain sign beside the word) is looked up here once for all of them. A
//! glance only ever says no where the shape itself would; near the end of a text that goes on it
//! never does.
use super::{Span, Window};

/// No row is followed further: the longest number of a telephone or a card, written in groups.
const ROW_BYTES: usize = 48;
/// Signs in a row between two groups.
const GAP_BYTES: usize = 3;

/// What a glance at a word tells.
#[derive(Clone, Copy)]
pub(crate) struct Glance {
    pub(crate) before: Option<u8>,
    pub(crate) after: Option<u8>,
    pub(crate) length: usize,
    /// The first letters and digits of the word are digits: so many.
    pub(crate) first: usize,
    /// Digits from the beginning of the word on, over the signs between groups.
    pub(crate) digits: usize,
    /// Bytes still to come may change what stands here.
    pub(crate) open: bool,
}

impl Glance {
    pub(crate) fn of(window: &Window<'_>, word: Span) -> Self {
        let row = window.part(word.start, word.start + ROW_BYTES);
        let first = row.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut digits = first;
        let mut end = first;
        let mut signs = 0;
        for byte in row.get(first..).unwrap_or_default() {
            match byte {
                b'0'..=b'9' => {
                    digits += 1;
                    signs = 0;
                }
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' if signs < GAP_BYTES => signs += 1,
                _ => break,
            }
            end += 1;
        }
        Self {
            before: window.before(word.start),
            after: window.byte(word.end),
            length: word.len(),
            first,
            digits,
            open: window.dry(word.start + end) || window.dry(word.end + GAP_BYTES),
        }
    }

    /// How many digits the word has when it is nothing else, and nothing goes on behind it.
    pub(crate) fn number(&self) -> Option<usize> {
        let signs = |byte: u8| !matches!(byte, b',' | b';' | b'"' | b'\'' | b'}' | b'\\' | b'\n');
        let on = self.open || self.after.is_some_and(signs);
        (self.first == self.length && !on).then_some(self.first)
    }

    /// Whether a sign of these stands right before or behind the word.
    pub(crate) fn beside(&self, signs: &[u8]) -> bool {
        let is = |byte: Option<u8>| byte.is_some_and(|byte| signs.contains(&byte));
        is(self.before) || is(self.after)
    }
}
