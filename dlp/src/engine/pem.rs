//! Private key blocks: from `-----BEGIN … PRIVATE KEY-----` to its end, however long.
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const LITERAL: &str = "-----begin ";
pub(crate) const DETECTOR: &str = "private-key";
pub(crate) const CLASS: &str = "secret.private_key";
const TAG: &str = "[REDACTED-PRIVATE-KEY]";

/// The longest label: `ENCRYPTED `, `OPENSSH `, `PGP … BLOCK` with room to spare.
const LABEL_BYTES: usize = 64;
/// Blanks, escapes, quotes and `+` between the first line and the body, or between two pieces of
/// a body in source code.
const GAP_BYTES: usize = 64;
/// So many characters of base64 behind the first line make it a key and not the mention of one.
const BODY_BYTES: usize = 4;
/// A shorter run with a blank behind it is a word: somebody writes about keys.
const WORD_BYTES: usize = 16;
const DASHES: &[u8] = b"-----";
const END: &[u8] = b"-----END";

/// How far a block reaches into the bytes at hand.
pub(crate) enum Reach {
    /// It ends after so many bytes.
    Ends(usize),
    /// So many bytes belong to it; what follows them needs more bytes to tell.
    Goes(usize),
}

/// Looks at the `-----BEGIN` at `at`.
pub(crate) fn check(window: &Window<'_>, at: usize) -> Outcome {
    let open = Outcome::Open(Open { from: at, serious: true });
    let label = at + LITERAL.len();
    let label_end = window.run(label, LABEL_BYTES, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
    });
    let dashes_end = window.run(label_end, DASHES.len(), |byte| byte == b'-');
    if window.dry(dashes_end) && label_end < label + LABEL_BYTES {
        return open;
    }
    let name = window.part(label, label_end);
    if !(name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK"))
        || dashes_end - label_end < DASHES.len()
    {
        return Outcome::Nothing;
    }
    let mention = Outcome::Hit(hit(Span::new(at, dashes_end), Grade::Possible, false));
    let body = gap(window, dashes_end);
    if body >= dashes_end + GAP_BYTES {
        return mention;
    }
    let body_end = window.run(body, WORD_BYTES, is_base64);
    if window.dry(body_end) && body_end < body + WORD_BYTES {
        return open;
    }
    let quotes = window.part(dashes_end, body).iter().filter(|byte| b"\"'".contains(byte)).count();
    let prose = body_end < body + WORD_BYTES && window.byte(body_end) == Some(b' ');
    if body_end < body + BODY_BYTES || quotes == 1 || prose {
        return mention;
    }
    match reach(window.part(body_end, window.len()), window.ended) {
        Reach::Ends(length) => {
            Outcome::Hit(hit(Span::new(at, body_end + length), Grade::Certain, false))
        }
        Reach::Goes(length) => {
            Outcome::Hit(hit(Span::new(at, body_end + length), Grade::Certain, true))
        }
    }
}

/// How far the body goes on in `text`: to its `-----END …-----`, or to a byte that stands in no
/// key (a quote that closes the string it is in, `<`, a brace).
pub(crate) fn reach(text: &[u8], ended: bool) -> Reach {
    let window = Window { ended, ..Window::whole(text) };
    let mut at = 0;
    loop {
        let stop = window.run(at, usize::MAX, |byte| !matches!(byte, b'-') && !is_stop(byte));
        // Backslashes before a quote belong to the quote.
        let kept = window.run_back(stop, stop - at, |byte| byte == b'\\');
        match window.byte(stop) {
            // It goes on should the text go on after all.
            None if ended => return Reach::Goes(stop),
            None => return Reach::Goes(kept),
            Some(b'-') => match end_line(&window, stop) {
                Line::Ends(end) => return Reach::Ends(end),
                Line::Open => return Reach::Goes(stop),
                Line::Other => at = stop + 1,
            },
            Some(b'"' | b'\'') => {
                let next = gap(&window, stop);
                let full = next >= stop + GAP_BYTES;
                if window.dry(next) && !full {
                    return Reach::Goes(kept);
                }
                let quoted = window.part(stop + 1, next).iter().any(|b| matches!(b, b'"' | b'\''));
                let word = window.run(next, WORD_BYTES, is_base64);
                if window.dry(word) && word < next + WORD_BYTES {
                    return Reach::Goes(kept);
                }
                // In a list of strings the next one need not be a line of the key.
                let listed = window.part(stop, next).contains(&b',');
                let enough = next + if listed { WORD_BYTES } else { 1 };
                let resumes = word >= enough || window.byte(next) == Some(b'-');
                if full || !quoted || !resumes {
                    return Reach::Ends(kept);
                }
                at = next;
            }
            Some(_) => return Reach::Ends(kept),
        }
    }
}

enum Line {
    Ends(usize),
    Open,
    Other,
}

/// Whether `-----END …-----` stands at `at`.
fn end_line(window: &Window<'_>, at: usize) -> Line {
    let next = window.part(at, at + END.len());
    if next != END {
        let cut = END.starts_with(next) && window.dry(at + next.len());
        return if cut { Line::Open } else { Line::Other };
    }
    let label = at + END.len();
    let label_end = window.run(label, LABEL_BYTES, |byte| byte != b'-' && !is_stop(byte));
    let end = window.run(label_end, DASHES.len(), |byte| byte == b'-');
    if window.dry(end) && label_end < label + LABEL_BYTES && end - label_end < DASHES.len() {
        return Line::Open;
    }
    // A damaged last line ends the block all the same.
    Line::Ends(end)
}

/// Skips what stands between the pieces of a key in text and in source code.
fn gap(window: &Window<'_>, start: usize) -> usize {
    let mut at = start;
    while at < start + GAP_BYTES {
        at = match (window.byte(at), window.byte(at + 1)) {
            (Some(b'\\'), Some(b'n' | b'r' | b't')) => at + 2,
            (Some(b'\\'), None) if !window.ended => return window.len(),
            (Some(byte), _) if byte.is_ascii_whitespace() || b"\\\"'+,.".contains(&byte) => at + 1,
            _ => return at,
        };
    }
    at
}

fn hit(secret: Span, grade: Grade, runs_on: bool) -> Hit {
    Hit { runs_on, ..Hit::new((DETECTOR, CLASS), grade, secret, (TAG, Rank::Block)) }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// What stands in no key, whether in a file, a JSON string or source code.
fn is_stop(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'{' | b'}' | 0)
}
