//! The numbers in a JSON text, as they are written.
//!
//! What a number is differs from reader to reader: most round it to a double, some keep all its digits,
//! some refuse it. So the text of each travels as it came, and it is the text that is looked at.

/// All numbers of a text, one after the other.
pub(super) struct Numbers<'t>(&'t str);

impl<'t> Numbers<'t> {
    /// What is no JSON gives anything; its reader refuses it.
    pub(super) fn of(text: &'t str) -> Self {
        Self(text)
    }
}

impl<'t> Iterator for Numbers<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        loop {
            let begins = self.0.bytes().position(|b| matches!(b, b'"' | b'-' | b'0'..=b'9'))?;
            let (_, here) = self.0.split_at_checked(begins)?;
            if let Some(string) = here.strip_prefix('"') {
                self.0 = after_string(string);
                continue;
            }
            let is_of_number = |b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
            let end = here.bytes().position(|b| !is_of_number(b)).unwrap_or(here.len());
            let (number, rest) = here.split_at_checked(end)?;
            self.0 = rest;
            return Some(number);
        }
    }
}

/// What follows the string whose opening quote has been read.
fn after_string(mut rest: &str) -> &str {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest.as_bytes()) {
        // Behind a backslash stands one more character of the string.
        let is_end = rest.as_bytes().get(at) == Some(&b'"');
        let next = if is_end { at + 1 } else { rest.ceil_char_boundary(at + 2) };
        rest = rest.get(next..).unwrap_or_default();
        if is_end {
            return rest;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_digits_in_strings() {
        let text = r#"{"a1":-1.50E+07,"\"2":"3\\","é":[4,"\u0035",0 , -0],"6":"\\\"7"}"#;
        assert_eq!(Numbers::of(text).collect::<Vec<_>>(), ["-1.50E+07", "4", "0", "-0"]);
        assert_eq!(Numbers::of("12").collect::<Vec<_>>(), ["12"]);
        for broken in ["\"", "\"\\", "\"\\é", "", "\"1"] {
            assert_eq!(Numbers::of(broken).next(), None, "{broken}");
        }
    }
}
