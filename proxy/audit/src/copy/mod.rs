//! What the formats have in common that others keep an event in: the words for it, and how an
//! entry is made of such a copy again.
//!
//! Only the payload is signed, so the rest of a copy is not believed but compared: what is read
//! must be what the rebuilt entry is written as.
mod line;
mod words;

use serde_json::{Map, Value};

pub(crate) use line::{Pairs, is_key, is_version, message, write_encoded, write_plain};
pub use words::severity;
pub(crate) use words::{address, bounded, facts, outcome, reason, seal, title};

use crate::canonical::canonical;
use crate::{Entry, EntryError, ReadError};

/// Vendor and product in every header.
pub(crate) const PRODUCT: &str = "Tollgate";

/// Why a line is no event of ours. Says which field, never what stood there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CopyError {
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    Text,
    /// Something else.
    #[error("it is neither {0} nor {0} in an RFC 5424 message")]
    Other(&'static str),
    /// Another product's, or a broken one.
    #[error("its {0} header is not one of ours")]
    Header(&'static str),
    /// What follows the header is no list of pairs.
    #[error("a pair of its {0} cannot be read")]
    Pair(&'static str),
    /// The event is not JSON with one meaning.
    #[error("it is not JSON with one meaning: {0}")]
    Json(ReadError),
    /// One key, two values.
    #[error("`{0}` stands twice in it")]
    Twice(String),
    /// What makes a copy verifiable is not there.
    #[error("`{0}` is missing in it")]
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

/// The entry of a copy's payload and seal: the columns come from the payload, which repeats them.
/// Its hash is checked, but not its signature and not its place.
pub(crate) fn rebuild(
    payload: Value,
    prev_hash: Option<&str>,
    hash: &str,
    signature: &str,
) -> Result<Entry, CopyError> {
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
    map.insert("prev_hash".to_owned(), prev_hash.map_or(Value::Null, Value::from));
    map.insert("hash".to_owned(), Value::from(hash));
    map.insert("signature".to_owned(), Value::from(signature));
    map.insert("payload".to_owned(), payload);
    let line =
        canonical(&Value::Object(map)).map_err(|_| CopyError::Differs("payload".to_owned()))?;
    Ok(Entry::parse(line.as_bytes())?)
}
