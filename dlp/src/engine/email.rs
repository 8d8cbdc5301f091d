//! Mail addresses, found by their `@`.
use super::boundary::{Side, after, is_word, tag_after, tag_before};
use super::hit::Rank;
use super::window::ends_escape;
use super::{Hit, Open, Outcome, Span, Window, url};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "email";
pub(crate) const CLASS: &str = "contact.email";
/// What people write for the `@`.
pub(crate) const LITERALS: [&str; 4] = ["[at]", "(at)", "{at}", "[@]"];
/// The first byte of letters in full width, which no domain has.
const FULL_WIDTH: u8 = 0xEF;
/// RFC 5321 section 4.5.3.1.1.
const LOCAL_BYTES: usize = 64;
/// RFC 1035 section 2.3.4.
const DOMAIN_BYTES: usize = 253;

/// Looks around the `@` at `at`.
pub(crate) fn check(window: &Window<'_>, at: usize) -> Outcome {
    let start = quoted(window, at).unwrap_or_else(|| local(window, at));
    let cut = window.before(start).is_some_and(in_local) || start < window.floor;
    if cut || tag_before(window, start) {
        return Outcome::Nothing;
    }
    let domain = at + 1;
    let end = window.run(domain, DOMAIN_BYTES, in_domain);
    if window.dry(end) && end < domain + DOMAIN_BYTES {
        let serious = start < at;
        return Outcome::Open(Open { from: start, serious });
    }
    let local = window.part(start, at);
    if local.is_empty() || url::is_in_userinfo(window, at) {
        return Outcome::Nothing;
    }
    match after(window, end, |byte| byte == b'@' || byte == b'_') {
        Side::Taken => return Outcome::Nothing,
        Side::Unknown => return Outcome::Open(Open { from: start, serious: true }),
        Side::Free => {}
    }
    if let Some((end, grade)) = graded(window, local, domain, end) {
        return hit(Span::new(start, end), grade);
    }
    // A domain in letters of its own (RFC 6531), where the plain ones make none.
    if window.byte(end).is_none_or(|byte| byte.is_ascii() || byte == FULL_WIDTH) {
        return Outcome::Nothing;
    }
    let end = window.run(domain, DOMAIN_BYTES, |byte| in_domain(byte) || is_letter(byte));
    if window.dry(end) && end < domain + DOMAIN_BYTES {
        return Outcome::Open(Open { from: start, serious: true });
    }
    match graded(window, local, domain, end) {
        Some((end, grade)) => hit(Span::new(start, end), grade),
        None => Outcome::Nothing,
    }
}

/// Where a local part in quotes begins that ends before `at` (RFC 5321 section 4.1.2):
/// `"first last"@example.com`.
fn quoted(window: &Window<'_>, at: usize) -> Option<usize> {
    let close = at.checked_sub(1).filter(|close| window.byte(*close) == Some(b'"'))?;
    let inner = window.run_back(close, LOCAL_BYTES, in_quotes);
    let open = inner.checked_sub(1).filter(|open| window.byte(*open) == Some(b'"'))?;
    let opens = window.before(open).is_none_or(|byte| b" \t\r\n<:=,([\\>".contains(&byte));
    let told = window.part(inner, close).iter().any(u8::is_ascii_alphanumeric);
    (opens && told).then_some(open)
}

/// Looks around the `[at]` at `at`: an address that people write so that machines do not read it.
pub(crate) fn disguised(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let before = window.run_back(at, 1, |byte| byte == b' ');
    let start = local(window, before);
    let cut = window.before(start).is_some_and(in_local) || start < window.floor;
    if start == before || cut || tag_before(window, start) {
        return Outcome::Nothing;
    }
    let open = Outcome::Open(Open { from: start, serious: true });
    let mut at = window.run(at + length, 1, |byte| byte == b' ');
    let mut labels = 0;
    let mut end = at;
    // A domain has as many labels as its length allows; nobody spells out more than these.
    for _ in 0..6 {
        let label = window.run(at, 63, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if window.dry(label) {
            return open;
        }
        if label == at {
            break;
        }
        // A tag stands where the label may have gone on.
        match tag_after(window, label) {
            Side::Unknown => return open,
            Side::Taken => return Outcome::Nothing,
            Side::Free => {}
        }
        labels += 1;
        end = label;
        match dot(window, label) {
            Dot::Open => return open,
            Dot::None => break,
            Dot::Until(next) => at = next,
        }
    }
    let top = window.run_back(end, 63, |byte| byte.is_ascii_alphabetic());
    // A label of the longest length is cut.
    let told = labels > 1 && end - top >= 2 && !window.byte(end).is_some_and(is_word);
    if told { hit(Span::new(start, end), Grade::Likely) } else { Outcome::Nothing }
}

enum Dot {
    None,
    Open,
    Until(usize),
}

/// What stands between two labels of a disguised address.
fn dot(window: &Window<'_>, at: usize) -> Dot {
    const DOTS: [&[u8]; 9] =
        [b".", b" [dot] ", b"[dot]", b" (dot) ", b"(dot)", b" {dot} ", b"{dot}", b" dot ", b"[.]"];
    for dot in DOTS {
        let part = window.part(at, at + dot.len());
        if part.eq_ignore_ascii_case(dot) {
            return Dot::Until(at + dot.len());
        }
        let begun = dot.get(..part.len()).is_some_and(|dot| dot.eq_ignore_ascii_case(part));
        if begun && window.dry(at + part.len()) {
            return Dot::Open;
        }
    }
    Dot::None
}

fn hit(span: Span, grade: Grade) -> Outcome {
    Outcome::Hit(Hit::new((DETECTOR, CLASS), grade, span, ("[REDACTED:EMAIL]", Rank::Shape)))
}

/// Where the address ends, and its grade. A full stop or a hyphen at the end belongs to the
/// sentence.
fn graded(window: &Window<'_>, local: &[u8], domain: usize, end: usize) -> Option<(usize, Grade)> {
    let end = end - window.part(domain, end).iter().rev().take_while(|b| b"-.".contains(b)).count();
    Some((end, grade(local, window.part(domain, end))?))
}

/// Where the last word begins, which an `@` may make a mail address, or an `[at]`.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let mut end = window.len();
    for literal in LITERALS {
        // The longest beginning of ` [at]` that the text ends with.
        let begun = (1..literal.len()).rev().find(|length| {
            let start = window.len().saturating_sub(*length);
            literal
                .as_bytes()
                .get(..*length)
                .is_some_and(|part| window.part(start, window.len()).eq_ignore_ascii_case(part))
        });
        end = end.min(window.len() - begun.unwrap_or(0));
    }
    end = window.run_back(end, 1, |byte| byte == b' ');
    let start = window.run_back(end, LOCAL_BYTES, in_local);
    let whole = !window.before(start).is_some_and(in_local);
    let bare = (whole && start < end).then_some(start);
    let from = bare.into_iter().chain(quoted_tail(window)).min()?;
    Some(Open { from, serious: false })
}

/// Where the text ends with what may be the quotes of a local part.
fn quoted_tail(window: &Window<'_>) -> Option<usize> {
    let closed = window.before(window.len()) == Some(b'"');
    let end = window.len() - usize::from(closed);
    let inner = window.run_back(end, LOCAL_BYTES, in_quotes);
    let open = inner.checked_sub(1).filter(|open| window.byte(*open) == Some(b'"'));
    open.or(closed.then_some(end))
}

fn grade(local: &[u8], domain: &[u8]) -> Option<Grade> {
    let mut labels = domain.split(|byte| *byte == b'.').rev();
    let top = labels.next()?;
    let right = labels.next().is_some_and(|label| !label.is_empty())
        && top.len() >= 2
        && (top.iter().all(|byte| byte.is_ascii_alphabetic() || is_letter(*byte))
            || top.starts_with(b"xn--"))
        && domain.split(|byte| *byte == b'.').all(is_label);
    let dots = local.starts_with(b".") || local.ends_with(b".");
    let dots = dots || local.windows(2).any(|pair| pair == b"..");
    if !right || dots || is_file_ending(top) {
        return None;
    }
    // `git@github.com:owner/name` is the address of a repository.
    if local == b"git" || !local.iter().any(u8::is_ascii_alphanumeric) {
        return Some(Grade::Possible);
    }
    Some(Grade::Likely)
}

fn is_label(label: &[u8]) -> bool {
    !label.is_empty() && !label.starts_with(b"-") && !label.ends_with(b"-")
}

/// `icon@2x.png` and the like.
fn is_file_ending(top: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 14] = [
        b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"js", b"ts", b"css", b"json", b"html",
        b"tgz", b"service", b"yaml",
    ];
    ENDINGS.iter().any(|ending| top.eq_ignore_ascii_case(ending))
}

/// A byte of a letter beyond ASCII.
fn is_letter(byte: u8) -> bool {
    byte >= 0x80 && byte != FULL_WIDTH
}

/// Where the local part begins that ends at a place, without the letter of an escaped line end.
fn local(window: &Window<'_>, end: usize) -> usize {
    let start = window.run_back(end, LOCAL_BYTES, in_local);
    start + usize::from(start < end && ends_escape(window.text, start + 1))
}

fn in_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

/// What stands between the quotes of a local part, and not between two strings of source code.
fn in_quotes(byte: u8) -> bool {
    !byte.is_ascii_control() && !b"\"<>,;:+()[]{}".contains(&byte)
}

fn in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}
