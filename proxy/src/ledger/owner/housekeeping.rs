//! What the owner does between writes: room, age, holds, and what has waited long enough.
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tollgate_config::settings::AtCap;

use super::super::holds::{HoldChange, HoldFault};
use super::super::queue::Job;
use super::super::spool::StoreFault;
use super::super::{LedgerOptions, LedgerRefusal};
use super::{LINE_BYTES, Owner, Sealed};

/// How often old segments are looked for, at most.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// And at least, where the settings speak of less.
const LOOK_SOON: Duration = Duration::from_secs(1);

/// What it goes by.
pub(super) struct Housekeeping {
    at_cap: AtCap,
    look_every: Duration,
    look_at: Instant,
    told_full: bool,
}

impl Housekeeping {
    pub(super) fn new(options: &LedgerOptions) -> Self {
        let ages = [Some(options.segment_age), options.retention.max];
        let shortest = ages.into_iter().flatten().filter_map(|age| Duration::try_from(age).ok());
        let look_every = shortest.min().unwrap_or(LOOK_EVERY).clamp(LOOK_SOON, LOOK_EVERY);
        let look_at = Instant::now() + look_every;
        Self { at_cap: options.at_cap, look_every, look_at, told_full: false }
    }

    pub(super) fn look_at(&self) -> Instant {
        self.look_at
    }
}

impl Owner {
    /// Before a write: room, and the jobs that are no lines.
    pub(super) fn before_write(&mut self, jobs: Vec<Job>) -> Vec<Job> {
        self.writer.regain_ballast();
        let (changes, jobs): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .partition(|job| matches!(job, Job::Hold { .. } | Job::Reconsider { .. }));
        for job in changes {
            match job {
                Job::Hold { change, reply } => self.change_hold(change, reply),
                Job::Reconsider { setting, reply } => {
                    let _ = reply.send(self.writer.reconsider(*setting));
                    self.publish();
                }
                Job::Append { .. } | Job::Note(_) => {}
            }
        }
        self.release_if_due(&jobs);
        jobs
    }

    fn change_hold(&mut self, change: HoldChange, reply: oneshot::Sender<Result<bool, HoldFault>>) {
        let changed = match self.writer.hold_facts(&change) {
            _ if self.failed => Err(HoldFault::Unrecorded),
            Ok(None) => Ok(false),
            Err(fault) => Err(fault),
            Ok(Some(facts)) => {
                let done = self.writer.change_hold(facts, change);
                self.settle(done.map(drop));
                self.queue.holds.send_replace(Arc::from(self.writer.holds()));
                if done == Ok(true) { Ok(true) } else { Err(HoldFault::Unrecorded) }
            }
        };
        let _ = reply.send(changed);
    }

    /// Near the cap, what every sink has acknowledged makes room. Without sinks nothing ever does.
    fn release_if_due(&mut self, jobs: &[Job]) {
        let count = u64::try_from(jobs.len()).unwrap_or(u64::MAX).max(1);
        let wanted = count.saturating_mul(LINE_BYTES);
        if self.failed || self.writer.has_room(wanted) {
            return;
        }
        let Some(acknowledged) = self.acknowledged() else { return };
        let released = self.writer.release(acknowledged);
        let at_cap = !self.writer.has_room(LINE_BYTES.min(self.writer.reserve()));
        let released = match (released, self.housekeeping.at_cap) {
            (Ok(false), AtCap::DangerReleaseUndelivered) if at_cap => {
                let queue = Arc::clone(&self.queue);
                self.writer.release_undelivered(&queue.sinks)
            }
            (released, _) => released,
        };
        self.settle(released.map(drop));
    }

    /// What every sink has. Without sinks nobody ever has anything.
    fn acknowledged(&self) -> Option<u64> {
        self.queue.sinks.iter().map(|sink| sink.acknowledged.load(Relaxed)).min()
    }

    /// After a write: what has waited long enough, and what is old.
    pub(super) fn keep_house(&mut self) {
        if self.failed {
            return;
        }
        let flushed = self.writer.flush_if_due();
        if flushed != Ok(false) {
            self.settle(flushed.map(drop));
        }
        if Instant::now() >= self.housekeeping.look_at {
            self.housekeeping.look_at = Instant::now() + self.housekeeping.look_every;
            let rotated = self.writer.rotate_if_old();
            let released = match (rotated, self.acknowledged()) {
                (Ok(()), Some(acknowledged)) => self.writer.release_old(acknowledged).map(drop),
                (rotated, _) => rotated,
            };
            self.settle(released);
        }
        self.tell_full_once();
    }

    /// That intents are refused for want of room is in the record, once for each time.
    fn tell_full_once(&mut self) {
        let full = self.queue.counters.full.load(Relaxed);
        if full && !self.housekeeping.told_full && !self.failed {
            let told = self.writer.tell_full();
            self.housekeeping.told_full = told.is_ok();
            self.settle(told);
        }
        self.housekeeping.told_full &= full;
    }

    fn settle(&mut self, done: Result<(), StoreFault>) {
        match done {
            Ok(()) => self.publish(),
            Err(StoreFault::Full) => self.mark(LedgerRefusal::Full),
            Err(StoreFault::Unsigned) => self.mark(LedgerRefusal::Signer),
            Err(StoreFault::Failed) => self.fail(Sealed::default()),
        }
    }
}
