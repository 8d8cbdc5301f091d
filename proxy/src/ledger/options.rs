//! How a ledger is opened.
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use tollgate_config::settings::{AtCap, Audit, Durability, Signer, Sink};

use super::writer::Retention;
use crate::egress::Onward;

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
    /// How long one segment is written to.
    pub segment_age: SignedDuration,
    /// How long delivered segments are kept.
    pub(super) retention: Retention,
    /// What happens at the cap.
    pub at_cap: AtCap,
    /// Who signs; a development key in the spool when nothing is said.
    pub signer: Signer,
    /// A checkpoint after this many events.
    pub checkpoint_events: u64,
    /// A checkpoint after this long, when there were events.
    pub checkpoint_every: Duration,
    /// Where events are streamed to.
    pub sinks: Vec<Sink>,
    /// One delivery that takes longer has failed.
    pub delivery_wait: Duration,
    /// How servers elsewhere are reached.
    pub onward: Onward,
}

impl LedgerOptions {
    /// As the settings say; their paths are resolved already.
    pub fn from_settings(audit: &Audit, onward: Onward) -> Self {
        let mut options = Self { onward, ..Self::new(audit.spool.clone()) };
        options.durability = audit.durability;
        options.set_bytes_max(audit.spool_bytes_max);
        options.at_cap = audit.at_cap;
        options.segment_age = seconds(audit.retention.segment_secs);
        options.retention.min = seconds(audit.retention.min_secs);
        options.retention.max = audit.retention.max_secs.map(seconds);
        options.signer = audit.signer.clone();
        options.checkpoint_events = audit.checkpoints.every_events;
        options.checkpoint_every = Duration::from_secs(audit.checkpoints.every_secs);
        options.sinks = audit.sinks.clone();
        options.delivery_wait = Duration::from_secs(audit.delivery_secs);
        options
    }

    /// The defaults, in this directory.
    pub fn new(spool: PathBuf) -> Self {
        Self {
            spool,
            durability: Durability::Disk,
            bytes_max: 4 << 30,
            segment_bytes: SEGMENT_BYTES,
            segment_age: SignedDuration::from_hours(24),
            retention: Retention { min: SignedDuration::ZERO, max: None },
            at_cap: AtCap::Refuse,
            signer: Signer::default(),
            checkpoint_events: 1_000,
            checkpoint_every: Duration::from_secs(60),
            sinks: Vec::new(),
            delivery_wait: Duration::from_secs(30),
            onward: Onward::default(),
        }
    }

    /// Sets the cap. Segments are at most an eighth of it, so that a spool at its cap has old
    /// segments that can be released.
    pub fn set_bytes_max(&mut self, bytes: u64) {
        self.bytes_max = bytes;
        self.segment_bytes = (bytes / 8).min(SEGMENT_BYTES);
    }

    /// Room for what must not be refused at the cap, and the ballast of a full disk.
    pub(super) fn reserve(&self) -> u64 {
        (self.bytes_max / 16).min(1 << 20)
    }
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}
