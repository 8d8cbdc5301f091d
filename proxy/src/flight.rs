//! One call from its first byte to its last: what it may look at while it lasts.
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tollgate_dlp::Judge;
use tollgate_rules::Agent;

use crate::answer::Links;
use crate::body::{Holder, Share};
use crate::credentials::Granted;
use crate::limits::InFlight;
use crate::listen::Conn;
use crate::refuse::Caller;
use crate::snapshot::Snapshot;

/// A call in flight. It holds one snapshot from its beginning to its end, so that no call is
/// judged by two rulebooks.
pub struct Flight {
    /// What it is judged by.
    pub snapshot: Arc<Snapshot>,
    /// How it came in.
    pub conn: Arc<Conn>,
    /// Who calls, once known.
    pub agent: Option<Arc<Agent>>,
    /// The form that a refusal takes; sharpened as the call is understood.
    pub caller: Caller,
    /// Its place among the agent's calls.
    pub place: Option<InFlight>,
    /// Its share of what may be held.
    pub share: Share,
    /// When its head was read.
    pub began: Instant,
    /// What is done about findings in its answer.
    pub judge: Arc<Judge>,
    /// The credential that it got.
    pub granted: Option<Granted>,
    /// Whether cookies pass on its way.
    pub allow_cookies: bool,
    /// Where its answer may lead to, on a base-URL route.
    pub(crate) links: Option<Links>,
}

impl Flight {
    /// Who sends what it sends, once that is known.
    pub fn holder(&self) -> Holder {
        self.agent.clone().map_or(Holder::Nobody, Holder::Agent)
    }

    /// Begins a flight.
    pub fn begin(snapshot: Arc<Snapshot>, conn: Arc<Conn>, share: Share) -> Self {
        Self {
            judge: Arc::clone(&snapshot.judge),
            snapshot,
            conn,
            agent: None,
            caller: Caller::Http,
            place: None,
            share,
            began: Instant::now(),
            granted: None,
            allow_cookies: false,
            links: None,
        }
    }

    /// The agent's name for the record; before identification, nobody's.
    pub fn actor(&self) -> &str {
        self.agent.as_ref().map_or("unidentified", |agent| agent.id.as_str())
    }

    /// How long a body of it may take to come, and then to get its turn.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.snapshot.settings.deadlines.body_ms)
    }

    /// How long it has lasted.
    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }
}
