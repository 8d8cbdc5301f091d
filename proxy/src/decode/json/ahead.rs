//! A look ahead of the reader of a JSON text, at the text itself.
//!
//! What a number is differs from reader to reader: most round it to a double, some keep all its digits,
//! some refuse it. So the text of each travels as it came, and it is the text that is looked at. The
//! reader tells of no text, so that this goes on with it from value to value.

/// What the reader has not come to yet.
pub(super) struct Ahead<'t>(&'t str);

impl<'t> Ahead<'t> {
    /// What is no JSON is the reader's to refuse.
    pub(super) fn of(text: &'t str) -> Self {
        Self(text)
    }

    /// The number that comes next, if it is one that does.
    pub(super) fn number(&mut self) -> Option<&'t str> {
        self.come();
        let begins = matches!(self.0.as_bytes().first(), Some(b'-' | b'0'..=b'9'));
        let belongs = |b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let length = || self.0.bytes().position(|b| !belongs(b)).unwrap_or(self.0.len());
        begins.then(|| self.take(length()))
    }

    /// The reader has passed an opening bracket, or the first letter of a word.
    pub(super) fn pass(&mut self) {
        self.come();
        self.take(1);
    }

    /// The reader has passed a string of so many bytes that has no escapes.
    pub(super) fn pass_plain(&mut self, bytes: usize) {
        self.come();
        self.take(bytes + 2);
    }

    /// The reader has passed a string with escapes.
    pub(super) fn pass_escaped(&mut self) {
        self.come();
        self.take(1);
        while let Some(at) = memchr::memchr2(b'"', b'\\', self.0.as_bytes()) {
            // Behind a backslash stands one more character of the string.
            if self.0.as_bytes().get(at) == Some(&b'"') {
                self.take(at + 1);
                return;
            }
            self.take(at + 2);
        }
    }

    /// To where the next name or value begins: over blanks, the signs between them, the rest of a
    /// word and the ends of lists and objects.
    fn come(&mut self) {
        let stops = |b| matches!(b, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n');
        let length = self.0.bytes().position(stops).unwrap_or(self.0.len());
        self.take(length);
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.0.split_at(self.0.ceil_char_boundary(bytes));
        self.0 = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_with_the_reader() {
        let text =
            r#"{"a1":-1.50E+07, "\"2":"3\\","é":[true,4,null ,"\u0035" ,0 , -0],"6":"\\\"7é"} "#;
        let mut ahead = Ahead::of(text);
        assert_eq!(ahead.number(), None);
        ahead.pass();
        ahead.pass_plain(2);
        assert_eq!(ahead.number(), Some("-1.50E+07"));
        ahead.pass_escaped();
        assert_eq!(ahead.number(), None);
        ahead.pass_escaped();
        ahead.pass_plain("é".len());
        ahead.pass();
        ahead.pass();
        assert_eq!(ahead.number(), Some("4"));
        ahead.pass();
        assert_eq!(ahead.number(), None);
        ahead.pass_escaped();
        assert_eq!(ahead.number(), Some("0"));
        assert_eq!(ahead.number(), Some("-0"));
        ahead.pass_plain(1);
        ahead.pass_escaped();
        assert_eq!((ahead.number(), ahead.0), (None, ""));
    }

    #[test]
    fn what_is_no_document_has_an_end() {
        for broken in ["\"", "\"\\", "\"\\é", "", "\"1", "é"] {
            let mut ahead = Ahead::of(broken);
            ahead.pass_escaped();
            ahead.pass_plain(7);
            assert_eq!((ahead.number(), ahead.0), (None, ""), "{broken}");
        }
    }
}
