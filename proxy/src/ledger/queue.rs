//! Between the callers and the owner: what waits to be written.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tollgate_audit::Facts;
use tollgate_config::settings;

use super::health::{Counters, LedgerHealth, SinkCounters};
use super::holds::{Hold, HoldChange, HoldFault};
use super::{LedgerError, LedgerRefusal, Receipt};

/// How many intents wait at once; more wait for a place before they join.
const APPENDS_MAX: usize = 1024;
/// So long notes wait for an intent to be written with: a thread that is woken for each costs more
/// than the note.
const NOTE_PAUSE: Duration = Duration::from_millis(2);
/// With so many jobs waiting nobody waits for more.
const GATHERED: usize = 128;
/// With more notes waiting than this, intents are refused. The disk is too slow or full then, and
/// each intent lets one more note come.
const NOTES_MAX: usize = 8192;

/// Something to be recorded.
pub(super) enum Job {
    Append {
        facts: Facts,
        reply: Reply,
        _place: OwnedSemaphorePermit,
    },
    Note(Facts),
    /// Looks again who signs.
    Reconsider {
        setting: Box<settings::Signer>,
        reply: oneshot::Sender<Result<(), LedgerError>>,
    },
    /// Sets or clears a legal hold.
    Hold {
        change: HoldChange,
        reply: oneshot::Sender<Result<bool, HoldFault>>,
    },
}

pub(super) type Reply = oneshot::Sender<Result<Receipt, LedgerRefusal>>;

/// The queue, and what the owner tells of itself.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    places: Arc<Semaphore>,
    pub(super) counters: Counters,
    pub(super) sinks: Vec<Arc<SinkCounters>>,
    pub(super) bytes_max: u64,
    /// The legal holds in force. A sink whose store has holds of its own follows it.
    pub(super) holds: watch::Sender<Arc<[Hold]>>,
    ended: watch::Sender<Option<Ending>>,
}

/// How the owner ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    Well,
    Lost(u64),
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    notes: usize,
    /// When the first of the notes came.
    noted: Option<Instant>,
    /// What the owner sleeps for.
    asleep: Asleep,
    closing: bool,
    dead: bool,
}

/// What wakes the owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Asleep {
    /// It is awake.
    #[default]
    No,
    /// Any job.
    ForAny,
    /// Any job but a note: it waits for what to write notes with.
    ForMore,
    /// Many jobs: the time for the next write has not come.
    ForMany,
}

impl Waiting {
    /// Adds a job; whether the owner must be woken for it.
    fn push(&mut self, job: Job) -> bool {
        let note = matches!(job, Job::Note(_));
        if note {
            self.notes += 1;
            self.noted.get_or_insert_with(Instant::now);
        }
        self.jobs.push_back(job);
        let wakes = match self.asleep {
            Asleep::No => false,
            Asleep::ForAny => true,
            Asleep::ForMore => !note || self.jobs.len() >= GATHERED,
            Asleep::ForMany => self.jobs.len() >= GATHERED,
        };
        if wakes {
            self.asleep = Asleep::No;
        }
        wakes
    }

    /// When what waits is to be written, and what the owner sleeps for until then. `from` is when
    /// the next write may begin.
    fn due(&self, now: Instant, from: Instant) -> (Option<Instant>, Asleep) {
        if self.jobs.is_empty() {
            return (None, Asleep::ForAny);
        }
        if self.jobs.len() >= GATHERED {
            return (Some(now), Asleep::No);
        }
        match self.noted.filter(|_| self.notes == self.jobs.len()) {
            Some(noted) if noted + NOTE_PAUSE > from => (Some(noted + NOTE_PAUSE), Asleep::ForMore),
            _ => (Some(from), Asleep::ForMany),
        }
    }
}

impl Queue {
    pub(super) fn new(bytes_max: u64, sinks: Vec<Arc<SinkCounters>>) -> Self {
        Self {
            waiting: Mutex::default(),
            wake: Condvar::new(),
            places: Arc::new(Semaphore::new(APPENDS_MAX)),
            counters: Counters::default(),
            sinks,
            bytes_max,
            holds: watch::Sender::new(Arc::from([])),
            ended: watch::Sender::new(None),
        }
    }

    pub(super) async fn append(&self, facts: Facts) -> Result<Receipt, LedgerRefusal> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| LedgerRefusal::Unavailable)?;
        let (reply, answer) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            if waiting.closing || waiting.dead || waiting.notes > NOTES_MAX {
                self.counters.refused.fetch_add(1, Relaxed);
                return Err(LedgerRefusal::Unavailable);
            }
            if waiting.push(Job::Append { facts, reply, _place: place }) {
                self.wake.notify_one();
            }
        }
        answer.await.unwrap_or(Err(LedgerRefusal::Unavailable))
    }

    pub(super) async fn reconsider(&self, setting: settings::Signer) -> Result<(), LedgerError> {
        let setting = Box::new(setting);
        let asked = self.ask(|reply| Job::Reconsider { setting, reply }).await;
        asked.unwrap_or(Err(LedgerError::Thread))
    }

    pub(super) async fn change_hold(&self, change: HoldChange) -> Result<bool, HoldFault> {
        let asked = self.ask(|reply| Job::Hold { change, reply }).await;
        asked.unwrap_or(Err(HoldFault::Unrecorded))
    }

    /// Hands the owner something to do; `None` when it takes nothing any more.
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            if waiting.closing || waiting.dead {
                return None;
            }
            if waiting.push(job(reply)) {
                self.wake.notify_one();
            }
        }
        answer.await.ok()
    }

    pub(super) fn note(&self, facts: Facts) {
        let mut waiting = self.waiting.lock();
        // While closing the owner still drains, so the outcomes of the last calls get in.
        if waiting.dead {
            drop(waiting);
            self.lose(facts.event_type().as_str());
            return;
        }
        if waiting.push(Job::Note(facts)) {
            self.wake.notify_one();
        }
    }

    /// Counts an event that cannot be recorded any more.
    pub(super) fn lose(&self, event_type: &str) {
        self.counters.lost.fetch_add(1, Relaxed);
        tracing::error!(event_type, "an event is lost: the record cannot be written");
    }

    /// Waits for jobs until it is time to write them, and until `deadline` when there is one. `from`
    /// is when the next write may begin: what comes before gathers. `None` when all is done and
    /// closing.
    pub(super) fn take(
        &self,
        most: usize,
        deadline: Option<Instant>,
        from: Option<Instant>,
    ) -> Option<Vec<Job>> {
        let mut waiting = self.waiting.lock();
        while !waiting.closing {
            let now = Instant::now();
            let (due, asleep) = waiting.due(now, from.unwrap_or(now));
            if due.is_some_and(|due| due <= now) {
                break;
            }
            waiting.asleep = asleep;
            let timed_out = match due.into_iter().chain(deadline).min() {
                Some(until) => self.wake.wait_until(&mut waiting, until).timed_out(),
                None => {
                    self.wake.wait(&mut waiting);
                    false
                }
            };
            waiting.asleep = Asleep::No;
            if timed_out && deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                break;
            }
        }
        if waiting.jobs.is_empty() && waiting.closing {
            return None;
        }
        let count = most.min(waiting.jobs.len());
        let jobs: Vec<Job> = waiting.jobs.drain(..count).collect();
        let notes = jobs.iter().filter(|job| matches!(job, Job::Note(_))).count();
        waiting.notes = waiting.notes.saturating_sub(notes);
        waiting.noted = waiting.noted.filter(|_| waiting.notes > 0);
        Some(jobs)
    }

    /// Puts notes back to the front, in their order.
    pub(super) fn put_back(&self, notes: Vec<Facts>) {
        let mut waiting = self.waiting.lock();
        waiting.notes += notes.len();
        waiting.noted.get_or_insert_with(Instant::now);
        for facts in notes.into_iter().rev() {
            waiting.jobs.push_front(Job::Note(facts));
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.waiting.lock().closing
    }

    /// No owner takes jobs any more: those that wait are refused, and all later ones.
    pub(super) fn die(&self, ending: Option<Ending>) {
        let jobs = {
            let mut waiting = self.waiting.lock();
            waiting.dead = true;
            (waiting.notes, waiting.noted) = (0, None);
            std::mem::take(&mut waiting.jobs)
        };
        for job in jobs {
            // Dropping an append's reply refuses it.
            if let Job::Note(facts) = job {
                self.lose(facts.event_type().as_str());
            }
        }
        let lost = self.counters.lost.load(Relaxed);
        let ending = match ending {
            Some(Ending::Well) if lost == 0 => Ending::Well,
            _ => Ending::Lost(lost),
        };
        self.ended.send_replace(Some(ending));
    }

    /// Asks the owner to end.
    pub(super) fn close(&self) {
        self.waiting.lock().closing = true;
        self.wake.notify_all();
    }

    /// Asks the owner to end and waits for it.
    pub(super) async fn stop(&self) -> Result<(), LedgerError> {
        self.close();
        let mut ended = self.ended.subscribe();
        let ending = ended.wait_for(Option::is_some).await.map_err(|_| LedgerError::Thread)?;
        match *ending {
            Some(Ending::Well) => Ok(()),
            Some(Ending::Lost(lost)) => Err(LedgerError::Unwritten { lost }),
            None => Err(LedgerError::Thread),
        }
    }

    pub(super) fn health(&self) -> LedgerHealth {
        let (queued, open) = {
            let waiting = self.waiting.lock();
            let open = !waiting.closing && !waiting.dead && waiting.notes <= NOTES_MAX;
            (waiting.jobs.len(), open)
        };
        let counters = &self.counters;
        let (failed, full) = (counters.failed.load(Relaxed), counters.full.load(Relaxed));
        let unsigned = counters.unsigned.load(Relaxed);
        let size = counters.size.load(Relaxed);
        let holds = Arc::clone(&self.holds.borrow());
        LedgerHealth {
            writable: open && !failed && !full && !unsigned,
            failed,
            full,
            unsigned,
            signer_until: Some(counters.signer_until.load(Relaxed)).filter(|until| *until > 0),
            spool_bytes: counters.spool_bytes.load(Relaxed),
            spool_bytes_max: self.bytes_max,
            size,
            queued: u64::try_from(queued).unwrap_or(u64::MAX),
            written: counters.written.load(Relaxed),
            refused: counters.refused.load(Relaxed),
            lost: counters.lost.load(Relaxed),
            commits: counters.commits.load(Relaxed),
            sinks: self.sinks.iter().map(|sink| sink.health(size, &holds)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_audit::EventType;

    use super::*;

    /// Longer than anything here takes.
    const FAR: Duration = Duration::from_secs(60);

    fn noted(count: usize) -> Queue {
        let queue = Queue::new(0, Vec::new());
        for _ in 0..count {
            queue.note(Facts::new(EventType::CallOutcome, "a"));
        }
        queue
    }

    #[test]
    fn many_jobs_wait_for_nothing() {
        for count in [GATHERED, 3 * GATHERED] {
            let deadline = Instant::now() + FAR;
            let jobs = noted(count).take(2 * GATHERED, Some(deadline), Some(deadline)).unwrap();
            assert_eq!(jobs.len(), count.min(2 * GATHERED));
            assert!(Instant::now() < deadline, "they waited for the deadline");
        }
    }

    #[test]
    fn few_notes_are_taken_without_an_intent() {
        for from in [None, Some(Instant::now())] {
            let deadline = Instant::now() + FAR;
            assert_eq!(noted(3).take(GATHERED, Some(deadline), from).unwrap().len(), 3);
            assert!(Instant::now() < deadline, "they waited for the deadline");
        }
    }

    #[test]
    fn an_end_waits_for_nothing() {
        let queue = noted(1);
        queue.close();
        let deadline = Instant::now() + FAR;
        assert_eq!(queue.take(GATHERED, Some(deadline), Some(deadline)).unwrap().len(), 1);
        assert!(queue.take(GATHERED, Some(deadline), None).is_none());
        assert!(Instant::now() < deadline, "it waited for the deadline");
    }
}
