//! Recall by kind of sample, and how much harmless traffic is flagged.
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use serde::Deserialize;
use tollgate_dlp::{Finding, Grade, Scanner};

/// One line of a file of samples.
#[derive(Deserialize)]
struct Sample {
    text: String,
    label: String,
    entity: String,
    family: String,
    span: Option<(usize, usize)>,
    scope: String,
    kind: String,
    style: Option<String>,
    evasion: Option<String>,
}

/// What was counted.
#[derive(Default)]
pub(crate) struct Figures {
    /// By kind: found, all.
    positives: BTreeMap<String, (usize, usize)>,
    /// Wrong-checksum and wrong-shape twins, by family: flagged, all.
    twins: BTreeMap<String, (usize, usize)>,
    /// Harmless documents, by scope: flagged, all.
    harmless: BTreeMap<String, (usize, usize)>,
    missed: Vec<(String, String)>,
    flagged: Vec<String>,
}

#[allow(dead_code, reason = "the test and the example use different parts of it")]
impl Figures {
    /// Reads samples, one JSON object a line, packed or not, and scans them.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let scanner = Scanner::new().map_err(io::Error::other)?;
        let file = File::open(path)?;
        let lines: Box<dyn BufRead> = if path.extension().is_some_and(|end| end == "gz") {
            Box::new(BufReader::new(GzDecoder::new(file)))
        } else {
            Box::new(BufReader::new(file))
        };
        let mut figures = Self::default();
        for line in lines.lines() {
            figures.take(&scanner, &serde_json::from_str(&line?)?);
        }
        Ok(figures)
    }

    /// The share of such samples that is found.
    pub(crate) fn recall(&self, name: &str) -> Option<f64> {
        self.positives.get(name).map(share)
    }

    /// The share of harmless documents with any finding.
    pub(crate) fn flagged(&self) -> f64 {
        let sum = self.harmless.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        share(&sum)
    }

    pub(crate) fn print_missed(&self, entity: &str) {
        for (name, text) in self.missed.iter().filter(|(name, _)| name.contains(entity)) {
            println!("{name} | {}", short(text));
        }
    }

    pub(crate) fn print_flagged(&self) {
        for line in &self.flagged {
            println!("{line}");
        }
    }

    fn take(&mut self, scanner: &Scanner, sample: &Sample) {
        let findings = scanner.scan(sample.text.as_bytes());
        let sure: Vec<&Finding> =
            findings.iter().filter(|finding| finding.grade >= Grade::Likely).collect();
        let family = sample.family.as_str();
        let ours = |finding: &&&Finding| belongs(finding, &sample.entity);
        if sample.label == "positive" {
            let span = sample.span.map(|(start, end)| bytes(&sample.text, start, end));
            let found = sure.iter().filter(ours).any(|finding| {
                span.is_none_or(|(start, end)| finding.start < end && start < finding.end)
            });
            for name in names(sample) {
                count(&mut self.positives, name, found);
            }
            if !found {
                let how = sample.evasion.as_deref().or(sample.style.as_deref()).unwrap_or("");
                self.missed.push((format!("{} {how}", sample.entity), sample.text.clone()));
            }
            return;
        }
        let wrong: Vec<&&Finding> = match sample.scope.as_str() {
            "all" => sure.iter().collect(),
            "secrets" => sure.iter().filter(|f| f.class.family() == "secret").collect(),
            _ => sure.iter().filter(ours).collect(),
        };
        if matches!(sample.scope.as_str(), "all" | "secrets") {
            count(&mut self.harmless, sample.scope.clone(), !wrong.is_empty());
        } else {
            count(&mut self.twins, format!("{family} {}", sample.scope), !wrong.is_empty());
        }
        for finding in wrong {
            let from = finding.start.saturating_sub(40);
            let around: Vec<u8> = sample.text.bytes().skip(from).take(140).collect();
            self.flagged.push(format!(
                "{} {} {} | {} {} | {}",
                sample.scope,
                sample.entity,
                sample.kind,
                finding.detector,
                finding.class,
                short(&String::from_utf8_lossy(&around))
            ));
        }
    }
}

/// Under which headings a sample counts.
fn names(sample: &Sample) -> Vec<String> {
    if let Some(evasion) = &sample.evasion {
        return vec![format!("evasion {} {evasion}", sample.family)];
    }
    let mut names = vec![sample.family.clone()];
    match (&sample.style, sample.family.as_str()) {
        (Some(style), "secret") => names.push(format!("secret {style}")),
        (_, "secret") => {}
        _ => names.push(sample.entity.clone()),
    }
    names
}

/// Whether the finding is of the family that the entity is of.
fn belongs(finding: &Finding, entity: &str) -> bool {
    let class = finding.class.as_str();
    match entity {
        "pci.pan" => class == "pci.pan",
        "financial.iban" => class == "financial.iban",
        "gov_id.us_ssn" => class == "gov_id.us_ssn",
        "contact.email" => class == "contact.email",
        other => {
            let kin = other.split('.').next().unwrap_or_default();
            finding.class.family() == kin && (kin == "secret" || class == other)
        }
    }
}

/// Labels count characters; findings count bytes.
fn bytes(text: &str, start: usize, end: usize) -> (usize, usize) {
    let at = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    (at(start), at(end))
}

fn count(counts: &mut BTreeMap<String, (usize, usize)>, name: String, hit: bool) {
    let count = counts.entry(name).or_default();
    count.0 += usize::from(hit);
    count.1 += 1;
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are small")]
fn share(count: &(usize, usize)) -> f64 {
    count.0 as f64 / count.1.max(1) as f64
}

fn short(text: &str) -> String {
    text.chars().take(300).collect::<String>().replace('\n', "\\n")
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, counts) in [
            ("found", &self.positives),
            ("twins flagged", &self.twins),
            ("harmless flagged", &self.harmless),
        ] {
            writeln!(f, "{title}")?;
            for (name, count) in counts {
                writeln!(
                    f,
                    "  {name:44} {:6.1} %  {} of {}",
                    share(count) * 100.0,
                    count.0,
                    count.1
                )?;
            }
        }
        writeln!(f, "harmless flagged, all {:.2} %", self.flagged() * 100.0)
    }
}
