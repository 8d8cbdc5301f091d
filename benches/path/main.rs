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
mod growth;
#[path = "../shared/itself.rs"]
mod itself;
#[path = "../shared/load.rs"]
mod load;
mod peers;
mod pin;
mod rounds;
#[path = "../shared/scene.rs"]
mod scene;
mod seats;
mod series;
#[path = "../shared/settings.rs"]
mod settings;
#[path = "../shared/stage.rs"]
mod stage;
mod table;
#[expect(dead_code, reason = "here nothing is to be found")]
#[path = "../shared/traffic.rs"]
mod traffic;
mod weight;

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::scene::{SCENES, Scene};
use crate::seats::Place;

const ROUNDS: usize = 5;
/// Agents that call at once.
const AT_ONCE: usize = 32;

fn main() -> ExitCode {
    if let Some(code) = itself::if_asked() {
        return code;
    }
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first provider");
    let words = stage::words();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let began = SystemTime::now();
    let dir = stage::dir();
    pin::this_process();
    let runtime = stage::runtime();
    let mut told = Map::new();
    for scene in SCENES {
        let name = format!("path/{}", scene.name);
        if wanted(&name) {
            told.insert(name, runtime.block_on(bench(scene, &dir)));
        }
    }
    series::bench(&runtime, &dir, &wanted, &mut told);
    growth::bench(&runtime, &dir, &wanted, &mut told);
    if wanted("weight") {
        told.insert("weight".to_owned(), weight::bench(&dir));
    }
    if told.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\n{}", Value::Object(told));
    tollgate_benches::judge(began, &["path/", "series/", "growth/", "weight/"])
}

/// Measures every proxy in one scenario.
async fn bench(scene: &Scene, dir: &Path) -> Value {
    let place = Place::new(scene, dir).await;
    let seats = place.all();
    let wanted: Vec<_> = seats.iter().map(|seat| (seat, scene.calls)).collect();
    let rows = rounds::medians(&wanted, AT_ONCE, rounds::count(ROUNDS)).await;
    let rows: Vec<_> = seats.iter().zip(rows).collect();
    table::tell(("path", scene.name), &rows, &["bare", "nginx_kept", "gate_mtls_kept"])
}
