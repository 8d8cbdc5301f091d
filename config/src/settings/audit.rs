//! The record.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Signer, Sink, formats};

/// The record: where it is spooled, who signs it, where it goes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The spool's directory; made with mode 0700 when missing. One gate a directory.
    #[schemars(with = "formats::FilePath", extend("examples" = ["/var/lib/tollgate/spool"]))]
    pub spool: PathBuf,
    /// When an intent counts as written.
    #[serde(default)]
    pub durability: Durability,
    /// How large the spool may grow; beyond it calls are refused with SPOOL_FULL.
    #[serde(default = "spool_bytes_max")]
    #[schemars(range(min = 65_536, max = 1_099_511_627_776_u64))]
    pub spool_bytes_max: u64,
    /// Who signs.
    #[serde(default)]
    pub signer: Signer,
    /// When a signed checkpoint is written.
    #[serde(default)]
    pub checkpoints: Checkpoints,
    /// Where events are streamed to, besides the spool.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub sinks: Vec<Sink>,
}

fn spool_bytes_max() -> u64 {
    4 << 30
}

/// See [`Audit::durability`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// When the disk has it (fdatasync, shared by the calls that wait): survives a power cut.
    #[default]
    Disk,
    /// When the kernel has it: survives the gate's death, not the machine's.
    Process,
}

/// When a signed checkpoint is written; also always at stop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoints {
    /// After this many events.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub every_events: u64,
    /// After this many seconds, when there were events.
    #[schemars(range(min = 1, max = 86_400))]
    pub every_secs: u64,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { every_events: 1_000, every_secs: 60 }
    }
}
