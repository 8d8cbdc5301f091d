//! The one thread that writes.
mod housekeeping;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tollgate_audit::{EventType, Facts};

use super::disk::Opener;
use super::queue::{Ending, Job, Queue, Reply};
use super::spool::{Position, StoreFault};
use super::writer::{Batch, DraftFault, Room, Writer};
use super::{LedgerError, LedgerOptions, LedgerRefusal, Receipt, files};
use housekeeping::Housekeeping;

/// Jobs of one write. What gathers while the disk syncs goes together, so this is only a bound.
const BATCH_JOBS: usize = 512;
/// So long the next sync waits behind the last one, for each intent that one had, or for each call
/// that is under way, and at most: with many calls at once one sync serves them all, and one of few
/// calls hardly waits. Since calls under way are as many as come in the time that one takes, a call
/// waits for no more than a small share of that.
const GATHER: Duration = Duration::from_micros(150);
const GATHER_OPEN: Duration = Duration::from_micros(100);
const GATHER_MAX: Duration = Duration::from_millis(2);
/// An event's line at its largest.
const LINE_BYTES: u64 = 64 << 10;
/// How long to wait before trying a full disk again.
const FULL_PAUSE: Duration = Duration::from_millis(100);
/// How often a full disk is tried again at stop, before the rest is given up.
const FULL_TRIES_AT_STOP: u32 = 30;

/// The owner: it has the only hand on the chain.
pub(super) struct Owner {
    writer: Writer,
    queue: Arc<Queue>,
    checkpoint_events: u64,
    checkpoint_every: Duration,
    position: watch::Sender<Position>,
    failed: bool,
    /// When the next batch may be written, where batches are synced.
    from: Option<Instant>,
    /// Calls that are under way: their intent is written, their outcome is not.
    open: u32,
    full_tries: u32,
    housekeeping: Housekeeping,
    _lock: Arc<File>,
}

impl Owner {
    pub(super) fn open(
        options: &LedgerOptions,
        opener: Opener,
        queue: Arc<Queue>,
        lock: Arc<File>,
    ) -> Result<Self, LedgerError> {
        let writer = Writer::open(options, opener)?;
        let position = watch::Sender::new(writer.position());
        let owner = Self {
            writer,
            queue,
            checkpoint_events: options.checkpoint_events,
            checkpoint_every: options.checkpoint_every,
            position,
            failed: false,
            from: None,
            open: 0,
            full_tries: 0,
            housekeeping: Housekeeping::new(options),
            _lock: lock,
        };
        owner.queue.holds.send_replace(Arc::from(owner.writer.holds()));
        owner.publish();
        Ok(owner)
    }

    /// How far the spool is durable, now and from here on.
    pub(super) fn position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Runs on its own thread until the queue is closed and empty.
    pub(super) fn start(self) -> Result<(), LedgerError> {
        let thread = std::thread::Builder::new().name("ledger".to_owned());
        // Key services are asked from this thread, on the runtime that the sinks have.
        let runtime = tokio::runtime::Handle::current();
        let run = move || {
            let _entered = runtime.enter();
            // Whatever ends this thread, nobody waits for it in vain. It is dropped after the
            // owner, so the directory is free when the ending is told.
            let mut guard = EndingGuard { queue: Arc::clone(&self.queue), ending: None };
            guard.ending = self.run();
        };
        thread.spawn(run).map(drop).map_err(|_| LedgerError::Thread)
    }

    fn run(mut self) -> Option<Ending> {
        loop {
            let deadline = self.next_deadline();
            let most = BATCH_JOBS.min(self.writer.batch_max());
            let Some(jobs) = self.queue.take(most, deadline, self.from) else { break };
            let jobs = self.before_write(jobs);
            self.take_up_signer();
            self.write(jobs);
            self.checkpoint_if_due();
            self.keep_house();
            self.look_for_room();
            self.look_for_signer();
            if self.full_tries > FULL_TRIES_AT_STOP && self.queue.is_closing() {
                break;
            }
        }
        if !self.failed && self.writer.unchecked().0 > 0 {
            match self.writer.catch_up().and_then(|()| self.writer.checkpoint()) {
                Ok(()) => {}
                // Every event is written and signed; only the word on how many there are is missing.
                Err(StoreFault::Unsigned) => {
                    tracing::warn!("the closing checkpoint could not be signed");
                }
                Err(_) => {
                    self.failed = true;
                    self.queue.counters.lost.fetch_add(self.writer.unwritten(), Relaxed);
                }
            }
        }
        self.publish();
        (!self.failed).then_some(Ending::Well)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let counters = &self.queue.counters;
        if counters.full.load(Relaxed) || counters.unsigned.load(Relaxed) {
            // A checkpoint that is due finds no room and no signature either.
            return Some(Instant::now() + FULL_PAUSE);
        }
        if self.failed {
            return None;
        }
        let (events, since) = self.writer.unchecked();
        let checkpoint = (events > 0).then(|| since + self.checkpoint_every);
        let others = [self.writer.flush_at(), Some(self.housekeeping.look_at())];
        others.into_iter().flatten().chain(checkpoint).min()
    }

    /// A session key that waits takes over although nothing is to be written: what its time is is
    /// told, and it must not be over when the next call comes. A disk that is found full gives room
    /// to the next try, which is before anything else is written.
    fn take_up_signer(&mut self) {
        if self.failed {
            return;
        }
        match self.writer.refresh_signer() {
            Ok(true) => self.publish(),
            Err(StoreFault::Failed) => self.fail(Sealed::default()),
            Ok(false) | Err(StoreFault::Full | StoreFault::Unsigned) => {}
        }
    }

    /// One write and one sync for all of them.
    fn write(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        if self.failed {
            return self.turn_away(jobs);
        }
        match self.writer.refresh_signer() {
            Ok(_) => {}
            Err(StoreFault::Failed) => return self.turn_away(jobs),
            Err(StoreFault::Full) => return self.put_off(jobs, LedgerRefusal::Full),
            Err(StoreFault::Unsigned) => return self.put_off(jobs, LedgerRefusal::Signer),
        }
        let mut batch = self.writer.batch();
        let mut sealed = Sealed::default();
        for job in jobs {
            match job {
                Job::Append { facts, reply, _place } => {
                    self.seal_intent(facts, reply, &mut batch, &mut sealed);
                }
                Job::Note(facts) => self.seal_note(facts, &mut batch, &mut sealed),
                // Taken out before the write.
                Job::Hold { .. } | Job::Reconsider { .. } => {}
            }
        }
        let stored = match batch.is_empty() {
            true => Ok(()),
            false => self.store(batch, !sealed.intents.is_empty()),
        };
        match stored {
            Ok(()) => {
                self.open = (self.open + sealed.begun).saturating_sub(sealed.ended);
                self.from = self.writer.syncs().then(|| Instant::now() + sealed.pause(self.open));
                self.acknowledge(sealed);
            }
            Err(StoreFault::Full) => self.hold(sealed, LedgerRefusal::Full),
            Err(StoreFault::Unsigned) => self.hold(sealed, LedgerRefusal::Signer),
            Err(StoreFault::Failed) => self.fail(sealed),
        }
    }

    fn seal_intent(&mut self, facts: Facts, reply: Reply, batch: &mut Batch, sealed: &mut Sealed) {
        let kind = facts.event_type();
        let event_type = kind.as_str();
        match self.writer.draft(facts, Room::Capped, batch) {
            Ok(receipt) => {
                sealed.begun += u32::from(kind == EventType::CallIntent);
                sealed.intents.push((receipt, reply));
            }
            Err(fault) => {
                let refusal = match fault {
                    DraftFault::Refused(refusal) => refusal,
                    DraftFault::Draft(error) => {
                        tracing::error!(event_type, %error, "an event cannot be recorded");
                        LedgerRefusal::Unavailable
                    }
                };
                self.mark(refusal);
                self.refuse(reply, refusal);
            }
        }
    }

    fn seal_note(&mut self, facts: Facts, batch: &mut Batch, sealed: &mut Sealed) {
        match self.writer.draft(facts.clone(), Room::Kept, batch) {
            Ok(receipt) => {
                sealed.ended += u32::from(facts.event_type() == EventType::CallOutcome);
                sealed.first = sealed.first.take().or(Some(receipt));
                sealed.notes.push(facts);
            }
            Err(DraftFault::Refused(_)) => sealed.unsealed.push(facts),
            Err(DraftFault::Draft(error)) => {
                tracing::error!(%error, "an event cannot be recorded");
                self.queue.lose(facts.event_type().as_str());
            }
        }
    }

    fn store(&mut self, batch: Batch, waits: bool) -> Result<(), StoreFault> {
        let stored = self.writer.store(batch, waits);
        if stored.is_ok() {
            self.queue.counters.commits.fetch_add(1, Relaxed);
        }
        stored
    }

    fn acknowledge(&mut self, sealed: Sealed) {
        let firsts = sealed.intents.iter().map(|(receipt, _)| receipt).chain(&sealed.first);
        if let Some(first) = firsts.min_by_key(|receipt| receipt.seq()) {
            self.writer.name_chain(first);
        }
        self.full_tries = 0;
        self.queue.counters.unsigned.store(false, Relaxed);
        self.publish();
        let count = sealed.intents.len() + sealed.notes.len();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.queue.counters.written.fetch_add(count, Relaxed);
        for (receipt, reply) in sealed.intents {
            let _ = reply.send(Ok(receipt));
        }
        if !sealed.unsealed.is_empty() {
            self.queue.put_back(sealed.unsealed);
            self.pause();
        }
    }

    /// No room or no signature: intents are refused, outcomes wait.
    fn hold(&mut self, sealed: Sealed, refusal: LedgerRefusal) {
        self.mark(refusal);
        for (_, reply) in sealed.intents {
            self.refuse(reply, refusal);
        }
        let mut notes = sealed.notes;
        notes.extend(sealed.unsealed);
        if !notes.is_empty() {
            self.queue.put_back(notes);
        }
        self.pause();
    }

    /// The same before anything of it has a place in the chain.
    fn put_off(&mut self, jobs: Vec<Job>, refusal: LedgerRefusal) {
        let sealed = self.refuse_all(jobs, refusal);
        self.hold(sealed, refusal);
    }

    /// The same when nothing is written any more.
    fn turn_away(&mut self, jobs: Vec<Job>) {
        let sealed = self.refuse_all(jobs, LedgerRefusal::Unavailable);
        self.fail(sealed);
    }

    /// Refuses the intents; gives the notes.
    fn refuse_all(&self, jobs: Vec<Job>, refusal: LedgerRefusal) -> Sealed {
        let mut sealed = Sealed::default();
        for job in jobs {
            match job {
                Job::Append { reply, .. } => self.refuse(reply, refusal),
                Job::Note(facts) => sealed.unsealed.push(facts),
                Job::Hold { .. } | Job::Reconsider { .. } => {}
            }
        }
        sealed
    }

    fn mark(&self, refusal: LedgerRefusal) {
        match refusal {
            LedgerRefusal::Full => self.queue.counters.full.store(true, Relaxed),
            LedgerRefusal::Signer => self.queue.counters.unsigned.store(true, Relaxed),
            LedgerRefusal::Unavailable => {}
        }
    }

    fn pause(&mut self) {
        self.full_tries += 1;
        std::thread::sleep(FULL_PAUSE);
    }

    /// The disk failed: from here on every intent is refused, until a start looks at what the disk
    /// has.
    fn fail(&mut self, sealed: Sealed) {
        if !self.failed {
            // A disk that takes no more may well have what was written before.
            if self.writer.catch_up().is_ok() {
                self.publish();
            }
            self.failed = true;
            self.queue.counters.failed.store(true, Relaxed);
            self.queue.counters.lost.fetch_add(self.writer.unwritten(), Relaxed);
        }
        for (_, reply) in sealed.intents {
            self.refuse(reply, LedgerRefusal::Unavailable);
        }
        for facts in sealed.notes.into_iter().chain(sealed.unsealed) {
            self.queue.lose(facts.event_type().as_str());
        }
    }

    fn refuse(&self, reply: Reply, refusal: LedgerRefusal) {
        self.queue.counters.refused.fetch_add(1, Relaxed);
        let _ = reply.send(Err(refusal));
    }

    fn checkpoint_if_due(&mut self) {
        let (events, since) = self.writer.unchecked();
        let due = events >= self.checkpoint_events
            || (events > 0 && since.elapsed() >= self.checkpoint_every);
        if !due || self.failed {
            return;
        }
        match self.writer.checkpoint() {
            Ok(()) => self.publish(),
            Err(StoreFault::Full) => self.mark(LedgerRefusal::Full),
            Err(StoreFault::Unsigned) => self.mark(LedgerRefusal::Signer),
            Err(StoreFault::Failed) => self.fail(Sealed::default()),
        }
    }

    /// A gate that is not ready gets no calls that would show that there is room again, so the
    /// owner looks for itself.
    fn look_for_room(&mut self) {
        let full = &self.queue.counters.full;
        if full.load(Relaxed) && self.writer.has_room(LINE_BYTES.min(self.writer.reserve())) {
            full.store(!self.writer.disk_has_room(), Relaxed);
        }
    }

    /// The same for a signer that came back.
    fn look_for_signer(&mut self) {
        let unsigned = &self.queue.counters.unsigned;
        if unsigned.load(Relaxed) && self.writer.can_sign() {
            unsigned.store(false, Relaxed);
        }
    }

    fn publish(&self) {
        let counters = &self.queue.counters;
        counters.signer_until.store(self.writer.signer_until(), Relaxed);
        counters.spool_bytes.store(self.writer.bytes(), Relaxed);
        counters.size.store(self.writer.size(), Relaxed);
        if let Some(durable) = self.writer.durable() {
            self.position.send_replace(durable);
        }
    }
}

#[derive(Default)]
struct Sealed {
    intents: Vec<(Receipt, Reply)>,
    notes: Vec<Facts>,
    /// Notes that could not be sealed now.
    unsealed: Vec<Facts>,
    /// The first note's receipt.
    first: Option<Receipt>,
    /// Calls whose intent is among them, and calls whose outcome is.
    begun: u32,
    ended: u32,
}

impl Sealed {
    /// How long the next batch gathers while so many calls are under way.
    fn pause(&self, open: u32) -> Duration {
        let intents = u32::try_from(self.intents.len()).unwrap_or(u32::MAX);
        let for_intents = GATHER.saturating_mul(intents);
        for_intents.max(GATHER_OPEN.saturating_mul(open)).min(GATHER_MAX)
    }
}

struct EndingGuard {
    queue: Arc<Queue>,
    ending: Option<Ending>,
}

impl Drop for EndingGuard {
    fn drop(&mut self) {
        self.queue.die(self.ending);
    }
}

/// Makes the directory and takes it.
pub(super) fn take_directory(options: &LedgerOptions) -> Result<Arc<File>, LedgerError> {
    files::make_dir(&options.spool)?;
    files::lock(&options.spool).map(Arc::new)
}
