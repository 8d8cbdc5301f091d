//! TLS towards clients: certificates required, reloaded while running.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tollgate_config::settings::TlsListener;
use tollgate_rules::Code;

use super::trust::{ClientTrust, is_revoked};
use crate::file;
use crate::identity::workload::Material;

/// Why a listener's or an upstream's TLS material cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A file cannot be read or holds no PEM of the wanted kind.
    #[error("cannot read {what} from `{path}`: {reason}")]
    Unreadable {
        /// Which material.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why; never the content.
        reason: String,
    },
    /// rustls refuses the material.
    #[error("cannot use the TLS material of `{place}`: {reason}")]
    Unusable {
        /// Whose.
        place: String,
        /// Why.
        reason: String,
    },
}

/// Reads a PEM file's certificates; at least one.
pub fn read_certificates(
    what: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let unreadable = |reason: String| TlsFault::Unreadable { what, path: path.to_owned(), reason };
    let chain = file::certificates(path).map_err(unreadable)?;
    if chain.is_empty() {
        return Err(unreadable("it holds no certificate".to_owned()));
    }
    for certificate in &chain {
        // pingora panics on a certificate that x509-parser refuses, so it is refused here first.
        x509_parser::parse_x509_certificate(certificate)
            .map_err(|error| unreadable(format!("a certificate cannot be parsed ({error})")))?;
    }
    Ok(chain)
}

/// Reads a PEM file's private key.
pub fn read_key(what: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    file::private_key(path).map_err(|error| TlsFault::Unreadable {
        what,
        path: path.to_owned(),
        // rustls' PEM errors name the line's kind, never its content.
        reason: match error {
            rustls_pki_types::pem::Error::Io(error) => error.to_string(),
            _ => "it holds no private key in PEM".to_owned(),
        },
    })
}

/// A TLS listener's configuration, ready to shake hands.
#[derive(Clone, Debug)]
pub struct ServerTls {
    config: Arc<rustls::ServerConfig>,
    trust: Arc<ClientTrust>,
    /// When what it presents expires, where the Workload API gave it.
    expires: Option<i64>,
}

impl ServerTls {
    /// Reads the listener's files; nothing when it waits for an SVID. Each call gives a fresh session
    /// store, so that a session from before a reload cannot be resumed after it with an identity that
    /// is no longer accepted.
    pub fn read(
        listener: &TlsListener,
        material: Option<&Material>,
    ) -> Result<Option<Self>, TlsFault> {
        let unusable = |error: String| TlsFault::Unusable {
            place: format!("listener {}", listener.name),
            reason: error,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let (certified, expires) = match (&listener.certificate, &listener.key, material) {
            (Some(certificate), Some(key), _) => {
                let chain = read_certificates("the certificate", certificate)?;
                let key = read_key("the key", key)?;
                let certified = CertifiedKey::from_der(chain, key, &provider)
                    .map_err(|error| unusable(error.to_string()))?;
                (Arc::new(certified), None)
            }
            (_, _, Some(material)) => (Arc::clone(material.certified()), Some(material.expires())),
            (_, _, None) => return Ok(None),
        };
        let trust = Arc::new(ClientTrust::read(listener, material, &provider)?);
        let verifier: Arc<dyn ClientCertVerifier> = Arc::clone(&trust) as _;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(Self { config: Arc::new(config), trust, expires }))
    }

    /// Whether what it presents has expired.
    pub fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= crate::clock::timestamp().as_second())
    }

    /// Shakes hands.
    pub async fn accept(&self, io: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        tokio_rustls::TlsAcceptor::from(Arc::clone(&self.config)).accept(io).await
    }

    /// Who vouches for its clients.
    pub fn trust(&self) -> &Arc<ClientTrust> {
        &self.trust
    }

    /// The code of a handshake that failed.
    pub(super) fn code(error: &rustls::Error) -> Code {
        match is_revoked(error) {
            true => Code::AgentRevoked,
            false => Code::IdentityMissing,
        }
    }
}
