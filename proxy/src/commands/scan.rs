//! `tollgate scan`.
mod read;
mod sarif;
mod walk;
mod write;

use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tollgate_dlp::{Action, Direction, Grade, Judge, Question, Report, Told};

use super::dlp::policy::Inspection;
use super::{EXIT_FAULT, EXIT_FOUND, EXIT_USAGE, audit::tame, complain, policy::lines};
use crate::say;
use read::{Passed, Reading};
use walk::{Exclusions, Found, Walk};
use write::Writer;

const EXAMPLES: &str = "\
Examples:
  tollgate scan --format text .                  where something stands in this folder
  tollgate scan --explain config/prod.env        what, where, how sure and why
  tollgate scan --exclude target --format sarif . > scan.sarif
  tollgate scan --policy tollgate.yaml --direction answer --format text answers/
  git diff --cached | tollgate scan --format text -
  tollgate scan --jsonl < samples.jsonl          one result a line

Exit codes:
  0   nothing counts, or --jsonl without --exit-code
  3   something counts (--exit-code N for another); without --policy that is what is likely or
      certain, or as --minimum says; with it, what the policy does not allow
  1   a file could not be read to its end, or another fault
  2   a file that was named cannot be opened, or the command line is wrong
  78  the configuration of --policy has mistakes

In folders everything is looked at, hidden and ignored files, too: secrets hide there. Not followed
are symbolic links; passed over is what is binary by its content. Bytes that are no UTF-8 count as
the three of U+FFFD.";

/// Look for secrets, payment and personal data in files and folders
///
/// Of one file it prints
/// `{"id", "findings": [{"detector", "class", "start", "end", "grade", "via"?}], "redacted"}`; of
/// several files or a folder such a line for each file with findings, which has their lines and
/// columns and no `redacted`. What was found is never shown.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Scan {
    /// Read one JSON object a line with `id` and `text`, and print one result a line; exits 0
    /// whatever was found, unless --exit-code is given
    #[arg(long)]
    jsonl: bool,
    /// Say of each finding what it is, where that is written, where it stands, how sure that is
    /// and why, and what the policy would do; in words, unless --format or --jsonl say otherwise
    #[arg(long)]
    explain: bool,
    /// Judge by the `dlp` section of this configuration of a gate
    #[arg(long, value_name = "CONFIG.yaml")]
    policy: Option<PathBuf>,
    /// Which way the policy takes the text to go
    #[arg(long, value_enum, default_value_t = Way::Request)]
    direction: Way,
    /// Neither tell nor count findings below this grade
    #[arg(long, value_enum, value_name = "GRADE")]
    minimum: Option<Least>,
    /// How to tell: `json` a line a file, `text` a line a finding, `sarif` 2.1.0 for code scanning
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Exit with this code when something counts
    #[arg(long, value_name = "N")]
    exit_code: Option<u8>,
    /// In folders, pass over what is so named (`*.lock`, `target`) or so placed below the folder
    /// (`docs/**/*.pdf`); may be given often
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Files and folders; `-` or nothing is standard input
    #[arg(value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Way {
    /// From the agent to the upstream
    Request,
    /// Back to the agent
    Answer,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Least {
    /// It may be
    Possible,
    /// Very probably what it looks like
    Likely,
    /// Checksum or unmistakable structure
    Certain,
}

impl From<Least> for Grade {
    fn from(least: Least) -> Self {
        match least {
            Least::Possible => Self::Possible,
            Least::Likely => Self::Likely,
            Least::Certain => Self::Certain,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Json,
    Text,
    Sarif,
}

/// Standard input, where files are named.
const STDIN: &str = "-";

pub(super) fn run(scan: &Scan) -> ExitCode {
    let (inspection, exclusions) = match (scan.inspection(), Exclusions::parse(&scan.exclude)) {
        (Ok(inspection), Ok(exclusions)) => (inspection, exclusions),
        (Err(trouble), _) => return trouble.complain(),
        (_, Err(error)) => return complain(error, EXIT_USAGE),
    };
    if scan.jsonl && scan.format.is_some_and(|format| format != Format::Json) {
        return complain("`--jsonl` prints JSON, so `--format` cannot say otherwise", EXIT_USAGE);
    }
    let mut job = Job {
        scan,
        question: scan.question(&inspection),
        writer: scan.writer(),
        reading: Reading::begin(),
        exclusions,
        tally: Tally::default(),
        out: io::BufWriter::new(io::stdout().lock()),
    };
    match job.all().and_then(|()| job.end()) {
        Ok(()) => {}
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return complain(error, EXIT_FAULT),
    }
    ExitCode::from(job.code())
}

impl Scan {
    fn inspection(&self) -> Result<Inspection, super::dlp::policy::Trouble> {
        match &self.policy {
            Some(path) => Inspection::of(path),
            // Whatever is told is out of sight in `redacted`.
            None => Inspection::plain(Grade::from(self.minimum.unwrap_or(Least::Possible))),
        }
    }

    fn question<'a>(&self, inspection: &'a Inspection) -> Question<'a> {
        let all = self.format() == Format::Json;
        let least = match (self.minimum, &self.policy) {
            (Some(least), _) => least.into(),
            (None, _) if all => Grade::Possible,
            (None, Some(_)) => inspection.minimum,
            (None, None) => Grade::Likely,
        };
        let wide = self.is_wide();
        let judge: &Judge = &inspection.judge;
        Question {
            direction: match self.direction {
                Way::Request => Direction::Request,
                Way::Answer => Direction::Answer,
            },
            minimum: least,
            redacts: self.format() == Format::Json && (self.jsonl || !wide),
            places: self.explain || (wide && !self.jsonl) || self.format() != Format::Json,
            actions: self.policy.is_some(),
            explains: self.explain || self.format() == Format::Sarif,
            ..Question::new(&inspection.scanner, judge)
        }
    }

    fn writer(&self) -> Writer {
        match self.format() {
            Format::Json => Writer::Json { all: !self.is_wide() },
            Format::Text => Writer::Text,
            Format::Sarif => Writer::Sarif(sarif::Log::default()),
        }
    }

    fn format(&self) -> Format {
        match self.format {
            Some(format) => format,
            None if self.explain && !self.jsonl => Format::Text,
            None => Format::Json,
        }
    }

    /// Whether there may be more than one text.
    fn is_wide(&self) -> bool {
        self.paths.len() > 1 || self.paths.iter().any(|path| path.is_dir())
    }

    /// Whether a finding makes the exit code another.
    fn counts(&self, told: &Told) -> bool {
        match told.action {
            Some(action) => action > Action::Allow,
            None => told.grade >= self.minimum.map_or(Grade::Likely, Grade::from),
        }
    }
}

/// What was done so far.
#[derive(Default)]
struct Tally {
    /// Findings that count.
    counted: u64,
    findings: u64,
    files: u64,
    files_with: u64,
    binary: u64,
    /// The code of the first thing that could not be done.
    trouble: Option<u8>,
}

/// A scan under way.
struct Job<'a> {
    scan: &'a Scan,
    question: Question<'a>,
    writer: Writer,
    reading: Reading,
    exclusions: Exclusions,
    tally: Tally,
    out: io::BufWriter<io::StdoutLock<'static>>,
}

impl Job<'_> {
    fn all(&mut self) -> io::Result<()> {
        let scan = self.scan;
        if scan.paths.is_empty() {
            return self.one(Path::new(STDIN));
        }
        scan.paths.iter().try_for_each(|path| {
            if path.is_dir() && path.as_os_str() != STDIN {
                self.folder(path)
            } else {
                self.one(path)
            }
        })
    }

    fn one(&mut self, path: &Path) -> io::Result<()> {
        let input: Box<dyn io::Read> = if path.as_os_str() == STDIN {
            Box::new(io::stdin())
        } else {
            match std::fs::File::open(path) {
                Ok(file) => Box::new(file),
                Err(error) => {
                    self.trouble(format!("cannot read {}: {error}", shown(path)), EXIT_USAGE);
                    return Ok(());
                }
            }
        };
        if self.scan.jsonl {
            return self.lines(path, input);
        }
        match self.reading.named(input) {
            Ok(text) => self.text(path, &text),
            Err(error) => {
                self.trouble(format!("cannot read {}: {error}", shown(path)), EXIT_FAULT);
                Ok(())
            }
        }
    }

    fn lines(&mut self, path: &Path, input: Box<dyn io::Read>) -> io::Result<()> {
        for line in lines(BufReader::new(input)) {
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    self.trouble(format!("cannot read {}: {error}", shown(path)), EXIT_FAULT);
                    return Ok(());
                }
            };
            if line.trim().is_empty() {
                continue;
            }
            match self.question.line(&line) {
                Ok(report) => {
                    self.count(&report);
                    writeln!(self.out, "{}", report.to_json())?;
                }
                Err(refused) => writeln!(self.out, "{}", refused.to_json())?,
            }
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        if self.scan.jsonl {
            let what = "is a folder, and `--jsonl` reads files";
            self.trouble(format!("{} {what}", shown(folder)), EXIT_USAGE);
            return Ok(());
        }
        let mut walk = Walk::new(folder);
        while let Some(found) = walk.next(&self.exclusions) {
            let (path, text) = match found {
                Found::File(path) => {
                    let text = self.reading.walked(&path);
                    (path, text)
                }
                Found::Unreadable(path, error) => (path, Err(error)),
            };
            match text {
                Ok(Passed::Text(text)) => self.text(&path, &text)?,
                Ok(Passed::Binary) => self.tally.binary += 1,
                Ok(Passed::Gone) => {}
                Err(error) => {
                    self.trouble(format!("cannot read {}: {error}", shown(&path)), EXIT_FAULT);
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let id = path.display().to_string();
        let report = self.question.text(&id, text);
        self.tally.files += 1;
        self.count(&report);
        self.writer.write(&mut self.out, path, &report)
    }

    fn count(&mut self, report: &Report) {
        let counted = report.findings.iter().filter(|told| self.scan.counts(told)).count();
        self.tally.counted += counted as u64;
        self.tally.findings += report.findings.len() as u64;
        self.tally.files_with += u64::from(!report.findings.is_empty());
    }

    fn end(&mut self) -> io::Result<()> {
        self.reading.end();
        self.writer.end(&mut self.out, self.tally.trouble.is_none())?;
        self.out.flush()?;
        if matches!(self.writer, Writer::Text) {
            let Tally { findings, files, files_with, binary, .. } = self.tally;
            say::aside(format_args!(
                "{findings} findings in {files_with} of {files} texts, {binary} binary passed over"
            ));
        }
        Ok(())
    }

    fn trouble(&mut self, what: impl std::fmt::Display, code: u8) {
        self.reading.aside(|| say::aside(format_args!("tollgate: {what}")));
        self.tally.trouble.get_or_insert(code);
    }

    fn code(&self) -> u8 {
        let asked = self.scan.exit_code;
        match self.tally.trouble {
            Some(code) => code,
            None if self.tally.counted == 0 => 0,
            None if self.scan.jsonl => asked.unwrap_or(0),
            None => asked.unwrap_or(EXIT_FOUND),
        }
    }
}

/// A path as people may see it: nothing in it moves their cursor.
fn shown(path: &Path) -> String {
    format!("`{}`", tame(&path.display().to_string()))
}
