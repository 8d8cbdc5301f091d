//! The walk of a tunnel: shorter than a call's, since there is nothing in it to decode.
//!
//! A tunnel that is intercepted is only let in here; each call in it walks for itself. One that is
//! passed on as it is, is a call of its own: ruled, limited, recorded as `unread`, and permitted.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tollgate_rules::{Action, Arguments, Call, Code, Host, Protocol, Ruling, Scheme, Target};

use crate::clear::{Allowed, Outgoing, Through};
use crate::egress::Destination;
use crate::flight::Flight;
use crate::gate::{Gate, Told};
use crate::listen::{Authority, Io};
use crate::outcome::Outcome;
use crate::stop::Stop;
use crate::words;

/// What a tunnel was let in for.
pub enum Admitted {
    /// To be looked into.
    Intercepted(Arc<Authority>),
    /// To be passed on.
    Passed(Box<PassedOn>),
}

/// A tunnel that may be passed on, once it has shown the right name.
pub struct PassedOn {
    to: Arc<Destination>,
    call: Call,
    ruling: Ruling,
    allowed: Allowed,
}

/// Bytes that went through a tunnel.
#[derive(Debug, Default)]
pub struct Passage {
    /// From the client.
    pub out: AtomicU64,
    /// To the client.
    pub back: AtomicU64,
}

impl Passage {
    /// Both ways.
    pub(crate) fn moved(&self) -> u64 {
        self.out.load(Ordering::Relaxed) + self.back.load(Ordering::Relaxed)
    }
}

/// Resolves when nothing has moved for a while: `moved` counts what did.
pub(crate) async fn stands_still(moved: impl Fn() -> u64, idle: Duration) {
    let mut last = moved();
    loop {
        tokio::time::sleep(idle).await;
        let now = moved();
        if now == last {
            return;
        }
        last = now;
    }
}

impl Gate {
    /// Who asks, whether the place may be reached, and, for a tunnel that will not be read, whether
    /// the rules let it pass.
    pub(crate) fn admit(
        &self,
        flight: &mut Flight,
        host: &Host,
        port: u16,
        stopping: bool,
    ) -> Result<Admitted, Stop> {
        self.identify(flight)?;
        if stopping {
            return Err(Stop::refuse(Code::GateDraining, words::DRAINING));
        }
        let through = flight.snapshot.routes.tunnel(host, port);
        let through = through.map_err(|code| Stop::refuse(code, words::no_tunnel(code)))?;
        let to = match through {
            Through::Intercepted(authority) => return Ok(Admitted::Intercepted(authority)),
            Through::Passed(to) => to,
        };
        self.check_given(flight, host)?;
        self.enter(flight, stopping)?;
        let call =
            call(flight, host, port).ok_or_else(|| Stop::refuse(Code::GateBug, words::BUG))?;
        let calls = [call];
        let (rulings, allowed) = self.decide(flight, &calls)?;
        self.limit(flight, &calls)?;
        let ([call], Some(ruling)) = (calls, rulings.into_iter().next()) else {
            return Err(Stop::refuse(Code::GateBug, words::BUG));
        };
        Ok(Admitted::Passed(Box::new(PassedOn { to, call, ruling, allowed })))
    }

    /// Records the tunnel, then carries its bytes until both sides are done, or nothing moves.
    pub(crate) async fn pass_on<S: Io>(
        &self,
        flight: &Flight,
        passed: PassedOn,
        client: &mut S,
        seen: Bytes,
        shutdown: &watch::Receiver<bool>,
    ) -> Result<(), Stop> {
        let PassedOn { to, call, ruling, allowed } = passed;
        let outgoing = Outgoing {
            agent: call.agent.id.clone(),
            to,
            method: http::Method::CONNECT,
            path_and_query: String::new(),
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
            // What is not read gets nothing put into it.
            granted: None,
            socket: None,
        };
        let told = Told { calls: vec![call], rulings: vec![ruling], found: Vec::new() };
        let intent = self.intent(flight, &told, &outgoing, &allowed);
        let permit = self.record((intent, told.calls.first()), allowed, outgoing).await?;
        let mut outcome = Outcome::begin(&self.ledger, self.pen(flight), &permit);
        let passage = Passage::default();
        let settings = &flight.snapshot.settings;
        let carried = tokio::select! {
            carried = self.egress.carry(&permit, client, seen, settings, &passage) => carried,
            () = self.ended(shutdown, settings.deadlines.drain_ms) => Ok(None),
        };
        match carried {
            Ok(address) => {
                let (out, back) =
                    (passage.out.load(Ordering::Relaxed), passage.back.load(Ordering::Relaxed));
                outcome.carried(address, out, back);
                Ok(())
            }
            Err(failure) => {
                let refusal =
                    words::failure(&failure).with_receipt(permit.receipt().id().to_string());
                outcome.failed(&failure);
                Err(Stop::Failed(refusal))
            }
        }
    }

    /// Resolves when a stop was asked for and the time to drain is over.
    async fn ended(&self, shutdown: &watch::Receiver<bool>, drain_ms: u64) {
        let mut shutdown = shutdown.clone();
        let _ = shutdown.wait_for(|stop| *stop).await;
        tokio::select! {
            () = self.cut.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(drain_ms)) => {}
        }
    }
}

/// Names the place in a refusal's record, as far as it is known who asked.
pub(crate) fn about(stop: Stop, flight: &Flight, host: &Host, port: u16) -> Stop {
    match stop {
        Stop::Refused(mut refused) => {
            refused.call = refused.call.or_else(|| call(flight, host, port));
            Stop::Refused(refused)
        }
        stop => stop,
    }
}

/// A tunnel as the rulebook sees it.
fn call(flight: &Flight, host: &Host, port: u16) -> Option<Call> {
    Some(Call {
        agent: Arc::clone(flight.agent.as_ref()?),
        target: Target {
            scheme: Scheme::Https,
            host: host.clone(),
            port,
            method: http::Method::CONNECT.as_str().to_owned(),
            path: "/".to_owned(),
            route: "forward".to_owned(),
        },
        protocol: Protocol::Http,
        action: Action::default(),
        arguments: Arguments::NONE,
        body_bytes: 0,
    })
}
