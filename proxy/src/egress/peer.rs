//! pingora's peer, built so that its sharp edges cannot cut.
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pingora_core::protocols::ALPN;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::utils::tls::{CertKey, WrappedX509, parse_x509};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tollgate_config::settings::{Settings, UpstreamTls};
use tollgate_rules::{AgentId, Scheme};

use super::Destination;
use super::parent::Through;
use crate::listen::TlsFault;
use crate::listen::{read_certificates, read_key};

/// How long a connection to an upstream is kept for the next call. Many servers close idle ones
/// after 5 s (Node, uvicorn); a POST on a connection that is just being closed cannot be repeated
/// safely, so ours are given up first.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// What the gate shows an upstream of itself when that comes from elsewhere than a file.
pub struct ClientIdentity {
    key: Arc<CertKey>,
    print: u64,
    expires: i64,
}

impl ClientIdentity {
    /// A chain and its key in PKCS #8; proves that rustls takes them.
    pub fn new(
        chain: &[CertificateDer<'static>],
        key: &PrivateKeyDer<'static>,
        expires: i64,
    ) -> Result<Self, String> {
        prove(chain, key)?;
        let mut print = DefaultHasher::new();
        chain.iter().for_each(|one| one.as_ref().hash(&mut print));
        let chain = chain.iter().map(|one| one.to_vec()).collect();
        let key = Arc::new(CertKey::new(chain, key.secret_der().to_vec()));
        Ok(Self { key, print: print.finish(), expires })
    }

    /// Whether its time is not over.
    pub(super) fn is_valid(&self) -> bool {
        self.expires > crate::clock::timestamp().as_second()
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientIdentity").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// A route's TLS material.
pub struct ClientTls {
    authorities: Option<Arc<[WrappedX509]>>,
    identity: Option<Arc<CertKey>>,
    /// The gate's own SVID is shown, whichever it is by then.
    svid: bool,
    /// A print of all material: pingora's pool key does not contain the authorities, and a client
    /// certificate only by its serial number.
    print: u64,
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientTls").field("print", &self.print).finish_non_exhaustive()
    }
}

impl ClientTls {
    /// Reads a route's files and proves that rustls takes them, since pingora would only find out
    /// (and panic) at the first connection.
    pub fn read(route: &str, settings: &UpstreamTls) -> Result<Self, TlsFault> {
        let unusable =
            |reason: String| TlsFault::Unusable { place: format!("route {route}"), reason };
        let mut print = DefaultHasher::new();
        let authorities = match &settings.ca {
            None => None,
            Some(path) => {
                let chain = read_certificates("the authorities", path)?;
                let mut store = rustls::RootCertStore::empty();
                let mut wrapped = Vec::with_capacity(chain.len());
                for authority in chain {
                    authority.as_ref().hash(&mut print);
                    wrapped.push(WrappedX509::new(authority.to_vec(), parse_x509));
                    store.add(authority).map_err(|error| unusable(error.to_string()))?;
                }
                Some(wrapped.into())
            }
        };
        let identity = match (&settings.client_certificate, &settings.client_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let chain = read_certificates("the client certificate", certificate)?;
                let key = read_key("the client key", key)?;
                prove(&chain, &key).map_err(unusable)?;
                for certificate in &chain {
                    certificate.as_ref().hash(&mut print);
                }
                // A certificate is also issued anew for the key that it had.
                key.secret_der().hash(&mut print);
                let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
                Some(Arc::new(CertKey::new(chain, key.secret_der().to_vec())))
            }
            _ => {
                return Err(unusable(
                    "a client certificate and its key belong together".to_owned(),
                ));
            }
        };
        Ok(Self { authorities, identity, svid: settings.svid, print: print.finish() })
    }
}

/// Builds the very configuration that pingora will build, to see it succeed.
fn prove(chain: &[CertificateDer<'static>], key: &PrivateKeyDer<'static>) -> Result<(), String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_client_auth_cert(chain.to_vec(), key.clone_key())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Builds the peer for one checked address, or says why there is none. A TLS peer needs a name to
/// verify: an empty SNI switches pingora's verification off silently. Where the gate's own SVID is to
/// be shown there must be one: without it the upstream would know somebody else, or nobody.
pub fn peer(
    to: &Destination,
    address: SocketAddr,
    agent: &AgentId,
    settings: &Settings,
    own: Option<&ClientIdentity>,
    through: Option<Through>,
) -> Result<HttpPeer, &'static str> {
    const NAMELESS: &str = "no name to verify";
    let deadlines = &settings.deadlines;
    let tls = to.scheme == Scheme::Https;
    let name = match (tls, to.host.name(), to.host.address()) {
        (false, ..) => String::new(),
        (true, Some(name), _) => name.to_owned(),
        (true, None, Some(ip)) => ip.to_string(),
        (true, None, None) => return Err(NAMELESS),
    };
    if tls && name.is_empty() {
        return Err(NAMELESS);
    }
    let mut peer = HttpPeer::new(address, tls, name);
    let options = &mut peer.options;
    let connect = Duration::from_millis(deadlines.connect_ms);
    options.connection_timeout = Some(connect);
    options.total_connection_timeout = Some(connect);
    options.read_timeout = Some(Duration::from_millis(deadlines.first_byte_ms));
    options.write_timeout = Some(Duration::from_millis(deadlines.idle_ms));
    options.idle_timeout = Some(POOL_IDLE);
    options.max_h2_streams = settings.upstreams.h2_streams;
    options.alpn = match (to.http2, tls) {
        (true, true) => ALPN::H2H1,
        (true, false) => ALPN::H2,
        (false, _) => ALPN::H1,
    };
    let shows_own = to.tls.as_ref().is_some_and(|material| material.svid);
    let own = own.filter(|own| shows_own && own.is_valid());
    if let Some(material) = &to.tls {
        options.ca = material.authorities.clone();
        peer.client_cert_key = material.identity.clone();
    }
    if shows_own {
        peer.client_cert_key = Some(Arc::clone(&own.ok_or("the gate has no SVID to show")?.key));
    }
    peer.group_key = group(to, agent, own, through.as_ref());
    if let Some(through) = through {
        peer.options.custom_l4 = Some(Arc::new(through));
    }
    Ok(peer)
}

/// What must never share a connection: routes, agents, TLS material, and what a parent proxy leads
/// to, whose own address is all that pingora knows.
fn group(
    to: &Destination,
    agent: &AgentId,
    own: Option<&ClientIdentity>,
    through: Option<&Through>,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    to.route.hash(&mut hasher);
    agent.hash(&mut hasher);
    to.host.hash(&mut hasher);
    to.tls.as_ref().map(|tls| tls.print).hash(&mut hasher);
    own.map(|own| own.print).hash(&mut hasher);
    through.map(|through| (through.parent.print, &through.target)).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let text = include_str!("../../../config/minimal.yaml");
        tollgate_config::read(text, "minimal.yaml", &[]).unwrap()
    }

    fn destination(url_host: &str, tls: Option<Arc<ClientTls>>) -> Destination {
        let host = tollgate_rules::Host::parse(url_host).unwrap();
        Destination { tls, ..Destination::strict("r", Scheme::Https, host, 443) }
    }

    #[test]
    fn verification_cannot_be_switched_off() {
        let settings = settings();
        for host in ["tools.test", "192.0.2.7", "[2001:db8::7]"] {
            let to = destination(host, None);
            let peer = peer(
                &to,
                "192.0.2.7:443".parse().unwrap(),
                &AgentId::new("a"),
                &settings,
                None,
                None,
            )
            .unwrap();
            assert!(!peer.sni.is_empty(), "{host}");
            assert!(peer.options.verify_cert && peer.options.verify_hostname);
        }
    }

    #[test]
    fn identities_and_authorities_never_share_a_pool() {
        use pingora_core::upstreams::peer::Peer;
        let settings = settings();
        let material = |print| {
            Some(Arc::new(ClientTls { authorities: None, identity: None, svid: false, print }))
        };
        let key = |tls, agent: &str, route: &str| {
            let mut to = destination("tools.test", tls);
            to.route = route.into();
            peer(&to, "192.0.2.7:443".parse().unwrap(), &AgentId::new(agent), &settings, None, None)
                .unwrap()
                .reuse_hash()
        };
        let one = key(material(1), "a", "r");
        assert_eq!(one, key(material(1), "a", "r"));
        assert_ne!(one, key(material(2), "a", "r"));
        assert_ne!(one, key(material(1), "b", "r"));
        assert_ne!(one, key(material(1), "a", "s"));
    }
}
