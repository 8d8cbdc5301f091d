//! `durability: disk`: lines that the file has and the disk has not, for a moment.
//!
//! Nobody waits for an outcome to be on the disk: the next intent's sync takes it along, so that no
//! intent stands behind a sync that served nobody. What the disk lacks is told to no sink.
use std::time::{Duration, Instant};

use super::{Position, Spool, StoreFault};

/// So long at most, when no intent comes.
const BEHIND_MAX: Duration = Duration::from_millis(50);

/// What the disk may lack.
#[derive(Default)]
pub(super) struct Behind {
    since: Option<Instant>,
    events: u64,
    /// A sync failed: nobody knows what the disk has.
    unknown: bool,
}

impl Behind {
    pub(super) fn add(&mut self, lines: &[u8]) {
        self.since.get_or_insert_with(Instant::now);
        self.events += super::count(lines);
    }

    pub(super) fn give_up(&mut self) {
        self.unknown = true;
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// When the disk is to have all.
    pub(super) fn sync_at(&self) -> Option<Instant> {
        self.since.map(|since| since + BEHIND_MAX)
    }
}

impl Spool {
    /// Makes the disk have what it lacks.
    pub(in super::super) fn catch_up(&mut self) -> Result<(), StoreFault> {
        match (self.behind.unknown, self.behind.since) {
            (true, _) => Err(StoreFault::Failed),
            (false, Some(_)) => self.sync_file(),
            (false, None) => Ok(()),
        }
    }

    /// How far the segments are as durable as the settings ask; `None` while the disk is behind.
    pub(in super::super) fn durable(&self) -> Option<Position> {
        self.behind.since.is_none().then(|| self.position())
    }
}
