//! The agent as the registry knows it. What a caller says about itself never enters here.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An agent's name in the registry: a SPIFFE ID or any other unique word of 1 to 255 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentId(String);

impl AgentId {
    /// Takes the registry's word for it; the registry checks lengths and duplicates.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far an agent is trusted, lowest first; the order is the comparison that rules use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Nothing is known in its favour.
    #[default]
    Untrusted,
    /// Registered.
    Basic,
    /// Its build or owner was verified.
    Verified,
    /// It may do what ordinary agents may not.
    Privileged,
    /// Part of the platform itself.
    System,
}

impl Trust {
    /// The word used in bundles, config and audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Basic => "basic",
            Self::Verified => "verified",
            Self::Privileged => "privileged",
            Self::System => "system",
        }
    }
}

/// A word that names no trust level.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no trust level; use untrusted, basic, verified, privileged or system")]
pub struct TrustError(String);

impl FromStr for Trust {
    type Err = TrustError;

    fn from_str(word: &str) -> Result<Self, TrustError> {
        Ok(match word {
            "untrusted" => Self::Untrusted,
            "basic" => Self::Basic,
            "verified" => Self::Verified,
            "privileged" => Self::Privileged,
            "system" => Self::System,
            other => return Err(TrustError(other.to_owned())),
        })
    }
}

/// One entry of the registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    /// Its unique name.
    pub id: AgentId,
    /// What kind of agent it is (`coding`, `support` …), when the registry says.
    pub agent_type: Option<String>,
    /// Where it runs (`prod`, `dev` …).
    pub environment: String,
    /// How far it is trusted.
    pub trust: Trust,
    /// The roles it holds.
    pub roles: Vec<String>,
    /// Who answers for it, when the registry says.
    pub owner: Option<String>,
    /// The tools that it may use, as the registry writes them; empty where there is no list.
    pub tools: Vec<String>,
    /// How many agents stand above it: 0 for one that nobody delegated to.
    pub delegation_depth: u32,
}
