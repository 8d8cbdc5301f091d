//! What a gate holds for a connection on which nothing happens any more.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tollgate_benches::{Unit, keep, keep_table};

use super::{SCENE, guards};
use crate::load::Opened;
use crate::seats::{Place, Seat};

const WANTED: usize = 10_000;
/// Files that this process has open beside them.
const BESIDE: u64 = 500;
const AT_ONCE: usize = 32;

pub(crate) async fn bench(dir: &Path) -> Value {
    let count = count();
    let place = Place::new(&SCENE, dir).await;
    let mut figures = Vec::new();
    let mut rows = Vec::new();
    println!("\n{count} idle connections: KiB of each");
    for (name, guards) in [("plain", guards("gate_least")), ("tls", guards("gate_mtls"))] {
        let more = json!({
            "bounds": { "connections": count + 100 }, "deadlines": { "keep_alive_ms": 600_000 },
        });
        let seat = place.gate_with(guards, more);
        let each = measure(&seat, count).await;
        println!("{name:<8} {:>8.1}", each / 1024.0);
        figures.push((format!("series/idle_{name}"), each));
        rows.push(json!({ "listener": name, "connections": count, "bytes_each": each }));
    }
    keep(&figures, Unit::Bytes);
    let table = Value::from(rows);
    keep_table("series/idle", table.clone());
    table
}

/// Ten thousand, or as many as may be open here.
fn count() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let may = if raised.is_ok() { limit.maximum } else { limit.current };
    let room =
        may.map_or(WANTED, |may| usize::try_from(may.saturating_sub(BESIDE)).unwrap_or(WANTED));
    WANTED.min(room)
}

/// Bytes of each of so many, on each of which one call was made.
async fn measure(seat: &Seat, count: usize) -> f64 {
    // Whatever the first calls make it hold is not theirs.
    seat.call.make(AT_ONCE, 2_000).await;
    settle().await;
    let before = seat.resident().expect("it lives");
    let mut opening = JoinSet::new();
    let turns = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    for _ in 0..count {
        let (call, turns) = (seat.call.clone(), Arc::clone(&turns));
        opening.spawn(async move {
            let _turn = turns.acquire().await;
            call.connected(1).await
        });
    }
    let open: Vec<Opened> = opening.join_all().await;
    settle().await;
    let after = seat.resident().expect("it lives");
    drop(open);
    (after - before).max(0.0) / count as f64
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}
