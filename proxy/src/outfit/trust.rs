//! Files that make programs trust the gate's authority beside the system's.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry};

use super::{STORE_PASSWORD, beside};
use crate::ledger::replace_public;

/// Why there is nothing to trust.
#[derive(Debug, thiserror::Error)]
pub enum TrustFault {
    /// The gate writes it when it starts.
    #[error(
        "there is no certificate at `{}`: the gate writes it when it starts, so start it first \
         (`tollgate run`)",
        .0.display()
    )]
    NotThere(PathBuf),
    /// It cannot be used.
    #[error("the certificate `{}` cannot be used: {reason}", path.display())]
    Unusable {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file beside it cannot be written.
    #[error("cannot write `{}`: {reason}", path.display())]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What is trusted, in the forms that programs read.
#[derive(Clone, Debug)]
pub struct TrustFiles {
    /// The gate's authority alone, PEM.
    pub authority: PathBuf,
    /// The system's roots and the gate's authority, PEM.
    pub bundle: PathBuf,
    /// The same as a PKCS#12 store, which Java reads.
    pub store: PathBuf,
}

impl TrustFiles {
    /// Writes bundle and store beside the certificate, or into another folder.
    pub fn write(certificate: &Path, folder: Option<&Path>) -> Result<Self, TrustFault> {
        let authority = std::path::absolute(certificate).unwrap_or_else(|_| certificate.to_owned());
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => beside(&authority),
        };
        let stem = authority.file_stem().and_then(|stem| stem.to_str()).unwrap_or("intercept-ca");
        let bundle = folder.join(format!("{stem}.bundle.pem"));
        let store = folder.join(format!("{stem}.bundle.p12"));
        let certificates = collect(std::slice::from_ref(&authority))?;
        put(&bundle, written(&certificates).as_bytes())?;
        put(&store, &java_store(&certificates, &store)?)?;
        Ok(Self { authority, bundle, store })
    }
}

/// The certificates in these files, then what the system trusts, as one text.
pub fn bundle(files: &[PathBuf]) -> Result<String, TrustFault> {
    collect(files).map(|certificates| written(&certificates))
}

fn written(certificates: &[Vec<u8>]) -> String {
    let blocks = certificates.iter().map(|der| pem::Pem::new("CERTIFICATE", der.clone()));
    let endings = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_many_config(&blocks.collect::<Vec<_>>(), endings)
}

/// What these files hold first, then what the system trusts, each once.
fn collect(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, TrustFault> {
    let mut own = Vec::new();
    for file in files {
        own.extend(read(file)?);
    }
    let system = rustls_native_certs::load_native_certs().certs;
    let system = system.into_iter().map(|certificate| certificate.as_ref().to_vec());
    let mut seen = BTreeSet::new();
    Ok(own.into_iter().chain(system).filter(|der| seen.insert(der.clone())).collect())
}

fn read(file: &Path) -> Result<Vec<Vec<u8>>, TrustFault> {
    let unusable = |reason: String| TrustFault::Unusable { path: file.to_owned(), reason };
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(TrustFault::NotThere(file.to_owned()));
        }
        Err(error) => return Err(unusable(error.to_string())),
    };
    let blocks = pem::parse_many(&text).map_err(|error| unusable(error.to_string()))?;
    let blocks = blocks.into_iter().filter(|block| block.tag() == "CERTIFICATE");
    let certificates = blocks.map(pem::Pem::into_contents).collect::<Vec<_>>();
    match certificates.is_empty() {
        true => Err(unusable("it holds no certificate".to_owned())),
        false => Ok(certificates),
    }
}

fn java_store(certificates: &[Vec<u8>], path: &Path) -> Result<Vec<u8>, TrustFault> {
    let mut store = KeyStore::new();
    for (number, der) in certificates.iter().enumerate() {
        // A root that this reader cannot take is left out of Java's store, not of the bundle.
        if let Ok(certificate) = Certificate::from_der(der) {
            store.add_entry(&format!("root-{number}"), KeyStoreEntry::Certificate(certificate));
        }
    }
    let written = store.writer(STORE_PASSWORD).write();
    written.map_err(|error| TrustFault::Unwritable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), TrustFault> {
    replace_public(path, bytes).map_err(|error| TrustFault::Unwritable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
