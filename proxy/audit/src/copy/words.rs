//! What an entry says, in the few words that every format has a place for.
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use crate::{Entry, EventType, keys};

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

/// `success`, `failure`, or nothing where neither is known.
pub(crate) fn outcome(entry: &Entry) -> &'static str {
    match (EventType::parse(entry.event_type()), entry.fact(keys::STATUS).and_then(Value::as_u64)) {
        (Some(EventType::CallRefused | EventType::AgentRefused), _) => "failure",
        (Some(EventType::CallOutcome), Some(400..)) => "failure",
        (Some(EventType::CallOutcome), _) if entry.fact(keys::CODE).is_some() => "failure",
        (Some(EventType::CallOutcome), _) => "success",
        _ => "",
    }
}

/// The event type's name for people.
pub(crate) fn title(entry: &Entry) -> &'static str {
    EventType::parse(entry.event_type()).map_or("Event", EventType::title)
}

/// The leading code, else why.
pub(crate) fn reason(entry: &Entry) -> &str {
    let reason = entry.fact_text(keys::CODE).or_else(|| entry.fact_text(keys::REASON));
    reason.unwrap_or_default()
}

/// The facts that a table of `(word, fact, characters)` names, with the format's word for each.
pub(crate) fn facts<'a>(
    entry: &'a Entry,
    table: &'a [(&'a str, &'a str, usize)],
) -> impl Iterator<Item = (&'a str, String)> {
    table.iter().filter_map(|(word, fact, limit)| {
        let text = written(entry.fact(fact)?);
        Some((*word, bounded(&text, *limit).to_owned()))
    })
}

/// An address among the facts, with or without a port; an IPv4 address in an IPv6 one is an IPv4
/// address.
pub(crate) fn address(entry: &Entry, fact: &str) -> Option<IpAddr> {
    let text = entry.fact_text(fact)?;
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|to| to.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

/// What makes the copy verifiable beside the payload; in no dictionary, last in the line.
pub(crate) fn seal(entry: &Entry) -> [(&'static str, String); 5] {
    [
        ("seq", entry.seq().to_string()),
        ("prev_hash", entry.prev_hash().map(ToString::to_string).unwrap_or_default()),
        ("hash", entry.hash().to_string()),
        ("signature", entry.signature().to_owned()),
        ("signer_kid", entry.signer_kid().as_str().to_owned()),
    ]
}

/// A fact as text; nothing for an object.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(","),
        Value::Null | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

/// Dictionaries bound their words. Nothing is lost: the payload at the end has it whole.
pub(crate) fn bounded(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.split_at_checked(end).map_or(text, |(head, _)| head),
        None => text,
    }
}
