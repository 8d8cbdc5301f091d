//! Facts to sealed lines on the disk: the chain, the key and the spool in one hand.
mod keeping;

use std::time::Instant;

use jiff::Timestamp;
use tollgate_audit::{
    Chain, Checkpoint, Digest, DraftError, Entry, EventType, Facts, Kid, LocalKey, Note, keys,
};
use uuid::{Builder, Uuid};

use super::disk::Opener;
use super::holds::Holds;
use super::recovery::{Torn, origin_of, recover};
use super::spool::{Position, Spool, StoreFault};
use super::{LedgerError, LedgerOptions, LedgerRefusal, Receipt, key};

pub(super) use keeping::Retention;

/// Who speaks when the ledger itself does something.
const ACTOR: &str = "tollgate";

/// The chain, the key and the spool.
pub(super) struct Writer {
    chain: Chain,
    key: LocalKey,
    spool: Spool,
    origin: Option<String>,
    holds: Holds,
    retention: Retention,
    bytes_max: u64,
    reserve: u64,
    unchecked: u64,
    checked_at: Instant,
}

/// Sealed lines that are not stored yet, and the chain to return to when they cannot be.
pub(super) struct Batch {
    lines: Vec<u8>,
    before: Chain,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Whether facts may use the room that is kept for what must not be refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Room {
    /// An intent: refused at the cap.
    Capped,
    /// An outcome, or the ledger's own word. There are no more of them than intents that got in.
    Kept,
}

/// Why facts were not sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SealFault {
    /// They can never be: a mistake in how they were put together.
    Draft(DraftError),
    /// Not now.
    Refused(LedgerRefusal),
}

impl Writer {
    /// Opens the spool and records what had to be mended.
    pub(super) fn open(options: &LedgerOptions, opener: Opener) -> Result<Self, LedgerError> {
        let signing = key::open(options)?;
        let recovered = recover(&options.spool, &signing.registry)?;
        let spool = Spool::open(options, opener, &recovered)?;
        let mut chain = recovered.chain;
        if let Some(deployed_at) = signing.deployed_at {
            // A clock that was set back must not make events older than their signer.
            chain.not_before(deployed_at);
        }
        let mut writer = Self {
            chain,
            key: signing.key,
            spool,
            origin: recovered.origin,
            holds: Holds::open(&options.spool, &recovered.tail.holds)?,
            retention: options.retention,
            bytes_max: options.bytes_max,
            reserve: options.reserve(),
            unchecked: 0,
            checked_at: Instant::now(),
        };
        let told = writer.tell(recovered.torn, recovered.signer);
        let told = told.and_then(|()| writer.tell_unsettled(&recovered.tail.unsettled()));
        told.map(|()| writer).map_err(|_| LedgerError::File {
            doing: "record what changed since the last start in",
            path: options.spool.clone(),
            source: std::io::Error::other("it cannot be written"),
        })
    }

    /// What the chain must say of its own last start and this one: an end that was cut, and
    /// another key. The new key signs both; the registry has the old one beside it.
    fn tell(&mut self, torn: Option<Torn>, signer: Option<Kid>) -> Result<(), StoreFault> {
        if let Some(torn) = torn {
            let facts = Facts::new(EventType::AuditReconciliation, ACTOR)
                .text(keys::REASON, keys::TORN_TAIL)
                .number("cut_bytes", torn.bytes)
                .text("cut_sha256", &torn.sha256.to_string());
            self.record(facts)?;
        }
        if let Some(before) = signer.filter(|before| before != self.key.kid()) {
            let facts = Facts::new(EventType::SignerRotationApplied, ACTOR)
                .text("old_signer_kid", before.as_str())
                .text("new_signer_kid", self.key.kid().as_str());
            self.record(facts)?;
        }
        Ok(())
    }

    pub(super) fn size(&self) -> u64 {
        self.chain.size()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.spool.bytes()
    }

    pub(super) fn position(&self) -> Position {
        self.spool.position()
    }

    pub(super) fn batch(&self) -> Batch {
        Batch { lines: Vec::new(), before: self.chain.clone() }
    }

    /// Seals facts into the batch.
    pub(super) fn seal(
        &mut self,
        facts: Facts,
        room: Room,
        batch: &mut Batch,
    ) -> Result<Receipt, SealFault> {
        let before = self.chain.clone();
        let sealed = self.seal_entry(facts).and_then(|entry| {
            let line = entry.to_line();
            let bytes = u64::try_from(batch.lines.len() + line.len()).unwrap_or(u64::MAX);
            if room == Room::Capped && !self.has_room(bytes) {
                return Err(SealFault::Refused(LedgerRefusal::Full));
            }
            batch.lines.extend_from_slice(line.as_bytes());
            Ok(Receipt::of(&entry))
        });
        if sealed.is_err() {
            self.chain = before;
        }
        sealed
    }

    fn seal_entry(&mut self, facts: Facts) -> Result<Entry, SealFault> {
        let signer = SealFault::Refused(LedgerRefusal::Signer);
        let now = Timestamp::now();
        let id = fresh_id(now).ok_or(SealFault::Refused(LedgerRefusal::Unavailable))?;
        let draft = self.chain.draft(facts, id, now, self.key.kid()).map_err(SealFault::Draft)?;
        let signature = self.key.sign(draft.hash()).map_err(|_| signer)?;
        draft.close(signature).map_err(|_| signer)
    }

    /// Whether there is room for so many more bytes, less what is kept: under the cap, and on a
    /// disk that was not found full.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.is_below_cap(bytes) && !self.spool.ballast.is_spent()
    }

    /// Whether so many more bytes stay under the cap, less what is kept.
    pub(super) fn is_below_cap(&self, bytes: u64) -> bool {
        self.bytes().saturating_add(bytes) <= self.bytes_max.saturating_sub(self.reserve)
    }

    /// What is kept for outcomes and the ledger's own word.
    pub(super) fn reserve(&self) -> u64 {
        self.reserve
    }

    pub(super) fn disk_has_room(&self) -> bool {
        self.spool.disk_has_room(self.reserve)
    }

    /// Stores a batch. When it finds no room, the chain is where it was before.
    pub(super) fn store(&mut self, batch: Batch) -> Result<(), StoreFault> {
        let (seq, head) = (batch.before.size(), batch.before.head().copied());
        match self.spool.store(&batch.lines, seq, head) {
            Ok(()) => {
                self.unchecked += self.chain.size() - seq;
                Ok(())
            }
            Err(fault) => {
                self.chain = batch.before;
                if fault == StoreFault::Full {
                    self.spool.ballast.spend();
                }
                Err(fault)
            }
        }
    }

    /// Records one thing at once.
    fn record(&mut self, facts: Facts) -> Result<Receipt, StoreFault> {
        let names_chain = self.chain.size() == 0;
        let mut batch = self.batch();
        let sealed = self.seal(facts, Room::Kept, &mut batch);
        let receipt = sealed.map_err(|_| StoreFault::Failed)?;
        self.store(batch)?;
        if names_chain {
            self.name_chain(&receipt);
        }
        Ok(receipt)
    }

    /// Remembers the first event's id, which names the chain.
    pub(super) fn name_chain(&mut self, first: &Receipt) {
        if first.seq() == 0 {
            self.origin = Some(origin_of(&first.id().to_string()));
        }
    }

    /// Events since the last checkpoint, and when that was.
    pub(super) fn unchecked(&self) -> (u64, Instant) {
        (self.unchecked, self.checked_at)
    }

    /// Records a checkpoint as an event, then signs the chain's size and head with that event in
    /// it. Both are on the disk when this returns.
    pub(super) fn checkpoint(&mut self) -> Result<(), StoreFault> {
        let (Some(origin), Some(head)) = (self.origin.clone(), self.chain.head().copied()) else {
            return Ok(());
        };
        // The tree knows what is written, and the files must be those that were written.
        self.spool.flush()?;
        self.spool.inspect()?;
        let root = self.spool.tree().map(|tree| tree.root().to_string());
        let facts = Facts::new(EventType::AuditCheckpoint, ACTOR)
            .text(keys::ORIGIN, &origin)
            .number(keys::SIZE, self.chain.size())
            .text(keys::HEAD_HASH, &head.to_string())
            .maybe_text(keys::ROOT, root.as_deref());
        let receipt = self.record(facts)?;
        self.spool.sync()?;
        self.unchecked = 0;
        self.checked_at = Instant::now();
        self.sign_note(&origin);
        self.sign_checkpoint(origin, *receipt.hash());
        Ok(())
    }

    /// The event says the same and is signed as well, so a line that cannot be written now is a
    /// warning; the next one covers it.
    fn sign_checkpoint(&mut self, origin: String, head_hash: Digest) {
        let size = self.chain.size();
        let checkpoint = Checkpoint { origin, size, head_hash, ts: self.chain.last_ts() };
        let signed = self.key.sign(&checkpoint.hash()).ok().and_then(|s| checkpoint.close(&s));
        let stored = match signed {
            Some(signed) => self.spool.store_checkpoint(&signed.to_line()),
            None => Err(std::io::Error::other("it cannot be signed")),
        };
        if let Err(error) = stored {
            tracing::warn!(size, %error, "a checkpoint could not be written");
        }
    }

    /// The note's text with its signature; the one place where notes are signed.
    fn note_text(&self, note: &Note) -> Option<String> {
        note.sign(&self.key).ok()
    }
}

fn fresh_id(now: Timestamp) -> Option<Uuid> {
    let mut random = [0; 10];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    let millis = u64::try_from(now.as_millisecond()).ok()?;
    Some(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}
