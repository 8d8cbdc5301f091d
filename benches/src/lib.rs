//! The budget: what each part of a call may cost, as a ratio to something that was measured in
//! the same run.
//!
//! An absolute time says more about the machine than about the code, so there is none in
//! `budget.toml`. A [`Budget`] compares two estimates that criterion wrote after the run began;
//! when one of them was not measured this time, there is nothing to compare, and it says so.
mod processor;

use std::path::Path;
use std::time::SystemTime;

pub use processor::Used;

use serde::Deserialize;

/// What may cost how much.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    ratio: Vec<Ratio>,
}

/// One line of the budget.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// The benchmark that has a budget.
    pub what: String,
    /// The benchmark it is held against.
    pub against: String,
    /// How many times as long it may take.
    pub at_most: f64,
    /// Why this number.
    pub why: String,
}

/// How a line of the budget was kept.
#[derive(Clone, PartialEq, Debug)]
pub enum Kept {
    /// It holds.
    Within(f64),
    /// It does not.
    Broken(f64),
    /// One side was not measured in this run.
    Unmeasured,
}

/// Why there is no verdict at all.
#[derive(Debug, thiserror::Error)]
pub enum BudgetFault {
    /// The budget file has a mistake.
    #[error("the budget cannot be read: {0}")]
    Unreadable(String),
    /// An estimate is there but cannot be read.
    #[error("the estimate of `{0}` cannot be read")]
    Estimate(String),
}

impl Budget {
    /// Reads the budget file's text.
    ///
    /// # Errors
    /// When it has a mistake, or a ratio that nothing can exceed or keep.
    pub fn parse(text: &str) -> Result<Self, BudgetFault> {
        let budget: Self =
            toml::from_str(text).map_err(|error| BudgetFault::Unreadable(error.to_string()))?;
        for ratio in &budget.ratio {
            if !ratio.at_most.is_finite() || ratio.at_most <= 0.0 {
                let name = &ratio.what;
                return Err(BudgetFault::Unreadable(format!("`{name}`: `at_most` is no ratio")));
            }
        }
        Ok(budget)
    }

    /// Every line, with how it was kept by what criterion wrote into `folder` since `began`.
    ///
    /// # Errors
    /// When an estimate is there and cannot be read.
    pub fn judge(
        &self,
        folder: &Path,
        began: SystemTime,
    ) -> Result<Vec<(&Ratio, Kept)>, BudgetFault> {
        let line = |ratio| Ok((ratio, kept(ratio, folder, began)?));
        self.ratio.iter().map(line).collect()
    }
}

fn kept(ratio: &Ratio, folder: &Path, began: SystemTime) -> Result<Kept, BudgetFault> {
    let what = estimate(&ratio.what, folder, began)?;
    let against = estimate(&ratio.against, folder, began)?;
    Ok(match (what, against) {
        (Some(what), Some(against)) if what / against <= ratio.at_most => {
            Kept::Within(what / against)
        }
        (Some(what), Some(against)) => Kept::Broken(what / against),
        _ => Kept::Unmeasured,
    })
}

/// Nanoseconds of the median, which one slow moment of a shared machine does not move.
fn estimate(name: &str, folder: &Path, began: SystemTime) -> Result<Option<f64>, BudgetFault> {
    let file = folder.join(name).join("new/estimates.json");
    let fresh = file.metadata().and_then(|facts| facts.modified()).is_ok_and(|at| at >= began);
    if !fresh {
        return Ok(None);
    }
    let unreadable = || BudgetFault::Estimate(name.to_owned());
    let text = std::fs::read(&file).map_err(|_| unreadable())?;
    let estimates: serde_json::Value = serde_json::from_slice(&text).map_err(|_| unreadable())?;
    let median = estimates.pointer("/median/point_estimate").and_then(serde_json::Value::as_f64);
    median.filter(|nanos| *nanos > 0.0).map(Some).ok_or_else(unreadable)
}

/// Keeps what was measured without criterion where criterion keeps its own, for the budget.
///
/// # Errors
/// When it cannot be written.
pub fn keep_estimate(folder: &Path, name: &str, nanos: f64) -> std::io::Result<()> {
    let place = folder.join(name).join("new");
    std::fs::create_dir_all(&place)?;
    let estimates = serde_json::json!({ "median": { "point_estimate": nanos } });
    std::fs::write(place.join("estimates.json"), estimates.to_string())
}

/// The middle one; zero when there is none.
#[must_use]
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder as criterion leaves it.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn of(estimates: &[(&str, f64)]) -> Self {
            let name = format!("tollgate-budget-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            for (name, nanos) in estimates {
                keep_estimate(&folder, name, *nanos).unwrap();
            }
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn ratios_are_judged_by_what_was_measured_now() {
        let began = SystemTime::UNIX_EPOCH;
        let folder = Folder::of(&[("a/1", 100.0), ("a/2", 150.0)]);
        for (what, against, at_most, expect) in [
            ("a/2", "a/1", 1.5, Kept::Within(1.5)),
            ("a/2", "a/1", 1.4, Kept::Broken(1.5)),
            ("a/1", "a/2", 1.0, Kept::Within(100.0 / 150.0)),
            ("a/3", "a/1", 1.0, Kept::Unmeasured),
        ] {
            let text = format!(
                "[[ratio]]\nwhat = '{what}'\nagainst = '{against}'\nat_most = {at_most}\nwhy = ''"
            );
            let budget = Budget::parse(&text).unwrap();
            assert_eq!(budget.judge(&folder.0, began).unwrap()[0].1, expect, "{text}");
        }
        let stale = SystemTime::now() + std::time::Duration::from_secs(3600);
        let text = "[[ratio]]\nwhat = 'a/2'\nagainst = 'a/1'\nat_most = 9.0\nwhy = ''";
        let budget = Budget::parse(text).unwrap();
        assert_eq!(budget.judge(&folder.0, stale).unwrap()[0].1, Kept::Unmeasured);
    }

    #[test]
    fn mistakes_in_the_budget_are_told() {
        for text in [
            "ratio = 1",
            "[[ratio]]\nwhat = 'a'\nagainst = 'b'\nat_most = 0.0\nwhy = ''",
            "[[ratio]]\nwhat = 'a'\nagainst = 'b'\nat_most = nan\nwhy = ''",
            "[[ratio]]\nwhat = 'a'\nagainst = 'b'\nat_most = 1.0\nwhy = ''\nnanos = 5",
        ] {
            assert!(Budget::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_budget_itself_can_be_read() {
        let budget = Budget::parse(include_str!("../budget.toml")).unwrap();
        assert!(!budget.ratio.is_empty());
    }
}
