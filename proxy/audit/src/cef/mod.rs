//! An entry as a line of Common Event Format, for a SIEM.
//!
//! The line carries what the dictionary has words for, and the payload with its hash, signature
//! and place, so that the copy in the SIEM can be verified as the chain itself.
mod line;
mod read;

use std::net::IpAddr;

pub use line::CefLine;
pub use read::read_cef;

pub use crate::copy::severity;
use crate::copy::{PRODUCT, address, bounded, facts, outcome, reason, seal, title};
use crate::{Entry, keys};

/// The line of an entry, without a newline.
pub fn write_cef(entry: &Entry) -> String {
    write_as(entry, env!("CARGO_PKG_VERSION"))
}

/// As a gate of this version writes it.
fn write_as(entry: &Entry, version: &str) -> String {
    let (class, severity) = (entry.event_type(), severity(entry));
    let mut line = CefLine::new(PRODUCT, PRODUCT, version, class, title(entry), severity);
    line = line.pair("rt", &entry.ts().as_millisecond().to_string());
    for (key, value) in facts(entry, &PLAIN) {
        line = line.pair(key, &value);
    }
    line = line.pair("outcome", outcome(entry));
    line = endpoint(line, entry, keys::SOURCE, "src", "c6a2", "Source IPv6 Address");
    line = endpoint(line, entry, keys::DESTINATION, "dst", "c6a3", "Destination IPv6 Address");
    line = line
        .pair("cat", entry.event_type())
        .pair("externalId", &entry.id().to_string())
        .pair("suser", bounded(entry.actor(), 1023));
    for (key, value) in facts(entry, &LABELLED) {
        line = line.pair(&format!("{key}Label"), label(key)).pair(key, &value);
    }
    if !entry.revision().is_empty() {
        line = line.pair("cs3Label", "revision").pair("cs3", entry.revision());
    }
    line = line.pair("reason", bounded(reason(entry), 1023));
    for (key, value) in seal(entry) {
        line = line.pair(key, &value);
    }
    line.pair("payload", entry.canonical()).finish()
}

/// CEF's word, the fact and how many characters the dictionary allows.
const PLAIN: [(&str, &str, usize); 8] = [
    ("act", keys::EFFECT, 63),
    ("app", keys::PROTOCOL, 31),
    ("dhost", keys::HOST, 255),
    ("dpt", keys::PORT, 5),
    ("in", keys::BYTES_IN, 20),
    ("out", keys::BYTES_OUT, 20),
    ("request", keys::PATH, 1023),
    ("requestMethod", keys::METHOD, 255),
];

/// `cs1` to `cs6`, the same way. `cs3` is the revision.
const LABELLED: [(&str, &str, usize); 5] = [
    ("cs1", keys::TOOL, 4000),
    ("cs2", keys::RULE, 4000),
    ("cs4", keys::SESSION, 4000),
    ("cs5", keys::CLASSES, 4000),
    ("cs6", keys::INTENT, 4000),
];

/// A label is the fact's own name.
fn label(key: &str) -> &'static str {
    LABELLED.iter().find(|(labelled, ..)| *labelled == key).map_or("", |(_, fact, _)| fact)
}

/// `src` and `dst` take IPv4 only; the dictionary has other words for IPv6.
fn endpoint(line: CefLine, entry: &Entry, fact: &str, v4: &str, v6: &str, label: &str) -> CefLine {
    match address(entry, fact) {
        Some(IpAddr::V4(ip)) => line.pair(v4, &ip.to_string()),
        Some(IpAddr::V6(ip)) => line.pair(&format!("{v6}Label"), label).pair(v6, &ip.to_string()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, EventType, Facts, LocalKey};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn entry(facts: Facts) -> Entry {
        let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
        let now = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let draft = Chain::new().draft(facts, Uuid::from_u128(7), now, key.kid()).unwrap();
        let signature = key.sign(draft.hash()).unwrap();
        draft.close(signature).unwrap()
    }

    /// Reads a line as the standard says: a second hand, to see that the first wrote well.
    fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
        let mut header = vec![String::new()];
        let mut chars = line.chars();
        while header.len() < 8 {
            match chars.next().expect("the header ends early") {
                '\\' => header.last_mut().unwrap().push(chars.next().unwrap()),
                '|' => header.push(String::new()),
                c => header.last_mut().unwrap().push(c),
            }
        }
        header.pop();
        // A key is the word before an unescaped `=`.
        let text: Vec<char> = chars.collect();
        let (mut pairs, mut key, mut value) = (BTreeMap::new(), None::<String>, String::new());
        let mut at = 0;
        while at < text.len() {
            match text[at] {
                '\\' => {
                    at += 1;
                    value.push(match text[at] {
                        'n' => '\n',
                        'r' => '\r',
                        c => c,
                    });
                }
                '=' => {
                    let next = value.rsplit(' ').next().unwrap().to_owned();
                    if let Some(key) = key.replace(next.clone()) {
                        let whole = value.strip_suffix(&next).unwrap().trim_end_matches(' ');
                        assert!(pairs.insert(key, whole.to_owned()).is_none(), "a key twice");
                    }
                    value.clear();
                }
                c => value.push(c),
            }
            at += 1;
        }
        if let Some(key) = key {
            assert!(pairs.insert(key, value).is_none(), "a key twice");
        }
        (header, pairs)
    }

    #[test]
    fn a_refused_call() {
        let entry = entry(
            Facts::new(EventType::CallRefused, "spiffe://acme/agents/reader")
                .revision("r7")
                .text(keys::EFFECT, "deny")
                .text(keys::CODE, "DLP_BLOCKED")
                .text(keys::TOOL, "t\nCEF:0|Tollgate|x|1|ALLOW|forged|1|act=allow")
                .text(keys::HOST, "api.example")
                .number(keys::PORT, 443)
                .text(keys::SOURCE, "10.0.0.5")
                .text(keys::DESTINATION, "2001:db8::1")
                .texts(keys::CLASSES, ["email", "iban"]),
        );
        let line = write_cef(&entry);
        assert_eq!(line.lines().count(), 1);
        let (header, pairs) = read(&line);
        assert_eq!(header[0], "CEF:0");
        assert_eq!(header[4..], ["call.refused", "Call refused", "8"]);
        for (key, expect) in [
            ("rt", "1767225600500"),
            ("act", "deny"),
            ("outcome", "failure"),
            ("reason", "DLP_BLOCKED"),
            ("dhost", "api.example"),
            ("dpt", "443"),
            ("src", "10.0.0.5"),
            ("c6a3", "2001:db8::1"),
            ("suser", "spiffe://acme/agents/reader"),
            ("cs3", "r7"),
            ("cs5", "email,iban"),
            ("seq", "0"),
            ("hash", &entry.hash().to_string()),
            ("signature", entry.signature()),
            ("signer_kid", entry.signer_kid().as_str()),
            ("payload", entry.canonical()),
        ] {
            assert_eq!(pairs.get(key).map(String::as_str), Some(expect), "for {key}");
        }
        assert!(!pairs.contains_key("prev_hash"));
        assert!(!pairs.contains_key("dst"));
    }

    #[test]
    fn severities() {
        for (kind, effect, code, expect) in [
            (EventType::KillswitchOn, None, None, 10),
            (EventType::CallRefused, Some("deny"), Some("GLOBAL_KILL_SWITCH"), 10),
            (EventType::CallRefused, Some("deny"), Some("DLP_BLOCKED"), 8),
            (EventType::CallRefused, Some("deny"), Some("DEFAULT_DENY"), 7),
            (EventType::CallRefused, None, Some("DEFAULT_DENY"), 7),
            (EventType::CallRefused, Some("deny"), Some("RATE_LIMIT_AGENT"), 6),
            (EventType::CallRefused, Some("deny"), Some("CONCURRENCY_EXCEEDED"), 6),
            (EventType::LimitExceeded, None, None, 6),
            (EventType::CallRefused, Some("hold"), Some("APPROVAL_REQUIRED"), 4),
            (EventType::CallIntent, Some("allow"), None, 1),
            (EventType::GateStart, None, None, 3),
        ] {
            let facts =
                Facts::new(kind, "a").maybe_text(keys::EFFECT, effect).maybe_text(keys::CODE, code);
            assert_eq!(severity(&entry(facts)), expect, "for {kind} {effect:?} {code:?}");
        }
    }

    proptest! {
        #[test]
        fn one_line_that_reads_back(actor in any::<String>(), tool in any::<String>()) {
            let facts = Facts::new(EventType::CallIntent, &actor).text(keys::TOOL, &tool);
            let entry = entry(facts);
            let line = write_cef(&entry);
            prop_assert!(!line.chars().any(|c| c.is_control()));
            let (header, pairs) = read(&line);
            prop_assert_eq!(header.len(), 7);
            prop_assert_eq!(pairs.get("payload").map(String::as_str), Some(entry.canonical()));
        }
    }
}
