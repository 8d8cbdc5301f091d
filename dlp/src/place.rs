//! Lines and columns.
use memchr::{memchr_iter, memrchr};

/// Tells lines and columns of offsets that only rise, in one pass over the text.
pub(crate) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
    column: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), at: 0, line: 1, column: 1 }
    }

    /// Counted from 1. An offset before the last one is told as that.
    pub(crate) fn at(&mut self, offset: usize) -> (usize, usize) {
        let passed = self.text.get(self.at..offset).unwrap_or_default();
        self.line += memchr_iter(b'\n', passed).count();
        let tail = match memrchr(b'\n', passed) {
            None => passed,
            Some(end) => {
                self.column = 1;
                passed.get(end + 1..).unwrap_or_default()
            }
        };
        // A character is counted at its first byte.
        self.column += tail.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.at += passed.len();
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let text = "ab\ncdé f\n\nx";
        let mut cursor = Cursor::new(text);
        let places = [0, 2, 3, 5, 7, 8, 9, 10, 11, 99, 3].map(|offset| cursor.at(offset));
        let expect = [
            (1, 1),
            (1, 3),
            (2, 1),
            (2, 3),
            (2, 4),
            (2, 5),
            (2, 6),
            (3, 1),
            (4, 1),
            (4, 1),
            (4, 1),
        ];
        assert_eq!(places, expect);
    }
}
