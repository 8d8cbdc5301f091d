//! What agents sent a little while ago, as far as it may be the beginning of a secret.
//!
//! A key that is sent in pieces is in none of the calls. What a text ends in and only more text
//! could decide is kept for a while, put before the next texts of the same agent to the same
//! destination, and looked at again. Pieces of digits alone are not kept: two order numbers make a
//! card number once in ten.
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::actions::mark;
use crate::engine::begins::Begins;
use crate::engine::hit::{self, Rank};
use crate::engine::literals::Bytes;
use crate::engine::survey::{Patience, is_between};
use crate::engine::{LOOK_BEHIND, Window};
use crate::finding::{Acted, Action, Direction, Grade, Place};
use crate::judge::Judge;
use crate::pointer::{cut, escaped};
use crate::quiet::Quiet;
use crate::scanner::Scanner;
use crate::tape::DocumentPart;

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

/// The end of a text, or of several one after the other, that may be the beginning of a secret.
struct Beginning {
    text: Zeroizing<Vec<u8>>,
    /// It is no more than some bytes of a literal.
    literal: bool,
    /// What that may go on with, told once it is kept.
    next: Option<Bytes>,
    pieces: usize,
    /// The call that its first piece came in.
    call: u64,
    until: u64,
}

impl Memory {
    /// Texts of one call that are looked at.
    pub const TEXTS: usize = 1024;
    /// Beginnings that are kept for an agent and a destination.
    pub const BEGINNINGS: usize = 16;
    /// A secret in more pieces is not put together.
    pub const PIECES: usize = 8;
    /// How much of a text may go on from a beginning, and how long a beginning may be.
    const PART_BYTES: usize = 512;

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
        let tails: Vec<&[u8]> = texts.iter().map(|text| tail(text)).collect();
        let look = self.begin(engine, now);
        let begins = look.scanner.surveyor.begin_secrets(&tails).into_iter();
        let begun = look.begun(begins.zip(tails));
        self.texts(look, pair, begun, || texts, &|nth| pointer(document, nth))
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
        self.texts(look, pair, begun, texts, &|nth| quiet.pointer(part, nth))
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
        pointer: &dyn Fn(usize) -> String,
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
            let (acted, longer) = look.text(text, &beginnings);
            all.extend(acted.into_iter().map(|mut acted| {
                acted.finding.place = Place::Value(pointer(nth));
                acted
            }));
            beginnings.extend(longer);
            if let Some((_, beginning)) = begun.next_if(|(at, _)| *at == nth) {
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

/// Drops the oldest beginnings that are too many; gives how many.
fn tidy(beginnings: &mut VecDeque<Beginning>, bytes: usize) -> u64 {
    let mut gone = 0;
    let size = |all: &VecDeque<Beginning>| all.iter().map(|one| one.text.len()).sum::<usize>();
    while beginnings.len() > Memory::BEGINNINGS || size(beginnings) > bytes {
        if beginnings.pop_front().is_none() {
            break;
        }
        gone += 1;
    }
    gone
}

/// One look of one call.
struct Look<'a> {
    scanner: &'a Scanner,
    judge: &'a Judge,
    call: u64,
    now: u64,
    until: u64,
}

impl Look<'_> {
    /// What a text completes, and what it makes longer.
    fn text(&self, text: &[u8], known: &VecDeque<Beginning>) -> (Option<Acted>, Vec<Beginning>) {
        let mut acted = None;
        let mut longer = Vec::new();
        if let Some(first) = text.first().copied().filter(|first| goes_on(*first)) {
            for beginning in known {
                if beginning.next.is_some_and(|bytes| !bytes.has(first)) {
                    continue;
                }
                let joined = beginning.with(text);
                if !self.may_go_on(beginning, &joined.text) {
                    continue;
                }
                if acted.is_none() {
                    acted = self.complete(beginning, &joined);
                }
                longer.extend(self.lengthen(beginning, &joined));
            }
        }
        (acted, longer)
    }

    /// The secret that a text completes.
    fn complete(&self, beginning: &Beginning, joined: &Joined) -> Option<Acted> {
        // What is whole in one call is found there, and can be redacted there.
        if beginning.call == self.call {
            return None;
        }
        let window = Window { ended: joined.ended, ..Window::whole(&joined.text) };
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
    fn lengthen(&self, beginning: &Beginning, joined: &Joined) -> Option<Beginning> {
        if beginning.pieces >= Memory::PIECES || !joined.whole {
            return None;
        }
        let joined = joined.text.as_slice();
        if joined.len() > Memory::PART_BYTES {
            return None;
        }
        let window = Window { ended: false, ..Window::whole(joined) };
        let from = self.scanner.surveyor.plain(&window).open(Patience::Eager);
        let open = from < beginning.text.len();
        open.then(|| Beginning {
            text: Zeroizing::new(joined.get(from..).unwrap_or_default().to_vec()),
            literal: false,
            next: None,
            pieces: beginning.pieces + 1,
            call: beginning.call,
            until: self.until,
        })
    }

    /// What the ends of texts may be the beginnings of, each with the number of its text.
    fn begun<'t>(
        &self,
        tails: impl Iterator<Item = (Begins, &'t [u8])>,
    ) -> Vec<(usize, Beginning)> {
        let begun = tails.enumerate();
        begun.filter_map(|(nth, (begins, tail))| Some((nth, self.begin(begins, tail)?))).collect()
    }

    /// What the end of a text may be the beginning of.
    fn begin(&self, begins: Begins, tail: &[u8]) -> Option<Beginning> {
        match begins {
            Begins::No => return None,
            Begins::Literal(known) => {
                let part = tail.get(tail.len() - known..).unwrap_or_default();
                let letters = part.iter().any(u8::is_ascii_alphabetic);
                return letters.then(|| self.beginning(part, true));
            }
            Begins::Perhaps => {}
        }
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
        (!whole).then(|| self.beginning(part, false))
    }

    /// The same, to be compared with many texts.
    fn kept(&self, mut beginning: Beginning) -> Beginning {
        let literals = &self.scanner.surveyor.literals;
        beginning.next = beginning.literal.then(|| literals.goes_on_with(&beginning.text));
        beginning
    }

    fn beginning(&self, part: &[u8], literal: bool) -> Beginning {
        let text = Zeroizing::new(part.to_vec());
        Beginning { text, literal, next: None, pieces: 1, call: self.call, until: self.until }
    }

    /// A glance whether a text goes on with a beginning.
    fn may_go_on(&self, beginning: &Beginning, joined: &[u8]) -> bool {
        let seam = beginning.text.len();
        let around = joined.get(..joined.len().min(seam + LITERAL_BYTES)).unwrap_or_default();
        !beginning.literal || self.scanner.surveyor.sews_secret(around, seam)
    }
}

impl Beginning {
    /// Itself and what a text begins with. What has no blank in it does not go on over one.
    fn with(&self, text: &[u8]) -> Joined {
        let part = text.get(..Memory::PART_BYTES).unwrap_or(text);
        let blank = match self.text.iter().any(|byte| is_between(*byte)) {
            true => None,
            false => part.iter().position(|byte| is_between(*byte)),
        };
        let part = blank.and_then(|at| part.get(..=at)).unwrap_or(part);
        let whole = part.len() == text.len();
        let mut joined = Zeroizing::new(Vec::with_capacity(self.text.len() + part.len()));
        joined.extend_from_slice(&self.text);
        joined.extend_from_slice(part);
        Joined { text: joined, whole, ended: whole || blank.is_some() }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.text == other.text && self.pieces == other.pieces
    }
}

/// A beginning and what a text begins with.
struct Joined {
    text: Zeroizing<Vec<u8>>,
    /// That is the whole text.
    whole: bool,
    /// Nothing behind it has a say.
    ended: bool,
}

/// No literal is longer.
const LITERAL_BYTES: usize = 64;

/// Whether a text that begins so may go on from another.
fn goes_on(first: u8) -> bool {
    first.is_ascii_alphanumeric() || b"_-+/=.~".contains(&first)
}

/// What counts of a text's end.
fn tail(text: &[u8]) -> &[u8] {
    text.get(text.len().saturating_sub(LOOK_BEHIND)..).unwrap_or_default()
}

/// The strings of a document, [`Memory::TEXTS`] of them.
fn collect<'v>(value: &'v Value, texts: &mut Vec<&'v [u8]>) {
    if texts.len() >= Memory::TEXTS {
        return;
    }
    match value {
        Value::String(text) if !text.is_empty() => texts.push(text.as_bytes()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The pointer of the string with this number, as [`collect`] counts.
fn pointer(document: &Value, nth: usize) -> String {
    fn find(value: &Value, left: &mut usize, pointer: &mut String) -> bool {
        let length = pointer.len();
        let mut inside = |step: &str, value: &Value, left: &mut usize| {
            pointer.push('/');
            pointer.push_str(step);
            let found = find(value, left, pointer);
            if !found {
                pointer.truncate(length);
            }
            found
        };
        match value {
            Value::String(text) if !text.is_empty() => {
                let found = *left == 0;
                *left = left.saturating_sub(1);
                found
            }
            Value::Array(items) => {
                items.iter().enumerate().any(|(at, item)| inside(&at.to_string(), item, left))
            }
            Value::Object(members) => {
                members.iter().any(|(name, member)| inside(&escaped(cut(name)), member, left))
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let (mut left, mut pointer) = (nth, String::new());
    find(document, &mut left, &mut pointer);
    pointer
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
