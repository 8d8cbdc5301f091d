//! A place where nobody listens.
use std::fmt;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of the loopback whose connections are refused. It is taken while this lives, so that no
/// other process comes to listen there.
#[derive(Debug)]
pub struct Nobody {
    _bound: TcpSocket,
    address: SocketAddr,
}

impl Nobody {
    /// Takes a port.
    ///
    /// # Panics
    /// When there is none.
    pub fn here() -> Self {
        let bound = TcpSocket::new_v4().expect("a socket");
        bound.bind("127.0.0.1:0".parse().unwrap()).expect("a port");
        let address = bound.local_addr().expect("its address");
        Self { _bound: bound, address }
    }
}

impl fmt::Display for Nobody {
    /// The address, as it stands in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
