//! The parts of a call, each alone, and then the budget.
//!
//! `cargo bench -p tollgate-benches`; a word after `--` picks benchmarks by name.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose stage cannot be set measures nothing, and says so by stopping"
)]
mod decide;
mod dlp;
mod json;
mod record;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use criterion::Criterion;
use tollgate_benches::{Budget, BudgetFault, Kept};

const BUDGET: &str = include_str!("../budget.toml");

fn main() -> ExitCode {
    let folder = folder();
    let began = SystemTime::now();
    let mut criterion = Criterion::default()
        // Short enough to be run before every push; a ratio needs no more.
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .output_directory(&folder)
        .configure_from_args();
    decide::bench(&mut criterion);
    record::bench(&mut criterion);
    json::bench(&mut criterion);
    dlp::bench(&mut criterion);
    criterion.final_summary();
    match judge(&folder, began) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

/// Where criterion keeps its estimates: beside whatever else was built.
fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    target.join("criterion")
}

/// Prints the budget and says whether all that was measured is within it.
fn judge(folder: &Path, began: SystemTime) -> Result<bool, BudgetFault> {
    let budget = Budget::parse(BUDGET)?;
    let mut held = true;
    println!();
    for (ratio, kept) in budget.judge(folder, began)? {
        let verdict = match kept {
            Kept::Within(found) => format!("ok      {found:>8.2}"),
            Kept::Broken(found) => {
                held = false;
                format!("BROKEN  {found:>8.2}")
            }
            Kept::Unmeasured => "not measured    ".to_owned(),
        };
        println!("{verdict} of {:>6.2}  {} / {}", ratio.at_most, ratio.what, ratio.against);
    }
    Ok(held)
}
