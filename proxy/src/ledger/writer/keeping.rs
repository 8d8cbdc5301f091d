//! What is kept, what is let go, and what the chain says of both.
use jiff::{SignedDuration, Timestamp};
use tollgate_audit::{EventType, Facts, Fields, LIST_ITEMS_MAX, Note, keys};

use super::super::health::SinkCounters;
use super::super::holds::{Hold, HoldChange, HoldFault};
use super::super::segment::Segment;
use super::super::spool::StoreFault;
use super::{ACTOR, Writer};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Receipts in one event of unknown outcomes.
const INTENTS_AT_ONCE: usize = LIST_ITEMS_MAX;
/// Such events at one start; what is beyond them is only counted.
const UNKNOWN_EVENTS_MAX: usize = 64;

/// How long delivered segments are kept.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Retention {
    /// No delivered segment goes before.
    pub(in super::super) min: SignedDuration,
    /// Every delivered segment goes after; none when only the cap makes them go.
    pub(in super::super) max: Option<SignedDuration>,
}

impl Writer {
    /// Tells of calls that left before the last crash, and of which nobody knows what became.
    pub(super) fn tell_unsettled(&mut self, intents: &[String]) -> Result<(), StoreFault> {
        let count = u64::try_from(intents.len()).unwrap_or(u64::MAX);
        for some in intents.chunks(INTENTS_AT_ONCE).take(UNKNOWN_EVENTS_MAX) {
            let facts = Facts::new(EventType::AuditReconciliation, ACTOR)
                .text(keys::REASON, keys::OUTCOME_UNKNOWN)
                .number("count", count)
                .texts(keys::INTENTS, some.iter().map(String::as_str));
            self.record(facts)?;
        }
        Ok(())
    }

    /// Near the cap, the oldest segments that every sink has acknowledged go.
    pub(in super::super) fn release(&mut self, acknowledged: u64) -> Result<bool, StoreFault> {
        let (min, now) = (self.retention.min, Timestamp::now());
        self.let_all_go(|segment, next| {
            next.first_seq <= acknowledged && is_older(segment, min, now)
        })
    }

    /// What every sink has and is older than it may become goes, whether room is needed or not.
    pub(in super::super) fn release_old(&mut self, acknowledged: u64) -> Result<bool, StoreFault> {
        let Some(max) = self.retention.max else { return Ok(false) };
        let (max, now) = (max.max(self.retention.min), Timestamp::now());
        self.let_all_go(|segment, next| {
            next.first_seq <= acknowledged && is_older(segment, max, now)
        })
    }

    /// At the cap, and when the settings allow it: the oldest segment goes although a sink has
    /// not acknowledged it. The chain says which sink misses how much.
    pub(in super::super) fn release_undelivered(
        &mut self,
        sinks: &[Arc<SinkCounters>],
    ) -> Result<bool, StoreFault> {
        let Some(first_seq) = self.spool.oldest().map(|segment| segment.first_seq) else {
            return Ok(false);
        };
        let missed = |next: &Segment, sink: &SinkCounters| {
            next.first_seq.saturating_sub(sink.acknowledged.load(Relaxed).max(first_seq))
        };
        let mut next_seq = None;
        let released = self.let_go(
            |_, _| true,
            |facts, next| {
                next_seq = Some(next.clone());
                let list = sinks.iter().filter(|sink| missed(next, sink) > 0).map(|sink| {
                    Fields::new().text("sink", &sink.name).number("events", missed(next, sink))
                });
                facts.flag("undelivered", true).objects("missed", list.collect::<Vec<_>>())
            },
        )?;
        if let Some(next) = next_seq.filter(|_| released) {
            for sink in sinks {
                sink.missed.fetch_add(missed(&next, sink), Relaxed);
            }
            tracing::error!(
                up_to = next.first_seq,
                "events were deleted that a sink has not acknowledged"
            );
        }
        Ok(released)
    }

    /// Deletes the oldest segments that may go, one by one: a crash in between leaves a record that
    /// begins where the chain says that it does.
    fn let_all_go(
        &mut self,
        may_go: impl Fn(&Segment, &Segment) -> bool,
    ) -> Result<bool, StoreFault> {
        let mut released = false;
        while self.let_go(&may_go, |facts, _| facts)? {
            released = true;
        }
        Ok(released)
    }

    /// Deletes the oldest segment if it may go and no hold holds it, and says so in the chain first.
    fn let_go(
        &mut self,
        may_go: impl Fn(&Segment, &Segment) -> bool,
        tell: impl FnOnce(Facts, &Segment) -> Facts,
    ) -> Result<bool, StoreFault> {
        let Some((oldest, next)) = self.spool.releasable() else { return Ok(false) };
        if !may_go(oldest, next) || self.holds.cover(oldest, next) {
            return Ok(false);
        }
        let next = next.clone();
        if !self.spool.is_sealed() {
            return Ok(false);
        }
        let Some(head) = next.prev_hash else { return Ok(false) };
        // The chain is named for its first event. When that goes, a checkpoint has the name; a gate
        // that never lived until one was due has none.
        if !self.spool.has_checkpoint() {
            self.checkpoint()?;
        }
        if !self.spool.has_checkpoint() {
            return Ok(false);
        }
        let facts = Facts::new(EventType::AuditReconciliation, ACTOR)
            .text(keys::REASON, keys::RELEASED)
            .number(keys::SIZE, next.first_seq)
            .text(keys::HEAD_HASH, &head.to_string());
        let facts = tell(facts, &next);
        self.record(facts)?;
        self.spool.sync()?;
        match self.spool.release_oldest() {
            Ok(()) => Ok(true),
            Err(error) => {
                tracing::warn!(%error, "a segment could not be deleted");
                Ok(false)
            }
        }
    }

    /// Begins a new segment when the newest is old, so that it can be released in its time.
    pub(in super::super) fn rotate_if_old(&mut self) -> Result<(), StoreFault> {
        if !self.spool.is_old() {
            return Ok(());
        }
        self.spool.sync()?;
        let (size, head) = (self.chain.size(), self.chain.head().copied());
        self.spool.rotate(size, head)
    }

    /// What is to be recorded before a hold changes; none when nothing would change.
    pub(in super::super) fn hold_facts(
        &self,
        change: &HoldChange,
    ) -> Result<Option<Facts>, HoldFault> {
        self.holds.facts(change, ACTOR)
    }

    /// Sets or clears a hold: first the event, durable, then the file. Returns whether the file
    /// has it, too.
    pub(in super::super) fn change_hold(
        &mut self,
        facts: Facts,
        change: HoldChange,
    ) -> Result<bool, StoreFault> {
        self.record(facts)?;
        self.spool.sync()?;
        self.holds.apply(change);
        Ok(self
            .holds
            .save()
            .map_err(|error| {
                // The chain knows it and so does this process; a start that finds both reads the chain.
                tracing::error!(%error, "a legal hold is in force, but its file cannot be written");
            })
            .is_ok())
    }

    /// The holds in force.
    pub(in super::super) fn holds(&self) -> Vec<Hold> {
        self.holds.all().to_vec()
    }

    /// Intents are refused for want of room: says so, in the room that is kept for it, and signs it.
    pub(in super::super) fn tell_full(&mut self) -> Result<(), StoreFault> {
        let facts = Facts::new(EventType::AuditReconciliation, ACTOR)
            .text(keys::REASON, keys::SPOOL_FULL)
            .number("spool_bytes", self.bytes());
        self.record(facts)?;
        self.checkpoint()
    }

    /// Takes the ballast back when the disk has room for it.
    pub(in super::super) fn regain_ballast(&mut self) {
        if self.spool.ballast.is_spent() {
            self.spool.ballast.regain();
        }
    }

    /// Writes what only this process has and syncs what the disk lacks, when it is time. Whether
    /// anything was to be done.
    pub(in super::super) fn flush_if_due(&mut self) -> Result<bool, StoreFault> {
        match self.spool.flush_at() {
            Some(at) if at <= Instant::now() => {
                self.spool.flush()?;
                self.spool.catch_up().map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// When something has to be written that nobody waits for.
    pub(in super::super) fn flush_at(&self) -> Option<Instant> {
        self.spool.flush_at()
    }

    /// Makes the disk have what it lacks.
    pub(in super::super) fn catch_up(&mut self) -> Result<(), StoreFault> {
        self.spool.catch_up()
    }

    /// Events that were acknowledged and that only this process has, or perhaps not the disk.
    pub(in super::super) fn unwritten(&self) -> u64 {
        self.spool.unwritten()
    }

    /// Signs the tree's size and root beside the checkpoint's line. Like that line, one that
    /// cannot be kept now is a warning; the next one covers it.
    pub(super) fn sign_note(&mut self, origin: &str) {
        let Some(tree) = self.spool.tree().filter(|_| self.signers.note_key().is_some()) else {
            return;
        };
        let note = Note { origin: origin.to_owned(), size: tree.size(), root: tree.root() };
        let size = note.size;
        let kept = match self.note_text(&note) {
            Some(text) => self.spool.notes.keep(&text).map_err(|e| e.to_string()),
            None => Err("it cannot be signed".to_owned()),
        };
        if let Err(error) = kept {
            tracing::warn!(size, error, "a signed note could not be written");
        }
    }
}

/// Whether a closed segment's last event is so old. A clock that was set back makes none old.
fn is_older(segment: &Segment, age: SignedDuration, now: Timestamp) -> bool {
    age.is_zero() || segment.last_ts.is_some_and(|last| now.duration_since(last) >= age)
}
