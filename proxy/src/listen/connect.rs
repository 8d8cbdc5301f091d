//! CONNECT: a client asks for a tunnel, and the gate looks at what comes through it.
//!
//! The place is refused before the tunnel stands, so that the client gets a status and a sentence.
//! Inside, TLS is ended with a certificate of the gate's own authority and the calls in it go the
//! way of all calls; cleartext HTTP goes it as well; anything else is refused, since nobody could
//! inspect it. Tunnels that are to be passed on as they are go on in [`crate::tunnel`].
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pingora_core::protocols::ALPN;
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::Instant;
use tollgate_config::settings::Ech;
use tollgate_rules::{Code, Host, Scheme};

use super::accept::{Came, hand_over};
use super::hello::HELLO_BYTES;
use super::sniff::{self, Opening};
use super::stream::Replayed;
use super::{Authority, Io, Tunnel, authority, offers_ech};
use crate::answer::put_receipt;
use crate::body::Holder;
use crate::flight::Flight;
use crate::gate::Gate;
use crate::head;
use crate::refuse::Refusal;
use crate::stop::Stop;
use crate::tunnel::{Admitted, about};
use crate::words;

/// RFC 9110 section 9.3.6: any 2xx opens the tunnel, and what follows the head belongs to it.
const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// A fatal `unrecognized_name` and a fatal `handshake_failure` (RFC 8446 section 6).
const UNRECOGNIZED: &[u8] = &[21, 3, 3, 0, 2, 2, 112];
const FAILED: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

/// Takes a connection that begins with a CONNECT.
pub(super) async fn take<S: Io>(
    gate: &Arc<Gate>,
    mut io: S,
    seen: Bytes,
    came: Came,
    shutdown: watch::Receiver<bool>,
) {
    let Came { conn, fd } = came;
    let conn = Arc::new(conn);
    let snapshot = gate.snapshot();
    let bounds = &snapshot.settings.bounds;
    let patience = Duration::from_millis(snapshot.settings.deadlines.head_ms);
    let until = conn.clock.until(patience);
    let head = tokio::time::timeout_at(until, read_head(&mut io, seen, bounds.head_bytes)).await;
    conn.clock.head_came();
    let asked = match head {
        Ok(Ok(asked)) => Ok(asked),
        Ok(Err(HeadFault::Gone)) => return,
        Ok(Err(HeadFault::Refused(code, what))) => Err(Stop::refuse(code, head::sentence(what))),
        Err(_) => Err(Stop::refuse(Code::RequestTimeout, words::HEAD_LATE)),
    };
    let mut flight =
        Flight::begin(Arc::clone(&snapshot), Arc::clone(&conn), gate.held.share(Holder::Nobody));
    let asked = match asked {
        Ok(asked) => asked,
        Err(stop) => return refuse(gate, &mut io, &flight, stop).await,
    };
    let stopping = *shutdown.borrow();
    let admitted = match gate.admit(&mut flight, &asked.host, asked.port, stopping) {
        Ok(admitted) => admitted,
        Err(stop) => {
            let stop = about(stop, &flight, &asked.host, asked.port);
            return refuse(gate, &mut io, &flight, stop).await;
        }
    };
    if io.write_all(OPEN).await.is_err() || io.flush().await.is_err() {
        return;
    }
    let handshake = Duration::from_millis(snapshot.settings.deadlines.handshake_ms);
    drop(snapshot);
    let work = Work { gate, port: asked.port, handshake, due: None, fd, shutdown };
    work.inside(io, asked.rest, asked.host, flight, admitted).await;
}

/// What is done inside a tunnel.
pub(super) struct Work<'g> {
    pub(super) gate: &'g Arc<Gate>,
    pub(super) port: u16,
    pub(super) handshake: Duration,
    /// When a whole head must be here, where none has come.
    pub(super) due: Option<Instant>,
    pub(super) fd: i32,
    pub(super) shutdown: watch::Receiver<bool>,
}

impl Work<'_> {
    /// The deadline of what begins now.
    fn until(&self) -> Instant {
        let until = Instant::now() + self.handshake;
        self.due.map_or(until, |due| due.min(until))
    }

    async fn inside<S: Io>(
        self,
        io: S,
        rest: Bytes,
        host: Host,
        flight: Flight,
        admitted: Admitted,
    ) {
        let mut io = Replayed { bytes: rest, io };
        let Some((opening, seen)) = self.sniff(&mut io).await else { return };
        match (opening, admitted) {
            (Opening::Tls, admitted) => {
                let Some(hello) = self.hello(&mut io, seen).await else { return };
                if authority::names(&host, hello.name.as_deref()) {
                    self.shaken(io, hello, host, flight, admitted).await;
                } else {
                    let stop = Stop::refuse(Code::HostMismatch, words::OTHER_NAME);
                    self.turn_away(&mut io, &flight, &host, stop).await;
                }
            }
            (Opening::Http1 | Opening::Http2, Admitted::Intercepted(_)) => {
                self.cleartext(io, opening, seen, Some(host), &flight).await;
            }
            // Cleartext to a pinned host has no pin, so that nobody needs it passed on unread.
            _ => {
                let stop = Stop::refuse(Code::UnreadRefused, words::TUNNEL_UNREAD);
                self.refuse_silently(&flight, Some(&host), stop).await;
            }
        }
    }

    /// What is spoken; nothing when the client has left, or is too slow.
    pub(super) async fn sniff<S: Io>(&self, io: &mut Replayed<S>) -> Option<(Opening, Bytes)> {
        let (first, rest) = (self.handshake, self.handshake);
        let patience = sniff::Patience { first, rest, due: self.due };
        let mut stop = self.shutdown.clone();
        let sniffed = tokio::select! {
            sniffed = sniff::inside(io, patience) => sniffed,
            _ = stop.wait_for(|stop| *stop) => return None,
        };
        if sniffed.is_err() {
            self.gate.metrics.connections_cut.inc();
        }
        sniffed.ok()
    }

    pub(super) async fn hello<S: Io>(&self, io: &mut Replayed<S>, seen: Bytes) -> Option<Hello> {
        let hello = tokio::time::timeout_at(self.until(), read_hello(io, seen)).await;
        let hello = hello.ok().flatten();
        if hello.is_none() {
            self.gate.metrics.connections_cut.inc();
        }
        hello
    }

    /// Goes on with a handshake that has shown its name.
    pub(super) async fn shaken<S: Io>(
        &self,
        mut io: Replayed<S>,
        hello: Hello,
        host: Host,
        flight: Flight,
        admitted: Admitted,
    ) {
        match admitted {
            Admitted::Intercepted(authority) => {
                // Whether a pinned client hides its name is its own affair: nothing in it is read.
                if authority.settings().ech == Ech::Refuse && offers_ech(&hello.seen) {
                    let stop = Stop::refuse(Code::UnreadRefused, words::HIDDEN_NAME);
                    return self.turn_away(&mut io, &flight, &host, stop).await;
                }
                self.intercept(io, hello, host, flight, &authority).await;
            }
            Admitted::Passed(passed) => {
                self.gate.metrics.tunnels.with_label_values(&["passed"]).inc();
                let (gate, shutdown) = (self.gate, &self.shutdown);
                let passed = gate.pass_on(&flight, *passed, &mut io, hello.seen, shutdown).await;
                if let Err(stop) = passed {
                    self.refuse_silently(&flight, Some(&host), stop).await;
                }
            }
        }
    }

    /// Ends the client's TLS with the host's certificate.
    async fn intercept<S: Io>(
        &self,
        mut io: Replayed<S>,
        hello: Hello,
        host: Host,
        flight: Flight,
        authority: &Arc<Authority>,
    ) {
        let (maker, name) = (Arc::clone(authority), host.clone());
        // A signature takes a while: not on a thread that serves others.
        let leaf = tokio::task::spawn_blocking(move || maker.leaf(&name)).await;
        let Ok(Ok(config)) = leaf else {
            self.gate.bug("no certificate for a tunnel");
            say(&mut io, FAILED).await;
            return;
        };
        let start = tokio_rustls::StartHandshake::from_parts(hello.accepted, io);
        let shaken = tokio::time::timeout_at(self.until(), start.into_stream(config)).await;
        let Ok(Ok(tls)) = shaken else {
            // Most often a client that does not trust the authority yet. One that says so was here
            // for a call; who only leaves, or is slow, may have been anybody.
            let silent = |error: &std::io::Error| error.kind() == std::io::ErrorKind::UnexpectedEof;
            if matches!(&shaken, Ok(Err(error)) if !silent(error)) {
                let stop = Stop::refuse(Code::UnreadRefused, words::HANDSHAKE_BROKEN);
                let stop = about(stop, &flight, &host, self.port);
                let _ = self.gate.refused(&flight, stop).await;
            }
            self.gate.metrics.tunnels.with_label_values(&["handshake_failed"]).inc();
            let host = crate::record::host(&flight.snapshot, &host);
            tracing::info!(
                host,
                "a client broke off the handshake in a tunnel; does it trust the certificate of \
                 `forward_proxy.intercept`?"
            );
            return;
        };
        let (_, session) = tls.get_ref();
        let alpn = match session.alpn_protocol() {
            Some(b"h2") => ALPN::H2,
            _ => ALPN::H1,
        };
        self.gate.metrics.tunnels.with_label_values(&["intercepted"]).inc();
        let tunnel = Tunnel { host: Some(host), port: self.port, scheme: Scheme::Https };
        self.calls(tls, Bytes::new(), alpn, tunnel, &flight).await;
    }

    /// Serves calls in clear text.
    pub(super) async fn cleartext<S: Io>(
        &self,
        io: Replayed<S>,
        opening: Opening,
        seen: Bytes,
        host: Option<Host>,
        flight: &Flight,
    ) {
        let alpn = if opening == Opening::Http2 { ALPN::H2 } else { ALPN::H1 };
        self.gate.metrics.tunnels.with_label_values(&["cleartext"]).inc();
        let tunnel = Tunnel { host, port: self.port, scheme: Scheme::Http };
        self.calls(io, seen, alpn, tunnel, flight).await;
    }

    /// Serves the calls that come through the tunnel.
    async fn calls<S: Io>(&self, io: S, seen: Bytes, alpn: ALPN, tunnel: Tunnel, flight: &Flight) {
        let conn = flight.conn.again(Some(tunnel));
        let came = Came { conn, fd: self.fd };
        // No tunnel is opened in a tunnel, so none is asked for.
        drop(Box::pin(hand_over(self.gate, io, seen, alpn, came, &self.shutdown)).await);
    }

    /// Refuses a handshake, with an alert.
    pub(super) async fn turn_away<S: Io>(
        &self,
        io: &mut Replayed<S>,
        flight: &Flight,
        host: &Host,
        stop: Stop,
    ) {
        say(io, UNRECOGNIZED).await;
        self.refuse_silently(flight, Some(host), stop).await;
    }

    /// Records a refusal that has no words on the wire: the tunnel stands, and what comes through
    /// it speaks nothing that could be answered.
    pub(super) async fn refuse_silently(&self, flight: &Flight, host: Option<&Host>, stop: Stop) {
        self.gate.metrics.tunnels.with_label_values(&["refused"]).inc();
        let stop = match host {
            Some(host) => about(stop, flight, host, self.port),
            None => stop,
        };
        let _ = self.gate.refused(flight, stop).await;
    }
}

/// Sends an alert. Whoever has left needs none.
async fn say<S: Io>(io: &mut Replayed<S>, alert: &[u8]) {
    if io.write_all(alert).await.is_ok() {
        let _ = io.flush().await;
    }
}

/// A ClientHello, and the bytes that it came in.
pub(super) struct Hello {
    accepted: rustls::server::Accepted,
    seen: Bytes,
    /// The name that is asked for (RFC 6066 section 3).
    pub(super) name: Option<String>,
}

/// Reads a ClientHello, in however many pieces it comes.
async fn read_hello<S: Io>(io: &mut Replayed<S>, seen: Bytes) -> Option<Hello> {
    let mut acceptor = Acceptor::default();
    let mut all = BytesMut::from(&*seen);
    let mut fresh = seen;
    loop {
        let mut piece = &*fresh;
        while !piece.is_empty() {
            acceptor.read_tls(&mut piece).ok()?;
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let name = accepted.client_hello().server_name().map(str::to_owned);
                return Some(Hello { accepted, seen: all.freeze(), name });
            }
            Ok(None) if all.len() < HELLO_BYTES => {}
            Ok(None) | Err(_) => return None,
        }
        let mut more = BytesMut::with_capacity(4096);
        if !matches!(io.read_buf(&mut more).await, Ok(1..)) {
            return None;
        }
        all.extend_from_slice(&more);
        fresh = more.freeze();
    }
}

/// What a CONNECT asks for, and what came behind its head.
struct Asked {
    host: Host,
    port: u16,
    rest: Bytes,
}

enum HeadFault {
    Gone,
    Refused(Code, &'static str),
}

/// Reads the head (RFC 9110 section 9.3.6: the target is an authority, with its port).
async fn read_head<S: Io>(io: &mut S, seen: Bytes, limit: usize) -> Result<Asked, HeadFault> {
    const HEADERS: usize = 64;
    let refused = |what| HeadFault::Refused(Code::MalformedHead, what);
    let mut all = BytesMut::from(&*seen);
    loop {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&all) {
            Ok(httparse::Status::Complete(length)) => {
                let (host, port) = target(&request).map_err(|what| match what {
                    Target::Malformed(what) => refused(what),
                    Target::Mismatch(what) => HeadFault::Refused(Code::HostMismatch, what),
                })?;
                let rest = all.split_off(length).freeze();
                return Ok(Asked { host, port, rest });
            }
            Ok(httparse::Status::Partial) if all.len() < limit => {}
            Ok(httparse::Status::Partial) => {
                return Err(refused("the request's head is larger than the limit"));
            }
            Err(_) => return Err(refused("the request's head cannot be parsed")),
        }
        if !matches!(io.read_buf(&mut all).await, Ok(1..)) {
            return Err(HeadFault::Gone);
        }
    }
}

enum Target {
    Malformed(&'static str),
    Mismatch(&'static str),
}

fn target(request: &httparse::Request<'_, '_>) -> Result<(Host, u16), Target> {
    let place = |text: &[u8]| match head::split_authority(text) {
        Ok((host, port)) => Ok((host, port)),
        Err(_) => Err(Target::Malformed("the target of a CONNECT must be a host and a port")),
    };
    let (host, port) = place(request.path.unwrap_or_default().as_bytes())?;
    let port = port.ok_or(Target::Malformed("the target of a CONNECT must name its port"))?;
    let mut hosts = request.headers.iter().filter(|h| h.name.eq_ignore_ascii_case("host"));
    if let Some(named) = hosts.next() {
        let (named, at) = place(named.value)?;
        if named != host || at.is_some_and(|at| at != port) || hosts.next().is_some() {
            return Err(Target::Mismatch("the host header names another place than the target"));
        }
    }
    // A tunnel has no body: one that is announced would be read as the first bytes inside.
    let framed = |header: &httparse::Header<'_>| {
        let zero = header.value.trim_ascii() == b"0";
        header.name.eq_ignore_ascii_case("transfer-encoding")
            || header.name.eq_ignore_ascii_case("content-length") && !zero
    };
    if request.headers.iter().any(framed) {
        return Err(Target::Malformed("a CONNECT has no body"));
    }
    Ok((host, port))
}

/// Answers a CONNECT that is refused; the connection ends with it.
async fn refuse<S: Io>(gate: &Gate, io: &mut S, flight: &Flight, stop: Stop) {
    gate.metrics.tunnels.with_label_values(&["refused"]).inc();
    let Some(refusal) = gate.refused(flight, stop).await else { return };
    let answer = written(&refusal);
    let idle = Duration::from_millis(flight.snapshot.settings.deadlines.idle_ms);
    let sent = async {
        io.write_all(&answer).await?;
        io.shutdown().await
    };
    // A client that does not read its answer does without it.
    let _ = tokio::time::timeout(idle, sent).await;
}

fn written(refusal: &Refusal) -> Vec<u8> {
    let mut reply = crate::refuse::answer(refusal, &crate::refuse::Caller::Http);
    if let Some(receipt) = &refusal.receipt {
        put_receipt(&mut reply.headers, receipt);
    }
    let reason = reply.status.canonical_reason().unwrap_or_default();
    let mut out = format!("HTTP/1.1 {} {reason}\r\n", reply.status.as_u16()).into_bytes();
    for (name, value) in &reply.headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    let length = reply.body.len();
    out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    out.extend_from_slice(b"connection: close\r\n\r\n");
    out.extend_from_slice(&reply.body);
    out
}
