//! Words beside a candidate that tell what it is.
use super::Window;
use super::boundary::tag_before;

/// How far before a candidate a word may say what it is.
pub(crate) const CONTEXT_BYTES: usize = 48;

/// Whether one of the words stands shortly before `start`, whatever its case. A tag cuts off what
/// stands before it: it may be shorter than what it replaced, and its own words say nothing.
pub(crate) fn said(window: &Window<'_>, start: usize, words: &[&[u8]]) -> bool {
    let before = before(window, start);
    words.iter().any(|word| before.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

/// The text shortly before `start`, back to the last tag.
pub(crate) fn before<'t>(window: &Window<'t>, start: usize) -> &'t [u8] {
    let from = start.saturating_sub(CONTEXT_BYTES);
    let tag = (from..start)
        .rev()
        .find(|at| window.byte(*at) == Some(b']') && tag_before(window, at.saturating_add(1)));
    window.part(tag.unwrap_or(from), start)
}

/// Words that tell what follows them, lower case. Short ones would be found in the middle of
/// others (`ip` in `script`), so that they are compared word by word.
pub(crate) struct Cue {
    /// Whole words.
    whole: &'static [&'static str],
    /// Beginnings of words.
    begins: &'static [&'static str],
    /// The letters that any of them begins with, as bits: most words are told by their first.
    firsts: u32,
}

impl Cue {
    pub(crate) const fn new(
        whole: &'static [&'static str],
        begins: &'static [&'static str],
    ) -> Self {
        Self { whole, begins, firsts: firsts(whole) | firsts(begins) }
    }

    fn holds(&self, word: &[u8]) -> bool {
        let first = word.first().map_or(0, |byte| bit(*byte));
        if self.firsts & first == 0 {
            return false;
        }
        let begins = |known: &&str| {
            word.get(..known.len()).is_some_and(|part| part.eq_ignore_ascii_case(known.as_bytes()))
        };
        self.whole.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
            || self.begins.iter().any(begins)
    }
}

const fn firsts(words: &[&str]) -> u32 {
    let mut bits = 0;
    let mut rest = words;
    while let Some((word, more)) = rest.split_first() {
        if let Some(byte) = word.as_bytes().first() {
            bits |= bit(*byte);
        }
        rest = more;
    }
    bits
}

/// The bit of a letter, whatever its case.
const fn bit(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// Whether a word of the cue stands shortly before `start`, in the same member of a document.
///
/// `ip_address`, `clientIp` and `IP-Address` are two words each.
pub(crate) fn told(window: &Window<'_>, start: usize, cue: &Cue) -> bool {
    let text = before(window, start);
    let text = text.get(member(text)..).unwrap_or_default();
    let cut = start - text.len();
    let mut at = 0;
    // A word that was cut in two is none.
    if window.before(cut).is_some_and(|byte| byte.is_ascii_alphabetic()) {
        at = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    }
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = word_length(rest);
        let word = rest.get(..length).unwrap_or_default();
        if length > 0 && cue.holds(word) {
            return true;
        }
        at += length.max(1);
    }
    false
}

/// How long the word is that begins here: letters, up to where a small one is followed by a
/// capital. Bytes of UTF-8 are letters.
fn word_length(text: &[u8]) -> usize {
    let mut small = false;
    text.iter()
        .take_while(|byte| {
            let cut = small && byte.is_ascii_uppercase();
            small = byte.is_ascii_lowercase();
            !cut && (byte.is_ascii_alphabetic() || **byte >= 0x80)
        })
        .count()
}

/// Where the last member of a JSON document begins: what belongs to another member says nothing.
fn member(text: &[u8]) -> usize {
    let starts = |(at, byte): (usize, &u8)| match byte {
        b'{' | b'}' => true,
        b',' => {
            let rest = text.get(at + 1..).unwrap_or_default();
            rest.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'"' | b'\\'))
        }
        _ => false,
    };
    let last = text.iter().enumerate().rev().find(|(at, byte)| starts((*at, byte)));
    last.map_or(0, |(at, _)| at + 1)
}
