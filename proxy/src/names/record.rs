//! What is told of a query: an intent before it leaves, an outcome after it, or a refusal.
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tollgate_audit::{EventType, Facts, keys};
use tollgate_rules::{Agent, Code};

use super::message::{Asked, Kind};
use crate::egress::{Resolved, Unreachable};
use crate::gate::Gate;
use crate::ledger::{Ledger, Receipt};
use crate::record::{resolved_facts, shape, source};
use crate::snapshot::Snapshot;

/// What every event of one query says.
#[derive(Clone, Copy)]
pub struct Pen<'a> {
    pub gate: &'a Gate,
    pub snapshot: &'a Arc<Snapshot>,
    pub agent: Option<&'a Arc<Agent>>,
    pub peer: SocketAddr,
}

impl Pen<'_> {
    /// Facts of any event.
    pub fn begin(&self, event: EventType) -> Facts {
        let actor = self.agent.map_or("unidentified", |agent| agent.id.as_str());
        let facts = Facts::new(event, actor).revision(&self.snapshot.revision);
        source(facts, self.peer.ip(), &self.gate.print_key)
            .text("listener", "dns")
            .text(keys::PROTOCOL, "dns")
    }

    /// Facts about one question. Names are chosen by the agent, so they are shaped.
    pub fn question(&self, event: EventType, asked: &Asked) -> Facts {
        let (facts, kind) = (self.begin(event), asked.kind());
        let facts = facts.text(keys::METHOD, kind.as_str());
        match asked.name() {
            None => facts,
            Some(name) => facts
                .text(keys::HOST, &shape::host(&name, &self.snapshot.scanner))
                .text("host_print", &self.gate.print_key.print(name.as_bytes())),
        }
    }

    /// A query is about to leave.
    pub fn intent(&self, asked: &Asked) -> Facts {
        self.question(EventType::CallIntent, asked).text(keys::EFFECT, "allow")
    }
}

/// Adds why something was refused.
pub fn refused(facts: Facts, code: Code, why: &str) -> Facts {
    facts.text(keys::EFFECT, "deny").text(keys::CODE, code.as_str()).text("detail", why)
}

/// The outcome of one intent; told when it is dropped, at the latest.
pub struct Outcome {
    ledger: Ledger,
    snapshot: Arc<Snapshot>,
    facts: Option<Facts>,
    began: Instant,
}

impl Outcome {
    /// Begins when the intent is recorded.
    pub fn begin(pen: Pen<'_>, asked: &Asked, receipt: &Receipt) -> Self {
        let facts = pen
            .question(EventType::CallOutcome, asked)
            .text(keys::INTENT, &receipt.id().to_string());
        Self {
            ledger: pen.gate.ledger.clone(),
            snapshot: Arc::clone(pen.snapshot),
            facts: Some(facts),
            began: Instant::now(),
        }
    }

    /// The agent was given these addresses, out of all that came.
    pub fn answered(mut self, kind: Kind, given: &[IpAddr], resolved: &Resolved) {
        let snapshot = Arc::clone(&self.snapshot);
        self.write("answered", |facts| {
            let given = given.iter().map(ToString::to_string).collect::<Vec<_>>();
            let facts = resolved_facts(facts, resolved, &snapshot.scanner);
            match kind {
                Kind::Service => facts,
                _ => facts.texts("given", given),
            }
        });
    }

    /// There was no answer, or none that may be given.
    pub fn failed(mut self, why: Unreachable) {
        self.write("failed", |facts| {
            facts.text(keys::CODE, why.code().as_str()).text("detail", why.detail())
        });
    }

    fn write(&mut self, word: &str, finish: impl FnOnce(Facts) -> Facts) {
        let Some(facts) = self.facts.take() else { return };
        let took = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let facts = facts.text("outcome", word).number(keys::DURATION_MS, took);
        self.ledger.note(finish(facts));
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.write("interrupted", |facts| facts);
    }
}
