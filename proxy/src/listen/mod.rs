//! Where connections come in: plain and TLS listeners, each with its own accept loop.
//!
//! A connection leaves this room as a [`GateStream`] that carries its [`Conn`]: which listener
//! took it and, under TLS, the names in the client's certificate. Nothing here decides who that
//! is; `identity` does, for each call anew.
mod accept;
mod authority;
mod connect;
mod first;
mod hello;
mod proxied;
mod sniff;
mod stream;
mod tls;
mod transparent;
mod trust;
mod unix;

use std::net::SocketAddr;
use std::sync::Arc;

pub use accept::{Acceptors, Given, ListenError, serve};
pub use authority::Authority;
pub(crate) use first::Room;
pub use hello::offers_ech;
pub use stream::{GateStream, HeadClock};
pub use tls::{ServerTls, TlsFault, read_certificates, read_key};
pub use trust::{Shown, Withdrawn};

use tokio::io::{AsyncRead, AsyncWrite};
use tollgate_rules::{Host, Scheme};

use crate::identity::PeerNames;

/// What a client is connected by.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static> Io for S {}

/// The place that a client was let through to: calls on such a connection go there and nowhere
/// else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tunnel {
    /// The host that was asked for; `None` where each call says it, in clear text that was
    /// redirected here.
    pub host: Option<Host>,
    /// The port that was asked for.
    pub port: u16,
    /// What is spoken inside: TLS, which the gate has ended, or cleartext.
    pub scheme: Scheme,
}

/// Who is at the other end, as the kernel tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// An address.
    Address(SocketAddr),
    /// A process of this machine, on a unix socket.
    Process(Process),
}

/// A process as it was when it connected (`SO_PEERCRED`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// The number of its user.
    pub uid: u32,
    /// The number of its first group.
    pub gid: u32,
    /// Its own number; `None` for one of another namespace. It may be another's by now.
    pub pid: Option<u32>,
}

/// What is known of a connection when its first call arrives.
#[derive(Debug)]
pub struct Conn {
    /// The listener's name.
    pub listener: Arc<str>,
    /// Who connected.
    pub peer: Peer,
    /// The load balancer that told who connected.
    pub through: Option<SocketAddr>,
    /// The address it connected to; a unix socket has none.
    pub local: Option<SocketAddr>,
    /// Where the kernel says that it was going, when it was redirected here.
    pub original: Option<SocketAddr>,
    /// The names in the client's certificate; `None` where none is asked for.
    pub names: Option<PeerNames>,
    /// The certificate that has these names.
    pub shown: Option<Arc<Shown>>,
    /// Watches how long a request's head takes.
    pub clock: HeadClock,
    /// Where the connection leads, when it is a tunnel.
    pub tunnel: Option<Tunnel>,
}

impl Conn {
    /// The same connection for what comes on it next, of which nothing has been read.
    fn again(&self, tunnel: Option<Tunnel>) -> Self {
        Self {
            listener: Arc::clone(&self.listener),
            peer: self.peer,
            through: self.through,
            local: self.local,
            original: self.original,
            names: self.names.clone(),
            shown: self.shown.clone(),
            clock: self.clock.again(),
            tunnel,
        }
    }

    /// Finds the connection's facts in a session.
    pub fn of(session: &pingora_core::protocols::http::ServerSession) -> Option<&Arc<Self>> {
        session.digest()?.proxy_digest.as_ref()?.user_data.as_ref()?.downcast_ref::<Arc<Self>>()
    }
}
