//! Tokens, prints and masks, recognised again.
//!
//! A token is `tok_<class>_` and 26 characters of lower-case base32 (RFC 4648 section 6, without
//! padding): the first 128 bits of an HMAC-SHA-256. A print is `hmac_<class>_` and 32 hexadecimal
//! digits. Neither holds a byte that JSON, a URL, a form or XML would have to escape.
//!
//! What this crate has put somewhere is not found again, or a second pass would change what the
//! first one wrote.
use std::sync::Arc;

use crate::class::Class;
use crate::engine::boundary;
use crate::engine::hit::Rank;
use crate::engine::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;
use crate::name::Name;

/// What a token begins with.
pub(crate) const TOKEN: &str = "tok_";
/// What a print begins with.
pub(crate) const PRINT: &str = "hmac_";
/// The detector that tells of both. It is in no catalogue: what it finds is ours.
pub(crate) const DETECTOR: &str = "mark";

/// How much of an HMAC is kept: 128 bits meet no other value by chance.
pub(crate) const SIGN_BYTES: usize = 16;
/// What masks of secrets end in.
const MASK: &[u8] = super::mask::HIDDEN.as_bytes();
const BASE32_CHARS: usize = 26;
const HEX_CHARS: usize = 32;
/// The longest number that is masked, with its separators.
const MASKED_BYTES: usize = 40;
/// A class and its signature; longer is no mark.
const BODY_BYTES: usize = 128;

/// Looks whether a mark begins with the literal at `at`, `literal` bytes long. Whatever stands
/// around it: a finding is replaced wherever it stands.
pub(crate) fn check(window: &Window<'_>, at: usize, literal: usize) -> Outcome {
    let start = at + literal;
    let end = window.run(start, BODY_BYTES, |byte| boundary::is_word(byte) || byte == b'.');
    let token = window.part(at, start).eq_ignore_ascii_case(TOKEN.as_bytes());
    let Ok(text) = std::str::from_utf8(window.part(at, end)) else { return Outcome::Nothing };
    let Some((class, length)) = text.get(literal..).and_then(|body| signed(body, token)) else {
        let open = window.dry(end) && end < start + BODY_BYTES;
        return if open {
            Outcome::Open(Open { from: at, serious: true })
        } else {
            Outcome::Nothing
        };
    };
    let end = start + length;
    let text = text.get(..literal + length).unwrap_or_default();
    let mut hit = Hit::new(
        (DETECTOR, Class::from(Name::from(Arc::<str>::from(class)))),
        Grade::Certain,
        Span::new(at, end),
        // It stands for itself where nothing is given back.
        (Name::from(Arc::<str>::from(text)), Rank::Token),
    );
    // A print cannot be undone, so that nothing is told of it.
    hit.echo = !token;
    Outcome::Hit(hit)
}

/// The class in `family.kind_<signature>…`, and how long that is with its signature.
fn signed(body: &str, token: bool) -> Option<(&str, usize)> {
    let chars = if token { BASE32_CHARS } else { HEX_CHARS };
    let digit = |byte: u8| match token {
        true => matches!(byte, b'a'..=b'z' | b'2'..=b'7'),
        false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    body.match_indices('_').find_map(|(at, _)| {
        let (class, sign) = (body.get(..at)?, body.get(at + 1..at + 1 + chars)?);
        (sign.bytes().all(digit) && is_class(class)).then_some((class, at + 1 + chars))
    })
}

/// Whether this is a class: a family, a dot, a kind, of lower-case letters, digits and `_`.
pub(crate) fn is_class(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.len() <= 64
        && text.split_once('.').is_some_and(|(family, kind)| part(family) && part(kind))
}

/// Whether the beginning of a mark is a word that many texts end in: it is not waited with.
pub(crate) fn is_word(beginning: &[u8]) -> bool {
    beginning.eq_ignore_ascii_case(b"to")
}

/// Whether a hit is a mark and no finding.
pub(crate) fn is_mark(hit: &Hit) -> bool {
    hit.detector == DETECTOR
}

/// Whether a name holds a mark, whose class would make it a telling one.
pub(crate) fn holds(name: &[u8]) -> bool {
    let window = Window::whole(name);
    [TOKEN, PRINT].iter().any(|literal| {
        let mut parts = name.windows(literal.len()).enumerate();
        parts.any(|(at, part)| {
            part == literal.as_bytes()
                && matches!(check(&window, at, literal.len()), Outcome::Hit(_))
        })
    })
}

/// Takes out what was found in a mark or a mask. What stood there in another writing stays: a
/// mark is never written in one.
pub(crate) fn settle(window: &Window<'_>, hits: &mut Vec<Hit>) {
    let marks: Vec<Span> = hits.iter().filter(|hit| is_mark(hit)).map(Hit::claim).collect();
    hits.retain(|hit| {
        if is_mark(hit) || !hit.via.is_empty() {
            return true;
        }
        let secret = hit.secret;
        // Right behind a mark it goes on from what stood there, as behind a tag.
        let joined = |mark: &Span| match secret.start.checked_sub(mark.end) {
            Some(0) => true,
            Some(1) => window.byte(mark.end).is_some_and(|byte| b"-.".contains(&byte)),
            _ => false,
        };
        let marked = marks
            .iter()
            .any(|mark| (mark.start < secret.end && secret.start < mark.end) || joined(mark));
        let text = window.part(secret.start, secret.end);
        // What is too weak to act on may have become shorter, and so a little more likely.
        let weak = hit.grade == Grade::Possible && memchr::memmem::find(text, b"***").is_some();
        !marked && !weak && !is_masked(text) && !is_behind_mask(window, secret.start)
    });
}

/// Whether the last characters that a mask kept stand at `start`: they go on from what is hidden.
fn is_behind_mask(window: &Window<'_>, start: usize) -> bool {
    let from = window.run_back(start, MASKED_BYTES, |byte| b"* -.".contains(&byte));
    let hidden = window.part(from, start);
    hidden.ends_with(b"*") && hidden.iter().filter(|byte| **byte == b'*').count() >= MASK.len()
}

/// Whether this is what [`super::mask`] writes: signs, stars, and so few letters that nobody could
/// hide a secret in it.
fn is_masked(secret: &[u8]) -> bool {
    let stars = secret.iter().filter(|byte| **byte == b'*').count();
    if stars < 3 {
        return false;
    }
    let kept = secret.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"* -./:()+,_@".contains(byte);
    if !secret.iter().all(plain) {
        return false;
    }
    // A mail address keeps two letters and its domain.
    let at = secret.windows(4).position(|part| part == b"***@");
    at.is_some_and(|at| at <= 2) || kept == 0 || (stars >= 6 && kept <= 6)
}

/// Base32 of RFC 4648 section 6, lower case, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    data_encoding::BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

/// Hexadecimal digits, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
