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
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub certificate: Option<PathBuf>,
    /// The gate's private key, PEM (PKCS#8, SEC1 or PKCS#1).
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub key: Option<PathBuf>,
    /// Present the gate's SVID from `workload_api`, in place of `certificate` and `key`.
    #[serde(default)]
    pub svid: bool,
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
        [&self.certificate, &self.key, &self.client_ca]
            .into_iter()
            .flatten()
            .chain(self.trust_domains.iter().filter_map(|domain| domain.bundle.as_ref()))
            .chain(lists)
    }

    /// Whether something of it comes from the Workload API.
    pub fn asks_workload_api(&self) -> bool {
        self.svid || self.trust_domains.iter().any(|domain| domain.bundle.is_none())
    }

    pub(super) fn paths(&mut self, visit: &mut impl FnMut(&mut PathBuf)) {
        let own = [&mut self.certificate, &mut self.key, &mut self.client_ca];
        own.into_iter().flatten().for_each(&mut *visit);
        for domain in &mut self.trust_domains {
            domain.bundle.iter_mut().for_each(&mut *visit);
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
    /// Its authorities, PEM. When absent, they come from `workload_api`; as long as there are none,
    /// everybody of the domain is refused.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub bundle: Option<PathBuf>,
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

/// The SPIFFE Workload API, which gives the gate its own certificate (SVID) and the bundles of trust
/// domains, and fresh ones before they expire.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadApi {
    /// The unix socket of the API, as of an agent of SPIRE.
    #[schemars(with = "formats::FilePath", extend("examples" = ["/run/spire/agent.sock"]))]
    pub socket: PathBuf,
    /// Which SVID, when the API gives several; the first when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::AgentName>", length(min = 1, max = 2048))]
    pub id: Option<String>,
    /// How long a start waits for the first SVID.
    #[serde(default = "start_ms")]
    #[schemars(range(min = 100, max = 600_000))]
    pub start_ms: u64,
}

fn start_ms() -> u64 {
    // An agent that starts beside the gate needs some seconds.
    30_000
}
