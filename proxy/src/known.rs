//! What is known and looked for: reads indexes, canaries and the gate's own secrets, and keeps
//! hashes of them.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate_config::settings::{OwnSecret, SecretRef, Settings};
use tollgate_dlp::Name;
use tollgate_dlp::known::{
    DocumentIndex, Known, KnownKey, RecordIndex, RecordUse, Secret, ValueError, Values,
};
use zeroize::Zeroizing;

use crate::credentials::Secrets;
use crate::file;
use crate::snapshot::{SnapshotFault, read_secret};

/// How large the file of an index may be.
const INDEX_BYTES_MAX: u64 = 16 << 30;
/// How large a file with secrets may be.
const SECRETS_BYTES_MAX: u64 = 1 << 20;
/// How many files of a folder are read.
const FOLDER_FILES_MAX: usize = 1000;
/// Shorter lines of a private key are its end, and might be anything.
const KEY_LINE_BYTES: usize = 32;

/// Reads everything that the settings say is known.
pub fn read(settings: &Settings, credentials: &Secrets) -> Result<Known, SnapshotFault> {
    let mut known = Known::default();
    for records in &settings.dlp.known.records {
        let fault = |reason: String| unusable("index", &records.file, reason);
        let key = key(&records.key)?;
        let index = RecordIndex::read(&index_file(&records.file)?, &key);
        let how = RecordUse {
            name: records.name.clone(),
            alone: records.alone.clone(),
            together: records.together,
        };
        let index = index.map_err(|error| fault(error.to_string()))?;
        known.add_records(index, how).map_err(|error| fault(error.to_string()))?;
    }
    for documents in &settings.dlp.known.documents {
        let key = key(&documents.key)?;
        let index = DocumentIndex::read(&index_file(&documents.file)?, &key)
            .map_err(|error| unusable("index", &documents.file, error.to_string()))?;
        known.add_documents(index, &documents.name, documents.prints);
    }
    known.set_values(values(settings, credentials)?);
    if let Some(fetched) = credentials.fetched() {
        known.set_fetched(std::sync::Arc::clone(fetched));
    }
    Ok(known)
}

/// The files that [`read`] reads, which may change.
pub fn files(settings: &Settings) -> Vec<PathBuf> {
    let known = &settings.dlp.known;
    let secret = |secret: &SecretRef| match secret {
        SecretRef::File(path) => Some(path.clone()),
        SecretRef::Env(_) => None,
    };
    let keys = known.records.iter().map(|records| &records.key);
    let keys = keys.chain(known.documents.iter().map(|documents| &documents.key));
    let secrets = keys.chain(known.canaries.iter().map(|canary| &canary.value));
    let indexes = known.records.iter().map(|records| &records.file);
    let indexes = indexes.chain(known.documents.iter().map(|documents| &documents.file));
    secrets
        .filter_map(secret)
        .chain(indexes.cloned())
        .chain(known.secrets.env_files.iter().cloned())
        .collect()
}

/// Whether a file is an index, which may be too large to be read to see whether it changed.
pub fn is_index(settings: &Settings, file: &Path) -> bool {
    let known = &settings.dlp.known;
    known.records.iter().any(|records| records.file == file)
        || known.documents.iter().any(|documents| documents.file == file)
}

fn unusable(what: &'static str, path: &Path, reason: impl Into<String>) -> SnapshotFault {
    SnapshotFault::Known { what, place: path.display().to_string(), reason: reason.into() }
}

fn key(place: &SecretRef) -> Result<KnownKey, SnapshotFault> {
    let secret = read_secret(place)?;
    KnownKey::derive(&secret).map_err(|error| SnapshotFault::Known {
        what: "key",
        place: shown(place),
        reason: error.to_string(),
    })
}

fn named(name: &str) -> Name {
    Arc::<str>::from(name).into()
}

fn shown(place: &SecretRef) -> String {
    match place {
        SecretRef::File(path) => path.display().to_string(),
        SecretRef::Env(name) => name.clone(),
    }
}

fn index_file(path: &Path) -> Result<Vec<u8>, SnapshotFault> {
    bytes("the index", path, INDEX_BYTES_MAX).map(|bytes| bytes.to_vec())
}

/// A whole file, up to a bound.
fn bytes(what: &'static str, path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, SnapshotFault> {
    let unreadable = |reason| SnapshotFault::Unreadable { what, path: path.to_owned(), reason };
    file::read(path, max).map_err(unreadable)
}

/// A key that nobody has: it is made here and ends with the process.
pub(crate) fn random_key() -> Result<Zeroizing<[u8; 16]>, SnapshotFault> {
    let mut key = Zeroizing::new([0_u8; 16]);
    aws_lc_rs::rand::fill(key.as_mut())
        .map_err(|_| SnapshotFault::Dlp("there is no randomness".to_owned()))?;
    Ok(key)
}

/// No values yet.
pub(crate) fn no_values() -> Result<Values, SnapshotFault> {
    Ok(Values::new(&*random_key()?))
}

/// Canaries and secrets.
fn values(settings: &Settings, credentials: &Secrets) -> Result<Values, SnapshotFault> {
    let mut values = no_values()?;
    // First, and whatever else is known: what the gate gives must not come back.
    credentials.add_to(&mut values)?;
    for canary in &settings.dlp.known.canaries {
        let value = read_secret(&canary.value)?;
        let added = values.add(Secret::Canary, named(&canary.name), &value);
        added.map_err(|error| SnapshotFault::Known {
            what: "canary",
            place: shown(&canary.value),
            reason: error.to_string(),
        })?;
    }
    let secrets = &settings.dlp.known.secrets;
    if secrets.gate {
        gate(settings, &mut values)?;
    }
    for name in &secrets.variables {
        let value = read_secret(&SecretRef::Env(name.clone()))?;
        own(&mut values, name, &value, name)?;
    }
    for path in &secrets.env_files {
        let text = bytes("the file of secrets", path, SECRETS_BYTES_MAX)?;
        for (name, value) in assignments(&text) {
            own(&mut values, &path.display().to_string(), value, &name)?;
        }
    }
    for folder in &secrets.folders {
        for path in listed(folder)? {
            let text = bytes("the secret", &path, SECRETS_BYTES_MAX)?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let value = text.trim_ascii_end();
            own(&mut values, &path.display().to_string(), value, &name.unwrap_or_default())?;
        }
    }
    Ok(values)
}

/// The secrets that the settings name. One that cannot be read now is read by whoever needs it, who
/// says so then.
fn gate(settings: &Settings, values: &mut Values) -> Result<(), SnapshotFault> {
    for secret in settings.own_secrets() {
        match secret {
            OwnSecret::Secret(name, _)
                if name.starts_with("dlp.known.canaries") || name.starts_with("credentials[") => {}
            OwnSecret::Secret(name, place) => {
                if let Ok(secret) = read_secret(&place) {
                    own(values, &shown(&place), &secret, &name)?;
                }
            }
            OwnSecret::Key(name, path) => {
                let Ok(text) = bytes("the key", &path, SECRETS_BYTES_MAX) else { continue };
                let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
                let lines = lines.filter(|line| line.len() >= KEY_LINE_BYTES);
                for line in lines.filter(|line| !line.starts_with(b"-----")) {
                    own(values, &path.display().to_string(), line, &name)?;
                }
            }
        }
    }
    Ok(())
}

/// Adds a secret that has something to it. Short and plain values (`true`, a port, a word) stand
/// in files of secrets too.
fn own(values: &mut Values, place: &str, value: &[u8], name: &str) -> Result<(), SnapshotFault> {
    if !is_telling(value) {
        return Ok(());
    }
    match values.add(Secret::Own, named(name), value) {
        Ok(()) | Err(ValueError::Short(_) | ValueError::Plain | ValueError::Tag) => Ok(()),
        Err(error @ ValueError::Many) => Err(SnapshotFault::Known {
            what: "secrets",
            place: place.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// Whether nobody writes this by chance: long, or of letters and others.
fn is_telling(value: &[u8]) -> bool {
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let mixed = letters > 0 && letters < value.len();
    let url = value.starts_with(b"http") && !value.contains(&b'@');
    let path = value.starts_with(b"/") && !value.iter().any(u8::is_ascii_digit);
    value.len() >= Values::BYTES_MIN && (mixed || value.len() >= 20) && !url && !path
}

/// The values of a file of lines `NAME=value`, with `export`, quotes and comments.
fn assignments(text: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.trim_ascii();
        let line = line.strip_prefix(b"export ").unwrap_or(line).trim_ascii_start();
        let at = line.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (line.get(..at)?.trim_ascii(), line.get(at + 1..)?.trim_ascii());
        let named =
            name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        let quoted = |quote: u8| value.strip_prefix(&[quote])?.strip_suffix(&[quote]);
        let value = quoted(b'"').or_else(|| quoted(b'\'')).unwrap_or(value);
        let name = String::from_utf8(name.to_vec()).ok().filter(|name| !name.is_empty())?;
        named.then_some((name, value))
    })
}

/// The files of a folder, without those of Kubernetes' own (`..data`).
fn listed(folder: &Path) -> Result<Vec<PathBuf>, SnapshotFault> {
    let unreadable = |reason| SnapshotFault::Unreadable {
        what: "the folder of secrets",
        path: folder.to_owned(),
        reason,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".."));
        if !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    files.truncate(FOLDER_FILES_MAX);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_file_of_secrets() {
        let text = b"# note\nexport A=\"one two\"\nB = 'x=y'\nC=\n\nbad line\nD=plain # kept\r\n";
        let found: Vec<_> = assignments(text)
            .map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()))
            .collect();
        let expect = [("A", "one two"), ("B", "x=y"), ("C", ""), ("D", "plain # kept")];
        assert_eq!(found, expect.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_anybody_might_write_is_no_secret() {
        for plain in ["true", "production", "8080", "http://db.internal:5432/app", "/etc/app/conf"]
        {
            assert!(!is_telling(plain.as_bytes()), "{plain}");
        }
        for secret in ["hunter2hunter2", "postgres://app:pw@db/app", "correcthorsebatterystaple"] {
            assert!(is_telling(secret.as_bytes()), "{secret}");
        }
    }
}
