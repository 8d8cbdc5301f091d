//! Headers and cookies.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::look::{Inspection, Look};
use crate::engine::hit::Cluster;
use crate::finding::{Direction, Layer};
use crate::judge::Judge;
use crate::scanner::Scanner;

/// MCP 2026-07-28: text that a header cannot carry is wrapped like this.
const WRAP: (&str, &str) = ("=?base64?", "?=");

/// What a cookie is by design, for the one who set it: a credential of no other's making.
const OWN: [&str; 4] = ["secret.basic", "secret.bearer", "secret.generic", "secret.jwt"];

/// One header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header<'h> {
    /// Its name, in lower case.
    pub name: &'h str,
    /// Its value.
    pub value: &'h str,
}

impl Scanner {
    /// Looks at a header and gives its value again when something in it is redacted. A name cannot
    /// be, so what would be redacted there is blocked. Cookies are looked at pair by pair, wrapped
    /// text within its wrapping.
    pub fn redact_header(
        &self,
        header: Header<'_>,
        judge: &Judge,
        way: Direction,
    ) -> (Option<String>, Inspection) {
        let Header { name, value: text } = header;
        let is_cookie = matches!(name, "cookie" | "set-cookie");
        if !is_cookie && (is_date(text) || self.is_quiet(text)) && self.is_quiet(name) {
            return (None, Inspection::default());
        }
        let mut look = Look::new(self, (judge, way));
        let value = look.within(Layer::Header(name.to_owned()), |look| {
            look.frozen(|look| look.key(&mut name.to_owned()));
            if is_cookie { cookies(text, look) } else { value(text, look) }
        });
        (value, look.done())
    }
}

/// Whether the text is a date as headers have it, and nothing else: `Thu, 26 Nov 2026 17:22:04 GMT`
/// (RFC 9110 section 5.6.7). Every answer has one.
fn is_date(text: &str) -> bool {
    const FORM: &[u8] = b"Aaa, 99 Aaa 9999 99:99:99 GMT";
    text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(byte, form)| match form {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            form => byte == *form,
        })
}

fn value(text: &str, look: &mut Look<'_>) -> Option<String> {
    let (start, end) = WRAP;
    let inner = text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    let unwrapped = inner.and_then(|inner| String::from_utf8(STANDARD.decode(inner).ok()?).ok());
    if let Some(mut plain) = unwrapped {
        let changed = look.text(None, &mut plain);
        return changed.then(|| format!("{start}{}{end}", STANDARD.encode(plain)));
    }
    let mut text = text.to_owned();
    look.text(None, &mut text).then_some(text)
}

/// `name=value; name=value` (RFC 6265 sections 4.1 and 4.2).
fn cookies(text: &str, look: &mut Look<'_>) -> Option<String> {
    let beside = text.split(';').map(parts);
    let beside = beside.map(|(_, _, name, value)| (Some(name.trim()), Some(value)));
    let joined = look.joined(&beside.collect::<Vec<_>>());
    let mut changed = false;
    let pairs = text.split(';').enumerate().map(|(at, pair)| {
        let (space, pair, name, value) = parts(pair);
        let mut value = value.to_owned();
        changed |= look.within(Layer::Cookie(name.trim().to_owned()), |look| {
            look.frozen(|look| look.key(&mut name.to_owned()));
            let others = |mut found: Vec<Cluster>| {
                found.retain(|cluster| !OWN.contains(&cluster.best.class.as_str()));
                found
            };
            let found = others(look.find_beside(None, &value, joined.of(at)));
            let find = |look: &Look<'_>, value: &str| others(look.find(None, value));
            look.settle(found, &mut value, &find)
        });
        match pair.contains('=') {
            true => format!("{space}{name}={value}"),
            false => format!("{space}{value}"),
        }
    });
    let text = pairs.collect::<Vec<_>>().join(";");
    changed.then_some(text)
}

/// A pair: the space before it, the whole, its name, its value.
fn parts(pair: &str) -> (&str, &str, &str, &str) {
    let start = pair.len() - pair.trim_start().len();
    let (space, pair) = pair.split_at(start);
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    (space, pair, name, value)
}
