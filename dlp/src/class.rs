//! What kind of thing was found.
use std::fmt;

use serde::{Serialize, Serializer};

use crate::detectors;
use crate::name::Name;

/// The class of a finding, such as `secret.github` or `pci.pan`: a family, a dot and a kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Class(Name);

impl Class {
    /// The whole name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What stands before the dot: `secret`, `pci`, `gov_id`, `contact`.
    pub fn family(&self) -> &str {
        family(self.as_str())
    }

    /// Every class that a built-in detector can report, sorted, each once.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = detectors::classes().map(Self::from).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What stands before the dot of a class.
pub(crate) fn family(class: &str) -> &str {
    class.split_once('.').map_or(class, |(family, _)| family)
}

impl<T: Into<Name>> From<T> for Class {
    fn from(name: T) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
