//! What is told of a call: facts for the ledger, safe by construction.
//!
//! Only what this file puts in is ever recorded: who, which tool, where to, codes, classes and
//! places with keyed prints, sizes. Names that others choose go through [`shape`] first.
pub mod shape;

use std::net::IpAddr;

use tollgate_audit::{EventType, Facts, Fields, keys};
use tollgate_dlp::{Acted, Action, Grade, Place, Scanner};
use tollgate_rules::{Call, Host, Ruling};

use crate::answer::Led;
use crate::egress::{Attempt, Resolved};
use crate::flight::Flight;
use crate::limits::Exceeded;
use crate::listen::Peer;
use crate::refuse::Refusal;
use crate::snapshot::Snapshot;
use shape::PrintKey;

/// Something that was found, and where it stood.
#[derive(Debug)]
pub struct Found {
    /// Which part of the call: `body`, `query`, `path`, or a header's name.
    pub part: &'static str,
    /// The finding and what was done about it.
    pub acted: Acted,
}

/// What a recorder needs beside the facts themselves.
#[derive(Clone, Copy)]
pub struct Pen<'a> {
    /// The key of prints.
    pub key: &'a PrintKey,
    /// The call's flight.
    pub flight: &'a Flight,
}

impl Pen<'_> {
    /// Facts that every event of this call has.
    pub fn begin(&self, event: EventType) -> Facts {
        let flight = self.flight;
        let facts = Facts::new(event, flight.actor()).revision(&flight.snapshot.revision);
        let facts = peer(facts, flight.conn.peer, self.key);
        let original = flight.conn.original.map(|to| match to.ip().to_canonical() {
            // The half of a longer one that its user chose could say anything.
            long @ std::net::IpAddr::V6(_) => shape::network(long).to_string(),
            short => short.to_string(),
        });
        let through =
            flight.conn.through.map(|at| shape::network(at.ip().to_canonical()).to_string());
        let agent = flight.agent.as_ref();
        let owner = agent.and_then(|agent| agent.owner.as_deref());
        let above = agent.map_or(&[][..], |agent| flight.snapshot.registry.delegated_by(&agent.id));
        let facts = match above {
            [] => facts,
            above => facts.texts("delegated_by", above.iter().map(|id| id.as_str().to_owned())),
        };
        facts
            .maybe_text("agent_owner", owner)
            .maybe_text("through", through.as_deref())
            .maybe_text("original_address", original.as_deref())
            .text("listener", &flight.conn.listener)
    }

    /// The identity that was presented and means nobody: what an operator would register. It was
    /// signed by an authority that the listener trusts.
    fn presented(&self, facts: Facts) -> Facts {
        let scanner = &self.flight.snapshot.scanner;
        let presented = self.flight.conn.names.iter();
        let names = presented.flat_map(|names| {
            let workloads = names.uris.iter().chain(&names.dns);
            // A common name may be a person's.
            let people = names.common_names.iter();
            let people = people.map(|name| format!("print-{}", self.key.print(name.as_bytes())));
            workloads
                .map(|name| shape::name(name, self.key, scanner).into_owned())
                .chain(people)
                .collect::<Vec<_>>()
        });
        let names = names.collect::<Vec<_>>();
        if names.is_empty() { facts } else { facts.texts("presented", names) }
    }

    fn of_call(&self, facts: Facts, call: &Call) -> Facts {
        let scanner = &self.flight.snapshot.scanner;
        let target = &call.target;
        let name = |text: &String| shape::name(text, self.key, scanner).into_owned();
        facts
            .text(keys::ROUTE, &target.route)
            .text(keys::PROTOCOL, call.protocol.as_str())
            .text("http_method", &name(&target.method))
            .text(keys::HOST, &host(&self.flight.snapshot, &target.host))
            .number(keys::PORT, u64::from(target.port))
            .text(keys::PATH, &shape::path(&target.path, scanner))
            .text("path_print", &self.key.print(target.path.as_bytes()))
            .maybe_text(
                keys::METHOD,
                Some(&call.action.method).filter(|m| !m.is_empty()).map(name).as_deref(),
            )
            .maybe_text(keys::TOOL, call.action.tool.as_ref().map(name).as_deref())
            .number("request_bytes", call.body_bytes)
    }

    /// A call is about to leave.
    pub fn intent(
        &self,
        calls: &[Call],
        rulings: &[Ruling],
        found: &[Found],
        bytes_out: u64,
        observed: bool,
    ) -> Facts {
        let mut facts = self.begin(EventType::CallIntent).text(keys::EFFECT, "allow");
        if let (Some(call), Some(ruling)) = (calls.first(), rulings.first()) {
            facts = self.of_call(facts, call);
            facts = of_ruling(facts, ruling);
        }
        if calls.len() > 1 {
            let tools = calls.iter().map(|call| {
                shape::name(&call.tool_name(), self.key, &self.flight.snapshot.scanner).into_owned()
            });
            facts = facts.texts("batch", tools.collect::<Vec<_>>());
        }
        if observed {
            facts = facts.flag(keys::OBSERVED, true);
        }
        self.findings(facts.number(keys::BYTES_OUT, bytes_out), found)
    }

    /// A call that did not leave, or whose answer was cut for a reason.
    pub fn refused(&self, refusal: &Refusal, call: Option<&Call>, found: &[Found]) -> Facts {
        let mut facts = self
            .begin(EventType::CallRefused)
            .text(keys::EFFECT, "deny")
            .text(keys::CODE, refusal.code.as_str())
            .maybe_text(keys::RULE, refusal.rule.as_ref().map(|rule| rule.as_str()));
        if let Some(call) = call {
            facts = self.of_call(facts, call);
        }
        if self.flight.agent.is_none() {
            facts = self.presented(facts);
        }
        self.findings(facts, found)
    }

    /// A limit that was reached, with the call where it is known.
    pub fn limit(&self, exceeded: Exceeded, call: Option<&Call>, observed: bool) -> Facts {
        let facts = self.begin(EventType::LimitExceeded).text(keys::CODE, exceeded.code.as_str());
        let facts = match call {
            Some(call) => self.of_call(facts, call),
            None => facts,
        };
        if observed { facts.flag(keys::OBSERVED, true) } else { facts }
    }

    fn findings(&self, facts: Facts, found: &[Found]) -> Facts {
        found_facts(facts, found, &self.flight.snapshot.scanner)
    }
}

/// Adds where a connection came from: its network, and a keyed print of the address. An address
/// of another machine may lead to a person, so it is not kept; with the key of prints gone, the
/// print leads nowhere.
pub fn source(facts: Facts, ip: IpAddr, key: &PrintKey) -> Facts {
    let ip = ip.to_canonical();
    let facts = facts.text(keys::SOURCE, &shape::network(ip).to_string());
    if ip.is_loopback() {
        facts
    } else {
        facts.text("source_print", &key.print(ip.to_string().as_bytes()))
    }
}

/// Adds who is at the other end of a connection.
pub fn peer(facts: Facts, peer: Peer, key: &PrintKey) -> Facts {
    match peer {
        Peer::Address(address) => source(facts, address.ip(), key),
        Peer::Process(process) => {
            let facts = facts
                .number("source_uid", u64::from(process.uid))
                .number("source_gid", u64::from(process.gid));
            match process.pid {
                Some(pid) => facts.number("source_pid", u64::from(pid)),
                None => facts,
            }
        }
    }
}

/// A host for the record: as it is when an operator named it.
pub fn host(snapshot: &Snapshot, host: &Host) -> String {
    match host.name() {
        Some(name) if !snapshot.routes.names(host) => shape::host(name, &snapshot.scanner),
        _ => host.to_string(),
    }
}

/// Adds what a name was resolved to. The names of a chain are chosen by whoever runs its servers.
pub fn resolved_facts(facts: Facts, resolved: &Resolved, scanner: &Scanner) -> Facts {
    let addresses = resolved.addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
    let chain = resolved.chain.iter().map(|name| shape::host(name, scanner)).collect::<Vec<_>>();
    let facts = if addresses.is_empty() { facts } else { facts.texts("addresses", addresses) };
    if chain.is_empty() { facts } else { facts.texts("names", chain) }
}

/// Adds where an answer led to. Foreign hosts are chosen by the upstream.
pub fn led_facts(facts: Facts, led: &Led, scanner: &Scanner) -> Facts {
    let hosts = led.foreign.iter().map(|host| match host.name() {
        Some(name) => shape::host(name, scanner),
        None => host.to_string(),
    });
    let hosts = hosts.collect::<Vec<_>>();
    let facts = if hosts.is_empty() { facts } else { facts.texts("leads_elsewhere", hosts) };
    let facts = facts.maybe_text("card_signature", led.signature);
    let facts = match led.cookies_dropped {
        0 => facts,
        dropped => facts.number("cookies_dropped", dropped),
    };
    if led.rewritten == 0 { facts } else { facts.number("links_rewritten", led.rewritten) }
}

/// Adds how often a call was sent, when that was more than once.
pub fn attempts_facts(facts: Facts, attempts: &[Attempt]) -> Facts {
    if attempts.len() < 2 {
        return facts;
    }
    let list = attempts.iter().map(|attempt| {
        let address = attempt.address.map(|address| address.to_string());
        let fields = Fields::new().maybe_text(keys::DESTINATION, address.as_deref());
        let fields = match attempt.came {
            Ok(status) => fields.number(keys::STATUS, u64::from(status)),
            Err(code) => fields.text(keys::CODE, code.as_str()),
        };
        if attempt.reused { fields.flag("kept_connection", true) } else { fields }
    });
    facts.objects("attempts", list.collect::<Vec<_>>())
}

/// Adds what was found: classes, places and what was done; never the text.
pub fn found_facts(facts: Facts, found: &[Found], scanner: &Scanner) -> Facts {
    if found.is_empty() {
        return facts;
    }
    let mut classes = found.iter().map(|f| f.acted.finding.class.as_str()).collect::<Vec<_>>();
    classes.sort_unstable();
    classes.dedup();
    let list = found.iter().map(|found| {
        let finding = &found.acted.finding;
        Fields::new()
            .text("class", finding.class.as_str())
            .text("detector", finding.detector.as_str())
            .text("grade", grade_word(finding.grade))
            .text("action", action_word(found.acted.action))
            .text("part", found.part)
            .text("place", &place(&finding.place, scanner))
    });
    facts.texts(keys::CLASSES, classes).objects(keys::FINDINGS, list.collect::<Vec<_>>())
}

fn of_ruling(facts: Facts, ruling: &Ruling) -> Facts {
    facts
        .text("ruling", ruling.outcome.as_str())
        .maybe_text(keys::RULE, ruling.rule.as_ref().map(|rule| rule.as_str()))
        .texts("reasons", ruling.reasons.iter().map(|reason| reason.code.as_str()))
}

/// Where a finding stands, as it may be recorded and told: a JSON pointer, the way through parts
/// and files, nothing for a text by itself. Names that are no plain words are not shown.
pub fn place(place: &Place, scanner: &Scanner) -> String {
    place.written(&|name| shape::path(name, scanner), &|at| shape::pointer(at, scanner))
}

fn grade_word(grade: Grade) -> &'static str {
    match grade {
        Grade::Certain => "certain",
        Grade::Likely => "likely",
        Grade::Possible => "possible",
    }
}

/// The action's word in record and metrics.
pub fn action_word(action: Action) -> &'static str {
    action.as_str()
}
