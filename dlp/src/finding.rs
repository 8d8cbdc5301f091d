//! Findings: where something stands and what it is, never the thing itself.
use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::class::Class;
use crate::coding::Codings;
use crate::name::Name;

/// Something found in a text or a JSON document.
///
/// It holds places and names only: the matched text is in no field, so that a finding can be
/// logged, recorded and shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The detector's name, stable: `github-token`.
    pub detector: Name,
    /// What it is.
    pub class: Class,
    /// How sure the detector is.
    pub grade: Grade,
    /// In which string.
    pub place: Place,
    /// How it was written there, from the outside in; empty when it stood in the open.
    pub via: Codings,
    /// The first byte, counted within that string.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// How sure a detector is. Ordered: `Possible < Likely < Certain`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// It may be; too weak to act on unless asked for.
    Possible,
    /// Very probably what it looks like.
    Likely,
    /// Checksum or unmistakable structure.
    Certain,
}

impl Grade {
    /// The name in records: `likely`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// The string that a finding stands in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A plain text; offsets count from its beginning.
    Text,
    /// The value at this JSON pointer (RFC 6901). Names that hold findings themselves are shown
    /// redacted.
    Value(String),
    /// The name of the member at this JSON pointer.
    Key(String),
}

/// Which way a body travels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// From the agent to the upstream.
    Request,
    /// Back to the agent.
    Answer,
}

/// What is done about a finding. Ordered by severity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Record nothing, change nothing.
    Allow,
    /// Record it, change nothing.
    Alert,
    /// Put a typed tag in its place.
    Redact,
    /// Refuse the call, or cut the answer. The text is redacted as well, so that what is left of
    /// it may be kept.
    Block,
}

impl Action {
    /// The name in records: `redact`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Alert => "alert",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }

    /// Whether the text is changed.
    pub(crate) fn edits(self) -> bool {
        self >= Self::Redact
    }
}

/// A finding and what was done about it; never [`Action::Allow`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acted {
    /// What was found.
    pub finding: Finding,
    /// What was done.
    pub action: Action,
}

/// A text after redaction. Borrowed from the input when nothing had to change.
pub struct Redaction<'t> {
    /// The text with tags in it.
    pub text: Cow<'t, str>,
    /// What was acted on, in order.
    pub acted: Vec<Acted>,
}

impl fmt::Debug for Redaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("bytes", &self.text.len())
            .field("acted", &self.acted)
            .finish_non_exhaustive()
    }
}
