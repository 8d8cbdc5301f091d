//! Clients and certificates whose every detail a test chooses.
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevocationReason, RevokedCertParams, SanType,
};
use rustls::HandshakeKind;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_tests::{Certificates, Identity, within};

use crate::kit::refusal_code;

/// An authority that signs whatever parameters it is given.
pub(crate) struct Issuing {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: String,
}

impl Issuing {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A client's certificate, changed as the test wants.
    pub(crate) fn client(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Issuing {
    /// A gate's own SVID, good until so many seconds from now.
    pub(crate) fn gate(&self, id: &'static str, secs: u64) -> Identity {
        self.client(|params| {
            uris(&[id])(params);
            names(&[], &["localhost"])(params);
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            // Some want a leaf to say that it is no authority.
            params.is_ca = IsCa::ExplicitNoCa;
            let until = std::time::SystemTime::now() + std::time::Duration::from_secs(secs);
            params.not_after = until.into();
        })
    }

    /// A list of what is revoked, by serial numbers, that is good until a year.
    pub(crate) fn revoke(&self, serials: &[u64], until: i32) -> rcgen::CertificateRevocationList {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(until, 1, 1),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap()
    }
}

/// Adds URIs.
pub(crate) fn uris(list: &[&str]) -> impl FnOnce(&mut CertificateParams) {
    move |params| {
        let uris = list.iter().map(|uri| SanType::URI((*uri).try_into().unwrap()));
        params.subject_alt_names.extend(uris);
    }
}

/// Adds a common name and DNS names.
pub(crate) fn names(
    common: &'static [&'static str],
    dns: &'static [&'static str],
) -> impl FnOnce(&mut CertificateParams) {
    move |params| {
        for name in common {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        let dns = dns.iter().map(|name| SanType::DnsName((*name).try_into().unwrap()));
        params.subject_alt_names.extend(dns);
    }
}

/// How to shake hands. Kept for several connections, it keeps their sessions as well.
#[derive(Clone)]
pub(crate) struct Hand {
    config: Arc<rustls::ClientConfig>,
    name: ServerName<'static>,
}

impl Hand {
    /// One version of TLS; `h2` asks for HTTP/2.
    pub(crate) fn new(identity: Option<&Identity>, tls12: bool, h2: bool) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let version = if tls12 { &rustls::version::TLS12 } else { &rustls::version::TLS13 };
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(Certificates::shared().authority.roots());
        let mut config = match identity.map(Identity::to_rustls) {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![if h2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Self { config: Arc::new(config), name: ServerName::try_from("localhost").unwrap() }
    }

    /// Trusts this authority alone.
    pub(crate) fn trusting(mut self, pem: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let config = Arc::get_mut(&mut self.config).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        config.dangerous().set_certificate_verifier(verifier.build().unwrap());
        self
    }

    /// Asks for another server, if that can be a name.
    pub(crate) fn asking_for(mut self, name: &str) -> Option<Self> {
        self.name = ServerName::try_from(name.to_owned()).ok()?;
        Some(self)
    }

    /// Connects. That the handshake worked on this side does not say that it did on the other.
    pub(crate) async fn connect(&self, gate: SocketAddr) -> io::Result<Line> {
        self.connect_behind(gate, b"").await
    }

    /// The same, with something in front of the handshake.
    pub(crate) async fn connect_behind(&self, gate: SocketAddr, first: &[u8]) -> io::Result<Line> {
        let mut io = within("a connection", TcpStream::connect(gate)).await?;
        io.set_nodelay(true)?;
        io.write_all(first).await?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let io = within("a handshake", connector.connect(self.name.clone(), io)).await?;
        let session = io.get_ref().1;
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let certificate = session.peer_certificates().map(|chain| chain[0].to_vec());
        let is_h2 = session.alpn_protocol() == Some(b"h2");
        let io = TokioIo::new(io);
        let sender = if is_h2 {
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), io).await.map_err(io::Error::other)?;
            tokio::spawn(async { drop(connection.await) });
            Sender::H2(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
            tokio::spawn(async { drop(connection.await) });
            Sender::H1(sender)
        };
        Ok(Line { sender, resumed, certificate: certificate.unwrap_or_default() })
    }

    /// Connects and calls once: the status, and the code of a refusal.
    pub(crate) async fn call(&self, gate: SocketAddr, path: &str) -> io::Result<(u16, String)> {
        self.connect(gate).await?.get(path).await
    }
}

enum Sender {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

/// A connection.
pub(crate) struct Line {
    sender: Sender,
    /// Whether the session is that of an earlier connection.
    pub(crate) resumed: bool,
    /// What the server presented.
    pub(crate) certificate: Vec<u8>,
}

impl Line {
    pub(crate) fn is_h2(&self) -> bool {
        matches!(self.sender, Sender::H2(_))
    }

    /// Gets a path: the status, and the code of a refusal.
    pub(crate) async fn get(&mut self, path: &str) -> io::Result<(u16, String)> {
        let got = async {
            let answer = match &mut self.sender {
                Sender::H1(sender) => {
                    sender.ready().await?;
                    let request = Request::get(path).header("host", "localhost");
                    sender.send_request(request.body(Full::default()).unwrap()).await?
                }
                Sender::H2(sender) => {
                    sender.ready().await?;
                    let request = Request::get(format!("https://localhost{path}"));
                    sender.send_request(request.body(Full::default()).unwrap()).await?
                }
            };
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>((status, refusal_code(&body)))
        };
        within("an answer", got).await.map_err(io::Error::other)
    }
}

/// The first certificate of a PEM text.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}
