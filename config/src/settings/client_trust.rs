//! TLS listeners, and who may vouch for their clients.
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ProxyProtocol, formats};

/// A TLS listener that requires client certificates.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsListener {
    /// Its name in logs and metrics; unique. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// Address and port.
    #[schemars(with = "formats::Socket")]
    pub bind: SocketAddr,
    /// The gate's certificate chain, PEM.
    #[schemars(with = "formats::FilePath")]
    pub certificate: PathBuf,
    /// The gate's private key, PEM (PKCS#8, SEC1 or PKCS#1).
    #[schemars(with = "formats::FilePath")]
    pub key: PathBuf,
    /// The authorities whose client certificates are accepted, PEM. They may vouch for every name but
    /// those of `trust_domains`; without them only those are accepted.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_ca: Option<PathBuf>,
    /// What `client_ca` has revoked. Nothing is looked up when absent.
    #[serde(default)]
    pub revocation: Option<Revocation>,
    /// SPIFFE trust domains, each with the authorities that alone may vouch for its IDs.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub trust_domains: Vec<TrustDomain>,
    /// Take connections from load balancers that tell whom they speak for, before TLS.
    #[serde(default)]
    pub proxy_protocol: Option<ProxyProtocol>,
}

impl TlsListener {
    /// Every file that it names.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let lists = self.trust_domains.iter().filter_map(|domain| domain.revocation.as_ref());
        let lists = lists.chain(&self.revocation).flat_map(|revocation| &revocation.files);
        [&self.certificate, &self.key]
            .into_iter()
            .chain(&self.client_ca)
            .chain(self.trust_domains.iter().map(|domain| &domain.bundle))
            .chain(lists)
    }

    pub(super) fn paths(&mut self, visit: &mut impl FnMut(&mut PathBuf)) {
        visit(&mut self.certificate);
        visit(&mut self.key);
        self.client_ca.iter_mut().for_each(&mut *visit);
        for domain in &mut self.trust_domains {
            visit(&mut domain.bundle);
        }
        let domains = self.trust_domains.iter_mut().filter_map(|domain| domain.revocation.as_mut());
        for revocation in domains.chain(&mut self.revocation) {
            revocation.files.iter_mut().for_each(&mut *visit);
        }
    }
}

/// A SPIFFE trust domain. A certificate with an ID of this domain is accepted when one of these
/// authorities vouches for it, and no other.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustDomain {
    /// Its name, as it stands in the IDs: `example.org` for `spiffe://example.org/agents/coder`.
    #[schemars(with = "formats::TrustDomainName", length(min = 1, max = 255))]
    pub name: String,
    /// Its authorities, PEM.
    #[schemars(with = "formats::FilePath")]
    pub bundle: PathBuf,
    /// What they have revoked. Nothing is looked up when absent.
    #[serde(default)]
    pub revocation: Option<Revocation>,
}

/// Lists of revoked certificates. Every certificate of a chain but the authority's own is looked for,
/// in the list of whoever issued it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The lists (CRL), PEM or DER; read again when they change.
    #[schemars(with = "Vec<formats::FilePath>", length(min = 1, max = 64))]
    pub files: Vec<PathBuf>,
    /// Believe a list whose time (`nextUpdate`) is over; all it is asked about is refused otherwise.
    #[serde(default)]
    pub danger_allow_expired: bool,
    /// Accept certificates whose issuer has no list here.
    #[serde(default)]
    pub danger_allow_unknown: bool,
}
