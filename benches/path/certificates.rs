//! An authority, and what it vouches for: the gate and its agent.
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Both sides of a TLS connection, in PEM.
pub(crate) struct Certificates {
    authority: String,
    server: (String, String),
    client: (String, String),
}

impl Certificates {
    /// New ones: of a server on loopback, and of a client with this SPIFFE ID.
    pub(crate) fn new(agent: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate of its issuer's name for one that vouches for itself.
        params.distinguished_name.push(DnType::CommonName, "bench authority");
        let authority = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        let signed = |name, purpose| {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::default();
            params.subject_alt_names = vec![name];
            params.extended_key_usages = vec![purpose];
            let certificate = params.signed_by(&key, &issuer).expect("a certificate");
            (certificate.pem(), key.serialize_pem())
        };
        let agent = SanType::URI(agent.try_into().expect("a URI"));
        Self {
            server: signed(
                SanType::IpAddress([127, 0, 0, 1].into()),
                ExtendedKeyUsagePurpose::ServerAuth,
            ),
            client: signed(agent, ExtendedKeyUsagePurpose::ClientAuth),
            authority,
        }
    }

    /// Writes what the gate needs into a directory: `ca.pem`, `gate.pem`, `gate.key`.
    pub(crate) fn write(&self, dir: &Path) {
        let (certificate, key) = &self.server;
        for (name, text) in
            [("ca.pem", &self.authority), ("gate.pem", certificate), ("gate.key", key)]
        {
            std::fs::write(dir.join(name), text).expect("it is written");
        }
    }

    /// A client that shows its certificate and trusts the authority alone.
    pub(crate) fn client(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in chain(&self.authority) {
            roots.add(certificate).expect("a certificate");
        }
        let (certificate, key) = &self.client;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        let config = config.with_client_auth_cert(chain(certificate), key);
        let mut config = config.expect("a certificate and its key");
        // Every handshake is a whole one.
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    }
}

fn chain(text: &str) -> Vec<CertificateDer<'static>> {
    let read = CertificateDer::pem_slice_iter(text.as_bytes());
    read.collect::<Result<_, _>>().expect("certificates")
}
