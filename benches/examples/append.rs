//! What an event costs at each `audit.durability`, in one run: events a second, CPU an event, and
//! both as ratios to `process`.
//!
//! `cargo run --release -p tollgate-benches --example append [DIR]`; the directory decides which
//! disk is measured. Rounds alternate between the settings, so that a machine that is busy for a
//! while is busy for all of them, and the median of each is told.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose stage cannot be set measures nothing, and says so by stopping"
)]
use std::path::Path;
use std::time::{Duration, Instant};

use tollgate::ledger::{Ledger, LedgerOptions};
use tollgate_audit::{EventType, Facts, keys};
use tollgate_config::settings::Durability;

const ROUNDS: usize = 5;
const SETTINGS: [Durability; 3] = [Durability::Disk, Durability::Process, Durability::Memory];
/// Callers at once, and how many events they append together.
const LOADS: [(usize, usize); 2] = [(1, 2_000), (64, 20_000)];

/// One round.
#[derive(Clone, Copy)]
struct Cost {
    events_a_second: f64,
    cpu_micros: f64,
    commits: f64,
}

fn main() {
    let dir = std::env::args_os().nth(1).unwrap_or_else(|| std::env::temp_dir().into());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    println!(
        "callers  durability   events/s   of process   CPU us/event   of process   events/write"
    );
    for (callers, events) in LOADS {
        let mut rounds = [const { Vec::new() }; SETTINGS.len()];
        for _ in 0..ROUNDS {
            for (setting, costs) in SETTINGS.into_iter().zip(&mut rounds) {
                costs.push(runtime.block_on(round(Path::new(&dir), setting, callers, events)));
            }
        }
        let medians = rounds.map(median);
        let [_, process, _] = medians;
        for (setting, cost) in SETTINGS.into_iter().zip(medians) {
            let name = format!("{setting:?}").to_lowercase();
            println!(
                "{callers:>7}  {name:<10} {:>10.0}   {:>10.2}   {:>12.1}   {:>10.2}   {:>12.1}",
                cost.events_a_second,
                cost.events_a_second / process.events_a_second,
                cost.cpu_micros,
                cost.cpu_micros / process.cpu_micros,
                cost.commits,
            );
        }
    }
}

fn median(mut costs: Vec<Cost>) -> Cost {
    let middle = costs.len() / 2;
    let mut cpu = costs.clone();
    cpu.sort_by(|a, b| a.cpu_micros.total_cmp(&b.cpu_micros));
    costs.sort_by(|a, b| a.events_a_second.total_cmp(&b.events_a_second));
    let (rate, cpu) = (costs.get(middle).expect("a round"), cpu.get(middle).expect("a round"));
    Cost { cpu_micros: cpu.cpu_micros, ..*rate }
}

async fn round(dir: &Path, setting: Durability, callers: usize, events: usize) -> Cost {
    let spool = tempfile::Builder::new().prefix("append-").tempdir_in(dir).expect("a directory");
    let mut options = LedgerOptions::new(spool.path().join("spool"));
    options.durability = setting;
    let ledger = Ledger::open(options).await.expect("a ledger");
    let (began, cpu) = (Instant::now(), cpu_time());
    let tasks = (0..callers).map(|_| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            for _ in 0..events / callers {
                ledger.append(facts()).await.expect("it is recorded");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("it ends");
    }
    let (took, cpu) = (began.elapsed(), cpu_time() - cpu);
    let health = ledger.health();
    ledger.stop().await.expect("a stop");
    let written = health.written as f64;
    Cost {
        events_a_second: written / took.as_secs_f64(),
        cpu_micros: cpu.as_secs_f64() * 1e6 / written,
        commits: written / health.commits.max(1) as f64,
    }
}

/// User and system time of this process, in hundredths of a second as Linux counts it.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(") ").expect("its form");
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// What an allowed tool call leaves.
fn facts() -> Facts {
    Facts::new(EventType::CallIntent, "spiffe://bench.test/agents/reader")
        .revision("0123456789abcdef")
        .text(keys::SOURCE, "127.0.0.1")
        .text("listener", "local")
        .text(keys::EFFECT, "allow")
        .text(keys::ROUTE, "tools")
        .text(keys::PROTOCOL, "mcp")
        .text("http_method", "POST")
        .text(keys::HOST, "tools.bench.test")
        .number(keys::PORT, 443)
        .text(keys::PATH, "/mcp")
        .text("path_print", "00112233445566778899aabbccddeeff")
        .text(keys::METHOD, "tools/call")
        .text(keys::TOOL, "search")
        .text(keys::RULE, "search")
        .number(keys::BYTES_OUT, 160)
}
