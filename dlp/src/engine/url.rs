//! User information in URLs: `scheme://user:password@host`.
use super::boundary::is_word;
use super::checks::entropy;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const LITERAL: &str = "://";
pub(crate) const DETECTOR: &str = "url-credentials";
pub(crate) const CLASS: &str = "secret.url_credentials";
/// Longer user information is none that a client sends.
pub(crate) const USERINFO_BYTES: usize = 256;

/// Looks behind the `://` at `at`.
pub(crate) fn check(window: &Window<'_>, at: usize) -> Outcome {
    let start = at + LITERAL.len();
    if !window.before(at).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return Outcome::Nothing;
    }
    let end = window.run(start, USERINFO_BYTES, in_authority);
    if window.dry(end) && end < start + USERINFO_BYTES {
        return Outcome::Open(Open { from: start, serious: end > start });
    }
    let authority = window.part(start, end);
    let Some(length) = memchr::memrchr(b'@', authority) else { return Outcome::Nothing };
    let user = window.part(start, start + length);
    let host = window.part(start + length + 1, end);
    let Some(grade) = grade(user, host) else { return Outcome::Nothing };
    Outcome::Hit(Hit::new(
        (DETECTOR, CLASS),
        grade,
        Span::new(start, start + length),
        ("[REDACTED]", Rank::Shape),
    ))
}

/// Whether what stands behind a `://` may be the beginning of user information.
pub(crate) fn goes_on(rest: &[u8]) -> bool {
    rest.len() <= USERINFO_BYTES && rest.iter().all(|byte| in_authority(*byte))
}

/// Whether `at` stands in the user information of a URL.
pub(crate) fn is_in_userinfo(window: &Window<'_>, at: usize) -> bool {
    let start = window.run_back(at, USERINFO_BYTES, in_authority);
    window.part(start.saturating_sub(LITERAL.len()), start) == LITERAL.as_bytes()
}

fn grade(user: &[u8], host: &[u8]) -> Option<Grade> {
    if user.is_empty() || !host.first().is_some_and(|byte| is_word(*byte) || *byte == b'[') {
        return None;
    }
    let password = memchr::memchr(b':', user).and_then(|colon| user.get(colon + 1..));
    match password {
        // `https://<token>:@host`: a token in the place of the user.
        Some([]) if is_token(user) => Some(Grade::Likely),
        // `$PASSWORD`, `{password}`, `%s`, `****`: the place of a password.
        Some(password) if password.is_empty() || is_blank(password) => Some(Grade::Possible),
        Some(_) => Some(Grade::Likely),
        // `ssh://git@host` names an account that everyone uses.
        None if matches!(user, b"git" | b"hg" | b"svn" | b"anonymous" | b"root" | b"user") => None,
        None if is_variable(user) => None,
        None => Some(Grade::Likely),
    }
}

/// Whether it stands for a password, as in a manual.
fn is_blank(password: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 3] = [b"your", b"replace", b"change"];
    const WORDS: [&[u8]; 3] = [b"password", b"mypassword", b"passwd"];
    let begins = |word: &&[u8]| {
        password.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    is_variable(password)
        || BEGINNINGS.iter().any(begins)
        || WORDS.iter().any(|word| password.eq_ignore_ascii_case(word))
        || password.first().is_some_and(|first| password.iter().all(|byte| byte == first))
}

/// Whether no person is called so.
fn is_token(user: &[u8]) -> bool {
    const SHORTEST: usize = 16;
    let any = |is: fn(&u8) -> bool| user.iter().any(is);
    user.len() > SHORTEST
        && any(u8::is_ascii_digit)
        && any(u8::is_ascii_alphabetic)
        && !is_variable(user)
        && entropy(user) >= 3.0
}

fn is_variable(text: &[u8]) -> bool {
    text.starts_with(b"$")
        || text.starts_with(b"%")
        || text.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'))
}

fn in_authority(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !byte.is_ascii_control()
        && !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'[' | b']' | b'\\')
        && !matches!(byte, b'`' | b'{' | b'}' | b'|' | b'^' | b'(' | b')' | b',' | b';')
}
