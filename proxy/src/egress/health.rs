//! Looking after upstreams between calls. A check carries nothing of any agent: it is a connection,
//! or a GET whose path the operator wrote, to a place that a route leads to, found and connected to
//! as for a call.
use std::sync::Arc;
use std::time::Duration;

use http::header;
use pingora_http::RequestHeader;
use tollgate_config::settings::{Health, Settings};
use tollgate_rules::{AgentId, Code};

use super::Destination;
use super::connect::{Egress, Failure, Found, Spot};
use super::exchange::sort;
use super::race::race;

/// Who checks, for the pool: no agent's id has brackets.
const CHECKER: &str = "(health)";

/// How one upstream has done in its checks.
#[derive(Debug, Default)]
pub struct Course {
    unwell: bool,
    in_a_row: u32,
}

impl Egress {
    /// Checks an upstream once and draws the conclusion.
    pub async fn look_after(
        &self,
        to: &Arc<Destination>,
        health: &Health,
        settings: &Settings,
        course: &mut Course,
    ) {
        let patience = Duration::from_millis(health.timeout_ms);
        let checked = tokio::time::timeout(patience, self.check(to, health, settings)).await;
        let checked = checked.unwrap_or_else(|_| {
            Err(Failure::new(Code::UpstreamTimeout, "the check took too long"))
        });
        let route = &*to.route;
        self.places().count_check(route, if checked.is_ok() { "passed" } else { "failed" });
        if !course.turns(checked.is_ok(), health) {
            return;
        }
        match checked {
            Ok(()) => {
                self.places().set_unwell(to, None);
                tracing::info!(route, "an upstream passes its checks again");
            }
            Err(failure) => {
                self.places().set_unwell(to, Some(Duration::from_millis(health.interval_ms)));
                let (code, detail) = (failure.code.as_str(), failure.detail);
                tracing::warn!(route, code, detail, "an upstream does not pass its checks");
            }
        }
    }

    /// What was thought of a route's upstream so far.
    pub fn course(&self, route: &str) -> Course {
        let unwell = self.places().standing().get(route).is_some_and(|now| now.unwell > 0);
        Course { unwell, in_a_row: 0 }
    }

    /// Upstreams that are not looked after any more are believed to be well.
    pub fn leave_alone(&self, looked_after: &[Arc<Destination>]) {
        self.places().forget_unwell(looked_after);
    }

    async fn check(
        &self,
        to: &Arc<Destination>,
        health: &Health,
        settings: &Settings,
    ) -> Result<(), Failure> {
        let found = self.find_past(to, to.parent.as_ref()).await?;
        let Some(path) = &health.path else { return touch(&found, to, settings).await };
        let agent = AgentId::new(CHECKER);
        let mut upstream = self.open(to, &found, &agent, settings).await?;
        let head = head(to, path).map_err(|error| sort(&error))?;
        let asked = upstream.ask_head(head).await.map_err(|error| sort(&error));
        let status = upstream.head().map(|head| head.status);
        // What it says beyond its status is not read, and its connection not kept.
        upstream.cancel().await;
        asked?;
        match status {
            Some(status) if (200..400).contains(&status.as_u16()) => Ok(()),
            Some(status) => Err(Failure::new(
                Code::UpstreamProtocol,
                format!("it answered {}", status.as_u16()),
            )),
            None => Err(Failure::new(Code::UpstreamProtocol, "it did not answer")),
        }
    }
}

/// Connects, and lets go.
async fn touch(found: &Found, to: &Destination, settings: &Settings) -> Result<(), Failure> {
    let connect = async |spot: Spot| spot.connect().await;
    let stagger = Duration::from_millis(settings.upstreams.stagger_ms);
    let touched = race(found.spots(to), stagger, connect, |_: &Failure| false).await;
    touched.map(drop).map_err(|last| last.unwrap_or_else(Found::silent))
}

fn head(to: &Destination, path: &str) -> pingora_core::Result<RequestHeader> {
    let path = format!("{}{path}", to.base_path);
    let mut head = RequestHeader::build_no_case("GET", path.as_bytes(), Some(3))?;
    head.insert_header(header::HOST, to.authority())?;
    head.insert_header(header::USER_AGENT, "tollgate-health")?;
    head.insert_header(header::ACCEPT_ENCODING, "identity")?;
    Ok(head)
}

impl Course {
    /// Takes a check's outcome; whether it changes what is thought of the upstream.
    fn turns(&mut self, passed: bool, health: &Health) -> bool {
        if passed != self.unwell {
            self.in_a_row = 0;
            return false;
        }
        self.in_a_row += 1;
        let enough = if passed { health.passes } else { health.failures };
        if self.in_a_row < enough {
            return false;
        }
        self.in_a_row = 0;
        self.unwell = !self.unwell;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_several_in_a_row() {
        let health = Health { failures: 3, passes: 2, ..Health::default() };
        let mut course = Course::default();
        let mut turned = String::new();
        // What is checked, and where what is thought of it changes.
        for outcome in "++--+---+-+-++--+---".chars() {
            turned.push(if course.turns(outcome == '+', &health) { '!' } else { '.' });
        }
        assert_eq!(turned, ".......!.....!.....!");
    }
}
