//! pingora's peer where a parent proxy is spoken to in TLS.
//!
//! pingora keeps a connection by the number of its file, and takes it again only when that file's
//! other end has the peer's address. What comes out of TLS to the parent proxy is handed to it as one
//! end of a pair of sockets, which has a number of its own and no such address.
use std::fmt;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::upstreams::peer::{HttpPeer, Peer, PeerOptions, Proxy, Tracer};
use pingora_core::utils::tls::CertKey;

/// A peer, and whether a pair of sockets stands before it.
#[derive(Clone, Debug)]
pub(super) struct Toward {
    pub(super) peer: HttpPeer,
    pub(super) paired: bool,
}

impl fmt::Display for Toward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peer.fmt(f)
    }
}

impl Peer for Toward {
    fn address(&self) -> &SocketAddr {
        self.peer.address()
    }

    fn tls(&self) -> bool {
        self.peer.tls()
    }

    fn sni(&self) -> &str {
        self.peer.sni()
    }

    fn reuse_hash(&self) -> u64 {
        self.peer.reuse_hash()
    }

    fn get_proxy(&self) -> Option<&Proxy> {
        self.peer.get_proxy()
    }

    fn get_peer_options(&self) -> Option<&PeerOptions> {
        self.peer.get_peer_options()
    }

    fn get_mut_peer_options(&mut self) -> Option<&mut PeerOptions> {
        self.peer.get_mut_peer_options()
    }

    fn get_client_cert_key(&self) -> Option<&Arc<CertKey>> {
        self.peer.get_client_cert_key()
    }

    fn get_tracer(&self) -> Option<Tracer> {
        self.peer.get_tracer()
    }

    fn matches_fd<V: AsRawFd>(&self, fd: V) -> bool {
        // What the pool gives is of the same group, which knows the parent proxy and the target.
        self.paired || self.peer.matches_fd(fd)
    }
}
