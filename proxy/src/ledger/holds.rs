//! Legal holds: which events must not be deleted, whatever else says that they may.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tollgate_audit::{Entry, EventType, Facts, keys, portable, read_stamp, write_stamp};

use super::LedgerError;
use super::files::replace;
use super::segment::Segment;

/// The holds that are in force.
const HOLDS_FILE: &str = "holds.json";
/// How many there may be at once.
pub const HOLDS_MAX: usize = 1000;
/// A matter is a reference, not a text.
const MATTER_BYTES_MAX: usize = 200;
const ID_BYTES_MAX: usize = 64;

/// A legal hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its name; chosen by whoever sets it.
    pub id: String,
    /// What it is for.
    pub matter: String,
    /// The first event that it holds; from the chain's beginning when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Bound>,
    /// The last event that it holds; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Bound>,
}

/// An end of a range of events: a number, or a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Bound {
    /// An event's number.
    Seq(u64),
    /// A time in UTC.
    Time(Timestamp),
}

/// As it stands in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Seq(u64),
    Time(String),
}

impl From<Bound> for Written {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Seq(number) => Self::Seq(number),
            Bound::Time(time) => Self::Time(write_stamp(time)),
        }
    }
}

impl TryFrom<Written> for Bound {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Seq(number) => Ok(Self::Seq(number)),
            Written::Time(text) => text.parse(),
        }
    }
}

impl FromStr for Bound {
    type Err = String;

    /// An event's number, a time as in RFC 3339, or a date for its beginning in UTC.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Seq(number));
        }
        let time = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse::<Timestamp>());
        // Events tell microseconds, and so do holds.
        let time =
            time.ok().and_then(|time| Timestamp::from_microsecond(time.as_microsecond()).ok());
        time.map(Self::Time).ok_or_else(|| {
            format!("`{text}` is no event's number and no time such as 2026-11-21T04:00:00Z")
        })
    }
}

/// What is wanted of a hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HoldChange {
    /// Set it.
    Set(Hold),
    /// Clear the one of this id.
    Clear(String),
}

/// Why a hold was not changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HoldFault {
    /// It is not written as a hold is.
    #[error("{0}")]
    Form(String),
    /// There is another of this id.
    #[error("a hold `{0}` is set already, and it says something else; clear it first")]
    Other(String),
    /// There are too many.
    #[error("there are {HOLDS_MAX} holds already; clear one first")]
    TooMany,
    /// The event or the file could not be written.
    #[error("the change could not be recorded; see the gate's log")]
    Unrecorded,
}

impl Hold {
    /// Whether it can be kept and told word for word.
    pub fn check(&self) -> Result<(), HoldFault> {
        let form = |reason: &str| Err(HoldFault::Form(reason.to_owned()));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if self.id.is_empty() || self.id.len() > ID_BYTES_MAX || !self.id.bytes().all(plain) {
            return form("`id` is 1 to 64 characters of `A-Z a-z 0-9 . _ -`");
        }
        let matter = &self.matter;
        if matter.is_empty() || matter.len() > MATTER_BYTES_MAX || portable(matter) != *matter {
            return form("`matter` is 1 to 200 bytes of text without `< > & %` and controls");
        }
        match (self.from, self.until) {
            (Some(Bound::Seq(from)), Some(Bound::Seq(until))) if from > until => {
                form("`until` is before `from`")
            }
            (Some(Bound::Time(from)), Some(Bound::Time(until))) if from > until => {
                form("`until` is before `from`")
            }
            _ => Ok(()),
        }
    }

    /// Whether an event of the segment may be meant; `next` is the one behind it.
    fn covers(&self, segment: &Segment, next: &Segment) -> bool {
        let begins = match self.from {
            None => true,
            Some(Bound::Seq(from)) => next.first_seq > from,
            Some(Bound::Time(from)) => segment.last_ts.is_none_or(|last| last >= from),
        };
        let ends = match self.until {
            None => true,
            Some(Bound::Seq(until)) => segment.first_seq <= until,
            Some(Bound::Time(until)) => segment.first_ts.is_none_or(|first| first <= until),
        };
        begins && ends
    }

    /// Whether it is about any of the events from one up to and with another.
    pub(super) fn meets(&self, first: &Entry, last: &Entry) -> bool {
        let begins = match self.from {
            None => true,
            Some(Bound::Seq(from)) => last.seq() >= from,
            Some(Bound::Time(from)) => last.ts() >= from,
        };
        let ends = match self.until {
            None => true,
            Some(Bound::Seq(until)) => first.seq() <= until,
            Some(Bound::Time(until)) => first.ts() <= until,
        };
        begins && ends
    }

    fn facts(&self, event: EventType, actor: &str) -> Facts {
        let facts =
            Facts::new(event, actor).text(keys::HOLD, &self.id).text("matter", &self.matter);
        let facts = bound(facts, self.from, "from_seq", "from_ts");
        bound(facts, self.until, "until_seq", "until_ts")
    }

    fn of_event(entry: &Entry) -> Option<Self> {
        let end = |seq: &str, ts: &str| {
            let seq = entry.fact(seq).and_then(serde_json::Value::as_u64).map(Bound::Seq);
            seq.or_else(|| entry.fact_text(ts).and_then(read_stamp).map(Bound::Time))
        };
        Some(Self {
            id: entry.fact_text(keys::HOLD)?.to_owned(),
            matter: entry.fact_text("matter")?.to_owned(),
            from: end("from_seq", "from_ts"),
            until: end("until_seq", "until_ts"),
        })
    }
}

fn bound(facts: Facts, bound: Option<Bound>, seq: &'static str, ts: &'static str) -> Facts {
    match bound {
        None => facts,
        Some(Bound::Seq(number)) => facts.number(seq, number),
        Some(Bound::Time(time)) => facts.text(ts, &write_stamp(time)),
    }
}

/// The holds in force, and their file.
#[derive(Debug)]
pub(super) struct Holds {
    path: PathBuf,
    all: Vec<Hold>,
}

impl Holds {
    /// Reads the file. The event comes before the file when a hold changes, so the chain's end may
    /// know of one change more; it is right.
    pub(super) fn open(dir: &Path, events: &[Entry]) -> Result<Self, LedgerError> {
        let path = dir.join(HOLDS_FILE);
        let all = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|e| LedgerError::damaged(&path, 1, &e.to_string()))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(LedgerError::file("read", &path, e)),
        };
        let mut holds = Self { path, all };
        let before = holds.all.clone();
        for entry in events {
            let set = entry.event_type() == EventType::LegalHoldSet.as_str();
            if let Some(hold) = Hold::of_event(entry) {
                holds.apply(if set { HoldChange::Set(hold) } else { HoldChange::Clear(hold.id) });
            }
        }
        if holds.all != before {
            holds.save()?;
        }
        Ok(holds)
    }

    /// The facts to be recorded before the change; none when nothing would change.
    pub(super) fn facts(
        &self,
        change: &HoldChange,
        actor: &str,
    ) -> Result<Option<Facts>, HoldFault> {
        let known = |id: &str| self.all.iter().find(|hold| hold.id == id);
        match change {
            HoldChange::Set(hold) => {
                hold.check()?;
                match known(&hold.id) {
                    Some(same) if same == hold => Ok(None),
                    Some(_) => Err(HoldFault::Other(hold.id.clone())),
                    None if self.all.len() >= HOLDS_MAX => Err(HoldFault::TooMany),
                    None => Ok(Some(hold.facts(EventType::LegalHoldSet, actor))),
                }
            }
            HoldChange::Clear(id) => {
                Ok(known(id).map(|hold| hold.facts(EventType::LegalHoldCleared, actor)))
            }
        }
    }

    /// Makes a change that was recorded.
    pub(super) fn apply(&mut self, change: HoldChange) {
        match change {
            HoldChange::Set(hold) => {
                self.all.retain(|known| known.id != hold.id);
                self.all.push(hold);
            }
            HoldChange::Clear(id) => self.all.retain(|known| known.id != id),
        }
    }

    pub(super) fn save(&self) -> Result<(), LedgerError> {
        replace(&self.path, &serde_json::to_vec(&self.all).unwrap_or_default())
    }

    pub(super) fn all(&self) -> &[Hold] {
        &self.all
    }

    /// Whether any of them holds the segment.
    pub(super) fn cover(&self, segment: &Segment, next: &Segment) -> bool {
        self.all.iter().any(|hold| hold.covers(segment, next))
    }
}
