//! The accept loops.
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pingora_core::apps::ServerApp;
use pingora_core::protocols::{ALPN, Stream};
use pingora_http::ResponseHeader;
use tokio::io::{AsyncReadExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tollgate_config::settings::Listener;

use super::{Conn, GateStream, HeadClock};
use crate::gate::Gate;
use crate::identity::PeerNames;

/// The first bytes of HTTP/2 by prior knowledge (RFC 9113 section 3.4).
const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A listener that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("listener `{name}` cannot listen on {bind}: {reason}")]
pub struct ListenError {
    name: String,
    bind: SocketAddr,
    reason: std::io::Error,
}

/// The sockets, bound but not yet accepting, so that a start fails before anything runs.
#[derive(Debug)]
pub struct Acceptors(Vec<(Listener, TcpListener)>);

impl Acceptors {
    /// Binds every listener.
    pub async fn bind(listeners: &[Listener]) -> Result<Self, ListenError> {
        let mut bound = Vec::with_capacity(listeners.len());
        for listener in listeners {
            let socket = TcpListener::bind(listener.bind()).await.map_err(|reason| {
                ListenError { name: listener.name().to_owned(), bind: listener.bind(), reason }
            })?;
            bound.push((listener.clone(), socket));
        }
        Ok(Self(bound))
    }

    /// Names and addresses as bound, which tells the port when 0 was asked for.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.0
            .iter()
            .filter_map(|(listener, socket)| {
                Some((listener.name().to_owned(), socket.local_addr().ok()?))
            })
            .collect()
    }
}

/// Accepts until `shutdown` turns true, then waits up to the drain deadline for calls in flight.
pub async fn serve(gate: Arc<Gate>, acceptors: Acceptors, shutdown: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(gate.snapshot().settings.bounds.connections));
    let mut loops = JoinSet::new();
    for (listener, socket) in acceptors.0 {
        loops.spawn(accept_loop(
            Arc::clone(&gate),
            listener,
            socket,
            Arc::clone(&room),
            shutdown.clone(),
        ));
    }
    while loops.join_next().await.is_some() {}
}

async fn accept_loop(
    gate: Arc<Gate>,
    listener: Listener,
    socket: TcpListener,
    room: Arc<Semaphore>,
    mut shutdown: watch::Receiver<bool>,
) {
    let name: Arc<str> = listener.name().into();
    let mut connections = JoinSet::new();
    loop {
        // Back-pressure: without room the kernel's backlog holds the clients, not our memory.
        let place = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            place = Arc::clone(&room).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((io, peer)) => {
                let gate = Arc::clone(&gate);
                let name = Arc::clone(&name);
                let shutdown = shutdown.clone();
                connections.spawn(async move {
                    gate.metrics.connections.inc();
                    take(&gate, name, io, peer, shutdown).await;
                    gate.metrics.connections.dec();
                    drop(place);
                });
            }
            Err(error) => {
                // Mostly out of file descriptors: give the ones in use a moment to come back.
                tracing::warn!(listener = %name, %error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(socket);
    let drain = Duration::from_millis(gate.snapshot().settings.deadlines.drain_ms);
    let done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, done).await.is_err() {
        tracing::warn!(listener = %name, "drain deadline reached; connections are cut");
        connections.abort_all();
        while connections.join_next().await.is_some() {}
    }
}

/// Takes one connection: TLS if the listener says so, then HTTP until it ends.
async fn take(
    gate: &Arc<Gate>,
    listener: Arc<str>,
    io: TcpStream,
    peer: SocketAddr,
    shutdown: watch::Receiver<bool>,
) {
    // An answer is one write; waiting to fill a segment only delays it.
    let _ = io.set_nodelay(true);
    let snapshot = gate.snapshot();
    let fd = io.as_raw_fd();
    let local = io.local_addr().unwrap_or(peer);
    let clock = HeadClock::default();
    let handshake = Duration::from_millis(snapshot.settings.deadlines.handshake_ms);
    let stream: Stream = if let Some(tls) = snapshot.server_tls(&listener) {
        let io = match tokio::time::timeout(handshake, tls.accept(io)).await {
            Ok(Ok(io)) => io,
            // Whoever leaves in the middle, a health check say, has presented nothing.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                gate.metrics.connections_cut.inc();
                return;
            }
            Ok(Err(error)) => {
                gate.handshake_refused(&listener, peer, &error.to_string()).await;
                return;
            }
            Err(_) => {
                gate.handshake_refused(&listener, peer, "the handshake took too long").await;
                return;
            }
        };
        let (_, tls) = io.get_ref();
        let names = tls.peer_certificates().and_then(|chain| chain.first()).map(PeerNames::read);
        let alpn = match tls.alpn_protocol() {
            Some(b"h2") => ALPN::H2,
            _ => ALPN::H1,
        };
        let conn =
            Arc::new(Conn { listener, peer, local, names: Some(names.unwrap_or_default()), clock });
        boxed(BufStream::with_capacity(4096, 4096, io), Bytes::new(), fd, alpn, conn)
    } else {
        let mut io = io;
        let head = Duration::from_millis(snapshot.settings.deadlines.keep_alive_ms);
        let mut stop = shutdown.clone();
        let sniffed = tokio::select! {
            sniffed = sniff(&mut io, head, gate, &snapshot) => sniffed,
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some(sniffed) = sniffed else { return };
        let alpn = if sniffed.starts_with(H2_PREFACE) { ALPN::H2 } else { ALPN::H1 };
        let conn = Arc::new(Conn { listener, peer, local, names: None, clock });
        boxed(BufStream::with_capacity(4096, 4096, io), sniffed, fd, alpn, conn)
    };
    drop(snapshot);
    gate.process_new(stream, &shutdown).await;
}

fn boxed<S>(io: S, sniffed: Bytes, fd: i32, alpn: ALPN, conn: Arc<Conn>) -> Stream
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + Sync + 'static,
{
    // pingora carries a connection's user data beside a CONNECT answer; ours is never sent.
    let unsent = http::Response::new(()).into_parts().0;
    let header = Box::new(ResponseHeader::from(unsent));
    Box::new(GateStream::new(io, sniffed, fd, Some(alpn), conn, header))
}

/// Reads until the bytes can only be, or can no longer be, the HTTP/2 preface.
async fn sniff(
    io: &mut TcpStream,
    idle: Duration,
    gate: &Gate,
    snapshot: &crate::snapshot::Snapshot,
) -> Option<Bytes> {
    let mut seen = BytesMut::with_capacity(4096);
    let first = tokio::time::timeout(idle, io.read_buf(&mut seen)).await;
    if !matches!(first, Ok(Ok(1..))) {
        return None;
    }
    let rest = async {
        while seen.len() < H2_PREFACE.len() && H2_PREFACE.starts_with(&seen) {
            if !matches!(io.read_buf(&mut seen).await, Ok(1..)) {
                return None;
            }
        }
        Some(seen.freeze())
    };
    let deadline = Duration::from_millis(snapshot.settings.deadlines.head_ms);
    match tokio::time::timeout(deadline, rest).await {
        Ok(seen) => seen,
        Err(_) => {
            gate.metrics.connections_cut.inc();
            None
        }
    }
}
