//! The signing key and the registry beside the spool.
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use jiff::Timestamp;
use tollgate_audit::{Kid, LocalKey, Registry};
use zeroize::Zeroizing;

use super::files::{replace, sync_parent};
use super::{LedgerError, LedgerOptions};

/// The development key's file in the spool.
const KEY_FILE: &str = "signing-key.pem";
/// The registry's file in the spool.
pub(super) const REGISTRY_FILE: &str = "signers.json";
/// A PKCS#8 Ed25519 key has about 120 bytes.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// The key that signs, and since when its registry entry says so.
pub(super) struct SigningKey {
    pub(super) key: LocalKey,
    pub(super) registry: Registry,
    pub(super) deployed_at: Option<Timestamp>,
}

/// Reads the key, or makes the development key at first start, and registers it.
pub(super) fn open(options: &LedgerOptions) -> Result<SigningKey, LedgerError> {
    let path = options.key.clone().unwrap_or_else(|| options.spool.join(KEY_FILE));
    let wrong = |reason: String| LedgerError::Key { path: path.clone(), reason };
    if options.key.is_none() && !path.exists() {
        make_key(&path)?;
    }
    let pem = read_key(&path)?;
    let kid = options.kid.as_deref().map(Kid::parse).transpose();
    let kid = kid.map_err(|e| wrong(format!("`audit.signer.kid`: {e}")))?;
    let key = LocalKey::from_pem(&pem, kid).map_err(|e| wrong(e.to_string()))?;
    let (registry, deployed_at) = register(&options.spool, &key)?;
    Ok(SigningKey { key, registry, deployed_at })
}

fn make_key(path: &Path) -> Result<(), LedgerError> {
    let mut seed = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(seed.as_mut_slice())
        .map_err(|_| LedgerError::Key { path: path.to_owned(), reason: "no randomness".into() })?;
    let pem = LocalKey::pem_from_seed(&seed);
    // Made in place and not renamed into it, so that the file never has another mode; a crash in
    // between leaves a short file, and the next start says that it is no key.
    let write = || {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        file.write_all(pem.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| LedgerError::file("write the new signing key", path, e))?;
    tracing::warn!(path = %path.display(), "made a development signing key");
    sync_parent(path)
}

/// Reads a private key's file, which nobody else may read.
pub(super) fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, LedgerError> {
    let fault = |e| LedgerError::file("read the signing key", path, e);
    let facts = fs::metadata(path).map_err(fault)?;
    let mode = facts.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(LedgerError::KeyMode { path: path.to_owned(), mode });
    }
    if facts.len() > KEY_BYTES_MAX {
        let reason = "it is too large for a signing key".to_owned();
        return Err(LedgerError::Key { path: path.to_owned(), reason });
    }
    fs::read(path).map(Zeroizing::new).map_err(fault)
}

fn register(spool: &Path, key: &LocalKey) -> Result<(Registry, Option<Timestamp>), LedgerError> {
    let path = spool.join(REGISTRY_FILE);
    let wrong = |reason: String| LedgerError::Key { path: path.clone(), reason };
    let mut registry = match fs::read(&path) {
        Ok(text) => Registry::parse(&text).map_err(|e| wrong(e.to_string()))?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Registry::new(),
        Err(e) => return Err(LedgerError::file("read", &path, e)),
    };
    if let Some(known) = registry.signer(key.kid()) {
        if known.key().to_pem() != key.public().to_pem() {
            return Err(wrong(format!(
                "`{}` stands there with another public key; give the new key its own \
                 `audit.signer.kid`",
                key.kid()
            )));
        }
        let deployed_at = known.deployed_at();
        return Ok((registry, deployed_at));
    }
    let now = Timestamp::now();
    let added = registry.add(key.kid().clone(), key.public().clone(), Some(now), "");
    added.map_err(|e| wrong(e.to_string()))?;
    replace(&path, registry.to_json().as_bytes())?;
    Ok((registry, Some(now)))
}
