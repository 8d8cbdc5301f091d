//! The accept loops.
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pingora_core::apps::{HttpServerApp, ServerApp};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::{ALPN, Stream};
use pingora_http::ResponseHeader;
use tokio::io::{AsyncRead, BufStream};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tollgate_config::settings::{Listener, ProxyProtocol, TransparentListener};
use tollgate_rules::Code;

use super::first::Room;
use super::sniff::{self, Opening};
use super::{
    Conn, GateStream, HeadClock, Io, Peer, ServerTls, Shown, connect, proxied, transparent, unix,
};
use crate::gate::Gate;
use crate::watch::Seldom;

/// Where a socket is that somebody else opened.
const HANDED: &str = "what it was given";

/// A listener that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("listener `{name}` cannot listen on {place}: {reason}")]
pub struct ListenError {
    name: String,
    place: String,
    reason: std::io::Error,
}

/// A socket that is open already, of another network perhaps, and must not block.
#[derive(Debug)]
pub struct Given {
    /// The listener that takes it.
    pub listener: String,
    /// The socket.
    pub socket: std::net::TcpListener,
    /// Sockets that the kernel redirects connections of the same agent to.
    pub redirected: Vec<std::net::TcpListener>,
}

/// The sockets, bound but not yet accepting, so that a start fails before anything runs.
#[derive(Debug)]
pub struct Acceptors(Vec<(Listener, Bound)>);

/// A socket that listens.
#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    /// One that was given, in whatever network it is.
    Given(TcpListener),
    Unix(unix::Bound),
}

impl Acceptors {
    /// Binds every listener but the one whose socket is given.
    pub async fn bind(
        listeners: &[Listener],
        mut given: Option<Given>,
    ) -> Result<Self, ListenError> {
        let mut bound = Vec::with_capacity(listeners.len());
        for listener in listeners {
            let given = given.take_if(|given| given.listener == listener.name());
            let (handed, redirected) = match given {
                Some(given) => (Some(given.socket), given.redirected),
                None => (None, Vec::new()),
            };
            let (socket, place) = match (listener, handed, listener.bind()) {
                (Listener::Unix(unix), ..) => {
                    (unix::bind(unix).map(Bound::Unix), unix.path.display().to_string())
                }
                (_, Some(socket), _) => {
                    (TcpListener::from_std(socket).map(Bound::Given), HANDED.to_owned())
                }
                (_, None, Some(bind)) => {
                    (TcpListener::bind(bind).await.map(Bound::Tcp), bind.to_string())
                }
                (_, None, None) => continue,
            };
            let name = listener.name().to_owned();
            let socket = socket.map_err(|reason| ListenError { name, place, reason })?;
            bound.push((listener.clone(), socket));
            for socket in redirected {
                bound.extend(led(listener, socket)?);
            }
        }
        Ok(Self(bound))
    }

    /// Names and addresses as bound, which tells the port when 0 was asked for.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let address = |(listener, bound): &(Listener, Bound)| match bound {
            Bound::Tcp(socket) | Bound::Given(socket) => {
                Some((listener.name().to_owned(), socket.local_addr().ok()?))
            }
            Bound::Unix(_) => None,
        };
        self.0.iter().filter_map(address).collect()
    }

    /// Addresses of this network, where the gate would connect to itself. The same ones elsewhere are
    /// somebody else's here.
    pub fn own(&self) -> Vec<SocketAddr> {
        let address = |(_, bound): &(Listener, Bound)| match bound {
            Bound::Tcp(socket) => socket.local_addr().ok(),
            Bound::Given(_) | Bound::Unix(_) => None,
        };
        self.0.iter().filter_map(address).collect()
    }

    /// Names and files of unix sockets.
    pub fn files(&self) -> Vec<(String, PathBuf)> {
        let file = |(listener, bound): &(Listener, Bound)| match bound {
            Bound::Tcp(_) | Bound::Given(_) => None,
            Bound::Unix(bound) => Some((listener.name().to_owned(), bound.file.path().to_owned())),
        };
        self.0.iter().filter_map(file).collect()
    }
}

/// A listener of the same name and agent for connections that the kernel redirects.
fn led(
    listener: &Listener,
    socket: std::net::TcpListener,
) -> Result<Option<(Listener, Bound)>, ListenError> {
    let name = listener.name().to_owned();
    let Some(agent) = listener.agent().map(str::to_owned) else { return Ok(None) };
    let taken = socket.local_addr().and_then(|bind| Ok((bind, TcpListener::from_std(socket)?)));
    let (bind, socket) = taken.map_err(|reason| ListenError {
        name: name.clone(),
        place: HANDED.to_owned(),
        reason,
    })?;
    let listener = Listener::Transparent(TransparentListener { name, bind, agent });
    Ok(Some((listener, Bound::Given(socket))))
}

impl Bound {
    async fn accept(&self) -> std::io::Result<Arrived> {
        Ok(match self {
            Self::Tcp(socket) | Self::Given(socket) => {
                let (io, peer) = socket.accept().await?;
                Arrived::Tcp(io, peer)
            }
            Self::Unix(bound) => Arrived::Unix(bound.socket.accept().await?.0),
        })
    }
}

/// A connection that was just accepted.
enum Arrived {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// Accepts until `shutdown` turns true, then waits up to the drain deadline for calls in flight.
pub async fn serve(gate: Arc<Gate>, acceptors: Acceptors, shutdown: watch::Receiver<bool>) {
    let room = Room::of(gate.snapshot().settings.bounds.connections);
    let mut loops = JoinSet::new();
    for (listener, bound) in acceptors.0 {
        loops.spawn(accept_loop(
            Arc::clone(&gate),
            listener,
            bound,
            room.clone(),
            shutdown.clone(),
        ));
    }
    while loops.join_next().await.is_some() {}
}

async fn accept_loop(
    gate: Arc<Gate>,
    listener: Listener,
    bound: Bound,
    room: Room,
    mut shutdown: watch::Receiver<bool>,
) {
    let name: Arc<str> = listener.name().into();
    let listener = Arc::new(listener);
    let mut connections = JoinSet::new();
    let mut failing = Seldom::default();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            accepted = bound.accept() => accepted,
        };
        match accepted {
            Ok(arrived) => {
                // Back-pressure: without room the kernel's backlog holds all but one of the clients,
                // and not our memory.
                let place = tokio::select! {
                    biased;
                    _ = shutdown.wait_for(|stop| *stop) => break,
                    place = room.enter() => place,
                };
                let Ok(place) = place else { break };
                let gate = Arc::clone(&gate);
                let patience = gate.snapshot().settings.deadlines.first_head_ms;
                let (first, ends) = room.begin(Duration::from_millis(patience));
                let clock = HeadClock::of(first);
                let (name, listener) = (Arc::clone(&name), Arc::clone(&listener));
                let shutdown = shutdown.clone();
                connections.spawn(async move {
                    gate.metrics.connections.inc();
                    let taken = async {
                        match arrived {
                            Arrived::Tcp(io, peer) => {
                                let from = Origin { name, listener, peer };
                                take(&gate, from, (io, clock), shutdown).await;
                            }
                            Arrived::Unix(io) => {
                                take_local(&gate, name, (io, clock), shutdown).await;
                            }
                        }
                    };
                    tokio::select! {
                        biased;
                        () = ends.cancelled() => gate.metrics.connections_cut.inc(),
                        () = taken => {}
                    }
                    gate.metrics.connections.dec();
                    drop(place);
                });
            }
            Err(error) => {
                // Mostly out of file descriptors: give the ones in use a moment to come back.
                if let Some(unsaid) = failing.due() {
                    tracing::warn!(listener = %name, %error, unsaid, "accept failed");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(bound);
    let drain = Duration::from_millis(gate.snapshot().settings.deadlines.drain_ms);
    let done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, done).await.is_err() {
        tracing::warn!(listener = %name, "drain deadline reached; connections are cut");
        connections.abort_all();
        while connections.join_next().await.is_some() {}
    }
}

/// Where a connection came from.
struct Origin {
    name: Arc<str>,
    listener: Arc<Listener>,
    peer: SocketAddr,
}

/// Takes one connection: a balancer's header and TLS if the listener says so, then HTTP until it
/// ends.
async fn take(
    gate: &Arc<Gate>,
    Origin { name, listener, peer }: Origin,
    (mut io, clock): (TcpStream, HeadClock),
    shutdown: watch::Receiver<bool>,
) {
    // An answer is one write; waiting to fill a segment only delays it.
    let _ = io.set_nodelay(true);
    let fd = io.as_raw_fd();
    let local = io.local_addr().unwrap_or(peer);
    let (peer, through) = match listener.proxy_protocol() {
        None => (peer, None),
        Some(proxied) => match told(gate, (&name, proxied), (&mut io, &clock), peer).await {
            Some(told) => (told.unwrap_or(peer), told.map(|_| peer)),
            None => return,
        },
    };
    let conn = Conn {
        listener: name,
        peer: Peer::Address(peer),
        through,
        local: Some(local),
        original: None,
        names: None,
        shown: None,
        clock,
        tunnel: None,
    };
    if matches!(*listener, Listener::Transparent(_)) {
        return Box::pin(transparent::take(gate, io, Came { conn, fd }, shutdown)).await;
    }
    let snapshot = gate.snapshot();
    if !matches!(*listener, Listener::Tls(_)) {
        drop(snapshot);
        return speak(gate, io, Came { conn, fd }, shutdown).await;
    }
    let tls = snapshot.server_tls(&conn.listener).filter(|tls| !tls.is_expired());
    let Some(tls) = tls else {
        // A reload took the listener away, or the Workload API what it presents. Nobody can be known.
        let why = "the listener has no certificate to present";
        gate.handshake_refused(&conn.listener, peer, Code::IdentityMissing, why).await;
        return;
    };
    let handshake = Duration::from_millis(snapshot.settings.deadlines.handshake_ms);
    let until = conn.clock.until(handshake);
    let io = match tokio::time::timeout_at(until, tls.accept(io)).await {
        Ok(Ok(io)) => io,
        // Whoever leaves in the middle, a health check say, has presented nothing.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            gate.metrics.connections_cut.inc();
            return;
        }
        Ok(Err(error)) => {
            let cause = error.get_ref().and_then(|inner| inner.downcast_ref());
            let code = cause.map_or(Code::IdentityMissing, ServerTls::code);
            gate.handshake_refused(&conn.listener, peer, code, &error.to_string()).await;
            return;
        }
        Err(_) => {
            let why = "the handshake took too long";
            gate.handshake_refused(&conn.listener, peer, Code::IdentityMissing, why).await;
            return;
        }
    };
    let trust = Arc::clone(tls.trust());
    drop(snapshot);
    let (_, tls) = io.get_ref();
    let shown = match Shown::new(tls, trust) {
        Ok(shown) => Arc::new(shown),
        Err(error) => {
            let (code, why) = (ServerTls::code(&error), error.to_string());
            gate.handshake_refused(&conn.listener, peer, code, &why).await;
            return;
        }
    };
    let http2 = tls.alpn_protocol() == Some(b"h2");
    let conn = Conn { names: Some(shown.names()), shown: Some(shown), ..conn };
    let came = Came { conn, fd };
    match http2 {
        true => {
            drop(Box::pin(hand_over(gate, io, Bytes::new(), ALPN::H2, came, &shutdown)).await);
        }
        false => speak(gate, io, came, shutdown).await,
    }
}

/// Reads the header of a balancer. The address that it tells, if it tells one; nothing when the
/// connection is refused, which is recorded.
async fn told(
    gate: &Arc<Gate>,
    (listener, proxied): (&str, &ProxyProtocol),
    (io, clock): (&mut TcpStream, &HeadClock),
    peer: SocketAddr,
) -> Option<Option<SocketAddr>> {
    let refuse = async |why: &str, code: Code, detail: &str| {
        gate.metrics.proxy_headers_refused.with_label_values(&[why]).inc();
        gate.connection_refused(listener, peer, code, detail).await;
    };
    let ip = peer.ip().to_canonical();
    if !proxied.from.iter().any(|range| range.contains(&ip)) {
        let detail = "whoever connected is no load balancer of `proxy_protocol.from`";
        refuse("untrusted", Code::IdentityUnknown, detail).await;
        return None;
    }
    let patience = Duration::from_millis(gate.snapshot().settings.deadlines.head_ms);
    match tokio::time::timeout_at(clock.until(patience), proxied::read(io)).await {
        Ok(Ok(told)) => return Some(told),
        Ok(Err(proxied::Unread::Gone)) => gate.metrics.connections_cut.inc(),
        Ok(Err(proxied::Unread::Malformed(detail))) => {
            refuse("malformed", Code::MalformedHead, detail).await;
        }
        Err(_) => {
            let detail = "the PROXY header did not arrive in time";
            refuse("late", Code::RequestTimeout, detail).await;
        }
    }
    None
}

/// Takes one connection on a unix socket.
async fn take_local(
    gate: &Arc<Gate>,
    listener: Arc<str>,
    (io, clock): (UnixStream, HeadClock),
    shutdown: watch::Receiver<bool>,
) {
    let fd = io.as_raw_fd();
    let process = match unix::peer(&io) {
        Ok(process) => process,
        Err(error) => {
            // It has left: the kernel notes who it was when it connects.
            tracing::debug!(listener = %listener, %error, "nobody is at the other end");
            gate.metrics.connections_cut.inc();
            return;
        }
    };
    let conn = Conn {
        listener,
        peer: Peer::Process(process),
        through: None,
        local: None,
        original: None,
        names: None,
        shown: None,
        clock,
        tunnel: None,
    };
    speak(gate, io, Came { conn, fd }, shutdown).await;
}

/// How a connection came in, until it becomes one that calls come on.
pub(super) struct Came {
    pub(super) conn: Conn,
    pub(super) fd: i32,
}

/// Finds out what the client speaks, and goes on in that.
async fn speak<S: Io>(gate: &Arc<Gate>, mut io: S, came: Came, shutdown: watch::Receiver<bool>) {
    let (opening, seen) = match next(gate, &mut io, &came.conn.clock, &shutdown).await {
        Ok(sniffed) => sniffed,
        Err(sniff::Nothing::Late) => return gate.metrics.connections_cut.inc(),
        Err(sniff::Nothing::Gone) => return,
    };
    // Boxed, so that a connection that has said nothing has no room for what it never becomes.
    match opening {
        Opening::Connect => Box::pin(connect::take(gate, io, seen, came, shutdown)).await,
        Opening::Http2 => {
            drop(Box::pin(hand_over(gate, io, seen, ALPN::H2, came, &shutdown)).await);
        }
        _ => {
            let asked = Box::pin(hand_over(gate, io, seen, ALPN::H1, came, &shutdown)).await;
            let Some(AsksTunnel { io, seen, came }) = asked else { return };
            Box::pin(connect::take(gate, io, seen, came, shutdown)).await;
        }
    }
}

/// What comes next where a client may ask for a tunnel. Nothing does once the gate stops.
async fn next<S: AsyncRead + Unpin>(
    gate: &Gate,
    io: &mut S,
    clock: &HeadClock,
    shutdown: &watch::Receiver<bool>,
) -> Result<(Opening, Bytes), sniff::Nothing> {
    let deadlines = gate.snapshot().settings.deadlines.clone();
    let patience = sniff::Patience {
        first: Duration::from_millis(deadlines.keep_alive_ms),
        rest: Duration::from_millis(deadlines.head_ms),
        due: clock.due(),
    };
    let mut stop = shutdown.clone();
    tokio::select! {
        biased;
        sniffed = sniff::outside(io, patience) => sniffed,
        _ = stop.wait_for(|stop| *stop) => Err(sniff::Nothing::Gone),
    }
}

/// A connection on which, after other calls, a client asks for a tunnel.
pub(super) struct AsksTunnel {
    io: Stream,
    seen: Bytes,
    came: Came,
}

/// Serves calls on a connection until it ends, or a tunnel is asked for on it.
pub(super) async fn hand_over<S: Io>(
    gate: &Arc<Gate>,
    io: S,
    sniffed: Bytes,
    alpn: ALPN,
    Came { conn, fd }: Came,
    shutdown: &watch::Receiver<bool>,
) -> Option<AsksTunnel> {
    // pingora carries a connection's user data beside a CONNECT answer; ours is never sent.
    let unsent = http::Response::new(()).into_parts().0;
    let header = Box::new(ResponseHeader::from(unsent));
    let io = BufStream::with_capacity(4096, 4096, io);
    let conn = Arc::new(conn);
    let http1 = alpn == ALPN::H1;
    let stream: Stream =
        Box::new(GateStream::new(io, sniffed, fd, Some(alpn), Arc::clone(&conn), header));
    if http1 {
        return calls(gate, stream, &conn, fd, shutdown).await;
    }
    tokio::select! {
        _ = gate.process_new(stream, shutdown) => {}
        () = conn.clock.first_is_late() => gate.metrics.connections_cut.inc(),
    }
    None
}

/// Serves calls of HTTP/1, one after another. pingora's own loop knows no tunnels: what a CONNECT
/// among them would open, it would read as another call.
async fn calls(
    gate: &Arc<Gate>,
    stream: Stream,
    conn: &Conn,
    fd: i32,
    shutdown: &watch::Receiver<bool>,
) -> Option<AsksTunnel> {
    let keep_alive = gate.snapshot().settings.deadlines.keep_alive_ms.div_ceil(1000).max(1);
    let mut session = ServerSession::new_http1(stream);
    session.set_keepalive((!*shutdown.borrow()).then_some(keep_alive));
    loop {
        let (mut io, settings) = gate.process_new_http(session, shutdown).await?.consume();
        let mut seen = Bytes::new();
        // In a tunnel none is opened: a CONNECT there is a call like others, and refused.
        if conn.tunnel.is_none() {
            let opening;
            (opening, seen) = match next(gate, &mut io, &conn.clock, shutdown).await {
                Ok(sniffed) => sniffed,
                Err(nothing) => {
                    if nothing == sniff::Nothing::Late {
                        gate.metrics.connections_cut.inc();
                    }
                    return None;
                }
            };
            if opening == Opening::Connect {
                let came = Came { conn: conn.again(None), fd };
                return Some(AsksTunnel { io, seen, came });
            }
        }
        session = ServerSession::new_http1(io);
        if let Some(settings) = settings {
            settings.apply_to_session(&mut session);
        }
        if !seen.is_empty() {
            conn.clock.begun();
            session.set_pipelined_prefix(BytesMut::from(&*seen));
        }
    }
}
