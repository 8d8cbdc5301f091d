//! Detectors put to their own examples.
use crate::class::Class;
use crate::detectors::{CatalogueEntry, expand};
use crate::finding::{Finding, Grade};
use crate::name::Name;
use crate::scanner::Scanner;
use crate::settings::OwnDetector;

/// What a detector says of itself: texts in which it is found and texts in which it is not.
pub struct Trial {
    /// The detector's name.
    pub name: String,
    /// What it reports.
    pub class: String,
    /// The least grade that counts as found.
    pub minimum: Grade,
    /// Texts in which its class is found.
    pub examples: Vec<String>,
    /// Texts in which it is not.
    pub counter_examples: Vec<String>,
}

impl From<&CatalogueEntry> for Trial {
    fn from(entry: &CatalogueEntry) -> Self {
        let expanded = |texts: &[&str]| texts.iter().map(|text| expand(text)).collect();
        Self {
            name: entry.name.to_owned(),
            class: entry.class.to_owned(),
            minimum: least(entry),
            examples: expanded(entry.examples),
            counter_examples: expanded(entry.counter_examples),
        }
    }
}

impl From<&OwnDetector> for Trial {
    fn from(own: &OwnDetector) -> Self {
        Self {
            name: own.name.clone(),
            class: own.class.clone(),
            minimum: own.grade.min(Grade::Likely),
            examples: own.examples.clone(),
            counter_examples: own.counter_examples.clone(),
        }
    }
}

/// What speaks to the model is never more than possible; an example of all else counts by default.
fn least(entry: &CatalogueEntry) -> Grade {
    match (entry.family(), entry.grade) {
        ("content", _) => Grade::Possible,
        (_, grade) => grade.unwrap_or(Grade::Likely).min(Grade::Likely),
    }
}

/// Which text was not as it was said to be. It holds no text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Whether it was to be found.
    pub example: bool,
    /// Which one, counted from 1.
    pub number: usize,
    /// What was found in it.
    pub found: Vec<(Name, Class, Grade)>,
}

impl Trial {
    /// Looks through all texts.
    ///
    /// ```
    /// use tollgate_dlp::{Grade, Scanner, Trial};
    /// let trial = Trial {
    ///     name: "us-ssn".to_owned(),
    ///     class: "gov_id.us_ssn".to_owned(),
    ///     minimum: Grade::Likely,
    ///     examples: vec!["my ssn is 123-45-6789".to_owned(), "none".to_owned()],
    ///     counter_examples: vec!["000-12-3456".to_owned()],
    /// };
    /// let failures = trial.run(&Scanner::new()?);
    /// assert_eq!((failures.len(), failures[0].number), (1, 2));
    /// # Ok::<(), tollgate_dlp::ScannerError>(())
    /// ```
    pub fn run(&self, scanner: &Scanner) -> Vec<Failure> {
        let texts = |texts: &[String], example| {
            let each = texts.iter().enumerate();
            let failures = each.filter_map(|(at, text)| self.put(scanner, text, example, at));
            failures.collect::<Vec<_>>()
        };
        let mut failures = texts(&self.examples, true);
        failures.extend(texts(&self.counter_examples, false));
        failures
    }

    fn put(&self, scanner: &Scanner, text: &str, example: bool, at: usize) -> Option<Failure> {
        let findings = scanner.scan(text.as_bytes());
        let is_it = |one: &Finding| one.class.as_str() == self.class && one.grade >= self.minimum;
        let found = findings.iter().any(is_it);
        (found != example).then(|| Failure {
            example,
            number: at.saturating_add(1),
            found: findings.into_iter().map(|one| (one.detector, one.class, one.grade)).collect(),
        })
    }
}
