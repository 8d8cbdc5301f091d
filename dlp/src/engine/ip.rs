//! Addresses of machines: IPv4 and IPv6 in all forms of RFC 4291, with the length of a prefix or
//! without.
use std::net::{Ipv4Addr, Ipv6Addr};

use super::boundary::{Side, is_word, tag_after, tag_before};
use super::context::{Cue, told};
use super::glance::Glance;
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "ip-address";
pub(crate) const CLASS: &str = "network.ip";

/// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`
const BYTES: usize = 45;
/// `255.255.255.255`
const V4_BYTES: usize = 15;

const CUE: Cue = Cue::new(
    &[
        "ip", "ips", "ipv", "cidr", "gateway", "dns", "inet", "loopback", "route", "routes",
        "prefix", "netmask", "vlan", "vpc", "proxy",
    ],
    &[
        "ipaddr",
        "addr",
        "subnet",
        "network",
        "nameserver",
        "host",
        "server",
        "client",
        "remote",
        "peer",
        "forwarded",
    ],
);

/// A point or a colon stands beside each part of an address.
pub(crate) fn may_be(glance: &Glance) -> bool {
    glance.length <= 4 && (glance.before == Some(b'/') || glance.beside(b".:"))
}

/// Looks at the word: does an address begin with it, or around it?
pub(crate) fn check(window: &Window<'_>, word: Span) -> Outcome {
    if word.end - word.start > 4 {
        return Outcome::Nothing;
    }
    match v6(window, word) {
        Outcome::Nothing => v4(window, word.start),
        found => found,
    }
}

/// Where the text ends with what may be the beginning of an IPv6 address: its colons.
pub(crate) fn tail(window: &Window<'_>) -> Option<Open> {
    let end = window.run_back(window.len(), 1, |byte| byte == b'/');
    let start = window.run_back(end, BYTES, in_v6);
    let colon = window.part(start, end).contains(&b':');
    colon.then_some(Open { from: start, serious: false })
}

fn v4(window: &Window<'_>, start: usize) -> Outcome {
    match window.before(start) {
        Some(b']') if tag_before(window, start) => return Outcome::Nothing,
        Some(b'_' | b'.' | b'$') => return Outcome::Nothing,
        // A range goes on from an address; a name with a version does not.
        Some(b'-') if !window.before(start - 1).is_some_and(|byte| byte.is_ascii_digit()) => {
            return Outcome::Nothing;
        }
        _ => {}
    }
    // Most are a version or a price: no more than one point.
    let row = window.run(start, V4_BYTES, |byte| byte.is_ascii_digit() || byte == b'.');
    let points = window.part(start, row).iter().filter(|byte| **byte == b'.').count();
    if points < 3 && !window.dry(row) {
        return Outcome::Nothing;
    }
    let mut octets = [0_u8; 4];
    let mut at = start;
    for (number, slot) in octets.iter_mut().enumerate() {
        let end = window.run(at, 4, |byte| byte.is_ascii_digit());
        if window.dry(end) {
            return Outcome::Open(Open { from: start, serious: number > 1 });
        }
        let Some(octet) = octet(window.part(at, end)) else { return Outcome::Nothing };
        *slot = octet;
        at = end;
        if number < 3 {
            if window.byte(at) != Some(b'.') {
                return Outcome::Nothing;
            }
            at += 1;
        }
    }
    let open = Outcome::Open(Open { from: start, serious: true });
    match goes_on(window, at) {
        Side::Unknown => return open,
        Side::Taken => return Outcome::Nothing,
        Side::Free => {}
    }
    let Some(end) = prefix(window, at, 32) else { return open };
    let grade = v4_grade(window, start, Ipv4Addr::from(octets), end > at);
    hit(Span::new(start, end), grade)
}

/// An octet as it is written: no zero before it, which some read as octal.
fn octet(digits: &[u8]) -> Option<u8> {
    let plain = digits.first() != Some(&b'0') || digits.len() == 1;
    let value = |sum: Option<u8>, digit: &u8| {
        sum?.checked_mul(10)?.checked_add(digit.checked_sub(b'0').filter(|digit| *digit < 10)?)
    };
    if digits.is_empty() || !plain { None } else { digits.iter().fold(Some(0), value) }
}

/// Whether something goes on behind an address: a fifth number, a letter, the name of a version.
fn goes_on(window: &Window<'_>, at: usize) -> Side {
    match window.byte(at) {
        None if window.dry(at) => Side::Unknown,
        Some(b'[') => tag_after(window, at),
        Some(b'.' | b'-') if window.dry(at + 1) => Side::Unknown,
        Some(b'.') if window.byte(at + 1).is_some_and(is_word) => Side::Taken,
        Some(b'.' | b'-') if window.byte(at + 1) == Some(b'[') => tag_after(window, at + 1),
        Some(b'-') if window.byte(at + 1).is_some_and(|byte| byte.is_ascii_alphabetic()) => {
            Side::Taken
        }
        Some(byte) if is_word(byte) => Side::Taken,
        _ => Side::Free,
    }
}

/// Where the address ends with the length of a prefix, if one is there; `None` when that is not
/// clear yet.
fn prefix(window: &Window<'_>, at: usize, longest: u8) -> Option<usize> {
    if window.byte(at) != Some(b'/') {
        return Some(at);
    }
    let end = window.run(at + 1, 4, |byte| byte.is_ascii_digit());
    if window.dry(end) {
        return None;
    }
    let length = octet(window.part(at + 1, end)).filter(|length| *length <= longest);
    let free = !window.byte(end).is_some_and(|byte| is_word(byte) || byte == b'/');
    Some(if length.is_some() && free { end } else { at })
}

fn v4_grade(window: &Window<'_>, start: usize, address: Ipv4Addr, prefixed: bool) -> Grade {
    if is_version(window, start) {
        return Grade::Possible;
    }
    // Everyone's own address tells nothing of anyone.
    if address.is_loopback() || address.is_unspecified() || address.is_broadcast() {
        return if prefixed { Grade::Likely } else { Grade::Possible };
    }
    if prefixed || told(window, start, &CUE) {
        return Grade::Likely;
    }
    // `1.2.3.4` is a version far more often than an address.
    let small = !address.is_private() && address.octets().iter().all(|octet| *octet < 32);
    if small { Grade::Possible } else { Grade::Likely }
}

/// Whether what stands right before says that a version follows: its name, or the mark that a
/// requirement has.
fn is_version(window: &Window<'_>, start: usize) -> bool {
    let name = window.run_back(start, 6, |byte| {
        matches!(
            byte,
            b' ' | b'"' | b'\'' | b':' | b'=' | b'\\' | b'(' | b'@' | b'~' | b'^' | b'<' | b'>'
        )
    });
    let signs = window.part(name, start);
    let required = signs.iter().any(|byte| matches!(byte, b'@' | b'~' | b'^' | b'<' | b'>'))
        || memchr::memmem::find(signs, b"==").is_some();
    let word = window.part(window.run_back(name, 12, |byte| byte.is_ascii_alphabetic()), name);
    let named = [&b"version"[..], b"ver", b"v", b"release", b"build", b"revision"];
    let path = window.before(start) == Some(b'/') && window.before(start - 1) != Some(b'/');
    required
        || path
        || named.iter().any(|known| {
            word.len()
                .checked_sub(known.len())
                .and_then(|at| word.get(at..))
                .is_some_and(|part| part.eq_ignore_ascii_case(known))
        })
}

fn v6(window: &Window<'_>, word: Span) -> Outcome {
    // `::/0` has no digit but in the length of its prefix.
    let anchor = match window.before(word.start) {
        Some(b'/') => word.start - 1,
        _ => word.start,
    };
    let near = window.before(anchor) == Some(b':')
        || window.byte(word.end) == Some(b':')
        || window.dry(word.end);
    // One colon is what stands before a value: `"id":1234`.
    let single = window.byte(word.end) != Some(b':')
        && anchor.checked_sub(1).is_none_or(|at| !window.before(at).is_some_and(in_v6));
    if !near || (single && !window.dry(word.end)) {
        return Outcome::Nothing;
    }
    let start = window.run_back(anchor, BYTES, in_v6);
    // The first word with a digit speaks for all.
    if start < window.floor || window.part(start, anchor).iter().any(u8::is_ascii_digit) {
        return Outcome::Nothing;
    }
    let belongs =
        |byte: &u8| if anchor < word.start { byte.is_ascii_digit() } else { in_v6(*byte) };
    if !window.part(word.start, word.end).iter().all(belongs) {
        return Outcome::Nothing;
    }
    if window.dry(word.end) {
        return Outcome::Open(Open { from: start, serious: word.end - start > 8 });
    }
    match window.before(start) {
        Some(b']') if tag_before(window, start) => return Outcome::Nothing,
        Some(byte) if is_word(byte) || byte == b'-' => return Outcome::Nothing,
        _ => {}
    }
    let end = window.run(start, BYTES + 1, in_v6);
    if end - start > BYTES {
        return Outcome::Nothing;
    }
    if window.dry(end) {
        return Outcome::Open(Open { from: start, serious: end - start > 8 });
    }
    // A tag stands where the address may have gone on.
    match tag_after(window, end) {
        Side::Unknown => return Outcome::Open(Open { from: start, serious: true }),
        Side::Taken => return Outcome::Nothing,
        Side::Free => {}
    }
    let text = window.part(start, end);
    let Some((address, length)) = parse(text) else { return Outcome::Nothing };
    let at = start + length;
    let open = Outcome::Open(Open { from: start, serious: true });
    match goes_on(window, at) {
        Side::Unknown => return open,
        Side::Taken => return Outcome::Nothing,
        Side::Free => {}
    }
    let Some(end) = prefix(window, at, 128) else { return open };
    let text = window.part(start, at);
    // `[::2]` and `a[1::2]` are steps of a slice in source code; `::1` is everyone's own.
    let digits = text.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    let told = end > at || told(window, start, &CUE);
    let grade = if told || (digits > 4 && !address.is_loopback() && !is_bytes(text)) {
        Grade::Likely
    } else {
        Grade::Possible
    };
    hit(Span::new(start, end), grade)
}

/// The address that the text is, without the point or colon that ends a sentence, and its length.
fn parse(text: &[u8]) -> Option<(Ipv6Addr, usize)> {
    // Two colons in a row, or seven: a time has two apart.
    let colons = text.iter().filter(|byte| **byte == b':').count();
    if colons < 6 && memchr::memmem::find(text, b"::").is_none() {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let ends = [text, text.trim_end_matches('.'), text.strip_suffix(':').unwrap_or(text)];
    ends.iter().find_map(|text| Some((text.parse().ok()?, text.len())))
}

/// Eight pairs: the bytes of something, such as the longer kind of a hardware address.
fn is_bytes(text: &[u8]) -> bool {
    text.split(|byte| *byte == b':').all(|group| group.len() == 2)
}

fn in_v6(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

fn hit(span: Span, grade: Grade) -> Outcome {
    Outcome::Hit(Hit::new((DETECTOR, CLASS), grade, span, ("[REDACTED:IP]", Rank::Shape)))
}
