//! What was found, told.
use std::io::{self, Write};
use std::path::Path;

use tollgate_dlp::{Action, Report, Told};

use super::super::audit::tame;
use super::sarif::Log;

/// How findings are told.
pub(super) enum Writer {
    /// A line a text.
    Json {
        /// Texts without findings, too.
        all: bool,
    },
    /// A line a finding, and what it is below it when it is explained.
    Text,
    /// One document at the end.
    Sarif(Log),
}

impl Writer {
    pub(super) fn write(
        &mut self,
        out: &mut dyn Write,
        path: &Path,
        report: &Report,
    ) -> io::Result<()> {
        match self {
            Self::Json { all } if *all || !report.findings.is_empty() => {
                writeln!(out, "{}", report.to_json())
            }
            Self::Json { .. } => Ok(()),
            Self::Text => report.findings.iter().try_for_each(|told| line(out, path, told)),
            Self::Sarif(log) => report.findings.iter().try_for_each(|told| log.add(path, told)),
        }
    }

    pub(super) fn end(&self, out: &mut dyn Write, sound: bool) -> io::Result<()> {
        match self {
            Self::Sarif(log) => log.write(out, sound),
            _ => Ok(()),
        }
    }
}

fn line(out: &mut dyn Write, path: &Path, told: &Told) -> io::Result<()> {
    write!(out, "{}", tame(&path.display().to_string()))?;
    if let Some(spot) = told.spot {
        write!(out, ":{}:{}", spot.line, spot.column)?;
    }
    write!(out, ": {} {} ({})", told.grade.as_str(), told.class, told.detector)?;
    if !told.via.is_empty() {
        write!(out, " via {}", told.via)?;
    }
    if let Some(action) = told.action {
        write!(out, ": {}", action.as_str())?;
    }
    writeln!(out)?;
    let Some(explanation) = &told.explanation else { return Ok(()) };
    writeln!(out, "    what     {}", explanation.about)?;
    if !explanation.source.is_empty() {
        writeln!(out, "    source   {}", explanation.source)?;
    }
    writeln!(out, "    grade    {}: {}", told.grade.as_str(), explanation.why)?;
    if let Some(spot) = told.spot {
        writeln!(
            out,
            "    place    line {} column {} to line {} column {}, bytes {} to {}",
            spot.line, spot.column, spot.end_line, spot.end_column, told.start, told.end
        )?;
    }
    let written = if told.via.is_empty() { "in the open".to_owned() } else { told.via.to_string() };
    writeln!(out, "    written  {written}")?;
    let policy = told.action.map_or("none is given; see --policy", meaning);
    writeln!(out, "    policy   {policy}")
}

fn meaning(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow: record nothing, change nothing",
        Action::Alert => "alert: record it, change nothing",
        Action::Restore => "restore: put the value of the gate's own token in its place again",
        Action::Mask => "mask: hide most of it",
        Action::Tokenise => "tokenise: put a token in its place",
        Action::Hash => "hash: put a keyed print in its place",
        Action::Redact => "redact: put a typed tag in its place",
        Action::Block => "block: refuse the call, or cut the answer",
    }
}
