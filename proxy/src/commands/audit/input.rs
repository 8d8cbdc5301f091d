//! Events as the commands that only read take them.
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tollgate_audit::Entry;

use super::files::{FileLines, Framing, event_files};
use super::source::{Place, Source as _};

/// Hands each line of a file, with its newline where it has one, to `each`, until it says no.
pub(super) fn each_line<E>(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    each_of(vec![path.to_owned()], |_, line| each(line))
}

/// Hands each line of all files, with its place, to `each`, until it says no. An error says where
/// it was.
pub(super) fn each_of<E>(
    files: Vec<PathBuf>,
    mut each: impl FnMut(&Place, &[u8]) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    let mut lines = FileLines::new(files, Framing::Lines);
    let mut line = Vec::new();
    while let Some(place) = lines.next(&mut line)? {
        if let Err(error) = each(&place, &line) {
            return Ok(Err(error));
        }
        line.clear();
    }
    Ok(Ok(()))
}

/// Hands each event that reads well to `each`, and tells `err` of every line that is none. Returns
/// how many those were.
pub(super) fn each_entry(
    paths: &[PathBuf],
    err: &mut dyn io::Write,
    mut each: impl FnMut(&Entry) -> io::Result<()>,
) -> io::Result<u64> {
    let mut unread = 0;
    each_of(event_files(paths)?, |place, line| match Entry::parse(line) {
        Ok(entry) => each(&entry),
        // It is being written just now.
        Err(_) if !line.ends_with(b"\n") => writeln!(err, "{place}: the last line is unfinished"),
        Err(error) => {
            unread += 1;
            writeln!(err, "{place}: {error}")
        }
    })??;
    Ok(unread)
}

/// Reads a time from the command line: RFC 3339, or a date for its beginning in UTC.
pub(super) fn read_time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map_err(|_| "write a time as 2026-11-21T04:00:00Z or 2026-11-21".to_owned())
}
