//! Files of events: named one by one, or a spool's segments in their order.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tollgate_audit::Entry;

/// An event of another system may be longer than ours; more than this is no event.
const LINE_BYTES_MAX: u64 = 4 << 20;
/// Digits of a frame's length and the blank behind them.
const COUNT_BYTES_MAX: u64 = 8;

/// How events follow one another in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// One a line.
    Lines,
    /// One a line, or one a frame with its length before it (RFC 6587 section 3.4.1).
    Frames,
}

/// The files to read, in order. A directory stands for its segments.
pub(super) fn event_files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() { files.extend(segments(path)?) } else { files.push(path.clone()) }
    }
    Ok(files)
}

/// A spool's segments, oldest first.
fn segments(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = name.strip_prefix("events-").and_then(|name| name.strip_suffix(".jsonl"));
        if digits.is_some_and(|digits| digits.parse::<u64>().is_ok()) {
            found.push(path);
        }
    }
    // Their numbers have a fixed width.
    found.sort();
    Ok(found)
}

/// Hands each line, with its newline where it has one, to `each`, until it says no.
pub(super) fn each_line<E>(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    each_framed(path, Framing::Lines, |_, line| each(line))
}

/// Hands each line of all files, with the file and the line's number in it, to `each`, until it
/// says no. An error says where it was.
pub(super) fn each_of<E>(
    files: &[PathBuf],
    framing: Framing,
    mut each: impl FnMut(&Path, u64, &[u8]) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    for path in files {
        let read = each_framed(path, framing, |number, line| each(path, number, line));
        let named = |e: io::Error| io::Error::new(e.kind(), format!("`{}`: {e}", path.display()));
        if let Err(error) = read.map_err(named)? {
            return Ok(Err(error));
        }
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
    let files = event_files(paths)?;
    let mut unread = 0;
    each_of(&files, Framing::Lines, |path, number, line| match Entry::parse(line) {
        Ok(entry) => each(&entry),
        // It is being written just now.
        Err(_) if !line.ends_with(b"\n") => {
            writeln!(err, "{}:{number}: the last line is unfinished", path.display())
        }
        Err(error) => {
            unread += 1;
            writeln!(err, "{}:{number}: {error}", path.display())
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

fn each_framed<E>(
    path: &Path,
    framing: Framing,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    let mut from = BufReader::with_capacity(1 << 16, File::open(path)?);
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        number += 1;
        line.clear();
        let at = |e: io::Error| io::Error::new(e.kind(), format!("line {number}: {e}"));
        if !next(&mut from, framing, &mut line).map_err(at)? {
            return Ok(Ok(()));
        }
        if let Err(error) = each(number, &line) {
            return Ok(Err(error));
        }
    }
}

/// Reads the next line or frame; false at the end.
fn next(from: &mut impl BufRead, framing: Framing, line: &mut Vec<u8>) -> io::Result<bool> {
    let counted = from.fill_buf()?.first().is_some_and(u8::is_ascii_digit);
    if framing == Framing::Frames && counted {
        return next_frame(from, line).map(|()| true);
    }
    if from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.last() != Some(&b'\n') && !from.fill_buf()?.is_empty() {
        return Err(wrong("a line is longer than 4 MiB"));
    }
    Ok(true)
}

fn next_frame(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    from.by_ref().take(COUNT_BYTES_MAX).read_until(b' ', line)?;
    let count = line
        .strip_suffix(b" ")
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok())
        .ok_or_else(|| wrong("it begins with a digit, but not with the length of a frame"))?;
    if count > LINE_BYTES_MAX {
        return Err(wrong("a frame is longer than 4 MiB"));
    }
    line.clear();
    let read = from.by_ref().take(count).read_to_end(line)?;
    if u64::try_from(read).ok() != Some(count) {
        return Err(wrong("the file ends within a frame"));
    }
    // Who keeps frames in a file often puts each on a line.
    if from.fill_buf()?.first() == Some(&b'\n') {
        from.consume(1);
    }
    Ok(())
}

fn wrong(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
