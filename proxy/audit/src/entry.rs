//! A sealed event and its line.
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::canonical::{SAFE_INTEGER_MAX, canonical, write_field};
use crate::chain::{Columns, Draft, event_hash};
use crate::stamp::{read_stamp, write_stamp};
use crate::strict::read_json;
use crate::verify::COPIES;
use crate::{Digest, Kid, Signature};

/// One event of the chain, sealed. Its line is RFC 8785 itself: each entry has exactly one way to
/// be written.
#[derive(Clone)]
pub struct Entry {
    columns: Columns,
    /// What `text` says, read when it is first asked for.
    payload: OnceLock<Value>,
    text: String,
    prev_hash: Option<Digest>,
    hash: Digest,
    signature: String,
}

/// Why a line is no entry of ours. [`crate::verify`] says more; this is for reading back what the
/// ledger itself wrote.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an entry of this ledger: {0}")]
pub struct EntryError(String);

impl Entry {
    pub(crate) fn seal(draft: Draft, signature: &Signature) -> Self {
        Self {
            columns: draft.columns,
            payload: OnceLock::new(),
            text: draft.text,
            prev_hash: draft.prev_hash,
            hash: draft.hash,
            signature: signature.to_base64(),
        }
    }

    /// The line, with its newline.
    pub fn to_line(&self) -> String {
        let mut out = String::with_capacity(self.text.len() + 640);
        // In the order of RFC 8785; `parse` compares with it.
        write_field(&mut out, '{', "actor", &self.columns.actor);
        write_field(&mut out, ',', "event_type", &self.columns.event_type);
        write_field(&mut out, ',', "hash", &self.hash.to_string());
        write_field(&mut out, ',', "id", &self.columns.id.to_string());
        if let Some(id) = &self.columns.manifest_signature_id {
            write_field(&mut out, ',', "manifest_signature_id", id);
        }
        out.push_str(",\"payload\":");
        out.push_str(&self.text);
        match &self.prev_hash {
            Some(hash) => write_field(&mut out, ',', "prev_hash", &hash.to_string()),
            None => out.push_str(",\"prev_hash\":null"),
        }
        out.push_str(",\"seq\":");
        out.push_str(&self.columns.seq.to_string());
        write_field(&mut out, ',', "signature", &self.signature);
        write_field(&mut out, ',', "signer_id", self.columns.kid.as_str());
        write_field(&mut out, ',', "signer_kid", self.columns.kid.as_str());
        write_field(&mut out, ',', "ts", &write_stamp(self.columns.ts));
        out.push_str("}\n");
        out
    }

    /// Reads a line back, without or with its newline, and checks its hash, but not its signature
    /// and not its place: that is [`crate::Verifier`]'s work.
    pub fn parse(line: &[u8]) -> Result<Self, EntryError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let value = read_json(line).map_err(|e| EntryError(e.to_string()))?;
        let Value::Object(map) = value else {
            return Err(EntryError("not an object".to_owned()));
        };
        let entry = from_map(map).ok_or_else(|| EntryError("a column is wrong".to_owned()))?;
        if event_hash(&entry.text, entry.prev_hash.as_ref()) != entry.hash {
            return Err(EntryError("its hash is not the hash of its payload".to_owned()));
        }
        if entry.to_line().trim_end().as_bytes() != line {
            return Err(EntryError("it is not in its canonical form".to_owned()));
        }
        Ok(entry)
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.columns.id
    }

    /// Its number; the first is 0.
    pub fn seq(&self) -> u64 {
        self.columns.seq
    }

    /// What it tells of.
    pub fn event_type(&self) -> &str {
        &self.columns.event_type
    }

    /// Who did it.
    pub fn actor(&self) -> &str {
        &self.columns.actor
    }

    /// When.
    pub fn ts(&self) -> Timestamp {
        self.columns.ts
    }

    /// Its hash.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// The hash of the event before.
    pub fn prev_hash(&self) -> Option<&Digest> {
        self.prev_hash.as_ref()
    }

    /// Its signature, base64.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// Who signed.
    pub fn signer_kid(&self) -> &Kid {
        &self.columns.kid
    }

    /// What is hashed, before the previous hash.
    pub fn canonical(&self) -> &str {
        &self.text
    }

    /// The same as a value.
    pub fn payload(&self) -> &Value {
        // What was written here can be read.
        self.payload.get_or_init(|| serde_json::from_str(&self.text).unwrap_or_default())
    }

    /// The revision in effect; empty when not said.
    pub fn revision(&self) -> &str {
        self.payload().get("revision").and_then(Value::as_str).unwrap_or_default()
    }

    /// One of the facts.
    pub fn fact(&self, key: &str) -> Option<&Value> {
        self.payload().get("data").and_then(|data| data.get(key))
    }

    /// One of the facts, when it is text.
    pub fn fact_text(&self, key: &str) -> Option<&str> {
        self.fact(key).and_then(Value::as_str)
    }
}

fn from_map(mut map: Map<String, Value>) -> Option<Entry> {
    let payload = map.shift_remove("payload")?;
    // Only the payload is hashed, so a column beside it is believed when it is a copy.
    if COPIES.iter().any(|column| map.get(*column) != payload.get(column)) {
        return None;
    }
    let text = canonical(&payload).ok()?;
    let word = |key: &str| map.get(key).and_then(Value::as_str);
    let id = word("id")?;
    let columns = Columns {
        id: Uuid::try_parse(id).ok()?,
        seq: map.get("seq")?.as_u64().filter(|seq| *seq <= SAFE_INTEGER_MAX)?,
        event_type: word("event_type")?.to_owned(),
        actor: word("actor")?.to_owned(),
        ts: read_stamp(word("ts")?)?,
        kid: Kid::parse(word("signer_kid")?).ok()?,
        manifest_signature_id: word("manifest_signature_id").map(str::to_owned),
    };
    let prev_hash = match map.get("prev_hash")? {
        Value::Null => None,
        Value::String(text) => Some(Digest::parse(text)?),
        _ => return None,
    };
    let hash = Digest::parse(word("hash")?)?;
    let signature = word("signature")?.to_owned();
    let payload = OnceLock::from(payload);
    Some(Entry { columns, payload, text, prev_hash, hash, signature })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, EventType, Facts, LocalKey};

    fn entry() -> Entry {
        let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
        let facts = Facts::new(EventType::CallIntent, "spiffe://acme/agents/reader")
            .revision("r7")
            .manifest_signature("m1")
            .text("tool", "send \"email\" \\ <b> 😀");
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let draft = Chain::new().draft(facts, Uuid::from_u128(7), now, key.kid()).unwrap();
        let signature = key.sign(draft.hash()).unwrap();
        draft.close(signature).unwrap()
    }

    #[test]
    fn a_line_is_canonical_and_reads_back() {
        let line = entry().to_line();
        let value = read_json(line.as_bytes()).unwrap();
        assert_eq!(canonical(&value).unwrap() + "\n", line);
        let back = Entry::parse(line.as_bytes()).unwrap();
        assert_eq!(back.to_line(), line);
        assert_eq!(back.fact_text("tool"), Some("send \"email\" \\ %3Cb%3E 😀"));
        assert_eq!(back.revision(), "r7");
    }

    #[test]
    fn what_is_no_entry() {
        let line = entry().to_line();
        for (from, to) in [
            ("\"seq\":0", "\"seq\": 0"),
            ("\"seq\":0,\"signature\"", "\"seq\":0,\"more\":1,\"signature\""),
            ("send", "read"),
            ("{\"actor\":\"spiffe", "{\"actor\":\"other"),
            ("prev_hash\":null", "prev_hash\":\"\""),
            ("{\"actor\"", "{\"actor\":\"x\",\"actor\""),
        ] {
            let changed = line.replacen(from, to, 1);
            assert_ne!(changed, line);
            assert!(Entry::parse(changed.as_bytes()).is_err(), "for {to}");
        }
    }
}
