//! A line of ours read back, as a SIEM kept it.
use super::write_as;
use crate::Entry;
use crate::copy::{self, CopyError, PRODUCT, Pairs, is_version};

/// The fields of the header, in their order.
const NAMES: [&str; 7] = ["CEF", "vendor", "product", "version", "class", "name", "severity"];
const EXTENSION: &str = "CEF extension";

/// Rebuilds the entry from a line as [`super::write_cef`] wrote it, with or without an RFC 5424
/// header. Its hash and every field are checked, but not its signature and not its place: that is
/// [`crate::Verifier`]'s work. What no signature covers is the syslog header and the version in the
/// CEF header; of that only the form is checked.
pub fn read_cef(line: &[u8]) -> Result<Entry, CopyError> {
    let text = std::str::from_utf8(line).map_err(|_| CopyError::Text)?;
    let text = copy::message(text, "CEF:").ok_or(CopyError::Other("CEF"))?;
    let (fields, extension) = split(text).ok_or(CopyError::Header("CEF"))?;
    let version = version(&fields).ok_or(CopyError::Header("CEF"))?;
    let pairs = read_pairs(extension)?;
    let entry = pairs.rebuild()?;
    let expected = write_as(&entry, version);
    if expected == text {
        return Ok(entry);
    }
    let (due, extension) = split(&expected).ok_or(CopyError::Header("CEF"))?;
    Err(pairs.difference(&read_pairs(extension)?, NAMES.iter().zip(fields.iter().zip(&due))))
}

/// The seven fields of the header, and the extension.
fn split(text: &str) -> Option<(Vec<String>, &str)> {
    let mut fields = Vec::with_capacity(NAMES.len());
    let mut field = String::new();
    let mut chars = text.chars();
    while fields.len() < NAMES.len() {
        match chars.next()? {
            '\\' => field.push(chars.next().filter(|c| matches!(c, '\\' | '|'))?),
            '|' => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    Some((fields, chars.as_str()))
}

fn version(fields: &[String]) -> Option<&str> {
    let [cef, vendor, product, version, ..] = fields else { return None };
    let ours = cef == "CEF:0" && vendor == PRODUCT && product == PRODUCT;
    (ours && is_version(version)).then_some(version)
}

/// The extension's pairs, with the escapes undone. A key is the word before an `=` that is not
/// escaped.
fn read_pairs(text: &str) -> Result<Pairs, CopyError> {
    let mut pairs = Pairs::of(EXTENSION);
    let (mut key, mut value) = (None::<String>, String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.push(unescaped(chars.next()).ok_or(CopyError::Pair(EXTENSION))?),
            '=' => {
                let (before, next) = value.rsplit_once(' ').unwrap_or(("", &value));
                if !copy::is_key(next) || (key.is_none() && next.len() != value.len()) {
                    return Err(CopyError::Pair(EXTENSION));
                }
                if let Some(key) = key.replace(next.to_owned()) {
                    pairs.add(&key, before)?;
                }
                value.clear();
            }
            c => value.push(c),
        }
    }
    pairs.add(&key.ok_or(CopyError::Pair(EXTENSION))?, &value)?;
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

#[cfg(test)]
mod tests {
    use super::super::write_cef;
    use super::*;
    use crate::{Chain, EventType, Facts, LocalKey, keys};
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
        check("CEF:0|Tollgate|Tollgate|1|c|n|3|payload={}", "`hash` is missing in it");
        check(&format!("{line} act=deny"), "`act` is not what its payload says");
        check(&format!("{line} cat=x"), "`cat` stands twice in it");
        check(&line.replace("suser=spiffe", "suser=other"), "`suser` is not what its payload says");
        check(&line.replace("|8|rt", "|1|rt"), "`severity` is not what its payload says");
        check(&line.replace("seq=1 ", "seq=2 "), "`seq` is not what its payload says");
        assert_eq!(read_cef(b"CEF:\xff").err(), Some(CopyError::Text));
        let many: String = (0..100).map(|n| format!("k{n}=v ")).collect();
        check(
            &format!("CEF:0|Tollgate|Tollgate|1|c|n|3|{many}"),
            "a pair of its CEF extension cannot be read",
        );
    }
}
