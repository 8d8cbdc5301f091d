//! What the record costs: an event at each `audit.durability`, and its share of a call through the
//! gate; and then the budget.
//!
//! `cargo bench -p tollgate-benches --bench ledger`; a word after `--` picks `append` or `gate`.
//! `TOLLGATE_BENCH_DIR` says which disk is measured; the target directory's when it is not set.
//! Rounds alternate between the settings, so that a machine that is busy for a while is busy for
//! all of them, and medians are told. Costs are processor time, not time on the wall.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose stage cannot be set measures nothing, and says so by stopping"
)]
mod append;
#[path = "../shared/facts.rs"]
mod facts;
mod gate;
#[path = "../shared/itself.rs"]
mod itself;
#[path = "../shared/load.rs"]
mod load;
#[path = "../shared/stage.rs"]
mod stage;
#[path = "../shared/gate.rs"]
mod started;

use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tollgate_config::settings::Durability;

const ROUNDS: usize = 5;
const SETTINGS: [Durability; 3] = [Durability::Disk, Durability::Process, Durability::Memory];

fn main() -> ExitCode {
    if let Some(code) = itself::if_asked() {
        return code;
    }
    let words = stage::words();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let began = SystemTime::now();
    let dir = stage::dir();
    let runtime = stage::runtime();
    let mut told = Map::new();
    if wanted("append") {
        told.insert("append".to_owned(), append::bench(&runtime, &dir));
    }
    if wanted("gate") {
        told.insert("gate".to_owned(), gate::bench(&runtime, &dir));
    }
    if told.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\n{}", Value::Object(told));
    tollgate_benches::judge(began, &["append/", "gate/"])
}

/// The name of a setting, as it is written.
fn name(setting: Durability) -> String {
    format!("{setting:?}").to_lowercase()
}
