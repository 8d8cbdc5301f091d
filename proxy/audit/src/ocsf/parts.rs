//! The objects that an event is made of. What there is nothing to say of is left out.
use serde_json::{Map, Value, json};

use super::class::Class;
use super::control::policy;
use crate::copy::{PRODUCT, address, outcome, title};
use crate::{Entry, keys};

type Parts = Vec<(&'static str, Option<Value>)>;

/// A call, or what was decided of one.
pub(super) fn api_activity(entry: &Entry) -> Parts {
    vec![
        ("actor", actor(entry)),
        ("api", api(entry)),
        ("src_endpoint", source(entry).or_else(|| object([("svc_name", text(who(entry)))]))),
        ("dst_endpoint", destination(entry)),
        ("http_request", http_request(entry)),
        ("http_response", http_response(entry)),
        ("resources", tools(entry)),
        ("duration", count(entry, keys::DURATION_MS)),
        ("authorizations", authorizations(entry)),
    ]
}

/// What inspection refused or changed.
pub(super) fn data_security(entry: &Entry) -> Parts {
    let data = object([
        // DLP gateway; data in transit.
        ("detection_system_id", number(2)),
        ("data_lifecycle_state_id", number(2)),
        ("discovery_details", discoveries(entry)),
    ]);
    vec![
        ("finding_info", finding(entry)),
        ("data_security", data),
        ("actor", actor(entry)),
        ("src_endpoint", source(entry)),
        ("dst_endpoint", destination(entry)),
        ("resources", tools(entry)),
    ]
}

/// What somebody must look at.
pub(super) fn detection(entry: &Entry) -> Parts {
    let evidence = object([
        ("actor", actor(entry)),
        ("src_endpoint", source(entry)),
        ("dst_endpoint", destination(entry)),
    ]);
    vec![
        ("finding_info", finding(entry)),
        ("evidences", list(evidence)),
        ("resources", tools(entry)),
    ]
}

/// Who came to the gate.
pub(super) fn authentication(entry: &Entry) -> Parts {
    vec![
        ("user", user(entry)),
        ("service", object([("name", text(PRODUCT))])),
        ("src_endpoint", source(entry)),
        ("dst_endpoint", destination(entry)),
    ]
}

/// A rulebook, a signing key or a legal hold, before and after.
pub(super) fn entity_management(entry: &Entry) -> Parts {
    let fact = |key: &str| entry.fact_text(key).and_then(text);
    let (before, after) = match entry.event_type().split('.').next() {
        Some("policy") => (
            rulebook(fact("policy_hash_before"), fact("revision_before")),
            rulebook(fact("policy_hash_after"), fact("revision_after")),
        ),
        Some("signer") => {
            let old = fact(keys::OLD_SIGNER_KID).or_else(|| text(entry.signer_kid().as_str()));
            let new = fact(keys::NEW_SIGNER_KID).and_then(|kid| managed("Signing Key", Some(kid)));
            (managed("Signing Key", old), new)
        }
        _ => (managed("Legal Hold", fact("hold")), None),
    };
    vec![
        ("entity", before),
        ("entity_result", after.filter(|_| is_changed(entry))),
        ("actor", actor(entry)),
    ]
}

/// The record itself.
pub(super) fn event_log(entry: &Entry) -> Parts {
    vec![
        ("log_name", text(entry.fact_text(keys::ORIGIN).unwrap_or("tollgate"))),
        ("log_provider", text(PRODUCT)),
        // Of an application.
        ("log_type_id", number(2)),
        ("actor", actor(entry)),
    ]
}

/// The gate.
pub(super) fn product(version: &str) -> Option<Value> {
    object([("name", text(PRODUCT)), ("vendor_name", text(PRODUCT)), ("version", text(version))])
}

/// Whose credentials were shown: a service's, in the schema's words.
pub(super) fn user(entry: &Entry) -> Option<Value> {
    object([("uid", text(who(entry))), ("type_id", number(4))])
}

/// The state of the work on a finding, which begins; or of everything else, how it ended.
pub(super) fn status_id(entry: &Entry, class: Class) -> Option<Value> {
    if class.is_finding() {
        return number(1);
    }
    match (outcome(entry), is_changed(entry)) {
        ("success", _) => number(1),
        ("failure", _) | (_, false) => number(2),
        _ => None,
    }
}

/// Whether one of the findings was treated so.
pub(super) fn has_finding(entry: &Entry, action: &str) -> bool {
    findings(entry).any(|finding| finding.get("action").and_then(Value::as_str) == Some(action))
}

/// A text, where there is one.
pub(super) fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::from(text))
}

/// A number.
#[allow(clippy::unnecessary_wraps, reason = "stands among values that may be missing")]
pub(super) fn number(number: u64) -> Option<Value> {
    Some(Value::from(number))
}

/// An object of what there is; nothing when there is none of it.
pub(super) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Option<Value> {
    let there = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let map: Map<String, Value> = there.collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

/// An object of the schema must name somebody.
fn who(entry: &Entry) -> &str {
    if entry.actor().is_empty() { "unidentified" } else { entry.actor() }
}

fn list(value: Option<Value>) -> Option<Value> {
    value.map(|value| Value::Array(vec![value]))
}

fn actor(entry: &Entry) -> Option<Value> {
    let session = entry.fact_text(keys::SESSION).and_then(text);
    object([("user", user(entry)), ("session", object([("uid", session)]))])
}

fn api(entry: &Entry) -> Option<Value> {
    let fact = |key: &str| entry.fact_text(key).and_then(text);
    let id = entry.id().to_string();
    let operation = fact(keys::TOOL)
        .or_else(|| fact(keys::METHOD))
        .or_else(|| fact("http_method"))
        .or_else(|| text(entry.event_type()));
    object([
        ("operation", operation),
        ("service", object([("name", fact(keys::ROUTE))])),
        ("group", object([("name", fact(keys::PROTOCOL))])),
        ("request", object([("uid", text(entry.fact_text(keys::INTENT).unwrap_or(&id)))])),
        ("response", object([("code", count(entry, keys::STATUS)), ("error", fact(keys::CODE))])),
    ])
}

fn source(entry: &Entry) -> Option<Value> {
    object([("ip", ip(entry, keys::SOURCE))])
}

fn destination(entry: &Entry) -> Option<Value> {
    object([
        ("hostname", entry.fact_text(keys::HOST).and_then(text)),
        ("ip", ip(entry, keys::DESTINATION)),
        ("port", port(entry)),
    ])
    // A port alone names nobody.
    .filter(|endpoint| endpoint.get("hostname").or_else(|| endpoint.get("ip")).is_some())
}

fn ip(entry: &Entry, fact: &str) -> Option<Value> {
    address(entry, fact).map(|ip| Value::String(ip.to_string()))
}

fn port(entry: &Entry) -> Option<Value> {
    count(entry, keys::PORT).filter(|port| port.as_u64() <= Some(u64::from(u16::MAX)))
}

fn count(entry: &Entry, fact: &str) -> Option<Value> {
    entry.fact(fact)?.as_u64().map(Value::from)
}

/// The methods that the schema lists; others stand in the payload alone.
const METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

fn http_request(entry: &Entry) -> Option<Value> {
    let url = entry.fact_text(keys::PATH).and_then(text).and_then(|path| {
        object([
            ("path", Some(path)),
            ("hostname", entry.fact_text(keys::HOST).and_then(text)),
            ("port", port(entry)),
        ])
    });
    let method = entry.fact_text("http_method").filter(|method| METHODS.contains(method));
    object([
        ("http_method", method.and_then(text)),
        ("url", url),
        ("body_length", count(entry, keys::BYTES_OUT)),
    ])
}

fn http_response(entry: &Entry) -> Option<Value> {
    // Without a status there is no answer to speak of.
    let code = count(entry, keys::STATUS)?;
    object([("code", Some(code)), ("body_length", count(entry, keys::BYTES_IN))])
}

fn tools(entry: &Entry) -> Option<Value> {
    let tool = entry.fact_text(keys::TOOL).and_then(text)?;
    list(object([("name", Some(tool)), ("type", text("tool"))]))
}

fn authorizations(entry: &Entry) -> Option<Value> {
    let decision = entry.fact_text("ruling").or_else(|| entry.fact_text(keys::EFFECT));
    list(object([("decision", decision.and_then(text)), ("policy", policy(entry))]))
}

fn finding(entry: &Entry) -> Option<Value> {
    let types = entry.fact(keys::CLASSES).filter(|classes| classes.is_array()).cloned();
    object([
        ("uid", text(&entry.id().to_string())),
        ("title", text(title(entry))),
        ("types", types),
        ("created_time", Some(Value::from(entry.ts().as_millisecond()))),
    ])
}

fn findings(entry: &Entry) -> impl Iterator<Item = &Value> {
    entry.fact(keys::FINDINGS).and_then(Value::as_array).into_iter().flatten()
}

/// Each class and how often it was found.
fn discoveries(entry: &Entry) -> Option<Value> {
    let classes = entry.fact(keys::CLASSES)?.as_array()?;
    let all: Vec<Value> = classes
        .iter()
        .map(|class| {
            let found = findings(entry).filter(|finding| finding.get("class") == Some(class));
            json!({ "type": class, "count": found.count() })
        })
        .collect();
    (!all.is_empty()).then_some(Value::Array(all))
}

/// Whether what was to be changed was changed, as far as it is said.
fn is_changed(entry: &Entry) -> bool {
    !matches!(entry.fact_text("outcome"), Some("failed" | "refused"))
}

fn rulebook(hash: Option<Value>, revision: Option<Value>) -> Option<Value> {
    let policy = object([("name", text("rulebook")), ("uid", hash), ("version", revision)]);
    object([("type_id", number(5)), ("name", text("rulebook")), ("policy", policy)])
}

/// Something that the schema has no number for.
fn managed(kind: &str, uid: Option<Value>) -> Option<Value> {
    object([
        ("type_id", number(99)),
        ("type", text(kind)),
        ("name", text(&kind.to_lowercase())),
        ("uid", uid),
    ])
}
