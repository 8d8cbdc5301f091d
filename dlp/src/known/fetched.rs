//! Values that come while the process runs: tokens that are fetched, and end.
use std::fmt;
use std::sync::{PoisonError, RwLock};

use super::values::{Secret, ValueError, Values};
use super::words::Stretch;
use crate::engine::Outcome;
use crate::name::Name;

/// So many spellings of pieces make a generation; the one before it is kept as long.
const SPELLINGS_MAX: usize = 16_384;

/// Credentials that were fetched, as hashes. The last ones are known: the oldest are forgotten when
/// there are too many.
pub struct Fetched {
    key: [u8; 16],
    generations: RwLock<Generations>,
}

struct Generations {
    /// How many there were before the one that grows.
    number: u64,
    /// How many values were added.
    added: u64,
    new: Values,
    old: Values,
}

impl Fetched {
    /// None yet. The key is random and lives as long as the process.
    pub fn new(key: [u8; 16]) -> Self {
        let (new, old) = (Values::new(&key), Values::new(&key));
        Self { key, generations: RwLock::new(Generations { number: 0, added: 0, new, old }) }
    }

    /// Knows one more from now on, for as long as [`Self::still_knows`] what this gives.
    pub fn add(&self, name: Name, value: &[u8]) -> Result<u64, ValueError> {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let Generations { number, added, new, old } = &mut *generations;
        if new.len() >= SPELLINGS_MAX {
            *number += 1;
            *old = std::mem::replace(new, Values::new(&self.key));
        }
        new.add(Secret::Credential, name, value)?;
        *added += 1;
        Ok(*number)
    }

    /// Whether what was added then is known still. Who would use it after that adds it again.
    pub fn still_knows(&self, added: u64) -> bool {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        added.saturating_add(1) >= generations.number
    }

    /// How many were added so far.
    pub(super) fn added(&self) -> u64 {
        self.generations.read().unwrap_or_else(PoisonError::into_inner).added
    }

    /// How many of a text's last bytes may be the beginning of one.
    pub(super) fn ends_in(&self, text: &[u8]) -> usize {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        generations.new.ends_in(text).max(generations.old.ends_in(text))
    }

    pub(super) fn look(&self, stretch: &Stretch<'_>, sink: &mut dyn FnMut(Outcome)) {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        for values in [&generations.new, &generations.old] {
            if !values.is_empty() {
                values.look(stretch, sink);
            }
        }
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").finish_non_exhaustive()
    }
}
