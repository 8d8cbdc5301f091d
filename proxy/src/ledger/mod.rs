//! The record: events appended to a spool, durable before the call leaves, streamed to sinks.
//!
//! One thread owns the chain, the key and the files. Callers hand it [`Facts`] through
//! a bounded queue and get a [`Receipt`] back when the event is as durable as the settings ask;
//! all who wait share one write and one sync. What cannot be written is refused with a code, and
//! the chain has no gap when it can be written again.
//!
//! ```text
//! <spool>/lock                        one gate a directory
//! <spool>/signing-key.pem             the development key, mode 0600
//! <spool>/signers.json                the registry that verifies the spool
//! <spool>/events-000000000001.jsonl   the chain, one event a line, in segments
//! <spool>/events-000000000001.seal    what a closed segment's bytes were
//! <spool>/checkpoints.jsonl           signed sizes and heads
//! <spool>/checkpoint, notes.txt       the last signed note with size and root, and all of them
//! <spool>/holds.json                  the legal holds in force
//! <spool>/ballast                     room for the last words on a full disk
//! <spool>/cursor-<sink>.json          how far a sink has acknowledged
//! <spool>/dead-<sink>.jsonl           events that its collector refused for good
//! <spool>/archive-holds-<sink>.json   which legal holds its archive has
//! ```
mod archive;
mod aws;
mod ballast;
mod disk;
mod error;
mod files;
mod health;
mod holds;
mod lines;
mod notes;
mod office;
mod options;
mod owner;
mod peer;
pub(crate) mod postgres;
mod queue;
mod recovery;
mod seal;
mod secret;
mod segment;
pub(crate) mod signers;
mod sinks;
mod spool;
mod tail;
#[cfg(test)]
mod tests;
pub(crate) mod tls;
mod writer;

use std::fs::File;
use std::sync::Arc;

use parking_lot::Mutex;
use tollgate_audit::{Digest, Draft, Facts};
use tollgate_config::settings;
use uuid::Uuid;

pub(crate) use archive::span;
pub(crate) use aws::{
    Bucket, Object, Place as StorePlace, S3Error, Signer, Source as AwsKeys, sign,
};
pub use error::{LedgerError, LedgerRefusal};
pub(crate) use files::{holder, replace as replace_file, replace_public};
pub use health::{ArchiveHolds, LedgerHealth, SinkHealth};
pub use holds::{Bound, Hold, HoldChange, HoldFault};
pub use notes::read_notes;
pub use options::LedgerOptions;
pub use recovery::{compare_seals, tree_before};

use disk::Opener;
use owner::Owner;
use queue::Queue;
use sinks::Sinks;

/// The ledger. Clones are cheap and are the same ledger.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    sinks: Sinks,
    lock: Mutex<Option<Arc<File>>>,
}

impl Drop for Inner {
    /// Nobody can append any more, so the owner writes what waits and ends.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Proof that an event is in the record. Only the ledger makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    id: Uuid,
    seq: u64,
    hash: Digest,
}

impl Receipt {
    fn of(draft: &Draft) -> Self {
        Self { id: draft.id(), seq: draft.seq(), hash: *draft.hash() }
    }

    /// The event's id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The event's number.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The event's hash.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }
}

impl Ledger {
    /// Takes the spool, mends a torn end and starts the owner's thread and the sinks' tasks.
    ///
    /// The sinks run on the runtime that this is called on; it must live until [`Ledger::stop`].
    pub async fn open(options: LedgerOptions) -> Result<Self, LedgerError> {
        Self::open_on(options, disk::real()).await
    }

    async fn open_on(options: LedgerOptions, opener: Opener) -> Result<Self, LedgerError> {
        let opened = tokio::task::spawn_blocking(move || -> Result<_, LedgerError> {
            let lock = owner::take_directory(&options)?;
            let sinks = sinks::set_up(&options)?;
            let counters = sinks.iter().map(sinks::Sink::counters).collect();
            let queue = Arc::new(Queue::new(options.bytes_max, counters));
            let owner = Owner::open(&options, opener, Arc::clone(&queue), Arc::clone(&lock))?;
            Ok((owner, sinks, queue, lock))
        });
        let (owner, sinks, queue, lock) = opened.await.map_err(|_| LedgerError::Thread)??;
        let sinks = Sinks::start(sinks, &owner.position(), &queue.holds.subscribe());
        owner.start()?;
        let lock = Mutex::new(Some(lock));
        Ok(Self { inner: Arc::new(Inner { queue, sinks, lock }) })
    }

    /// Records facts, and returns when they are as durable as the settings ask.
    ///
    /// When the caller goes away while it waits, the event is recorded all the same.
    pub async fn append(&self, facts: Facts) -> Result<Receipt, LedgerRefusal> {
        self.inner.queue.append(facts).await
    }

    /// Records facts without waiting: an outcome, whose call has already left.
    ///
    /// The queue takes every note, so none is lost while the disk works. When more than a few
    /// thousand wait, it is intents that are refused, and with them the calls that would make more.
    pub fn note(&self, facts: Facts) {
        self.inner.queue.note(facts);
    }

    /// Looks again who signs: another signer in the settings, a key that `keys rotate` made, a
    /// revocation that was asked for. The one that signs goes on when this fails.
    pub async fn reconsider(&self, setting: settings::Signer) -> Result<(), LedgerError> {
        self.inner.queue.reconsider(setting).await
    }

    /// Sets or clears a legal hold; the event and the change are on the disk when this returns.
    /// Says whether anything changed: to ask twice is to ask once.
    pub async fn change_hold(&self, change: HoldChange) -> Result<bool, HoldFault> {
        self.inner.queue.change_hold(change).await
    }

    /// The legal holds in force.
    pub fn holds(&self) -> Arc<[Hold]> {
        Arc::clone(&self.inner.queue.holds.borrow())
    }

    /// Writes what waits and a closing checkpoint, and gives the sinks a few seconds to take it.
    /// Later appends are refused, through every clone.
    pub async fn stop(self) -> Result<(), LedgerError> {
        let ended = self.inner.queue.stop().await;
        self.inner.sinks.finish().await;
        // The sinks wrote cursors until now; from here on another gate may have the directory.
        self.inner.lock.lock().take();
        ended
    }

    /// How the ledger is.
    pub fn health(&self) -> LedgerHealth {
        self.inner.queue.health()
    }
}
