//! Verifying on many threads: examined anywhere, admitted in order.
//!
//! Batches go to the threads in turn and come back in the same turn, so their order needs no
//! bookkeeping. A thread has at most [`AHEAD`] batches, so memory is bounded however long the
//! record is and however slow one of them.
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, RecvError, SyncSender, sync_channel};
use std::thread;

use tollgate_audit::{Break, Examined, Examiner, Verifier};

use super::lines::{Batch, Lines};
use super::progress::Progress;
use super::source::{Form, Place};

/// Batches that a thread has at a time: one in work and one that waits, so that it never does.
const AHEAD: usize = 2;

/// What ended a reading before the end.
pub(super) enum Stop {
    /// The first line, in the chain's order, that does not hold.
    Broken(Place, Broken),
    /// The source could not be read any further, and all before that holds.
    Unreadable(std::io::Error),
    /// A thread has died. That is a bug of ours, so nothing is said of the record.
    Dead,
}

/// What is wrong with a line.
pub(super) enum Broken {
    /// It is no event in the source's form.
    Form(String),
    /// It is an event, but not the one that was written there.
    Chain(Break),
}

/// A batch and who looks at it.
type Work<'a> = (Batch, Examiner<'a>);

/// A batch with its lines looked at.
struct Looked {
    lines: Vec<(Place, Result<Examined, String>)>,
    bytes_read: u64,
}

/// A thread that examines, by its two ends.
struct Worker<'a> {
    work: SyncSender<Work<'a>>,
    done: Receiver<Looked>,
}

/// Verifies all lines on so many threads. The answer is the same for any number of them.
pub(super) fn verify_lines(
    verifier: &mut Verifier<'_>,
    lines: &mut Lines,
    form: Form,
    threads: NonZeroUsize,
    progress: &Progress,
) -> Result<(), Stop> {
    thread::scope(|scope| {
        let start = |_| {
            let (work, todo) = sync_channel(AHEAD);
            let (told, done) = sync_channel(AHEAD);
            let thread = scope.spawn(move || examine(form, &todo, &told));
            (Worker { work, done }, thread)
        };
        let (workers, running): (Vec<_>, Vec<_>) = (0..threads.get()).map(start).unzip();
        let answer = admit(verifier, lines, &workers, progress);
        // Without work they end. How one died was told when it did.
        drop(workers);
        running.into_iter().for_each(|thread| drop(thread.join()));
        answer
    })
}

fn examine(form: Form, todo: &Receiver<Work<'_>>, told: &SyncSender<Looked>) {
    while let Ok((Batch { lines, bytes_read }, examiner)) = todo.recv() {
        let look = |line: &[u8]| form.line(line).map(|line| examiner.examine(&line));
        let lines = lines.into_iter().map(|(place, line)| (place, look(&line))).collect();
        // Nobody listens any more when a break was found.
        if told.send(Looked { lines, bytes_read }).is_err() {
            return;
        }
    }
}

fn admit<'a>(
    verifier: &mut Verifier<'a>,
    lines: &mut Lines,
    workers: &[Worker<'a>],
    progress: &Progress,
) -> Result<(), Stop> {
    let mut handed_out = workers.iter().cycle();
    let mut handed_in = workers.iter().cycle();
    let (mut out, mut events) = (0, 0);
    loop {
        while out < workers.len() * AHEAD {
            let Some(batch) = lines.batch() else { break };
            let worker = handed_out.next().ok_or(Stop::Dead)?;
            // Made anew each time, for one that knows what the chain has said by now.
            worker.work.send((batch, verifier.examiner())).map_err(|_| Stop::Dead)?;
            out += 1;
        }
        if out == 0 {
            return lines.failure().map_or(Ok(()), |error| Err(Stop::Unreadable(error)));
        }
        let worker = handed_in.next().ok_or(Stop::Dead)?;
        let looked = worker.done.recv().map_err(|RecvError| Stop::Dead)?;
        out -= 1;
        for (place, examined) in looked.lines {
            match examined.map(|examined| verifier.admit(examined)) {
                Ok(Ok(())) => events += 1,
                Ok(Err(broken)) => return Err(Stop::Broken(place, Broken::Chain(broken))),
                Err(reason) => return Err(Stop::Broken(place, Broken::Form(reason))),
            }
        }
        progress.at(looked.bytes_read, events);
    }
}
