//! Words of everyday traffic that no shape is asked about: dates, times, UUIDs and small numbers.
use super::{Span, Window};

/// What to do about a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Everyday {
    /// It is none of these.
    No,
    /// A small number that stands alone.
    Small,
    /// A date, a time or a UUID, which ends here.
    Row(usize),
    /// A number that stands alone, with one point at the most: the word behind the point, or the
    /// whole.
    Number(Span),
    /// Only bytes still to come can tell.
    Open,
}

/// `2026-11-26` (RFC 3339).
const DATE: &[u8] = b"9999-99-99";
/// `550e8400-e29b-41d4-a716-446655440000` (RFC 9562).
const UUID: &[u8; 36] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
/// A number of so few digits that stands alone is nothing.
const SMALL: usize = 2;
/// Nanoseconds have nine digits.
const FRACTION: usize = 9;

/// Looks at the word. A number of fewer digits than `few` that stands alone is nothing.
pub(crate) fn look(window: &Window<'_>, word: Span, few: usize) -> Everyday {
    if let Some(last) = number(window, word, few) {
        return Everyday::Number(last);
    }
    if word.len() <= SMALL {
        return small(window, word);
    }
    let escaped = is_behind_escape(window, word);
    match word.len() - usize::from(escaped) {
        4 => {
            let start = word.start + usize::from(escaped);
            match fits(window, start, DATE, escaped) {
                Everyday::Row(end) if !is_date(window.part(start, end)) => Everyday::No,
                Everyday::Row(end) => Everyday::Row(time(window, end)),
                other => other,
            }
        }
        8 if !escaped => fits(window, word.start, UUID, false),
        _ => Everyday::No,
    }
}

/// Whether the text ends in a UUID with no word before it.
pub(crate) fn ends_in_uuid(text: &[u8]) -> bool {
    let Some(from) = text.len().checked_sub(UUID.len()) else { return false };
    let glued = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let before = from.checked_sub(1).and_then(|at| text.get(at));
    !before.is_some_and(glued) && text.get(from..).is_some_and(|end| begins(end, UUID))
}

/// Whether the text begins with a UUID, and no word goes on behind it.
pub(crate) fn begins_with_uuid(text: &[u8]) -> bool {
    let uuid = text.first_chunk().is_some_and(is_uuid);
    uuid && !text.get(UUID.len()).is_some_and(u8::is_ascii_alphanumeric)
}

/// A count, a price, a version or the end of a path: what closes a value or a bracket stands behind
/// it, and nothing before it that may be a part of it.
fn number(window: &Window<'_>, word: Span, few: usize) -> Option<Span> {
    if word.len() >= few {
        return None;
    }
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let digits = |from: usize| {
        let part = window.part(from, from + few);
        from + part.iter().take_while(|byte| is_digit(byte)).count()
    };
    if digits(word.start) < word.end {
        return None;
    }
    let mut last = word;
    let mut count = word.len();
    if window.byte(word.end) == Some(b'.') {
        last = Span::new(word.end + 1, digits(word.end + 1));
        count += last.len();
    }
    let after = window.byte(last.end)?;
    let closes =
        matches!(after, b',' | b';' | b'"' | b'\'' | b'}' | b']' | b')' | b'\\' | b'\n' | 0);
    if last.is_empty() || count >= few || !closes {
        return None;
    }
    let before = window.before(word.start)?;
    // A telephone number may begin with what stands in brackets.
    if before == b'(' && after == b')' {
        return None;
    }
    let further = word.start.checked_sub(1).and_then(|at| window.before(at));
    let free = match before {
        b'"' | b'\'' | b'=' | b'(' | b'[' | b',' => true,
        b':' => matches!(further, Some(b'"' | b'\'')),
        b' ' => further.is_some_and(|byte| byte.is_ascii_punctuation() && byte != b']'),
        b'/' => further.is_some_and(|byte| byte.is_ascii_lowercase()),
        _ => false,
    };
    free.then_some(last)
}

fn small(window: &Window<'_>, word: Span) -> Everyday {
    let joined = |byte: u8| matches!(byte, b' ' | b'-' | b'.' | b'/' | b':' | b'(' | b')' | b'+');
    let before = window.before(word.start).is_some_and(|byte| byte >= 0x80 || joined(byte));
    if window.dry(word.end) {
        return Everyday::No;
    }
    // A quote or a comma on both sides, or a colon before it in JSON.
    let colon = window.before(word.start) == Some(b':');
    let json = colon && word.start.checked_sub(1).and_then(|at| window.before(at)) == Some(b'"');
    let after = window.byte(word.end).is_some_and(|byte| matches!(byte, b',' | b'}' | b']' | b'"'));
    if after && (json || !before) { Everyday::Small } else { Everyday::No }
}

/// Whether the word begins with the letter of an escaped line end or tab: `\\n2026-11-26`.
fn is_behind_escape(window: &Window<'_>, word: Span) -> bool {
    let further = word.start.checked_sub(1).and_then(|at| window.before(at));
    matches!(window.byte(word.start), Some(b'n' | b'r' | b't'))
        && window.before(word.start) == Some(b'\\')
        && further != Some(b'\\')
}

/// Whether the text has this form here, and nothing of its kind on either side.
fn fits(window: &Window<'_>, start: usize, form: &[u8], free: bool) -> Everyday {
    let text = window.part(start, start + form.len());
    let same = match text.first_chunk() {
        Some(text) if form.len() == UUID.len() => is_uuid(text),
        _ => begins(text, form),
    };
    let glued = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !same || (!free && window.before(start).is_some_and(glued)) {
        return Everyday::No;
    }
    let end = start + form.len();
    if window.dry(end) {
        return Everyday::Open;
    }
    let time = form == DATE && window.byte(end) == Some(b'T');
    match window.byte(end) {
        Some(byte) if glued(byte) && !time => Everyday::No,
        _ if text.len() < form.len() => Everyday::No,
        _ => Everyday::Row(end),
    }
}

/// Whether the text is the beginning of something of this form: `9` is a digit, `x` a hexadecimal
/// one, everything else itself.
fn begins(text: &[u8], form: &[u8]) -> bool {
    text.iter().zip(form).all(|(byte, form)| match form {
        b'9' => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_hexdigit(),
        _ => byte == form,
    })
}

/// Whether it has the form of a UUID: asked of all bytes at once.
fn is_uuid(text: &[u8; UUID.len()]) -> bool {
    text.iter().zip(UUID).fold(true, |all, (byte, form)| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 6;
        let hexadecimal = letter | (byte.wrapping_sub(b'0') < 10);
        all & if *form == b'x' { hexadecimal } else { byte == form }
    })
}

fn is_date(text: &[u8]) -> bool {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to).unwrap_or_default();
        digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit.saturating_sub(b'0')))
    };
    (1..=12).contains(&number(5, 7)) && (1..=31).contains(&number(8, 10))
}

/// Where the time ends that stands behind a date, with a `T` or a blank between (RFC 3339 section
/// 5.6): `T10:00:00.123456789+01:00`. Where the date does when none stands there.
fn time(window: &Window<'_>, date: usize) -> usize {
    let form = |at: usize, form: &[u8]| {
        let text = window.part(at, at + form.len());
        text.len() == form.len() && begins(text, form)
    };
    if !matches!(window.byte(date), Some(b'T' | b' ')) || !form(date + 1, b"99:99") {
        return date;
    }
    let mut end = date + 6;
    if form(end, b":99") {
        end += 3;
    }
    if matches!(window.byte(end), Some(b'.' | b',')) {
        let fraction = window.run(end + 1, FRACTION, |byte| byte.is_ascii_digit());
        end = if fraction > end + 1 { fraction } else { end };
    }
    match window.byte(end) {
        Some(b'Z') => end += 1,
        Some(b'+' | b'-') if form(end + 1, b"99:99") => end += 6,
        _ => {}
    }
    // A longer number is none of a time.
    if window.byte(end).is_some_and(|byte| byte.is_ascii_digit()) { date } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_stand_alone() {
        let cases = [
            ("\"id\":1234,", 5, Some((5, 9))),
            ("\"id\":12.34}", 5, Some((8, 10))),
            ("\"id\":12345,", 5, None),
            ("\"id\":123.45}", 5, None),
            ("\"1.2.3\"", 1, None),
            ("\"2.0\"", 1, Some((3, 4))),
            ("x = 5;", 4, Some((4, 5))),
            ("AB 1234,", 3, None),
            ("(555) 123", 1, None),
            ("(555, 1)", 1, Some((1, 4))),
            ("https://one.test/two/123\"", 21, Some((21, 24))),
            ("\"::/12\"", 4, None),
            ("\"12 Main\"", 1, None),
            ("\"12", 1, None),
        ];
        for (text, at, expect) in cases {
            let window = Window::whole(text.as_bytes());
            let end = window.run(at, text.len(), |byte| byte.is_ascii_alphanumeric());
            let found = number(&window, Span::new(at, end), 5);
            assert_eq!(found.map(|last| (last.start, last.end)), expect, "{text}");
        }
    }

    #[test]
    fn what_nobody_asks_about() {
        let cases = [
            ("2026-11-26", Everyday::Row(10)),
            ("2026-11-26T10:00:00Z,", Everyday::Row(20)),
            ("2026-11-26 10:00:00 INFO", Everyday::Row(19)),
            ("2026-11-26 1000", Everyday::Row(10)),
            ("2026-11-26T10:00:00.123456789+01:00 x", Everyday::Row(35)),
            ("2026-11-26 10:00:00,411111111111", Everyday::Row(10)),
            ("2026-11-26T10:00:00-4111111111111111", Everyday::Row(19)),
            ("2026-11-26 10:00 4111111111111111", Everyday::Row(16)),
            ("2026-13-26", Everyday::No),
            ("2026-11-2611", Everyday::No),
            ("550e8400-e29b-41d4-a716-446655440000", Everyday::Row(36)),
            ("550e8400-e29b-41d4-a716-44665544000", Everyday::No),
            ("12,", Everyday::Small),
            ("12 Main Street", Everyday::No),
            ("12.1", Everyday::No),
        ];
        for (text, expect) in cases {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
            let word = Span::new(0, end);
            assert_eq!(look(&Window::whole(text.as_bytes()), word, 5), expect, "{text}");
            let cut = Window { ended: false, ..Window::whole(&text.as_bytes()[..text.len() - 1]) };
            if text.len() == 10 && expect != Everyday::No {
                assert_eq!(look(&cut, word, 5), Everyday::Open, "{text}");
            }
        }
    }
}
