//! What was counted.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::sample::{Label, Sample};
use crate::finding::{Finding, Grade};

/// The evasion that is none: the same call, written plainly.
const PLAIN: &str = "plain_tool_call";

/// How many, of how many.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    /// Those that were found, or flagged.
    pub hits: usize,
    /// All.
    pub of: usize,
}

impl Count {
    /// The share of them.
    #[expect(clippy::cast_precision_loss, reason = "counts of samples are small")]
    pub fn share(self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }

    fn add(&mut self, hit: bool) {
        self.hits += usize::from(hit);
        self.of += 1;
    }

    fn with(self, other: Self) -> Self {
        Self { hits: self.hits + other.hits, of: self.of + other.of }
    }
}

impl Serialize for Count {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({ "hits": self.hits, "of": self.of, "share": self.share() }).serialize(serializer)
    }
}

/// What a row is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Heading {
    /// `secret`: samples as they are.
    Family,
    /// `secret structured`: samples as they are.
    Style,
    /// `tier secret easy`: evasions.
    Tier,
    /// `evasion secret base64`.
    Evasion,
    /// `pci.pan`: samples as they are.
    Entity,
}

impl Heading {
    pub(super) const ALL: [Self; 5] =
        [Self::Family, Self::Style, Self::Tier, Self::Evasion, Self::Entity];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Family => "class",
            Self::Style => "style",
            Self::Tier => "tier",
            Self::Evasion => "evasion",
            Self::Entity => "entity",
        }
    }
}

type Rows = BTreeMap<(Heading, String), Count>;

/// What became of a sample.
#[derive(Debug)]
pub enum Verdict<'f> {
    /// Positive, and found.
    Found,
    /// Positive, and not found.
    Missed,
    /// Negative, and nothing was said.
    Quiet,
    /// Negative, and these were said.
    Flagged(Vec<&'f Finding>),
}

/// What was counted. It holds no text.
#[derive(Default)]
pub struct Figures {
    pub(super) samples: usize,
    pub(super) bytes: usize,
    pub(super) positives: Rows,
    pub(super) twins: Rows,
    /// By scope.
    pub(super) harmless: BTreeMap<String, Count>,
    /// By family: negative samples of any kind with a finding of it that is wrong there.
    pub(super) wrong: BTreeMap<String, usize>,
    /// Cases that are found when they are written plainly.
    plain: BTreeSet<String>,
    /// Evasion, case, whether it was found.
    evaded: Vec<(String, String, bool)>,
}

impl Figures {
    /// Counts a sample and what was found in its text.
    pub fn take<'f>(&mut self, sample: &Sample, findings: &'f [Finding]) -> Verdict<'f> {
        self.samples += 1;
        self.bytes += sample.text().len();
        let sure = findings.iter().filter(|finding| finding.grade >= Grade::Likely);
        match sample.label {
            Label::Positive => self.positive(sample, sure),
            Label::Negative => self.negative(sample, sure),
        }
    }

    fn positive<'f>(
        &mut self,
        sample: &Sample,
        mut sure: impl Iterator<Item = &'f Finding>,
    ) -> Verdict<'f> {
        let found = sure.any(|finding| sample.is_kin(finding) && sample.overlaps(finding));
        for heading in sample.headings() {
            self.positives.entry(heading).or_default().add(found);
        }
        if let (Some(evasion), Some(base)) = (&sample.evasion, &sample.base) {
            if evasion == PLAIN && found {
                self.plain.insert(base.clone());
            }
            let name = format!("evasion {} {evasion}", sample.family);
            self.evaded.push((name, base.clone(), found));
        }
        if found { Verdict::Found } else { Verdict::Missed }
    }

    fn negative<'f>(
        &mut self,
        sample: &Sample,
        sure: impl Iterator<Item = &'f Finding>,
    ) -> Verdict<'f> {
        let wrong: Vec<&Finding> = match sample.scope.as_str() {
            "all" => sure.collect(),
            "secrets" => sure.filter(|finding| finding.class.family() == "secret").collect(),
            _ => sure.filter(|finding| sample.is_kin(finding)).collect(),
        };
        let flagged = !wrong.is_empty();
        if matches!(sample.scope.as_str(), "all" | "secrets") {
            self.harmless.entry(sample.scope.clone()).or_default().add(flagged);
        } else {
            for heading in sample.twin_headings() {
                self.twins.entry(heading).or_default().add(flagged);
            }
        }
        let families: BTreeSet<&str> = wrong.iter().map(|finding| finding.class.family()).collect();
        for family in families {
            *self.wrong.entry(family.to_owned()).or_default() += 1;
        }
        if flagged { Verdict::Flagged(wrong) } else { Verdict::Quiet }
    }

    /// The share of such positive samples that is found: `secret`, `secret structured`, `pci.pan`,
    /// `evasion secret base64`, `tier secret easy`.
    pub fn recall(&self, name: &str) -> Option<f64> {
        Some(self.count(name)?.share())
    }

    /// Of the samples with such findings, the share of those in which they are right.
    pub fn precision(&self, family: &str) -> Option<f64> {
        let right = self.count(family)?.hits;
        let wrong = self.wrong.get(family).copied().unwrap_or_default();
        (right + wrong > 0).then(|| Count { hits: right, of: right + wrong }.share())
    }

    /// All families together: what is found, and what is right of what is said.
    pub fn overall(&self) -> (Count, Count) {
        let families = self.rows(Heading::Family);
        let found = families.fold(Count::default(), |sum, (_, count)| sum.with(count));
        let wrong: usize = self.wrong.values().sum();
        (found, Count { hits: found.hits, of: found.hits + wrong })
    }

    /// The share of harmless documents with any finding.
    pub fn flagged(&self) -> f64 {
        self.harmless_count().share()
    }

    /// The share of evaded cases that is found, of those that are found when written plainly.
    pub fn evasion(&self, family: &str, evasions: &[&str]) -> Count {
        let names: Vec<String> =
            evasions.iter().map(|evasion| format!("evasion {family} {evasion}")).collect();
        let mut count = Count::default();
        for (name, base, found) in &self.evaded {
            if names.contains(name) && self.plain.contains(base) {
                count.add(*found);
            }
        }
        count
    }

    /// The figures as one JSON object.
    pub fn to_json(&self, scanning: Duration) -> String {
        let named = |rows: &Rows, heading| {
            let rows = rows.iter().filter(|((of, _), _)| *of == heading);
            rows.map(|((_, name), count)| (name.clone(), *count)).collect::<BTreeMap<_, _>>()
        };
        let mut found = serde_json::Map::new();
        for heading in Heading::ALL {
            found.insert(heading.title().to_owned(), json!(named(&self.positives, heading)));
        }
        let families = self.rows(Heading::Family).map(|(name, _)| name);
        let precision: BTreeMap<_, _> =
            families.map(|name| (name.to_owned(), self.precision(name))).collect();
        let (recall, right) = self.overall();
        json!({
            "samples": self.samples,
            "bytes": self.bytes,
            "scanning_seconds": scanning.as_secs_f64(),
            "megabytes_per_second": self.speed(scanning),
            "overall": { "recall": recall, "precision": right },
            "found": found,
            "precision": precision,
            "twins_flagged": {
                "family": named(&self.twins, Heading::Family),
                "entity": named(&self.twins, Heading::Entity),
            },
            "harmless_flagged": self.harmless,
            "harmless_flagged_all": self.harmless_count(),
        })
        .to_string()
    }

    pub(super) fn rows(&self, heading: Heading) -> impl Iterator<Item = (&str, Count)> {
        let rows = self.positives.iter().filter(move |((of, _), _)| *of == heading);
        rows.map(|((_, name), count)| (name.as_str(), *count))
    }

    pub(super) fn count(&self, name: &str) -> Option<Count> {
        let mut rows = self.positives.iter();
        rows.find(|((_, one), _)| one == name).map(|(_, count)| *count)
    }

    pub(super) fn twin(&self, entity: &str) -> Option<Count> {
        self.twins.get(&(Heading::Entity, entity.to_owned())).copied()
    }

    pub(super) fn harmless_count(&self) -> Count {
        self.harmless.values().fold(Count::default(), |sum, count| sum.with(*count))
    }

    /// In megabytes a second.
    #[expect(clippy::cast_precision_loss, reason = "no file of samples has 2^52 bytes")]
    pub(super) fn speed(&self, scanning: Duration) -> f64 {
        self.bytes as f64 / 1e6 / scanning.as_secs_f64().max(1e-9)
    }
}
