//! Where `tollgate audit verify` reads events from.
//!
//! A [`Source`] yields lines with their places, in the chain's order; a [`Form`] turns a line back
//! into the event's own JSON line. Verifying knows nothing else of where a record lies, so
//! **adding a source** takes three steps, and adding a form the last two:
//!
//! 1. implement [`Source`] in a file of its own: [`super::files::FileLines`] is the example.
//!    It holds no more than one line (or one page of rows) at a time. What is asynchronous brings
//!    its own runtime and blocks in `next`; whatever it waits for has a bound. An error says which
//!    file, object or row it was; all lines before it are still verified, and a break among them
//!    is told first.
//! 2. add a word to [`super::verify::VerifyFrom`], and its line to [`open`];
//! 3. give the word its [`Form`]. A new one gets an arm in [`Form::line`]: pure, as it runs on many
//!    threads at once, and strict: of what it reads, all that no signature covers is compared with
//!    what it rebuilt.
//!
//! A place's name may stand in messages, so a source that logs in puts no password into it.
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use tollgate_audit::{cef, leef, ocsf, read_json, read_stamp};

use super::files::{FileLines, Framing, event_files};
use super::postgres::Rows;
use super::s3::StoreLines;
use super::verify::{VerifyArgs, VerifyFrom};

/// The file of an archive in a folder that is still being filled.
const FILLING: &str = "filling.part";

/// Lines with their places, in the chain's order.
pub(super) trait Source {
    /// Puts the next line, with its newline where it has one, into the empty `line`; `None` at the
    /// end.
    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Place>>;

    /// How many bytes of the source are behind it; for the progress bar alone.
    fn bytes_read(&self) -> u64;

    /// How many bytes there are in all, where that is known before.
    fn bytes_total(&self) -> Option<u64> {
        None
    }
}

/// Where a line stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The file, object or table, as the user knows it.
    pub(super) within: Arc<str>,
    /// The line or row in it, counted from 1.
    pub(super) number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.within, self.number)
    }
}

/// How events are written in a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Our CEF lines, bare or in RFC 5424 messages.
    Cef,
    /// The event's own line.
    Json,
    /// Our LEEF lines, bare or in RFC 5424 messages.
    Leef,
    /// Our OCSF events, one a line.
    Ocsf,
}

impl Form {
    /// The event's own line, without its newline; or why it is no event.
    pub(super) fn line(self, line: &[u8]) -> Result<Cow<'_, [u8]>, String> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let copy = match self {
            Self::Cef => cef::read_cef(line),
            Self::Json => return Ok(Cow::Borrowed(line)),
            Self::Leef => leef::read_leef(line),
            Self::Ocsf => ocsf::read_ocsf(line),
        };
        let entry = copy.map_err(|e| e.to_string())?;
        Ok(Cow::Owned(entry.to_line().trim_end().as_bytes().to_vec()))
    }

    /// The time that a line says, if it says any. Nothing is checked.
    pub(super) fn time(self, line: &[u8]) -> Option<Timestamp> {
        let line = self.line(line).ok()?;
        if let Some(time) = last_time(&line) {
            return Some(time);
        }
        let row = read_json(&line).ok()?;
        let ts = row.get("ts").or_else(|| row.get("payload")?.get("ts"))?;
        ts.as_str().and_then(|text| text.parse().ok())
    }
}

/// The time where our own lines have it: it is their last column. Parsing each line that is passed
/// over would be most of the work of `--since`.
fn last_time(line: &[u8]) -> Option<Timestamp> {
    const STAMP: usize = "2026-01-01T00:00:00.000000Z".len();
    let (before, stamp) = line.strip_suffix(b"\"}")?.split_last_chunk::<STAMP>()?;
    let stamp = std::str::from_utf8(stamp).ok()?;
    before.ends_with(b",\"ts\":\"").then(|| read_stamp(stamp))?
}

/// What the command line names.
pub(super) fn open(args: &VerifyArgs) -> io::Result<(Box<dyn Source>, Form)> {
    let files = |framing| {
        let mut paths = args.paths.clone();
        // Only an archive has one, and its checkpoint may be about what is in it.
        if matches!(args.from, VerifyFrom::Folder | VerifyFrom::Jsonl) {
            let filling = args.paths.iter().map(|path| path.join(FILLING));
            paths.extend(filling.filter(|path| path.exists()));
        }
        let files = event_files(&paths).map_err(|e| {
            let names: Vec<_> = args.paths.iter().map(|path| path.display().to_string()).collect();
            io::Error::new(e.kind(), format!("`{}`: {e}", names.join("`, `")))
        })?;
        Ok::<_, io::Error>(Box::new(FileLines::new(files, framing)))
    };
    Ok(match args.from {
        VerifyFrom::Cef => (files(Framing::Frames)?, Form::Cef),
        VerifyFrom::Folder | VerifyFrom::Jsonl => (files(Framing::Lines)?, Form::Json),
        VerifyFrom::Leef => (files(Framing::Frames)?, Form::Leef),
        VerifyFrom::Ocsf => (files(Framing::Frames)?, Form::Ocsf),
        VerifyFrom::Postgres => match args.paths.as_slice() {
            [url] => {
                let rows = Rows::open(url, &args.postgres, args.ca.as_deref());
                (Box::new(rows.map_err(io::Error::other)?), Form::Json)
            }
            _ => return Err(io::Error::other("`--from postgres` reads one table")),
        },
        VerifyFrom::S3 => (Box::new(StoreLines::open(args)?), Form::Json),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_its_time_in_one_of_two_places() {
        let time = "2026-01-01T00:00:00.000001Z";
        for (line, expect) in [
            (format!("{{\"signer_kid\":\"k\",\"ts\":\"{time}\"}}\n"), true),
            (format!("{{\"ts\":\"{time}\",\"x\":1}}"), true),
            (format!("{{\"payload\":{{\"ts\":\"{time}\"}}}}"), true),
            ("{\"ts\":\"2026-01-01 00:00:00.000001+00\"}".to_owned(), true),
            (format!("{{\"x\":\"{time}\"}}"), false),
            (format!("\"ts\":\"{time}\"}}"), false),
            ("{\"ts\":17}".to_owned(), false),
            (String::new(), false),
        ] {
            let expect = expect.then(|| time.parse().unwrap());
            assert_eq!(Form::Json.time(line.as_bytes()), expect, "{line}");
        }
    }
}
