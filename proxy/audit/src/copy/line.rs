//! What CEF and LEEF lines have in common: a header of fields between bars, pairs behind it, and
//! the syslog message around both.
use std::fmt::Write as _;

use super::CopyError;
use crate::Entry;
use crate::strict::read_json;

/// Pairs of one line; ours have fewer.
const PAIRS_MAX: usize = 64;
/// Characters of a key; the dictionaries' are shorter.
const KEY_MAX: usize = 32;

/// Characters of a version.
const VERSION_MAX: usize = 32;
/// RFC 5424 section 6.2.1: facility 23, severity 7.
const PRIORITY_MAX: u16 = 191;

/// What stands behind the RFC 5424 header, where there is one, when it begins as asked. Ours has
/// no structured data.
pub(crate) fn message<'a>(text: &'a str, begins: &str) -> Option<&'a str> {
    let Some(rest) = text.strip_prefix('<') else {
        return text.starts_with(begins).then_some(text);
    };
    let (priority, rest) = rest.split_once('>')?;
    if !(1..=3).contains(&priority.len()) || !priority.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    priority.parse::<u16>().ok().filter(|priority| *priority <= PRIORITY_MAX)?;
    let mut rest = rest.strip_prefix("1 ")?;
    // Time, host, application, process, message id.
    for _ in 0..5 {
        let (word, more) = rest.split_once(' ')?;
        if word.is_empty() || !word.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
        rest = more;
    }
    rest.strip_prefix("- ").filter(|message| message.starts_with(begins))
}

/// Whether it can be a version of the gate. It is under no signature, so that only its form is
/// checked.
pub(crate) fn is_version(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    (1..=VERSION_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// The pairs of a line, in their order.
pub(crate) struct Pairs {
    /// Where they stand, for messages.
    part: &'static str,
    list: Vec<(String, String)>,
}

impl Pairs {
    /// None yet.
    pub(crate) fn of(part: &'static str) -> Self {
        Self { part, list: Vec::new() }
    }

    /// One more; each key stands once.
    pub(crate) fn add(&mut self, key: &str, value: &str) -> Result<(), CopyError> {
        if !is_key(key) || self.list.len() >= PAIRS_MAX {
            return Err(CopyError::Pair(self.part));
        }
        if self.list.iter().any(|(known, _)| known == key) {
            return Err(CopyError::Twice(key.to_owned()));
        }
        self.list.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    /// The entry that they hold.
    pub(crate) fn rebuild(&self) -> Result<Entry, CopyError> {
        let payload = read_json(self.find("payload")?.as_bytes()).map_err(CopyError::Payload)?;
        let prev_hash = self.find("prev_hash").ok();
        super::rebuild(payload, prev_hash, self.find("hash")?, self.find("signature")?)
    }

    fn find(&self, key: &'static str) -> Result<&str, CopyError> {
        let found = self.list.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str()).ok_or(CopyError::Missing(key))
    }

    /// The first field of the header, given by its name with what stands there and what should, or
    /// else the first pair that is not as it must be.
    pub(crate) fn difference<'a>(
        &self,
        due: &Self,
        mut header: impl Iterator<Item = (&'a &'a str, (&'a String, &'a String))>,
    ) -> CopyError {
        if let Some((name, _)) = header.find(|(_, (found, due))| found != due) {
            return CopyError::Differs((*name).to_owned());
        }
        let mut places = self.list.iter().enumerate();
        let differs = places.find(|(at, found)| due.list.get(*at) != Some(*found));
        CopyError::Differs(differs.map_or(self.part, |(_, (key, _))| key).to_owned())
    }
}

/// Whether it can be a key.
pub(crate) fn is_key(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// A character as it is; percent-encoded when some reader takes it for a line's end, or a terminal
/// for a command.
pub(crate) fn write_plain(out: &mut String, c: char) {
    if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
        write_encoded(out, c);
    } else {
        out.push(c);
    }
}

/// The UTF-8 bytes of a character, percent-encoded.
pub(crate) fn write_encoded(out: &mut String, c: char) {
    let mut bytes = [0; 4];
    for byte in c.encode_utf8(&mut bytes).bytes() {
        let _ = write!(out, "%{byte:02X}");
    }
}
