//! Files of events: named one by one, or a spool's segments in their order.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// An event of another system may be longer than ours; more than this is no event.
const LINE_BYTES_MAX: u64 = 4 << 20;

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
    let mut from = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(Ok(()));
        }
        if line.last() != Some(&b'\n') && !from.fill_buf()?.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 4 MiB"));
        }
        if let Err(error) = each(&line) {
            return Ok(Err(error));
        }
    }
}
