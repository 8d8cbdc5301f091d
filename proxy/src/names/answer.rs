//! The walk of a query, from its bytes to those of its answer.
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tollgate_audit::{EventType, keys};
use tollgate_rules::{Code, Host};

use super::message::{self, Asked, Kind, QUERY_MAX, Reply};
use super::record::{self, Outcome, Pen};
use super::rules::NameRules;
use crate::egress::{Resolved, Unreachable};
use crate::gate::Gate;

/// How a query came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// In a datagram, and so must its answer.
    Udp,
    /// In a stream.
    Tcp,
}

/// What is given, and what it is counted as.
struct Given {
    reply: Owned,
    effect: &'static str,
}

enum Owned {
    Addresses(Vec<IpAddr>, u32),
    Word(Reply<'static>),
}

impl Given {
    fn word(reply: Reply<'static>, effect: &'static str) -> Self {
        Self { reply: Owned::Word(reply), effect }
    }
}

impl Gate {
    /// The bytes that answer a query; `None` for what is left unanswered.
    pub(crate) async fn answer_name(
        &self,
        bytes: &[u8],
        peer: SocketAddr,
        over: Over,
    ) -> Option<Vec<u8>> {
        let _counted = self.count_flight();
        let walk = AssertUnwindSafe(self.walk_name(bytes, peer, over)).catch_unwind();
        tokio::select! {
            biased;
            walked = walk => walked.unwrap_or_else(|_| {
                self.bug("a panic in the walk of a query");
                None
            }),
            () = self.cut.cancelled() => None,
        }
    }

    async fn walk_name(&self, bytes: &[u8], peer: SocketAddr, over: Over) -> Option<Vec<u8>> {
        let snapshot = self.snapshot();
        // A reload may have taken the section, or the agent, away.
        let rules = snapshot.names.as_ref();
        let agent = rules.and_then(|rules| snapshot.registry.known(&rules.settings.agent));
        let pen = Pen { gate: self, snapshot: &snapshot, agent: agent.as_ref(), peer };
        let counted = rules.is_none_or(NameRules::count);
        let read = message::read(bytes);
        // Counted before anything else, so that no flood of queries becomes one of records.
        if !counted {
            self.count_name("limited");
            self.tell_name_limit(pen);
            let answer = |asked: Asked| asked.answer(Reply::Refused, QUERY_MAX);
            return read.map_or_else(|unread| unread, |asked| Some(answer(asked)));
        }
        let asked = match read {
            Ok(asked) => asked,
            Err(answer) => {
                self.count_name("malformed");
                let facts = pen.begin(EventType::CallRefused);
                let facts = record::refused(facts, Code::DnsRefused, "the query cannot be read");
                self.tell_name_refused(facts, Code::DnsRefused).await;
                return answer;
            }
        };
        let given = match (rules, &agent) {
            (Some(rules), Some(_)) => self.ask(pen, rules, &asked).await,
            _ => {
                let why = "nobody may ask here";
                self.refuse_name(pen, &asked, Code::IdentityUnknown, why, Reply::Refused).await
            }
        };
        self.count_name(given.effect);
        let room = match over {
            Over::Tcp => usize::from(u16::MAX),
            Over::Udp => {
                asked.room().min(rules.map_or(QUERY_MAX, |rules| rules.settings.answer_bytes))
            }
        };
        Some(match &given.reply {
            Owned::Addresses(addresses, ttl) => {
                asked.answer(Reply::Addresses(addresses, *ttl), room)
            }
            Owned::Word(reply) => asked.answer(*reply, room),
        })
    }

    /// Judged, recorded, and only then asked for.
    async fn ask(&self, pen: Pen<'_>, rules: &NameRules, asked: &Asked) -> Given {
        let refuse = |why, reply| self.refuse_name(pen, asked, Code::DnsRefused, why, reply);
        if asked.kind() == Kind::Other {
            return refuse("only addresses are answered", Reply::NotImplemented).await;
        }
        let Some(name) = asked.name() else {
            return refuse("no name of a host", Reply::Refused).await;
        };
        let judged = rules.judge(&name, &pen.snapshot.routes, &pen.snapshot.scanner);
        let (host, wanted) = match judged {
            Ok(judged) => judged,
            Err(why) => return refuse(why, Reply::Refused).await,
        };
        let receipt = match self.ledger.append(pen.intent(asked)).await {
            Ok(receipt) => receipt,
            Err(refused) => {
                self.metrics.refusals.with_label_values(&[refused.code().as_str()]).inc();
                return Given::word(Reply::Failed, "failed");
            }
        };
        let outcome = Outcome::begin(pen, asked, &receipt);
        // Nothing of it is asked for: there is no hint that leads around the gate.
        if asked.kind() == Kind::Service {
            outcome.answered(Kind::Service, &[], &Resolved::default());
            return Given::word(Reply::Nothing, "empty");
        }
        match self.egress.resolver().ask(&host, &wanted).await {
            Ok(resolved) => self.give(rules, asked.kind(), &host, &resolved, outcome),
            Err(why) => {
                outcome.failed(why);
                self.metrics.refusals.with_label_values(&[why.code().as_str()]).inc();
                match why {
                    Unreachable::NoName => Given::word(Reply::NoName, "failed"),
                    Unreachable::Forbidden(_) => Given::word(Reply::Refused, "refused"),
                    _ => Given::word(Reply::Failed, "failed"),
                }
            }
        }
    }

    /// Gives the addresses of the kind that was asked for, and remembers them.
    fn give(
        &self,
        rules: &NameRules,
        kind: Kind,
        host: &Host,
        resolved: &Resolved,
        outcome: Outcome,
    ) -> Given {
        let fits = |ip: &&IpAddr| ip.is_ipv4() == (kind == Kind::A);
        let fitting = resolved.addresses.iter().filter(fits).copied();
        let given = fitting.take(rules.settings.addresses).collect::<Vec<_>>();
        let ttl = u32::try_from(resolved.lasts.as_secs()).unwrap_or(u32::MAX);
        // Remembered before it is told: the client may connect at once.
        self.given.give(host, &given, Duration::from_secs(u64::from(ttl)));
        outcome.answered(kind, &given, resolved);
        match given.is_empty() {
            true => Given::word(Reply::Nothing, "empty"),
            false => Given { reply: Owned::Addresses(given, ttl), effect: "answered" },
        }
    }

    async fn refuse_name(
        &self,
        pen: Pen<'_>,
        asked: &Asked,
        code: Code,
        why: &'static str,
        reply: Reply<'static>,
    ) -> Given {
        let facts = record::refused(pen.question(EventType::CallRefused, asked), code, why);
        self.tell_name_refused(facts, code).await;
        Given::word(reply, "refused")
    }

    async fn tell_name_refused(&self, facts: tollgate_audit::Facts, code: Code) {
        self.metrics.refusals.with_label_values(&[code.as_str()]).inc();
        if self.ledger.append(facts).await.is_err() {
            tracing::error!("a refused query could not be recorded");
        }
    }

    /// Once in a while, or a flood of queries would become one of records.
    fn tell_name_limit(&self, pen: Pen<'_>) {
        let code = Code::RateLimitAgent;
        self.metrics.refusals.with_label_values(&[code.as_str()]).inc();
        let Some(agent) = pen.agent else { return };
        if self.given.is_news(std::time::Instant::now()) {
            let facts = pen.begin(EventType::LimitExceeded).text(keys::CODE, code.as_str());
            tracing::warn!(agent = agent.id.as_str(), "more queries than `dns.limits` allows");
            self.ledger.note(facts);
        }
    }

    fn count_name(&self, effect: &str) {
        self.metrics.names.with_label_values(&[effect]).inc();
    }
}
