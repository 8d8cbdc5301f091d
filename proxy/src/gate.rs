//! The gate: the life of a call, from top to bottom.
//!
//! [`Gate::walk`] is the walk of one call as a straight function. Each step takes what the last
//! one gave; a refusal at any step ends the walk, is recorded and is answered in the caller's
//! protocol. Invariants:
//! - nothing is forwarded without a [`Permit`](crate::clear::Permit), and a permit needs a receipt;
//! - what is forwarded was parsed, ruled and inspected, and nothing else of it travels;
//! - a step that cannot decide refuses;
//! - every recorded intent gets an outcome, whatever happens to the task that carries the call.
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use futures::FutureExt;
use pingora_core::apps::{
    HttpPersistentSettings, HttpServerApp, HttpServerOptions, ReusedHttpStream,
};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::H2Options;
use pingora_core::server::ShutdownWatch;
use tokio_util::sync::CancellationToken;
use tollgate_audit::{Facts, keys};
use tollgate_config::settings::{Mode, RouteProtocol};
use tollgate_rules::{Call, Code, Ruling};

use crate::answer;
use crate::at_start::AtStart;
use crate::body::{self, BodyFault, Held, Holder};
use crate::clear::{self, Allowed, Asked, Outgoing, Permit, Way};
use crate::credentials::Granted;
use crate::decode::head::strip_cookies;
use crate::decode::mcp::{self, Handle, Message};
use crate::desks::Desks;
use crate::egress::{Egress, Trail, Upstream};
use crate::flight::Flight;
use crate::handles::Handles;
use crate::head::{self, HeadRead, Request};
use crate::heard::Heard;
use crate::ledger::Ledger;
use crate::limits::Exceeded;
use crate::listen::Conn;
use crate::names::Given;
use crate::outcome::Outcome;
use crate::record::shape::PrintKey;
use crate::record::{Found, Pen};
use crate::refuse::{Caller, Refusal};
use crate::snapshot::{Snapshot, Source};
use crate::socket::{self, Handshake, Opened};
use crate::spoken::Spoken;
use crate::stop::Stop;
use crate::strangers::Strangers;
use crate::watch::Metrics;
use crate::{identity, inspect, scene, words};

/// The gate and everything that outlives a call.
pub struct Gate {
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) source: Source,
    /// What no reload changes.
    pub(crate) at_start: AtStart,
    /// Held by whoever changes what is in force.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Tells that a reload was applied.
    pub(crate) reloaded: tokio::sync::watch::Sender<()>,
    pub(crate) ledger: Ledger,
    pub(crate) egress: Egress,
    /// How the gate's own connections leave.
    pub(crate) onward: crate::egress::Onward,
    /// Which addresses the agent was given, and for which names.
    pub(crate) given: Given,
    /// What requests hold.
    pub(crate) held: Held,
    /// What answers hold: room of their own, or the requests that wait for a call to end would
    /// keep it from ending.
    pub(crate) held_answers: Held,
    /// Where large bodies are looked at.
    pub(crate) desks: Desks,
    /// Whose sessions, tasks and states of MCP are.
    pub(crate) handles: Handles,
    /// What was refused where nobody is known.
    pub(crate) strangers: Strangers,
    pub(crate) print_key: PrintKey,
    /// Everything that is counted.
    pub metrics: Metrics,
    /// Ends what is still in flight when the drain deadline has passed.
    pub(crate) cut: CancellationToken,
    pub(crate) options: HttpServerOptions,
}

/// What an intent tells of.
pub(crate) struct Told {
    pub(crate) calls: Vec<Call>,
    pub(crate) rulings: Vec<Ruling>,
    pub(crate) found: Vec<Found>,
}

/// A call that was ruled and inspected: what of it is held from here on.
struct Looked {
    outgoing: Outgoing,
    allowed: Allowed,
    intent: Facts,
    call: Option<Call>,
    heard: Heard,
    handshake: Option<Handshake>,
}

#[async_trait]
impl HttpServerApp for Gate {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let Some(conn) = Conn::of(&session).cloned() else {
            self.bug("a session without its connection");
            return None;
        };
        let waiting = self.snapshot();
        let read = head::read(&mut session, &conn, &waiting.settings, shutdown).await;
        drop(waiting);
        conn.clock.head_came();
        if matches!(read, HeadRead::Closed) {
            return None;
        }
        let _counted = self.count_flight();
        // A connection may have waited long for this head: the call is judged by what is in force
        // now, not by what was when the last one ended.
        let mut flight = Flight::begin(self.snapshot(), conn, self.held.share(Holder::Nobody));
        // A client that does not take its answer would keep the call and its upstream for ever.
        let idle = flight.snapshot.settings.deadlines.idle_ms;
        session.set_write_timeout(Some(Duration::from_millis(idle)));
        let stopping = *shutdown.borrow();
        let read_head = !matches!(read, HeadRead::Unread(..));
        let walked = match read {
            HeadRead::Closed => return None,
            HeadRead::Refused(code, sentence) | HeadRead::Unread(code, sentence) => {
                session.set_keepalive(None);
                // Who sent it is recorded even when what was sent cannot be read.
                flight.agent = identity::identify(&flight.snapshot, &flight.conn).ok();
                Err(Stop::refuse(code, sentence))
            }
            HeadRead::Ready(request) => {
                let secs = flight.snapshot.settings.deadlines.keep_alive_ms.div_ceil(1000);
                session.set_keepalive((!stopping && request.reusable).then_some(secs.max(1)));
                self.guarded(&mut session, &mut flight, *request, stopping).await
            }
        };
        let walked = match walked {
            Ok(Some(opened)) => {
                self.carry_socket(session, &flight, opened, shutdown).await;
                self.metrics.call_seconds.observe(flight.took().as_secs_f64());
                return None;
            }
            Ok(None) => Ok(()),
            Err(stop) => Err(stop),
        };
        let whole = self.end(&mut session, &flight, walked, read_head).await;
        self.metrics.call_seconds.observe(flight.took().as_secs_f64());
        drop(flight);
        if !whole {
            session.shutdown().await;
            return None;
        }
        let settings = HttpPersistentSettings::for_session(&session);
        let reusable = session.finish().await.ok()??;
        Some(ReusedHttpStream::from_reusable_stream(reusable, settings))
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }

    fn h2_options(&self) -> Option<H2Options> {
        Some(head::http2(&self.snapshot().settings.bounds))
    }
}

impl Gate {
    /// The life of a call. Numbers are the steps of the design.
    async fn walk(
        &self,
        session: &mut ServerSession,
        flight: &mut Flight,
        request: Request,
        stopping: bool,
    ) -> Result<Option<Opened>, Stop> {
        self.identify(flight)?; // 2
        let way = self.early_no(flight, &request, stopping)?; // 5
        let body = self.hold(session, flight, &request).await?; // 6
        let (bytes, patience) = (body.len(), flight.patience());
        let holder = flight.holder();
        let look = || self.look(flight, &way, request, body, stopping);
        let looked = self.desks.at(&holder, bytes, patience, look).await; // 7 to 11
        let Looked { outgoing, allowed, intent, call, heard, handshake } =
            looked.unwrap_or_else(|code| Err(Stop::refuse(code, words::body(code))))?;
        let permit = self.record((intent, call.as_ref()), allowed, outgoing).await?; // 12, 13
        let mut outcome = Outcome::begin(&self.ledger, self.pen(flight), &permit);
        self.metrics.added_seconds.observe(flight.took().as_secs_f64());
        let upstream = self.forward(session, flight, &permit, &mut outcome).await?; // 14
        if let (Some(handshake), true) = (handshake, upstream.has_switched()) {
            let opened = self.open_socket(&handshake, upstream, permit, outcome, call).await?;
            return Ok(Some(opened));
        }
        // Its upstream has all of it.
        drop(permit);
        flight.share.give_back();
        let ending = answer::relay(session, upstream, flight, &heard, &mut outcome, self).await; // 15
        outcome.tell(ending).map(|()| None) // 16
    }

    /// From the last byte of a body to the record. Nothing is waited for here, and no tree outlives it.
    fn look(
        &self,
        flight: &mut Flight,
        way: &Way,
        mut request: Request,
        body: bytes::Bytes,
        stopping: bool,
    ) -> Result<Looked, Stop> {
        let bytes = body.len();
        let mut spoken =
            Spoken::decode(way, &request, body, &mut flight.caller, &flight.snapshot.settings)?; // 7
        self.enter(flight, stopping)?;
        self.check_handles(flight, way, &request, &spoken)?;
        let calls = spoken.calls(flight, way, &request, bytes as u64);
        let (rulings, allowed) = self.decide(flight, &calls)?; // 8, 9
        self.limit(flight, &calls)?; // 10
        let handshake = request.handshake.take();
        let (mut outgoing, found) = self.inspect(flight, way, request, &mut spoken, &calls)?; // 11
        outgoing.socket = handshake.as_ref().map(|handshake| handshake.key().to_owned());
        let mut told = Told { calls, rulings, found };
        let intent = self.intent(flight, &told, &outgoing, &allowed);
        let call = told.calls.drain(..).next();
        // Only a WebSocket's messages are judged as this call was.
        let call = if handshake.is_some() { call } else { call.map(Call::without_words) };
        Ok(Looked { outgoing, allowed, intent, call, heard: spoken.heard(), handshake })
    }

    /// From here on nothing of HTTP is spoken on the connection.
    async fn carry_socket(
        &self,
        session: ServerSession,
        flight: &Flight,
        opened: Opened,
        shutdown: &ShutdownWatch,
    ) {
        let ServerSession::H1(session) = session else {
            self.bug("a WebSocket on a session that is not HTTP/1.1");
            return;
        };
        socket::carry(self, flight, opened, session.into_inner(), shutdown).await;
    }

    pub(crate) fn identify(&self, flight: &mut Flight) -> Result<(), Stop> {
        match identity::identify(&flight.snapshot, &flight.conn) {
            Ok(agent) => {
                flight.share.belongs_to(Holder::Agent(Arc::clone(&agent)));
                flight.agent = Some(agent);
                Ok(())
            }
            Err(why) => Err(Stop::refuse(why.code(), why.sentence())),
        }
    }

    /// What can be refused before a body byte is read.
    fn early_no(
        &self,
        flight: &mut Flight,
        request: &Request,
        stopping: bool,
    ) -> Result<Way, Stop> {
        request.check_browser(flight)?;
        let asked = Asked {
            host: &request.host,
            port: request.port,
            path: request.head.path(),
            absolute: request.absolute,
            tunnel: flight.conn.tunnel.is_some(),
        };
        let way = flight
            .snapshot
            .routes
            .find(asked)
            .map_err(|code| Stop::refuse(code, words::no_way(code)))?;
        self.check_given(flight, &request.host)?;
        // An MCP session dies of an HTTP error, so its calls are read first and refused in words.
        match way.to.protocol {
            RouteProtocol::Http => self.enter(flight, stopping)?,
            RouteProtocol::Mcp => flight.caller = Caller::of_method(request.head.method()),
        }
        match (&request.handshake, way.to.allow_websocket) {
            (None, _) => Ok(way),
            (Some(_), true) => Ok(way.of_socket()),
            (Some(_), false) => Err(Stop::refuse(Code::CapabilityDenied, words::NO_WEBSOCKET)),
        }
    }

    /// Takes a place among the agent's calls in flight, unless it has one or the gate is stopping.
    pub(crate) fn enter(&self, flight: &mut Flight, stopping: bool) -> Result<(), Stop> {
        if flight.place.is_some() {
            return Ok(());
        }
        if stopping {
            return Err(Stop::refuse(Code::GateDraining, words::DRAINING));
        }
        let Some(agent) = &flight.agent else {
            return Err(Stop::refuse(Code::GateBug, words::BUG));
        };
        match flight.snapshot.limits.enter(&agent.id) {
            Ok(place) => {
                flight.place = Some(place);
                Ok(())
            }
            Err(exceeded) => {
                self.tell_limit(flight, exceeded, None, false);
                Err(Stop::refused(words::exceeded(exceeded), None, Vec::new()))
            }
        }
    }

    /// A session of MCP is used by nobody but the agent that it was given to, nor is a task or the
    /// state of a request.
    fn check_handles(
        &self,
        flight: &Flight,
        way: &Way,
        request: &Request,
        spoken: &Spoken,
    ) -> Result<(), Stop> {
        let Some(agent) = flight.agent.as_ref().filter(|_| way.to.protocol == RouteProtocol::Mcp)
        else {
            return Ok(());
        };
        let sessions = request.headers.get_all(mcp::SESSION).iter();
        let sessions = sessions.map(|id| Handle::Session(id.as_bytes()));
        let mut named = sessions.chain(spoken.messages().iter().flat_map(Message::handles));
        match named.all(|handle| self.handles.may_use(&way.to.route, handle, &agent.id)) {
            true => Ok(()),
            false => Err(Stop::refuse(Code::SessionForeign, words::SESSION_FOREIGN)),
        }
    }

    async fn hold(
        &self,
        session: &mut ServerSession,
        flight: &mut Flight,
        request: &Request,
    ) -> Result<bytes::Bytes, Stop> {
        let settings = &flight.snapshot.settings;
        let (limit, patience) = (settings.bounds.request_body_bytes, flight.patience());
        let raw = body::hold(session, request.declared, limit, &mut flight.share, patience).await;
        let raw = raw.map_err(|fault| match fault {
            BodyFault::Gone => Stop::Gone,
            BodyFault::Refused(code) => Stop::refuse(code, words::body(code)),
        })?;
        let refuse = |code| Stop::refuse(code, words::body(code));
        match request.decoder(&settings.bounds).map_err(|fault| refuse(fault.code()))? {
            None => Ok(raw),
            Some(decoder) => {
                body::decode(decoder, &raw, &mut flight.share, patience).await.map_err(refuse)
            }
        }
    }

    /// Every call must be allowed; a batch passes whole or not at all.
    pub(crate) fn decide(
        &self,
        flight: &Flight,
        calls: &[Call],
    ) -> Result<(Vec<Ruling>, Allowed), Stop> {
        let now = crate::clock::timestamp();
        let mode = flight.snapshot.settings.mode;
        let mut rulings = Vec::with_capacity(calls.len());
        let mut passed = None;
        for call in calls {
            if let Some(code) = flight.snapshot.registry.refuses(call) {
                let refusal = Refusal::new(code, words::unregistered(code));
                return Err(Stop::refused(refusal, Some(call), Vec::new()));
            }
            let ruling = flight.snapshot.rulebook.decide(call, now);
            let Some(allowed) = Allowed::by(&ruling, mode) else {
                let refusal = words::ruled(&ruling);
                return Err(Stop::refused(refusal, Some(call), Vec::new()));
            };
            if passed.is_none() || allowed.is_observed() {
                passed = Some(allowed);
            }
            rulings.push(ruling);
        }
        match passed {
            Some(allowed) => Ok((rulings, allowed)),
            // Something was sent that is no call at all; there is nothing to allow.
            None => Err(Stop::refuse(Code::GateBug, words::BUG)),
        }
    }

    pub(crate) fn limit(&self, flight: &Flight, calls: &[Call]) -> Result<(), Stop> {
        for call in calls {
            let counted = flight.snapshot.limits.count(&call.agent.id, &call.tool_name());
            let Err(exceeded) = counted else { continue };
            let observed = flight.snapshot.settings.mode == Mode::Observe;
            self.tell_limit(flight, exceeded, Some(call), observed);
            if observed {
                continue;
            }
            let refusal = words::exceeded(exceeded);
            return Err(Stop::refused(refusal, Some(call), Vec::new()));
        }
        Ok(())
    }

    /// Records that a limit was reached: once in a while, for each refusal is recorded anyway.
    fn tell_limit(&self, flight: &Flight, exceeded: Exceeded, call: Option<&Call>, observed: bool) {
        if let Some(agent) = &flight.agent
            && flight.snapshot.limits.is_news(&agent.id, exceeded.code)
        {
            self.ledger.note(self.pen(flight).limit(exceeded, call, observed));
        }
    }

    fn inspect(
        &self,
        flight: &mut Flight,
        way: &Way,
        mut request: Request,
        spoken: &mut Spoken,
        calls: &[Call],
    ) -> Result<(Outgoing, Vec<Found>), Stop> {
        if let Some(call) = calls.first() {
            flight.judge = Arc::new(scene::judge_answer(&flight.snapshot, call));
        }
        let agent = calls.first().map(|call| call.agent.id.clone());
        let agent = agent.ok_or_else(|| Stop::refuse(Code::GateBug, words::BUG))?;
        flight.allow_cookies = way.to.allow_cookies;
        flight.links = answer::Links::of(way, &request, &flight.conn);
        if !flight.allow_cookies {
            strip_cookies(&mut request.headers);
        }
        let granted = flight.snapshot.credentials.grant(&agent, way, &mut request);
        let inspected = inspect::request(&flight.snapshot, calls, way, request, spoken);
        self.count_findings(&inspected.found, "request");
        self.metrics.dlp_forgotten.inc_by(inspected.forgotten);
        match inspected.verdict {
            Ok(parts) => {
                flight.granted.clone_from(&granted);
                let outgoing = parts.outgoing(agent, way, granted);
                match self.leaking(flight, &outgoing) {
                    None => Ok((outgoing, inspected.found)),
                    Some((refusal, mut found)) => {
                        found.extend(inspected.found);
                        Err(Stop::refused(refusal, calls.first(), found))
                    }
                }
            }
            Err(refusal) => Err(Stop::refused(refusal, calls.first(), inspected.found)),
        }
    }

    /// What will be recorded before the call leaves.
    pub(crate) fn intent(
        &self,
        flight: &Flight,
        told: &Told,
        outgoing: &Outgoing,
        allowed: &Allowed,
    ) -> Facts {
        let Told { calls, rulings, found } = told;
        let bytes_out = outgoing.body.len() as u64;
        let intent =
            self.pen(flight).intent(calls, rulings, found, bytes_out, allowed.is_observed());
        let credential = outgoing.granted.as_ref().map(Granted::id);
        intent.maybe_text(keys::CREDENTIAL, credential)
    }

    pub(crate) async fn record(
        &self,
        (intent, call): (Facts, Option<&Call>),
        allowed: Allowed,
        outgoing: Outgoing,
    ) -> Result<Permit, Stop> {
        match self.ledger.append(intent).await {
            Ok(receipt) => Ok(clear::clear(allowed, outgoing, receipt)),
            Err(refused) => {
                let code = refused.code();
                Err(Stop::refused(Refusal::new(code, words::record(code)), call, Vec::new()))
            }
        }
    }

    async fn forward<'e>(
        &'e self,
        session: &mut ServerSession,
        flight: &Flight,
        permit: &Permit,
        outcome: &mut Outcome,
    ) -> Result<Upstream<'e>, Stop> {
        let mut trail = Trail::default();
        let gone = async {
            match permit.socket() {
                None => answer::client_gone(session).await,
                Some(_) => answer::client_gone_or_early(session).await,
            }
        };
        let forwarded = tokio::select! {
            biased;
            forwarded = self.egress.forward(permit, &flight.snapshot.settings, &mut trail) => {
                Some(forwarded)
            }
            () = gone => None,
        };
        outcome.went(&trail);
        let Some(forwarded) = forwarded else {
            outcome.abandoned();
            return Err(Stop::Gone);
        };
        self.count_credential(permit, &forwarded);
        forwarded.map_err(|failure| {
            let refusal = words::failure(&failure).with_receipt(permit.receipt().id().to_string());
            outcome.failed(&failure);
            Stop::Failed(refusal)
        })
    }

    pub(crate) fn pen<'a>(&'a self, flight: &'a Flight) -> Pen<'a> {
        Pen { key: &self.print_key, flight }
    }

    /// Walks, but survives a bug in the walk and the end of the drain.
    async fn guarded(
        &self,
        session: &mut ServerSession,
        flight: &mut Flight,
        request: Request,
        stopping: bool,
    ) -> Result<Option<Opened>, Stop> {
        let walk = AssertUnwindSafe(self.walk(session, flight, request, stopping)).catch_unwind();
        tokio::select! {
            biased;
            walked = walk => walked.unwrap_or_else(|_| {
                self.bug("a panic in the walk");
                Err(Stop::refuse(Code::GateBug, words::BUG))
            }),
            () = self.cut.cancelled() => Err(Stop::Gone),
        }
    }

    /// Ends a call: records and answers a refusal. Returns whether the connection is in order: not
    /// when there was no head.
    async fn end(
        &self,
        session: &mut ServerSession,
        flight: &Flight,
        walked: Result<(), Stop>,
        read_head: bool,
    ) -> bool {
        let Err(stop) = walked else { return true };
        let Some(refusal) = self.refused(flight, stop).await else { return false };
        let sent = answer::refuse(session, &refusal, &flight.caller).await;
        if sent && read_head {
            body::drain(session).await;
        }
        sent && read_head
    }

    /// Records and counts a refusal; `None` when there is nobody to answer.
    pub(crate) async fn refused(&self, flight: &Flight, stop: Stop) -> Option<Refusal> {
        let refusal = match stop {
            Stop::Gone => return None,
            Stop::Failed(refusal) => refusal,
            Stop::Refused(refused) => {
                let facts = self.pen(flight).refused(
                    &refused.refusal,
                    refused.call.as_ref(),
                    &refused.found,
                );
                let told = flight.agent.is_some()
                    || self.strangers.is_told(&flight.conn.listener, refused.refusal.code);
                let receipt = if told { self.ledger.append(facts).await.ok() } else { None };
                match receipt {
                    Some(receipt) => refused.refusal.with_receipt(receipt.id().to_string()),
                    None => refused.refusal,
                }
            }
        };
        self.metrics.refusals.with_label_values(&[refusal.code.as_str()]).inc();
        self.metrics.calls.with_label_values(&["-", "refuse"]).inc();
        Some(refusal)
    }
}
