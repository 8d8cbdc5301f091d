//! `tollgate audit export`.
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use tollgate_audit::{Entry, cef, leef, ocsf};

use super::input::{each_entry, read_time};
use super::{FOUND, NOT_FOUND, UNUSABLE};

/// Writes events in a format that others read, one a line, each with what verifies it. It checks
/// their hashes and no more: to be sure, `audit verify` the record before or the export after.
///
/// Exit codes: 0 there are some, 1 there is none, 2 a file or a line could not be read.
#[derive(clap::Args, Debug)]
pub struct ExportArgs {
    /// Files of events or spools' directories.
    #[arg(required = true, value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,
    /// The format.
    #[arg(long, value_enum)]
    pub to: ExportTo,
    /// From this time on.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub until: Option<Timestamp>,
}

/// What others read. `audit verify --from` reads the same words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum ExportTo {
    /// Common Event Format.
    Cef,
    /// The events as they stand in the record.
    Jsonl,
    /// Log Event Extended Format 2.0.
    Leef,
    /// Open Cybersecurity Schema Framework 1.8.0, as JSON.
    Ocsf,
}

impl ExportTo {
    fn write(self, entry: &Entry) -> String {
        match self {
            Self::Cef => cef::write_cef(entry),
            Self::Jsonl => entry.to_line().trim_end().to_owned(),
            Self::Leef => leef::write_leef(entry),
            Self::Ocsf => ocsf::write_ocsf(entry),
        }
    }
}

/// Runs the command.
pub fn export(args: &ExportArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut found = false;
    // Standard output is flushed at each line's end, and these may be millions.
    let mut out = BufWriter::new(out);
    let read = each_entry(&args.paths, err, |entry| {
        if args.since.is_some_and(|since| entry.ts() < since)
            || args.until.is_some_and(|until| entry.ts() >= until)
        {
            return Ok(());
        }
        found = true;
        writeln!(out, "{}", args.to.write(entry))
    });
    match read.and_then(|unread| out.flush().map(|()| unread)) {
        Ok(0) if found => FOUND,
        Ok(0) => NOT_FOUND,
        Ok(_) => UNUSABLE,
        // Whoever reads has gone, as `head` does.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => FOUND,
        Err(e) => {
            let _ = writeln!(err, "cannot export: {e}");
            UNUSABLE
        }
    }
}
