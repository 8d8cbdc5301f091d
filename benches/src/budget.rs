//! The budget: what each part of a call may cost.
use serde::Deserialize;

use crate::report::{Figure, Report, Unit};

/// The budget's own text.
pub const BUDGET: &str = include_str!("../budget.toml");

/// What may cost how much.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    #[serde(default)]
    ratio: Vec<Ratio>,
    #[serde(default)]
    limit: Vec<Limit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ratio {
    what: String,
    against: String,
    at_most: f64,
    why: String,
    #[serde(default)]
    needs: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    what: String,
    unit: Unit,
    at_most: f64,
    why: String,
    #[serde(default)]
    needs: Option<String>,
}

/// A line of the budget, and how it was kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Line<'a> {
    /// What has a budget.
    pub what: &'a str,
    /// What it is held against, when that was measured, too.
    pub against: Option<&'a str>,
    /// What it counts, when the limit is absolute.
    pub unit: Option<Unit>,
    /// How much it may be.
    pub at_most: f64,
    /// Why this number.
    pub why: &'a str,
    /// What it is not measured without, and need not be there.
    pub needs: Option<&'a str>,
    /// What was found.
    pub kept: Kept,
}

/// How a line of the budget was kept.
#[derive(Clone, PartialEq, Debug)]
pub enum Kept {
    /// It holds.
    Within(f64),
    /// It does not.
    Broken(f64),
    /// It was not measured, or its two sides in different runs.
    Unmeasured,
}

/// Why there is no verdict at all.
#[derive(Debug, thiserror::Error)]
pub enum BudgetFault {
    /// The budget file has a mistake.
    #[error("the budget cannot be read: {0}")]
    Unreadable(String),
    /// What has a limit in one unit was measured in another.
    #[error("`{0}` is measured in another unit than its limit")]
    Unit(String),
}

impl Budget {
    /// Reads the budget file's text.
    ///
    /// # Errors
    /// When it has a mistake, or a number that nothing can exceed or keep.
    pub fn parse(text: &str) -> Result<Self, BudgetFault> {
        let budget: Self =
            toml::from_str(text).map_err(|error| BudgetFault::Unreadable(error.to_string()))?;
        let ratios = budget.ratio.iter().map(|ratio| (&ratio.what, ratio.at_most));
        let limits = budget.limit.iter().map(|limit| (&limit.what, limit.at_most));
        for (name, at_most) in ratios.chain(limits) {
            if !at_most.is_finite() || at_most <= 0.0 {
                return Err(BudgetFault::Unreadable(format!("`{name}`: `at_most` is no limit")));
            }
        }
        Ok(budget)
    }

    /// Every line, with how it was kept by what stands in the report; only by what was measured in
    /// one run, when that is named.
    ///
    /// # Errors
    /// When a limit is in another unit than what was measured.
    pub fn judge<'a>(
        &'a self,
        report: &Report,
        run: Option<&str>,
    ) -> Result<Vec<Line<'a>>, BudgetFault> {
        let figure = |name: &str| {
            let figure = report.figures.get(name);
            figure.filter(|figure| run.is_none_or(|run| figure.run == run))
        };
        let ratios = self.ratio.iter().map(|ratio| Ok(ratio.line(figure)));
        ratios.chain(self.limit.iter().map(|limit| limit.line(figure))).collect()
    }
}

impl Ratio {
    fn line<'a, 'r>(&'a self, figure: impl Fn(&str) -> Option<&'r Figure>) -> Line<'a> {
        let both = figure(&self.what).zip(figure(&self.against));
        let both = both.filter(|(what, against)| what.run == against.run);
        Line {
            what: &self.what,
            against: Some(&self.against),
            unit: None,
            at_most: self.at_most,
            why: &self.why,
            needs: self.needs.as_deref(),
            kept: kept(both.map(|(what, against)| what.value / against.value), self.at_most),
        }
    }
}

impl Limit {
    fn line<'a, 'r>(
        &'a self,
        figure: impl Fn(&str) -> Option<&'r Figure>,
    ) -> Result<Line<'a>, BudgetFault> {
        let figure = figure(&self.what);
        if figure.is_some_and(|figure| figure.unit != self.unit) {
            return Err(BudgetFault::Unit(self.what.clone()));
        }
        Ok(Line {
            what: &self.what,
            against: None,
            unit: Some(self.unit),
            at_most: self.at_most,
            why: &self.why,
            needs: self.needs.as_deref(),
            kept: kept(figure.map(|figure| figure.value), self.at_most),
        })
    }
}

fn kept(found: Option<f64>, at_most: f64) -> Kept {
    match found.filter(|found| found.is_finite()) {
        Some(found) if found <= at_most => Kept::Within(found),
        Some(found) => Kept::Broken(found),
        None => Kept::Unmeasured,
    }
}

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown =
            |value: f64| self.unit.map_or_else(|| format!("{value:.2}"), |unit| unit.shown(value));
        match self.kept {
            Kept::Within(found) => write!(out, "ok      {:>10}", shown(found)),
            Kept::Broken(found) => write!(out, "BROKEN  {:>10}", shown(found)),
            Kept::Unmeasured => write!(out, "not measured      "),
        }?;
        write!(out, " of {:>10}  {}", shown(self.at_most), self.what)?;
        self.against.map_or(Ok(()), |against| write!(out, " / {against}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(figures: &[(&str, f64, Unit, &str)]) -> Report {
        let figures = figures.iter().map(|(name, value, unit, run)| {
            ((*name).to_owned(), Figure { value: *value, unit: *unit, run: (*run).to_owned() })
        });
        Report { figures: figures.collect(), ..Report::default() }
    }

    #[test]
    fn lines_are_judged_by_what_was_measured_in_one_run() {
        let report = report(&[
            ("a/1", 100.0, Unit::Nanos, "now"),
            ("a/2", 150.0, Unit::Nanos, "now"),
            ("a/3", 150.0, Unit::Nanos, "before"),
            ("b", 4096.0, Unit::Bytes, "before"),
        ]);
        let ratio = |what: &str, against: &str, at_most: f64| {
            format!(
                "[[ratio]]\nwhat = '{what}'\nagainst = '{against}'\nat_most = {at_most}\nwhy = ''"
            )
        };
        let limit = |at_most: f64| {
            format!("[[limit]]\nwhat = 'b'\nunit = 'bytes'\nat_most = {at_most}\nwhy = ''")
        };
        for (text, run, expect) in [
            (ratio("a/2", "a/1", 1.5), None, Kept::Within(1.5)),
            (ratio("a/2", "a/1", 1.4), Some("now"), Kept::Broken(1.5)),
            (ratio("a/1", "a/2", 1.0), None, Kept::Within(100.0 / 150.0)),
            (ratio("a/2", "a/1", 1.5), Some("before"), Kept::Unmeasured),
            (ratio("a/3", "a/1", 9.0), None, Kept::Unmeasured),
            (ratio("a/4", "a/1", 9.0), None, Kept::Unmeasured),
            (limit(4096.0), None, Kept::Within(4096.0)),
            (limit(4095.0), None, Kept::Broken(4096.0)),
            (limit(4096.0), Some("now"), Kept::Unmeasured),
        ] {
            let budget = Budget::parse(&text).unwrap();
            let lines = budget.judge(&report, run).unwrap();
            assert_eq!(lines[0].kept, expect, "{text}");
        }
        let other = Budget::parse("[[limit]]\nwhat='a/1'\nunit='bytes'\nat_most=1\nwhy=''");
        assert!(other.unwrap().judge(&report, None).is_err());
    }

    #[test]
    fn mistakes_in_the_budget_are_told() {
        for text in [
            "ratio = 1",
            "[[ratio]]\nwhat = 'a'\nagainst = 'b'\nat_most = 0.0\nwhy = ''",
            "[[ratio]]\nwhat = 'a'\nagainst = 'b'\nat_most = nan\nwhy = ''",
            "[[ratio]]\nwhat = 'a'\nagainst = 'b'\nat_most = 1.0\nwhy = ''\nnanos = 5",
            "[[limit]]\nwhat = 'a'\nunit = 'miles'\nat_most = 1.0\nwhy = ''",
            "[[limit]]\nwhat = 'a'\nunit = 'bytes'\nat_most = -1.0\nwhy = ''",
        ] {
            assert!(Budget::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_budget_itself_can_be_read() {
        let budget = Budget::parse(BUDGET).unwrap();
        assert!(!budget.judge(&Report::default(), None).unwrap().is_empty());
    }
}
