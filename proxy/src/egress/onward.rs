//! The gate's own connections (to the record's collectors, to key services, to DNS servers), which go
//! through the parent proxy as its upstreams' do.
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{
    RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime,
};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tollgate_rules::Host;

use super::parent::{Denied, Parent};
use super::secured::Near;

/// How many addresses of one name are tried.
const ADDRESSES_MAX: usize = 4;
/// How long a DNS server may take to be connected to where its resolver says nothing.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// What the gate's own connections are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Collectors of the record, and services that sign it.
    Record,
    /// DNS servers that are asked over TLS or HTTPS.
    Names,
}

/// The parent proxy in force, for those that were set up before it changed.
#[derive(Clone, Debug, Default)]
pub struct Onward(Arc<ArcSwapOption<Parent>>);

impl Onward {
    /// From now on this is the parent proxy, or there is none.
    pub fn set(&self, parent: Option<Arc<Parent>>) {
        self.0.store(parent);
    }

    /// Connects to a host and port, through the parent proxy where the way there leads through it.
    pub(crate) async fn connect(
        &self,
        purpose: Purpose,
        host: &str,
        port: u16,
    ) -> io::Result<Near> {
        let parent = self.0.load_full().filter(|parent| parent.serves(purpose));
        let named = Host::parse(host).ok().filter(|host| !is_here(host));
        let Some((parent, named)) = parent.zip(named).filter(|(parent, to)| parent.takes(to))
        else {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            return Ok(Near::Plain(stream));
        };
        let targets = match (parent.resolves(&named), named.address()) {
            (_, Some(address)) => vec![SocketAddr::new(address, port).to_string()],
            (true, None) => vec![format!("{named}:{port}")],
            // It is asked for addresses, which the system finds: the record does not wait for the
            // resolver that its calls are recorded with.
            (false, None) => {
                let found = lookup_host((host, port)).await?.take(ADDRESSES_MAX);
                found.map(|address| address.to_string()).collect()
            }
        };
        through(&parent, &targets).await
    }
}

/// Opens a tunnel to the first of these that it leads to.
async fn through(parent: &Parent, targets: &[String]) -> io::Result<Near> {
    let near = match (parent.host.address(), parent.host.name()) {
        (Some(address), _) => vec![SocketAddr::new(address, parent.port)],
        (None, name) => {
            let found = lookup_host((name.unwrap_or_default(), parent.port)).await?;
            found.take(ADDRESSES_MAX).collect()
        }
    };
    let mut last = Denied::Unreachable;
    for target in targets {
        for near in &near {
            match parent.tunnel(*near, target).await {
                Ok(open) => return Ok(open),
                Err(denied) => last = denied,
            }
        }
    }
    Err(io::Error::other(last.to_string()))
}

/// Whether a host is this machine, which no other machine leads to.
fn is_here(host: &Host) -> bool {
    host.name() == Some("localhost") || host.address().is_some_and(|address| address.is_loopback())
}

/// How the gate's resolver connects.
#[derive(Clone)]
pub(super) struct ToServers {
    inner: TokioRuntimeProvider,
    onward: Onward,
}

impl ToServers {
    /// Servers that are asked over TLS or HTTPS are reached through the parent proxy in `onward`.
    pub(super) fn new(onward: Onward) -> Self {
        Self { inner: TokioRuntimeProvider::default(), onward }
    }
}

type Connecting<S> = Pin<Box<dyn Send + Future<Output = io::Result<S>>>>;

impl RuntimeProvider for ToServers {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = UdpSocket;
    type Tcp = AsyncIoTokioAsStd<Near>;

    fn create_handle(&self) -> Self::Handle {
        self.inner.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        _bind: Option<SocketAddr>,
        wait: Option<Duration>,
    ) -> Connecting<Self::Tcp> {
        let onward = self.onward.clone();
        Box::pin(async move {
            let (host, port) = (server.ip().to_string(), server.port());
            let connecting = onward.connect(Purpose::Names, &host, port);
            let connected = tokio::time::timeout(wait.unwrap_or(CONNECT_WAIT), connecting).await;
            let late = |_| io::Error::from(io::ErrorKind::TimedOut);
            Ok(AsyncIoTokioAsStd(connected.map_err(late)??))
        })
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> Connecting<Self::Udp> {
        self.inner.bind_udp(local, server)
    }
}
