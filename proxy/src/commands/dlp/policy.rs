//! What a configuration says of findings.
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tollgate_dlp::{Action, Detectors, Grade, Judge, JudgeRule, Means, Scanner, Trial};

use super::super::{EXIT_CONFIG, EXIT_FAULT, check::wants_colour, complain};
use crate::credentials::Secrets;
use crate::known;
use crate::snapshot::{self, SnapshotFault, Source};

/// What looks and what decides.
pub(in super::super) struct Inspection {
    pub(in super::super) scanner: Scanner,
    pub(in super::super) judge: Judge,
    /// The least certain finding that is acted on.
    pub(in super::super) minimum: Grade,
    /// What the configuration says of detectors.
    detectors: Detectors,
}

/// Why there is no such thing.
pub(in super::super) enum Trouble {
    /// The configuration has mistakes.
    Settings(SnapshotFault),
    /// The detectors cannot be built.
    Detectors,
}

impl Trouble {
    pub(in super::super) fn complain(&self) -> ExitCode {
        match self {
            Self::Settings(fault) => complain(fault, EXIT_CONFIG),
            Self::Detectors => complain("the detectors cannot be built", EXIT_FAULT),
        }
    }
}

impl Inspection {
    /// Everything from this grade on is redacted.
    pub(in super::super) fn plain(minimum: Grade) -> Result<Self, Trouble> {
        let all = JudgeRule::new(vec!["*".to_owned()], None, Action::Redact);
        let judge = Judge::new(minimum, vec![all]).map_err(|_| Trouble::Detectors)?;
        let scanner = Scanner::new().map_err(|_| Trouble::Detectors)?;
        Ok(Self { scanner, judge, minimum, detectors: Detectors::default() })
    }

    /// As a gate with this configuration inspects.
    pub(in super::super) fn of(config: &Path) -> Result<Self, Trouble> {
        let (settings, _) =
            Source::new(config).settings(wants_colour()).map_err(Trouble::Settings)?;
        // The key of tokens is the gate's; here tags stand in their place.
        let judge = snapshot::judge(&settings, Means::default()).map_err(Trouble::Settings)?;
        let detectors = settings.dlp.engine_detectors();
        let known = known::read(&settings, &Secrets::found(&settings.credentials))
            .map_err(Trouble::Settings)?;
        let scanner = Scanner::with(&detectors).map_err(|_| Trouble::Detectors)?;
        let scanner = scanner.with_known(Arc::new(known));
        let minimum = settings.dlp.minimum_grade.engine();
        Ok(Self { scanner, judge, minimum, detectors })
    }

    /// The examples of every detector that looks.
    pub(super) fn trials(&self) -> Vec<Trial> {
        let Detectors { own, off, grades } = &self.detectors;
        let looks = |trial: &Trial| !off.contains(&trial.name);
        let built = Scanner::detectors().map(|entry| Trial::from(&entry)).filter(looks);
        let graded = built.map(|mut trial| {
            let known = grades.iter().find(|(name, _)| *name == trial.name);
            trial.minimum = known.map_or(trial.minimum, |(_, grade)| *grade);
            trial
        });
        graded.chain(own.iter().map(Trial::from)).collect()
    }
}
