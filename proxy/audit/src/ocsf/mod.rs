//! An entry as one event of the Open Cybersecurity Schema Framework, version 1.8.0.
//!
//! An event has the attributes of its class in 1.8.0 and no others; `unmapped` is the place that
//! the schema gives for more, and there the payload travels with its hash, signature and
//! predecessor, so that the copy in the SIEM can be verified as the chain itself. (`record_integrity`
//! says the same in attributes of its own, but only from 1.9 on.)
mod class;
mod control;
mod parts;
mod read;

use serde_json::{Map, Value, json};

pub use class::Class;
pub use read::read_ocsf;

use crate::copy::{PRODUCT, severity, title};
use crate::{Entry, keys};
use parts::{number, object, status_id, text};

/// The schema's version, in every event's metadata.
pub const OCSF_VERSION: &str = "1.8.0";

/// The JSON of an entry, without a newline.
pub fn write_ocsf(entry: &Entry) -> String {
    event(entry, env!("CARGO_PKG_VERSION")).to_string()
}

/// As a gate of this version writes it.
fn event(entry: &Entry, version: &str) -> Value {
    let class = Class::of(entry);
    let activity = class.activity(entry);
    let severity = severity_id(entry);
    let mut map = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), value);
        }
    };
    put("class_uid", number(class.uid()));
    put("class_name", text(class.name()));
    put("category_uid", number(class.category()));
    put("activity_id", number(activity));
    // What is on no list is said in words.
    put("activity_name", text(title(entry)).filter(|_| activity == class::OTHER));
    put("type_uid", number(class.uid() * 100 + activity));
    put("severity_id", number(severity));
    put("time", Some(Value::from(entry.ts().as_millisecond())));
    put("message", text(title(entry)));
    put("metadata", metadata(entry, class, version));
    put("status_id", status_id(entry, class));
    put("status_code", entry.fact_text(keys::CODE).and_then(text));
    put("status_detail", detail(entry));
    for (key, value) in class.body(entry, version) {
        put(key, value);
    }
    if class.is_control() {
        for (key, value) in control::control(entry) {
            put(key, value);
        }
        put("is_alert", Some(Value::Bool(severity >= ALERT_FROM)));
    }
    put("unmapped", seal(entry));
    Value::Object(map)
}

/// High: whoever is on duty should look.
const ALERT_FROM: u64 = 4;

/// From our 0 to 10 to the schema's 1 (informational) to 5 (critical).
fn severity_id(entry: &Entry) -> u64 {
    match severity(entry) {
        10.. => 5,
        8..=9 => 4,
        6..=7 => 3,
        4..=5 => 2,
        _ => 1,
    }
}

fn detail(entry: &Entry) -> Option<Value> {
    let said = entry.fact_text("detail").or_else(|| entry.fact_text(keys::REASON));
    said.and_then(text)
}

fn metadata(entry: &Entry, class: Class, version: &str) -> Option<Value> {
    let id = entry.id().to_string();
    let profiles = class.is_control().then(|| json!(["security_control"]));
    object([
        ("version", text(OCSF_VERSION)),
        ("product", parts::product(version)),
        ("uid", text(&id)),
        ("correlation_uid", text(entry.fact_text(keys::INTENT).unwrap_or(&id))),
        ("event_code", text(entry.event_type())),
        ("sequence", number(entry.seq())),
        ("log_provider", text(PRODUCT)),
        ("profiles", profiles),
    ])
}

fn seal(entry: &Entry) -> Option<Value> {
    object([
        ("hash", text(&entry.hash().to_string())),
        ("prev_hash", entry.prev_hash().and_then(|hash| text(&hash.to_string()))),
        ("signature", text(entry.signature())),
        ("signer_kid", text(entry.signer_kid().as_str())),
        ("seq", number(entry.seq())),
        ("payload", Some(entry.payload().clone())),
    ])
}
