//! The record.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sink, formats};

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
    /// When the disk has it (fdatasync, shared by the calls that wait): survives a power cut.
    #[default]
    Disk,
    /// When the kernel has it: survives the gate's death, not the machine's.
    Process,
}

/// Who signs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Signer {
    /// The Ed25519 key's file (PKCS#8 PEM, mode 0600). Made at first start when missing and this
    /// setting is absent: `<spool>/signing-key.pem`, a development key.
    #[schemars(with = "Option<formats::FilePath>", extend("examples" = ["/etc/tollgate/signing-key.pem"]))]
    pub key: Option<PathBuf>,
    /// The key's id in the signer registry; made from the public key when absent.
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 255), extend("examples" = ["gate-2026"]))]
    pub kid: Option<String>,
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
