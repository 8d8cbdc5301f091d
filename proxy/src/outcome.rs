//! What became of a call that left. Told once, whatever happens to the task that carries it.
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;
use tollgate_audit::{EventType, Facts, keys};
use tollgate_dlp::Scanner;
use tollgate_rules::Code;

use crate::answer::Led;
use crate::clear::Permit;
use crate::egress::{Failure, Trail};
use crate::ledger::Ledger;
use crate::record::{Found, Pen, attempts_facts, found_facts, host, led_facts, resolved_facts};
use crate::refuse::Refusal;
use crate::socket::Closed;
use crate::stop::Stop;

/// How an answer ended.
#[derive(Debug)]
pub enum Ending {
    /// The client has all of it.
    Answered,
    /// The client went away first.
    Abandoned,
    /// The answer was refused before any of it was passed on.
    Refused(Refusal),
    /// The answer was cut after a part of it was passed on; the connection ends with it.
    Cut(Code),
    /// The answer was cut, and its stream was ended in order with a last event that says so.
    CutInWords(Code),
}

/// An answer that is being relayed: as much of it as there was.
#[derive(Debug)]
pub struct Answered {
    /// The upstream's status.
    pub status: Option<u16>,
    /// The upstream's address.
    pub destination: SocketAddr,
    /// Body bytes that came back.
    pub bytes_in: u64,
    /// Whether it, or a part of it, passed without being read.
    pub unread: bool,
    /// What was found in it, already shaped for the record.
    pub found: Vec<Found>,
    /// What became of the links in it.
    pub led: Led,
}

impl Answered {
    fn tell(&self, facts: Facts, scanner: &Scanner) -> Facts {
        let facts = facts
            .text(keys::DESTINATION, &self.destination.to_string())
            .number(keys::BYTES_IN, self.bytes_in);
        let facts = match self.status {
            Some(status) => facts.number(keys::STATUS, u64::from(status)),
            None => facts,
        };
        let facts = led_facts(facts, &self.led, scanner);
        let facts = if self.unread { facts.flag("unread", true) } else { facts };
        found_facts(facts, &self.found, scanner)
    }
}

/// The outcome of one intent. When it is dropped before it was told, the call's task was ended
/// from outside, and the outcome says so, with what had come of the answer by then.
pub struct Outcome {
    ledger: Ledger,
    facts: Option<Facts>,
    intent: String,
    scanner: std::sync::Arc<Scanner>,
    began: Instant,
    answered: Option<Answered>,
}

impl Outcome {
    /// Begins with what is known when the call leaves.
    pub fn begin(ledger: &Ledger, pen: Pen<'_>, permit: &Permit) -> Self {
        let to = permit.destination();
        let facts = pen
            .begin(EventType::CallOutcome)
            .text(keys::INTENT, &permit.receipt().id().to_string())
            .text(keys::ROUTE, &to.route)
            .text(keys::HOST, &host(&pen.flight.snapshot, &to.host));
        Self {
            ledger: ledger.clone(),
            facts: Some(facts),
            intent: permit.receipt().id().to_string(),
            scanner: std::sync::Arc::clone(&pen.flight.snapshot.scanner),
            began: pen.flight.began,
            answered: None,
        }
    }

    /// The intent's receipt.
    pub fn intent(&self) -> &str {
        &self.intent
    }

    /// The intent's receipt, and where it is kept how far the answer has come.
    pub fn answering(&mut self, answered: Answered) -> (&str, &mut Answered) {
        (&self.intent, self.answered.insert(answered))
    }

    /// The name was resolved to this, and the call was sent so often.
    pub fn went(&mut self, trail: &Trail) {
        let facts = self.facts.take();
        self.facts = facts.map(|facts| {
            let facts = resolved_facts(facts, &trail.resolved, &self.scanner);
            attempts_facts(facts.maybe_text("via", trail.via.as_deref()), &trail.attempts)
        });
    }

    /// The upstream could not be reached, or did not answer.
    pub fn failed(&mut self, failure: &Failure) {
        self.write("failed", |facts| {
            facts.text(keys::CODE, failure.code.as_str()).text("detail", &failure.detail)
        });
    }

    /// The client went away before there was an answer.
    pub fn abandoned(&mut self) {
        self.write("abandoned", |facts| facts);
    }

    /// A tunnel was carried to its end: bytes both ways, none of them read.
    pub fn carried(&mut self, address: Option<SocketAddr>, out: u64, back: u64) {
        self.write("carried", |facts| {
            facts
                .maybe_text(keys::DESTINATION, address.map(|to| to.to_string()).as_deref())
                .number(keys::BYTES_OUT, out)
                .number(keys::BYTES_IN, back)
                .flag("unread", true)
        });
    }

    /// A WebSocket has ended.
    pub(crate) fn closed(&mut self, address: SocketAddr, closed: &Closed) {
        let scanner = std::sync::Arc::clone(&self.scanner);
        let Closed { end, close_code, tally } = closed;
        self.write(if end.code().is_some() { "cut" } else { "closed" }, |facts| {
            let facts = facts
                .maybe_text(keys::CODE, end.code().map(Code::as_str))
                .text(keys::DESTINATION, &address.to_string())
                .number(keys::STATUS, 101)
                .text("closed_by", end.by())
                .text("closed_for", end.why())
                .number("close_code", u64::from(*close_code))
                .number(keys::BYTES_OUT, tally.bytes_out)
                .number(keys::BYTES_IN, tally.bytes_in)
                .number("messages_out", tally.messages_out)
                .number("messages_in", tally.messages_in);
            let facts = match tally.unread {
                0 => facts,
                unread => facts.flag("unread", true).number("messages_unread", unread),
            };
            let facts = match tally.found_more {
                0 => facts,
                more => facts.number("findings_more", more),
            };
            found_facts(facts, &tally.found, &scanner)
        });
    }

    /// Tells how the answer went, and what the walk has left to do.
    pub fn tell(mut self, ending: Ending) -> Result<(), Stop> {
        let (word, code) = match &ending {
            Ending::Answered => ("answered", None),
            Ending::Abandoned => ("abandoned", None),
            Ending::Refused(refusal) => ("refused", Some(refusal.code)),
            Ending::Cut(code) | Ending::CutInWords(code) => ("cut", Some(*code)),
        };
        self.write_answered(word, code);
        match ending {
            Ending::Answered | Ending::CutInWords(_) => Ok(()),
            Ending::Refused(refusal) => {
                Err(Stop::Failed(refusal.with_receipt(self.intent.clone())))
            }
            Ending::Abandoned | Ending::Cut(_) => Err(Stop::Gone),
        }
    }

    fn write_answered(&mut self, word: &str, code: Option<Code>) {
        let (answered, scanner) = (self.answered.take(), std::sync::Arc::clone(&self.scanner));
        self.write(word, |facts| {
            let facts = facts.maybe_text(keys::CODE, code.map(Code::as_str));
            match answered {
                Some(answered) => answered.tell(facts, &scanner),
                None => facts,
            }
        });
    }

    fn write(&mut self, word: &str, finish: impl FnOnce(Facts) -> Facts) {
        let Some(facts) = self.facts.take() else { return };
        let facts =
            facts.text("outcome", word).number(keys::DURATION_MS, millis(self.began.elapsed()));
        self.ledger.note(finish(facts));
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.write_answered("interrupted", None);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
