//! The core of `tollgate scan`: a line in, a line out.
use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::coding::Codings;
use crate::finding::{Direction, Finding, Grade};
use crate::judge::Judge;
use crate::name::Name;
use crate::scanner::Scanner;

/// One line of input.
#[derive(Deserialize)]
struct Asked {
    id: serde_json::Value,
    text: String,
}

/// One line of output.
#[derive(Serialize)]
struct Answered<'t> {
    id: serde_json::Value,
    findings: Vec<Found>,
    redacted: &'t str,
}

#[derive(Serialize)]
struct Found {
    detector: Name,
    class: Class,
    start: usize,
    end: usize,
    grade: Grade,
    #[serde(skip_serializing_if = "Codings::is_empty")]
    via: Codings,
}

#[derive(Serialize)]
struct Refused<'t> {
    id: Option<()>,
    error: &'t str,
}

/// Scans the `text` of a line `{"id": …, "text": "…"}` and answers
/// `{"id", "findings": [{"detector", "class", "start", "end", "grade"}], "redacted"}`.
///
/// All findings are listed, whatever their grade; `redacted` is what the judge makes of a request.
/// A line that is not of this form is answered by `{"id": null, "error": "…"}`, which shows nothing
/// of it.
pub fn scan_line(scanner: &Scanner, judge: &Judge, line: &str) -> String {
    match serde_json::from_str::<Asked>(line) {
        Ok(asked) => answer(scanner, judge, asked.id, &asked.text),
        Err(error) => refuse(&error),
    }
}

/// Scans a plain text and answers as [`scan_line`] does.
pub fn scan_text(scanner: &Scanner, judge: &Judge, id: &str, text: &str) -> String {
    answer(scanner, judge, id.into(), text)
}

fn answer(scanner: &Scanner, judge: &Judge, id: serde_json::Value, text: &str) -> String {
    let findings = scanner.scan(text.as_bytes()).iter().map(Found::from).collect();
    let redaction = scanner.redact(text, judge, Direction::Request);
    written(&Answered { id, findings, redacted: &redaction.text })
}

/// The parser's own words may show the input; its place does not.
fn refuse(error: &serde_json::Error) -> String {
    let reason = match error.classify() {
        serde_json::error::Category::Data => "not an object with `id` and a string `text`",
        _ => "not JSON",
    };
    written(&Refused { id: None, error: &format!("{reason}, at column {}", error.column()) })
}

fn written(line: &impl Serialize) -> String {
    // Strings, numbers and a value that was parsed: nothing here can fail to be written.
    serde_json::to_string(line).unwrap_or_else(|_| r#"{"id":null,"error":"not written"}"#.into())
}

impl From<&Finding> for Found {
    fn from(finding: &Finding) -> Self {
        let Finding { detector, class, grade, start, end, via, .. } = finding.clone();
        Self { detector, class, start, end, grade, via }
    }
}
