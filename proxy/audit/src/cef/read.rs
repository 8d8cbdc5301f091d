//! A line of ours read back, as a SIEM kept it.
//!
//! Only the payload is signed, so the rest of the line is not believed but compared: what is read
//! must be, byte for byte, what the rebuilt entry is written as.
use serde_json::{Map, Value};

use super::{PRODUCT, VENDOR, write_as};
use crate::canonical::canonical;
use crate::strict::read_json;
use crate::{Entry, EntryError, ReadError};

/// Pairs of one line; ours have fewer.
const PAIRS_MAX: usize = 64;
/// Characters of a key; the dictionary's are shorter.
const KEY_MAX: usize = 32;
/// Characters of a version.
const VERSION_MAX: usize = 32;
/// RFC 5424 section 6.2.1: facility 23, severity 7.
const PRIORITY_MAX: u16 = 191;

/// Why a line is no event of ours. Says which field, never what stood there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CefError {
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    Text,
    /// Something else.
    #[error("it is neither CEF nor CEF in an RFC 5424 message")]
    NotCef,
    /// Another product's, or a broken one.
    #[error("its CEF header is not one of ours")]
    Header,
    /// The extension is no list of pairs.
    #[error("a pair of its CEF extension cannot be read")]
    Pair,
    /// One key, two values.
    #[error("`{0}` stands twice in its CEF extension")]
    Twice(String),
    /// What makes a copy verifiable is not there.
    #[error("`{0}` is missing in its CEF extension")]
    Missing(&'static str),
    /// The payload is not JSON with one meaning.
    #[error("its payload is not JSON with one meaning: {0}")]
    Payload(ReadError),
    /// The payload makes no entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A field says something else than the payload.
    #[error("`{0}` is not what its payload says")]
    Differs(String),
}

/// Rebuilds the entry from a line as [`super::write_cef`] wrote it, with or without an RFC 5424
/// header. Its hash and every field are checked, but not its signature and not its place: that is
/// [`crate::Verifier`]'s work. What no signature covers is the syslog header and the version in the
/// CEF header; of that only the form is checked.
pub fn read_cef(line: &[u8]) -> Result<Entry, CefError> {
    let text = std::str::from_utf8(line).map_err(|_| CefError::Text)?;
    let text = message(text).ok_or(CefError::NotCef)?;
    let (header, extension) = split(text).ok_or(CefError::Header)?;
    let version = version(&header).ok_or(CefError::Header)?;
    let pairs = read_pairs(extension)?;
    let entry = Entry::parse(rebuild(&pairs)?.as_bytes())?;
    let expected = write_as(&entry, version);
    if expected == text { Ok(entry) } else { Err(difference(&header, &pairs, &expected)) }
}

/// What stands behind the RFC 5424 header, where there is one. Ours has no structured data.
fn message(text: &str) -> Option<&str> {
    let Some(rest) = text.strip_prefix('<') else {
        return text.starts_with("CEF:").then_some(text);
    };
    let (priority, rest) = rest.split_once('>')?;
    if !(1..=3).contains(&priority.len()) || !priority.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    priority.parse::<u16>().ok().filter(|priority| *priority <= PRIORITY_MAX)?;
    let mut rest = rest.strip_prefix("1 ")?;
    // Time, host, application, process, message id.
    for _ in 0..5 {
        let (word, more) = rest.split_once(' ')?;
        if word.is_empty() || !word.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
        rest = more;
    }
    rest.strip_prefix("- ").filter(|message| message.starts_with("CEF:"))
}

/// The seven fields of the header, and the extension.
fn split(text: &str) -> Option<(Vec<String>, &str)> {
    let mut fields = Vec::with_capacity(7);
    let mut field = String::new();
    let mut chars = text.chars();
    while fields.len() < 7 {
        match chars.next()? {
            '\\' => field.push(chars.next().filter(|c| matches!(c, '\\' | '|'))?),
            '|' => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    Some((fields, chars.as_str()))
}

fn version(header: &[String]) -> Option<&str> {
    let [cef, vendor, product, version, ..] = header else { return None };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    let ours = cef == "CEF:0" && vendor == VENDOR && product == PRODUCT;
    (ours && (1..=VERSION_MAX).contains(&version.len()) && version.bytes().all(plain))
        .then_some(version)
}

type Pairs = Vec<(String, String)>;

/// The extension's pairs, with the escapes undone. A key is the word before an `=` that is not
/// escaped.
fn read_pairs(text: &str) -> Result<Pairs, CefError> {
    let mut pairs = Pairs::new();
    let (mut key, mut value) = (None::<String>, String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.push(unescaped(chars.next()).ok_or(CefError::Pair)?),
            '=' => {
                let (before, next) = value.rsplit_once(' ').unwrap_or(("", &value));
                if !is_key(next) || (key.is_none() && next.len() != value.len()) {
                    return Err(CefError::Pair);
                }
                if let Some(key) = key.replace(next.to_owned()) {
                    add(&mut pairs, key, before)?;
                }
                value.clear();
            }
            c => value.push(c),
        }
    }
    add(&mut pairs, key.ok_or(CefError::Pair)?, &value)?;
    Ok(pairs)
}

fn unescaped(c: Option<char>) -> Option<char> {
    match c? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        c @ ('\\' | '=') => Some(c),
        _ => None,
    }
}

fn is_key(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn add(pairs: &mut Pairs, key: String, value: &str) -> Result<(), CefError> {
    if pairs.iter().any(|(known, _)| *known == key) {
        return Err(CefError::Twice(key));
    }
    if pairs.len() >= PAIRS_MAX {
        return Err(CefError::Pair);
    }
    pairs.push((key, value.to_owned()));
    Ok(())
}

/// The entry's JSON line: the columns come from the payload, which repeats them, and the seal from
/// the pairs.
fn rebuild(pairs: &Pairs) -> Result<String, CefError> {
    let pair = |key: &'static str| {
        let found = pairs.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str()).ok_or(CefError::Missing(key))
    };
    let payload = read_json(pair("payload")?.as_bytes()).map_err(CefError::Payload)?;
    let mut map = Map::new();
    for column in ["actor", "event_type", "id", "manifest_signature_id", "seq", "signer_kid", "ts"]
    {
        if let Some(value) = payload.get(column) {
            map.insert(column.to_owned(), value.clone());
        }
    }
    if let Some(kid) = payload.get("signer_kid") {
        map.insert("signer_id".to_owned(), kid.clone());
    }
    let prev_hash = pair("prev_hash").map_or(Value::Null, Value::from);
    map.insert("prev_hash".to_owned(), prev_hash);
    for column in ["hash", "signature"] {
        map.insert(column.to_owned(), Value::from(pair(column)?));
    }
    map.insert("payload".to_owned(), payload);
    canonical(&Value::Object(map)).map_err(|_| CefError::Differs("payload".to_owned()))
}

/// The name of the first field that is not as it must be.
fn difference(header: &[String], pairs: &Pairs, expected: &str) -> CefError {
    const HEADER: [&str; 7] = ["CEF", "vendor", "product", "version", "class", "name", "severity"];
    let Some((fields, extension)) = split(expected) else { return CefError::Header };
    let named = HEADER.iter().zip(header.iter().zip(&fields));
    if let Some((name, _)) = named.into_iter().find(|(_, (found, expected))| found != expected) {
        return CefError::Differs((*name).to_owned());
    }
    let expected = read_pairs(extension).unwrap_or_default();
    let mut places = pairs.iter().enumerate();
    let name = places.find(|(at, found)| expected.get(*at) != Some(*found));
    CefError::Differs(name.map_or("extension", |(_, (key, _))| key).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::write_cef;
    use super::*;
    use crate::{Chain, EventType, Facts, LocalKey, Profile, Registry, Verifier, keys};
    use proptest::prelude::*;
    use uuid::Uuid;

    fn key() -> LocalKey {
        LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap()
    }

    fn entry(tool: &str) -> Entry {
        let (key, mut chain) = (key(), Chain::new());
        let now = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let mut draft = |n| {
            let facts = Facts::new(EventType::CallRefused, "spiffe://acme/agents/reader")
                .revision("r7")
                .manifest_signature("m1")
                .text(keys::CODE, "DLP_BLOCKED")
                .text(keys::SOURCE, "10.0.0.5")
                .text(keys::TOOL, tool);
            chain.draft(facts, Uuid::from_u128(n), now, key.kid()).unwrap()
        };
        let _ = draft(6);
        let draft = draft(7);
        let signature = key.sign(draft.hash()).unwrap();
        draft.close(signature).unwrap()
    }

    /// As a verifier of a part sees it.
    fn holds(line: &[u8]) -> bool {
        let mut registry = Registry::new();
        registry.add(key().kid().clone(), key().public().clone(), None, "").unwrap();
        let mut verifier = Verifier::new(Profile::Tollgate, &registry).part();
        read_cef(line)
            .is_ok_and(|entry| verifier.push(entry.to_line().trim_end().as_bytes()).is_ok())
    }

    #[test]
    fn every_changed_byte_shows() {
        let line = write_cef(&entry("a=b \\ c"));
        assert!(holds(line.as_bytes()));
        let version = line.find(env!("CARGO_PKG_VERSION")).unwrap();
        let version = version..version + env!("CARGO_PKG_VERSION").len();
        for at in (0..line.len()).filter(|at| !version.contains(at)) {
            for other in *b"\\= |0x\n" {
                let mut bytes = line.clone().into_bytes();
                if std::mem::replace(&mut bytes[at], other) != other {
                    assert!(!holds(&bytes), "at {at}: {}", String::from_utf8_lossy(&bytes));
                }
            }
            assert!(!holds(&line.as_bytes()[..at]), "cut at {at}");
        }
    }

    #[test]
    fn headers_and_hostile_lines() {
        let line = write_cef(&entry("t"));
        let check = |text: &str, expect: &str| {
            let found = read_cef(text.as_bytes()).map_or_else(|e| e.to_string(), |_| "good".into());
            assert_eq!(found, expect, "for {text}");
        };
        let head = "<108>1 2026-01-01T00:00:00Z host tollgate 1 call.refused - ";
        check(&format!("{head}{line}"), "good");
        let not = "it is neither CEF nor CEF in an RFC 5424 message";
        for bad in ["<192>1", "<>1", "<1000>1", "<+1>1", "<108>2", "<108>"] {
            check(&format!("{}{line}", head.replace("<108>1", bad)), not);
        }
        check("<108>1 a b c", not);
        check("", not);
        check("{}", not);
        let header = "its CEF header is not one of ours";
        check("CEF:0|Tollgate|Tollgate|1", header);
        check(&line.replace("|Tollgate|Toll", "|Other|Toll"), header);
        check(&line.replacen(env!("CARGO_PKG_VERSION"), "1=2 3", 1), header);
        check("CEF:0|Tollgate|Tollgate|1|c|n|3|", "a pair of its CEF extension cannot be read");
        check(
            "CEF:0|Tollgate|Tollgate|1|c|n|3|payload={}",
            "`hash` is missing in its CEF extension",
        );
        check(&format!("{line} act=deny"), "`act` is not what its payload says");
        check(&format!("{line} cat=x"), "`cat` stands twice in its CEF extension");
        check(&line.replace("suser=spiffe", "suser=other"), "`suser` is not what its payload says");
        check(&line.replace("|8|rt", "|1|rt"), "`severity` is not what its payload says");
        check(&line.replace("seq=1 ", "seq=2 "), "`seq` is not what its payload says");
        assert_eq!(read_cef(b"CEF:\xff").err(), Some(CefError::Text));
        let many: String = (0..100).map(|n| format!("k{n}=v ")).collect();
        check(
            &format!("CEF:0|Tollgate|Tollgate|1|c|n|3|{many}"),
            "a pair of its CEF extension cannot be read",
        );
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back(tool in any::<String>()) {
            let entry = entry(&tool);
            let back = read_cef(write_cef(&entry).as_bytes()).unwrap();
            prop_assert_eq!(back.to_line(), entry.to_line());
        }

        #[test]
        fn anything_is_read_without_a_panic(text in "(CEF:0\\|Tollgate\\|Tollgate\\|1\\|c\\|n\\|3\\|)?\\PC{0,80}") {
            let _ = read_cef(text.as_bytes());
        }
    }
}
