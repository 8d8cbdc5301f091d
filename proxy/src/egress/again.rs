//! Whether a call that got no answer may be sent again.
//!
//! Three things make it safe: nothing was sent; or the call may be made twice, and the connection
//! was closed before an answer began, or the answer itself asks for it. Beside that there is a
//! number of times, and a share of all calls, so that a failing upstream does not get more calls
//! than a healthy one.
use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, header};
use pingora_http::ResponseHeader;
use tokio::time::Instant;
use tollgate_config::settings::{Retry, RouteProtocol, Settings};
use tollgate_rules::Code;

use super::Resolved;
use super::connect::Failure;
use super::exchange::Upstream;
use super::forward::is_failing;
use super::places::Place;
use crate::clear::Permit;

/// How a call went its way, for the record.
#[derive(Debug, Default)]
pub struct Trail {
    /// What the name was resolved to; nothing for an address.
    pub resolved: Resolved,
    /// The parent proxy that led there.
    pub via: Option<String>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Where to, when there was a connection.
    pub address: Option<SocketAddr>,
    /// What came of it: a status, or a failure's code.
    pub came: Result<u16, Code>,
    /// Whether the connection was used before.
    pub reused: bool,
}

impl Attempt {
    pub(super) fn answered(upstream: &Upstream<'_>) -> Self {
        let status = upstream.head().map_or(0, |head| head.status.as_u16());
        Self { address: Some(upstream.address), came: Ok(status), reused: upstream.reused }
    }

    pub(super) fn missed(missed: &Missed) -> Self {
        let reused = missed.reach == Reach::Closed;
        Self { address: missed.address, came: Err(missed.failure.code), reused }
    }
}

/// An attempt that got no answer.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) failure: Failure,
    pub(super) address: Option<SocketAddr>,
    pub(super) reach: Reach,
}

impl Missed {
    /// There was no connection.
    pub(super) fn unsent(failure: Failure) -> Self {
        Self { failure, address: None, reach: Reach::Unsent }
    }
}

/// How far a call got that got no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// Into a kept connection that was closed.
    Closed,
    /// Perhaps to the upstream.
    Sent,
    /// Not out of the gate.
    Unsent,
}

/// What is left of a call's retries.
#[derive(Debug)]
pub(super) struct Again<'a> {
    terms: &'a Retry,
    done: u32,
    /// Whether it may be made twice.
    is_repeatable: bool,
    /// Whether an answer may ask for it to be made again.
    is_asked_again: bool,
    /// Until when connecting may be tried.
    connect_until: Instant,
}

impl<'a> Again<'a> {
    pub(super) fn new(permit: &Permit, settings: &'a Settings) -> Self {
        let terms = &settings.upstreams.retry;
        let plain = permit.destination().protocol == RouteProtocol::Http;
        let keyed = terms.idempotency_key && plain && permit.headers().contains_key(KEY);
        let safe = matches!(*permit.method(), Method::GET | Method::HEAD);
        let idempotent =
            safe || matches!(*permit.method(), Method::OPTIONS | Method::PUT | Method::DELETE);
        Self {
            terms,
            done: 0,
            is_repeatable: keyed || idempotent,
            is_asked_again: terms.statuses && (keyed || safe),
            connect_until: Instant::now() + Duration::from_millis(settings.deadlines.connect_ms),
        }
    }

    /// How long to wait before the call is sent again, if it may be.
    pub(super) fn after(&mut self, missed: &Missed, place: &mut Place) -> Option<Duration> {
        let why = match missed.reach {
            Reach::Closed if self.is_repeatable => "closed",
            Reach::Unsent
                if missed.failure.code == Code::UpstreamConnect
                    && Instant::now() < self.connect_until =>
            {
                "connect"
            }
            Reach::Closed | Reach::Sent | Reach::Unsent => return None,
        };
        let pause = self.pause();
        // There is nothing to wait for where another connection will do.
        let pause = if missed.reach == Reach::Closed { Duration::ZERO } else { pause };
        self.once_more(why, place).then_some(pause)
    }

    /// The same for an answer that may ask for it.
    pub(super) fn after_answer(
        &mut self,
        head: Option<&ResponseHeader>,
        place: &mut Place,
    ) -> Option<Duration> {
        let head = head.filter(|head| self.is_asked_again && is_failing(head.status))?;
        let asked = head.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        let asked = Duration::from_secs(asked);
        if asked > Duration::from_millis(self.terms.wait_max_ms) {
            return None;
        }
        let pause = asked.max(self.pause());
        self.once_more("status", place).then_some(pause)
    }

    fn once_more(&mut self, why: &'static str, place: &mut Place) -> bool {
        if self.done >= self.terms.times || !place.may_repeat(why) {
            return false;
        }
        self.done += 1;
        true
    }

    fn pause(&self) -> Duration {
        let factor = 1_u64.checked_shl(self.done).unwrap_or(u64::MAX);
        let pause = self.terms.wait_ms.saturating_mul(factor).min(self.terms.wait_max_ms);
        let mut byte = [0];
        // Without chance the pause is the shortest, which is no fault.
        let _ = aws_lc_rs::rand::fill(&mut byte);
        Duration::from_millis(pause).mul_f64(0.5 + f64::from(byte[0]) / 510.0)
    }
}

/// The draft of draft-ietf-httpapi-idempotency-key-header.
const KEY: &str = "idempotency-key";
