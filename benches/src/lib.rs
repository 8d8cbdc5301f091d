//! What is measured, how it is kept, and the budget that it is held against.
//!
//! A [`Report`] is what the last runs of the benchmarks found, in one file. A [`Budget`] says how
//! many times as much one thing may cost as another that was measured in the same run: an absolute
//! time says more about the machine than about the code. What has an absolute limit is what says
//! little about the machine: bytes, and how long a start takes.
mod budget;
mod picture;
mod processor;
mod report;
mod run;

pub use budget::{BUDGET, Budget, BudgetFault, Kept, Line};
pub use picture::draw;
pub use processor::Used;
pub use report::{Figure, Report, ReportFault, Unit, file, target};
pub use run::{folder, judge, keep, keep_table};

/// The middle one; zero when there is none.
#[must_use]
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    at(numbers, 0.5)
}

/// The one below which such a share of them lies; zero when there is none.
#[must_use]
pub fn at(numbers: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let place = (numbers.len() as f64 * share) as usize;
    numbers.get(place.min(numbers.len().saturating_sub(1))).copied().unwrap_or_default()
}
