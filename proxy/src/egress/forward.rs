//! Sending a permitted call, and again when that is safe.
use std::time::Duration;

use http::StatusCode;
use pingora_core::{Error, ErrorType};
use tollgate_config::settings::Settings;
use tollgate_rules::Code;

use super::again::{Again, Attempt, Missed, Reach, Trail};
use super::connect::{Egress, Failure, Found};
use super::exchange::{Upstream, sort};
use crate::clear::Permit;
use crate::credentials::Given;

impl Egress {
    /// Sends a permitted call and reads the head of its answer. What was tried is in the trail,
    /// also when this is given up in the middle.
    pub async fn forward(
        &self,
        permit: &Permit,
        settings: &Settings,
        trail: &mut Trail,
    ) -> Result<Upstream<'_>, Failure> {
        let mut found = self.find(permit.destination(), permit).await?;
        if permit.destination().host.name().is_some() {
            trail.resolved = std::mem::take(&mut found.resolved);
        }
        // Before a token is asked for: a call that does not leave costs none.
        let mut place = self.enter(permit, &found.addresses, &settings.upstreams).await?;
        let given = match permit.granted() {
            Some(granted) => Some(granted.give(permit, self, settings).await?),
            None => None,
        };
        let mut again = Again::new(permit, settings);
        loop {
            place.sort(&mut found.addresses);
            let asked = self.ask(permit, given.as_ref(), &found, settings).await;
            let pause = match &asked {
                Ok(upstream) => {
                    trail.attempts.push(Attempt::answered(upstream));
                    trail.via = upstream.parent.as_ref().map(|parent| parent.authority());
                    again.after_answer(upstream.head(), &mut place)
                }
                Err(missed) => {
                    trail.attempts.push(Attempt::missed(missed));
                    again.after(missed, &mut place)
                }
            };
            match (asked, pause) {
                (asked, Some(pause)) => {
                    if let Ok(upstream) = asked {
                        upstream.cancel().await;
                    }
                    tokio::time::sleep(pause).await;
                }
                (Ok(mut upstream), None) => {
                    place.reached(upstream.address);
                    match upstream.head().map(|head| head.status) {
                        Some(status) if is_failing(status) => place.failed(),
                        _ => place.well(),
                    }
                    upstream.place = Some(place);
                    return Ok(upstream);
                }
                (Err(missed), None) => {
                    place.judge(&missed.failure);
                    return Err(missed.failure);
                }
            }
        }
    }

    /// Sends a call once and reads the head of its answer.
    async fn ask(
        &self,
        permit: &Permit,
        given: Option<&Given>,
        found: &Found,
        settings: &Settings,
    ) -> Result<Upstream<'_>, Missed> {
        let deadlines = &settings.deadlines;
        let opened = self.open(permit.destination(), found, permit.agent(), settings).await;
        let mut upstream = opened.map_err(Missed::unsent)?;
        let (address, reused) = (Some(upstream.address), upstream.reused);
        let broke = |error: Box<Error>| {
            let reach = if is_closed(&error, reused) { Reach::Closed } else { Reach::Sent };
            Missed { failure: sort(&error), address, reach }
        };
        let late = |detail| {
            let failure = Failure::new(Code::UpstreamTimeout, detail);
            Missed { failure, address, reach: Reach::Sent }
        };
        let write = Duration::from_millis(deadlines.body_ms);
        match tokio::time::timeout(write, upstream.write(permit, given)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(broke(error)),
            Err(_) => return Err(late("sending took too long")),
        }
        let first_byte = Duration::from_millis(deadlines.first_byte_ms);
        match tokio::time::timeout(first_byte, upstream.read_head()).await {
            Ok(Ok(())) => Ok(upstream),
            Ok(Err(error)) => Err(broke(error)),
            Err(_) => Err(late("no answer within the deadline")),
        }
    }
}

/// Whether a status says that the upstream does not work, rather than that this call does not.
pub(super) fn is_failing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Whether a kept connection turned out to be closed. pingora looks at one before it gives it away,
/// but the other side may close it just then.
fn is_closed(error: &Error, reused: bool) -> bool {
    use ErrorType as E;
    reused
        && matches!(error.etype(), E::ConnectionClosed | E::ReadError | E::WriteError | E::H2Error)
}
