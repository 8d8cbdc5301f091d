//! What `tollgate audit verify` answers, in words and as JSON.
use std::io::{self, Write};

use tollgate_audit::{Break, Summary, write_stamp};

use super::source::Place;
use super::verify::VerifyArgs;

/// Why there is no good answer.
pub(super) enum Trouble {
    /// The record is not what was written.
    Broken(Option<Spot>, Flawed),
    /// The question cannot be answered.
    Unusable(String),
}

/// Where a record is broken.
pub(super) struct Spot {
    within: String,
    number: Option<u64>,
}

impl Spot {
    /// A file as a whole.
    pub(super) fn file(path: &std::path::Path) -> Self {
        Self { within: path.display().to_string(), number: None }
    }
}

impl From<Place> for Spot {
    fn from(place: Place) -> Self {
        Self { within: place.within.to_string(), number: Some(place.number) }
    }
}

/// What does not hold, and of which event.
pub(super) struct Flawed {
    pub(super) event: Option<String>,
    pub(super) flaw: String,
}

impl From<Break> for Flawed {
    fn from(broken: Break) -> Self {
        Self { event: broken.event().map(str::to_owned), flaw: broken.flaw().to_string() }
    }
}

/// It is what was written.
pub(super) fn tell_sound(
    args: &VerifyArgs,
    summary: &Summary,
    out: &mut dyn Write,
) -> io::Result<()> {
    if args.json {
        let answer = serde_json::json!({ "sound": true, "summary": summary });
        return writeln!(out, "{answer}");
    }
    let last = summary.first_seq + summary.events - 1;
    writeln!(out, "sound: {} events, numbers {} to {last}", summary.events, summary.first_seq)?;
    if let (Some(first), Some(last)) = (summary.first_ts, summary.last_ts) {
        writeln!(out, "from {} to {}", write_stamp(first), write_stamp(last))?;
    }
    if let Some(head) = &summary.head_hash {
        writeln!(out, "head {head}")?;
    }
    let signers: Vec<&str> = summary.signers.iter().map(String::as_str).collect();
    writeln!(out, "signed by {}", signers.join(", "))?;
    if let Some(since) = args.since.filter(|_| summary.part) {
        let since = write_stamp(since);
        writeln!(
            out,
            "only the part since {since}, with the event before: nothing is said of those before it"
        )?;
    } else if summary.part {
        writeln!(out, "only a part: nothing is said of the events before it")?;
    } else if summary.first_seq > 0 {
        writeln!(out, "the first {} events were delivered and released", summary.first_seq)?;
    }
    match (summary.checkpoints, last + 1 - summary.anchored.min(last + 1)) {
        (0, _) => writeln!(out, "no checkpoint: a cut end would not be seen"),
        (count, 0) => writeln!(out, "agrees with {count} checkpoints, up to its end"),
        (count, rest) => {
            writeln!(out, "agrees with {count} checkpoints; {rest} events came after the last")
        }
    }
}

/// It is not: where, and what is wrong there.
pub(super) fn tell_broken(
    json: bool,
    spot: Option<&Spot>,
    broken: &Flawed,
    out: &mut dyn Write,
) -> io::Result<()> {
    if json {
        let answer = serde_json::json!({
            "sound": false,
            "file": spot.map(|spot| &spot.within),
            "line": spot.and_then(|spot| spot.number),
            "event": broken.event,
            "break": broken.flaw,
        });
        return writeln!(out, "{answer}");
    }
    write!(out, "broken: ")?;
    if let Some(Spot { within, number }) = spot {
        write!(out, "{within}")?;
        if let Some(number) = number {
            write!(out, ":{number}")?;
        }
        write!(out, ": ")?;
    }
    if let Some(event) = &broken.event {
        write!(out, "event {event}: ")?;
    }
    writeln!(out, "{}", broken.flaw)
}
