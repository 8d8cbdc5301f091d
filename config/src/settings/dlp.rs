//! What is looked for, and what is done about it.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Known, formats};

/// Inspection, both ways.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dlp {
    /// The least certain finding that is acted on.
    pub minimum_grade: MinimumGrade,
    /// What is done about a finding: the first rule that fits. A finding that no rule fits is
    /// redacted. The default blocks private keys, canaries and the gate's own secrets on the way
    /// out, tells of what speaks to the model (`content.*`), and redacts the rest.
    #[schemars(length(max = 256))]
    pub rules: Vec<DlpRule>,
    /// What is known and looked for: records, documents, canaries, the gate's own secrets.
    pub known: Known,
}

impl Default for Dlp {
    fn default() -> Self {
        Self {
            minimum_grade: MinimumGrade::default(),
            rules: vec![
                DlpRule {
                    classes: vec![
                        "secret.private_key".to_owned(),
                        "known.canary".to_owned(),
                        "known.own_secret".to_owned(),
                    ],
                    direction: Some(Direction::Request),
                    action: DlpAction::Block,
                },
                DlpRule {
                    classes: vec!["content.*".to_owned()],
                    direction: None,
                    action: DlpAction::Alert,
                },
            ],
            known: Known::default(),
        }
    }
}

/// See [`Dlp::minimum_grade`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MinimumGrade {
    /// Checksum or unmistakable structure.
    Certain,
    /// Very probably what it looks like.
    #[default]
    Likely,
    /// It may be.
    Possible,
}

/// What is done about findings of some classes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DlpRule {
    /// Classes by name (`secret.github`, `pci.pan`) or family (`secret.*`, `*`).
    #[schemars(with = "Vec<formats::DlpClass>", length(min = 1, max = 256))]
    pub classes: Vec<String>,
    /// Only this way: `request` from the agent, or `answer` to it; both when absent.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// What to do.
    pub action: DlpAction,
}

/// Which way a body travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the agent to the upstream.
    Request,
    /// Back to the agent.
    Answer,
}

/// See [`DlpRule::action`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DlpAction {
    /// Record nothing, change nothing.
    Allow,
    /// Record it, change nothing.
    Alert,
    /// Put a typed tag in its place.
    Redact,
    /// Refuse the call, or cut the answer.
    Block,
}
