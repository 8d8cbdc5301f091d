//! The gate's own authority, and the certificates that it gives hosts.
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lru::LruCache;
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tollgate_config::settings::Intercept;
use tollgate_rules::Host;
use zeroize::Zeroizing;

use super::{TlsFault, read_certificates};
use crate::file;
use crate::ledger::{replace_file, replace_public};

/// A clock that is a day behind must not refuse a certificate that was made just now.
const BACK: Duration = Duration::from_secs(24 * 3600);
/// A made authority outlives any pod.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// A host's certificate is made anew while it has a day left.
const LEAF_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
const LEAF_LEFT: Duration = Duration::from_secs(24 * 3600);
/// X.520: a common name has 64 characters at most. The names that count are alternative ones.
const COMMON_NAME_CHARS: usize = 64;
/// Sessions that can be resumed, for each host.
const SESSIONS: usize = 32;

/// What interception works with; built once and carried over reloads that do not change it.
pub struct Authority {
    settings: Intercept,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    /// The key to be kept, when it was made and has a place.
    made_key: Option<Zeroizing<String>>,
    /// All hosts' certificates have one key: it never leaves this process.
    leaf_key: KeyPair,
    leaves: Mutex<LruCache<String, Leaf>>,
}

#[derive(Clone)]
struct Leaf {
    config: Arc<rustls::ServerConfig>,
    fresh_until: SystemTime,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Authority {
    /// Reads the authority's files, or makes one. Nothing is written: see [`Self::publish`].
    pub fn build(settings: &Intercept, before: Option<&Arc<Self>>) -> Result<Arc<Self>, TlsFault> {
        let key = settings.key.as_deref().filter(|path| path.exists());
        if let Some(before) = before.filter(|before| before.settings == *settings)
            && (settings.key.is_none() || before.is_on_disk())
        {
            return Ok(Arc::clone(before));
        }
        let unusable = |reason: String| TlsFault::Unusable {
            place: "forward_proxy.intercept".to_owned(),
            reason,
        };
        let (pem, key, made_key) = match key {
            Some(path) => {
                let (pem, key) = read(&settings.certificate, path)?;
                (pem, key, None)
            }
            None => {
                let key = KeyPair::generate().map_err(|error| unusable(error.to_string()))?;
                let pem = make(&key).map_err(|error| unusable(error.to_string()))?;
                let kept = settings.key.is_some().then(|| Zeroizing::new(key.serialize_pem()));
                (pem, key, kept)
            }
        };
        let certificate = rustls_pki_types::pem::PemObject::from_pem_slice(pem.as_bytes())
            .map_err(|_| unusable("the certificate is no PEM".to_owned()))?;
        check(&certificate, &key).map_err(|reason| unusable(reason.to_owned()))?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key)
            .map_err(|error| unusable(format!("the certificate cannot be used: {error}")))?;
        let leaf_key = KeyPair::generate().map_err(|error| unusable(error.to_string()))?;
        let room = NonZeroUsize::new(settings.leaves).unwrap_or(NonZeroUsize::MIN);
        Ok(Arc::new(Self {
            settings: settings.clone(),
            issuer,
            certificate,
            pem,
            made_key,
            leaf_key,
            leaves: Mutex::new(LruCache::new(room)),
        }))
    }

    fn is_on_disk(&self) -> bool {
        file::read_text(&self.settings.certificate, file::BYTES_MAX)
            .is_ok_and(|pem| *pem == self.pem)
    }

    /// Writes the certificate where clients find it, and the key when it is to be kept.
    pub fn publish(&self) -> std::io::Result<()> {
        let folder = |path: &Path| path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let (Some(path), Some(key)) = (&self.settings.key, &self.made_key)
            && !path.exists()
        {
            folder(path)?;
            replace_file(path, key.as_bytes()).map_err(std::io::Error::other)?;
        }
        if !self.is_on_disk() {
            let path = &self.settings.certificate;
            folder(path)?;
            replace_public(path, self.pem.as_bytes())?;
        }
        Ok(())
    }

    /// What a tunnel is intercepted with.
    pub fn settings(&self) -> &Intercept {
        &self.settings
    }

    /// The TLS of a host: kept, or made now, which takes a signature.
    pub fn leaf(&self, host: &Host) -> Result<Arc<rustls::ServerConfig>, TlsFault> {
        let now = crate::clock::now();
        let name = host.to_string();
        if let Some(leaf) = self.leaves.lock().get(&name).filter(|leaf| leaf.fresh_until > now) {
            return Ok(Arc::clone(&leaf.config));
        }
        let unusable = |reason: String| TlsFault::Unusable { place: name.clone(), reason };
        let certificate = self.certify(host, now).map_err(|error| unusable(error.to_string()))?;
        let config = self.config(certificate).map_err(|error| unusable(error.to_string()))?;
        let config = Arc::new(config);
        let fresh_until = now + LEAF_LIFE - LEAF_LEFT;
        self.leaves.lock().put(name, Leaf { config: Arc::clone(&config), fresh_until });
        Ok(config)
    }

    fn certify(
        &self,
        host: &Host,
        now: SystemTime,
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        let mut params = CertificateParams::default();
        let name = host.to_string();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if name.len() <= COMMON_NAME_CHARS {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.subject_alt_names = vec![match host.address() {
            Some(address) => SanType::IpAddress(address),
            None => SanType::DnsName(name.as_str().try_into()?),
        }];
        params.not_before = (now - BACK).into();
        params.not_after = (now + LEAF_LIFE).into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(&self.leaf_key, &self.issuer)?.into())
    }

    fn config(&self, leaf: CertificateDer<'static>) -> Result<rustls::ServerConfig, rustls::Error> {
        let chain = vec![leaf, self.certificate.clone()];
        let key = PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key.into())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.session_storage = rustls::server::ServerSessionMemoryCache::new(SESSIONS);
        Ok(config)
    }
}

fn read(certificate: &Path, key: &Path) -> Result<(String, KeyPair), TlsFault> {
    const WHAT: &str = "the certificate of interception";
    // Every certificate of the file is looked at; the first one is the authority.
    read_certificates(WHAT, certificate)?;
    let unreadable = |what, path: &Path, reason: String| TlsFault::Unreadable {
        what,
        path: path.to_owned(),
        reason,
    };
    let pem = file::read_text(certificate, file::BYTES_MAX)
        .map_err(|error| unreadable(WHAT, certificate, error.to_string()))?
        .to_string();
    const KEY: &str = "the key of interception";
    let text = file::read_text(key, file::BYTES_MAX)
        .map_err(|error| unreadable(KEY, key, error.to_string()))?;
    let pair = KeyPair::from_pem(&text)
        .map_err(|_| unreadable(KEY, key, "it holds no private key that can be used".to_owned()))?;
    Ok((pem, pair))
}

fn make(key: &KeyPair) -> Result<String, rcgen::Error> {
    let now = crate::clock::now();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    // Two gates' authorities stand apart in a client's list.
    let print = hex::encode(aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        &rcgen::PublicKeyData::subject_public_key_info(key),
    ));
    let name = format!("Tollgate interception {}", print.get(..8).unwrap_or_default());
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = (now - BACK).into();
    params.not_after = (now + AUTHORITY_LIFE).into();
    Ok(params.self_signed(key)?.pem())
}

/// Whether certificate and key belong together, and may sign certificates.
fn check(certificate: &CertificateDer<'_>, key: &KeyPair) -> Result<(), &'static str> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|_| "the certificate cannot be read")?;
    if parsed.public_key().raw != rcgen::PublicKeyData::subject_public_key_info(key).as_slice() {
        return Err("the certificate is of another key");
    }
    let constraints = parsed.basic_constraints().ok().flatten();
    if !constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err("the certificate is no authority's (basicConstraints says no CA)");
    }
    if !parsed.validity().is_valid() {
        return Err("the certificate is not valid now");
    }
    Ok(())
}

/// Whether a client may ask for this host by this name in its handshake: the very name, and none
/// for an address (RFC 6066 section 3).
pub(super) fn names(host: &Host, asked: Option<&str>) -> bool {
    match asked {
        Some(asked) => Host::parse(asked).is_ok_and(|asked| asked == *host),
        None => host.address().is_some(),
    }
}
