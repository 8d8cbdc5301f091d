//! Events as words for people.
use serde_json::Value;
use tollgate_audit::{Entry, keys, write_stamp};

/// `time seq type actor effect code rule tool host`, each only where there is one.
pub(super) fn describe(entry: &Entry) -> String {
    let mut text = format!(
        "{} {:>6} {:<16} {}",
        write_stamp(entry.ts()),
        entry.seq(),
        entry.event_type(),
        entry.actor()
    );
    let shown = [
        keys::EFFECT,
        keys::CODE,
        keys::RULE,
        keys::TOOL,
        keys::METHOD,
        keys::HOST,
        keys::PATH,
        keys::STATUS,
        keys::CLASSES,
        keys::REASON,
        keys::SIZE,
    ];
    for key in shown {
        match entry.fact(key) {
            Some(Value::String(value)) => text.push_str(&format!(" {key}={value}")),
            Some(value) => text.push_str(&format!(" {key}={value}")),
            None => {}
        }
    }
    tame(&text)
}

/// What the gate writes is in the portable profile and passes unchanged. In a file that somebody
/// changed could stand what moves a terminal's cursor or turns its text around.
pub(super) fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_wild(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

fn is_wild(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
