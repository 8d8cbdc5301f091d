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
/// there are too many, and had their end long before.
pub struct Fetched {
    key: [u8; 16],
    /// The generation that grows, and the one before it.
    generations: RwLock<[Values; 2]>,
}

impl Fetched {
    /// None yet. The key is random and lives as long as the process.
    pub fn new(key: [u8; 16]) -> Self {
        Self { key, generations: RwLock::new([Values::new(&key), Values::new(&key)]) }
    }

    /// Knows one more from now on.
    pub fn add(&self, name: Name, value: &[u8]) -> Result<(), ValueError> {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let [new, old] = &mut *generations;
        if new.len() >= SPELLINGS_MAX {
            *old = std::mem::replace(new, Values::new(&self.key));
        }
        new.add(Secret::Credential, name, value)
    }

    pub(super) fn look(&self, stretch: &Stretch<'_>, sink: &mut dyn FnMut(Outcome)) {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        for values in generations.iter().filter(|values| !values.is_empty()) {
            values.look(stretch, sink);
        }
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").finish_non_exhaustive()
    }
}
