//! The budget's verdict over what was measured in this run.
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use tollgate_benches::{Budget, BudgetFault, Kept};

const BUDGET: &str = include_str!("../budget.toml");

/// Where criterion keeps its estimates: beside whatever else was built.
pub(crate) fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    target.join("criterion")
}

/// Prints those lines of the budget whose benchmark has a name of these beginnings, and says
/// whether all that was measured is within it.
pub(crate) fn judge(began: SystemTime, mine: &[&str]) -> ExitCode {
    match lines(began, mine) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn lines(began: SystemTime, mine: &[&str]) -> Result<bool, BudgetFault> {
    let budget = Budget::parse(BUDGET)?;
    let mut held = true;
    println!();
    for (ratio, kept) in budget.judge(&folder(), began)? {
        if !mine.iter().any(|name| ratio.what.starts_with(name)) {
            continue;
        }
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
