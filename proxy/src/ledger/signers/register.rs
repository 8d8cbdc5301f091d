//! The registry beside the spool: every key that ever signed it, and until when each was believed.
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tollgate_audit::{Kid, PublicKey, Registry, SignedDelegation, read_json};

use super::super::LedgerError;
use super::super::files::{own_as, replace, sync_parent};

/// The registry's file in the spool.
pub(crate) const REGISTRY_FILE: &str = "signers.json";
/// Revocations that operators asked for; the gate carries each out once.
pub(crate) const REVOCATIONS_FILE: &str = "revocations.jsonl";

/// The registry and its file.
pub(in super::super) struct Register {
    path: PathBuf,
    registry: Registry,
}

/// A key that is no longer believed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revocation {
    /// Which key.
    pub(crate) signer_kid: String,
    /// Since when, RFC 3339; when absent, from when it is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_at: Option<String>,
    /// Why, in an operator's words.
    pub(crate) reason: String,
}

/// A revocation that was read and is to be carried out.
pub(in super::super) struct Asked {
    pub(in super::super) kid: Kid,
    pub(in super::super) at: Option<Timestamp>,
    pub(in super::super) reason: String,
}

impl Register {
    pub(in super::super) fn open(spool: &Path) -> Result<Self, LedgerError> {
        let path = spool.join(REGISTRY_FILE);
        let registry = match fs::read(&path) {
            Ok(text) => Registry::parse(&text).map_err(|e| wrong(&path, e.to_string()))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Registry::new(),
            Err(e) => return Err(LedgerError::file("read", &path, e)),
        };
        Ok(Self { path, registry })
    }

    pub(in super::super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The id that a key has here: as it stands, else as the setting says, else made from the key.
    /// After a rotation the setting still names the key before.
    pub(super) fn kid_of(
        &self,
        key: &PublicKey,
        setting: Option<&str>,
        is_successor: bool,
    ) -> Result<Kid, LedgerError> {
        let derived = key.derived_kid();
        let Some(setting) = setting else { return Ok(derived) };
        let kid = Kid::parse(setting)
            .map_err(|e| wrong(&self.path, format!("`audit.signer.kid`: {e}")))?;
        match self.registry.signer(&kid) {
            Some(known) if known.key().to_der() != key.to_der() => {
                if is_successor || self.registry.signer(&derived).is_some() {
                    return Ok(derived);
                }
                Err(wrong(
                    &self.path,
                    format!(
                        "`{kid}` stands there with another public key; give the new key its own \
                         `audit.signer.kid`"
                    ),
                ))
            }
            _ => Ok(kid),
        }
    }

    /// Adds a key that is in service from `since` on, when it is not there, and refuses one whose
    /// time is over. Gives the time since when it is in service.
    pub(super) fn add(
        &mut self,
        kid: &Kid,
        key: &PublicKey,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, LedgerError> {
        if let Some(known) = self.registry.signer(kid) {
            let over = known.revoked_at().map(|at| ("revoked", at));
            let over = over.or(known.expires_at().map(|at| ("retired", at)));
            if let Some((word, at)) = over {
                return Err(wrong(
                    &self.path,
                    format!("`{kid}` was {word} at {at} and may not sign again; use a fresh key"),
                ));
            }
            return Ok(known.deployed_at());
        }
        self.change(|registry| {
            registry.add(kid.clone(), key.clone(), Some(since), "").map_err(|e| e.to_string())
        })?;
        Ok(Some(since))
    }

    /// Adds a session key that a root here vouches for.
    pub(super) fn add_session(&mut self, signed: &SignedDelegation) -> Result<(), LedgerError> {
        self.change(|registry| registry.add_delegated(signed, "").map_err(|e| e.to_string()))
    }

    /// Another key has taken over from `at` on.
    pub(in super::super) fn retire(&mut self, kid: &Kid, at: Timestamp) -> Result<(), LedgerError> {
        self.change(|registry| {
            registry.retire(kid, at);
            Ok(())
        })
    }

    /// Revocations that are asked for and not carried out. One that cannot be read, or is of a key
    /// that never signed here, is an error: whoever asked must hear of it.
    pub(in super::super) fn asked(&self) -> Result<Vec<Asked>, LedgerError> {
        let path = self.path.with_file_name(REVOCATIONS_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(LedgerError::file("read", &path, e)),
        };
        let mut asked = Vec::new();
        for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let value = read_json(line).map_err(|e| wrong(&path, e.to_string()))?;
            let revocation: Revocation =
                serde_json::from_value(value).map_err(|e| wrong(&path, e.to_string()))?;
            let Revocation { signer_kid, revoked_at, reason } = revocation;
            let at = revoked_at.map(|at| at.parse::<Timestamp>()).transpose();
            let at =
                at.map_err(|_| wrong(&path, format!("`revoked_at` of `{signer_kid}` is no time")))?;
            let kid = Kid::parse(&signer_kid).ok();
            let known = kid.and_then(|kid| Some((self.registry.signer(&kid)?.revoked_at(), kid)));
            match known {
                None => {
                    let reason = format!("no key `{signer_kid}` ever signed this record");
                    return Err(wrong(&path, reason));
                }
                Some((Some(known), _)) if at.is_none_or(|at| known <= at) => {}
                Some((_, kid)) => asked.push(Asked { kid, at, reason }),
            }
        }
        Ok(asked)
    }

    /// Carries a revocation out.
    pub(in super::super) fn revoke(&mut self, kid: &Kid, at: Timestamp) -> Result<(), LedgerError> {
        self.change(|registry| {
            registry.revoke(kid, at);
            Ok(())
        })
    }

    /// Changes a copy, writes it, and believes it only then.
    fn change(
        &mut self,
        change: impl FnOnce(&mut Registry) -> Result<(), String>,
    ) -> Result<(), LedgerError> {
        let mut copy = self.registry.clone();
        change(&mut copy).map_err(|e| wrong(&self.path, e))?;
        let changed = copy.to_json();
        if changed != self.registry.to_json() {
            replace(&self.path, changed.as_bytes())?;
        }
        self.registry = copy;
        Ok(())
    }
}

/// Asks for a revocation; the gate carries it out at its next start or SIGHUP.
pub(crate) fn ask_revocation(spool: &Path, revocation: &Revocation) -> Result<(), LedgerError> {
    let path = spool.join(REVOCATIONS_FILE);
    let line = serde_json::to_string(revocation).unwrap_or_default() + "\n";
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| LedgerError::file("write", &path, e))?;
    own_as(&path, spool)?;
    sync_parent(&path)
}

fn wrong(path: &Path, reason: String) -> LedgerError {
    LedgerError::Key { path: path.to_owned(), reason }
}
