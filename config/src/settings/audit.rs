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
    /// What happens at the cap when nothing is left that every sink has acknowledged.
    #[serde(default)]
    pub at_cap: AtCap,
    /// How long delivered segments are kept. Events that a sink lacks or a legal hold holds stay.
    #[serde(default)]
    pub retention: Retention,
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
    /// How long a collector may take for one batch before it is given again; more than the slowest
    /// needs, since what it took late has then come twice.
    #[serde(default = "delivery_secs")]
    #[schemars(range(min = 1, max = 600))]
    pub delivery_secs: u64,
}

fn delivery_secs() -> u64 {
    30
}

fn spool_bytes_max() -> u64 {
    4 << 30
}

/// See [`Audit::durability`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// When the disk has it (fdatasync, shared by the calls that wait): survives a power cut. With
    /// many calls at once a sync waits up to two milliseconds and serves all that came. What nobody
    /// waits for, an outcome, goes with the next sync, and has one of its own after 50 ms.
    #[default]
    Disk,
    /// When the kernel has it: survives the gate's death, not the machine's.
    Process,
    /// When the gate has sealed it; it is written within 50 ms. Dangerous: a gate that dies takes
    /// the last events with it, and calls have left of which no record exists.
    Memory,
}

/// See [`Audit::at_cap`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtCap {
    /// Calls are refused with SPOOL_FULL until there is room.
    #[default]
    Refuse,
    /// The oldest events go although sinks lack them; the record says which sink misses how many.
    DangerReleaseUndelivered,
}

/// How long delivered segments are kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// A segment stays at least so long after its last event, even at the cap, so that people can
    /// look at it; 0 lets it go as soon as room is needed.
    #[schemars(range(min = 0, max = 315_360_000))]
    pub min_secs: u64,
    /// A segment that every sink has goes so long after its last event, whether room is needed or
    /// not; when absent, only the cap makes segments go. Without sinks nothing ever goes.
    #[schemars(range(min = 60, max = 315_360_000), extend("examples" = [2_592_000]))]
    pub max_secs: Option<u64>,
    /// A segment is closed so long after its first event, however small it is, so that it can go
    /// in its time.
    #[schemars(range(min = 60, max = 31_536_000))]
    pub segment_secs: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { min_secs: 0, max_secs: None, segment_secs: 86_400 }
    }
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
