//! An entry as a line of Common Event Format, for a SIEM.
//!
//! The line carries what the dictionary has words for, and the payload with its hash, signature
//! and place, so that the copy in the SIEM can be verified as the chain itself.
mod line;
mod read;

use std::net::IpAddr;

pub use line::CefLine;
pub use read::{CefError, read_cef};
use serde_json::Value;

use crate::{Entry, EventType, keys};

const VENDOR: &str = "Tollgate";
const PRODUCT: &str = "Tollgate";

/// The line of an entry, without a newline.
pub fn write_cef(entry: &Entry) -> String {
    write_as(entry, env!("CARGO_PKG_VERSION"))
}

/// As a gate of this version writes it.
fn write_as(entry: &Entry, version: &str) -> String {
    let kind = EventType::parse(entry.event_type());
    let title = kind.map_or("Event", EventType::title);
    let mut line =
        CefLine::new(VENDOR, PRODUCT, version, entry.event_type(), title, severity(entry));
    line = line.pair("rt", &entry.ts().as_millisecond().to_string());
    for (key, fact, limit) in PLAIN {
        line = match entry.fact(fact) {
            Some(value) => line.pair(key, bounded(&written(value), limit)),
            None => line,
        };
    }
    line = line.pair("outcome", outcome(entry));
    line = address(line, entry, keys::SOURCE, "src", "c6a2", "Source IPv6 Address");
    line = address(line, entry, keys::DESTINATION, "dst", "c6a3", "Destination IPv6 Address");
    line = line
        .pair("cat", entry.event_type())
        .pair("externalId", &entry.id().to_string())
        .pair("suser", bounded(entry.actor(), 1023));
    for (key, label, fact) in LABELLED {
        if let Some(value) = entry.fact(fact) {
            line =
                line.pair(&format!("{key}Label"), label).pair(key, bounded(&written(value), 4000));
        }
    }
    if !entry.revision().is_empty() {
        line = line.pair("cs3Label", "revision").pair("cs3", entry.revision());
    }
    seal(line, entry).finish()
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

/// `cs1` to `cs6`: the word, its label and the fact. `cs3` is the revision.
const LABELLED: [(&str, &str, &str); 5] = [
    ("cs1", "tool", keys::TOOL),
    ("cs2", "rule", keys::RULE),
    ("cs4", "session", keys::SESSION),
    ("cs5", "classes", keys::CLASSES),
    ("cs6", "intent", keys::INTENT),
];

/// What makes the copy verifiable; in no dictionary, last in the line.
fn seal(line: CefLine, entry: &Entry) -> CefLine {
    let prev_hash = entry.prev_hash().map(ToString::to_string).unwrap_or_default();
    let reason = entry.fact_text(keys::CODE).or_else(|| entry.fact_text(keys::REASON));
    line.pair("reason", bounded(reason.unwrap_or_default(), 1023))
        .pair("seq", &entry.seq().to_string())
        .pair("prev_hash", &prev_hash)
        .pair("hash", &entry.hash().to_string())
        .pair("signature", entry.signature())
        .pair("signer_kid", entry.signer_kid().as_str())
        .pair("payload", entry.canonical())
}

/// 0 to 10, by what happened.
pub fn severity(entry: &Entry) -> u8 {
    let code = entry.fact_text(keys::CODE).unwrap_or_default();
    match EventType::parse(entry.event_type()) {
        Some(EventType::KillswitchOn | EventType::KillswitchOff | EventType::SignerCompromise) => {
            10
        }
        _ if code.ends_with("_KILL_SWITCH") => 10,
        _ if matches!(code, "DLP_BLOCKED" | "EXFIL_FRAGMENTS" | "CANARY_HIT") => 8,
        Some(EventType::LimitExceeded) => 6,
        Some(_) if is_limit(code) => 6,
        Some(EventType::ApprovalRequested) => 4,
        _ => by_effect(entry),
    }
}

fn is_limit(code: &str) -> bool {
    code.starts_with("RATE_LIMIT_") || code.ends_with("_EXCEEDED")
}

fn by_effect(entry: &Entry) -> u8 {
    match (entry.fact_text(keys::EFFECT), EventType::parse(entry.event_type())) {
        (Some("deny"), _) => 7,
        (Some("hold"), _) => 4,
        (Some("allow"), _) => 1,
        (_, Some(EventType::CallRefused | EventType::AgentRefused)) => 7,
        (_, Some(EventType::CallIntent | EventType::CallOutcome)) => 1,
        _ => 3,
    }
}

fn outcome(entry: &Entry) -> &'static str {
    match (EventType::parse(entry.event_type()), entry.fact(keys::STATUS).and_then(Value::as_u64)) {
        (Some(EventType::CallRefused | EventType::AgentRefused), _) => "failure",
        (Some(EventType::CallOutcome), Some(400..)) => "failure",
        (Some(EventType::CallOutcome), _) if entry.fact(keys::CODE).is_some() => "failure",
        (Some(EventType::CallOutcome), _) => "success",
        _ => "",
    }
}

/// `src` and `dst` take IPv4 only; the dictionary has other words for IPv6.
fn address(line: CefLine, entry: &Entry, fact: &str, v4: &str, v6: &str, label: &str) -> CefLine {
    match entry.fact_text(fact).and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(IpAddr::V4(ip)) => line.pair(v4, &ip.to_string()),
        Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => line.pair(v4, &ip.to_string()),
            None => line.pair(&format!("{v6}Label"), label).pair(v6, &ip.to_string()),
        },
        None => line,
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(","),
        Value::Null | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

/// The dictionary bounds its words. Nothing is lost: the payload at the end has it whole.
fn bounded(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.split_at_checked(end).map_or(text, |(head, _)| head),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, Facts, LocalKey};
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
