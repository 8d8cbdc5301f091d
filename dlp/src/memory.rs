//! What agents sent a little while ago, as far as it may be the beginning of a secret.
//!
//! A key that is sent in pieces is in none of the calls. What a text ends in and only more text
//! could decide is kept for a while, put before the next texts of the same agent to the same
//! destination, and looked at again. Pieces of digits alone are not kept: two order numbers make a
//! card number once in ten.
use std::collections::{HashMap, VecDeque};
use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::actions::mark;
use crate::engine::hit::{self, Rank};
use crate::engine::survey::Patience;
use crate::engine::{LOOK_BEHIND, Window};
use crate::finding::{Acted, Action, Direction, Grade, Place};
use crate::judge::Judge;
use crate::pointer::escaped;
use crate::scanner::Scanner;

/// Bounds of a [`Memory`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryLimits {
    /// How long a beginning is kept; zero keeps nothing.
    pub seconds: u64,
    /// Bytes for one agent and destination.
    pub bytes: usize,
    /// Pairs of agent and destination.
    pub pairs: usize,
}

/// Remembers beginnings of secrets, for each agent and destination by itself.
///
/// Bounded in time, number and size, and so is the work for a call: [`Self::TEXTS`] texts are
/// looked at, each against [`Self::BEGINNINGS`] beginnings. Wiped when it goes.
pub struct Memory {
    limits: MemoryLimits,
    pairs: HashMap<(String, String), Pair>,
    calls: u64,
    evicted: u64,
}

#[derive(Default)]
struct Pair {
    beginnings: VecDeque<Beginning>,
    used: u64,
}

/// The end of a text, or of several one after the other, that may be the beginning of a secret.
struct Beginning {
    text: Zeroizing<Vec<u8>>,
    pieces: usize,
    /// The call that its first piece came in.
    call: u64,
    until: u64,
}

impl Memory {
    /// Texts of one call that are looked at.
    pub const TEXTS: usize = 64;
    /// Beginnings that are kept for an agent and a destination.
    pub const BEGINNINGS: usize = 16;
    /// A secret in more pieces is not put together.
    pub const PIECES: usize = 8;
    /// How much of a text may go on from a beginning, and how long a beginning may be.
    const PART_BYTES: usize = 512;

    /// A memory of nothing.
    pub fn new(limits: MemoryLimits) -> Self {
        Self { limits, pairs: HashMap::new(), calls: 0, evicted: 0 }
    }

    /// Its bounds.
    pub fn limits(&self) -> MemoryLimits {
        self.limits
    }

    /// How many beginnings went before their time.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Looks at the strings of a call, and remembers what they end in. Gives the secrets that this
    /// call completes. What would be changed is blocked, for most of it has left already.
    ///
    /// `now` is in seconds of any clock that only goes forward.
    pub fn look(
        &mut self,
        (scanner, judge): (&Scanner, &Judge),
        (agent, destination): (&str, &str),
        document: &Value,
        now: u64,
    ) -> Vec<Acted> {
        if self.limits.seconds == 0 {
            return Vec::new();
        }
        self.calls += 1;
        let mut texts = Vec::new();
        collect(document, &mut String::new(), &mut texts);
        if texts.is_empty() {
            return Vec::new();
        }
        let key = (agent.to_owned(), destination.to_owned());
        let mut pair = self.pairs.remove(&key).unwrap_or_default();
        pair.used = self.calls;
        pair.beginnings.retain(|beginning| now < beginning.until);
        let mut all = Vec::new();
        for (pointer, text) in &texts {
            let until = now.saturating_add(self.limits.seconds);
            let mut look = Look { scanner, judge, call: self.calls, until };
            let (acted, begun) = look.text(text.as_bytes(), &pair.beginnings);
            all.extend(acted.into_iter().map(|mut acted| {
                acted.finding.place = Place::Value(pointer.clone());
                acted
            }));
            pair.beginnings.extend(begun);
            self.evicted += pair.tidy(self.limits.bytes);
        }
        if !pair.beginnings.is_empty() {
            self.make_room();
            self.pairs.insert(key, pair);
        }
        all
    }

    fn make_room(&mut self) {
        if self.pairs.len() < self.limits.pairs.max(1) {
            return;
        }
        let oldest = self.pairs.iter().min_by_key(|(_, pair)| pair.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            let gone = self.pairs.remove(&key).map_or(0, |pair| pair.beginnings.len());
            self.evicted += gone as u64;
        }
    }
}

impl Pair {
    /// Drops the oldest beginnings that are too many; gives how many.
    fn tidy(&mut self, bytes: usize) -> u64 {
        let mut gone = 0;
        let size = |all: &VecDeque<Beginning>| all.iter().map(|one| one.text.len()).sum::<usize>();
        while self.beginnings.len() > Memory::BEGINNINGS || size(&self.beginnings) > bytes {
            if self.beginnings.pop_front().is_none() {
                break;
            }
            gone += 1;
        }
        gone
    }
}

/// One look of one call.
struct Look<'a> {
    scanner: &'a Scanner,
    judge: &'a Judge,
    call: u64,
    until: u64,
}

impl Look<'_> {
    /// What a text completes, and what it begins.
    fn text(&mut self, text: &[u8], known: &VecDeque<Beginning>) -> (Vec<Acted>, Vec<Beginning>) {
        let mut acted = Vec::new();
        let mut begun = Vec::new();
        if text.first().is_some_and(|first| goes_on(*first)) {
            for beginning in known {
                if acted.is_empty() {
                    acted.extend(self.complete(beginning, text));
                }
                begun.extend(self.lengthen(beginning, text));
            }
        }
        begun.extend(self.begin(text));
        (acted, begun)
    }

    /// The secret that a text completes.
    fn complete(&self, beginning: &Beginning, text: &[u8]) -> Option<Acted> {
        // What is whole in one call is found there, and can be redacted there.
        if beginning.call == self.call {
            return None;
        }
        let (joined, ended) = beginning.with(text);
        let window = Window { ended, ..Window::whole(&joined) };
        let hits = self.scanner.surveyor.plain(&window).hits.into_iter();
        let seam = beginning.text.len();
        let hits = hits.filter(|hit| {
            !mark::is_mark(hit)
                && hit.grade >= Grade::Likely
                && hit.class.family() == "secret"
                // A name in one call says nothing of a value in another.
                && hit.rank != Rank::Assignment
                && hit.secret.start < seam
                && hit.secret.end > seam
        });
        let clusters = hit::clusters(hits.collect(), Some((self.judge, Direction::Request)));
        let found = clusters.iter().find(|cluster| cluster.action > Action::Allow)?;
        let mut acted = found.acted(Place::Text, 0);
        if acted.action.edits() {
            acted.action = Action::Block;
        }
        acted.finding.start = 0;
        acted.finding.end = acted.finding.end.saturating_sub(seam);
        Some(acted)
    }

    /// The beginning with a text that does not complete it yet.
    fn lengthen(&self, beginning: &Beginning, text: &[u8]) -> Option<Beginning> {
        if beginning.pieces >= Memory::PIECES {
            return None;
        }
        let (joined, ended) = beginning.with(text);
        if !ended || joined.len() > Memory::PART_BYTES {
            return None;
        }
        let window = Window { ended: false, ..Window::whole(&joined) };
        let from = self.scanner.surveyor.plain(&window).open(Patience::Eager);
        let open = from < beginning.text.len();
        open.then(|| Beginning {
            text: Zeroizing::new(joined.get(from..).unwrap_or_default().to_vec()),
            pieces: beginning.pieces + 1,
            call: beginning.call,
            until: self.until,
        })
    }

    /// What the end of a text may be the beginning of.
    fn begin(&self, text: &[u8]) -> Option<Beginning> {
        let tail = text.get(text.len().saturating_sub(LOOK_BEHIND)..)?;
        let window = Window { ended: false, ..Window::whole(tail) };
        let from = self.scanner.surveyor.plain(&window).open(Patience::Eager);
        let part = tail.get(from..).unwrap_or_default();
        if !part.iter().any(u8::is_ascii_alphabetic) {
            return None;
        }
        // A whole secret is found where it stands, and is nothing to remember.
        let hits = self.scanner.surveyor.survey(&Window::whole(tail)).hits;
        let whole = hits.iter().any(|hit| {
            hit.claim().end > from && hit.grade >= Grade::Likely && hit.class.family() == "secret"
        });
        (!whole).then(|| Beginning {
            text: Zeroizing::new(part.to_vec()),
            pieces: 1,
            call: self.call,
            until: self.until,
        })
    }
}

impl Beginning {
    /// Itself and what a text begins with; whether that is the whole text.
    fn with(&self, text: &[u8]) -> (Zeroizing<Vec<u8>>, bool) {
        let part = text.get(..Memory::PART_BYTES).unwrap_or(text);
        let mut joined = Zeroizing::new(Vec::with_capacity(self.text.len() + part.len()));
        joined.extend_from_slice(&self.text);
        joined.extend_from_slice(part);
        (joined, part.len() == text.len())
    }
}

/// Whether a text that begins so may go on from another.
fn goes_on(first: u8) -> bool {
    first.is_ascii_alphanumeric() || b"_-+/=.~".contains(&first)
}

/// The strings of a document with their pointers, [`Memory::TEXTS`] of them.
fn collect<'v>(value: &'v Value, pointer: &mut String, texts: &mut Vec<(String, &'v str)>) {
    if texts.len() >= Memory::TEXTS {
        return;
    }
    let length = pointer.len();
    match value {
        Value::String(text) if !text.is_empty() => texts.push((pointer.clone(), text)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{at}"));
                collect(item, pointer, texts);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                pointer.push('/');
                pointer.push_str(&escaped(name));
                collect(member, pointer, texts);
                pointer.truncate(length);
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("limits", &self.limits)
            .field("pairs", &self.pairs.len())
            .field("evicted", &self.evicted)
            .finish_non_exhaustive()
    }
}
