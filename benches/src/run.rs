//! What was measured in this run goes into the report; the budget's verdict over it.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose numbers cannot be kept says so by stopping"
)]
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::Value;

use crate::budget::{BUDGET, Budget, Kept};
use crate::report::{Figure, Report, Unit, file, target};

/// Where criterion keeps its estimates: beside whatever else was built.
#[must_use]
pub fn folder() -> PathBuf {
    target().join("criterion")
}

/// This run, and no other.
fn run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        format!("{}-{}", now.as_secs(), std::process::id())
    })
}

/// Puts numbers of this run into the report.
///
/// # Panics
/// When the report cannot be read or written.
pub fn keep(figures: &[(String, f64)], unit: Unit) {
    change(|report| {
        for (name, value) in figures {
            let figure = Figure { value: *value, unit, run: run().to_owned() };
            report.figures.insert(name.clone(), figure);
        }
    });
}

/// Puts a table into the report.
///
/// # Panics
/// When the report cannot be read or written.
pub fn keep_table(name: &str, table: Value) {
    change(|report| {
        report.tables.insert(name.to_owned(), table);
    });
}

fn change(make: impl FnOnce(&mut Report)) {
    let mut report = Report::read(&file()).expect("the report can be read");
    make(&mut report);
    report.write(&file()).expect("the report can be written");
}

/// Prints those lines of the budget whose benchmark has a name of these beginnings, and says
/// whether all that was measured is within it.
///
/// # Panics
/// When the report cannot be read or written, or the budget does not fit it.
pub fn judge(began: SystemTime, mine: &[&str]) -> ExitCode {
    change(|report| {
        report.take_estimates(&folder(), began, run()).expect("criterion's estimates can be read");
    });
    let budget = Budget::parse(BUDGET).expect("the budget can be read");
    let report = Report::read(&file()).expect("the report can be read");
    let mut held = true;
    println!();
    for line in budget.judge(&report, Some(run())).expect("the budget has the report's units") {
        if mine.iter().any(|name| line.what.starts_with(name)) {
            held &= !matches!(line.kept, Kept::Broken(_));
            println!("{line}");
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
