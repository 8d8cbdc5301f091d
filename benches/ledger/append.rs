//! What an event costs at each `audit.durability`: the ledger alone, with one caller and with many.
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tollgate::ledger::{Ledger, LedgerOptions};
use tollgate_audit::{EventType, Facts, keys};
use tollgate_benches::{Unit, Used, keep, median};
use tollgate_config::settings::Durability;

use crate::facts::facts;
use crate::{ROUNDS, SETTINGS, name};

/// Callers at once, and how many events they append together.
const LOADS: [(usize, usize); 2] = [(1, 2_000), (64, 20_000)];
/// The thread that writes.
pub(crate) const WRITER: &str = "ledger";

/// One round.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// Events a second.
    rate: f64,
    /// Microseconds of the writer's thread for an event.
    pub(crate) writer: f64,
    /// Those of all other threads: to make the facts, hand them over, wait and be woken.
    pub(crate) callers: f64,
    /// Events a write.
    batch: f64,
}

impl Cost {
    fn micros(self) -> f64 {
        self.writer + self.callers
    }
}

/// Measures, prints a table and gives it back.
pub(crate) fn bench(runtime: &Runtime, dir: &Path) -> Value {
    println!(
        "callers  durability   events/s  of process  CPU us/event  of process  writer  events/write"
    );
    let mut told = Vec::new();
    for (callers, events) in LOADS {
        let mut rounds = [const { Vec::new() }; SETTINGS.len()];
        for _ in 0..ROUNDS {
            for (setting, costs) in SETTINGS.into_iter().zip(&mut rounds) {
                costs.push(runtime.block_on(round(dir, setting, callers, events, Job::Append)));
            }
        }
        let medians = rounds.map(|costs| middle(&costs));
        let [_, process, _] = medians;
        for (setting, cost) in SETTINGS.into_iter().zip(medians) {
            let name = name(setting);
            println!(
                "{callers:>7}  {name:<10} {:>10.0}  {:>10.2}  {:>12.1}  {:>10.2}  {:>6.1}  {:>12.1}",
                cost.rate,
                cost.rate / process.rate,
                cost.micros(),
                cost.micros() / process.micros(),
                cost.writer,
                cost.batch,
            );
            let estimate = format!("append/{name}_{callers}");
            keep(&[(estimate, cost.micros() * 1e3)], Unit::Nanos);
            told.push(json!({
                "callers": callers,
                "durability": name,
                "events_per_second": cost.rate,
                "cpu_micros_per_event": cost.micros(),
                "of_it_writer": cost.writer,
                "events_per_write": cost.batch,
            }));
        }
    }
    Value::from(told)
}

pub(crate) fn middle(costs: &[Cost]) -> Cost {
    let of = |part: fn(&Cost) -> f64| median(costs.iter().map(part));
    Cost {
        rate: of(|cost| cost.rate),
        writer: of(|cost| cost.writer),
        callers: of(|cost| cost.callers),
        batch: of(|cost| cost.batch),
    }
}

/// What a caller does again and again.
#[derive(Clone, Copy)]
pub(crate) enum Job {
    /// Appends an event, and waits until it is recorded.
    Append,
    /// The two events of a call, as the walk hands them over: an intent that is waited for and an
    /// outcome that is not. Counted by the call.
    Call,
}

impl Job {
    async fn run(self, ledger: &Ledger) {
        let receipt = ledger.append(facts()).await.expect("it is recorded");
        if let Self::Call = self {
            ledger.note(outcome(&receipt.id().to_string()));
        }
    }
}

/// One round of a ledger without a gate.
pub(crate) async fn round(
    dir: &Path,
    setting: Durability,
    callers: usize,
    times: usize,
    job: Job,
) -> Cost {
    let spool = tempfile::Builder::new().prefix("append-").tempdir_in(dir).expect("a directory");
    let mut options = LedgerOptions::new(spool.path().join("spool"));
    options.durability = setting;
    let ledger = Ledger::open(options).await.expect("a ledger");
    let used = || Used::of(std::process::id(), WRITER).expect("Linux");
    let (before, began, commits) = (used(), Instant::now(), ledger.health().commits);
    let size = ledger.health().size;
    let tasks = (0..callers).map(|_| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            for _ in 0..times / callers {
                job.run(&ledger).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("it ends");
    }
    // The last outcomes were handed over and perhaps not yet taken.
    while ledger.health().queued > 0 {
        tokio::task::yield_now().await;
    }
    let (took, used) = (began.elapsed(), used().since(before));
    let health = ledger.health();
    ledger.stop().await.expect("a stop");
    let times = (times / callers * callers) as f64;
    Cost {
        rate: times / took.as_secs_f64(),
        writer: used.named.as_secs_f64() * 1e6 / times,
        callers: used.others.as_secs_f64() * 1e6 / times,
        batch: (health.size - size) as f64 / (health.commits - commits).max(1) as f64,
    }
}

fn outcome(intent: &str) -> Facts {
    Facts::new(EventType::CallOutcome, "spiffe://bench.test/agents/reader")
        .text(keys::INTENT, intent)
        .text(keys::ROUTE, "tools")
        .text(keys::HOST, "tools.bench.test")
        .text(keys::DESTINATION, "192.0.2.7:443")
        .number(keys::BYTES_IN, 512)
        .number(keys::STATUS, 200)
        .text("outcome", "answered")
        .number(keys::DURATION_MS, 18)
}
