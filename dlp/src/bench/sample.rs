//! Labelled samples.
use serde::Deserialize;

use super::figures::Heading;
use crate::class::family;
use crate::finding::Finding;

/// One line of a file of samples.
#[derive(Deserialize)]
pub struct Sample {
    text: String,
    pub(super) label: Label,
    entity: String,
    pub(super) family: String,
    span: Option<(usize, usize)>,
    pub(super) scope: String,
    #[serde(default)]
    kind: String,
    style: Option<String>,
    pub(super) evasion: Option<String>,
    tier: Option<String>,
    pub(super) base: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Label {
    Positive,
    Negative,
}

/// A line that is no sample. It shows nothing of the line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a labelled sample, at column {column}")]
pub struct NoSample {
    column: usize,
}

/// How much of a text is shown.
const SHOWN_CHARS: usize = 300;
/// How much around a finding is shown, and how much of that before it.
const AROUND_BYTES: usize = 140;
const BEFORE_BYTES: usize = 40;

impl Sample {
    /// Reads a line.
    pub fn parse(line: &str) -> Result<Self, NoSample> {
        serde_json::from_str(line).map_err(|error| NoSample { column: error.column() })
    }

    /// What is to be looked through.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is a sample of, and how it is written: `secret.github base64`.
    pub fn name(&self) -> String {
        let how = self.evasion.as_deref().or(self.style.as_deref()).unwrap_or("");
        format!("{} {how}", self.entity)
    }

    /// A line for whoever looks at what was missed. It shows the sample.
    pub fn show(&self) -> String {
        format!("{} | {}", self.name(), short(&self.text))
    }

    /// A line for whoever looks at what was flagged. It shows what is around the finding.
    pub fn show_flagged(&self, finding: &Finding) -> String {
        let from = finding.start.saturating_sub(BEFORE_BYTES);
        let around: Vec<u8> = self.text.bytes().skip(from).take(AROUND_BYTES).collect();
        format!(
            "{} {} {} | {} {} | {}",
            self.scope,
            self.entity,
            self.kind,
            finding.detector,
            finding.class,
            short(&String::from_utf8_lossy(&around))
        )
    }

    /// Whether a finding is of its family.
    pub(super) fn is_kin(&self, finding: &Finding) -> bool {
        finding.class.family() == family(&self.entity)
    }

    /// Whether a finding is where its span is.
    pub(super) fn overlaps(&self, finding: &Finding) -> bool {
        self.span.is_none_or(|(start, end)| {
            finding.start < self.byte(end) && self.byte(start) < finding.end
        })
    }

    /// Labels count characters; findings count bytes.
    fn byte(&self, characters: usize) -> usize {
        self.text.char_indices().nth(characters).map_or(self.text.len(), |(at, _)| at)
    }

    /// Under what it counts when it is positive.
    pub(super) fn headings(&self) -> Vec<(Heading, String)> {
        let family = &self.family;
        if let Some(evasion) = &self.evasion {
            let tier = self.tier.as_deref().unwrap_or("unknown");
            return vec![
                (Heading::Evasion, format!("evasion {family} {evasion}")),
                (Heading::Tier, format!("tier {family} {tier}")),
            ];
        }
        let mut headings = vec![(Heading::Family, family.clone())];
        match &self.style {
            Some(style) => headings.push((Heading::Style, format!("{family} {style}"))),
            // Providers of secrets are many, and a family's finding is enough.
            None if family == "secret" => {}
            None => headings.push((Heading::Entity, self.entity.clone())),
        }
        headings
    }

    /// Under what it counts when it is a twin that is wrong in one thing.
    pub(super) fn twin_headings(&self) -> [(Heading, String); 2] {
        [
            (Heading::Family, format!("{} {}", self.family, self.scope)),
            (Heading::Entity, self.entity.clone()),
        ]
    }
}

fn short(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect::<String>().replace('\n', "\\n")
}
