//! Values behind telling names: `password=…`, `"api_key": "…"`, `TOKEN := '…'`, `<secret>…<`.
use super::boundary::{Side, is_in_tag, is_word, tag_after, tag_before};
use super::hit::Rank;
use super::key::{SIDE_BYTES, Strength, rfind, strength};
use super::value::{self, Written};
use super::{Hit, Open, Outcome, Span, Window, checks, paired, written};

pub(crate) const DETECTOR: &str = "assigned-secret";
pub(crate) const CLASS: &str = "secret.generic";
pub(crate) const AWS_CLASS: &str = "secret.aws_secret_key";

/// The longest value that is looked at; a longer one is cut here and the rest stays.
pub(crate) const VALUE_BYTES: usize = 1024;
/// Blanks, quotes and signs between a name and its value.
pub(super) const SIGN_BYTES: usize = 24;
/// The signs between a member's name and its value: `":"`.
const VALUE_SIGNS: usize = 3;
/// The colon of Chinese and Japanese texts.
const WIDE_COLON: &[u8] = "\u{ff1a}".as_bytes();
/// A quote in HTML.
const HTML_QUOTE: &[u8] = b"&quot;";
/// `The password is …`, in several languages.
const IS: [&[u8]; 7] = [b"is", b"was", b"ist", b"est", b"es", b"to", b"BY"];

/// Base64 of this length behind a telling name is shown as what it is.
const BASE64_BYTES: usize = 40;

/// A value and how it stands behind its name.
struct Assigned {
    value: Span,
    /// Where the value ends with its quote.
    close: usize,
    written: Written,
}

enum Found {
    Nothing,
    Open(Open),
    Value(Assigned),
}

impl Found {
    /// What reaches from `value` to the end of the window.
    fn rest(window: &Window<'_>, value: usize) -> Self {
        let value = Span::new(value, window.len());
        Self::Value(Assigned { value, close: value.end, written: Written::Quoted })
    }

    /// The same as an option of a command is: less is a secret.
    fn optional(self) -> Self {
        match self {
            Self::Value(value) => Self::Value(Assigned { written: Written::Option, ..value }),
            other => other,
        }
    }
}

/// Looks at the name that holds the root at `at`, `root` bytes long. Gives also where the name
/// ends, so that it is looked at once.
pub(crate) fn check(window: &Window<'_>, at: usize, root: usize) -> (usize, Outcome) {
    let start = window.run_back(at, SIDE_BYTES, in_name);
    let end = window.run(at + root, SIDE_BYTES, in_name);
    if window.dry(end) {
        return (end, Outcome::Open(Open { from: end, serious: false }));
    }
    let name = window.part(start, end);
    // `-` and `.` at the end are not the name's: `password-->`.
    let Some(strength) = strength(name) else { return (end, Outcome::Nothing) };
    // `'/forgot-password' => …`: a path.
    let root = |at| !window.before(at).is_some_and(|byte: u8| byte.is_ascii_alphanumeric());
    // `checksum/secret: …`: an annotation.
    let path = window.before(start) == Some(b'/')
        && (root(start - 1) || window.part(start.saturating_sub(9), start) == b"checksum/");
    if in_resource(window, start)
        || start < window.floor
        || tag_before(window, start)
        || is_in_tag(window, start, end)
    {
        return (end, Outcome::Nothing);
    }
    let found = if path { Found::Nothing } else { find(window, start, end) };
    let found = if let Found::Nothing = found { beside(window, start, end) } else { found };
    let outcome = match found {
        Found::Nothing => Outcome::Nothing,
        Found::Open(open) => Outcome::Open(open),
        Found::Value(assigned) => judge(window, name, strength, end, &assigned),
    };
    (end, outcome)
}

/// The value of a name that is a member of its own, in the member beside it.
fn beside(window: &Window<'_>, start: usize, end: usize) -> Found {
    let place = match paired::find(window, start, end) {
        paired::Place::Nowhere => return Found::Nothing,
        paired::Place::Open => return Found::Open(Open { from: end, serious: false }),
        paired::Place::At(place) => place,
    };
    let sign = Sign::read(window, place);
    let found = match (sign.kind, sign.quote) {
        (Kind::Open, _) => Found::Open(Open { from: end, serious: sign.end > place }),
        (Kind::Colon | Kind::Equals, _) if window.value == Some(sign.end) => {
            Found::rest(window, sign.end)
        }
        (Kind::Colon | Kind::Equals, Some(quote)) => quoted(window, end, &sign, quote),
        (Kind::Colon | Kind::Equals, None) => bare(window, end, sign.end, Written::Option, in_bare),
        (Kind::Element, _) => bare(window, end, sign.end, Written::Quoted, |byte| byte != b'<'),
        _ => Found::Nothing,
    };
    found.optional()
}

/// `arn:aws:secretsmanager:…:secret:name`: a part of what AWS names a thing by.
fn in_resource(window: &Window<'_>, start: usize) -> bool {
    const NAME_BYTES: usize = 96;
    window.before(start) == Some(b':') && {
        let begins =
            window.run_back(start, NAME_BYTES, |byte| is_word(byte) || b":-".contains(&byte));
        window.part(begins, start).starts_with(b"arn:")
    }
}

fn judge(
    window: &Window<'_>,
    name: &[u8],
    strength: Strength,
    name_end: usize,
    assigned: &Assigned,
) -> Outcome {
    let value = window.part(assigned.value.start, assigned.value.end);
    let Some(grade) = value::grade(value, strength, assigned.written) else {
        return Outcome::Nothing;
    };
    let sign = window.part(name_end, assigned.value.start);
    let spaced = sign.first() == Some(&b' ') || memchr::memmem::find(sign, b" =").is_some();
    let shouted = !name.iter().any(u8::is_ascii_lowercase);
    if written::repeats(name, value, assigned.written == Written::Quoted) {
        return Outcome::Nothing;
    }
    if assigned.written == Written::Bare && spaced && value.iter().all(u8::is_ascii_alphabetic) {
        // `user.password = hashedValue`: a name in source code.
        return Outcome::Nothing;
    }
    if assigned.written != Written::Quoted && written::is_expression(value, spaced, shouted) {
        return Outcome::Nothing;
    }
    let is_aws = rfind(name, b"aws").is_some() && rfind(name, b"secret").is_some();
    let encoded = value.len() >= BASE64_BYTES && checks::is_base64(value);
    let equals = window.part(name_end, assigned.value.start);
    let bare_name = equals.iter().all(|byte| matches!(byte, b' ' | b'=' | b'"' | b'\''));
    let wide = bare_name
        && equals.iter().filter(|byte| **byte == b'=').count() == 1
        && !matches!(equals.first(), Some(b'"' | b'\''));
    Outcome::Hit(Hit {
        wide: wide.then(|| Span::new(name_end, assigned.close)),
        ..Hit::new(
            (DETECTOR, if is_aws { AWS_CLASS } else { CLASS }),
            grade,
            assigned.value,
            (if encoded { "[REDACTED-BASE64]" } else { "[REDACTED]" }, Rank::Assignment),
        )
    })
}

/// Finds the value behind the name from `start` to `end`.
fn find(window: &Window<'_>, start: usize, end: usize) -> Found {
    // Right behind the name, not in the member behind the one that it is the value of.
    let signs = end + 1..=end + VALUE_SIGNS;
    if let Some(value) = window.value.filter(|value| signs.contains(value)) {
        return Found::rest(window, value);
    }
    let sign = Sign::read(window, end);
    match sign.kind {
        // A word that may be a type may be the value as well.
        Kind::Open => Found::Open(Open { from: end, serious: sign.end > end }),
        Kind::None => Found::Nothing,
        Kind::Element if window.before(start) != Some(b'<') => Found::Nothing,
        Kind::Comma if !(sign.name_quoted && sign.quote.is_some()) => Found::Nothing,
        Kind::Comma if is_value(window, start) => Found::Nothing,
        Kind::Element => bare(window, end, sign.end, Written::Quoted, |byte| byte != b'<'),
        // `"Password:", next: "…"`: the quote ends the text that the name is in.
        Kind::Colon | Kind::Equals if ends_text(window, start, &sign) => Found::Nothing,
        Kind::Comma => match sign.quote {
            // Names in a sentence.
            Some((b'`', _)) => Found::Nothing,
            Some(quote) => listed(window, (start, end), quoted(window, end, &sign, quote)),
            None => Found::Nothing,
        },
        Kind::Colon | Kind::Equals => match sign.quote {
            Some(quote) => quoted(window, end, &sign, quote),
            None => {
                let colon = sign.kind == Kind::Colon;
                let written = if colon { Written::Colon } else { Written::Bare };
                let crowded = is_crowded(window, start);
                bare(window, end, sign.end, written, |b| in_bare(b) && !(crowded && is_sign(b)))
            }
        },
        Kind::Blank => blank(window, start, end, &sign),
        Kind::Call => match sign.quote.filter(|_| takes(window.part(start, end))) {
            Some(quote) => given(window, end, quoted(window, end, &sign, quote)),
            None => Found::Nothing,
        },
    }
}

/// Whether what a call of this name is given is a secret: `withPassword`, `setApiKey`. What
/// `getSecret` is given names one, and `password.encode` is given something else.
fn takes(name: &[u8]) -> bool {
    const VERBS: [&[u8]; 11] = [
        b"get", b"find", b"read", b"load", b"fetch", b"has", b"is", b"list", b"remove", b"delete",
        b"revoke",
    ];
    const WORDS: [&[u8]; 11] = [
        b"password",
        b"passwd",
        b"pwd",
        b"passphrase",
        b"secret",
        b"token",
        b"apikey",
        b"api_key",
        b"accesskey",
        b"access_key",
        b"secretkey",
    ];
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or(name);
    WORDS.iter().any(|word| written::ends(last, word))
        && !VERBS.iter().any(|verb| written::starts(last, verb))
}

/// What a call is given, if it ends there or goes on with more.
fn given(window: &Window<'_>, end: usize, found: Found) -> Found {
    let Found::Value(assigned) = found else { return found };
    let next = window.run(assigned.close, SIGN_BYTES, |byte| byte.is_ascii_whitespace());
    match window.byte(next) {
        None if window.dry(next) => Found::Open(Open { from: end, serious: true }),
        Some(b')' | b',') => Found::Value(assigned).optional(),
        _ => Found::Nothing,
    }
}

/// Whether the name in quotes is a member's value: `"type": "password", "minimum": …`.
fn is_value(window: &Window<'_>, start: usize) -> bool {
    let quote = window.run_back(start, 8, |byte| b"\\\"'`".contains(&byte));
    let sign = window.run_back(quote, SIGN_BYTES, |byte| byte.is_ascii_whitespace());
    matches!(window.before(sign), Some(b':' | b'='))
}

/// Whether the quote behind the sign closes what the name is in.
fn ends_text(window: &Window<'_>, start: usize, sign: &Sign) -> bool {
    let Some((quote, _)) = sign.quote.filter(|_| !sign.name_quoted) else { return false };
    let opens = window.before(start) == Some(quote);
    opens && window.before(sign.end - 1).is_some_and(|byte| b"=:".contains(&byte))
}

/// What stands behind a name and a comma: no name itself, and no word of a list.
fn listed(window: &Window<'_>, (start, end): (usize, usize), found: Found) -> Found {
    let Found::Value(assigned) = found else { return found };
    let next = window.run(assigned.close, SIGN_BYTES, |byte| byte.is_ascii_whitespace());
    if window.dry(next) {
        return Found::Open(Open { from: end, serious: true });
    }
    let value = window.part(assigned.value.start, assigned.value.end);
    let word = value.iter().all(|byte| byte.is_ascii_alphabetic() || b"_- .".contains(byte));
    let quote = window.run_back(start, 8, |byte| b"\\\"'`".contains(&byte));
    let before = window.run_back(quote, SIGN_BYTES, |byte| byte.is_ascii_whitespace());
    let (first, last) = (window.before(before) != Some(b','), window.byte(next) != Some(b','));
    let short = value.len() < 8 && value.iter().all(u8::is_ascii_alphanumeric);
    match window.byte(next) {
        Some(b':') => Found::Nothing,
        _ if word && !(first && last) || short && !first && !last => Found::Nothing,
        _ => Found::Value(assigned),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    /// The text ends before it is clear.
    Open,
    Equals,
    Colon,
    /// `("NAME", "value")`
    Comma,
    /// `<name>value</name>`
    Element,
    /// `NAME value`
    Blank,
    /// `name("value")`
    Call,
}

/// What stands between a name and its value.
struct Sign {
    kind: Kind,
    name_quoted: bool,
    /// The quote that opens the value, and how many backslashes stand before it.
    quote: Option<(u8, usize)>,
    /// Where the value begins; of an open sign, where it may have begun already.
    end: usize,
}

impl Sign {
    fn read(window: &Window<'_>, start: usize) -> Self {
        let mut sign = Self { kind: Kind::None, name_quoted: false, quote: None, end: start };
        let mut at = window.run(start, 4, |byte| byte == b'\\');
        if window.byte(at).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`')) {
            sign.name_quoted = true;
            at += 1;
        }
        if window.byte(start) == Some(b'(') {
            sign.kind = Kind::Call;
            return sign.behind(window, start + 1);
        }
        at = window.run(at, 2, |byte| matches!(byte, b']' | b')'));
        let blanks = at;
        at = window.run(at, SIGN_BYTES, |byte| matches!(byte, b' ' | b'\t'));
        if sign.name_quoted && at > blanks {
            // `<add key="Password" value="…"/>`
            at = word_of(window, at, &[b"value"]).unwrap_or(at);
        }
        let signs = at;
        at = window.run(at, 4, |byte| b"=:>?.+|~,".contains(&byte));
        at = match past(window, at, WIDE_COLON) {
            Side::Unknown => return sign.open(),
            Side::Taken => at + WIDE_COLON.len(),
            Side::Free => at,
        };
        // `name string = "value"`, `name: &str = "value"`: the type is skipped.
        let typed = matches!(window.part(signs, at), b"" | b":");
        let (kind, next) = if typed { declared(window, at) } else { (Declared::No, at) };
        let signs = if kind == Declared::Yes { next } else { signs };
        if kind == Declared::Yes {
            at = window.run(next, 2, |byte| b"=:".contains(&byte));
        }
        if window.dry(at) || kind == Declared::Open {
            sign.kind = Kind::Open;
            if kind == Declared::Open && window.run(at, 2, |byte| byte == b' ') < window.len() {
                sign.end = at;
            }
            return sign;
        }
        sign.kind = match window.part(signs, at) {
            b"," => Kind::Comma,
            b">" => Kind::Element,
            b":" => Kind::Colon,
            // A path in source code.
            b"::" => Kind::None,
            WIDE_COLON => Kind::Colon,
            b"" if signs > blanks => Kind::Blank,
            other if other.contains(&b'=') => Kind::Equals,
            other if other.ends_with(b":") => Kind::Colon,
            _ => Kind::None,
        };
        sign.behind(window, at)
    }

    /// The same with the quote that opens the value behind `at`.
    fn behind(mut self, window: &Window<'_>, mut at: usize) -> Self {
        let lines = self.kind == Kind::Element;
        at = window.run(at, SIGN_BYTES, |byte| {
            matches!(byte, b' ' | b'\t') || (lines && matches!(byte, b'\r' | b'\n'))
        });
        at = match past(window, at, HTML_QUOTE) {
            Side::Unknown => return self.open(),
            Side::Taken => at + HTML_QUOTE.len(),
            Side::Free => at,
        };
        let slashes = at;
        at = window.run(at, 8, |byte| byte == b'\\');
        match window.byte(at) {
            Some(quote @ (b'"' | b'\'' | b'`')) => {
                self.quote = Some((quote, at - slashes));
                at += 1;
                // `'''a text of several lines'''`
                let two = [quote, quote];
                at = match past(window, at, &two) {
                    Side::Unknown => return self.open(),
                    Side::Taken => at + two.len(),
                    Side::Free => at,
                };
            }
            None if window.dry(at) => self.kind = Kind::Open,
            _ => at = slashes,
        }
        self.end = at;
        self
    }

    fn open(self) -> Self {
        Self { kind: Kind::Open, ..self }
    }
}

/// Whether the bytes stand at `at`.
fn past(window: &Window<'_>, at: usize, bytes: &[u8]) -> Side {
    let next = window.part(at, at + bytes.len());
    match next == bytes {
        true => Side::Taken,
        false if bytes.starts_with(next) && window.dry(at + next.len()) => Side::Unknown,
        false => Side::Free,
    }
}

/// `NAME value`, `--name value`, `NAME 'value'`, `the name is value`.
fn blank(window: &Window<'_>, start: usize, end: usize, sign: &Sign) -> Found {
    let option = window.byte(start) == Some(b'-');
    if let (None, Some(next)) = (sign.quote, word_of(window, sign.end, &IS)) {
        return said(window, end, next);
    }
    match sign.quote {
        Some(quote) => quoted(window, end, sign, quote).optional(),
        None if option => bare(window, end, sign.end, Written::Option, in_bare),
        None => bare(window, end, sign.end, Written::Blank, in_bare),
    }
}

/// `the password is: "…"`, from behind the `is`.
fn said(window: &Window<'_>, end: usize, is_end: usize) -> Found {
    let colon = window.run(is_end, 1, |byte| byte == b':');
    let from = window.run(colon, 4, |byte| byte == b' ');
    if window.dry(from) {
        return Found::Open(Open { from: end, serious: false });
    }
    let found = match window.byte(from) {
        Some(quote @ (b'"' | b'\'' | b'`')) => {
            let sign = Sign {
                kind: Kind::Blank,
                name_quoted: false,
                quote: Some((quote, 0)),
                end: from + 1,
            };
            quoted(window, end, &sign, (quote, 0))
        }
        _ if from > is_end => bare(window, end, from, Written::Option, in_bare),
        _ => Found::Nothing,
    };
    found.optional()
}

/// Where one of the words ends that stands at `at`, followed by a blank or a sign.
fn word_of(window: &Window<'_>, at: usize, words: &[&[u8]]) -> Option<usize> {
    const LONGEST: usize = 5;
    let end = window.run(at, LONGEST + 1, |byte| byte.is_ascii_alphabetic());
    let word = window.part(at, end);
    let apart = window.byte(end).is_none_or(|byte| b" =:".contains(&byte));
    (apart && words.iter().any(|known| word.eq_ignore_ascii_case(known))).then_some(end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Declared {
    Yes,
    No,
    Open,
}

/// Whether a type and `=` stand at `at`; then where the `=` is.
fn declared(window: &Window<'_>, at: usize) -> (Declared, usize) {
    const TYPE_BYTES: usize = 24;
    let start = window.run(at, 2, |byte| byte == b' ');
    let end = window.run(start, TYPE_BYTES, |byte| {
        byte.is_ascii_alphabetic() || matches!(byte, b'&' | b'*' | b'?' | b'<' | b'>' | b'_')
    });
    let equals = window.run(end, 2, |byte| byte == b' ');
    if window.dry(equals) {
        return (Declared::Open, at);
    }
    let named = end > start && equals > end && window.byte(equals) == Some(b'=');
    if named { (Declared::Yes, equals) } else { (Declared::No, at) }
}

fn quoted(window: &Window<'_>, name_end: usize, sign: &Sign, quote: (u8, usize)) -> Found {
    let (quote, depth) = quote;
    let mut from = sign.end;
    loop {
        let stop = window.run(from, VALUE_BYTES.saturating_sub(from - sign.end), |byte| {
            byte != quote && byte != b'\n'
        });
        let full = stop - sign.end >= VALUE_BYTES;
        if window.dry(past_char(stop, full)) {
            return Found::Open(Open { from: name_end, serious: stop > sign.end });
        }
        let slashes = stop - window.run_back(stop, stop - sign.end, |byte| byte == b'\\');
        // Escaped itself is a quote behind an odd number of backslashes, each as deep as the text is.
        let escaped = slashes > depth && slashes % (2 * (depth + 1)) != depth;
        if !full && window.byte(stop) == Some(quote) && escaped {
            from = stop + 1;
            continue;
        }
        let closed = window.byte(stop) == Some(quote) && !full;
        let end = if closed { stop - slashes.min(depth) } else { on_char(window, stop) };
        // `'one'two` is one value to a shell.
        let close = if closed { stop + 1 } else { end };
        return Found::Value(Assigned {
            value: Span::new(sign.end, end),
            close,
            written: Written::Quoted,
        });
    }
}

fn bare(
    window: &Window<'_>,
    name_end: usize,
    start: usize,
    written: Written,
    belongs: impl Fn(u8) -> bool,
) -> Found {
    let stop = window.run(start, VALUE_BYTES, belongs);
    let full = stop - start >= VALUE_BYTES;
    let open = Found::Open(Open { from: name_end, serious: stop > start });
    if window.dry(past_char(stop, full)) {
        return open;
    }
    match window.byte(stop) {
        // A call, an index, a template, a tag: not the value itself.
        Some(b'(' | b'{') => return Found::Nothing,
        Some(b'[') => {
            return if tag_after(window, stop) == Side::Unknown { open } else { Found::Nothing };
        }
        _ => {}
    }
    let end = on_char(window, stop);
    let tail = window.part(start, end).iter().rev();
    let trimmed = tail.take_while(|byte| matches!(byte, b'.' | b':' | b'!' | b'?')).count();
    let blank_tail = window.part(start, end - trimmed).iter().rev();
    let blanks = blank_tail.take_while(|byte| byte.is_ascii_whitespace()).count();
    let end = if written == Written::Quoted { end - blanks } else { end - trimmed };
    let head = window.run(start, end - start, |byte| byte.is_ascii_whitespace());
    let value = Span::new(head, end.max(head));
    Found::Value(Assigned { value, close: value.end, written })
}

/// What must be there before the end is clear: a value that is cut ends with a whole character.
fn past_char(stop: usize, full: bool) -> usize {
    if full { stop + 3 } else { stop }
}

/// The next place that is not inside a character of UTF-8.
fn on_char(window: &Window<'_>, at: usize) -> usize {
    window.run(at, 3, |byte| byte & 0xC0 == 0x80)
}

fn in_name(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'-' | b'.' | b'$')
}

/// So many names with a sign, and nothing between, and so near before a name.
const CROWD: usize = 6;
const CROWD_BYTES: usize = 96;

/// Whether a name stands in a row of names: `token=token=token=…`. The value of each would be all the
/// others, so that it is no more than what stands before the next.
fn is_crowded(window: &Window<'_>, start: usize) -> bool {
    let from = window.run_back(start, CROWD_BYTES, in_bare);
    window.part(from, start).iter().filter(|byte| is_sign(**byte)).count() >= CROWD
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b'=' | b':')
}

fn in_bare(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !byte.is_ascii_control()
        && !matches!(byte, b'"' | b'\'' | b'`' | b',' | b';' | b'&' | b'<' | b'>')
        && !matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'\\')
}
