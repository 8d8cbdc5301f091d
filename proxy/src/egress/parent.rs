//! The proxy of the network that the gate stands in: the only way out of many a company. It is
//! asked for a tunnel (CONNECT) to every upstream, in clear text or TLS, and sees of TLS what any
//! network sees.
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pingora_core::connectors::L4Connect;
use pingora_core::protocols::l4::socket::SocketAddr as PeerAddress;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::{Error, ErrorType};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_config::settings::{ConnectBy, ParentProxy};
use tollgate_rules::{Code, Host};
use zeroize::Zeroizing;

use super::Failure;
use super::onward::Purpose;
use super::secured::Near;
use crate::clear::{HostList, RouteFault};
use crate::file;
use crate::snapshot::read_secret;

/// How long the head of its answer may be.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How pingora's error names an answer that is no tunnel.
pub(super) const REFUSED: &str = "ParentProxyRefused";
/// The same for one that cannot be read.
pub(super) const UNREADABLE: &str = "ParentProxyUnreadable";
/// The same for one that is not who it should be.
pub(super) const UNTRUSTED: &str = "ParentProxyUntrusted";

/// The parent proxy.
pub struct Parent {
    /// Its name or address.
    pub(super) host: Host,
    /// Its port.
    pub(super) port: u16,
    /// What TLS to it is made with, and the name that it must prove.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    by: ConnectBy,
    direct: HostList,
    record: bool,
    names: bool,
    authorization: Option<Zeroizing<String>>,
    /// Keeps pools apart when anything of it changes.
    pub(super) print: u64,
}

impl std::fmt::Debug for Parent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parent").field("host", &self.host).field("port", &self.port).finish()
    }
}

impl Parent {
    /// Reads its settings and its secret.
    pub fn read(settings: &ParentProxy) -> Result<Self, RouteFault> {
        let unusable = |reason: &str| RouteFault::Parent(reason.to_owned());
        let url = url::Url::parse(&settings.url).map_err(|_| unusable("`url` is no URL"))?;
        let host = url.host_str().and_then(|host| Host::parse(host).ok());
        let host = host.ok_or_else(|| unusable("`url` names no host"))?;
        let authorization = match &settings.credentials {
            None => None,
            Some(credentials) => {
                let secret = read_secret(&credentials.secret);
                let secret = secret.map_err(|fault| RouteFault::Parent(fault.to_string()))?;
                let mut pair = Zeroizing::new(credentials.user.clone().into_bytes());
                pair.push(b':');
                pair.extend_from_slice(&secret);
                Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair))))
            }
        };
        let port = url.port_or_known_default().unwrap_or(80);
        let mut print = DefaultHasher::new();
        (url.scheme(), host.to_string(), port).hash(&mut print);
        let tls = match url.scheme() {
            "https" => Some(secure(settings, &host, &mut print).map_err(RouteFault::Parent)?),
            _ => None,
        };
        authorization.as_ref().map(|value| value.as_bytes()).hash(&mut print);
        Ok(Self {
            host,
            port,
            tls,
            by: settings.connect_by,
            direct: HostList::build(&settings.no_proxy)?,
            record: settings.record,
            names: settings.resolver,
            authorization,
            print: print.finish(),
        })
    }

    /// Whether the way to a host leads through it.
    pub(super) fn takes(&self, host: &Host) -> bool {
        self.direct.chosen(host).is_none()
    }

    /// Whether connections of the gate's own lead through it.
    pub(super) fn serves(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Record => self.record,
            Purpose::Names => self.names,
        }
    }

    /// Whether it finds the address of a host itself. An address in place of a name is looked at
    /// here in any case.
    pub(super) fn resolves(&self, host: &Host) -> bool {
        self.by == ConnectBy::Name && host.name().is_some()
    }

    /// Its authority, for the record.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether it is spoken to in TLS.
    pub(super) fn is_secured(&self) -> bool {
        self.tls.is_some()
    }

    /// Connects to one of its addresses.
    async fn near(&self, near: SocketAddr) -> Result<Near, Denied> {
        let stream = TcpStream::connect(near).await.map_err(|_| Denied::Unreachable)?;
        let _ = stream.set_nodelay(true);
        let Some((connector, name)) = &self.tls else { return Ok(Near::Plain(stream)) };
        // Whoever ends the handshake without a word of TLS is as good as not there.
        let shaken = connector.connect(name.clone(), stream).await;
        shaken.map(|tls| Near::Secured(Box::new(tls))).map_err(|error| match error.get_ref() {
            Some(_) if error.kind() != std::io::ErrorKind::UnexpectedEof => Denied::Untrusted,
            _ => Denied::Unreachable,
        })
    }

    /// Opens a tunnel to a target at one of its addresses.
    pub(super) async fn tunnel(&self, near: SocketAddr, target: &str) -> Result<Near, Denied> {
        let mut stream = self.near(near).await?;
        let mut head = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
        if let Some(authorization) = &self.authorization {
            head.push_str("Proxy-Authorization: ");
            head.push_str(authorization);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.map_err(|_| Denied::Unreachable)?;
        stream.flush().await.map_err(|_| Denied::Unreachable)?;
        match answered(&mut stream).await? {
            200..=299 => Ok(stream),
            status => Err(Denied::Answered(status)),
        }
    }
}

/// What TLS to it is made with: a name that is verified, and authorities that vouch for it.
fn secure(
    settings: &ParentProxy,
    host: &Host,
    print: &mut DefaultHasher,
) -> Result<(TlsConnector, ServerName<'static>), String> {
    let connector = crate::ledger::tls::connector(settings.ca.as_deref(), None)?;
    // A file that cannot be read was refused just now.
    settings
        .ca
        .as_ref()
        .and_then(|ca| file::read(ca, file::BYTES_MAX).ok().map(|bytes| bytes.to_vec()))
        .hash(print);
    let name = match (host.name(), host.address()) {
        (Some(name), _) => ServerName::try_from(name.to_owned()).map_err(|e| e.to_string())?,
        (None, Some(ip)) => ServerName::IpAddress(ip.into()),
        (None, None) => return Err("`url` names no host".to_owned()),
    };
    Ok((connector, name))
}

/// Reads the head of an answer, and nothing beyond it.
async fn answered(stream: &mut Near) -> Result<u16, Denied> {
    let mut bytes = Vec::new();
    let mut piece = [0; 2048];
    loop {
        let read = stream.read(&mut piece).await.map_err(|_| Denied::Unreachable)?;
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(&bytes).map_err(|_| Denied::Unreadable)? {
            httparse::Status::Complete(length) => {
                let status = head.code.ok_or(Denied::Unreadable)?;
                // Whatever follows was not said by the upstream, which was not spoken to yet.
                let whole = length == bytes.len() || !(200..300).contains(&status);
                return if whole { Ok(status) } else { Err(Denied::Unreadable) };
            }
            httparse::Status::Partial if read == 0 => return Err(Denied::Unreachable),
            httparse::Status::Partial if bytes.len() > HEAD_BYTES_MAX => {
                return Err(Denied::Unreadable);
            }
            httparse::Status::Partial => {}
        }
    }
}

/// Why there is no tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Denied {
    /// It said so.
    Answered(u16),
    /// It is not there, or broke off.
    Unreachable,
    /// What it said is no HTTP, or more than a head.
    Unreadable,
    /// Its certificate is not to be trusted, or it knows no TLS.
    Untrusted,
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered(status) => write!(f, "the parent proxy answered {status}"),
            Self::Unreachable => f.write_str("the parent proxy cannot be reached"),
            Self::Unreadable => f.write_str("the parent proxy cannot be understood"),
            Self::Untrusted => f.write_str("the parent proxy's TLS cannot be trusted"),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            // It tried, and the upstream was not there.
            Denied::Answered(502..=504) | Denied::Unreachable => Code::UpstreamConnect,
            Denied::Answered(_) | Denied::Unreadable | Denied::Untrusted => Code::UpstreamProxy,
        };
        Self::new(code, denied.to_string())
    }
}

/// The way through it to one target, as pingora's connector takes it.
#[derive(Debug)]
pub(super) struct Through {
    pub(super) parent: Arc<Parent>,
    pub(super) target: String,
}

#[async_trait]
impl L4Connect for Through {
    async fn connect(&self, near: &PeerAddress) -> pingora_core::Result<Stream> {
        let wrong = || Error::new(ErrorType::SocketError);
        let near = near.as_inet().ok_or_else(wrong)?;
        let tunnel = self.parent.tunnel(*near, &self.target).await;
        let stream = tunnel.and_then(|near| near.into_stream().map_err(|_| Denied::Unreachable));
        stream.map_err(|denied| {
            Error::new(match denied {
                Denied::Answered(status) => ErrorType::CustomCode(REFUSED, status),
                Denied::Unreachable => ErrorType::CustomCode(REFUSED, 0),
                Denied::Unreadable => ErrorType::Custom(UNREADABLE),
                Denied::Untrusted => ErrorType::Custom(UNTRUSTED),
            })
        })
    }
}

/// What such an error of pingora's was.
pub(super) fn denied(error: &Error) -> Option<Denied> {
    match error.etype() {
        ErrorType::CustomCode(REFUSED, 0) => Some(Denied::Unreachable),
        ErrorType::CustomCode(REFUSED, status) => Some(Denied::Answered(*status)),
        ErrorType::Custom(UNREADABLE) => Some(Denied::Unreadable),
        ErrorType::Custom(UNTRUSTED) => Some(Denied::Untrusted),
        _ => None,
    }
}
