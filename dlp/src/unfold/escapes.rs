//! Characters written as numbers or names: `%41`, `\u0041`, `&#65;`, `=41`.
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::atoms::Atoms;
use super::view::View;
use crate::coding::Coding;
use crate::engine::Span;

/// The longest of them: `\u{10FFFF}` and `&lowbar;`.
const LONGEST: usize = 12;
/// So near to an escape of a URL a plus is a blank.
const PLUS_BYTES: usize = 64;

/// What stands at a sign that begins an escape.
enum Read {
    /// So many bytes mean this character.
    Char(usize, char),
    /// So many bytes mean this byte.
    Byte(usize, u8),
    /// The end of a line that means nothing.
    Left,
    Nothing,
}

impl Read {
    /// What a sign at a place begins, and how that is written.
    fn at(text: &[u8], at: usize) -> (Self, Coding) {
        let rest = text.get(at..).unwrap_or_default();
        match rest.first() {
            Some(b'%') => (percent(rest), Coding::Percent),
            Some(b'\\') if goes_on(text, at) => (Self::Left, Coding::Joined),
            Some(b'\\') => (backslash(rest), Coding::Escape),
            Some(b'&') => (entity(rest), Coding::Entity),
            _ => (Self::Nothing, Coding::Escape),
        }
    }
}

/// Adds every escape but the simple ones of JSON, which stand all day in any document and are
/// looked through where something else is near ([`copy`]).
pub(crate) fn find(text: &[u8], ended: bool, atoms: &mut Atoms) {
    let mut done = 0;
    let mut percents = 0;
    for at in memchr::memchr3_iter(b'%', b'\\', b'&', text) {
        if at < done {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        if !ended && rest.len() < LONGEST && may_go_on(rest) {
            atoms.hold(at);
        }
        let (read, coding) = Read::at(text, at);
        let length = push(atoms, at, read, coding);
        if atoms.are_too_many {
            return;
        }
        done = at + length;
        percents += usize::from(length > 0 && coding == Coding::Percent);
    }
    if percents > 0 {
        pluses(text, atoms);
    }
    nothing(text, ended, atoms);
    quoted_printable(text, ended, atoms);
}

/// Adds empty quotes within words: they mean nothing.
fn nothing(text: &[u8], ended: bool, atoms: &mut Atoms) {
    for at in left_out(text, ended) {
        if !ended && text.len() - at <= QUOTES {
            atoms.hold(at);
        } else {
            atoms.push(Span::new(at, at + LEFT_OUT), Coding::Joined, b"", true);
        }
    }
}

/// How long each is.
const LEFT_OUT: usize = 2;

/// What a shell leaves out of a word (POSIX.1-2024, Shell Command Language, section 2.2): empty quotes.
/// At the end of a text that goes on they may be some.
pub(crate) fn left_out(text: &[u8], ended: bool) -> impl Iterator<Item = usize> {
    let all = PAIRS.iter().flat_map(move |pair| pair.find_iter(text));
    all.filter(move |at| {
        // Several stand beside each other.
        let other = |byte: &&u8| !matches!(byte, b'"' | b'\'');
        let (before, rest) = text.split_at_checked(*at).unwrap_or_default();
        let before = before.iter().rev().take(QUOTES + 1).find(other);
        let after = rest.iter().take(QUOTES + 1).find(other);
        let goes_on = rest.len() <= QUOTES && after.is_none() && !ended;
        in_word(before) && (in_word(after) || goes_on)
    })
}

/// Two quotes with nothing between them.
static PAIRS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [&b"\"\""[..], b"''"].map(Finder::new));

/// More quotes in a row are not looked over.
const QUOTES: usize = 8;

fn in_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether an escape begins with this sign, of a text that is whole.
pub(crate) fn is_one(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first() {
        // Quoted-printable: a byte, or the end of a line that goes on.
        Some(b'=') => hex(rest, 1, 2).is_some() || matches!(rest.get(1), Some(b'\r' | b'\n')),
        _ => !matches!(Read::at(text, at).0, Read::Nothing),
    }
}

fn push(atoms: &mut Atoms, at: usize, read: Read, coding: Coding) -> usize {
    match read {
        Read::Char(length, c) => {
            let mut utf8 = [0; 4];
            let meaning = c.encode_utf8(&mut utf8).as_bytes();
            atoms.push(Span::new(at, at + length), coding, meaning, true);
            length
        }
        Read::Byte(length, byte) => {
            atoms.push(Span::new(at, at + length), coding, &[byte], true);
            length
        }
        Read::Left => {
            atoms.push(Span::new(at, at + LEFT_OUT), coding, b"", true);
            LEFT_OUT
        }
        Read::Nothing => 0,
    }
}

/// Whether a word goes on behind a backslash and the end of its line, as in a shell.
fn goes_on(text: &[u8], at: usize) -> bool {
    text.get(at + 1) == Some(&b'\n')
        && in_word(at.checked_sub(1).and_then(|at| text.get(at)))
        && in_word(text.get(at + LEFT_OUT))
}

/// Whether the end of the text may be inside an escape.
fn may_go_on(rest: &[u8]) -> bool {
    let tail = rest.get(1..).unwrap_or_default();
    tail.iter().all(|byte| byte.is_ascii_alphanumeric() || b"#{\\\n".contains(byte))
}

/// RFC 3986 section 2.1, and the `%u0041` that some servers read.
fn percent(rest: &[u8]) -> Read {
    if matches!(rest.get(1), Some(b'u' | b'U')) {
        return hex(rest, 2, 4)
            .and_then(char::from_u32)
            .map_or(Read::Nothing, |c| Read::Char(6, c));
    }
    match hex(rest, 1, 2).and_then(|value| u8::try_from(value).ok()) {
        Some(byte) => Read::Byte(3, byte),
        None => Read::Nothing,
    }
}

/// Numbers of JSON (RFC 8259 section 7), C, Python, JavaScript and shells; and one backslash of
/// two, where a document stands in a document.
fn backslash(rest: &[u8]) -> Read {
    match rest.get(1) {
        Some(b'u' | b'U') if rest.get(2) == Some(&b'{') => {
            let digits = rest.iter().skip(3).take(7).take_while(|b| b.is_ascii_hexdigit()).count();
            let closed = rest.get(3 + digits) == Some(&b'}');
            let value = hex(rest, 3, digits).and_then(char::from_u32);
            value.filter(|_| closed).map_or(Read::Nothing, |c| Read::Char(digits + 4, c))
        }
        Some(b'u') => unicode(rest),
        Some(b'U') => {
            hex(rest, 2, 8).and_then(char::from_u32).map_or(Read::Nothing, |c| Read::Char(10, c))
        }
        Some(b'x') => match hex(rest, 2, 2).and_then(|value| u8::try_from(value).ok()) {
            Some(byte) => Read::Byte(4, byte),
            None => Read::Nothing,
        },
        Some(b'0'..=b'3') => octal(rest),
        Some(b'\\') => Read::Byte(2, b'\\'),
        _ => Read::Nothing,
    }
}

fn unicode(rest: &[u8]) -> Read {
    let Some(unit) = hex(rest, 2, 4) else { return Read::Nothing };
    if (0xD800..0xDC00).contains(&unit) {
        let low = rest.get(6..8) == Some(b"\\u");
        let low = hex(rest, 8, 4).filter(|unit| low && (0xDC00..0xE000).contains(unit));
        let pair = low.map(|low| 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
        return pair.and_then(char::from_u32).map_or(Read::Nothing, |c| Read::Char(12, c));
    }
    char::from_u32(unit).map_or(Read::Nothing, |c| Read::Char(6, c))
}

fn octal(rest: &[u8]) -> Read {
    let digits = rest.get(1..4).filter(|part| part.iter().all(|b| matches!(b, b'0'..=b'7')));
    let value = digits.map(|part| part.iter().fold(0_u32, |sum, b| sum * 8 + u32::from(b - b'0')));
    match value.and_then(|value| u8::try_from(value).ok()) {
        Some(byte) => Read::Byte(4, byte),
        None => Read::Nothing,
    }
}

/// HTML 5 section 13.2.5.72: by number, and the few names of signs that matter here.
fn entity(rest: &[u8]) -> Read {
    const NAMES: [(&[u8], char); 22] = [
        (b"quot;", '"'),
        (b"apos;", '\''),
        (b"amp;", '&'),
        (b"lt;", '<'),
        (b"gt;", '>'),
        (b"nbsp;", ' '),
        (b"colon;", ':'),
        (b"equals;", '='),
        (b"lowbar;", '_'),
        (b"hyphen;", '-'),
        (b"dash;", '-'),
        (b"period;", '.'),
        (b"comma;", ','),
        (b"commat;", '@'),
        (b"plus;", '+'),
        (b"sol;", '/'),
        (b"bsol;", '\\'),
        (b"num;", '#'),
        (b"dollar;", '$'),
        (b"percnt;", '%'),
        (b"Tab;", '\t'),
        (b"NewLine;", '\n'),
    ];
    let body = rest.get(1..).unwrap_or_default();
    if body.first() != Some(&b'#') {
        let name = NAMES.iter().find(|(name, _)| body.starts_with(name));
        return name.map_or(Read::Nothing, |(name, c)| Read::Char(name.len() + 1, *c));
    }
    let base16 = matches!(body.get(1), Some(b'x' | b'X'));
    let from = if base16 { 2 } else { 1 };
    let digit = |byte: &&u8| if base16 { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let digits = body.get(from..).unwrap_or_default();
    let count = digits.iter().take(8).take_while(digit).count();
    let value = digits.get(..count).unwrap_or_default().iter().try_fold(0_u32, |sum, byte| {
        let base = if base16 { 16 } else { 10 };
        sum.checked_mul(base)?.checked_add(char::from(*byte).to_digit(base)?)
    });
    let closed = usize::from(digits.get(count) == Some(&b';'));
    let length = 1 + from + count + closed;
    match value.filter(|_| count > 0).and_then(char::from_u32) {
        Some(c) => Read::Char(length, c),
        None => Read::Nothing,
    }
}

fn hex(rest: &[u8], at: usize, count: usize) -> Option<u32> {
    let digits = rest.get(at..at + count).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0, |sum: u32, byte| {
        sum.checked_mul(16)?.checked_add(char::from(*byte).to_digit(16)?)
    })
}

/// In a form (URL Standard section 5.1) a plus is a blank, if escapes of URLs stand near it.
fn pluses(text: &[u8], atoms: &mut Atoms) {
    let mut places = Vec::new();
    let mut last = 0;
    for atom in atoms.list.iter().filter(|atom| atom.coding == Coding::Percent) {
        let from = atom.span.start.saturating_sub(PLUS_BYTES).max(last);
        let to = text.len().min(atom.span.end + PLUS_BYTES);
        let part = text.get(from..to).unwrap_or_default();
        places.extend(memchr::memchr_iter(b'+', part).map(|at| from + at));
        last = to.max(last);
    }
    for at in places {
        atoms.push(Span::new(at, at + 1), Coding::Percent, b" ", false);
    }
}

/// A soft line end stands behind no less of a line than this.
const LINE_BYTES: usize = 40;

/// RFC 2045 section 6.7. `id=42` is no escape, so that two must stand together, or it means a sign
/// and is no number.
fn quoted_printable(text: &[u8], ended: bool, atoms: &mut Atoms) {
    let mut done = 0;
    for at in memchr::memchr_iter(b'=', text) {
        if at < done {
            continue;
        }
        let rest = text.get(at + 1..).unwrap_or_default();
        if !ended
            && rest.len() < 5
            && rest.iter().all(|byte| b"=\r\n0123456789ABCDEF".contains(byte))
        {
            atoms.hold(at);
        }
        let mut end = at;
        let mut count = 0;
        loop {
            if let Some(length) = soft_end(text, end, count > 0) {
                atoms.push(Span::new(end, end + length), Coding::QuotedPrintable, &[], true);
                end += length;
                break;
            }
            let Some(byte) = one(text, end) else { break };
            if count == 0 && one(text, end + 3).is_none() && !is_sign(text, end, byte) {
                break;
            }
            atoms.push(Span::new(end, end + 3), Coding::QuotedPrintable, &[byte], true);
            if atoms.are_too_many {
                return;
            }
            end += 3;
            count += 1;
        }
        done = end;
    }
}

/// How long the soft line end at a place is: it breaks a long line between two characters.
fn soft_end(text: &[u8], at: usize, escaped: bool) -> Option<usize> {
    const ENDS: [&[u8]; 2] = [b"=\n", b"=\r\n"];
    let rest = text.get(at..)?;
    let length = ENDS.iter().find(|end| rest.starts_with(end))?.len();
    let line = text.get(at.checked_sub(LINE_BYTES)?..at)?;
    let glued = line.last().is_some_and(|byte| byte.is_ascii_graphic() && *byte != b'=');
    let more = rest.get(length).is_some_and(u8::is_ascii_graphic);
    ((glued || escaped) && more && !line.contains(&b'\n')).then_some(length)
}

/// Whether one escape alone is one: something goes on behind it, and it cannot be a number.
fn is_sign(text: &[u8], at: usize, byte: u8) -> bool {
    let number = text.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_digit));
    let more = text.get(at + 3).is_some_and(|next| match number {
        true => next.is_ascii_alphabetic() && !next.is_ascii_hexdigit(),
        false => next.is_ascii_graphic(),
    });
    byte == b'=' || (byte == b' ' || byte.is_ascii_punctuation()) && more
}

fn one(text: &[u8], at: usize) -> Option<u8> {
    let escape = text.get(at..at + 3).filter(|escape| escape.first() == Some(&b'='))?;
    let digits = escape.get(1..)?;
    if digits.iter().any(u8::is_ascii_lowercase) {
        return None;
    }
    hex(digits, 0, 2).and_then(|value| u8::try_from(value).ok())
}

/// Copies a part of the text with the simple escapes of JSON and source code looked through.
pub(crate) fn copy(view: &mut View, text: &[u8], span: Span) {
    let mut from = span.start;
    let part = text.get(span.start..span.end).unwrap_or_default();
    for at in memchr::memchr_iter(b'\\', part) {
        let at = span.start + at;
        let meaning: &[u8] = match text.get(at + 1) {
            Some(b'"') => b"\"",
            Some(b'\'') => b"'",
            Some(b'/') => b"/",
            Some(b'\\') => b"\\",
            Some(b'n' | b'r') => b"\n",
            Some(b't') => b"\t",
            _ => continue,
        };
        if at < from || at + 2 > span.end {
            continue;
        }
        view.copy(text, Span::new(from, at));
        view.put(meaning, Span::new(at, at + 2), Coding::Escape);
        from = at + 2;
    }
    view.copy(text, Span::new(from, span.end));
}
