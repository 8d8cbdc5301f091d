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
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tollgate_benches::{Unit, Used, keep, median};
use tollgate_config::settings::Durability;

use crate::append::{self, Job, WRITER, middle};
use crate::started::Gate;
use crate::{ROUNDS, SETTINGS, itself, load, name};

/// Agents that call at once.
const AT_ONCE: usize = 16;
/// Calls of a round.
const CALLS: usize = 4_000;
const ANSWER: &str = r#"{"order":"4711","lines":3,"state":"waiting for stock","total":"118.40"}"#;

const AGENT: &str = "spiffe://bench.test/agents/reader";
const POLICY: &str = "version: bench\ngenerated_at: 2026-01-01T00:00:00Z\n\
    expires_at: 2126-01-01T00:00:00Z\ndefaults: { outcome: DENY }\nrules:\n\
    - { id: everything, match: { protocol: [http] }, outcome: ALLOW }\n";

/// Measures, prints a table and gives it back.
pub(crate) fn bench(runtime: &Runtime, dir: &Path) -> Value {
    let upstream = runtime.block_on(load::serve(load::document(ANSWER)));
    let gates = SETTINGS.map(|setting| start(dir, setting, upstream));
    let mut rounds = [const { Vec::new() }; SETTINGS.len()];
    let mut beside = [const { Vec::new() }; SETTINGS.len()];
    // One more, which warms up and is thrown away.
    for round in 0..=ROUNDS {
        for (place, setting) in SETTINGS.into_iter().enumerate() {
            let call = gates.get(place).map(|gate| runtime.block_on(self::round(gate)));
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
        keep(&[(estimate, micros * 1e3)], Unit::Nanos);
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

fn start(dir: &Path, setting: Durability, upstream: SocketAddr) -> Gate {
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
    Gate::start(itself::tollgate(), dir, (&settings, POLICY), |_| ())
}

async fn round(gate: &Gate) -> Call {
    let used = || Used::of(gate.child.id(), WRITER).expect("the gate lives");
    let (before, began) = (used(), Instant::now());
    load::Call::post(gate.address, "/up/orders", "", &body()).make(AT_ONCE, CALLS).await;
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

/// One KiB of JSON, as an agent sends it.
fn body() -> String {
    let note = "Leave it at the door and ring twice. ".repeat(40);
    let around = r#"{"customer":"c-1001","note":""}"#.len();
    let note: String = note.chars().take(1024 - around).collect();
    format!(r#"{{"customer":"c-1001","note":"{note}"}}"#)
}
