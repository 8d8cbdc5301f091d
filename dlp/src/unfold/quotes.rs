//! Texts in pieces that are strings beside each other.
use super::joints::{Bond, Chain, Close};
use super::view::on_char;
use crate::engine::Span;

/// A longer string is no piece.
pub(crate) const PIECE_BYTES: usize = 512;
/// A string with blanks is a piece only when it is as short as the groups of a number.
const BLANKS_BYTES: usize = 40;
/// More pieces are not put together.
pub(crate) const PIECES: usize = 256;
/// Blanks and signs between two strings.
const GAP_BYTES: usize = 24;
/// The longest name of a member.
const NAME_BYTES: usize = 64;
/// How much of the string before the first piece may tell what they are.
const CONTEXT_BYTES: usize = 128;

/// A string: what stands in it, its quote, and how many backslashes stand before each quote.
#[derive(Clone, Copy)]
struct Quoted {
    inner: Span,
    quote: u8,
    slashes: usize,
}

/// How two strings stand together.
#[derive(Clone, Copy)]
struct Link {
    strong: bool,
    /// By an operator: what stands before the first one is about all of them.
    glued: bool,
}

/// Room for the strings of one chain, used again for the next.
#[derive(Default)]
pub(crate) struct Scratch {
    strings: Vec<(Quoted, Link)>,
}

/// Items of one list.
const LIST: Link = Link { strong: true, glued: false };

/// Calls `sink` with the chains that the word stands in; gives where the search may go on. What is
/// only beside each other is a chain where `sews` says so of all its pieces.
pub(crate) fn chains(
    text: &[u8],
    word: Span,
    Scratch { strings }: &mut Scratch,
    sews: &impl Fn(&mut dyn Iterator<Item = Span>) -> bool,
    mut sink: impl FnMut(&Chain),
) -> usize {
    let Some(seed) = around(text, word) else { return word.end };
    if !is_seed(text, seed.inner) {
        return seed.inner.end;
    }
    let piece = |found: &(Quoted, Link)| is_piece(text, found.0.inner);
    let mut behind = after(text, seed).filter(piece);
    if behind.is_none() && before(text, seed).filter(piece).is_none() {
        return seed.inner.end;
    }
    strings.clear();
    strings.push((seed, LIST));
    let mut last = seed;
    while let Some((next, link)) = behind.filter(|_| strings.len() < PIECES) {
        strings.push((next, link));
        last = next;
        behind = after(text, next).filter(piece);
    }
    let mut first = seed;
    let mut context = None;
    while strings.len() < PIECES {
        let Some((previous, link)) = before(text, first) else {
            context = outside(text, first);
            break;
        };
        if !is_piece(text, previous.inner) {
            context = Some(previous);
            break;
        }
        if let Some(known) = strings.first_mut() {
            known.1 = link;
        }
        strings.insert(0, (previous, LIST));
        first = previous;
    }
    if strings.len() < 2 || is_short(strings) {
        return last.inner.end;
    }
    give(text, strings, context, sews, &mut sink);
    last.inner.end
}

/// Whether less is put together than anything that is looked for has.
fn is_short(strings: &[(Quoted, Link)]) -> bool {
    const TEXT_BYTES: usize = 4;
    strings.iter().map(|(string, _)| string.inner.len()).sum::<usize>() < TEXT_BYTES
}

/// The runs of strings that are strongly bound, and all of them if some are not.
fn give(
    text: &[u8],
    strings: &[(Quoted, Link)],
    context: Option<Quoted>,
    sews: &impl Fn(&mut dyn Iterator<Item = Span>) -> bool,
    sink: &mut impl FnMut(&Chain),
) {
    let mut before = context;
    let mut runs = 0;
    for run in strings.chunk_by(|_, two| two.1.strong) {
        runs += 1;
        if run.len() > 1 && !is_short(run) {
            sink(&chain(text, run, before, Bond::Strong));
        }
        before = run.last().map(|(string, _)| *string);
    }
    let all = || context.iter().chain(strings.iter().map(|(string, _)| string));
    if runs > 1 && sews(&mut all().map(|string| string.inner)) {
        sink(&chain(text, strings, context, Bond::Weak));
    }
}

fn chain(text: &[u8], run: &[(Quoted, Link)], before: Option<Quoted>, bond: Bond) -> Chain {
    let pieces: Vec<Span> = run.iter().map(|(string, _)| string.inner).collect();
    let start = pieces.first().map_or(0, |piece| piece.start);
    let end = run.last().map_or(start, |(string, _)| string.inner.end + string.slashes + 1);
    let slashes = run.last().map_or(0, |(string, _)| string.slashes);
    let (context, close) = match (comment(text, end, slashes), before) {
        (_, Some(string)) if !string.inner.is_empty() => place(text, string.inner),
        (Some(comment), _) => place(text, comment),
        _ if run.iter().skip(1).all(|(_, link)| link.glued) => named(text, run),
        _ => (Span::new(start, start), None),
    };
    Chain { pieces, bond, context, close: Close::Sign(close.unwrap_or(b'\n')) }
}

/// What stands before the first string in its line, and its quote: `key = "`, `"key": "`.
fn named(text: &[u8], run: &[(Quoted, Link)]) -> (Span, Option<u8>) {
    let start = run.first().map_or(0, |(string, _)| string.inner.start);
    let before = text.get(start.saturating_sub(CONTEXT_BYTES)..start).unwrap_or_default();
    let line = before.iter().rev().take_while(|byte| **byte != b'\n').count();
    (Span::new(on_char(text, start - line), start), run.first().map(|(string, _)| string.quote))
}

/// The end of a line comment behind the strings, which may say what they are. Where their quotes
/// are escaped, one that is less so ends the source that they stand in.
fn comment(text: &[u8], end: usize, slashes: usize) -> Option<Span> {
    let rest = text.get(end..text.len().min(end + CONTEXT_BYTES))?;
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b';')).count();
    let sign = rest.get(blanks..)?;
    let marks: [&[u8]; 4] = [b"#", b"//", b"--", b"/*"];
    let mark = marks.iter().find(|mark| sign.starts_with(mark))?;
    let from = blanks + mark.len();
    let body = rest.get(from..)?;
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'"' => self::slashes(text, end + from + at) < slashes,
        _ => false,
    };
    let length = body.iter().enumerate().position(ends).unwrap_or(body.len());
    Some(Span::new(end + from, end + from + length))
}

/// The part of a context that stands before the place where the text was taken out: between two
/// quotes, behind a sign, else at the end.
fn place(text: &[u8], context: Span) -> (Span, Option<u8>) {
    const EMPTY: [&[u8]; 9] =
        [b"\\\"\\\"", b"\"\"", b"''", b"``", b"=&", b"=\\\\n", b"=\\n", b"=\n", b"=;"];
    let from = context.start.max(context.end.saturating_sub(CONTEXT_BYTES));
    let part = text.get(from..context.end).unwrap_or_default();
    let found = EMPTY.iter().find_map(|pair| {
        let at = memchr::memmem::rfind(part, pair)?;
        let inside = if pair.len() == 4 && pair.starts_with(b"\\\"") { 2 } else { 1 };
        Some((at + inside, pair.get(inside - 1).copied()))
    });
    match found {
        Some((at, sign)) => {
            let close = sign.filter(|sign| matches!(sign, b'"' | b'\'' | b'`'));
            (Span::new(from, from + at), close)
        }
        None => (Span::new(from, context.end), None),
    }
}

/// The string that a word stands in.
fn around(text: &[u8], word: Span) -> Option<Quoted> {
    let from = word.start.saturating_sub(PIECE_BYTES);
    let before = text.get(from..word.start)?;
    let glued = before.iter().rev().take_while(|byte| in_piece(**byte)).count();
    let mut open = word.start.checked_sub(glued + 1)?;
    if text.get(open) == Some(&b' ') {
        // Groups of a number: the string begins a few bytes before.
        let before = text.get(word.start.saturating_sub(BLANKS_BYTES)..open)?;
        let more = before.iter().rev().take_while(|b| in_piece(**b) || **b == b' ').count();
        open = open.checked_sub(more + 1)?;
    }
    let quote = *text.get(open).filter(|byte| is_quote(**byte))?;
    string(text, open, quote).filter(|string| word.end <= string.inner.end)
}

/// The string that opens at a place.
fn string(text: &[u8], open: usize, quote: u8) -> Option<Quoted> {
    let slashes = slashes(text, open);
    let start = open + 1;
    let rest = text.get(start..text.len().min(start + PIECE_BYTES + 8))?;
    // A quote with more backslashes stands inside.
    let close = memchr::memchr_iter(quote, rest)
        .map(|at| start + at)
        .find(|close| self::slashes(text, *close) <= slashes)?;
    let inner = Span::new(start, close.checked_sub(slashes).filter(|end| *end >= start)?);
    (self::slashes(text, close) == slashes).then_some(Quoted { inner, quote, slashes })
}

fn slashes(text: &[u8], at: usize) -> usize {
    let before = text.get(at.saturating_sub(8)..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// The string behind a string, if they may be one text.
fn after(text: &[u8], string: Quoted) -> Option<(Quoted, Link)> {
    let end = string.inner.end + string.slashes + 1;
    let (at, operator) = gap(text, end)?;
    let next = open(text, at, string)?;
    if operator != b',' {
        return Some((next, Link { strong: true, glued: operator != b' ' }));
    }
    let behind = next.inner.end + next.slashes + 1;
    let Some(value) = colon(text, behind) else { return Some((next, LIST)) };
    let value = open(text, value, string)?;
    let strong = name_before(text, string).is_some_and(|name| alike(text, name, next.inner));
    Some((value, Link { strong, glued: false }))
}

/// The string before a string, if they may be one text.
fn before(text: &[u8], string: Quoted) -> Option<(Quoted, Link)> {
    let open = string.inner.start - 1 - string.slashes;
    let name = name_before(text, string);
    let from = name.map_or(open, |name| name.start - 1 - string.slashes);
    let (at, operator) = gap_back(text, from)?;
    if name.is_some() && operator != b',' {
        return None;
    }
    let previous = closing(text, at, string)?;
    let strong = match name {
        None => true,
        Some(name) => name_before(text, previous).is_some_and(|other| alike(text, other, name)),
    };
    Some((previous, Link { strong, glued: name.is_none() && !b", ".contains(&operator) }))
}

/// The string before the list or the object that the string is the first of.
fn outside(text: &[u8], string: Quoted) -> Option<Quoted> {
    let from = name_before(text, string).map_or(string.inner.start, |name| name.start);
    let at = blanks_back(text, from.checked_sub(1 + string.slashes)?);
    let open = at.checked_sub(1).filter(|at| matches!(text.get(*at), Some(b'[' | b'{' | b'(')))?;
    let behind = blanks_back(text, open);
    let colon = behind.checked_sub(1).filter(|at| text.get(*at) == Some(&b':'))?;
    let name = closing(text, blanks_back(text, colon), string)?;
    let at = blanks_back(text, name.inner.start.checked_sub(1 + string.slashes)?);
    let comma = at.checked_sub(1).filter(|at| text.get(*at) == Some(&b','))?;
    closing(text, blanks_back(text, comma), string)
}

/// The string that opens at a place, written as `like` is.
fn open(text: &[u8], at: usize, like: Quoted) -> Option<Quoted> {
    let quote = at + like.slashes;
    let same = text.get(quote) == Some(&like.quote) && slashes(text, quote) == like.slashes;
    if same { string(text, quote, like.quote) } else { None }
}

/// The string that closes right before a place.
fn closing(text: &[u8], end: usize, like: Quoted) -> Option<Quoted> {
    let close = end.checked_sub(1)?;
    if text.get(close) != Some(&like.quote) || slashes(text, close) != like.slashes {
        return None;
    }
    let inner_end = close - like.slashes;
    let from = inner_end.saturating_sub(PIECE_BYTES);
    let part = text.get(from..inner_end)?;
    let open = memchr::memrchr_iter(like.quote, part)
        .map(|at| from + at)
        .find(|open| slashes(text, *open) <= like.slashes)?;
    let inner = Span::new(open + 1, inner_end);
    (slashes(text, open) == like.slashes).then_some(Quoted { inner, ..like })
}

/// The name of the member whose value the string is.
fn name_before(text: &[u8], string: Quoted) -> Option<Span> {
    let open = string.inner.start.checked_sub(1 + string.slashes)?;
    let at = blanks_back(text, open);
    let colon = at.checked_sub(1).filter(|at| text.get(*at) == Some(&b':'))?;
    let end = blanks_back(text, colon);
    closing(text, end, string).map(|name| name.inner).filter(|name| name.len() <= NAME_BYTES)
}

/// Blanks, an operator, blanks: where it ends, and the operator.
fn gap(text: &[u8], start: usize) -> Option<(usize, u8)> {
    let at = blanks(text, start);
    let operator = *text.get(at)?;
    let next = text.get(at + 1);
    let length = match operator_length(operator, next == Some(&operator)) {
        Some(length) => length,
        None if operator == b'\\' && next == Some(&b'\n') => 2,
        None if at > start => 0,
        None => return None,
    };
    let end = blanks(text, at + length);
    (end - start <= GAP_BYTES).then_some((end, if length == 0 { b' ' } else { operator }))
}

/// The same read backwards: where it begins.
fn gap_back(text: &[u8], end: usize) -> Option<(usize, u8)> {
    let at = blanks_back(text, end);
    let operator = *text.get(at.checked_sub(1)?)?;
    let doubled = at.checked_sub(2).and_then(|at| text.get(at)) == Some(&operator);
    let length = match operator_length(operator, doubled) {
        Some(length) => length,
        None if at < end => 0,
        None => return None,
    };
    let start = blanks_back(text, at - length);
    (end - start <= GAP_BYTES).then_some((start, if length == 0 { b' ' } else { operator }))
}

/// How long an operator is that puts strings together.
fn operator_length(operator: u8, doubled: bool) -> Option<usize> {
    match operator {
        b'+' | b',' | b'&' => Some(1),
        b'.' | b'<' | b'|' if doubled => Some(2),
        b'.' => Some(1),
        _ => None,
    }
}

fn colon(text: &[u8], at: usize) -> Option<usize> {
    let at = blanks(text, at);
    (text.get(at) == Some(&b':')).then(|| blanks(text, at + 1))
}

/// Behind blanks and line ends, written or escaped.
fn blanks(text: &[u8], mut at: usize) -> usize {
    loop {
        at = match (text.get(at), text.get(at + 1)) {
            (Some(b' ' | b'\t' | b'\r' | b'\n'), _) => at + 1,
            (Some(b'\\'), Some(b'n' | b't' | b'r')) => at + 2,
            _ => return at,
        };
    }
}

fn blanks_back(text: &[u8], mut at: usize) -> usize {
    while let Some(previous) = at.checked_sub(1) {
        let escaped = previous.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'\\');
        at = match text.get(previous) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => previous,
            Some(b'n' | b't' | b'r') if escaped => previous - 1,
            _ => return at,
        };
    }
    at
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_piece(text: &[u8], inner: Span) -> bool {
    may_be_piece(text.get(inner.start..inner.end).unwrap_or_default())
}

/// Whether a string may be a piece of something that holds no words.
pub(crate) fn may_be_piece(inner: &[u8]) -> bool {
    let mut blanks = 0;
    for byte in inner {
        match byte {
            b' ' => blanks += 1,
            byte if in_piece(*byte) => {}
            _ => return false,
        }
    }
    let numbers = || {
        let digits = inner.iter().filter(|byte| byte.is_ascii_digit()).count();
        inner.len() <= BLANKS_BYTES && digits * 2 >= inner.len() - blanks
    };
    !inner.is_empty() && (blanks == 0 || numbers())
}

pub(crate) fn in_piece(byte: u8) -> bool {
    const PIECE: [bool; 256] = table(b",;{}[]()<>\\\"'`");
    PIECE.get(usize::from(byte)).copied().unwrap_or(false)
}

/// What is seen and is none of these.
const fn table(but: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte = 0_u8;
    while let Some((slot, more)) = rest.split_first_mut() {
        *slot = byte.is_ascii_graphic();
        let mut others = but;
        while let Some((other, more)) = others.split_first() {
            if *other == byte {
                *slot = false;
            }
            others = more;
        }
        byte = byte.wrapping_add(1);
        rest = more;
    }
    table
}

fn is_seed(text: &[u8], inner: Span) -> bool {
    may_be_seed(text.get(inner.start..inner.end).unwrap_or_default())
}

/// Whether a piece may be of something that is worth hiding: no time, no UUID.
pub(crate) fn may_be_seed(bytes: &[u8]) -> bool {
    let digits = || bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let time = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') && digits() >= 8;
    let uuid = bytes.len() == 36 && bytes.get(8) == Some(&b'-') && bytes.get(13) == Some(&b'-');
    // A version, and an address: what has a piece of something in it has others beside it.
    let version = matches!(bytes, [b'0'..=b'9', b'.', b'0'..=b'9']);
    let address = bytes.starts_with(b"http") && memchr::memmem::find(bytes, b"://").is_some();
    !time && !uuid && !version && !address && !bytes.starts_with(b":") && may_be_piece(bytes)
}

/// `part_a` and `part_b`, `key1` and `key2`, `a` and `b`.
pub(crate) fn are_alike(one: &[u8], two: &[u8]) -> bool {
    // Most names differ at once.
    if one.first_chunk::<2>() != two.first_chunk() {
        return one.len() <= 2 && two.len() <= 2;
    }
    let common = one.iter().zip(two).take_while(|(one, two)| one == two).count();
    let rest = one.len().max(two.len()) - common;
    (common >= 2 && rest <= 3 && rest * 2 <= common + 2) || (one.len() <= 2 && two.len() <= 2)
}

fn alike(text: &[u8], one: Span, two: Span) -> bool {
    let part = |span: Span| text.get(span.start..span.end).unwrap_or_default();
    are_alike(part(one), part(two))
}
