//! A line of Common Event Format, whatever is put into it.
//!
//! Escapes are those of the CEF implementation standard (version 27): in the header `\` and `|`,
//! in the extension `\`, `=`, line feed and carriage return. Everything else that some reader takes
//! for a line's end, or a terminal for a command, is percent-encoded: one event is one line.
use std::fmt::Write as _;

use crate::copy::write_plain;

/// Writes one line, without a newline.
#[derive(Clone, Debug)]
pub struct CefLine {
    text: String,
    first: bool,
}

impl CefLine {
    /// The header: `CEF:0|vendor|product|version|class|name|severity|`.
    pub fn new(
        vendor: &str,
        product: &str,
        version: &str,
        class: &str,
        name: &str,
        severity: u8,
    ) -> Self {
        let mut text = String::with_capacity(1024);
        text.push_str("CEF:0|");
        for field in [vendor, product, version, class, name] {
            write_header(&mut text, field);
            text.push('|');
        }
        let _ = write!(text, "{}|", severity.min(10));
        Self { text, first: true }
    }

    /// A pair of the extension. An empty value is left out, since readers differ on it, and blanks
    /// at its ends, since they are what separates pairs. `key` is a plain word.
    pub fn pair(mut self, key: &str, value: &str) -> Self {
        let value = value.trim_matches(' ');
        if value.is_empty() {
            return self;
        }
        if !self.first {
            self.text.push(' ');
        }
        self.first = false;
        self.text.push_str(key);
        self.text.push('=');
        write_value(&mut self.text, value);
        self
    }

    /// The line.
    pub fn finish(self) -> String {
        self.text
    }
}

fn write_header(out: &mut String, field: &str) {
    for c in field.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '|' => out.push_str("\\|"),
            // The standard has no escape for them in the header.
            '\n' | '\r' => out.push(' '),
            c => write_plain(out, c),
        }
    }
}

fn write_value(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '=' => out.push_str("\\="),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => write_plain(out, c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (value, expect) in [
            ("a=b", "a\\=b"),
            ("c:\\x", "c:\\\\x"),
            ("a|b", "a|b"),
            ("x\r\ny", "x\\r\\ny"),
            ("a\u{b}b\u{85}c\u{2028}d\0", "a%0Bb%C2%85c%E2%80%A8d%00"),
            (" padded ", "padded"),
        ] {
            let line = CefLine::new("v", "p", "1", "c", "n", 3).pair("msg", value).finish();
            assert_eq!(line, format!("CEF:0|v|p|1|c|n|3|msg={expect}"));
        }
        let line = CefLine::new("a|b", "c\\d", "1", "e\nf", "", 99).pair("x", "").pair("y", "z");
        assert_eq!(line.finish(), "CEF:0|a\\|b|c\\\\d|1|e f||10|y=z");
    }
}
