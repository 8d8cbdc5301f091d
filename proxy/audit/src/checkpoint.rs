//! How long the chain was, and how it ended, signed.
//!
//! A chain alone shows every change but one: that its end was cut off. Whoever holds a checkpoint
//! sees that too.
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::canonical::canonical;
use crate::registry::{Registry, SignerRefusal};
use crate::stamp::{read_stamp, write_stamp};
use crate::strict::read_json;
use crate::{Digest, Signature, ToSign};

/// What stands before the signed bytes. It begins unlike any JSON, so that a checkpoint's
/// signature can never pass for an event's.
const DOMAIN: &[u8] = b"tollgate checkpoint v1\n";

/// The chain's size and head at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which chain.
    pub origin: String,
    /// How many events it had.
    pub size: u64,
    /// The hash of the last of them.
    pub head_hash: Digest,
    /// When.
    pub ts: Timestamp,
}

/// A checkpoint with its signature; one line of JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    signer_kid: String,
    signature: String,
}

/// Why a line is no checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not the form.
    #[error("not a checkpoint: {0}")]
    Form(String),
    /// Not signed by one who may.
    #[error("the checkpoint of size {0}: {1}")]
    Signer(u64, SignerRefusal),
}

impl Checkpoint {
    /// What is to be signed: SHA-256 over a fixed head and the canonical form of the four fields.
    pub fn hash(&self) -> Digest {
        *self.to_sign().hash()
    }

    /// The same for a signer far away.
    pub fn to_sign(&self) -> ToSign {
        let text = canonical(&Value::Object(self.to_map())).unwrap_or_default();
        ToSign::new(&[DOMAIN, text.as_bytes()])
    }

    /// Adds the signature; `None` when it is over something else.
    pub fn close(self, signature: &Signature) -> Option<SignedCheckpoint> {
        (*signature.hash() == self.hash()).then(|| SignedCheckpoint {
            checkpoint: self,
            signer_kid: signature.kid().to_string(),
            signature: signature.to_base64(),
        })
    }

    fn to_map(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("head_hash".to_owned(), Value::String(self.head_hash.to_string()));
        map.insert("origin".to_owned(), Value::from(self.origin.as_str()));
        map.insert("size".to_owned(), Value::from(self.size));
        map.insert("ts".to_owned(), Value::String(write_stamp(self.ts)));
        map
    }
}

impl SignedCheckpoint {
    /// The line, with its newline.
    pub fn to_line(&self) -> String {
        let mut map = self.checkpoint.to_map();
        map.insert("signature".to_owned(), Value::from(self.signature.as_str()));
        map.insert("signer_kid".to_owned(), Value::from(self.signer_kid.as_str()));
        let mut line = canonical(&Value::Object(map)).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Reads a line, without or with its newline. Nothing is believed yet: see [`Self::check`].
    pub fn parse(line: &[u8]) -> Result<Self, CheckpointError> {
        let form = |reason: &str| CheckpointError::Form(reason.to_owned());
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let value = read_json(line).map_err(|e| form(&e.to_string()))?;
        let signed = from_value(&value).ok_or_else(|| form("a field is missing or wrong"))?;
        if signed.to_line().trim_end().as_bytes() != line {
            return Err(form("it is not in its canonical form"));
        }
        Ok(signed)
    }

    /// The checkpoint, if a registered signer signed it.
    pub fn check(&self, registry: &Registry) -> Result<&Checkpoint, CheckpointError> {
        let hash = self.checkpoint.hash();
        registry
            .check(&self.signer_kid, &hash, &self.signature, Some(self.checkpoint.ts))
            .map_err(|refusal| CheckpointError::Signer(self.checkpoint.size, refusal))?;
        Ok(&self.checkpoint)
    }
}

fn from_value(value: &Value) -> Option<SignedCheckpoint> {
    let word = |key: &str| value.get(key).and_then(Value::as_str);
    Some(SignedCheckpoint {
        checkpoint: Checkpoint {
            origin: word("origin")?.to_owned(),
            size: value.get("size")?.as_u64()?,
            head_hash: Digest::parse(word("head_hash")?)?,
            ts: read_stamp(word("ts")?)?,
        },
        signer_kid: word("signer_kid")?.to_owned(),
        signature: word("signature")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, LocalKey, PublicKey};

    #[test]
    fn signed_written_read_checked() {
        let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
        let mut registry = Registry::new();
        let public = PublicKey::from_pem(Algorithm::Ed25519, &key.public().to_pem()).unwrap();
        registry.add(key.kid().clone(), public, None, "").unwrap();
        let checkpoint = Checkpoint {
            origin: "tollgate/x".to_owned(),
            size: 7,
            head_hash: Digest::of(&[b"x"]),
            ts: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        let signature = key.sign(&checkpoint.hash()).unwrap();
        let line = checkpoint.clone().close(&signature).unwrap().to_line();
        let back = SignedCheckpoint::parse(line.as_bytes()).unwrap();
        assert_eq!(back.check(&registry), Ok(&checkpoint));
        assert!(back.check(&Registry::new()).is_err());
        let forged = line.replace("\"size\":7", "\"size\":6");
        let forged = SignedCheckpoint::parse(forged.as_bytes()).unwrap();
        assert!(matches!(forged.check(&registry), Err(CheckpointError::Signer(6, _))));
        let spaced = line.replace(":7", ": 7");
        assert!(SignedCheckpoint::parse(spaced.as_bytes()).is_err());
        let other = key.sign(&Digest::of(&[b"y"])).unwrap();
        assert!(checkpoint.close(&other).is_none());
    }
}
