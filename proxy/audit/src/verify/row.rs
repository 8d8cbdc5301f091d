//! One event as it stands in a file, with its columns checked for form but for nothing else.
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Flaw, Profile};
use crate::Digest;
use crate::canonical::SAFE_INTEGER_MAX;
use crate::stamp::read_stamp;
use crate::strict::read_json;

pub(super) struct Row {
    pub(super) payload: Value,
    pub(super) hash: Digest,
    pub(super) prev_hash: Option<Digest>,
    pub(super) signature: String,
    pub(super) signer_kid: String,
    pub(super) algorithm: Option<String>,
    pub(super) seq: Option<u64>,
    pub(super) event_type: Option<String>,
    pub(super) ts: Option<Timestamp>,
    pub(super) created_at: Option<Timestamp>,
}

/// Every column of ours; all must be there but the one marked.
const COLUMNS: [(&str, bool); 12] = [
    ("actor", true),
    ("event_type", true),
    ("hash", true),
    ("id", true),
    ("manifest_signature_id", false),
    ("payload", true),
    ("prev_hash", true),
    ("seq", true),
    ("signature", true),
    ("signer_id", true),
    ("signer_kid", true),
    ("ts", true),
];

/// Columns that the payload repeats. `revision` stands in the payload alone, so nothing beside it
/// can differ.
pub(crate) const COPIES: [&str; 7] =
    ["id", "seq", "event_type", "actor", "ts", "signer_kid", "manifest_signature_id"];

/// Names that others give to the same columns.
const ALIASES: [(&str, &str); 7] = [
    ("eventType", "event_type"),
    ("prevHash", "prev_hash"),
    ("actor_id", "actor"),
    ("actorId", "actor"),
    ("signerKid", "signer_kid"),
    ("signerId", "signer_id"),
    ("createdAt", "created_at"),
];

/// The best name for the event that can be had, for messages.
pub(super) fn event_name(value: &Value) -> Option<String> {
    let id = |map: &Value| map.get("id").and_then(Value::as_str).map(str::to_owned);
    id(value)
        .or_else(|| value.get("payload").and_then(id))
        .filter(|id| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

pub(super) fn read_line(line: &[u8]) -> Result<Value, Flaw> {
    read_json(line).map_err(Flaw::Unreadable)
}

pub(super) fn read_row(value: Value, profile: Profile) -> Result<Row, Flaw> {
    let Value::Object(map) = value else { return Err(wrong("event", "is not an object")) };
    let mut map = match profile {
        Profile::Tollgate => exact(map)?,
        Profile::Foreign => unaliased(map)?,
    };
    let payload = map.swap_remove("payload").ok_or_else(|| wrong("payload", "is missing"))?;
    compare_copies(&map, &payload, profile)?;
    let either = |key: &str| map.get(key).or_else(|| payload.get(key));
    Ok(Row {
        hash: digest(&map, "hash")?.ok_or_else(|| wrong("hash", "is missing"))?,
        prev_hash: digest(&map, "prev_hash")?,
        signature: needed(&map, "signature")?,
        signer_kid: needed(&map, "signer_kid")?,
        algorithm: text(&map, "alg")?,
        seq: seq(either("seq"))?,
        event_type: text(&map, "event_type")?,
        ts: time(either("ts"), "ts", profile)?,
        created_at: time(map.get("created_at"), "created_at", profile)?,
        payload,
    })
}

fn exact(map: Map<String, Value>) -> Result<Map<String, Value>, Flaw> {
    for (column, needed) in COLUMNS {
        if needed && !map.contains_key(column) {
            return Err(wrong(column, "is missing"));
        }
    }
    if map.keys().any(|key| COLUMNS.iter().all(|(column, _)| column != key)) {
        return Err(wrong("event", "has a column that is none of ours"));
    }
    let id = map.get("id").and_then(Value::as_str).unwrap_or_default();
    match Uuid::try_parse(id) {
        Ok(uuid) if uuid.to_string() == id => Ok(map),
        _ => Err(wrong("id", "is not a UUID in its written form")),
    }
}

fn unaliased(map: Map<String, Value>) -> Result<Map<String, Value>, Flaw> {
    let mut out = Map::new();
    for (key, value) in map {
        let name = ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key.as_str(), |(_, n)| n);
        if out.insert(name.to_owned(), value).is_some() {
            return Err(wrong(name, "stands there under two names"));
        }
    }
    Ok(out)
}

fn compare_copies(map: &Map<String, Value>, payload: &Value, profile: Profile) -> Result<(), Flaw> {
    let strict = profile == Profile::Tollgate;
    if strict && payload.get("v") != Some(&Value::from(crate::chain::PAYLOAD_VERSION)) {
        return Err(wrong("payload.v", "is no version that this verifier knows"));
    }
    for column in COPIES {
        let alias = ALIASES.iter().find(|(_, name)| *name == column).map(|(alias, _)| *alias);
        let inside = payload.get(column).or_else(|| payload.get(alias?));
        let same = match (map.get(column), inside) {
            (Some(beside), Some(inside)) => {
                beside == inside || (!strict && column == "ts" && same_time(beside, inside))
            }
            (None, None) => true,
            // Other systems' rows have columns that their payloads do not repeat, and the reverse.
            _ => !strict,
        };
        if !same {
            return Err(Flaw::CopyDiffers(column));
        }
    }
    if strict && payload.get("revision").and_then(Value::as_str).is_none() {
        return Err(wrong("payload.revision", "is missing"));
    }
    match map.get("signer_id") {
        Some(id) if strict && map.get("signer_kid") != Some(id) => {
            Err(Flaw::CopyDiffers("signer_id"))
        }
        _ => Ok(()),
    }
}

/// A database prints the same moment in its own way.
fn same_time(a: &Value, b: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    time(a).is_some_and(|a| time(b) == Some(a))
}

fn seq(value: Option<&Value>) -> Result<Option<u64>, Flaw> {
    match value {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .filter(|seq| *seq <= SAFE_INTEGER_MAX)
            .map(Some)
            .ok_or_else(|| wrong("seq", "is not a number of an event")),
    }
}

fn time(value: Option<&Value>, column: &str, profile: Profile) -> Result<Option<Timestamp>, Flaw> {
    let Some(value) = value else { return Ok(None) };
    let time = value.as_str().and_then(|text| match profile {
        Profile::Tollgate => read_stamp(text),
        Profile::Foreign => text.parse().ok(),
    });
    time.map(Some).ok_or_else(|| wrong(column, "is not a time in its written form"))
}

/// `null` and absent are none; anything else must be a digest. An empty text or upper case is a
/// second way to write, so it is wrong.
fn digest(map: &Map<String, Value>, column: &str) -> Result<Option<Digest>, Flaw> {
    match map.get(column) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(Digest::parse)
            .map(Some)
            .ok_or_else(|| wrong(column, "is not 64 lower-case hexadecimal characters")),
    }
}

fn needed(map: &Map<String, Value>, column: &str) -> Result<String, Flaw> {
    text(map, column)?.ok_or_else(|| wrong(column, "is missing"))
}

fn text(map: &Map<String, Value>, column: &str) -> Result<Option<String>, Flaw> {
    match map.get(column) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(column, "is not text")),
    }
}

fn wrong(column: &str, problem: &'static str) -> Flaw {
    Flaw::Column { column: column.to_owned(), problem }
}
