//! A name and its value as two members of one thing: `{"name": "DB_PASSWORD", "value": "…"}`,
//! `- name: DB_PASSWORD` over `value: …`, `<name>db.password</name><value>…</value>`.
//!
//! Environments, parameters, properties and settings are listed like that. The words that name the two
//! stand before many harmless texts, so that less counts as a secret than behind a name of its own.
use super::Window;
use super::assign::SIGN_BYTES;
use super::key::{SIDE_BYTES, strength};

/// What the member is called that says what the other one is.
const NAMES: [&[u8]; 10] = [
    b"name",
    b"key",
    b"id",
    b"parameterkey",
    b"parameter",
    b"param",
    b"property",
    b"variable",
    b"field",
    b"setting",
];
const NAME_BYTES: usize = 12;
const VALUE: &[u8] = b"value";
/// What may stand between a name and the word for its value: the end of one member, and another.
const GAP_BYTES: usize = 96;

/// Whether a member of this name says what another one is.
fn names(name: &[u8]) -> bool {
    name.len() <= NAME_BYTES && NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a member of this name is what another one says: `value`, `ParameterValue`.
pub(crate) fn is_value(name: &[u8]) -> bool {
    let begins = name.len().checked_sub(VALUE.len());
    begins.is_some_and(|at| name.len() <= SIDE_BYTES && stands(name, at))
}

/// The telling name that a member with this name and value gives to another one.
pub(crate) fn called<'v>(name: &[u8], value: &'v str) -> Option<&'v str> {
    let is_name = names(name) && value.len() <= GAP_BYTES && value.bytes().all(in_path);
    let last = value.rsplit('/').next().filter(|_| is_name)?;
    strength(last.as_bytes()).map(|_| last)
}

/// Where the word for the value of a name ends that stands from `start` to `end`.
pub(super) enum Place {
    Nowhere,
    /// The text ends before it is clear.
    Open,
    At(usize),
}

pub(super) fn find(window: &Window<'_>, start: usize, end: usize) -> Place {
    if !is_said(window, start, end) {
        return Place::Nowhere;
    }
    let rest = window.part(end, end + GAP_BYTES + VALUE.len());
    let found = (1..rest.len()).find(|at| stands(rest, *at));
    let gap = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
    // The end of an element has its name once more.
    let closed = gap.starts_with(b"</").then(|| gap.iter().position(|byte| *byte == b'>'));
    let gap = gap.get(closed.flatten().unwrap_or(0)..).unwrap_or_default();
    // `ParameterValue` is one word, of which `value` is the end.
    let tail = gap.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let gap = gap.get(..gap.len() - tail).unwrap_or_default();
    // Another thing begins.
    if gap.iter().any(|byte| b"{}[];".contains(byte)) || words(gap).any(names) {
        return Place::Nowhere;
    }
    match found {
        Some(at) if !window.dry(end + at + VALUE.len()) => Place::At(end + at + VALUE.len()),
        None if rest.len() == GAP_BYTES + VALUE.len() || window.ended => Place::Nowhere,
        _ => Place::Open,
    }
}

/// Whether the name is all that a member says that names another one.
fn is_said(window: &Window<'_>, start: usize, end: usize) -> bool {
    let mark = |byte: u8| matches!(byte, b'"' | b'\'' | b'`' | b'\\');
    let begin = window.run_back(start, SIDE_BYTES, in_path);
    let quote = window.run_back(begin, SIGN_BYTES, mark);
    let sign = window.run_back(quote, SIGN_BYTES, |byte| matches!(byte, b' ' | b'\t'));
    let ends = match window.byte(end) {
        Some(byte) if quote < begin => mark(byte),
        Some(byte) => matches!(byte, b'\n' | b'\r' | b',' | b'<' | b'\\'),
        None => false,
    };
    if !ends || !matches!(window.before(sign), Some(b':' | b'=' | b'>')) {
        return false;
    }
    let word = window.run_back(sign - 1, SIGN_BYTES, |byte| mark(byte) || byte == b' ');
    names(window.part(window.run_back(word, NAME_BYTES + 1, |b| b.is_ascii_alphanumeric()), word))
}

/// Whether the word for a value stands at a place: by itself, or as the last word of a name.
fn stands(text: &[u8], at: usize) -> bool {
    let word = text.get(at..at + VALUE.len());
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    let begins = match (before, text.get(at)) {
        (Some(before), Some(b'V')) => !before.is_ascii_uppercase(),
        (before, _) => !before.is_some_and(u8::is_ascii_alphanumeric),
    };
    begins
        && word.is_some_and(|word| word.eq_ignore_ascii_case(VALUE))
        && !text.get(at + VALUE.len()).is_some_and(u8::is_ascii_alphanumeric)
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !byte.is_ascii_alphanumeric())
}

/// What a name is made of, and a path of names.
fn in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        for (text, at) in [
            (r#"{"name":"DB_PASSWORD","value":"x"}"#, Some(28)),
            (r#"{"Name": "/db/password", "Type": "SecureString", "Value": "x"}"#, Some(55)),
            (r#"{\"key\": \"token\", \"value\": \"x\"}"#, Some(28)),
            ("- name: DB_PASSWORD\n  value: x", Some(27)),
            ("<name>db.password</name><value>x</value>", Some(30)),
            (r#"{"ParameterKey":"Password","ParameterValue":"x"}"#, Some(42)),
            ("- name: token\n- name: other\n  value: x", None),
            (r#"{"name":"token"},{"value":"x"}"#, None),
            (r#"{"type":"password","value":"x"}"#, None),
            (r#"{"name":"the token","value":"x"}"#, None),
            (r#"{"name":"token","evaluate":"x"}"#, None),
        ] {
            let window = Window::whole(text.as_bytes());
            let name = ["DB_PASSWORD", "password", "Password", "token"];
            let (start, name) =
                name.iter().find_map(|name| Some((text.find(name)?, *name))).unwrap_or_default();
            let place = match find(&window, start, start + name.len()) {
                Place::At(at) => Some(at),
                Place::Nowhere => None,
                Place::Open => panic!("{text}"),
            };
            assert_eq!(place, at, "{text}");
        }
        assert_eq!(called(b"Name", "/prod/db/password"), Some("password"));
        assert_eq!(called(b"name", "the password"), None);
        assert_eq!(called(b"name", "user"), None);
        assert!(is_value(b"ParameterValue") && !is_value(b"values") && !is_value(b"evalue"));
    }
}
