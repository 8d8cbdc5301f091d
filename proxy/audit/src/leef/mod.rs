//! An entry as a line of Log Event Extended Format 2.0, for a SIEM that reads it.
//!
//! LEEF has no escapes. What separates attributes is `^`, one of the vendor's own examples: the
//! default, a tab, is rewritten by syslog relays. A `^` in a value is percent-encoded, as whatever
//! some reader takes for a line's end; in the payload, which is JSON, it is written as JSON can.
//! So one event is one line and each attribute ends where its value ends, whatever the agent wrote.
mod read;

use std::fmt::Write as _;

pub use read::read_leef;

use crate::copy::{
    PRODUCT, address, bounded, facts, outcome, reason, seal, severity, title, write_encoded,
    write_plain,
};
use crate::{Entry, keys};

/// Between two attributes.
const DELIMITER: char = '^';

/// The line of an entry, without a newline.
pub fn write_leef(entry: &Entry) -> String {
    write_as(entry, env!("CARGO_PKG_VERSION"))
}

/// As a gate of this version writes it.
fn write_as(entry: &Entry, version: &str) -> String {
    let mut line = LeefLine::new(version, entry.event_type());
    line.pair("devTime", &entry.ts().as_millisecond().to_string());
    // Its scale begins at 1.
    line.pair("sev", &severity(entry).clamp(1, 10).to_string());
    line.pair("cat", entry.event_type().split('.').next().unwrap_or_default());
    for (key, fact) in [("src", keys::SOURCE), ("dst", keys::DESTINATION)] {
        if let Some(ip) = address(entry, fact) {
            line.pair(key, &ip.to_string());
        }
    }
    line.pair("usrName", bounded(entry.actor(), 255));
    for (key, value) in facts(entry, &FACTS) {
        line.pair(key, &value);
    }
    line.pair("name", title(entry));
    line.pair("outcome", outcome(entry));
    line.pair("reason", bounded(reason(entry), VALUE_MAX));
    line.pair("eventId", &entry.id().to_string());
    line.pair("revision", entry.revision());
    for (key, value) in seal(entry) {
        line.pair(key, &value);
    }
    line.pair("payload", &entry.canonical().replace(DELIMITER, "\\u005e"));
    line.text
}

/// Characters of a value that LEEF does not bound; QRadar's own fields are as long.
const VALUE_MAX: usize = 4000;

/// LEEF's word, the fact and how many characters there may be. The first six are predefined, the
/// others are our own.
const FACTS: [(&str, &str, usize); 14] = [
    ("dstPort", keys::PORT, 5),
    ("srcBytes", keys::BYTES_OUT, 20),
    ("dstBytes", keys::BYTES_IN, 20),
    ("policy", keys::RULE, VALUE_MAX),
    ("resource", keys::TOOL, VALUE_MAX),
    ("url", keys::PATH, VALUE_MAX),
    ("action", keys::EFFECT, 63),
    ("app", keys::PROTOCOL, 31),
    ("method", keys::METHOD, 255),
    ("dstHost", keys::HOST, 255),
    ("route", keys::ROUTE, 255),
    ("session", keys::SESSION, VALUE_MAX),
    ("classes", keys::CLASSES, VALUE_MAX),
    ("intent", keys::INTENT, 63),
];

struct LeefLine {
    text: String,
    first: bool,
}

impl LeefLine {
    /// The header: `LEEF:2.0|vendor|product|version|event id|delimiter|`. The event type is a word
    /// of ours; of another gate's, what the header cannot hold is encoded.
    fn new(version: &str, event_type: &str) -> Self {
        let mut text = String::with_capacity(1024);
        let _ = write!(text, "LEEF:2.0|{PRODUCT}|{PRODUCT}|{version}|");
        for c in bounded(event_type, 255).chars() {
            match c {
                '|' => write_encoded(&mut text, c),
                c => write_plain(&mut text, c),
            }
        }
        let _ = write!(text, "|{DELIMITER}|");
        Self { text, first: true }
    }

    /// An attribute. An empty value is left out, since readers differ on it.
    fn pair(&mut self, key: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if !std::mem::take(&mut self.first) {
            self.text.push(DELIMITER);
        }
        self.text.push_str(key);
        self.text.push('=');
        for c in value.chars() {
            match c {
                DELIMITER => write_encoded(&mut self.text, c),
                c => write_plain(&mut self.text, c),
            }
        }
    }
}
