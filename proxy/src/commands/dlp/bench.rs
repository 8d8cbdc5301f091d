//! `tollgate dlp bench`.
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use flate2::bufread::MultiGzDecoder;
use tollgate_dlp::Grade;
use tollgate_dlp::bench::{Figures, Sample, Verdict};

use super::super::{EXIT_FAULT, EXIT_USAGE, audit::tame, complain, policy::lines};
use super::policy::Inspection;
use super::told;

const EXAMPLES: &str = "\
Examples:
  tollgate dlp bench samples.jsonl.gz
  tollgate dlp bench --format markdown dev.jsonl.gz other.jsonl
  tollgate dlp bench --missed secret.github samples.jsonl    which were not found
  tollgate dlp bench --flagged samples.jsonl                 which should not have been

A sample is one JSON object a line with `text`, `label` (`positive` or `negative`), `entity`
(`gov_id.us_ssn`), `family` (`gov_id`), `scope` (`entity`, `format`, `secrets`, `all`), `span`
(`[start, end)` in characters, or null) and, where there are such, `style`, `kind`, `evasion`,
`tier` and `base`. A finding counts when it is likely or certain. A positive sample is found when a
finding of its family overlaps its span. A negative one is flagged by a finding of its family, by
any secret (`secrets`) or by anything (`all`).

--missed and --flagged show samples; never give them what may not be shown.

Exit codes: 0 measured, 1 a line is no sample or cannot be read, 2 a file cannot be opened.";

/// Measure recall and precision on labelled samples
///
/// By class and over all; by style, evasion, tier and entity; on twins that are wrong in one thing;
/// on harmless documents; and how fast the scan was.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in super::super) struct Bench {
    /// How to tell
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Show positive samples that were not found, of entities and styles whose name holds this
    #[arg(long, value_name = "ENTITY", conflicts_with = "flagged")]
    missed: Option<String>,
    /// Show negative samples that were flagged, and by what
    #[arg(long)]
    flagged: bool,
    /// Files of samples, packed with gzip or not; `-` is standard input
    #[arg(required = true, value_name = "FILE|-")]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Rows for people
    Text,
    /// One object
    Json,
    /// Tables beside the figures of other tools and the aims
    Markdown,
}

impl Bench {
    pub(super) fn run(&self) -> ExitCode {
        let inspection = match Inspection::plain(Grade::Likely) {
            Ok(inspection) => inspection,
            Err(trouble) => return trouble.complain(),
        };
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut run =
            Run { bench: self, inspection, figures: Figures::default(), scanning: Duration::ZERO };
        for path in &self.files {
            let input = match open(path) {
                Ok(input) => input,
                Err(error) => return complain(unreadable(path, &error), EXIT_USAGE),
            };
            match run.file(input, &mut out) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return told(Ok(()), 0),
                Err(error) => return complain(unreadable(path, &error), EXIT_FAULT),
            }
        }
        told(run.end(&mut out).and_then(|()| out.flush()), 0)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read `{}`: {error}", tame(&path.display().to_string()))
}

/// Whether it is packed is seen at its beginning.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut plain: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(path)?))
    };
    Ok(if plain.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(MultiGzDecoder::new(plain)))
    } else {
        plain
    })
}

struct Run<'a> {
    bench: &'a Bench,
    inspection: Inspection,
    figures: Figures,
    scanning: Duration,
}

impl Run<'_> {
    fn file(&mut self, input: Box<dyn BufRead>, out: &mut dyn Write) -> io::Result<()> {
        for (at, line) in lines(input).enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let sample = Sample::parse(&line)
                .map_err(|error| io::Error::other(format!("line {}: {error}", at + 1)))?;
            let begun = Instant::now();
            let findings = self.inspection.scanner.scan(sample.text().as_bytes());
            self.scanning += begun.elapsed();
            let verdict = self.figures.take(&sample, &findings);
            self.show(&sample, &verdict, out)?;
        }
        Ok(())
    }

    fn show(&self, sample: &Sample, verdict: &Verdict<'_>, out: &mut dyn Write) -> io::Result<()> {
        match (verdict, &self.bench.missed) {
            (Verdict::Missed, Some(entity)) if sample.name().contains(entity) => {
                writeln!(out, "{}", tame(&sample.show()))
            }
            (Verdict::Flagged(wrong), _) if self.bench.flagged => wrong
                .iter()
                .try_for_each(|finding| writeln!(out, "{}", tame(&sample.show_flagged(finding)))),
            _ => Ok(()),
        }
    }

    fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.bench.missed.is_some() || self.bench.flagged {
            return Ok(());
        }
        match self.bench.format {
            Format::Text => write!(out, "{}", self.figures.to_text(self.scanning)),
            Format::Json => writeln!(out, "{}", self.figures.to_json(self.scanning)),
            Format::Markdown => write!(out, "{}", self.figures.to_markdown(self.scanning)),
        }
    }
}
