//! A root key's word for a session key.
//!
//! A key in hardware signs slowly. So it signs once that a key in the gate's memory may sign for
//! some hours, and that key signs each event. The word travels in the chain (`signer.delegated`)
//! and in the registry, and whoever trusts the root alone can follow it.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::canonical::canonical;
use crate::stamp::{read_stamp, write_stamp};
use crate::{EventType, Facts, Kid, PublicKey, Registry, Signature, SignerRefusal, ToSign};

/// What stands before the signed bytes; see the checkpoint's.
const DOMAIN: &[u8] = b"tollgate delegation v1\n";

/// That a session key may sign events for a while.
#[derive(Clone, Debug)]
pub struct Delegation {
    /// The session key's id.
    pub kid: Kid,
    /// The session key.
    pub key: PublicKey,
    /// The root key's id.
    pub by: Kid,
    /// From when on.
    pub not_before: Timestamp,
    /// Until when; not at it.
    pub not_after: Timestamp,
}

/// A delegation with the root's signature.
#[derive(Clone, Debug)]
pub struct SignedDelegation {
    delegation: Delegation,
    signature: String,
}

impl Delegation {
    /// What the root signs: a fixed head and the canonical form of the five fields.
    pub fn to_sign(&self) -> ToSign {
        let mut map = Map::new();
        for (key, text) in self.fields() {
            map.insert(key.to_owned(), Value::String(text));
        }
        let text = canonical(&Value::Object(map)).unwrap_or_default();
        ToSign::new(&[DOMAIN, text.as_bytes()])
    }

    /// Adds the root's signature; `None` when it is over something else or by another key.
    pub fn close(self, signature: &Signature) -> Option<SignedDelegation> {
        let fits = signature.hash() == self.to_sign().hash() && *signature.kid() == self.by;
        fits.then(|| SignedDelegation { delegation: self, signature: signature.to_base64() })
    }

    fn fields(&self) -> [(&'static str, String); 5] {
        [
            ("delegated_by", self.by.to_string()),
            ("not_after", write_stamp(self.not_after)),
            ("not_before", write_stamp(self.not_before)),
            ("public_key", STANDARD.encode(self.key.to_der())),
            ("session_kid", self.kid.to_string()),
        ]
    }
}

impl SignedDelegation {
    pub(crate) fn new(delegation: Delegation, signature: String) -> Self {
        Self { delegation, signature }
    }

    /// What was signed. Nothing is believed yet: see [`Self::check`].
    pub fn delegation(&self) -> &Delegation {
        &self.delegation
    }

    /// The root's signature, base64.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// The event that tells of it.
    pub fn facts(&self, actor: &str) -> Facts {
        let facts = Facts::new(EventType::SignerDelegated, actor);
        self.delegation
            .fields()
            .iter()
            .fold(facts, |facts, (key, text)| facts.text(key, text))
            .text("root_signature", &self.signature)
    }

    /// Reads it back from such an event's `data`.
    pub fn from_data(data: &Value) -> Option<Self> {
        let word = |key: &str| data.get(key).and_then(Value::as_str);
        let spki = STANDARD.decode(word("public_key")?).ok()?;
        let delegation = Delegation {
            kid: Kid::parse(word("session_kid")?).ok()?,
            key: PublicKey::from_der(&spki).ok()?,
            by: Kid::parse(word("delegated_by")?).ok()?,
            not_before: read_stamp(word("not_before")?)?,
            not_after: read_stamp(word("not_after")?)?,
        };
        Some(Self { delegation, signature: word("root_signature")?.to_owned() })
    }

    /// Whether a root of the registry gave its word. A session key is no root.
    pub fn check(&self, registry: &Registry) -> Result<(), SignerRefusal> {
        let delegation = &self.delegation;
        let by = delegation.by.as_str();
        if registry.signer(&delegation.by).is_some_and(|signer| signer.delegated_by().is_some()) {
            return Err(SignerRefusal::NoRoot(by.to_owned()));
        }
        let hash = *delegation.to_sign().hash();
        registry.check(by, &hash, &self.signature, Some(delegation.not_before)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, LocalKey};

    fn key(seed: u8) -> LocalKey {
        LocalKey::from_pem(LocalKey::pem_from_seed(&[seed; 32]).as_bytes(), None).unwrap()
    }

    fn delegation(root: &LocalKey, session: &LocalKey) -> Delegation {
        Delegation {
            kid: session.kid().clone(),
            key: session.public().clone(),
            by: root.kid().clone(),
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2026-01-01T01:00:00Z".parse().unwrap(),
        }
    }

    fn signed(root: &LocalKey, session: &LocalKey) -> SignedDelegation {
        let delegation = delegation(root, session);
        let signature = root.sign(delegation.to_sign().hash()).unwrap();
        delegation.close(&signature).unwrap()
    }

    fn roots(root: &LocalKey) -> Registry {
        let mut registry = Registry::new();
        registry.add(root.kid().clone(), root.public().clone(), None, "").unwrap();
        registry
    }

    #[test]
    fn a_root_vouches_for_a_session() {
        let (root, session) = (key(1), key(2));
        let mut registry = roots(&root);
        registry.add_delegated(&signed(&root, &session), "").unwrap();
        let written = registry.to_json();
        let registry = Registry::parse(written.as_bytes()).unwrap();
        assert_eq!(registry.to_json(), written);
        let hash = Digest::of(&[b"x"]);
        let text = session.sign(&hash).unwrap().to_base64();
        for (at, good) in [
            ("2025-12-31T23:59:59Z", false),
            ("2026-01-01T00:00:00Z", true),
            ("2026-01-01T00:59:59Z", true),
            ("2026-01-01T01:00:00Z", false),
        ] {
            let at = Some(at.parse().unwrap());
            assert_eq!(registry.check(session.kid().as_str(), &hash, &text, at).is_ok(), good);
        }
    }

    #[test]
    fn who_may_not_vouch() {
        let (root, session, third) = (key(1), key(2), key(3));
        let by_stranger = signed(&third, &session);
        assert!(by_stranger.check(&roots(&root)).is_err());
        // A session is no root: whoever has its key must not make more of them.
        let mut registry = roots(&root);
        registry.add_delegated(&signed(&root, &session), "").unwrap();
        let by_session = signed(&session, &third);
        assert!(matches!(by_session.check(&registry), Err(SignerRefusal::NoRoot(_))));
        // A signature over other times.
        let mut longer = delegation(&root, &session);
        let signature = root.sign(longer.to_sign().hash()).unwrap();
        longer.not_after = "2027-01-01T00:00:00Z".parse().unwrap();
        assert!(longer.clone().close(&signature).is_none());
        let forged = SignedDelegation::new(longer, signature.to_base64());
        assert!(forged.check(&roots(&root)).is_err());
    }

    #[test]
    fn a_forged_registry_is_none() {
        let (root, session) = (key(1), key(2));
        let mut registry = roots(&root);
        registry.add_delegated(&signed(&root, &session), "").unwrap();
        let written = registry.to_json();
        for (from, to) in [
            ("2026-01-01T01:00:00Z", "2027-01-01T01:00:00Z"),
            ("\"deployed_at\": \"2026-01-01T00:00:00Z\",", ""),
            (root.kid().as_str(), key(3).kid().as_str()),
        ] {
            let forged = written.replacen(from, to, 1);
            assert_ne!(forged, written);
            assert!(Registry::parse(forged.as_bytes()).is_err(), "for {to}");
        }
    }
}
