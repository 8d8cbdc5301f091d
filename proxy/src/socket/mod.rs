//! WebSocket (RFC 6455): a handshake that walks like every call, then messages both ways, each of
//! them read whole and inspected before it goes on.
//!
//! The gate is an end of both connections and not a pipe between them: frames are read here and
//! written here, no extension is agreed on, keys and masks are the gate's own, and of pings only the
//! beat travels. Every bound (bytes, frames, pace, stillness, duration) ends in a close frame that
//! names a code and never what was sent.
mod end;
mod frames;
mod handshake;
mod inspect;
mod line;
mod relay;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::watch;
use tollgate_rules::{Call, Code};

pub use end::Closed;
pub use handshake::Handshake;

use crate::clear::Permit;
use crate::egress::{Failure, Line, Upstream};
use crate::flight::Flight;
use crate::gate::Gate;
use crate::listen::Io;
use crate::outcome::Outcome;
use crate::stop::Stop;
use crate::words;

/// A WebSocket that both sides agreed on.
pub(crate) struct Opened {
    /// The answer that the client is waiting for.
    pub(crate) reply: Vec<u8>,
    /// The upstream.
    pub(crate) line: Line,
    /// The call that its handshake was: what each message is judged as a part of.
    pub(crate) call: Call,
    /// The permit of the handshake.
    pub(crate) permit: Permit,
    /// Told when it ends.
    pub(crate) outcome: Outcome,
}

impl Gate {
    /// The upstream has switched to WebSocket: whether it did so as it was asked to.
    pub(crate) async fn open_socket(
        &self,
        handshake: &Handshake,
        upstream: Upstream<'_>,
        permit: Permit,
        mut outcome: Outcome,
        call: Option<Call>,
    ) -> Result<Opened, Stop> {
        let (route, head) = (Arc::clone(&upstream.route), upstream.head());
        let agreed = match head {
            Some(head) => handshake.agree(head.version, &head.headers, outcome.intent()),
            None => Err("it has no head"),
        };
        let fault = |why| Failure::new(Code::UpstreamProtocol, why);
        let switched = match agreed {
            Ok(reply) => upstream.switch().await.map(|line| (reply, line)),
            Err(why) => {
                upstream.cancel().await;
                Err(fault(why))
            }
        };
        match (switched, call) {
            (Ok((reply, line)), Some(call)) => Ok(Opened { reply, line, call, permit, outcome }),
            (Ok(_), None) => Err(Stop::refuse(Code::GateBug, words::BUG)),
            (Err(failure), _) => {
                self.metrics.calls.with_label_values(&[&route, "cut"]).inc();
                let receipt = outcome.intent().to_owned();
                outcome.failed(&failure);
                Err(Stop::Failed(words::failure(&failure).with_receipt(receipt)))
            }
        }
    }
}

/// Carries a WebSocket to its end, and tells of it.
pub(crate) async fn carry(
    gate: &Gate,
    flight: &Flight,
    opened: Opened,
    client: impl Io,
    shutdown: &watch::Receiver<bool>,
) {
    let Opened { reply, line, call, permit, mut outcome } = opened;
    let route = Arc::clone(&line.route);
    let destination = line.address;
    gate.metrics.websockets.inc();
    let carried = relay::run(gate, flight, (&call, &permit), (client, reply), line, shutdown);
    let carried = AssertUnwindSafe(carried).catch_unwind();
    let closed = tokio::select! {
        closed = carried => closed.ok(),
        () = gate.cut.cancelled() => None,
    };
    gate.metrics.websockets.dec();
    let Some(closed) = closed else {
        if !gate.cut.is_cancelled() {
            gate.bug("a panic in a WebSocket");
        }
        // Dropped untold, the outcome says that it was interrupted.
        return;
    };
    gate.count_socket(&route, &closed);
    outcome.closed(destination, &closed);
}
