//! Lines, read as they come (`application/x-ndjson`): where chunks are cut makes no difference.

/// Why lines cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinesError {
    /// One line is larger than the limit.
    #[error("a line is larger than {0} bytes")]
    TooLarge(usize),
    /// A line is not UTF-8.
    #[error("a line is not UTF-8")]
    Encoding,
}

/// Reads lines chunk by chunk.
pub struct LineReader {
    limit_bytes: usize,
    line: Vec<u8>,
}

impl LineReader {
    /// A reader of lines of at most `limit_bytes`.
    pub fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, line: Vec::new() }
    }

    /// Bytes of the line that is not complete.
    pub fn held(&self) -> usize {
        self.line.capacity()
    }

    /// Reads the next chunk and appends the lines that became complete, without their ends.
    pub fn push(&mut self, chunk: &[u8], lines: &mut Vec<String>) -> Result<(), LinesError> {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = rest.split_at_checked(end).unwrap_or_default();
            self.keep(head)?;
            lines.push(self.take()?);
            rest = tail.get(1..).unwrap_or_default();
        }
        self.keep(rest)
    }

    /// The text behind the last line's end.
    pub fn finish(mut self) -> Result<Option<String>, LinesError> {
        match self.line.is_empty() {
            true => Ok(None),
            false => self.take().map(Some),
        }
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), LinesError> {
        if self.line.len().saturating_add(piece.len()) > self.limit_bytes {
            return Err(LinesError::TooLarge(self.limit_bytes));
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn take(&mut self) -> Result<String, LinesError> {
        let mut line =
            String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| LinesError::Encoding)?;
        if line.ends_with('\r') {
            line.pop();
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = "{\"a\":1}\r\n\nä\n{}";
        for size in 1..=text.len() {
            let mut reader = LineReader::new(100);
            let mut lines = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                reader.push(chunk, &mut lines).unwrap();
            }
            lines.extend(reader.finish().unwrap());
            assert_eq!(lines, ["{\"a\":1}", "", "ä", "{}"], "chunks of {size}");
        }
    }

    #[test]
    fn long_and_foreign_lines_are_refused() {
        let mut lines = Vec::new();
        let mut reader = LineReader::new(3);
        assert_eq!(reader.push(b"abcd", &mut lines), Err(LinesError::TooLarge(3)));
        let mut reader = LineReader::new(3);
        assert_eq!(reader.push(b"\xff\n", &mut lines), Err(LinesError::Encoding));
    }
}
