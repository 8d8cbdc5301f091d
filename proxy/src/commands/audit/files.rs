//! Files of events: named one by one, or a spool's segments in their order.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::source::{Place, Source};

/// An event of another system may be longer than ours; more than this is no event.
pub(super) const LINE_BYTES_MAX: u64 = 4 << 20;
/// Digits of a frame's length and the blank behind them.
const COUNT_BYTES_MAX: u64 = 8;
/// A system call for some forty events.
const BUFFER_BYTES: usize = 1 << 16;

/// How events follow one another in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// One a line.
    Lines,
    /// One a line, or one a frame with its length before it (RFC 6587 section 3.4.1).
    Frames,
}

/// The lines of files, one file after the other. An error says where it was.
pub(super) struct FileLines {
    files: std::vec::IntoIter<PathBuf>,
    framing: Framing,
    open: Option<Open>,
    bytes_total: u64,
    bytes_read: u64,
}

struct Open {
    from: BufReader<File>,
    name: Arc<str>,
    number: u64,
}

impl FileLines {
    pub(super) fn new(files: Vec<PathBuf>, framing: Framing) -> Self {
        // What cannot be looked at is told when it is read.
        let sizes = files.iter().filter_map(|path| fs::metadata(path).ok());
        let bytes_total = sizes.map(|facts| facts.len()).sum();
        Self { files: files.into_iter(), framing, open: None, bytes_total, bytes_read: 0 }
    }
}

impl Source for FileLines {
    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Place>> {
        loop {
            let open = match &mut self.open {
                Some(open) => open,
                closed => match self.files.next() {
                    Some(path) => closed.insert(Open::new(&path)?),
                    None => return Ok(None),
                },
            };
            match open.next(self.framing, line)? {
                Some((place, bytes)) => {
                    self.bytes_read += bytes;
                    return Ok(Some(place));
                }
                None => self.open = None,
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(self.bytes_total)
    }
}

impl Open {
    fn new(path: &Path) -> io::Result<Self> {
        let name: Arc<str> = path.display().to_string().into();
        let file =
            File::open(path).map_err(|e| io::Error::new(e.kind(), format!("`{name}`: {e}")))?;
        Ok(Self { from: BufReader::with_capacity(BUFFER_BYTES, file), name, number: 0 })
    }

    /// The next line's place, and how many bytes it took.
    fn next(&mut self, framing: Framing, line: &mut Vec<u8>) -> io::Result<Option<(Place, u64)>> {
        self.number += 1;
        let place = Place { within: Arc::clone(&self.name), number: self.number };
        let bytes = next(&mut self.from, framing, line).map_err(|e| {
            io::Error::new(e.kind(), format!("`{}`: line {}: {e}", place.within, place.number))
        })?;
        Ok((bytes > 0).then_some((place, bytes)))
    }
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

/// Reads the next line or frame, and says how many bytes it took; 0 at the end.
fn next(from: &mut impl BufRead, framing: Framing, line: &mut Vec<u8>) -> io::Result<u64> {
    let counted = from.fill_buf()?.first().is_some_and(u8::is_ascii_digit);
    if framing == Framing::Frames && counted {
        return next_frame(from, line);
    }
    let read = from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line)?;
    if read > 0 && line.last() != Some(&b'\n') && !from.fill_buf()?.is_empty() {
        return Err(wrong("a line is longer than 4 MiB"));
    }
    Ok(as_bytes(read))
}

fn next_frame(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut bytes = as_bytes(from.by_ref().take(COUNT_BYTES_MAX).read_until(b' ', line)?);
    let count = line
        .strip_suffix(b" ")
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok())
        .ok_or_else(|| wrong("it begins with a digit, but not with the length of a frame"))?;
    if count > LINE_BYTES_MAX {
        return Err(wrong("a frame is longer than 4 MiB"));
    }
    line.clear();
    let read = as_bytes(from.by_ref().take(count).read_to_end(line)?);
    if read != count {
        return Err(wrong("the file ends within a frame"));
    }
    bytes += read;
    // Who keeps frames in a file often puts each on a line.
    if from.fill_buf()?.first() == Some(&b'\n') {
        from.consume(1);
        bytes += 1;
    }
    Ok(bytes)
}

fn as_bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn wrong(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
