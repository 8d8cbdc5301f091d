//! How the ledger is: for `/ready` and for metrics.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::holds::Hold;

/// How the ledger is, at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerHealth {
    /// Whether an intent would be recorded now, as far as is known.
    pub writable: bool,
    /// Whether the disk failed: only a restart helps.
    pub failed: bool,
    /// Whether the last intent found the spool at its cap or the disk full.
    pub full: bool,
    /// Whether the last event found nobody to sign it.
    pub unsigned: bool,
    /// When the session key's time is over, in seconds since 1970; none without one.
    pub signer_until: Option<u64>,
    /// Bytes of all segments.
    pub spool_bytes: u64,
    /// The cap.
    pub spool_bytes_max: u64,
    /// How many events the chain has.
    pub size: u64,
    /// How many events wait to be written.
    pub queued: u64,
    /// Events written since the start.
    pub written: u64,
    /// Intents refused since the start.
    pub refused: u64,
    /// Outcomes that could not be recorded since the start; more than 0 is an alarm.
    pub lost: u64,
    /// Writes to the disk since the start; one serves many events.
    pub commits: u64,
    /// Each sink.
    pub sinks: Vec<SinkHealth>,
}

/// How one sink is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SinkHealth {
    /// Its name.
    pub name: String,
    /// Events that it has acknowledged, from the chain's beginning.
    pub acknowledged: u64,
    /// Events that it has not.
    pub lag: u64,
    /// Deliveries that failed since the start.
    pub failures: u64,
    /// Events that it refused for good; they are in `dead-<sink>.jsonl`.
    pub dead: u64,
    /// Events that were deleted at the cap before it had them.
    pub missed: u64,
    /// The legal holds in its archive; none where the sink has no holds of its own.
    pub holds: Option<ArchiveHolds>,
}

/// How the legal holds in an archive are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveHolds {
    /// Whether the archive does not yet have those that are in force.
    pub pending: bool,
    /// How often they could not be set or cleared since the start.
    pub failures: u64,
}

/// What the owner counts.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) failed: AtomicBool,
    pub(super) full: AtomicBool,
    pub(super) unsigned: AtomicBool,
    /// 0 without a session key.
    pub(super) signer_until: AtomicU64,
    pub(super) spool_bytes: AtomicU64,
    pub(super) size: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) commits: AtomicU64,
}

/// What a sink counts.
#[derive(Default)]
pub(super) struct SinkCounters {
    pub(super) name: String,
    pub(super) acknowledged: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) dead: AtomicU64,
    pub(super) missed: AtomicU64,
    /// Whether its store has holds of its own.
    pub(super) keeps_holds: AtomicBool,
    /// Those that it has; none before the first look.
    pub(super) holds: Mutex<Option<Arc<[Hold]>>>,
    pub(super) hold_failures: AtomicU64,
}

impl SinkCounters {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(super) fn health(&self, size: u64, holds: &Arc<[Hold]>) -> SinkHealth {
        let acknowledged = self.acknowledged.load(Ordering::Relaxed);
        SinkHealth {
            name: self.name.clone(),
            acknowledged,
            lag: size.saturating_sub(acknowledged),
            failures: self.failures.load(Ordering::Relaxed),
            dead: self.dead.load(Ordering::Relaxed),
            missed: self.missed.load(Ordering::Relaxed),
            holds: self.keeps_holds.load(Ordering::Relaxed).then(|| self.archive_holds(holds)),
        }
    }

    fn archive_holds(&self, in_force: &Arc<[Hold]>) -> ArchiveHolds {
        let has = self.holds.lock();
        let pending = has.as_ref().is_none_or(|has| !Arc::ptr_eq(has, in_force));
        ArchiveHolds { pending, failures: self.hold_failures.load(Ordering::Relaxed) }
    }
}
