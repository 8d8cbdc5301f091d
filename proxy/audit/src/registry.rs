//! Who may sign: the registry of signers.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::strict::read_json;
use crate::{
    Algorithm, Delegation, Digest, KeyError, Kid, PublicKey, Signature, SignatureError,
    SignedDelegation,
};

/// The keys that events may be signed with, and when each was in service.
///
/// Written as `{"signers":[{"signer_kid","algorithm","public_key_pem","deployed_at"?,
/// "expires_at"?,"revoked_at"?,"delegated_by"?,"delegation_signature"?,"description"?}]}`.
/// Rotation is an overlap: both keys stand in it. A session key has its root's word beside it, and
/// that is checked when the registry is read.
#[derive(Clone, Default)]
pub struct Registry {
    signers: BTreeMap<Kid, Signer>,
}

/// One line of the registry.
#[derive(Clone)]
pub struct Signer {
    key: PublicKey,
    deployed_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    delegation: Option<Word>,
    description: Option<String>,
}

/// A root's word for a session key.
#[derive(Clone)]
struct Word {
    by: Kid,
    signature: String,
}

/// Why a registry cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not a registry.
    #[error("not a registry of signers: {0}")]
    Form(String),
    /// One entry is wrong.
    #[error("signer `{kid}`: {reason}")]
    Signer {
        /// The id as it stands there.
        kid: String,
        /// What is wrong.
        reason: String,
    },
}

/// Why a signature is not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignerRefusal {
    /// Not in the registry.
    #[error("the signer `{0}` is not in the registry")]
    Unknown(String),
    /// In the registry, but not at that time.
    #[error("the signer `{0}` was not deployed yet at that time")]
    Early(String),
    /// In the registry, but not at that time.
    #[error("the signer `{0}` had expired at that time")]
    Expired(String),
    /// In the registry, but taken back at or before that time.
    #[error("the signer `{0}` was revoked before that time")]
    Revoked(String),
    /// A session key that vouches for another.
    #[error("the signer `{0}` is a session key and may not delegate")]
    NoRoot(String),
    /// The signature itself.
    #[error("{1} (signer `{0}`)")]
    Signature(String, SignatureError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    signers: Vec<WrittenSigner>,
}

/// Both spellings that registries in the wild use; where both stand, they must agree.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSigner {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signer_kid: Option<String>,
    #[serde(default, rename = "signerId", skip_serializing)]
    signer_id: Option<String>,
    algorithm: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key_pem: Option<String>,
    #[serde(default, rename = "publicKey", skip_serializing)]
    public_key: Option<String>,
    #[serde(default, alias = "deployedAt", skip_serializing_if = "Option::is_none")]
    deployed_at: Option<String>,
    #[serde(default, alias = "expiresAt", skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delegated_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delegation_signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Registry {
    /// No signers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the written form.
    pub fn parse(text: &[u8]) -> Result<Self, RegistryError> {
        let value = read_json(text).map_err(|e| RegistryError::Form(e.to_string()))?;
        let written: Written =
            serde_json::from_value(value).map_err(|e| RegistryError::Form(e.to_string()))?;
        let mut registry = Self::new();
        for signer in written.signers {
            let (kid, signer) = read_signer(signer)?;
            registry.insert(kid, signer)?;
        }
        for (kid, signer) in &registry.signers {
            let Some(signed) = signer.signed_delegation(kid) else { continue };
            let signed = signed.ok_or_else(|| refuse(kid.as_str(), "a session key has times"))?;
            let checked = signed.check(&registry);
            checked.map_err(|e| refuse(kid.as_str(), &format!("no root vouches for it: {e}")))?;
        }
        Ok(registry)
    }

    /// The written form.
    pub fn to_json(&self) -> String {
        let signers = self.signers.iter().map(|(kid, signer)| WrittenSigner {
            signer_kid: Some(kid.to_string()),
            algorithm: signer.key.algorithm().as_str().to_owned(),
            public_key_pem: Some(signer.key.to_pem()),
            deployed_at: signer.deployed_at.map(|time| time.to_string()),
            expires_at: signer.expires_at.map(|time| time.to_string()),
            revoked_at: signer.revoked_at.map(|time| time.to_string()),
            delegated_by: signer.delegation.as_ref().map(|word| word.by.to_string()),
            delegation_signature: signer.delegation.as_ref().map(|word| word.signature.clone()),
            description: signer.description.clone(),
            ..WrittenSigner::default()
        });
        let written = Written { signers: signers.collect() };
        let mut text = serde_json::to_string_pretty(&written).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Adds a signer that is in service from `deployed_at`.
    pub fn add(
        &mut self,
        kid: Kid,
        key: PublicKey,
        deployed_at: Option<Timestamp>,
        description: &str,
    ) -> Result<(), RegistryError> {
        let description = (!description.is_empty()).then(|| description.to_owned());
        let (expires_at, revoked_at, delegation) = (None, None, None);
        let signer = Signer { key, deployed_at, expires_at, revoked_at, delegation, description };
        self.insert(kid, signer)
    }

    /// Adds a session key, if a root in here vouches for it. A session key that is there already
    /// with the same word is left.
    pub fn add_delegated(
        &mut self,
        signed: &SignedDelegation,
        description: &str,
    ) -> Result<(), RegistryError> {
        let delegation = signed.delegation();
        let kid = delegation.kid.clone();
        signed.check(self).map_err(|e| refuse(kid.as_str(), &e.to_string()))?;
        let known = self.signers.get(&kid).and_then(|signer| signer.delegation.as_ref());
        if known.is_some_and(|word| word.signature == signed.signature()) {
            return Ok(());
        }
        let signer = Signer {
            key: delegation.key.clone(),
            deployed_at: Some(delegation.not_before),
            expires_at: Some(delegation.not_after),
            revoked_at: None,
            delegation: Some(Word {
                by: delegation.by.clone(),
                signature: signed.signature().to_owned(),
            }),
            description: (!description.is_empty()).then(|| description.to_owned()),
        };
        self.insert(kid, signer)
    }

    /// Takes over the session keys of another registry that roots in here vouch for; the others
    /// are left out.
    pub fn adopt_sessions(&mut self, other: &Registry) {
        for (kid, signer) in &other.signers {
            if let Some(Some(signed)) = signer.signed_delegation(kid) {
                // Refused: not ours, so it stays unknown.
                let _ = self.add_delegated(&signed, signer.description.as_deref().unwrap_or(""));
            }
        }
    }

    /// Leaves out session keys.
    pub fn keep_roots(&mut self) {
        self.signers.retain(|_, signer| signer.delegation.is_none());
    }

    /// From `at` on nothing by this signer is believed. A second revocation counts when it is
    /// earlier. `false` when there is no such signer.
    pub fn revoke(&mut self, kid: &Kid, at: Timestamp) -> bool {
        let Some(signer) = self.signers.get_mut(kid) else { return false };
        signer.revoked_at = Some(signer.revoked_at.map_or(at, |known| known.min(at)));
        true
    }

    /// Whether this signer or its root was revoked, at any time.
    pub fn is_revoked(&self, kid: &Kid) -> bool {
        self.signers.get(kid).is_some_and(|signer| self.check_revoked(kid, signer, None).is_err())
    }

    /// Another key has taken over: from `at` on nothing by this one is believed. An earlier end
    /// stays, and a session key's end is its root's word. `false` when nothing changed.
    pub fn retire(&mut self, kid: &Kid, at: Timestamp) -> bool {
        match self.signers.get_mut(kid) {
            Some(signer) if signer.delegation.is_none() && signer.expires_at.is_none() => {
                signer.expires_at = Some(at);
                true
            }
            _ => false,
        }
    }

    fn insert(&mut self, kid: Kid, signer: Signer) -> Result<(), RegistryError> {
        if self.signers.contains_key(&kid) {
            return Err(refuse(kid.as_str(), "it stands twice"));
        }
        self.signers.insert(kid, signer);
        Ok(())
    }

    /// The signer of that id.
    pub fn signer(&self, kid: &Kid) -> Option<&Signer> {
        self.signers.get(kid)
    }

    /// Every signer.
    pub fn signers(&self) -> impl Iterator<Item = (&Kid, &Signer)> {
        self.signers.iter()
    }

    /// Checks a signature in its written form, made at `at` when that is known.
    pub fn check(
        &self,
        kid: &str,
        hash: &Digest,
        signature: &str,
        at: Option<Timestamp>,
    ) -> Result<Signature, SignerRefusal> {
        let unknown = || SignerRefusal::Unknown(kid.to_owned());
        let id = Kid::parse(kid).map_err(|_| unknown())?;
        let signer = self.signers.get(&id).ok_or_else(unknown)?;
        let out_of = |edge: Option<Timestamp>, early: bool| match (edge, at) {
            (Some(edge), Some(at)) => {
                if early {
                    at < edge
                } else {
                    at >= edge
                }
            }
            _ => false,
        };
        // First what matters most to whoever reads it: a revoked key is mostly retired, too.
        self.check_revoked(&id, signer, at)?;
        if out_of(signer.deployed_at, true) {
            return Err(SignerRefusal::Early(kid.to_owned()));
        }
        if out_of(signer.expires_at, false) {
            return Err(SignerRefusal::Expired(kid.to_owned()));
        }
        let checked = signer.key.check_text(&id, hash, signature);
        checked.map_err(|e| SignerRefusal::Signature(kid.to_owned(), e))
    }

    /// With its root a session key falls, too. What has no time may be from after it.
    fn check_revoked(
        &self,
        kid: &Kid,
        signer: &Signer,
        at: Option<Timestamp>,
    ) -> Result<(), SignerRefusal> {
        let root = signer.delegation.as_ref().and_then(|word| self.signers.get_key_value(&word.by));
        for (kid, signer) in root.into_iter().chain([(kid, signer)]) {
            if signer.revoked_at.is_some_and(|revoked| at.is_none_or(|at| at >= revoked)) {
                return Err(SignerRefusal::Revoked(kid.to_string()));
            }
        }
        Ok(())
    }
}

impl Signer {
    /// Its key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Since when it is in service.
    pub fn deployed_at(&self) -> Option<Timestamp> {
        self.deployed_at
    }

    /// Until when it is in service.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Since when nothing by it is believed.
    pub fn revoked_at(&self) -> Option<Timestamp> {
        self.revoked_at
    }

    /// The root that vouches for it, when it is a session key.
    pub fn delegated_by(&self) -> Option<&Kid> {
        self.delegation.as_ref().map(|word| &word.by)
    }

    /// What is said of it.
    pub fn description(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }

    /// The root's word, when it is a session key; the inner `None` when its times are missing.
    fn signed_delegation(&self, kid: &Kid) -> Option<Option<SignedDelegation>> {
        let word = self.delegation.as_ref()?;
        let (Some(not_before), Some(not_after)) = (self.deployed_at, self.expires_at) else {
            return Some(None);
        };
        let (kid, key, by) = (kid.clone(), self.key.clone(), word.by.clone());
        let delegation = Delegation { kid, key, by, not_before, not_after };
        Some(Some(SignedDelegation::new(delegation, word.signature.clone())))
    }
}

fn read_signer(written: WrittenSigner) -> Result<(Kid, Signer), RegistryError> {
    let kid = one_of(written.signer_kid, written.signer_id)
        .map_err(|reason| refuse("?", &format!("`signer_kid` {reason}")))?;
    let wrong = |reason: &str| refuse(&kid, reason);
    let id = Kid::parse(&kid).map_err(|e| wrong(&e.to_string()))?;
    let algorithm = Algorithm::parse(&written.algorithm)
        .ok_or_else(|| wrong(&format!("`algorithm` is none of {}", algorithms())))?;
    let pem = one_of(written.public_key_pem, written.public_key)
        .map_err(|reason| wrong(&format!("`public_key_pem` {reason}")))?;
    let key = PublicKey::from_pem(algorithm, &pem).map_err(|e: KeyError| wrong(&e.to_string()))?;
    let signer = Signer {
        key,
        deployed_at: read_time(written.deployed_at)
            .ok_or_else(|| wrong("`deployed_at` is no time"))?,
        expires_at: read_time(written.expires_at)
            .ok_or_else(|| wrong("`expires_at` is no time"))?,
        revoked_at: read_time(written.revoked_at)
            .ok_or_else(|| wrong("`revoked_at` is no time"))?,
        delegation: match (written.delegated_by, written.delegation_signature) {
            (Some(by), Some(signature)) => {
                let by = Kid::parse(&by).map_err(|e| wrong(&e.to_string()))?;
                Some(Word { by, signature })
            }
            (None, None) => None,
            _ => return Err(wrong("`delegated_by` and `delegation_signature` come together")),
        },
        description: written.description,
    };
    Ok((id, signer))
}

fn algorithms() -> String {
    let words = Algorithm::ALL.map(|algorithm| format!("`{}`", algorithm.as_str()));
    words.join(", ")
}

/// `None` when there is a text but it is no time.
fn read_time(text: Option<String>) -> Option<Option<Timestamp>> {
    match text {
        Some(text) => text.parse().ok().map(Some),
        None => Some(None),
    }
}

fn one_of(ours: Option<String>, alias: Option<String>) -> Result<String, &'static str> {
    match (ours, alias) {
        (Some(a), Some(b)) if a != b => Err("is given twice and differs"),
        (Some(text), _) | (None, Some(text)) => Ok(text),
        (None, None) => Err("is missing"),
    }
}

fn refuse(kid: &str, reason: &str) -> RegistryError {
    RegistryError::Signer { kid: kid.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocalKey;

    fn key(seed: u8) -> LocalKey {
        LocalKey::from_pem(LocalKey::pem_from_seed(&[seed; 32]).as_bytes(), None).unwrap()
    }

    #[test]
    fn written_and_read_back() {
        let key = key(1);
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut registry = Registry::new();
        let public = PublicKey::from_pem(Algorithm::Ed25519, &key.public().to_pem()).unwrap();
        registry.add(key.kid().clone(), public, Some(at), "the first").unwrap();
        let back = Registry::parse(registry.to_json().as_bytes()).unwrap();
        assert_eq!(back.to_json(), registry.to_json());
        let hash = Digest::of(&[b"x"]);
        let text = key.sign(&hash).unwrap().to_base64();
        assert!(back.check(key.kid().as_str(), &hash, &text, Some(at)).is_ok());
        let early = at - jiff::SignedDuration::from_micros(1);
        assert!(matches!(
            back.check(key.kid().as_str(), &hash, &text, Some(early)),
            Err(SignerRefusal::Early(_))
        ));
        assert!(matches!(back.check("x", &hash, &text, None), Err(SignerRefusal::Unknown(_))));
    }

    #[test]
    fn what_is_no_registry() {
        let pem = key(2).public().to_pem();
        let signer = |more: &str| {
            let pem = serde_json::to_string(&pem).unwrap();
            format!(r#"{{"signers":[{{"algorithm":"ed25519","public_key_pem":{pem}{more}}}]}}"#)
        };
        for (text, good) in [
            (signer(r#","signer_kid":"a""#), true),
            (signer(r#","signerId":"a","deployedAt":"2026-01-01T00:00:00Z""#), true),
            (signer(r#","signerId":"a","signer_kid":"b""#), false),
            (signer(r#","signer_kid":"a","publicKey":"other""#), false),
            (signer(r#","signer_kid":"a","revoked":true"#), false),
            (signer(""), false),
            (signer(r#","signer_kid":"a""#).replace("ed25519", "Ed25519"), false),
            (signer(r#","signer_kid":"a""#).replace("ed25519", "rsa-sha256"), false),
            ("[]".to_owned(), false),
        ] {
            assert_eq!(Registry::parse(text.as_bytes()).is_ok(), good, "for {text}");
        }
    }

    #[test]
    fn an_expired_signer() {
        let key = key(3);
        let pem = serde_json::to_string(&key.public().to_pem()).unwrap();
        let text = format!(
            r#"{{"signers":[{{"signer_kid":"k","algorithm":"ed25519","public_key_pem":{pem},"expires_at":"2026-02-01T00:00:00Z"}}]}}"#
        );
        let registry = Registry::parse(text.as_bytes()).unwrap();
        let hash = Digest::of(&[b"x"]);
        let signature = key.sign(&hash).unwrap().to_base64();
        for (at, good) in [("2026-01-31T23:59:59Z", true), ("2026-02-01T00:00:00Z", false)] {
            let at = Some(at.parse().unwrap());
            assert_eq!(registry.check("k", &hash, &signature, at).is_ok(), good);
        }
    }
}
