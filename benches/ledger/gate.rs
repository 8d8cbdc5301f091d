//! The record's share of a call: 1 KiB of JSON posted through a running gate, at each durability.
//!
//! A gate has no switch that turns its record off, and no build of it has one. So "without" is not
//! a second gate but the first with the record's part taken away, in processor time of one run:
//!
//! ```text
//! with      all threads of the gate, for a call
//! writer    its thread that drafts, hashes, signs, writes and syncs
//! handing   what other threads do for the record: make facts, queue them, wait, be woken; measured
//!           with a ledger and callers that do nothing else, in this same run
//! without   with - writer - handing
//! ```
//!
//! `handing` cannot be told apart inside the gate, which is why it comes from beside it.
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tollgate_benches::{Used, keep_estimate};
use tollgate_config::settings::Durability;

use crate::append::{self, Job, WRITER, middle};
use crate::{ROUNDS, SETTINGS, itself, load, median, name, verdict};

/// Agents that call at once.
const AT_ONCE: usize = 16;
/// Calls of a round.
const CALLS: usize = 4_000;
/// How long a gate may take to start.
const START: Duration = Duration::from_secs(30);

const AGENT: &str = "spiffe://bench.test/agents/reader";
const POLICY: &str = "version: bench\ngenerated_at: 2026-01-01T00:00:00Z\n\
    expires_at: 2126-01-01T00:00:00Z\ndefaults: { outcome: DENY }\nrules:\n\
    - { id: everything, match: { protocol: [http] }, outcome: ALLOW }\n";

/// A gate in a process of its own, killed when dropped.
struct Gate {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Measures, prints a table and gives it back.
pub(crate) fn bench(runtime: &Runtime, dir: &Path) -> Value {
    let upstream = runtime.block_on(load::serve());
    let gates = SETTINGS.map(|setting| Gate::start(dir, setting, upstream));
    let mut rounds = [const { Vec::new() }; SETTINGS.len()];
    let mut beside = [const { Vec::new() }; SETTINGS.len()];
    // One more, which warms up and is thrown away.
    for round in 0..=ROUNDS {
        for (place, setting) in SETTINGS.into_iter().enumerate() {
            let call = gates.get(place).map(|gate| runtime.block_on(gate.round()));
            let job = append::round(dir, setting, AT_ONCE, CALLS, Job::Call);
            let bare = runtime.block_on(job);
            if let (1.., Some(call), Some(calls), Some(beside)) =
                (round, call, rounds.get_mut(place), beside.get_mut(place))
            {
                calls.push(call);
                beside.push(bare);
            }
        }
    }
    println!("\ndurability   calls/s  CPU us/call: with  writer  handing  without  with/without");
    let told = SETTINGS.into_iter().zip(rounds).zip(beside);
    told.map(|((setting, calls), bare)| tell(setting, &calls, middle(&bare).callers)).collect()
}

/// A round's calls a second, and microseconds of a call.
struct Call {
    rate: f64,
    all: f64,
    writer: f64,
}

fn tell(setting: Durability, calls: &[Call], handing: f64) -> Value {
    let of = |part: fn(&Call) -> f64| median(calls.iter().map(part));
    let (rate, with, writer) = (of(|c| c.rate), of(|c| c.all), of(|c| c.writer));
    let without = with - writer - handing;
    let name = name(setting);
    println!(
        "{name:<10} {rate:>9.0}  {with:>17.1}  {writer:>6.1}  {handing:>7.1}  {without:>7.1}  {:>12.2}",
        with / without
    );
    for (part, micros) in [("with", with), ("without", without)] {
        let estimate = format!("gate/{part}_{name}");
        keep_estimate(&verdict::folder(), &estimate, micros * 1e3).expect("it is kept");
    }
    json!({
        "durability": name,
        "calls_per_second": rate,
        "cpu_micros_per_call": with,
        "of_it_writer": writer,
        "of_it_handing": handing,
        "cpu_micros_without": without,
        "with_to_without": with / without,
    })
}

impl Gate {
    fn start(dir: &Path, setting: Durability, upstream: SocketAddr) -> Self {
        let dir = tempfile::Builder::new().prefix("gate-").tempdir_in(dir).expect("a directory");
        let path = |name: &str| dir.path().join(name);
        let settings = json!({
            "version": 1,
            "listeners": [
                { "type": "plain", "name": "plain", "bind": "127.0.0.1:0", "agent": AGENT },
            ],
            "agents": [{ "id": AGENT, "trust": "basic", "environment": "bench" }],
            "routes": [{
                "name": "up",
                "match": { "prefix": "/up" },
                "upstream": { "url": format!("http://{upstream}"), "allow_addresses": ["127.0.0.1"] },
            }],
            "policy": { "bundle": "policy.yaml" },
            "audit": { "spool": "spool", "durability": name(setting) },
            "admin": { "bind": "127.0.0.1:0" },
            "limits": { "agent_per_minute": 1_000_000, "agent_tool_per_minute": 1_000_000 },
        });
        std::fs::write(path("tollgate.yaml"), settings.to_string()).expect("it is written");
        std::fs::write(path("policy.yaml"), POLICY).expect("it is written");
        let log = path("log");
        let child = itself::tollgate()
            .args(["run", "--config"])
            .arg(path("tollgate.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("a gate");
        let began = Instant::now();
        let address = loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(address) = listening(&text) {
                break address;
            }
            assert!(began.elapsed() < START, "the gate did not start:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        };
        Self { child, address, _dir: dir }
    }

    async fn round(&self) -> Call {
        let used = || Used::of(self.child.id(), WRITER).expect("the gate lives");
        let (before, began) = (used(), Instant::now());
        load::call(self.address, AT_ONCE, CALLS).await;
        let took = began.elapsed();
        // The last outcomes are recorded a moment after their clients have the answer; at `memory`
        // they are written within 50 ms.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let used = used().since(before);
        let a_call = |used: Duration| used.as_secs_f64() * 1e6 / CALLS as f64;
        Call {
            rate: CALLS as f64 / took.as_secs_f64(),
            all: a_call(used.all()),
            writer: a_call(used.named),
        }
    }
}

/// The address of the listener, once the log tells it.
fn listening(log: &str) -> Option<SocketAddr> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told = lines.filter(|line| line.pointer("/message") == Some(&"listening".into()));
    told.find_map(|line| line.get("address")?.as_str()?.parse().ok())
}
