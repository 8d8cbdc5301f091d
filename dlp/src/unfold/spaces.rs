//! Groups of characters with one sign between them, and texts that are broken over lines.
use super::joints::{Bond, Chain, Close};
use super::view::on_char;
use crate::engine::Span;

/// How much before the first group may tell what the text is.
const CONTEXT_BYTES: usize = 96;
/// How much behind the last one: no tag is longer.
const REST_BYTES: usize = 48;
/// A longer group is a word.
pub(crate) const GROUP_BYTES: usize = 8;
/// Fewer characters with signs between them are chance.
const SINGLES: usize = 8;
/// The longest text that is put together.
const TEXT_BYTES: usize = 1024;

/// The groups of one length around a word, three at least: `ghp_ abcd ef01 …`, `g h p _ a b`. What
/// stands before `told` was put together with others: no more than half a text of it is again, so
/// that a row without an end takes no more time than its bytes do.
pub(crate) fn groups(text: &[u8], word: Span, told: usize) -> Option<Chain> {
    if word.end - word.start > GROUP_BYTES {
        return None;
    }
    let single = if word.len() == 1 { singles(text, word.start) } else { None };
    let (separator, length) = match single {
        Some(separator) => (separator, 1),
        None if matches!(text.get(word.end), Some(b'"' | b'\'' | b'\\')) => return None,
        None => (b' ', pair(text, word)?),
    };
    let start = first(text, word, (separator, length), told.saturating_sub(TEXT_BYTES / 2));
    let mut pieces = Vec::new();
    let mut at = start;
    while at < text.len().min(start + TEXT_BYTES) {
        let end = match length {
            1 => at + usize::from(is_single(text, at, separator)),
            _ => run(text, at, separator),
        };
        if end == at || end - at > length {
            break;
        }
        pieces.push(Span::new(at, end));
        if end - at < length || text.get(end) != Some(&separator) {
            break;
        }
        at = end + 1;
    }
    let enough = if length == 1 { SINGLES } else { 3 };
    if pieces.len() < enough || is_short(&pieces) {
        return None;
    }
    Some(chain(text, pieces, Bond::Spaced))
}

/// Whether less is put together than the shortest number that is looked for.
fn is_short(pieces: &[Span]) -> bool {
    const TEXT_BYTES: usize = 9;
    pieces.iter().map(|piece| piece.len()).sum::<usize>() < TEXT_BYTES
}

/// Whether groups are words of small letters and numbers, as in `list 2128 that`: so few of them, with so
/// few digits, that only a word beside them makes anything of it, or the literal of a token.
pub(crate) fn are_words(text: &[u8], groups: &[Span]) -> bool {
    const LEAST: usize = 3;
    const BYTES: usize = 24;
    const DIGITS: usize = 5;
    let (mut bytes, mut digits) = (0, 0);
    // None but the last is shorter than the first.
    if groups.first().is_none_or(|group| group.len() < LEAST) {
        return false;
    }
    for group in groups {
        let group = text.get(group.start..group.end).unwrap_or_default();
        if group.iter().all(u8::is_ascii_digit) {
            digits += group.len();
        } else if !group.iter().all(u8::is_ascii_lowercase) {
            return false;
        }
        bytes += group.len();
    }
    bytes <= BYTES && digits <= DIGITS
}

/// The pieces with what stands before and behind them.
fn chain(text: &[u8], pieces: Vec<Span>, bond: Bond) -> Chain {
    let start = pieces.first().map_or(0, |piece| piece.start);
    let end = pieces.last().map_or(start, |piece| piece.end);
    let context = Span::new(on_char(text, start.saturating_sub(CONTEXT_BYTES)), start);
    let rest = Span::new(end, on_char(text, text.len().min(end + REST_BYTES)));
    Chain { pieces, bond, context, close: Close::Source(rest) }
}

/// The length of the group that the word stands in, if one that is no longer follows it.
fn pair(text: &[u8], word: Span) -> Option<usize> {
    let end = run(text, word.end, b' ');
    if text.get(end) != Some(&b' ') {
        return None;
    }
    // Whole groups are rare behind single digits, which are most of all words.
    let alone = end - word.start == 1
        && !word.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|b| in_token(*b));
    if alone {
        return None;
    }
    let (_, length) = chunk(text, word.start, b' ')?;
    let next = run(text, end + 1, b' ') - end - 1;
    (1..=length).contains(&next).then_some(length)
}

/// The sign between single characters at a place, if the same stands on both sides.
pub(super) fn singles(text: &[u8], at: usize) -> Option<u8> {
    let sign = *text.get(at + 1)?;
    let signs = matches!(sign, b' ' | b'-' | b'.' | b'|' | b',' | b':' | b'_');
    (signs && text.get(at + 3) == Some(&sign)).then_some(sign)
}

/// The group that a place stands in: where it begins, and its length.
fn chunk(text: &[u8], at: usize, separator: u8) -> Option<(usize, usize)> {
    let from = at.saturating_sub(GROUP_BYTES + 1);
    let before = text.get(from..at)?;
    let start = at - before.iter().rev().take_while(|b| in_group(**b, separator)).count();
    let length = run(text, start, separator) - start;
    (2..=GROUP_BYTES).contains(&length).then_some((start, length))
}

/// The beginning of the first group of that length before a word.
fn first(text: &[u8], word: Span, (separator, length): (u8, usize), told: usize) -> usize {
    let mut start = match length {
        1 => word.start,
        _ => chunk(text, word.start, separator).map_or(word.start, |(start, _)| start),
    };
    let floor = start.saturating_sub(TEXT_BYTES).max(told);
    while let Some(previous) = start.checked_sub(length + 1).filter(|at| *at >= floor) {
        let group = text.get(previous..start - 1).unwrap_or_default();
        let whole = match length {
            1 => is_single(text, previous, separator),
            _ => group.iter().all(|byte| in_group(*byte, separator)),
        };
        let before = previous.checked_sub(1).and_then(|at| text.get(at));
        let alone = before.is_none_or(|b| !in_group(*b, separator) || b"=:/@".contains(b));
        if !whole || !alone || text.get(start - 1) != Some(&separator) {
            break;
        }
        start = previous;
    }
    start
}

fn run(text: &[u8], at: usize, separator: u8) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take(GROUP_BYTES + 1).take_while(|b| in_group(**b, separator)).count()
}

/// Whether a character stands at a place, with nothing or a sign behind it. It may be that sign.
fn is_single(text: &[u8], at: usize, separator: u8) -> bool {
    let next = text.get(at + 1);
    let whole = |byte: &u8| match *byte == separator {
        true => next == Some(&separator) && text.get(at + 2).is_some_and(|byte| in_token(*byte)),
        false => in_token(*byte) && !next.is_some_and(|next| in_group(*next, separator)),
    };
    text.get(at).is_some_and(whole)
}

/// What stands in a token, but for the sign between groups.
fn in_group(byte: u8, separator: u8) -> bool {
    byte != separator && in_token(byte)
}

fn in_token(byte: u8) -> bool {
    const SIGNS: u128 = signs(b"_-./+=@:~$");
    byte.is_ascii_alphanumeric() || (byte < 128 && SIGNS >> byte & 1 != 0)
}

/// A bit for each.
const fn signs(mut signs: &[u8]) -> u128 {
    let mut bits = 0;
    while let Some((sign, rest)) = signs.split_first() {
        bits |= 1 << *sign;
        signs = rest;
    }
    bits
}

/// Shorter pieces at a line end are words.
const LINE_BYTES: usize = 4;
/// Lines that something was broken into are no shorter.
const FULL_BYTES: usize = 16;

/// A token that is broken by line ends, if one breaks the token that the word stands in.
pub(crate) fn lines(text: &[u8], word: Span) -> Option<Chain> {
    let mut end = line_run(text, word.end);
    let begins = word.start.checked_sub(1).and_then(|at| text.get(at));
    let breaks = matches!(text.get(end), Some(b'\n' | b'\r' | b'\\'));
    if !breaks && !matches!(begins, Some(b'\n' | b'n')) {
        return None;
    }
    let mut start = line_start(text, word.start);
    if end_of_line(text, end).is_none() {
        end = line_before(text, start)?;
        start = line_start(text, end);
    }
    // The lines before, as far as they are as long: what breaks is longer than a line. Not all of them,
    // or a long block would be put together once for each of its lines.
    let own = start;
    while let Some(before) = line_before(text, start).filter(|_| own - start <= TEXT_BYTES / 4) {
        let first = line_start(text, before);
        if before - first < FULL_BYTES.max(line_run(text, start) - start) {
            break;
        }
        start = first;
        end = before;
    }
    let mut pieces = vec![Span::new(start, end)];
    let mut at = end;
    while let Some(next) = end_of_line(text, at)
        && next < start + TEXT_BYTES
    {
        let end = line_run(text, next);
        // Lines that are broken are as long as each other, but for the first and the last.
        let whole = pieces.last().filter(|_| pieces.len() > 1).map(|line| line.len());
        let longest = whole.unwrap_or(TEXT_BYTES);
        if end == next || end - next > longest || is_prose(text, Span::new(next, end)) {
            break;
        }
        // None but the last may be so short.
        if pieces.last().is_some_and(|line| line.len() < LINE_BYTES) {
            return None;
        }
        pieces.push(Span::new(next, end));
        at = end;
        if end - next < whole.unwrap_or(0) {
            break;
        }
    }
    // What is left for the last line may be little, when those before it are full.
    let full = pieces.split_last()?.1;
    let least = |least: usize| full.iter().all(|piece| piece.len() >= least);
    let last = pieces.last().is_some_and(|piece| piece.len() >= LINE_BYTES);
    // `key: rename`, the end of an entry in a log.
    let word = |piece: &Span| {
        let bytes = text.get(piece.start..piece.end).unwrap_or_default();
        piece.len() < FULL_BYTES && bytes.iter().all(u8::is_ascii_lowercase)
    };
    if full.is_empty()
        || !least(if last { LINE_BYTES } else { FULL_BYTES })
        || full.iter().any(word)
        || is_short(&pieces)
    {
        return None;
    }
    Some(chain(text, pieces, Bond::Lines))
}

/// Whether a line begins with a word and a blank.
fn is_prose(text: &[u8], word: Span) -> bool {
    let letters = text.get(word.start..word.end).unwrap_or_default();
    text.get(word.end) == Some(&b' ') && letters.iter().all(u8::is_ascii_alphabetic)
}

fn line_start(text: &[u8], at: usize) -> usize {
    let before = text.get(at.saturating_sub(TEXT_BYTES / 4)..at).unwrap_or_default();
    at - before.iter().rev().take_while(|byte| in_token(**byte)).count()
}

/// The end of the line before the one that begins at a place.
fn line_before(text: &[u8], at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let end = ENDS.iter().find(|end| before.ends_with(end))?;
    Some(at - end.len())
}

const ENDS: [&[u8]; 4] = [b"\\r\\n", b"\\n", b"\r\n", b"\n"];

fn line_run(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take(TEXT_BYTES).take_while(|byte| in_token(**byte)).count()
}

/// Behind the line end at a place, written or escaped.
fn end_of_line(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    ENDS.iter().find(|end| rest.starts_with(end)).map(|end| at + end.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::coding::Coding;
    use crate::engine::Window;
    use crate::quiet::tests::{SCANNER, cases, text};

    /// Groups of one length, the last shorter: words and a number.
    fn groups_of_words() -> impl Strategy<Value = Vec<String>> {
        let words = prop::collection::vec("[a-z]{6}", 3..=6);
        (3..=6_usize, 0..=6_usize, words, "[0-9]{6}", 0..5_usize).prop_map(
            |(length, last, mut groups, number, place)| {
                if let Some(group) = groups.get_mut(place) {
                    *group = number;
                }
                groups.iter_mut().for_each(|group| group.truncate(length));
                groups.iter_mut().next_back().into_iter().for_each(|group| group.truncate(last));
                groups
            },
        )
    }

    proptest! {
        #![proptest_config(cases(2000))]

        #[test]
        fn nothing_comes_of_words_and_a_number(
            before in text(), groups in groups_of_words(), after in text(),
        ) {
            let text = format!("{before} {} {after}", groups.join(" ")).into_bytes();
            SCANNER.with(|scanner| {
                let surveyor = &scanner.surveyor;
                for word in crate::engine::words::words(&text) {
                    let Some(chain) = super::groups(&text, word, 0) else { continue };
                    let view = chain.view(&text, Coding::Spaced);
                    if !are_words(&text, &chain.pieces) || surveyor.tells(&view.text) {
                        continue;
                    }
                    let joints = view.joints();
                    let window = Window { joints: &joints, ..Window::whole(&view.text) };
                    let made = surveyor.survey(&window).hits.into_iter().find(|hit| {
                        let over = |joint: &usize| hit.secret.start < *joint && *joint < hit.secret.end;
                        Bond::Spaced.accepts(hit) && joints.iter().any(over)
                    });
                    prop_assert!(made.is_none(), "{:?} of {}", made, String::from_utf8_lossy(&view.text));
                }
                Ok(())
            })?;
        }
    }
}
