//! `tollgate dlp test`.
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tollgate_dlp::{Failure, Grade, Trial};

use super::super::{EXIT_FAULT, EXIT_USAGE, audit::tame, complain};
use super::policy::Inspection;
use super::told;

const EXAMPLES: &str = "\
Examples:
  tollgate dlp test
  tollgate dlp test --detector github-token
  tollgate dlp test --policy tollgate.yaml     with the detectors of that configuration

A failure names the detector and the number of its example; no text is shown.

Exit codes: 0 all are as they should be, 1 some are not, 2 there is no such detector, 78 the
configuration has mistakes.";

/// Try every detector on its own examples and counter-examples
///
/// An example is right when its class is found in it, likely or certain; a counter-example is right
/// when it is not.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in super::super) struct Test {
    /// As a gate with this configuration inspects
    #[arg(long, value_name = "CONFIG.yaml")]
    policy: Option<PathBuf>,
    /// This detector only
    #[arg(long, value_name = "NAME")]
    detector: Option<String>,
}

impl Test {
    pub(super) fn run(&self) -> ExitCode {
        let inspection = match &self.policy {
            Some(config) => Inspection::of(config),
            None => Inspection::plain(Grade::Likely),
        };
        let inspection = match inspection {
            Ok(inspection) => inspection,
            Err(trouble) => return trouble.complain(),
        };
        let mut trials = inspection.trials();
        trials.retain(|trial| self.detector.as_ref().is_none_or(|name| *name == trial.name));
        if trials.is_empty() {
            let what = "no such detector; `tollgate dlp detectors` lists them";
            return complain(what, EXIT_USAGE);
        }
        let failed: Vec<(&Trial, Failure)> = trials
            .iter()
            .flat_map(|trial| {
                trial.run(&inspection.scanner).into_iter().map(move |failure| (trial, failure))
            })
            .collect();
        let mut out = io::stdout().lock();
        let written = write(&trials, &failed, &mut out);
        told(written, if failed.is_empty() { 0 } else { EXIT_FAULT })
    }
}

fn write(trials: &[Trial], failed: &[(&Trial, Failure)], out: &mut dyn Write) -> io::Result<()> {
    let width = failed.iter().map(|(trial, _)| trial.name.len()).max().unwrap_or_default();
    for (trial, failure) in failed {
        let what = if failure.example { "example" } else { "counter-example" };
        let name = tame(&trial.name);
        let number = failure.number;
        writeln!(out, "{name:width$}  {what:15} {number:>3}  {}", found(failure))?;
    }
    let texts: usize =
        trials.iter().map(|trial| trial.examples.len() + trial.counter_examples.len()).sum();
    writeln!(
        out,
        "{} detectors, {texts} examples and counter-examples: {} failed",
        trials.len(),
        failed.len()
    )
}

fn found(failure: &Failure) -> String {
    if failure.found.is_empty() {
        return "nothing is found".to_owned();
    }
    let found = failure.found.iter();
    let found =
        found.map(|(detector, class, grade)| format!("{} {class} ({detector})", grade.as_str()));
    format!("found: {}", found.collect::<Vec<_>>().join(", "))
}
