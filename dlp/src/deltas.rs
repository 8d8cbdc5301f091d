//! The documents of one event stream, whose texts come in pieces.
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::echo::Echo;
use crate::engine::survey::Patience;
use crate::finding::{Acted, Direction, Place};
use crate::flow::Flow;
use crate::judge::Judge;
use crate::leaf::{self, Leaf, Leaves};
use crate::scanner::Scanner;

/// An event as it may go, with what was done about it.
pub type Released = (Value, Vec<Acted>);

/// Redacts the JSON documents of one event stream.
///
/// Texts that come in pieces, such as `choices/0/delta/content` or the `message` of progress
/// notifications, are looked at as the one text that their reader will see: the pieces at one
/// place of consecutive documents are joined. A secret that reaches over several pieces leaves its
/// tag in the first and nothing in the others.
///
/// An event is held back while one of its texts ends in something that may be the beginning of a
/// secret; what comes behind it waits, so that the order stays. The hold has bounds
/// ([`Self::HELD_EVENTS`], [`Self::HELD_BYTES`], [`Self::THREADS`]); beyond them what is held is
/// looked at as it is, released, and counted in [`Self::cut_short`].
pub struct Deltas {
    scanner: Arc<Scanner>,
    judge: Arc<Judge>,
    direction: Direction,
    threads: HashMap<String, Thread>,
    leaves: Leaves,
    echo: Echo,
    queue: VecDeque<Event>,
    /// The number of the first event of the queue.
    first: usize,
    clock: usize,
    held_bytes: usize,
    cut_short: u64,
}

/// The pieces of one text.
struct Thread {
    flow: Flow,
    /// The pieces that are held, in order.
    pieces: VecDeque<Piece>,
    /// The last piece, and how often it came before: a text that only repeats itself is no text in
    /// pieces.
    last: String,
    repeats: usize,
    used: usize,
}

/// A shorter piece may well come twice, the groups of a card number, but not so often.
const CONSTANT_BYTES: usize = 8;
const REPEATS: usize = 8;

/// One string of one event.
struct Piece {
    /// The number of its event.
    event: usize,
    /// How much of its thread's name is the pointer to it.
    pointer: usize,
    /// Where it stands in the thread's text.
    start: usize,
    end: usize,
    /// Changes, counted within the piece.
    edits: Vec<PieceEdit>,
}

struct PieceEdit {
    start: usize,
    end: usize,
    text: String,
}

struct Event {
    value: Value,
    acted: Vec<Acted>,
    bytes: usize,
    /// How many of its pieces are not settled.
    waits_for: usize,
}

impl Deltas {
    /// More events are not held. One character an event, a long token is held whole.
    pub const HELD_EVENTS: usize = 2048;
    /// More bytes of text are not held.
    pub const HELD_BYTES: usize = 1 << 20;
    /// More texts in pieces are not followed at a time; the one that rested longest is forgotten.
    pub const THREADS: usize = 64;

    /// A stream at its beginning.
    pub fn new(scanner: Arc<Scanner>, judge: Arc<Judge>, direction: Direction) -> Self {
        Self {
            scanner,
            judge,
            direction,
            threads: HashMap::new(),
            leaves: Leaves::default(),
            echo: Echo::default(),
            queue: VecDeque::new(),
            first: 0,
            clock: 0,
            held_bytes: 0,
            cut_short: 0,
        }
    }

    /// Takes an event and gives those that may go now, in order, redacted.
    ///
    /// With `last` nothing follows that could go on with any text: everything goes.
    pub fn push(&mut self, event: Value, last: bool) -> Vec<Released> {
        self.take(event);
        if last {
            self.settle_all();
        } else if self.queue.len() > Self::HELD_EVENTS || self.held_bytes > Self::HELD_BYTES {
            self.cut_short += 1;
            self.settle_all();
        }
        self.release()
    }

    /// Gives everything that is held: the stream has ended, or the time to hold is over.
    pub fn flush(&mut self) -> Vec<Released> {
        self.settle_all();
        self.release()
    }

    /// Whether anything is held back.
    pub fn holding(&self) -> bool {
        !self.queue.is_empty()
    }

    /// How often a bound made it release what it would have held.
    pub fn cut_short(&self) -> u64 {
        self.cut_short
    }

    fn take(&mut self, mut value: Value) {
        let acted = self.redact(&mut value);
        let mut leaves = std::mem::take(&mut self.leaves);
        leaves.take(&value);
        let number = self.first + self.queue.len();
        let bytes = leaves.iter().map(|leaf| leaf.text.len()).sum();
        self.held_bytes += bytes;
        self.queue.push_back(Event { value, acted, bytes, waits_for: leaves.len() });
        for leaf in leaves.iter() {
            self.join(number, &leaf);
        }
        if leaves.is_usual() {
            self.leaves = leaves;
        }
    }

    /// Looks at all of an event but its pieces of texts.
    fn redact(&mut self, event: &mut Value) -> Vec<Acted> {
        if self.echo.is(&self.scanner.surveyor, event) {
            return Vec::new();
        }
        let judge = (&*self.judge, self.direction);
        let (acted, changed) = self.scanner.redact_json_but(event, judge, &leaf::joins);
        if acted.is_empty() && !changed {
            self.echo.keep(event);
        }
        acted
    }

    /// Puts a string behind the pieces before it.
    fn join(&mut self, event: usize, leaf: &Leaf<&str>) {
        self.clock += 1;
        if !self.threads.contains_key(leaf.thread) {
            self.make_room();
            self.threads.insert(leaf.thread.to_owned(), Thread::new());
        }
        let clock = self.clock;
        let Some(thread) = self.threads.get_mut(leaf.thread) else { return };
        thread.used = clock;
        let repeats = if thread.last == leaf.text { thread.repeats + 1 } else { 0 };
        // With something else before them they may be a part of it.
        let again = repeats >= REPEATS && thread.pieces.len() <= repeats;
        if again || repeats > 0 && leaf.text.len() >= CONSTANT_BYTES {
            // The same again: a constant. What came before it is whole.
            self.settle(leaf.thread, true);
            self.threads.insert(leaf.thread.to_owned(), Thread::new());
        }
        if let Some(thread) = self.threads.get_mut(leaf.thread) {
            thread.push(event, leaf);
            (thread.repeats, thread.used) = (repeats, clock);
        }
        self.settle(leaf.thread, again);
    }

    /// Forgets the thread that rested longest when there are too many.
    fn make_room(&mut self) {
        if self.threads.len() < Self::THREADS {
            return;
        }
        let oldest = self.threads.iter().min_by_key(|(_, thread)| thread.used);
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            let held = self.threads.get(&name).is_some_and(|thread| !thread.pieces.is_empty());
            self.cut_short += u64::from(held);
            self.settle(&name, true);
            self.threads.remove(&name);
        }
    }

    fn settle_all(&mut self) {
        let names: Vec<String> = self.threads.keys().cloned().collect();
        for name in names {
            self.settle(&name, true);
        }
    }

    /// Settles what can be settled of one text, and changes the events that are done with it.
    fn settle(&mut self, name: &str, ended: bool) {
        let Some(thread) = self.threads.get_mut(name) else { return };
        let judge = (&*self.judge, self.direction);
        let settled = thread.flow.settle(&self.scanner, judge, Patience::Eager, ended);
        for edit in &settled.edits {
            let mut tag = format!("{}{}", edit.lead, edit.tag);
            for piece in &mut thread.pieces {
                let start = edit.start.max(piece.start);
                let end = edit.end.min(piece.end);
                if start < end {
                    let (start, end) = (start - piece.start, end - piece.start);
                    piece.edits.push(PieceEdit { start, end, text: std::mem::take(&mut tag) });
                }
            }
        }
        for acted in settled.acted {
            let start = acted.finding.start;
            let held = |piece: &&Piece| piece.end > start;
            let Some(piece) = thread.pieces.iter().find(held).or(thread.pieces.back()) else {
                continue;
            };
            let event = piece.event.checked_sub(self.first);
            if let Some(event) = event.and_then(|at| self.queue.get_mut(at)) {
                event.acted.push(piece.place(name, acted));
            }
        }
        while thread.pieces.front().is_some_and(|piece| piece.end <= settled.until) {
            let Some(piece) = thread.pieces.pop_front() else { break };
            let event = piece.event.checked_sub(self.first);
            if let Some(event) = event.and_then(|at| self.queue.get_mut(at)) {
                event.waits_for = event.waits_for.saturating_sub(1);
                piece.apply(name, &mut event.value);
            }
        }
        thread.flow.forget();
    }

    fn release(&mut self) -> Vec<Released> {
        let mut released = Vec::new();
        while self.queue.front().is_some_and(|event| event.waits_for == 0) {
            let Some(event) = self.queue.pop_front() else { break };
            self.first += 1;
            self.held_bytes = self.held_bytes.saturating_sub(event.bytes);
            released.push((event.value, event.acted));
        }
        released
    }
}

impl Thread {
    fn new() -> Self {
        let last = String::new();
        Self { flow: Flow::new(), pieces: VecDeque::new(), last, repeats: 0, used: 0 }
    }

    fn push(&mut self, event: usize, leaf: &Leaf<&str>) {
        let start = self.flow.end();
        self.flow.push(leaf.text.as_bytes());
        let (pointer, end) = (leaf.pointer, self.flow.end());
        self.pieces.push_back(Piece { event, pointer, start, end, edits: Vec::new() });
        leaf.text.clone_into(&mut self.last);
    }
}

impl Piece {
    /// Where it stands in its event; `name` is its thread's.
    fn pointer<'n>(&self, name: &'n str) -> &'n str {
        name.get(..self.pointer).unwrap_or_default()
    }

    /// The finding counted in this piece's string.
    fn place(&self, name: &str, mut acted: Acted) -> Acted {
        acted.finding.place = Place::Value(self.pointer(name).to_owned());
        acted.finding.start = acted.finding.start.saturating_sub(self.start);
        acted.finding.end = acted.finding.end.saturating_sub(self.start);
        acted
    }

    /// Changes the string in its event.
    fn apply(&self, name: &str, event: &mut Value) {
        if self.edits.is_empty() {
            return;
        }
        let Some(Value::String(text)) = event.pointer_mut(self.pointer(name)) else { return };
        let mut clean = String::with_capacity(text.len());
        let mut copied = 0;
        for edit in &self.edits {
            clean.push_str(text.get(copied..edit.start).unwrap_or_default());
            clean.push_str(&edit.text);
            copied = edit.end;
        }
        clean.push_str(text.get(copied..).unwrap_or_default());
        *text = clean;
    }
}

impl fmt::Debug for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deltas")
            .field("direction", &self.direction)
            .field("held_events", &self.queue.len())
            .field("held_bytes", &self.held_bytes)
            .field("cut_short", &self.cut_short)
            .finish_non_exhaustive()
    }
}
