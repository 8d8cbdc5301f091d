//! Facts to sealed lines on the disk: the chain, the signer and the spool in one hand.
mod keeping;

use std::time::Instant;

use jiff::Timestamp;
use tollgate_audit::{Chain, Checkpoint, Digest, Draft, DraftError, EventType, Facts, Note, keys};
use tollgate_config::settings;
use uuid::{Builder, Uuid};

use super::disk::Opener;
use super::holds::Holds;
use super::recovery::{Torn, origin_of, recover};
use super::signers::Signers;
use super::signers::register::Register;
use super::spool::{Position, Spool, StoreFault};
use super::{LedgerError, LedgerOptions, LedgerRefusal, Receipt};
use crate::egress::Onward;

pub(super) use keeping::Retention;

/// Who speaks when the ledger itself does something.
pub(super) const ACTOR: &str = "tollgate";
/// What stands around an event's payload in its line, with an RSA signature.
const AROUND_BYTES: u64 = 1024;

/// The chain, the signer and the spool.
pub(super) struct Writer {
    pub(super) chain: Chain,
    pub(super) signers: Signers,
    pub(super) register: Register,
    pub(super) signer_setting: settings::Signer,
    pub(super) onward: Onward,
    /// Whether the chain still lacks the root's word for the key that signs.
    pub(super) unannounced: bool,
    pub(super) spool: Spool,
    pub(super) origin: Option<String>,
    holds: Holds,
    retention: Retention,
    bytes_max: u64,
    reserve: u64,
    unchecked: u64,
    checked_at: Instant,
    dice: Dice,
}

/// Events that are not signed and stored yet, and the chain to return to when they cannot be.
pub(super) struct Batch {
    drafts: Vec<Draft>,
    /// What their lines will be about.
    bytes: u64,
    before: Chain,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
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

/// Why facts got no place in the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DraftFault {
    /// They can never have one: a mistake in how they were put together.
    Draft(DraftError),
    /// Not now.
    Refused(LedgerRefusal),
}

impl Writer {
    /// Opens the spool and records what had to be mended and who signs.
    pub(super) fn open(options: &LedgerOptions, opener: Opener) -> Result<Self, LedgerError> {
        let mut register = Register::open(&options.spool)?;
        let recovered = recover(&options.spool, register.registry())?;
        let signers = Signers::open(
            (&options.signer, &options.onward),
            &options.spool,
            recovered.chain.last_ts(),
            &mut register,
        )?;
        let spool = Spool::open(options, opener, &recovered)?;
        let mut writer = Self {
            chain: recovered.chain,
            signers,
            register,
            signer_setting: options.signer.clone(),
            onward: options.onward.clone(),
            unannounced: false,
            spool,
            origin: recovered.origin,
            holds: Holds::open(&options.spool, &recovered.tail.holds)?,
            retention: options.retention,
            bytes_max: options.bytes_max,
            reserve: options.reserve(),
            unchecked: 0,
            checked_at: Instant::now(),
            dice: Dice::new(),
        };
        writer.keep_time();
        let unwritten = |_| LedgerError::File {
            doing: "record what changed since the last start in",
            path: options.spool.clone(),
            source: std::io::Error::other("it cannot be written or signed"),
        };
        writer.take_office(recovered.signer.as_ref())?;
        let told = writer.tell(recovered.torn);
        let told = told.and_then(|()| writer.tell_unsettled(&recovered.tail.unsettled()));
        told.map_err(unwritten)?;
        writer.reconsider(options.signer.clone())?;
        Ok(writer)
    }

    /// What the chain must say of its own last start: an end that was cut.
    fn tell(&mut self, torn: Option<Torn>) -> Result<(), StoreFault> {
        let Some(torn) = torn else { return Ok(()) };
        let facts = Facts::new(EventType::AuditReconciliation, ACTOR)
            .text(keys::REASON, keys::TORN_TAIL)
            .number("cut_bytes", torn.bytes)
            .text("cut_sha256", &torn.sha256.to_string());
        self.record(facts).map(drop)
    }

    /// A clock that was set back must not make events older than their signer.
    pub(super) fn keep_time(&mut self) {
        if let Some(deployed_at) = self.signers.deployed_at() {
            self.chain.not_before(deployed_at);
        }
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

    /// How far the record is as durable as the settings ask; `None` while the disk is behind.
    pub(super) fn durable(&self) -> Option<Position> {
        self.spool.durable()
    }

    /// Whether each batch waits for the disk.
    pub(super) fn syncs(&self) -> bool {
        self.spool.syncs()
    }

    /// How many events one batch may have.
    pub(super) fn batch_max(&self) -> usize {
        self.signers.batch_max()
    }

    pub(super) fn batch(&self) -> Batch {
        Batch { drafts: Vec::new(), bytes: 0, before: self.chain.clone() }
    }

    /// Gives facts their place in the chain, as a part of the batch.
    pub(super) fn draft(
        &mut self,
        facts: Facts,
        room: Room,
        batch: &mut Batch,
    ) -> Result<Receipt, DraftFault> {
        let before = self.chain.clone();
        let now = Timestamp::now();
        let id = self.dice.id(now).ok_or(DraftFault::Refused(LedgerRefusal::Unavailable))?;
        let draft =
            self.chain.draft(facts, id, now, self.signers.kid()).map_err(DraftFault::Draft)?;
        let line = u64::try_from(draft.canonical().len()).unwrap_or(u64::MAX);
        let bytes = batch.bytes.saturating_add(line).saturating_add(AROUND_BYTES);
        if room == Room::Capped && !self.has_room(bytes) {
            self.chain = before;
            return Err(DraftFault::Refused(LedgerRefusal::Full));
        }
        batch.bytes = bytes;
        let receipt = Receipt::of(&draft);
        batch.drafts.push(draft);
        Ok(receipt)
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

    /// Signs and stores a batch, durably when somebody `waits` for that. When it cannot be signed or finds no room, the chain is where it
    /// was before.
    pub(super) fn store(&mut self, batch: Batch, waits: bool) -> Result<(), StoreFault> {
        let (seq, head) = (batch.before.size(), batch.before.head().copied());
        let lines = self.seal(batch.drafts);
        let stored = lines.and_then(|lines| self.spool.store(&lines, seq, head, waits));
        match stored {
            Ok(()) => self.unchecked += self.chain.size() - seq,
            Err(fault) => {
                self.chain = batch.before;
                if fault == StoreFault::Full {
                    self.spool.ballast.spend();
                }
            }
        }
        stored
    }

    /// The lines of signed events.
    fn seal(&self, drafts: Vec<Draft>) -> Result<Vec<u8>, StoreFault> {
        let signatures = self.signers.sign(&drafts).map_err(|_| StoreFault::Unsigned)?;
        let mut lines = Vec::new();
        for (draft, signature) in drafts.into_iter().zip(signatures) {
            let entry = draft.close(signature).map_err(|error| {
                tracing::error!(%error, "an event cannot be sealed");
                StoreFault::Unsigned
            })?;
            lines.extend_from_slice(entry.to_line().as_bytes());
        }
        Ok(lines)
    }

    /// Records one thing at once.
    pub(super) fn record(&mut self, facts: Facts) -> Result<Receipt, StoreFault> {
        let names_chain = self.chain.size() == 0;
        let mut batch = self.batch();
        let drafted = self.draft(facts, Room::Kept, &mut batch);
        let receipt = drafted.map_err(|_| StoreFault::Failed)?;
        self.store(batch, true)?;
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
        let signature = self.signers.sign_one(&checkpoint.to_sign());
        let signed = signature.ok().and_then(|s| checkpoint.close(&s));
        let stored = match signed {
            Some(signed) => self.spool.store_checkpoint(&signed.to_line()),
            None => Err(std::io::Error::other("it cannot be signed")),
        };
        if let Err(error) = stored {
            tracing::warn!(size, %error, "a checkpoint could not be written");
        }
    }

    /// The note's text with its signature; the one place where notes are signed. A key service
    /// that signs every event itself signs none.
    fn note_text(&self, note: &Note) -> Option<String> {
        note.sign(self.signers.note_key()?).ok()
    }
}

/// Random bytes for ids, drawn for many at once.
struct Dice {
    bytes: [u8; Self::BYTES * Self::IDS],
    used: usize,
}

impl Dice {
    /// What a UUID version 7 has beside its time.
    const BYTES: usize = 10;
    const IDS: usize = 64;

    fn new() -> Self {
        Self { bytes: [0; Self::BYTES * Self::IDS], used: Self::IDS }
    }

    fn id(&mut self, now: Timestamp) -> Option<Uuid> {
        if self.used >= Self::IDS {
            aws_lc_rs::rand::fill(&mut self.bytes).ok()?;
            self.used = 0;
        }
        let (all, _) = self.bytes.as_chunks::<{ Self::BYTES }>();
        let random = all.get(self.used)?;
        self.used += 1;
        let millis = u64::try_from(now.as_millisecond()).ok()?;
        Some(Builder::from_unix_timestamp_millis(millis, random).into_uuid())
    }
}
