//! Who may vouch for a client: the authorities of its trust domain, or of the listener, and what
//! they have revoked.
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, HandshakeKind,
    RootCertStore, ServerConnection, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use tollgate_config::settings::{Revocation, TlsListener};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::{TlsFault, read_certificates};
use crate::file;
use crate::identity::PeerNames;
use crate::identity::workload::Material;

type Verifier = Arc<dyn ClientCertVerifier>;

/// Whom clients are told to have their certificates from, in bytes. The form holds 64 KiB with all that
/// is beside it, and rustls ends the process where there is more.
const HINTS_BYTES_MAX: usize = 16 << 10;

/// Who may vouch for whom on a listener.
#[derive(Debug)]
pub struct ClientTrust {
    /// By trust domain: nobody else vouches for its IDs; and nobody at all for one without a bundle.
    domains: HashMap<String, Option<Verifier>>,
    /// For everybody else, if anybody.
    others: Option<Verifier>,
    hints: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
    lists_expire: Option<i64>,
}

/// A verified certificate, and who vouched for it last.
#[derive(Debug)]
pub struct Shown {
    chain: Vec<CertificateDer<'static>>,
    at: UnixTime,
    trust: ArcSwap<ClientTrust>,
}

/// Nobody vouches for a certificate any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Withdrawn {
    /// It stands on a list.
    Revoked,
    /// Its authority is gone, or cannot be asked.
    Unknown,
}

impl Shown {
    /// Remembers what `trust` has just verified, or verifies what it did in an earlier handshake: a
    /// session that is taken up again brings its certificate along, however old that is by now.
    pub(super) fn new(session: &ServerConnection, trust: Arc<ClientTrust>) -> Result<Self, Error> {
        let chain = session.peer_certificates().unwrap_or_default();
        let at = UnixTime::now();
        if session.handshake_kind() == Some(HandshakeKind::Resumed) {
            let [leaf, rest @ ..] = chain else { return Err(Error::NoCertificatesPresented) };
            trust.verify_client_cert(leaf, rest, at)?;
        }
        let chain = chain.iter().map(|one| one.clone().into_owned()).collect();
        Ok(Self { chain, at, trust: ArcSwap::new(trust) })
    }

    /// The names in the certificate.
    pub(super) fn names(&self) -> PeerNames {
        self.chain.first().map(PeerNames::read).unwrap_or_default()
    }

    /// Whether those who vouch now still do. The time is that of the handshake: a certificate that
    /// was good then serves its connection to the end, unless it is revoked or its authority goes.
    pub fn stands(&self, now: &Arc<ClientTrust>) -> Result<(), Withdrawn> {
        if Arc::ptr_eq(&self.trust.load(), now) {
            return Ok(());
        }
        let [leaf, rest @ ..] = self.chain.as_slice() else { return Err(Withdrawn::Unknown) };
        match now.verify_client_cert(leaf, rest, self.at) {
            Ok(_) => {
                self.trust.store(Arc::clone(now));
                Ok(())
            }
            Err(error) if is_revoked(&error) => Err(Withdrawn::Revoked),
            Err(_) => Err(Withdrawn::Unknown),
        }
    }
}

/// Whether a handshake failed because the certificate stands on a list.
pub(super) fn is_revoked(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Revoked))
}

impl ClientTrust {
    /// Reads the authorities and lists of a listener.
    pub(super) fn read(
        listener: &TlsListener,
        material: Option<&Material>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsFault> {
        let mut trust = Self {
            domains: HashMap::new(),
            others: None,
            hints: Vec::new(),
            provider: Arc::clone(provider),
            lists_expire: None,
        };
        if let Some(path) = &listener.client_ca {
            let authorities = read_certificates("the client authorities", path)?;
            let verifier = trust.verifier(listener, authorities, listener.revocation.as_ref())?;
            trust.others = Some(verifier);
        }
        for domain in &listener.trust_domains {
            let authorities = match (&domain.bundle, material) {
                (Some(bundle), _) => read_certificates("the bundle of a trust domain", bundle)?,
                (None, Some(material)) => material.bundle(&domain.name).to_vec(),
                (None, None) => Vec::new(),
            };
            let verifier = match authorities.is_empty() {
                true => None,
                false => Some(trust.verifier(listener, authorities, domain.revocation.as_ref())?),
            };
            trust.domains.insert(domain.name.clone(), verifier);
        }
        trust.hints = tellable(trust.hints);
        Ok(trust)
    }

    fn verifier(
        &mut self,
        listener: &TlsListener,
        authorities: Vec<CertificateDer<'static>>,
        revocation: Option<&Revocation>,
    ) -> Result<Verifier, TlsFault> {
        let unusable = |error: String| TlsFault::Unusable {
            place: format!("listener {}", listener.name),
            reason: error,
        };
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(|error| unusable(error.to_string()))?;
        }
        let provider = Arc::clone(&self.provider);
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        if let Some(revocation) = revocation {
            for path in &revocation.files {
                let list = read_list(path)?;
                let expires = next_update(&list).map_err(|reason| unreadable(path, reason))?;
                if !revocation.danger_allow_expired {
                    self.lists_expire = Some(self.lists_expire.map_or(expires, |e| e.min(expires)));
                }
                builder = builder.with_crls([list]);
            }
            if !revocation.danger_allow_expired {
                builder = builder.enforce_revocation_expiration();
            }
            if revocation.danger_allow_unknown {
                builder = builder.allow_unknown_revocation_status();
            }
        }
        let verifier = builder.build().map_err(|error| unusable(error.to_string()))?;
        self.hints.extend_from_slice(verifier.root_hint_subjects());
        Ok(verifier)
    }

    /// When the first of the revocation lists is out of date, in seconds since 1970.
    pub fn lists_expire(&self) -> Option<i64> {
        self.lists_expire
    }

    /// Who may vouch for this certificate. With several IDs it means nobody in the end, whoever
    /// vouches for it.
    fn voucher(&self, leaf: &CertificateDer<'_>) -> Result<&Verifier, Error> {
        let names = PeerNames::read(leaf);
        let domain = names.uris.iter().find_map(|uri| trust_domain(uri));
        let voucher = match domain.and_then(|domain| self.domains.get(&domain)) {
            // X509-SVID section 5.2: a leaf must not sign certificates or lists.
            Some(_) if signs_others(leaf) => return Err(CertificateError::InvalidPurpose.into()),
            Some(domain) => domain.as_ref(),
            None => self.others.as_ref(),
        };
        voucher.ok_or_else(|| CertificateError::UnknownIssuer.into())
    }
}

/// What clients are told of authorities: each once, and nobody when they are too many, so that a client
/// shows what it has (RFC 8446 section 4.2.4 has it as a hint).
fn tellable(mut hints: Vec<DistinguishedName>) -> Vec<DistinguishedName> {
    let mut seen = HashSet::new();
    hints.retain(|hint| seen.insert(hint.as_ref().to_vec()));
    let bytes: usize = hints.iter().map(|hint| hint.as_ref().len()).sum();
    if bytes > HINTS_BYTES_MAX { Vec::new() } else { hints }
}

/// The trust domain of a SPIFFE ID. Schemes and hosts know no case, so an ID in another case is the
/// affair of the same authorities, though it means no agent.
fn trust_domain(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let domain = rest.split('/').next()?;
    scheme.eq_ignore_ascii_case("spiffe").then(|| domain.to_ascii_lowercase())
}

fn signs_others(leaf: &CertificateDer<'_>) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(leaf) else { return true };
    match parsed.key_usage() {
        Ok(usage) => {
            usage.is_some_and(|usage| usage.value.key_cert_sign() || usage.value.crl_sign())
        }
        Err(_) => true,
    }
}

fn unreadable(path: &Path, reason: String) -> TlsFault {
    TlsFault::Unreadable { what: "a revocation list", path: PathBuf::from(path), reason }
}

/// Reads one list, in PEM or DER.
fn read_list(path: &Path) -> Result<CertificateRevocationListDer<'static>, TlsFault> {
    /// More than a million certificates.
    const LIST_BYTES_MAX: u64 = 64 << 20;
    let bytes = file::read(path, LIST_BYTES_MAX)
        .map_err(|error| unreadable(path, error.to_string()))?
        .to_vec();
    if !bytes.starts_with(b"-----") {
        return Ok(bytes.into());
    }
    CertificateRevocationListDer::from_pem_slice(&bytes)
        .map_err(|_| unreadable(path, "it holds no revocation list in PEM".to_owned()))
}

/// When there should be a newer list.
fn next_update(list: &CertificateRevocationListDer<'_>) -> Result<i64, String> {
    let (_, list) = CertificateRevocationList::from_der(list)
        .map_err(|error| format!("it cannot be parsed ({error})"))?;
    // RFC 5280 section 5.1.2.5 wants one in every list.
    list.next_update().map(|time| time.timestamp()).ok_or_else(|| "it says no end".to_owned())
}

impl ClientCertVerifier for ClientTrust {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.voucher(leaf)?.verify_client_cert(leaf, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_belongs_to_one_domain() {
        for (uri, expect) in [
            ("spiffe://acme.test/agents/a", Some("acme.test")),
            ("SPIFFE://Acme.Test/agents/a", Some("acme.test")),
            ("spiffe://acme.test", Some("acme.test")),
            ("spiffe:///a", Some("")),
            ("https://acme.test/", None),
            ("spiffe:acme.test", None),
            ("", None),
        ] {
            assert_eq!(trust_domain(uri).as_deref(), expect, "{uri}");
        }
    }
}
