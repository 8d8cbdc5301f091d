//! What kind of thing was found.
use std::fmt;

use serde::{Serialize, Serializer};

use crate::detectors;

/// The class of a finding, such as `secret.github` or `pci.pan`: a family, a dot and a kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Class(&'static str);

impl Class {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The whole name.
    pub fn as_str(&self) -> &'static str {
        self.0
    }

    /// What stands before the dot: `secret`, `pci`, `gov_id`, `pii`.
    pub fn family(&self) -> &'static str {
        self.0.split_once('.').map_or(self.0, |(family, _)| family)
    }

    /// Every class that a detector can report, sorted, each once.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = detectors::classes().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}
