//! The chain: where the next event goes, and the steps from facts to a sealed entry.
use std::fmt::Write as _;

use jiff::Timestamp;
use uuid::Uuid;

use crate::canonical::{SAFE_INTEGER_MAX, write_field};
use crate::facts::{FieldFault, Fields};
use crate::stamp::write_stamp;
use crate::{Digest, Entry, Facts, Kid, Signature, ToSign};

/// Bytes of one event's canonical payload. Log formats that hold whole entries give them 16 bits
/// of length, and the entry around the payload needs room too.
pub const PAYLOAD_BYTES_MAX: usize = 60 * 1024;

/// The end of a chain: the number, predecessor and earliest time of the next event.
///
/// It moves when a draft is made, so that several drafts may be out for signing at once. Keep a
/// clone to return to when they cannot be stored: then the chain has no gap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    next_seq: u64,
    head: Option<Digest>,
    last_ts: Timestamp,
}

/// Why facts cannot become an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DraftError {
    /// A mistake in how the facts were put together.
    #[error(transparent)]
    Field(#[from] FieldFault),
    /// Too many facts for one event.
    #[error("the event is larger than {PAYLOAD_BYTES_MAX} bytes")]
    TooLarge,
    /// No number or time is left.
    #[error("the chain cannot be continued: its number or time is at the end of its range")]
    Exhausted,
}

impl Chain {
    /// A chain without events.
    pub fn new() -> Self {
        Self { next_seq: 0, head: None, last_ts: Timestamp::UNIX_EPOCH }
    }

    /// A chain that goes on after this entry.
    pub fn after(last: &Entry) -> Self {
        Self { next_seq: last.seq() + 1, head: Some(*last.hash()), last_ts: last.ts() }
    }

    /// How many events it has.
    pub fn size(&self) -> u64 {
        self.next_seq
    }

    /// The hash of its last event.
    pub fn head(&self) -> Option<&Digest> {
        self.head.as_ref()
    }

    /// The time of its last event.
    pub fn last_ts(&self) -> Timestamp {
        self.last_ts
    }

    /// No event of this chain is at or before `time` from here on.
    pub fn not_before(&mut self, time: Timestamp) {
        self.last_ts = self.last_ts.max(time);
    }

    /// Gives facts their place. `id` is a fresh UUID version 7; `now` is moved on by a microsecond
    /// where the clock did not, since times strictly increase.
    pub fn draft(
        &mut self,
        facts: Facts,
        id: Uuid,
        now: Timestamp,
        kid: &Kid,
    ) -> Result<Draft, DraftError> {
        let ts = self.time_after(now)?;
        let columns = Columns {
            id,
            seq: self.next_seq,
            event_type: facts.event_type.as_str().to_owned(),
            actor: facts.actor,
            ts,
            kid: kid.clone(),
            manifest_signature_id: facts.manifest_signature_id,
        };
        let text = payload(&columns, &facts.revision, facts.fields)?;
        if text.len() > PAYLOAD_BYTES_MAX {
            return Err(DraftError::TooLarge);
        }
        let prev_hash = self.head;
        let hash = event_hash(&text, prev_hash.as_ref());
        self.next_seq += 1;
        self.head = Some(hash);
        self.last_ts = ts;
        Ok(Draft { columns, text, prev_hash, hash })
    }

    fn time_after(&self, now: Timestamp) -> Result<Timestamp, DraftError> {
        if self.next_seq > SAFE_INTEGER_MAX {
            return Err(DraftError::Exhausted);
        }
        // Whole microseconds, since that is what is written.
        let next = Timestamp::from_microsecond(self.last_ts.as_microsecond() + 1);
        let now = Timestamp::from_microsecond(now.as_microsecond());
        match (next, now) {
            (Ok(next), Ok(now)) => Ok(next.max(now)),
            _ => Err(DraftError::Exhausted),
        }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

/// `SHA-256(canonical payload ‖ 32 raw bytes of the previous hash)`; nothing is appended for the
/// first event.
pub fn event_hash(canonical_payload: &str, prev_hash: Option<&Digest>) -> Digest {
    let prev: &[u8] = prev_hash.map_or(&[], |digest| digest.as_bytes());
    Digest::of(&[canonical_payload.as_bytes(), prev])
}

#[derive(Clone)]
pub(crate) struct Columns {
    pub(crate) id: Uuid,
    pub(crate) seq: u64,
    pub(crate) event_type: String,
    pub(crate) actor: String,
    pub(crate) ts: Timestamp,
    pub(crate) kid: Kid,
    pub(crate) manifest_signature_id: Option<String>,
}

/// The version of the payload's form, in `v`.
pub(crate) const PAYLOAD_VERSION: u64 = 1;

/// The payload in its canonical form. Only the payload is hashed, so whatever stands beside it in the
/// entry stands inside it too.
fn payload(columns: &Columns, revision: &str, mut data: Fields) -> Result<String, FieldFault> {
    let mut out = String::with_capacity(1024);
    // In the order of RFC 8785.
    write_field(&mut out, '{', "actor", &columns.actor);
    out.push_str(",\"data\":");
    data.write(&mut out)?;
    write_field(&mut out, ',', "event_type", &columns.event_type);
    write_field(
        &mut out,
        ',',
        "id",
        columns.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()),
    );
    if let Some(id) = &columns.manifest_signature_id {
        write_field(&mut out, ',', "manifest_signature_id", id);
    }
    write_field(&mut out, ',', "revision", revision);
    // A string takes all that is written to it.
    _ = write!(out, ",\"seq\":{}", columns.seq);
    write_field(&mut out, ',', "signer_kid", columns.kid.as_str());
    write_field(&mut out, ',', "ts", &write_stamp(columns.ts));
    _ = write!(out, ",\"v\":{PAYLOAD_VERSION}}}");
    Ok(out)
}

/// An event with its place, bytes and hash, waiting for its signature. It may be signed anywhere.
#[must_use = "a draft that is not closed leaves a gap in the chain"]
#[derive(Clone)]
pub struct Draft {
    pub(crate) columns: Columns,
    pub(crate) text: String,
    pub(crate) prev_hash: Option<Digest>,
    pub(crate) hash: Digest,
}

/// Why a signature does not close a draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CloseError {
    /// Over something else.
    #[error("the signature is over another hash")]
    Hash,
    /// By somebody else.
    #[error("the signature is by another key than the event names")]
    Key,
}

impl Draft {
    /// The event's id.
    pub fn id(&self) -> Uuid {
        self.columns.id
    }

    /// The event's time.
    pub fn ts(&self) -> Timestamp {
        self.columns.ts
    }

    /// The event's number.
    pub fn seq(&self) -> u64 {
        self.columns.seq
    }

    /// What the hash covers, before the previous hash.
    pub fn canonical(&self) -> &str {
        &self.text
    }

    /// What is to be signed.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// The same for a signer far away: canonical payload and previous hash, and their hash.
    pub fn to_sign(&self) -> ToSign {
        let prev: &[u8] = self.prev_hash.as_ref().map_or(&[], |digest| digest.as_bytes());
        ToSign::new(&[self.text.as_bytes(), prev])
    }

    /// Seals the event.
    pub fn close(self, signature: Signature) -> Result<Entry, CloseError> {
        if *signature.hash() != self.hash {
            return Err(CloseError::Hash);
        }
        if *signature.kid() != self.columns.kid {
            return Err(CloseError::Key);
        }
        Ok(Entry::seal(self, &signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventType, LocalKey};

    fn key(seed: u8) -> LocalKey {
        LocalKey::from_pem(LocalKey::pem_from_seed(&[seed; 32]).as_bytes(), None).unwrap()
    }

    fn draft(chain: &mut Chain, now: &str) -> Result<Draft, DraftError> {
        let facts = Facts::new(EventType::GateStart, "tollgate");
        chain.draft(facts, Uuid::nil(), now.parse().unwrap(), key(1).kid())
    }

    #[test]
    fn time_always_moves_on() {
        let mut chain = Chain::new();
        let mut stamps = Vec::new();
        for now in ["2026-01-01T00:00:00.0000019Z", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]
        {
            stamps.push(write_stamp(draft(&mut chain, now).unwrap().columns.ts));
        }
        let expect = ["00.000001Z", "00.000002Z", "00.000003Z"];
        for (stamp, end) in stamps.iter().zip(expect) {
            assert_eq!(*stamp, format!("2026-01-01T00:00:{end}"));
        }
        assert_eq!(chain.size(), 3);
    }

    #[test]
    fn nothing_is_before_its_signer() {
        let mut chain = Chain::new();
        chain.not_before("2026-01-01T00:00:01.000000999Z".parse().unwrap());
        let draft = draft(&mut chain, "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(write_stamp(draft.columns.ts), "2026-01-01T00:00:01.000001Z");
        assert_eq!(draft.columns.ts, chain.last_ts());
    }

    #[test]
    fn only_the_right_signature_closes() {
        let mut chain = Chain::new();
        let first = draft(&mut chain, "2026-01-01T00:00:00Z").unwrap();
        let second = draft(&mut chain, "2026-01-01T00:00:00Z").unwrap();
        assert!(first.canonical().contains(r#""seq":0"#));
        let by_other = key(2).sign(first.hash()).unwrap();
        let over_other = key(1).sign(second.hash()).unwrap();
        assert_eq!(first.clone().close(by_other).err(), Some(CloseError::Key));
        assert_eq!(first.clone().close(over_other).err(), Some(CloseError::Hash));
        let signature = key(1).sign(first.hash()).unwrap();
        let entry = first.close(signature).unwrap();
        assert_eq!(second.prev_hash.as_ref(), Some(entry.hash()));
    }

    #[test]
    fn a_refused_draft_leaves_the_chain_where_it_was() {
        let mut chain = Chain::new();
        let before = chain.clone();
        let mut large = Facts::new(EventType::GateStart, "tollgate");
        for key in ["a", "b", "c", "d", "e", "f"] {
            large = large.texts(key, (0..64).map(|_| "x".repeat(400)));
        }
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let kid = key(1).kid().clone();
        assert_eq!(chain.draft(large, Uuid::nil(), now, &kid).err(), Some(DraftError::TooLarge));
        let wrong = Facts::new(EventType::GateStart, "tollgate").flag("1", true);
        assert!(matches!(
            chain.draft(wrong, Uuid::nil(), now, &kid),
            Err(DraftError::Field(FieldFault::Key("1")))
        ));
        assert_eq!(chain, before);
    }
}
