//! Mail addresses, found by their `@`.
use super::boundary::{Side, after, tag_before};
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window, url};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "email";
pub(crate) const CLASS: &str = "contact.email";
/// RFC 5321 section 4.5.3.1.1.
const LOCAL_BYTES: usize = 64;
/// RFC 1035 section 2.3.4.
const DOMAIN_BYTES: usize = 253;

/// Looks around the `@` at `at`.
pub(crate) fn check(window: &Window<'_>, at: usize) -> Outcome {
    let start = window.run_back(at, LOCAL_BYTES, in_local);
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
    // A full stop or a hyphen at the end belongs to the sentence.
    let end = end - window.part(domain, end).iter().rev().take_while(|b| b"-.".contains(b)).count();
    let Some(grade) = grade(local, window.part(domain, end)) else { return Outcome::Nothing };
    Outcome::Hit(Hit::new(
        (DETECTOR, CLASS),
        grade,
        Span::new(start, end),
        ("[REDACTED:EMAIL]", Rank::Shape),
    ))
}

/// Where the last word begins, which an `@` may make a mail address.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let start = window.run_back(window.len(), LOCAL_BYTES, in_local);
    let whole = !window.before(start).is_some_and(in_local);
    (whole && start < window.len()).then_some(Open { from: start, serious: false })
}

fn grade(local: &[u8], domain: &[u8]) -> Option<Grade> {
    let mut labels = domain.split(|byte| *byte == b'.').rev();
    let top = labels.next()?;
    let right = labels.next().is_some_and(|label| !label.is_empty())
        && top.len() >= 2
        && (top.iter().all(u8::is_ascii_alphabetic) || top.starts_with(b"xn--"))
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

fn in_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

fn in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}
