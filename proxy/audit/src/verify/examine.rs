//! What can be said of one event without knowing the others: the part of verifying that costs,
//! and that any number of threads can do at once.
use jiff::Timestamp;
use serde_json::Value;

use super::row::{self, Row};
use super::{Flaw, Profile};
use crate::canonical::canonical_with;
use crate::chain::event_hash;
use crate::registry::SignerRefusal;
use crate::{Digest, EventType, Registry, SignedDelegation, keys, leaf_hash};

/// Looks at events one by one. It knows the registry and nothing of the chain, so it can be copied
/// to every thread.
///
/// [`super::Verifier::examiner`] makes it, and only what it made of a line can be admitted to a
/// chain.
#[derive(Clone, Copy)]
pub struct Examiner<'a> {
    profile: Profile,
    registry: &'a Registry,
}

/// A line that was looked at, sound or not. Whether it stands where it should is for
/// [`super::Verifier::admit`] to say, which also decides which of a line's flaws is told.
#[derive(Clone, Debug)]
#[must_use = "what is not admitted is not in the chain"]
pub struct Examined {
    pub(super) event: Option<String>,
    pub(super) seen: Result<Seen, Flaw>,
}

/// An event whose form is right.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) seq: Option<u64>,
    pub(super) prev_hash: Option<Digest>,
    pub(super) hash: Digest,
    pub(super) leaf: Digest,
    pub(super) ts: Option<Timestamp>,
    pub(super) created_at: Option<Timestamp>,
    /// What `hash` should be.
    pub(super) computed: Digest,
    pub(super) signer: Signed,
    pub(super) released: Option<Released>,
    pub(super) office: Option<Office>,
}

/// What an event says of who may sign from here on.
#[derive(Clone, Debug)]
pub(super) enum Office {
    /// A root vouches for a session key; `None` when that cannot be read.
    Delegated(Option<Box<SignedDelegation>>),
    /// A key is no longer believed.
    Revoked(String),
}

/// Who signed an event, as far as the registry can say.
#[derive(Clone, Debug)]
pub(super) enum Signed {
    /// A registered signer, and the signature is right.
    Registered(String),
    /// Nobody in the registry. An earlier event may vouch for the key, so this is no flaw yet:
    /// only who knows the chain up to here can settle it.
    Stranger(Stranger),
    /// A registered signer may not have signed this, or did not.
    Refused(Flaw),
}

/// A signature by a key that the registry does not know, with all that settles it.
#[derive(Clone, Debug)]
pub(super) struct Stranger {
    pub(super) kid: String,
    pub(super) hash: Digest,
    pub(super) signature: String,
    pub(super) algorithm: Option<String>,
    pub(super) ts: Option<Timestamp>,
}

/// The ledger says that it deleted the beginning.
#[derive(Clone, Debug)]
pub(super) struct Released {
    pub(super) size: u64,
    pub(super) head_hash: Digest,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(profile: Profile, registry: &'a Registry) -> Self {
        Self { profile, registry }
    }

    /// Looks at a line, without its newline: its form and columns, their copies in the payload, its
    /// hash and its signature.
    pub fn examine(&self, line: &[u8]) -> Examined {
        match row::read_line(line) {
            Ok(value) => {
                let event = row::event_name(&value);
                Examined { event, seen: self.see(value, line) }
            }
            Err(flaw) => Examined { event: None, seen: Err(flaw) },
        }
    }

    fn see(&self, value: Value, line: &[u8]) -> Result<Seen, Flaw> {
        // The payload's own text stands in that of the line, so it is written once.
        let (text, payload) = canonical_with(&value, "payload").map_err(|_| Flaw::NotCanonical)?;
        if self.profile == Profile::Tollgate && text.as_bytes() != line {
            return Err(Flaw::NotCanonical);
        }
        let row = row::read_row(value, self.profile)?;
        let payload = payload.and_then(|place| text.get(place)).ok_or(Flaw::NotCanonical)?;
        Ok(Seen {
            seq: row.seq,
            prev_hash: row.prev_hash,
            hash: row.hash,
            leaf: leaf_hash(text.as_bytes()),
            ts: row.ts,
            created_at: row.created_at,
            computed: event_hash(payload, row.prev_hash.as_ref()),
            released: released(&row),
            office: office(&row),
            signer: signed(self.registry, row),
        })
    }
}

/// Whether a signature is right, by a registry that knows its signer.
pub(super) fn check_signer(registry: &Registry, by: &Stranger) -> Result<(), Flaw> {
    let signature =
        registry.check(&by.kid, &by.hash, &by.signature, by.ts).map_err(Flaw::Signer)?;
    let known = registry.signer(signature.kid()).map(|s| s.key().algorithm().as_str());
    if by.algorithm.is_some() && by.algorithm.as_deref() != known {
        return Err(Flaw::Algorithm);
    }
    Ok(())
}

fn signed(registry: &Registry, row: Row) -> Signed {
    let Row { signer_kid: kid, hash, signature, algorithm, ts, .. } = row;
    let by = Stranger { kid, hash, signature, algorithm, ts };
    match check_signer(registry, &by) {
        Ok(()) => Signed::Registered(by.kid),
        Err(Flaw::Signer(SignerRefusal::Unknown(_))) => Signed::Stranger(by),
        Err(flaw) => Signed::Refused(flaw),
    }
}

fn office(row: &Row) -> Option<Office> {
    let data = row.payload.get("data");
    match EventType::parse(row.event_type.as_deref()?)? {
        EventType::SignerDelegated => {
            let word = data.and_then(SignedDelegation::from_data);
            Some(Office::Delegated(word.map(Box::new)))
        }
        EventType::SignerCompromise => {
            let kid = data?.get(keys::REVOKED_SIGNER_KID)?.as_str()?;
            Some(Office::Revoked(kid.to_owned()))
        }
        _ => None,
    }
}

fn released(row: &Row) -> Option<Released> {
    if row.event_type.as_deref() != Some(EventType::AuditReconciliation.as_str()) {
        return None;
    }
    let data = row.payload.get("data")?;
    if data.get(keys::REASON).and_then(Value::as_str) != Some(keys::RELEASED) {
        return None;
    }
    let size = data.get(keys::SIZE).and_then(Value::as_u64)?;
    let head_hash = data.get(keys::HEAD_HASH).and_then(Value::as_str).and_then(Digest::parse)?;
    Some(Released { size, head_hash })
}
