//! Connections that the kernel redirected: the client believes that it speaks with the upstream.
//!
//! Where a connection was going to is told by the kernel (its port) and by the client (its name, in
//! the handshake or in each call). The name is what rules and lists are about, and it is resolved
//! again by the gate: the address that the client had found is not connected to, so that a client
//! cannot pair a good name with an address of its own choice. Where the gate is the client's DNS server,
//! `names` also says whether that address goes with that name.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pingora_core::protocols::SocketDigest;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tollgate_rules::{Code, Host};

use super::accept::Came;
use super::connect::Work;
use super::sniff::Opening;
use super::stream::Replayed;
use crate::body::Holder;
use crate::flight::Flight;
use crate::gate::Gate;
use crate::stop::Stop;
use crate::words;

/// Takes a connection that was redirected here.
pub(super) async fn take(
    gate: &Arc<Gate>,
    io: TcpStream,
    came: Came,
    shutdown: watch::Receiver<bool>,
) {
    let Came { mut conn, fd } = came;
    let socket = SocketDigest::from_raw_fd(fd);
    let original = socket.original_dst().and_then(|to| to.as_inet()).copied();
    let original = original.filter(|to| Some(*to) != conn.local);
    conn.original = original;
    let snapshot = gate.snapshot();
    let handshake = Duration::from_millis(snapshot.settings.deadlines.handshake_ms);
    let mut flight = Flight::begin(snapshot, Arc::new(conn), gate.held.share(Holder::Nobody));
    let stopping = *shutdown.borrow();
    let port = original.map_or(0, |to| to.port());
    let due = flight.conn.clock.due();
    let work = Work { gate, port, handshake, due, fd, shutdown };
    // Who it was is known even when what it wanted cannot be; a call asks for it anew.
    let _ = gate.identify(&mut flight);
    if original.is_none() {
        let stop = Stop::refuse(Code::EgressBlocked, words::NOT_REDIRECTED);
        return work.refuse_silently(&flight, None, stop).await;
    }
    let mut io = Replayed { bytes: Bytes::new(), io };
    let Some((opening, seen)) = work.sniff(&mut io).await else { return };
    match opening {
        Opening::Tls => {
            let Some(hello) = work.hello(&mut io, seen).await else { return };
            let Some(host) = hello.name.as_deref().and_then(|name| Host::parse(name).ok()) else {
                let stop = Stop::refuse(Code::UnreadRefused, words::NO_NAME);
                return work.refuse_silently(&flight, None, stop).await;
            };
            match gate.admit(&mut flight, &host, port, stopping) {
                Ok(admitted) => work.shaken(io, hello, host, flight, admitted).await,
                Err(stop) => work.turn_away(&mut io, &flight, &host, stop).await,
            }
        }
        Opening::Http1 | Opening::Http2 => {
            work.cleartext(io, opening, seen, None, &flight).await;
        }
        Opening::Connect | Opening::Other => {
            let stop = Stop::refuse(Code::UnreadRefused, words::TUNNEL_UNREAD);
            work.refuse_silently(&flight, None, stop).await;
        }
    }
}
