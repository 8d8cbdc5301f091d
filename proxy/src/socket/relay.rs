//! Both directions of one connection, until something ends it.
//!
//! Each direction reads items of one side, inspects them and writes them to the other; what has
//! nowhere to go stalls its sender and nobody else. A ping goes on without what it carries, and its
//! pong brings that back: so each side learns whether the other one lives.
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tollgate_dlp::Direction;
use tollgate_rules::{Call, Code};

use super::end::{Closed, End, FAREWELL, LINGER, Said, Tally};
use super::frames::{Item, Limits, Reader, Side};
use super::inspect::{Inspector, Inward, outward};
use super::line::{Sink, Source};
use crate::body::Holder;
use crate::clear::Permit;
use crate::egress::Line;
use crate::flight::Flight;
use crate::gate::Gate;
use crate::identity;
use crate::listen::Io;
use crate::record::Found;
use crate::tunnel::stands_still;

/// How long a message may be held for the next one to come; as events are.
const HOLD: Duration = Duration::from_secs(1);

/// How often it is asked whose connection it is.
const IDENTITY: Duration = Duration::from_secs(1);

/// What both directions share.
struct Shared<'a> {
    gate: &'a Gate,
    flight: &'a Flight,
    of: (&'a Call, &'a Permit),
    /// Who sends outward, and inward.
    holders: (Holder, Holder),
    tally: Mutex<Tally>,
    /// What the last ping of each side carried, until its pong.
    client_ping: Mutex<Option<Bytes>>,
    upstream_ping: Mutex<Option<Bytes>>,
}

/// Carries a connection to its end.
pub async fn run(
    gate: &Gate,
    flight: &Flight,
    of: (&Call, &Permit),
    (client, reply): (impl Io, Vec<u8>),
    line: Line,
    shutdown: &watch::Receiver<bool>,
) -> Closed {
    let settings = &flight.snapshot.settings;
    let bounds = &settings.websocket;
    let limits = Limits { message_bytes: bounds.message_bytes, frames: bounds.message_frames };
    let whole = flight.patience();
    let taken = Duration::from_millis(settings.deadlines.idle_ms);
    let moved = AtomicU64::new(0);
    let source = |side, seen: &[u8]| (side, Reader::new(side, limits, seen));
    let (client_in, client_out) = tokio::io::split(client);
    let (upstream_in, upstream_out) = tokio::io::split(line.io);
    let near = source(Side::Client, &[]);
    let far = source(Side::Upstream, &line.seen);
    let agent = flight.holder();
    let route = Holder::Route(Arc::clone(&of.1.destination().route));
    let shares = (gate.held.share(agent.clone()), gate.held_answers.share(route.clone()));
    let mut near = Source::new(client_in, near, shares.0, whole, &moved);
    let mut far = Source::new(upstream_in, far, shares.1, whole, &moved);
    let mut to_near = Sink::new(client_out, Side::Client, taken);
    let mut to_far = Sink::new(upstream_out, Side::Upstream, taken);
    let shared = Shared {
        gate,
        flight,
        of,
        holders: (agent, route),
        tally: Mutex::default(),
        client_ping: Mutex::default(),
        upstream_ping: Mutex::default(),
    };
    let mut stop = shutdown.clone();
    let still = Duration::from_millis(settings.deadlines.stream_idle_ms);
    let end = match to_near.send_bytes(&reply).await {
        Err(end) => end,
        Ok(()) => tokio::select! {
            end = shared.outward(&mut near, &mut to_far) => end,
            end = shared.inward(&mut far, &mut to_near) => end,
            () = stands_still(|| moved.load(Ordering::Relaxed), still) => End::Still,
            () = tokio::time::sleep(Duration::from_millis(bounds.duration_ms)) => End::Long,
            () = stopped(&mut stop) => End::Stopping,
            code = disowned(gate, flight) => End::Refused(code),
        },
    };
    let close_code = farewell(&end, (&mut near, &mut to_near), (&mut far, &mut to_far)).await;
    Closed { end, close_code, tally: shared.tally.into_inner() }
}

impl Shared<'_> {
    /// From the client to the upstream.
    async fn outward<R, W>(&self, from: &mut Source<'_, R>, to: &mut Sink<W>) -> End
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let pace = self.pace();
        loop {
            let item = match from.next().await {
                Ok(item) => item,
                Err(end) => return end,
            };
            wait(&pace).await;
            let sent = match item {
                Item::Close(said) => return End::Closed(Side::Client, self.clean(said, true)),
                Item::Ping(carried) => {
                    *self.client_ping.lock() = Some(carried);
                    Item::Ping(Bytes::new())
                }
                Item::Pong(_) => match self.upstream_ping.lock().take() {
                    Some(carried) => Item::Pong(carried),
                    None => continue,
                },
                Item::Message(kind, payload) => {
                    let look = || outward(self.gate, self.flight, self.of, &payload);
                    let (desks, patience) = (&self.gate.desks, self.flight.patience());
                    let looked = desks.at(&self.holders.0, payload.len(), patience, look).await;
                    let (looked, found) = looked.unwrap_or_else(|code| (Err(code), Vec::new()));
                    self.tally.lock().keep(found);
                    match looked {
                        Ok(clean) => Item::Message(kind, clean),
                        Err(code) => return End::Refused(code),
                    }
                }
            };
            if let Item::Message(_, payload) = &sent {
                let mut tally = self.tally.lock();
                tally.messages_out += 1;
                tally.bytes_out += payload.len() as u64;
                drop(tally);
                self.gate.metrics.websocket_messages.with_label_values(&["request"]).inc();
            }
            if let Err(end) = to.send(sent).await {
                return end;
            }
        }
    }

    /// From the upstream to the client.
    async fn inward<R, W>(&self, from: &mut Source<'_, R>, to: &mut Sink<W>) -> End
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let pace = self.pace();
        let mut inspector = Inspector::new(self.flight);
        loop {
            let next = match inspector.holding() {
                true => timeout(HOLD, from.next()).await,
                false => Ok(from.next().await),
            };
            let (inward, then) = match next {
                Err(_) => (inspector.flush(), None),
                Ok(Ok(Item::Message(kind, payload))) => {
                    wait(&pace).await;
                    let bytes = payload.len();
                    let push = || inspector.push(kind, payload);
                    let (desks, patience) = (&self.gate.desks, self.flight.patience());
                    match desks.at(&self.holders.1, bytes, patience, push).await {
                        Ok(inward) => (inward, None),
                        Err(code) => (Inward::default(), Some(End::Refused(code))),
                    }
                }
                Ok(Ok(Item::Ping(carried))) => {
                    wait(&pace).await;
                    *self.upstream_ping.lock() = Some(carried);
                    if let Err(end) = to.send(Item::Ping(Bytes::new())).await {
                        return end;
                    }
                    continue;
                }
                Ok(Ok(Item::Pong(_))) => {
                    wait(&pace).await;
                    let carried = self.client_ping.lock().take();
                    if let Some(carried) = carried
                        && let Err(end) = to.send(Item::Pong(carried)).await
                    {
                        return end;
                    }
                    continue;
                }
                Ok(Ok(Item::Close(said))) => {
                    let said = self.clean(said, false);
                    (inspector.flush(), Some(End::Closed(Side::Upstream, said)))
                }
                // What was whole before it went still belongs to the client.
                Ok(Err(end)) => (inspector.flush(), Some(end)),
            };
            let ended = self.pass(inward, to).await.err().or(then);
            if let Some(end) = ended {
                return end;
            }
        }
    }

    /// Sends what the inspection lets go.
    async fn pass<W: AsyncWrite + Unpin>(
        &self,
        inward: Inward,
        to: &mut Sink<W>,
    ) -> Result<(), End> {
        let Inward { messages, refused, found, unread } = inward;
        self.gate.count_findings(&found, "answer");
        {
            let mut tally = self.tally.lock();
            tally.keep(found);
            tally.unread += unread;
        }
        for (kind, payload) in messages {
            {
                let mut tally = self.tally.lock();
                tally.messages_in += 1;
                tally.bytes_in += payload.len() as u64;
            }
            self.gate.metrics.websocket_messages.with_label_values(&["answer"]).inc();
            to.send(Item::Message(kind, payload)).await?;
        }
        refused.map_or(Ok(()), |code| Err(End::Refused(code)))
    }

    /// A reason in which something is found does not travel.
    fn clean(&self, said: Said, out: bool) -> Said {
        let (code, reason) = said?;
        let way = if out { Direction::Request } else { Direction::Answer };
        let part = if out { "message" } else { "answer" };
        let scanner = &self.flight.snapshot.scanner;
        let acted = scanner.redact(&reason, &self.flight.judge, way).acted;
        let stays = acted.iter().all(|acted| !acted.action.edits());
        let found = acted.into_iter().map(|acted| Found { part, acted }).collect::<Vec<_>>();
        self.gate.count_findings(&found, if out { "request" } else { "answer" });
        self.tally.lock().keep(found);
        Some((code, if stays { reason } else { String::new() }))
    }

    fn pace(&self) -> DefaultDirectRateLimiter {
        let a_second = self.flight.snapshot.settings.websocket.messages_per_second;
        RateLimiter::direct(Quota::per_second(NonZeroU32::new(a_second).unwrap_or(NonZeroU32::MIN)))
    }
}

/// Waits until one more may come. Whoever is not read has to wait, too.
async fn wait(pace: &DefaultDirectRateLimiter) {
    while let Err(not_until) = pace.check() {
        tokio::time::sleep(not_until.wait_time_from(DefaultClock::default().now())).await;
    }
}

/// Tells both sides, and gives the close code that the client saw.
async fn farewell<RC, WC, RU, WU>(
    end: &End,
    (near, to_near): (&mut Source<'_, RC>, &mut Sink<WC>),
    (far, to_far): (&mut Source<'_, RU>, &mut Sink<WU>),
) -> u16
where
    RC: AsyncRead + Unpin,
    WC: AsyncWrite + Unpin,
    RU: AsyncRead + Unpin,
    WU: AsyncWrite + Unpin,
{
    let (to_client, to_upstream, close_code) = match end {
        // The one who did not begin answers, and that answer is the other's.
        End::Closed(Side::Client, said) => {
            let _ = timeout(FAREWELL, to_far.send(Item::Close(said.clone()))).await;
            let answer = timeout(FAREWELL, far.farewell()).await.ok().flatten();
            // Its code alone: nobody reads a reason here, so nobody has looked at it.
            let answer = answer.map(|said| said.map(|(code, _)| (code, String::new())));
            (Some(answer.unwrap_or_else(|| said.clone())), None, seen(said))
        }
        End::Closed(Side::Upstream, said) => {
            let _ = timeout(FAREWELL, to_near.send(Item::Close(said.clone()))).await;
            let answer = timeout(FAREWELL, near.farewell()).await.ok().flatten();
            let answer = answer.map(|said| said.map(|(code, _)| (code, String::new())));
            (None, Some(answer.unwrap_or_else(|| said.clone())), seen(said))
        }
        end => {
            let said = end.to_client();
            let code = said.as_ref().map_or(1006, |(code, _)| *code);
            (said.map(Some), end.to_upstream().map(Some), code)
        }
    };
    tokio::join!(part(near, to_near, to_client), part(far, to_far, to_upstream));
    close_code
}

/// The last word to one side, and time for it to be read.
async fn part<R, W>(source: &mut Source<'_, R>, sink: &mut Sink<W>, said: Option<Said>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let parting = async {
        if let Some(said) = said {
            // Whoever does not take it is gone.
            let _ = sink.send(Item::Close(said)).await;
        }
        sink.shutdown().await;
        source.drain().await;
    };
    let _ = timeout(LINGER, parting).await;
}

/// The code as its receiver sees it: 1005 stands for none (RFC 6455 section 7.4.1).
fn seen(said: &Said) -> u16 {
    said.as_ref().map_or(1005, |(code, _)| *code)
}

/// Resolves when the gate stops; never when nobody can tell it to.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

/// Resolves when whoever opened the connection is that agent no longer: a call is asked for it each
/// time, and this is one that does not end.
async fn disowned(gate: &Gate, flight: &Flight) -> Code {
    let was = flight.agent.as_ref().map(|agent| &agent.id);
    loop {
        tokio::time::sleep(IDENTITY).await;
        match identity::identify(&gate.snapshot(), &flight.conn) {
            Ok(agent) if Some(&agent.id) == was => {}
            Ok(_) => return Code::IdentityUnknown,
            Err(why) => return why.code(),
        }
    }
}
