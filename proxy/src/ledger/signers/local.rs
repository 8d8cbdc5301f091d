//! A signing key in a file.
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tollgate_audit::LocalKey;
use zeroize::Zeroizing;

use super::super::LedgerError;
use super::super::files::{own_as, replace, sync_parent};

/// The development key's file in the spool.
pub(in super::super) const KEY_FILE: &str = "signing-key.pem";
/// A PKCS#8 Ed25519 key has about 120 bytes.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Where the key of the next rotation waits, beside the one in use.
pub(crate) fn next_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

/// Makes a key in a new file with mode 0600.
pub(crate) fn make_key(path: &Path) -> Result<(), LedgerError> {
    let mut seed = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(seed.as_mut_slice())
        .map_err(|_| LedgerError::Key { path: path.to_owned(), reason: "no randomness".into() })?;
    let pem = LocalKey::pem_from_seed(&seed);
    // Nobody's key is overwritten, and a crash leaves none rather than a short one.
    if path.exists() {
        let there = io::ErrorKind::AlreadyExists.into();
        return Err(LedgerError::file("write the new signing key", path, there));
    }
    replace(path, pem.as_bytes())
}

/// Makes the key of the next rotation, for whoever has the key in use.
pub(crate) fn make_next(key: &Path) -> Result<(), LedgerError> {
    let next = next_path(key);
    make_key(&next)?;
    own_as(&next, key)
}

/// Reads a key that nobody else can read.
pub(crate) fn read_key(path: &Path) -> Result<LocalKey, LedgerError> {
    let wrong = |reason: String| LedgerError::Key { path: path.to_owned(), reason };
    LocalKey::from_pem(&read_private(path)?, None).map_err(|e| wrong(e.to_string()))
}

/// Reads a private key's file, which nobody else may read.
pub(in super::super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, LedgerError> {
    let fault = |e| LedgerError::file("read the signing key", path, e);
    let wrong = |reason: String| LedgerError::Key { path: path.to_owned(), reason };
    let facts = fs::metadata(path).map_err(fault)?;
    let mode = facts.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(LedgerError::KeyMode { path: path.to_owned(), mode });
    }
    if facts.len() > KEY_BYTES_MAX {
        return Err(wrong("it is too large for a signing key".to_owned()));
    }
    fs::read(path).map(Zeroizing::new).map_err(fault)
}

/// The key of the next rotation takes the place of the one in use, whose private half is gone from
/// the disk then.
pub(super) fn put_in_place(next: &Path, key: &Path) -> Result<(), LedgerError> {
    fs::rename(next, key).map_err(|e| LedgerError::file("put the new signing key into", key, e))?;
    sync_parent(key)
}
