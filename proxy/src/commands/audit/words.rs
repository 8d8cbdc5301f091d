//! Events as words for people.
//!
//! What is written here has colours in it. `tollgate audit` takes them out again where nobody would
//! see them: when standard output is no terminal, or `NO_COLOR` is set.
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use tollgate_audit::{Entry, EventType, keys, write_stamp};

/// `time seq mark type actor` in columns, then `key=value` of what there is: effect, code, rule,
/// tool, host. The mark is `!` where something was refused or failed and `?` where somebody waits.
pub(super) fn describe(entry: &Entry) -> String {
    let tone = Tone::of(entry);
    let (style, faint) = (tone.style(), Style::new().dimmed());
    // No type of event is longer than 25 characters, and few are longer than 20.
    let mut text = format!(
        "{faint}{}{faint:#} {:>6} {style}{} {:<20}{style:#} {:<32}",
        write_stamp(entry.ts()),
        entry.seq(),
        tone.mark(),
        tame(entry.event_type()),
        tame(entry.actor()),
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
        keys::DURATION_MS,
        keys::CLASSES,
        keys::REASON,
        keys::SIZE,
        keys::OLD_SIGNER_KID,
        keys::NEW_SIGNER_KID,
        keys::REVOKED_SIGNER_KID,
    ];
    for key in shown {
        let value = match entry.fact(key) {
            Some(Value::String(value)) => tame(value),
            Some(value) => tame(&value.to_string()),
            None => continue,
        };
        match key {
            keys::CODE => text.push_str(&format!(" {style}{key}={value}{style:#}")),
            _ => text.push_str(&format!(" {key}={value}")),
        }
    }
    text
}

/// How loud an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tone {
    /// Something was refused, failed or is in danger.
    Bad,
    /// Somebody waits, or was slowed down.
    Wait,
    /// All else.
    Plain,
}

impl Tone {
    fn of(entry: &Entry) -> Self {
        use EventType as Type;
        let fact = |key| entry.fact_text(key).unwrap_or_default();
        let kind = match EventType::parse(entry.event_type()) {
            Some(
                Type::AgentQuarantined
                | Type::AgentRefused
                | Type::ApprovalExpired
                | Type::ApprovalRejected
                | Type::CallRefused
                | Type::KillswitchOn
                | Type::SignerCompromise,
            ) => Self::Bad,
            Some(Type::ApprovalRequested | Type::LimitExceeded) => Self::Wait,
            _ => Self::Plain,
        };
        match (fact(keys::EFFECT), fact("outcome")) {
            ("deny", _) | (_, "cut" | "failed" | "interrupted" | "refused") => Self::Bad,
            ("hold", _) => Self::Wait,
            _ => kind,
        }
    }

    fn mark(self) -> char {
        match self {
            Self::Bad => '!',
            Self::Wait => '?',
            Self::Plain => ' ',
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Bad => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
            Self::Wait => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Self::Plain => Style::new(),
        }
    }
}

/// What the gate writes is in the portable profile and passes unchanged. In a file that somebody
/// changed could stand what moves a terminal's cursor or turns its text around.
pub(in super::super) fn tame(text: &str) -> String {
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
