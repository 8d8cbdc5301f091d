//! The values of tokens, for those that may come back.
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

/// Bounds of a [`Vault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VaultLimits {
    /// How long a value is kept after it was last put in.
    pub seconds: u64,
    /// Values of one agent; beyond it the one that was put in first goes.
    pub values: usize,
    /// Agents; beyond it the one that put nothing in for longest goes, with all it had.
    pub agents: usize,
}

/// Keeps what tokens stand for, for each agent by itself: a token means nothing to another agent.
///
/// In memory alone, wiped when it goes, bounded in time, number and size.
pub struct Vault {
    limits: VaultLimits,
    shelves: Mutex<HashMap<String, Shelf>>,
}

/// What one agent has.
#[derive(Default)]
struct Shelf {
    values: HashMap<String, Kept>,
    /// Tokens in the order in which they were first put in.
    order: VecDeque<String>,
    used: u64,
}

struct Kept {
    value: Zeroizing<String>,
    until: u64,
}

impl Vault {
    /// A longer value is not kept.
    pub const VALUE_BYTES: usize = 512;

    /// An empty vault.
    pub fn new(limits: VaultLimits) -> Self {
        Self { limits, shelves: Mutex::new(HashMap::new()) }
    }

    /// Its bounds.
    pub fn limits(&self) -> VaultLimits {
        self.limits
    }

    /// Keeps a value, if it can stand wherever its token stands: what JSON, a URL or XML would
    /// have to escape is not kept. `now` is in seconds of any clock that only goes forward.
    pub(crate) fn put(&self, agent: &str, token: &str, value: &str, now: u64) {
        let escaped = |c: char| c.is_control() || matches!(c, '"' | '\\' | '%' | '&' | '<' | '>');
        if value.len() > Self::VALUE_BYTES || value.contains(escaped) {
            return;
        }
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if !shelves.contains_key(agent) && shelves.len() >= self.limits.agents.max(1) {
            let oldest = shelves.iter().min_by_key(|(_, shelf)| shelf.used);
            if let Some(agent) = oldest.map(|(agent, _)| agent.clone()) {
                shelves.remove(&agent);
            }
        }
        let shelf = shelves.entry(agent.to_owned()).or_default();
        shelf.used = now;
        let until = now.saturating_add(self.limits.seconds);
        let kept = Kept { value: Zeroizing::new(value.to_owned()), until };
        if shelf.values.insert(token.to_owned(), kept).is_none() {
            shelf.order.push_back(token.to_owned());
        }
        shelf.tidy(self.limits.values.max(1), now);
    }

    /// What a token of this agent stands for.
    pub(crate) fn find(&self, agent: &str, token: &str, now: u64) -> Option<Zeroizing<String>> {
        let shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = shelves.get(agent)?.values.get(token)?;
        (now < kept.until).then(|| kept.value.clone())
    }

    /// How many values it keeps.
    pub fn len(&self) -> usize {
        let shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.values().map(|shelf| shelf.values.len()).sum()
    }

    /// Whether it keeps none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shelf {
    /// Drops what is too old at the front, and what is too many.
    fn tidy(&mut self, values: usize, now: u64) {
        while let Some(first) = self.order.front() {
            let old = self.values.get(first).is_none_or(|kept| kept.until <= now);
            if !old && self.order.len() <= values {
                return;
            }
            if let Some(token) = self.order.pop_front() {
                self.values.remove(&token);
            }
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("limits", &self.limits).finish_non_exhaustive()
    }
}
