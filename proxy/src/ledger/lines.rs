//! Lines of a file, bounded.
use std::fs::File;
use std::io::{self, BufRead, Read as _, Seek as _, SeekFrom};

/// A line of ours has 64 KiB at most; more than twice that is no line.
pub(super) const LINE_BYTES_MAX: u64 = 160 * 1024;

/// Lines of a file.
pub(super) struct Lines<R> {
    from: R,
    line: Vec<u8>,
    /// Where the next line begins.
    pub(super) offset: u64,
}

pub(super) enum Line<'a> {
    /// With its newline.
    Whole(&'a [u8]),
    /// The file's end without a newline, or something too long to be a line.
    Broken,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(from: R, offset: u64) -> Self {
        Self { from, line: Vec::new(), offset }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = LINE_BYTES_MAX;
        let read = self.from.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.offset += u64::try_from(read).unwrap_or(u64::MAX);
        if self.line.ends_with(b"\n") {
            return Ok(Some(Line::Whole(&self.line)));
        }
        Ok(Some(Line::Broken))
    }
}

/// The last line of a file of that length, without its newline; none when it has no whole one.
pub(super) fn last_line(file: &mut File, bytes: u64) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(bytes.saturating_sub(LINE_BYTES_MAX)))?;
    let mut tail = Vec::new();
    file.take(LINE_BYTES_MAX).read_to_end(&mut tail)?;
    let Some(body) = tail.strip_suffix(b"\n") else { return Ok(None) };
    Ok(body.rsplit(|b| *b == b'\n').next().map(<[u8]>::to_vec))
}
