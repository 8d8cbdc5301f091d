//! An event of ours read back, as a SIEM kept it.
use serde_json::Value;

use super::event;
use crate::Entry;
use crate::canonical::canonical;
use crate::copy::{self, CopyError, is_version};
use crate::strict::read_json;

/// Rebuilds the entry from an event as [`super::write_ocsf`] wrote it, with or without an RFC 5424
/// header. The order of attributes and the white space between them may be another: what they say
/// is compared. Its hash and every attribute are checked, but not its signature and not its place:
/// that is [`crate::Verifier`]'s work. What no signature covers is the syslog header and
/// `metadata.product.version`; of that only the form is checked.
pub fn read_ocsf(line: &[u8]) -> Result<Entry, CopyError> {
    let text = std::str::from_utf8(line).map_err(|_| CopyError::Text)?;
    let text = copy::message(text, "{").ok_or(CopyError::Other("OCSF"))?;
    let found = read_json(text.as_bytes()).map_err(CopyError::Json)?;
    let version = at(&found, &["metadata", "product", "version"])?;
    if !is_version(version) {
        return Err(CopyError::Header("OCSF"));
    }
    let seal = found.get("unmapped");
    let payload = seal.and_then(|seal| seal.get("payload")).ok_or(CopyError::Missing("payload"))?;
    let prev_hash = at(&found, &["unmapped", "prev_hash"]).ok();
    let hash = at(&found, &["unmapped", "hash"])?;
    let signature = at(&found, &["unmapped", "signature"])?;
    let entry = copy::rebuild(payload.clone(), prev_hash, hash, signature)?;
    match difference(&found, &event(&entry, version), "event") {
        Some(place) => Err(CopyError::Differs(place)),
        None => Ok(entry),
    }
}

/// A text in an object in an object.
fn at<'a>(value: &'a Value, path: &[&'static str]) -> Result<&'a str, CopyError> {
    let missing = CopyError::Missing(path.last().copied().unwrap_or_default());
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    found.and_then(Value::as_str).ok_or(missing)
}

/// Where the first difference is, as `metadata.product.name`; nothing when both say the same.
fn difference(found: &Value, due: &Value, place: &str) -> Option<String> {
    let (Value::Object(found_map), Value::Object(due_map)) = (found, due) else {
        // The bytes that are hashed: a number that was written anew is the same number.
        let same = canonical(found).is_ok() && canonical(found) == canonical(due);
        return (!same).then(|| place.to_owned());
    };
    let below = |key: &str| match place {
        "event" => key.to_owned(),
        place => format!("{place}.{key}"),
    };
    let changed = found_map.iter().find_map(|(key, value)| match due_map.get(key) {
        Some(due) => difference(value, due, &below(key)),
        // Another's name is not repeated.
        None => Some(place.to_owned()),
    });
    changed.or_else(|| due_map.keys().find(|key| !found_map.contains_key(*key)).map(|k| below(k)))
}
