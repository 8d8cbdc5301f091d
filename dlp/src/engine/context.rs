//! Words beside a candidate that tell what it is.
use super::Window;
use super::boundary::tag_before;

/// How far before a candidate a word may say what it is.
pub(crate) const CONTEXT_BYTES: usize = 48;

/// Blanks, quotes and stops around a value.
const MARGIN_BYTES: usize = 8;
/// What may stand on either side of a value in a text that is nothing but such values.
const ASIDE_BYTES: usize = 48;
/// The longest name of a field that carries text.
const NAME_BYTES: usize = 16;

/// What ends the address in the first line of a request.
const PROTOCOL: &[u8] = b" HTTP/";

/// Fields that carry what somebody wrote: a number that is all of it was meant to be told.
const CARRIERS: [&[u8]; 19] = [
    b"text",
    b"note",
    b"notes",
    b"body",
    b"message",
    b"msg",
    b"content",
    b"comment",
    b"comments",
    b"description",
    b"memo",
    b"prompt",
    b"query",
    b"question",
    b"answer",
    b"input",
    b"data",
    b"q",
    b"d",
];

/// Whether one of the words stands shortly before `start`, whatever its case. A tag cuts off what
/// stands before it: it may be shorter than what it replaced, and its own words say nothing.
pub(crate) fn said(window: &Window<'_>, start: usize, words: &[&[u8]]) -> bool {
    let before = before(window, start);
    words.iter().any(|word| holds(before, word))
}

/// Whether a word stands anywhere in a text, whatever its case.
pub(crate) fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// The text shortly before `start`, back to the last tag.
pub(crate) fn before<'t>(window: &Window<'t>, start: usize) -> &'t [u8] {
    let from = start.saturating_sub(CONTEXT_BYTES);
    let tag = (from..start)
        .rev()
        .find(|at| window.byte(*at) == Some(b']') && tag_before(window, at.saturating_add(1)));
    window.part(tag.unwrap_or(from), start)
}

/// A text in lower case with blanks between its words: `taxId`, `tax_id` and `Tax-ID` are the
/// same. What has no room is left out.
pub(crate) fn plain<'p>(text: &[u8], room: &'p mut [u8]) -> &'p [u8] {
    let mut count = 0;
    let mut last = b' ';
    for byte in text {
        if last.is_ascii_lowercase() && byte.is_ascii_uppercase() {
            put(room, &mut count, b' ');
        }
        let blank = matches!(byte, b'_' | b'-' | b'.' | b'\t' | b'\n' | b'\r');
        put(room, &mut count, if blank { b' ' } else { byte.to_ascii_lowercase() });
        last = *byte;
    }
    room.get(..count).unwrap_or_default()
}

fn put(room: &mut [u8], count: &mut usize, byte: u8) {
    if let Some(slot) = room.get_mut(*count) {
        *slot = byte;
        *count += 1;
    }
}

/// Whether the value is all that the text says, or all that a field for texts holds; `None` when
/// only bytes still to come can tell.
pub(crate) fn alone(window: &Window<'_>, start: usize, end: usize) -> Option<bool> {
    if start <= ASIDE_BYTES && says_nothing(window.part(0, start)) {
        let rest = window.part(end, end + ASIDE_BYTES);
        // A word at the end of what has come may still get its digit.
        let open = rest.iter().rev().position(|byte| !byte.is_ascii_alphanumeric());
        let known = rest.len() - if window.ended { 0 } else { open.unwrap_or(rest.len()) };
        if !says_nothing(rest.get(..known).unwrap_or_default()) {
            return Some(false);
        }
        let all = end + rest.len() == window.len();
        return if all && !window.ended { None } else { Some(all) };
    }
    if !carried(window, start) {
        return Some(false);
    }
    let close = window.run(end, MARGIN_BYTES, |byte| byte == b'\\');
    if window.dry(close) {
        return None;
    }
    let quoted = matches!(window.before(start), Some(b'"' | b'\''));
    Some(match window.byte(close) {
        None => true,
        Some(b'"' | b'\'') => quoted,
        Some(b'&' | b'\r' | b'\n') => !quoted,
        // The request line of HTTP.
        Some(b' ') if !quoted && window.before(start) == Some(b'=') => {
            let next = window.part(close, close + PROTOCOL.len());
            if PROTOCOL.starts_with(next) && window.dry(close + next.len()) {
                return None;
            }
            next == PROTOCOL
        }
        Some(_) => false,
    })
}

/// Whether every word has a digit, and nothing but blanks, quotes and stops is between.
fn says_nothing(text: &[u8]) -> bool {
    let is_margin = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`.,;!-".contains(byte);
    let mut words = text.split(|byte| is_margin(byte));
    words.all(|word| {
        word.is_empty()
            || (word.iter().all(u8::is_ascii_alphanumeric) && word.iter().any(u8::is_ascii_digit))
    })
}

/// Whether the name of a field for texts stands right before `start`.
fn carried(window: &Window<'_>, start: usize) -> bool {
    let is_quote = |byte: u8| matches!(byte, b'"' | b'\'' | b'\\');
    let at = window.run_back(start, MARGIN_BYTES, is_quote);
    let at = window.run_back(at, MARGIN_BYTES, |byte| byte == b' ');
    let Some(sign) = at.checked_sub(1) else { return false };
    if !matches!(window.byte(sign), Some(b':' | b'=')) {
        return false;
    }
    let end = window.run_back(sign, MARGIN_BYTES, is_quote);
    let name = window.run_back(end, NAME_BYTES, |byte| byte.is_ascii_alphabetic());
    CARRIERS.iter().any(|carrier| window.part(name, end).eq_ignore_ascii_case(carrier))
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

    /// All of it.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> {
        self.whole.iter().chain(self.begins).copied()
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
    told_any(window, start, &[cue])
}

/// Whether a word of any of the cues does.
pub(crate) fn told_any(window: &Window<'_>, start: usize, cues: &[&Cue]) -> bool {
    let text = member(window, start);
    let cut = start - text.len();
    let mut at = 0;
    // A word that was cut in two is none.
    if window.before(cut).is_some_and(|byte| byte.is_ascii_alphabetic()) {
        at = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    }
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = word_length(rest);
        let word = rest.get(..length).unwrap_or_default();
        if length > 0 && cues.iter().any(|cue| cue.holds(word)) {
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

/// The text shortly before `start`, back to where the last member of a JSON document begins (what
/// belongs to another member says nothing), and no further than the last tag.
fn member<'t>(window: &Window<'t>, start: usize) -> &'t [u8] {
    let from = start.saturating_sub(CONTEXT_BYTES);
    let text = window.part(from, start);
    // The first byte behind it that is no blank.
    let mut next = None;
    for (at, byte) in text.iter().enumerate().rev() {
        let begins = match byte {
            b'{' | b'}' => true,
            b',' => matches!(next, Some(b'"' | b'\\')),
            _ => false,
        };
        if begins {
            return window.part(from + at + 1, start);
        }
        if *byte == b']' && tag_before(window, from + at + 1) {
            return window.part(from + at, start);
        }
        if !byte.is_ascii_whitespace() {
            next = Some(*byte);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        let mut room = [0; 64];
        assert_eq!(plain(b"\"taxIdNumber\":", &mut room), b"\"tax id number\":");
        assert_eq!(plain(b"VAT-ID_no", &mut room), b"vat id no");
    }

    #[test]
    fn values_that_are_all_there_is() {
        let cases = [
            ("4111", Some(true)),
            (" \"4111\".\n", Some(true)),
            ("{\"text\": \"4111\"}", Some(true)),
            ("{\\\"note\\\": \\\"4111\\\"}", Some(true)),
            ("?q=4111&x=1", Some(true)),
            ("X-Note: 4111\r\nHost: x", Some(true)),
            ("{\"id\": \"4111\"}", Some(false)),
            ("GET /p?d=4111 HTTP/1.1", Some(true)),
            ("4111 A82 17", Some(true)),
            ("4111 of", Some(false)),
            ("see 4111", Some(false)),
            ("{\"text\": \"4111 of them\"}", Some(false)),
        ];
        for (text, expect) in cases {
            let at = text.find("4111").unwrap();
            assert_eq!(alone(&Window::whole(text.as_bytes()), at, at + 4), expect, "{text}");
        }
    }
}
