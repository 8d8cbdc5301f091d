//! The sockets: datagrams, and streams of messages with their length before them.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tollgate_config::settings::Dns;

use super::answer::Over;
use super::message::QUERY_MAX;
use crate::gate::Gate;
use crate::watch::Seldom;

/// Queries at work at once; the kernel holds or drops the rest.
const QUERIES_MAX: usize = 64;
/// Streams that are open at once.
const STREAMS_MAX: usize = 16;
/// How long a stream may take for a message, or say nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a free port is looked for that is free for both.
const PORTS_TRIED: usize = 16;

/// A DNS server that cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("`dns` cannot listen on {listen}: {reason}")]
pub struct NamesFault {
    listen: SocketAddr,
    reason: std::io::Error,
}

/// Sockets for both, on one port; of another network perhaps.
pub type Pair = (std::net::UdpSocket, std::net::TcpListener);

/// The sockets, bound but not yet answering.
#[derive(Debug)]
pub struct NameServer {
    sockets: Vec<(UdpSocket, TcpListener)>,
    /// Where they listen.
    pub addresses: Vec<SocketAddr>,
}

impl NameServer {
    /// Takes sockets that are open already, none of which blocks.
    pub fn take(pairs: Vec<Pair>, settings: &Dns) -> Result<Self, NamesFault> {
        let mut taken = Self { sockets: Vec::new(), addresses: Vec::new() };
        for (udp, tcp) in pairs {
            let pair = TcpListener::from_std(tcp).and_then(|tcp| {
                taken.addresses.push(tcp.local_addr()?);
                Ok((UdpSocket::from_std(udp)?, tcp))
            });
            let fault = |reason| NamesFault { listen: settings.listen, reason };
            taken.sockets.push(pair.map_err(fault)?);
        }
        Ok(taken)
    }

    /// Binds both to one port.
    pub async fn bind(settings: &Dns) -> Result<Self, NamesFault> {
        let listen = settings.listen;
        let mut last = None;
        for _ in 0..if listen.port() == 0 { PORTS_TRIED } else { 1 } {
            match Self::bind_once(listen).await {
                Ok(bound) => return Ok(bound),
                Err(reason) => last = Some(reason),
            }
        }
        let reason = last.unwrap_or_else(|| std::io::Error::other("no port"));
        Err(NamesFault { listen, reason })
    }

    async fn bind_once(listen: SocketAddr) -> std::io::Result<Self> {
        let tcp = TcpListener::bind(listen).await?;
        let address = tcp.local_addr()?;
        let udp = UdpSocket::bind(address).await?;
        Ok(Self { sockets: vec![(udp, tcp)], addresses: vec![address] })
    }

    /// Answers until `shutdown` turns true, then waits for the queries at work.
    pub async fn serve(self, gate: Arc<Gate>, shutdown: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(QUERIES_MAX));
        let mut serving = JoinSet::new();
        for (udp, tcp) in self.sockets {
            let (gate, room) = (Arc::clone(&gate), Arc::clone(&room));
            serving.spawn(datagrams(Arc::clone(&gate), udp, Arc::clone(&room), shutdown.clone()));
            serving.spawn(streams(gate, tcp, room, shutdown.clone()));
        }
        while serving.join_next().await.is_some() {}
    }
}

async fn datagrams(
    gate: Arc<Gate>,
    socket: UdpSocket,
    room: Arc<Semaphore>,
    mut shutdown: watch::Receiver<bool>,
) {
    let socket = Arc::new(socket);
    let mut queries = JoinSet::new();
    let mut buffer = vec![0; QUERY_MAX + 1];
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { break };
        let received = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            received = socket.recv_from(&mut buffer) => received,
        };
        let (length, peer) = match received {
            Ok(received) => received,
            Err(error) => {
                // A client that is gone says so by ICMP; anything else gets a moment to pass.
                tracing::debug!(%error, "a datagram could not be received");
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
        };
        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
        let (gate, socket) = (Arc::clone(&gate), Arc::clone(&socket));
        queries.spawn(async move {
            if let Some(answer) = gate.answer_name(&bytes, peer, Over::Udp).await {
                // Whoever does not listen any more needs no answer.
                let _ = socket.send_to(&answer, peer).await;
            }
            drop(place);
        });
        while queries.try_join_next().is_some() {}
    }
    while queries.join_next().await.is_some() {}
}

async fn streams(
    gate: Arc<Gate>,
    listener: TcpListener,
    room: Arc<Semaphore>,
    mut shutdown: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(STREAMS_MAX));
    let mut open = JoinSet::new();
    let mut failing = Seldom::default();
    loop {
        let place = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (gate, room) = (Arc::clone(&gate), Arc::clone(&room));
                let mut shutdown = shutdown.clone();
                open.spawn(async move {
                    converse(&gate, stream, peer, &room, &mut shutdown).await;
                    drop(place);
                });
            }
            Err(error) => {
                if let Some(unsaid) = failing.due() {
                    tracing::warn!(%error, unsaid, "accept failed for `dns`");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while open.try_join_next().is_some() {}
    }
    while open.join_next().await.is_some() {}
}

/// Answers one message after another, until the client stops, dawdles or breaks the framing.
async fn converse(
    gate: &Gate,
    mut stream: TcpStream,
    peer: SocketAddr,
    room: &Semaphore,
    shutdown: &mut watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    loop {
        let message = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => return,
            message = tokio::time::timeout(PATIENCE, receive(&mut stream)) => message,
        };
        let Ok(Some(message)) = message else { return };
        let Ok(place) = room.acquire().await else { return };
        let answer = gate.answer_name(&message, peer, Over::Tcp).await;
        drop(place);
        let Some(framed) = answer.and_then(frame) else { return };
        let sent = tokio::time::timeout(PATIENCE, stream.write_all(&framed)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = usize::from(stream.read_u16().await.ok()?);
    if length > QUERY_MAX {
        return None;
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.ok()?;
    Some(message)
}

fn frame(message: Vec<u8>) -> Option<Vec<u8>> {
    let length = u16::try_from(message.len()).ok()?;
    Some([&length.to_be_bytes(), message.as_slice()].concat())
}
