//! Who takes the same calls, each in a process of its own, and how each is called.
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::gate::Gate;
use crate::load::{self, Call};
use crate::peers::{self, Other, Start, Wish};
use crate::scene::Scene;
use crate::settings::{AGENT, GATES, Guards, rules, settings};
use crate::{itself, pin};

/// A proxy, and how it is called.
pub(crate) struct Seat {
    pub(crate) name: String,
    pub(crate) call: Call,
    runs: Option<Runs>,
}

enum Runs {
    Gate(Gate),
    Other(Other),
}

impl Seat {
    /// Its process, when it has one.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self.runs.as_ref()? {
            Runs::Gate(gate) => Some(gate.child.id()),
            Runs::Other(other) => Some(other.child.id()),
        }
    }

    /// Bytes that it holds in memory.
    pub(crate) fn resident(&self) -> Option<f64> {
        memory(self.pid()?, "VmRSS:")
    }

    /// The most that it ever held.
    pub(crate) fn peak(&self) -> Option<f64> {
        memory(self.pid()?, "VmHWM:")
    }
}

/// A line of what Linux says of a process's memory, in bytes.
pub(crate) fn memory(pid: u32, key: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kib| kib * 1024.0)
}

/// Settings with others put over them; of maps, only what the others have.
pub(crate) fn with(settings: Value, more: Value) -> Value {
    match (settings, more) {
        (Value::Object(mut settings), Value::Object(more)) => {
            for (key, more) in more {
                let before = settings.remove(&key).unwrap_or_default();
                settings.insert(key, with(before, more));
            }
            Value::Object(settings)
        }
        (_, more) => more,
    }
}

/// A tool server that answers as one scenario wants it, and all that can stand before it.
pub(crate) struct Place<'a> {
    scene: &'a Scene,
    pub(crate) upstream: SocketAddr,
    dir: &'a Path,
    certificates: Certificates,
}

impl<'a> Place<'a> {
    pub(crate) async fn new(scene: &'a Scene, dir: &'a Path) -> Self {
        let upstream = load::serve(scene.answer()).await;
        Self { scene, upstream, dir, certificates: Certificates::new(AGENT) }
    }

    fn seat(&self, name: &str, to: SocketAddr, tls: bool, runs: Option<Runs>) -> Seat {
        let scene = self.scene;
        let mut call = Call::post(to, "/up/orders", scene.headers(), &scene.request());
        call.tls = tls.then(|| self.certificates.client());
        call.fresh = scene.hands;
        Seat { name: name.to_owned(), call, runs }
    }

    pub(crate) fn direct(&self) -> Seat {
        self.seat("direct", self.upstream, false, None)
    }

    fn other(&self, name: &str, start: Start, tls: bool) -> Option<Seat> {
        let certificates = tls.then_some(&self.certificates);
        let streams = self.scene.events > 0;
        let wish = Wish { upstream: self.upstream, tls: certificates, streams };
        let other = Other::start(name, start, self.dir, &wish)?;
        Some(self.seat(name, other.address, tls, Some(Runs::Other(other))))
    }

    pub(crate) fn bare(&self) -> Option<Seat> {
        self.other("bare", peers::bare, false)
    }

    pub(crate) fn nginx(&self) -> Option<Seat> {
        self.other("nginx", peers::nginx, false)
    }

    /// A gate with these guards.
    pub(crate) fn gate(&self, guards: &Guards) -> Seat {
        self.gate_with(guards, json!({}))
    }

    /// The same with other settings beside.
    pub(crate) fn gate_with(&self, guards: &Guards, more: Value) -> Seat {
        let settings = with(settings(self.scene.mcp, self.upstream, guards), more);
        let command = pin::proxy(&itself::tollgate());
        let gate = Gate::start(command, self.dir, (&settings, &rules(guards.rules)), |dir| {
            self.certificates.write(dir);
        });
        self.seat(guards.name, gate.address, guards.mtls, Some(Runs::Gate(gate)))
    }

    /// All of them; those that are not installed are left out, which is said.
    pub(crate) fn all(&self) -> Vec<Seat> {
        if self.scene.hands {
            return self.hands();
        }
        let others = [self.bare(), self.nginx(), self.other("haproxy", peers::haproxy, false)];
        let gates = GATES.iter().map(|guards| self.gate(guards));
        [self.direct()].into_iter().chain(others.into_iter().flatten()).chain(gates).collect()
    }

    /// Who speaks mutual TLS: with a handshake for each call, and with kept connections.
    fn hands(&self) -> Vec<Seat> {
        let pair = |mut seat: Seat, mut kept: Seat| {
            (seat.name, kept.name) = (format!("{}_new", seat.name), format!("{}_kept", kept.name));
            kept.call.fresh = false;
            [seat, kept]
        };
        let nginx = || self.other("nginx", peers::nginx, true);
        let nginx = nginx().zip(nginx()).map(|(one, other)| pair(one, other));
        let mtls = GATES.iter().find(|guards| guards.name == "gate_mtls").expect("it is there");
        let gate = pair(self.gate(mtls), self.gate(mtls));
        nginx.into_iter().flatten().chain(gate).collect()
    }
}
