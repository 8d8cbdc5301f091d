//! What was measured last, in one file that later runs add to.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// How many.
    Count,
    /// Nanoseconds.
    Nanos,
}

impl Unit {
    /// So much of it, for people.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Bytes if value < 1e6 => format!("{:.1} KiB", value / 1024.0),
            Self::Bytes => format!("{:.1} MiB", value / 1_048_576.0),
            Self::Count => format!("{value:.1}"),
            Self::Nanos if value < 1e6 => format!("{:.1} us", value / 1e3),
            Self::Nanos => format!("{:.1} ms", value / 1e6),
        }
    }
}

/// One number.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
    /// In which run: only what was measured in the same one may be compared.
    pub run: String,
}

/// All that was measured last. A later run replaces the numbers that it measured again.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// By name.
    pub figures: BTreeMap<String, Figure>,
    /// The tables that were shown, by name.
    pub tables: BTreeMap<String, Value>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// Its text is none.
    #[error("{0}: {1}")]
    Text(PathBuf, serde_json::Error),
    /// Criterion's text is none.
    #[error("the estimate of `{0}` cannot be read")]
    Estimate(String),
}

/// Where everything is built: `CARGO_TARGET_DIR`, else the workspace's own place.
#[must_use]
pub fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

/// The report's file.
#[must_use]
pub fn file() -> PathBuf {
    target().join("bench/report.json")
}

impl Report {
    /// Reads one; an empty one when there is none yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(file: &Path) -> Result<Self, ReportFault> {
        match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|fault| ReportFault::Text(file.to_owned(), fault)),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(fault) => Err(ReportFault::File(file.to_owned(), fault)),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), ReportFault> {
        let failed = |fault| ReportFault::File(file.to_owned(), fault);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|fault| ReportFault::Text(file.to_owned(), fault))?;
        std::fs::create_dir_all(file.parent().unwrap_or(file)).map_err(failed)?;
        let beside = file.with_extension("new");
        std::fs::write(&beside, text).map_err(failed)?;
        std::fs::rename(&beside, file).map_err(failed)
    }

    /// Takes what criterion wrote into its folder since a run began, as numbers of that run.
    ///
    /// # Errors
    /// When an estimate is there and cannot be read.
    pub fn take_estimates(
        &mut self,
        folder: &Path,
        began: SystemTime,
        run: &str,
    ) -> Result<(), ReportFault> {
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            let entries = std::fs::read_dir(&next).into_iter().flatten().flatten();
            folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
            let name = next.strip_prefix(folder).unwrap_or(&next).to_string_lossy().into_owned();
            if let Some(value) = estimate(&name, &next.join("new/estimates.json"), began)? {
                let figure = Figure { value, unit: Unit::Nanos, run: run.to_owned() };
                self.figures.insert(name, figure);
            }
        }
        Ok(())
    }
}

/// Nanoseconds of the median, which one slow moment of a shared machine does not move.
fn estimate(name: &str, file: &Path, began: SystemTime) -> Result<Option<f64>, ReportFault> {
    let fresh = file.metadata().and_then(|facts| facts.modified()).is_ok_and(|at| at >= began);
    if !fresh {
        return Ok(None);
    }
    let unreadable = || ReportFault::Estimate(name.to_owned());
    let text = std::fs::read(file).map_err(|_| unreadable())?;
    let estimates: Value = serde_json::from_slice(&text).map_err(|_| unreadable())?;
    let median = estimates.pointer("/median/point_estimate").and_then(Value::as_f64);
    median.filter(|nanos| *nanos > 0.0).map(Some).ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_criterion_wrote_since_a_run_began_is_taken() {
        let folder = std::env::temp_dir().join(format!("tollgate-report-{}", std::process::id()));
        let place = folder.join("a/1/new");
        std::fs::create_dir_all(&place).unwrap();
        let text = r#"{"median":{"point_estimate":150.0}}"#;
        std::fs::write(place.join("estimates.json"), text).unwrap();
        let mut report = Report::default();
        let later = SystemTime::now() + std::time::Duration::from_secs(3600);
        report.take_estimates(&folder, later, "now").unwrap();
        assert_eq!(report, Report::default());
        report.take_estimates(&folder, SystemTime::UNIX_EPOCH, "now").unwrap();
        let figure = Figure { value: 150.0, unit: Unit::Nanos, run: "now".to_owned() };
        assert_eq!(report.figures.get("a/1"), Some(&figure));

        let file = folder.join("deep/report.json");
        assert_eq!(Report::read(&file).unwrap(), Report::default());
        report.write(&file).unwrap();
        assert_eq!(Report::read(&file).unwrap(), report);
        std::fs::write(&file, "{").unwrap();
        assert!(Report::read(&file).is_err());
        std::fs::write(place.join("estimates.json"), "{}").unwrap();
        assert!(report.take_estimates(&folder, SystemTime::UNIX_EPOCH, "now").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
