//! Findings for code scanning: SARIF 2.1.0 (OASIS, March 2020).
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;
use tollgate_dlp::{Explanation, Grade, Told};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// More are of no use to whoever reads them: GitHub takes 25,000.
const RESULTS_MAX: usize = 100_000;

/// What needs no escape in the path of a URI (RFC 3986 section 3.3).
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One run's log.
#[derive(Default)]
pub(super) struct Log {
    rules: BTreeMap<String, Rule>,
    results: Vec<Finding>,
}

impl Log {
    pub(super) fn add(&mut self, path: &Path, told: &Told) -> io::Result<()> {
        if self.results.len() >= RESULTS_MAX {
            let what = format!("there are more than {RESULTS_MAX} findings; scan less at once");
            return Err(io::Error::other(what));
        }
        let name = told.detector.to_string();
        self.rules.entry(name.clone()).or_insert_with(|| Rule::of(told));
        self.results.push(Finding::of(path, told, name));
        Ok(())
    }

    pub(super) fn write(&self, out: &mut dyn Write, sound: bool) -> io::Result<()> {
        let log = Document {
            schema: SCHEMA,
            version: "2.1.0",
            runs: [Run {
                tool: Tool {
                    driver: Driver {
                        name: "tollgate",
                        semantic_version: env!("CARGO_PKG_VERSION"),
                        rules: self.rules.values().collect(),
                    },
                },
                invocations: [Invocation { execution_successful: sound }],
                column_kind: "unicodeCodePoints",
                results: &self.results,
            }],
        };
        serde_json::to_writer(&mut *out, &log)?;
        writeln!(out)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    invocations: [Invocation; 1],
    column_kind: &'static str,
    results: &'a [Finding],
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<&'a Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'static str>,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [String; 2],
}

impl Rule {
    fn of(told: &Told) -> Self {
        let explanation = told.explanation.as_ref();
        let about = explanation.map_or("", |explanation| explanation.about);
        let is_page = |source: &&str| source.starts_with("https://") && !source.contains(' ');
        Self {
            id: told.detector.to_string(),
            short_description: Message { text: about.to_owned() },
            help_uri: explanation.map(|explanation| explanation.source).filter(is_page),
            properties: RuleProperties { tags: ["security".to_owned(), told.class.to_string()] },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: String,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    properties: FindingProperties,
}

#[derive(Serialize)]
struct FindingProperties {
    class: String,
    grade: Grade,
    #[serde(skip_serializing_if = "String::is_empty")]
    via: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

impl Finding {
    fn of(path: &Path, told: &Told, rule_id: String) -> Self {
        let via = told.via.to_string();
        let written = if via.is_empty() { String::new() } else { format!(", written as {via}") };
        let why = told.explanation.as_ref().map_or("", |Explanation { why, .. }| why.as_str());
        let grade = told.grade.as_str();
        let region = told.spot.map(|spot| Region {
            start_line: spot.line,
            start_column: spot.column,
            end_line: spot.end_line,
            end_column: spot.end_column,
        });
        let physical_location = Physical { artifact_location: Artifact { uri: uri(path) }, region };
        Self {
            rule_id,
            level: match told.grade {
                Grade::Certain => "error",
                Grade::Likely => "warning",
                Grade::Possible => "note",
            },
            message: Message { text: format!("{}{written}; {grade}: {why}", told.class) },
            locations: [Location { physical_location }],
            properties: FindingProperties {
                class: told.class.to_string(),
                grade: told.grade,
                via,
                action: told.action.map(tollgate_dlp::Action::as_str),
            },
        }
    }
}

fn uri(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    let escaped = percent_encode(path.as_os_str().as_bytes(), PATH);
    if path.is_absolute() { format!("file://{escaped}") } else { escaped.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        let cases =
            [("./a b/c%#.txt", "a%20b/c%25%23.txt"), ("/tmp/x", "file:///tmp/x"), ("-", "-")];
        for (path, expect) in cases {
            assert_eq!(uri(Path::new(path)), expect);
        }
    }
}
