//! What a call costs a proxy, from the bare pass-through to the gate with everything on.
//!
//! `cargo bench -p tollgate-benches --bench path`; words after `--` pick scenarios. Every proxy has
//! a processor of its own, the agents and the tool server another one; rounds alternate between the
//! proxies, so that a machine that is busy for a while is busy for all of them, and medians are
//! told. Cost is processor time of the proxy's threads as Linux counts it.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose stage cannot be set measures nothing, and says so by stopping"
)]
mod certificates;
#[path = "../shared/gate.rs"]
mod gate;
#[path = "../shared/itself.rs"]
mod itself;
#[path = "../shared/load.rs"]
mod load;
mod pin;
mod scene;
mod seats;
#[path = "../shared/stage.rs"]
mod stage;
mod table;
#[expect(dead_code, reason = "here nothing is to be found")]
#[path = "../shared/traffic.rs"]
mod traffic;
#[path = "../shared/verdict.rs"]
mod verdict;

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};
use tollgate_benches::Used;

use crate::scene::{SCENES, Scene};
use crate::seats::Seat;
use crate::table::Round;

const ROUNDS: usize = 5;
/// Agents that call at once.
const AT_ONCE: usize = 32;

fn main() -> ExitCode {
    if let Some(code) = itself::if_asked() {
        return code;
    }
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first provider");
    let words = stage::words();
    let began = SystemTime::now();
    let dir = stage::dir();
    pin::this_process();
    let runtime = stage::runtime();
    let mut told = Map::new();
    for scene in SCENES {
        let name = format!("path/{}", scene.name);
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            let rows = runtime.block_on(bench(scene, &dir));
            told.insert(scene.name.to_owned(), table::tell(scene, &rows));
        }
    }
    println!("\n{}", Value::Object(told));
    verdict::judge(began, &["path/"])
}

/// Measures every proxy in one scenario.
async fn bench(scene: &Scene, dir: &std::path::Path) -> Vec<(Seat, Vec<Round>)> {
    let upstream = load::serve(&scene.answer()).await;
    let seats = seats::all(scene, upstream, dir);
    let mut rows: Vec<_> = seats.into_iter().map(|seat| (seat, Vec::new())).collect();
    // One more, which warms up and is thrown away.
    for nth in 0..=ROUNDS {
        for (seat, rounds) in &mut rows {
            let measured = round(scene, seat).await;
            if nth > 0 {
                rounds.push(measured);
            }
        }
    }
    rows
}

async fn round(scene: &Scene, seat: &Seat) -> Round {
    let used = || seat.pid().map(|pid| Used::of(pid, "").expect("it lives").all());
    let (before, began) = (used(), Instant::now());
    seat.call.make(AT_ONCE, scene.calls).await;
    let took = began.elapsed();
    // The last outcomes are recorded a moment after their clients have the answer.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let used = used().zip(before).map(|(after, before)| after.saturating_sub(before));
    let calls = (scene.calls / AT_ONCE * AT_ONCE) as f64;
    Round {
        rate: calls / took.as_secs_f64(),
        micros: used.map_or(0.0, |used| used.as_secs_f64() * 1e6 / calls),
    }
}
