//! What the rulebook said.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Code;

/// A rule's id, unique within its bundle.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(String);

impl RuleId {
    /// The loader checks uniqueness.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rule's outcome as the bundle writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// It may happen.
    Allow,
    /// It may not.
    Deny,
    /// An approver must say yes.
    RequireApproval,
    /// A person must do it.
    RequireHuman,
    /// A ticket must be named.
    RequireTicket,
    /// The agent must prove more.
    StepUp,
}

impl Outcome {
    /// The bundle's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Deny => "DENY",
            Self::RequireApproval => "REQUIRE_APPROVAL",
            Self::RequireHuman => "REQUIRE_HUMAN",
            Self::RequireTicket => "REQUIRE_TICKET",
            Self::StepUp => "STEP_UP",
        }
    }
}

/// What the gate must do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Go on.
    Allow,
    /// Refuse.
    Deny,
    /// Wait for an approval, or refuse when there is no way to get one.
    Hold,
}

impl Effect {
    /// The word used in audit and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Hold => "hold",
        }
    }
}

/// One reason, with a stable code and a sentence. Never contains anything the agent sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reason {
    /// A rule's id, `DEFAULT_<OUTCOME>`, or a [`Code`]'s word.
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// What an allowed call still owes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// A rule that only observes would have decided otherwise; say so in the record.
    Observed,
}

/// The rulebook's answer. Total: there is always one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruling {
    /// What the gate must do.
    pub effect: Effect,
    /// The outcome as the bundle wrote it.
    pub outcome: Outcome,
    /// The leading refusal code; `None` when the effect is `Allow`.
    pub code: Option<Code>,
    /// The rule that matched; `None` for the default.
    pub rule: Option<RuleId>,
    /// Why, most important first; never empty.
    pub reasons: Vec<Reason>,
    /// What is owed on the way.
    pub duties: Vec<Duty>,
}
