//! What the gate did, in the attributes of the profile `security_control`.
use serde_json::Value;

use super::parts::{has_finding, number, object, text};
use crate::{Entry, keys};

/// `action_id` and `disposition_id`; what a list has no number for is said in words.
struct Done {
    action: u64,
    disposition: u64,
    words: Option<&'static str>,
}

const ALLOWED: Done = Done { action: 1, disposition: 1, words: None };
const BLOCKED: Done = Done { action: 2, disposition: 2, words: None };
const REDACTED: Done = Done { action: 4, disposition: 99, words: Some("Redacted") };
const LOGGED: Done = Done { action: 3, disposition: 17, words: None };
const ALERTED: Done = Done { action: 3, disposition: 19, words: None };
const DETECTED: Done = Done { action: 3, disposition: 15, words: None };
const HELD: Done = Done { action: 99, disposition: 14, words: Some("Held") };
const APPROVED: Done = Done { action: 1, disposition: 8, words: None };
const REJECTED: Done = Done { action: 2, disposition: 25, words: None };
const UNKNOWN: Done = Done { action: 0, disposition: 0, words: None };

/// The attributes.
pub(super) fn control(entry: &Entry) -> [(&'static str, Option<Value>); 5] {
    let done = done(entry);
    let words = |id: u64| done.words.filter(|_| id == 99).and_then(text);
    [
        ("action_id", number(done.action)),
        ("action", words(done.action)),
        ("disposition_id", number(done.disposition)),
        ("disposition", words(done.disposition)),
        ("policy", policy(entry)),
    ]
}

fn done(entry: &Entry) -> Done {
    match entry.event_type() {
        "call.refused" | "agent.refused" | "approval.expired" => BLOCKED,
        "agent.admitted" => ALLOWED,
        "approval.requested" => HELD,
        "approval.approved" => APPROVED,
        "approval.rejected" => REJECTED,
        "killswitch.on" | "signer.compromise" => ALERTED,
        "killswitch.off" => LOGGED,
        "limit.exceeded" => DETECTED,
        "policy.decision" => by_effect(entry).unwrap_or(UNKNOWN),
        _ => of_call(entry),
    }
}

/// A call that left, or its answer.
fn of_call(entry: &Entry) -> Done {
    if entry.fact_text("outcome").is_some_and(|word| matches!(word, "cut" | "refused")) {
        return BLOCKED;
    }
    if entry.fact(keys::OBSERVED) == Some(&Value::Bool(true)) {
        return LOGGED;
    }
    if has_finding(entry, "redact") {
        return REDACTED;
    }
    by_effect(entry).unwrap_or(ALLOWED)
}

fn by_effect(entry: &Entry) -> Option<Done> {
    match entry.fact_text(keys::EFFECT)? {
        "allow" => Some(ALLOWED),
        "deny" => Some(BLOCKED),
        "hold" => Some(HELD),
        _ => None,
    }
}

/// The rule that decided, in the revision that it stands in.
pub(super) fn policy(entry: &Entry) -> Option<Value> {
    let rule = entry.fact_text(keys::RULE).and_then(text)?;
    object([("uid", Some(rule)), ("version", text(entry.revision()))])
}
