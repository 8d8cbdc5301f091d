//! How a ledger is opened.
use std::path::PathBuf;
use std::time::Duration;

use tollgate_config::settings::{Audit, Durability, Signer, Sink};

/// Bytes of one segment at most; a file that copies and greps well.
const SEGMENT_BYTES: u64 = 64 << 20;

/// How a ledger is opened.
#[derive(Clone, Debug)]
pub struct LedgerOptions {
    /// The spool's directory.
    pub spool: PathBuf,
    /// When an event counts as written.
    pub durability: Durability,
    /// How large the spool may grow before intents are refused.
    pub bytes_max: u64,
    /// How large one segment may grow.
    pub segment_bytes: u64,
    /// Who signs; a development key in the spool when nothing is said.
    pub signer: Signer,
    /// A checkpoint after this many events.
    pub checkpoint_events: u64,
    /// A checkpoint after this long, when there were events.
    pub checkpoint_every: Duration,
    /// Where events are streamed to.
    pub sinks: Vec<Sink>,
}

impl LedgerOptions {
    /// As the settings say; their paths are resolved already.
    pub fn from_settings(audit: &Audit) -> Self {
        let mut options = Self::new(audit.spool.clone());
        options.durability = audit.durability;
        options.set_bytes_max(audit.spool_bytes_max);
        options.signer = audit.signer.clone();
        options.checkpoint_events = audit.checkpoints.every_events;
        options.checkpoint_every = Duration::from_secs(audit.checkpoints.every_secs);
        options.sinks = audit.sinks.clone();
        options
    }

    /// The defaults, in this directory.
    pub fn new(spool: PathBuf) -> Self {
        Self {
            spool,
            durability: Durability::Disk,
            bytes_max: 4 << 30,
            segment_bytes: SEGMENT_BYTES,
            signer: Signer::default(),
            checkpoint_events: 1_000,
            checkpoint_every: Duration::from_secs(60),
            sinks: Vec::new(),
        }
    }

    /// Sets the cap. Segments are at most an eighth of it, so that a spool at its cap has old
    /// segments that can be released.
    pub fn set_bytes_max(&mut self, bytes: u64) {
        self.bytes_max = bytes;
        self.segment_bytes = (bytes / 8).min(SEGMENT_BYTES);
    }
}
