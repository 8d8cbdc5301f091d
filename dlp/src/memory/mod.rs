//! What agents sent a little while ago, as far as it may be the beginning of a secret.
//!
//! A key that is sent in pieces is in none of the calls. What a text ends in and only more text
//! could decide is kept for a while, put before the next texts of the same agent to the same
//! destination, and looked at again. Pieces of digits alone are not kept: two order numbers make a
//! card number once in ten.
mod chance;
mod look;
mod tree;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::engine::LOOK_BEHIND;
use crate::engine::begins::Begins;
use crate::finding::{Acted, Layer, Place};
use crate::judge::Judge;
use crate::quiet::Quiet;
use crate::scanner::Scanner;
use crate::tape::DocumentPart;
use look::{Beginning, Look};
use tree::{collect, pointer};

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
///
/// A call that begins nothing takes no lock while nothing is remembered. Calls of one agent to one
/// destination wait for each other, so that pieces that are sent at once are seen as well; others
/// never do for longer than it takes to find a name in a table.
pub struct Memory {
    limits: MemoryLimits,
    pairs: Mutex<HashMap<Key, Arc<Slot>>>,
    /// How many pairs there are.
    count: AtomicUsize,
    calls: AtomicU64,
    evicted: AtomicU64,
}

/// An agent and a destination.
type Key = (String, String);

#[derive(Default)]
struct Slot {
    beginnings: Mutex<VecDeque<Beginning>>,
    /// How many there are, for who does not hold them.
    count: AtomicUsize,
    /// The last call.
    used: AtomicU64,
}

impl Memory {
    /// Texts of one call that are looked at.
    pub const TEXTS: usize = 1024;
    /// Beginnings that are kept for an agent and a destination.
    pub const BEGINNINGS: usize = 32;
    /// A secret in more pieces is not put together.
    pub const PIECES: usize = 8;

    /// A memory of nothing.
    pub fn new(limits: MemoryLimits) -> Self {
        Self {
            limits,
            pairs: Mutex::default(),
            count: AtomicUsize::new(0),
            calls: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
        }
    }

    /// Its bounds.
    pub fn limits(&self) -> MemoryLimits {
        self.limits
    }

    /// How many beginnings went before their time.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Looks at the strings of a call, and remembers what they end in. Gives the secrets that this
    /// call completes. What would be changed is blocked, for most of it has left already.
    ///
    /// `now` is in seconds of any clock that only goes forward.
    pub fn look(
        &self,
        engine: (&Scanner, &Judge),
        pair: (&str, &str),
        document: &Value,
        now: u64,
    ) -> Vec<Acted> {
        if self.limits.seconds == 0 {
            return Vec::new();
        }
        let mut texts = Vec::new();
        collect(document, &mut texts);
        let look = self.begin(engine, now);
        let begun = begun(&look, &texts);
        self.texts(look, pair, begun, || texts, &|nth| Place::Value(pointer(document, nth)))
    }

    /// The same of texts that stand in no document, each at the place with its number.
    pub fn look_apart(
        &self,
        engine: (&Scanner, &Judge),
        pair: (&str, &str),
        texts: Vec<&[u8]>,
        place: &dyn Fn(usize) -> Place,
        now: u64,
    ) -> Vec<Acted> {
        if self.limits.seconds == 0 {
            return Vec::new();
        }
        let look = self.begin(engine, now);
        let begun = begun(&look, &texts);
        self.texts(look, pair, begun, || texts, place)
    }

    /// The same of a part of a document that a first pass has looked at.
    pub fn look_at(
        &self,
        engine: (&Scanner, &Judge),
        pair: (&str, &str),
        (quiet, part): (&Quiet<'_>, &DocumentPart),
        now: u64,
    ) -> Vec<Acted> {
        if self.limits.seconds == 0 {
            return Vec::new();
        }
        let look = self.begin(engine, now);
        let strings = || quiet.strings(part).take(Self::TEXTS);
        let begun = look.begun(strings().map(|(text, perhaps)| {
            let surveyor = &look.scanner.surveyor;
            let begins = match perhaps {
                Some(true) => Begins::Perhaps,
                Some(false) => surveyor.ends_in(tail(text)),
                None => surveyor.begin_secrets(&[tail(text)]).pop().unwrap_or(Begins::Perhaps),
            };
            (begins, tail(text))
        }));
        let texts = || strings().map(|(text, _)| text).collect();
        self.texts(look, pair, begun, texts, &|nth| Place::Value(quiet.pointer(part, nth)))
    }

    fn begin<'a>(&self, (scanner, judge): (&'a Scanner, &'a Judge), now: u64) -> Look<'a> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        Look { scanner, judge, call, now, until: now.saturating_add(self.limits.seconds) }
    }

    fn texts<'t>(
        &self,
        look: Look<'_>,
        (agent, destination): (&str, &str),
        begun: Vec<(usize, Beginning)>,
        texts: impl FnOnce() -> Vec<&'t [u8]>,
        place: &dyn Fn(usize) -> Place,
    ) -> Vec<Acted> {
        let (now, call) = (look.now, look.call);
        if begun.is_empty() && self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let key = (agent.to_owned(), destination.to_owned());
        let Some(slot) = self.slot(&key, call, !begun.is_empty()) else { return Vec::new() };
        let mut beginnings = held(&slot.beginnings);
        beginnings.retain(|beginning| now < beginning.until);
        let mut all = Vec::new();
        let mut begun = begun.into_iter().peekable();
        for (nth, text) in texts().into_iter().enumerate() {
            let beside = |other| stand_beside(&place(other), &place(nth));
            let (acted, longer) = look.text(nth, text, &beginnings, &beside);
            all.extend(acted.into_iter().map(|mut acted| {
                acted.finding.place = place(nth);
                acted
            }));
            beginnings.extend(longer);
            while let Some((_, beginning)) = begun.next_if(|(at, _)| *at == nth) {
                match beginnings.iter_mut().find(|known| known.is_like(&beginning)) {
                    // Texts end in the same words all the time.
                    Some(known) => known.until = beginning.until,
                    None => beginnings.push_back(look.kept(beginning)),
                }
            }
            self.evicted.fetch_add(tidy(&mut beginnings, self.limits.bytes), Ordering::Relaxed);
        }
        slot.count.store(beginnings.len(), Ordering::Relaxed);
        if beginnings.is_empty() {
            self.let_go(&key, &slot);
        }
        all
    }

    /// What is remembered of a pair; made when there is none and it is to be.
    fn slot(&self, key: &Key, call: u64, make: bool) -> Option<Arc<Slot>> {
        let mut pairs = held(&self.pairs);
        if let Some(slot) = pairs.get(key) {
            slot.used.store(call, Ordering::Relaxed);
            return Some(Arc::clone(slot));
        }
        if !make {
            return None;
        }
        if pairs.len() >= self.limits.pairs.max(1) {
            let oldest = pairs.iter().min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                let gone =
                    pairs.remove(&oldest).map_or(0, |slot| slot.count.load(Ordering::Relaxed));
                self.evicted.fetch_add(gone as u64, Ordering::Relaxed);
            }
        }
        let slot = Arc::new(Slot::default());
        slot.used.store(call, Ordering::Relaxed);
        pairs.insert(key.clone(), Arc::clone(&slot));
        self.count.store(pairs.len(), Ordering::Release);
        Some(slot)
    }

    /// Forgets a pair of which nothing is remembered, unless another call looks at it.
    fn let_go(&self, key: &Key, slot: &Arc<Slot>) {
        let mut pairs = held(&self.pairs);
        let mine = pairs.get(key).is_some_and(|known| Arc::ptr_eq(known, slot));
        // The table's and this call's.
        if mine && Arc::strong_count(slot) == 2 {
            pairs.remove(key);
            self.count.store(pairs.len(), Ordering::Release);
        }
    }
}

/// A panic in one call leaves what was remembered as it was.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops the beginnings that are too many: of those of the least worth the oldest. Gives how many.
fn tidy(beginnings: &mut VecDeque<Beginning>, bytes: usize) -> u64 {
    let mut gone = 0;
    let size = |all: &VecDeque<Beginning>| all.iter().map(|one| one.text.len()).sum::<usize>();
    while beginnings.len() > Memory::BEGINNINGS || size(beginnings) > bytes {
        let least = beginnings.iter().enumerate().min_by_key(|(_, one)| one.worth);
        let Some(least) = least.map(|(at, _)| at) else { break };
        beginnings.remove(least);
        gone += 1;
    }
    gone
}

/// The texts that end in what may be the beginning of a secret.
fn begun(look: &Look<'_>, texts: &[&[u8]]) -> Vec<(usize, Beginning)> {
    let tails: Vec<&[u8]> = texts.iter().map(|text| tail(text)).collect();
    let begins = look.scanner.surveyor.begin_secrets(&tails).into_iter();
    look.begun(begins.zip(tails))
}

/// Whether two texts of one call are looked at together where they stand: members of one object, items
/// of one list, pairs of one query.
fn stand_beside(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (Place::Value(one), Place::Value(other)) => {
            let parent = |pointer: &str| pointer.rfind('/').unwrap_or(0);
            one.get(..parent(one)) == other.get(..parent(other))
        }
        (Place::Within(one, _), Place::Within(other, _)) => {
            let pair = |layers: &[Layer]| matches!(layers, [Layer::Query(_)]);
            pair(one) && pair(other)
        }
        _ => false,
    }
}

/// What counts of a text's end.
fn tail(text: &[u8]) -> &[u8] {
    text.get(text.len().saturating_sub(LOOK_BEHIND)..).unwrap_or_default()
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("limits", &self.limits)
            .field("pairs", &self.count)
            .field("evicted", &self.evicted)
            .finish_non_exhaustive()
    }
}
