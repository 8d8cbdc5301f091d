//! The core of `tollgate scan`: a text or a line in, a report out.
use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::coding::Codings;
use crate::detectors;
use crate::finding::{Action, Direction, Finding, Grade};
use crate::judge::Judge;
use crate::name::Name;
use crate::place::Cursor;
use crate::scanner::Scanner;

/// Scans the `text` of a line `{"id": …, "text": "…"}` and answers
/// `{"id", "findings": [{"detector", "class", "start", "end", "grade"}], "redacted"}`.
///
/// All findings are listed, whatever their grade; `redacted` is what the judge makes of a request.
/// A line that is not of this form is answered by `{"id": null, "error": "…"}`, which shows nothing
/// of it.
pub fn scan_line(scanner: &Scanner, judge: &Judge, line: &str) -> String {
    match Question::new(scanner, judge).line(line) {
        Ok(report) => report.to_json(),
        Err(refused) => refused.to_json(),
    }
}

/// Scans a plain text and answers as [`scan_line`] does.
pub fn scan_text(scanner: &Scanner, judge: &Judge, id: &str, text: &str) -> String {
    Question::new(scanner, judge).text(id, text).to_json()
}

/// What is asked about texts, and how much is told.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What looks.
    pub scanner: &'a Scanner,
    /// What decides.
    pub judge: &'a Judge,
    /// Which way the text goes.
    pub direction: Direction,
    /// Findings below it are not told.
    pub minimum: Grade,
    /// Whether the redacted text is told.
    pub redacts: bool,
    /// Whether line and column of each finding are told.
    pub places: bool,
    /// Whether the judge's decision about each finding is told.
    pub actions: bool,
    /// Whether it is told what each finding is, and why it is one.
    pub explains: bool,
}

impl<'a> Question<'a> {
    /// All findings and the redacted text of a request.
    pub fn new(scanner: &'a Scanner, judge: &'a Judge) -> Self {
        Self {
            scanner,
            judge,
            direction: Direction::Request,
            minimum: Grade::Possible,
            redacts: true,
            places: false,
            actions: false,
            explains: false,
        }
    }

    /// About the `text` of a line `{"id": …, "text": "…"}`.
    pub fn line(&self, line: &str) -> Result<Report, Refused> {
        let Asked { id, text } =
            serde_json::from_str(line).map_err(|error| Refused::new(&error))?;
        Ok(self.answer(id, &text))
    }

    /// About a plain text.
    pub fn text(&self, id: &str, text: &str) -> Report {
        self.answer(id.into(), text)
    }

    fn answer(&self, id: serde_json::Value, text: &str) -> Report {
        let mut cursor = Cursor::new(text);
        let findings = self.scanner.scan(text.as_bytes());
        let told = findings.into_iter().filter(|finding| finding.grade >= self.minimum);
        let findings = told.map(|finding| self.told(finding, &mut cursor)).collect();
        let redacted = self
            .redacts
            .then(|| self.scanner.redact(text, self.judge, self.direction).text.into_owned());
        Report { id, findings, redacted }
    }

    fn told(&self, finding: Finding, cursor: &mut Cursor<'_>) -> Told {
        let action = self.judge.decide(&finding, self.direction);
        let spot = self.places.then(|| {
            let (line, column) = cursor.at(finding.start);
            let (end_line, end_column) = cursor.at(finding.end);
            Extent { line, column, end_line, end_column }
        });
        let explanation = self.explains.then(|| Explanation::of(&finding));
        let Finding { detector, class, grade, start, end, via, .. } = finding;
        let action = self.actions.then_some(action);
        Told { detector, class, start, end, grade, via, spot, action, explanation }
    }
}

/// What is told about one text. It holds nothing that was found, but for what the judge lets stay
/// in `redacted`.
#[derive(Serialize)]
pub struct Report {
    id: serde_json::Value,
    /// In order.
    pub findings: Vec<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted: Option<String>,
}

impl Report {
    /// As a line.
    pub fn to_json(&self) -> String {
        written(self)
    }
}

/// What is told about a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The detector's name.
    pub detector: Name,
    /// What it is.
    pub class: Class,
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// How sure the detector is.
    pub grade: Grade,
    /// How it was written, from the outside in.
    #[serde(skip_serializing_if = "Codings::is_empty")]
    pub via: Codings,
    /// Where that is, for people.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Extent>,
    /// What is done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What it is and why.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// Lines and columns, counted from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Extent {
    /// Of the first character.
    pub line: usize,
    /// Of the first character.
    pub column: usize,
    /// Of the character after the last one.
    pub end_line: usize,
    /// Of the character after the last one.
    pub end_column: usize,
}

/// What a finding is, where that is written, and why it is one.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// What the detector looks for.
    pub about: &'static str,
    /// Where that is written in public.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub source: &'static str,
    /// Why it has its grade.
    pub why: String,
}

impl Explanation {
    fn of(finding: &Finding) -> Self {
        let entry = detectors::catalogue().find(|entry| entry.name == finding.detector.as_str());
        let about = entry.map_or_else(|| beyond(&finding.class), |entry| entry.about);
        let source = entry.map_or("", |entry| entry.source);
        let grade = match finding.grade {
            Grade::Certain => "checksum or unmistakable structure",
            Grade::Likely => "very probably what it looks like",
            Grade::Possible => "it may be; too weak to act on unless asked for",
        };
        let literals = entry.map_or(&[][..], |entry| entry.literals);
        let why = match literals {
            [] => grade.to_owned(),
            some => format!("{grade}; looked for at {}", listed(some)),
        };
        Self { about, source, why }
    }
}

/// What stands in no table.
fn beyond(class: &Class) -> &'static str {
    match class.family() {
        "known" => "what the configuration knows: a record, a document, a canary or a secret",
        _ => "a detector of the configuration",
    }
}

/// How many literals are named.
const LITERALS_TOLD: usize = 4;

fn listed(literals: &[&str]) -> String {
    let told = literals.iter().take(LITERALS_TOLD).map(|literal| format!("`{literal}`"));
    let told = told.collect::<Vec<_>>().join(", ");
    if literals.len() > LITERALS_TOLD { told + " …" } else { told }
}

/// A line that is not of the form that is asked for. It shows nothing of it.
#[derive(Debug, Serialize)]
pub struct Refused {
    id: Option<()>,
    error: String,
}

impl Refused {
    /// The parser's own words may show the input; its place does not.
    fn new(error: &serde_json::Error) -> Self {
        let reason = match error.classify() {
            serde_json::error::Category::Data => "not an object with `id` and a string `text`",
            _ => "not JSON",
        };
        Self { id: None, error: format!("{reason}, at column {}", error.column()) }
    }

    /// As a line.
    pub fn to_json(&self) -> String {
        written(self)
    }
}

/// One line of input.
#[derive(Deserialize)]
struct Asked {
    id: serde_json::Value,
    text: String,
}

fn written(line: &impl Serialize) -> String {
    // Strings, numbers and a value that was parsed: nothing here can fail to be written.
    serde_json::to_string(line).unwrap_or_else(|_| r#"{"id":null,"error":"not written"}"#.into())
}
