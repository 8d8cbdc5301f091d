//! The segments on the disk.
mod behind;
mod buffer;
mod close;

use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tollgate_audit::{Digest, Frontier};
use tollgate_config::settings::Durability;

use super::ballast::Ballast;
use super::disk::{self, Disk, Identity, Opener};
use super::files::sync_parent;
use super::notes::Notes;
use super::recovery::{Recovered, forget_seals};
use super::seal::{Seal, Tally};
use super::segment::Segment;
pub(super) use super::segment::segment_path;
use super::{LedgerError, LedgerOptions};
use behind::Behind;
use buffer::Buffer;

/// Where signed checkpoints stand.
pub(super) const CHECKPOINTS_FILE: &str = "checkpoints.jsonl";

/// How far the spool is durable; sinks read no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub(super) ordinal: u64,
    pub(super) bytes: u64,
}

/// Why bytes were not stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StoreFault {
    /// No room now; nothing of it is in the file.
    Full,
    /// What the file holds is not known any more.
    Failed,
    /// No signature now; nothing was written.
    Unsigned,
}

/// The segments and the one that is written.
pub(super) struct Spool {
    dir: PathBuf,
    opener: Opener,
    segments: Vec<Segment>,
    current: Box<dyn Disk>,
    /// Which file the lines go to: its name must lead to it.
    identity: Identity,
    /// The count of what is in that file, and the tree of the whole chain.
    tally: Tally,
    /// Seals that could not be written yet.
    unsealed: Vec<Seal>,
    /// Lines that only this process has.
    buffer: Buffer,
    /// Lines that the disk may lack.
    behind: Behind,
    durability: Durability,
    segment_bytes: u64,
    segment_age: SignedDuration,
    checkpoints: Box<dyn Disk>,
    checkpoints_bytes: u64,
    pub(super) notes: Notes,
    pub(super) ballast: Ballast,
}

impl Spool {
    pub(super) fn open(
        options: &LedgerOptions,
        opener: Opener,
        recovered: &Recovered,
    ) -> Result<Self, LedgerError> {
        let dir = options.spool.clone();
        let ordinal = recovered.segments.last().map_or(1, |segment| segment.ordinal);
        let path = segment_path(&dir, ordinal);
        let fault = |e| LedgerError::file("open", &path, e);
        let current = opener(&path).map_err(fault)?;
        let identity = current.identity().map_err(fault)?;
        let path = dir.join(CHECKPOINTS_FILE);
        let open = || {
            let file = disk::open(&path)?;
            let bytes = file.metadata()?.len();
            Ok((Box::new(file), bytes))
        };
        let (checkpoints, checkpoints_bytes) =
            open().map_err(|e: io::Error| LedgerError::file("open", &path, e))?;
        let notes = Notes::open(&dir)?;
        sync_parent(&path)?;
        forget_seals(&dir, recovered.segments.first().map_or(1, |segment| segment.ordinal));
        if recovered.tally.tree().is_none() {
            tracing::warn!(
                "events were released by a gate that kept no tree, so none is known and no notes \
                 are signed for this chain"
            );
        }
        let ballast = Ballast::open(&dir, options.reserve());
        Ok(Self {
            dir,
            opener,
            segments: recovered.segments.clone(),
            current,
            identity,
            tally: recovered.tally.clone(),
            unsealed: Vec::new(),
            buffer: Buffer::default(),
            behind: Behind::default(),
            durability: options.durability,
            segment_bytes: options.segment_bytes.max(1),
            segment_age: options.segment_age,
            checkpoints,
            checkpoints_bytes,
            notes,
            ballast,
        })
    }

    /// Whether each batch waits for the disk.
    pub(super) fn syncs(&self) -> bool {
        self.durability == Durability::Disk
    }

    /// Its directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes of all segments, with those that are still to be written.
    pub(super) fn bytes(&self) -> u64 {
        let written: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        written.saturating_add(self.buffer.bytes())
    }

    pub(super) fn position(&self) -> Position {
        let last = self.segments.last();
        Position {
            ordinal: last.map_or(1, |segment| segment.ordinal),
            bytes: last.map_or(0, |segment| segment.bytes),
        }
    }

    /// The tree of all events that were written; none when the chain's beginning is gone and no
    /// seal kept its tree.
    pub(super) fn tree(&self) -> Option<&Frontier> {
        self.tally.tree()
    }

    /// Stores lines, as durably as the settings ask, when somebody `waits` for that. `first_seq` and `prev_hash` are of the first
    /// of them, and of the segment that would begin with them, should a new one be due.
    pub(super) fn store(
        &mut self,
        lines: &[u8],
        first_seq: u64,
        prev_hash: Option<Digest>,
        waits: bool,
    ) -> Result<(), StoreFault> {
        if self.durability == Durability::Memory {
            return self.remember(lines, first_seq, prev_hash);
        }
        self.make_place(lines, first_seq, prev_hash)?;
        self.write(lines)?;
        match (self.syncs(), waits) {
            (true, true) => self.sync_file()?,
            (true, false) => self.behind.add(lines),
            (false, _) => {}
        }
        Ok(())
    }

    /// Begins a new segment when this one is too large for more, or too old.
    fn make_place(
        &mut self,
        lines: &[u8],
        first_seq: u64,
        prev_hash: Option<Digest>,
    ) -> Result<(), StoreFault> {
        let more = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let now = self.position().bytes;
        if now > 0 && (now.saturating_add(more) > self.segment_bytes || self.is_old()) {
            self.rotate(first_seq, prev_hash)?;
        }
        Ok(())
    }

    /// Whether the newest segment has events and is as old as one may become.
    pub(super) fn is_old(&self) -> bool {
        let began = self.segments.last().and_then(|segment| segment.first_ts);
        began.is_some_and(|began| Timestamp::now().duration_since(began) >= self.segment_age)
    }

    /// Appends lines to the newest segment.
    fn write(&mut self, lines: &[u8]) -> Result<(), StoreFault> {
        let before = self.position().bytes;
        if let Err(error) = self.current.append(lines) {
            return Err(self.take_back(before, &error));
        }
        // Asked after the write, so that a name lost in between is noticed as well: what is
        // written to a file that nobody finds is written nowhere. And a disk that says that it
        // took all and did not is found out before anybody relies on it.
        let more = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.is_in_place(before.saturating_add(more))?;
        self.tally.add(lines);
        if let Some(segment) = self.segments.last_mut() {
            segment.bytes += u64::try_from(lines.len()).unwrap_or(0);
            if segment.first_ts.is_none() {
                segment.first_ts = close::first_ts(lines);
            }
        }
        Ok(())
    }

    /// Whether the newest segment's name still leads to the file that is written, and whether that
    /// has as many bytes as were written to it.
    fn is_in_place(&self, bytes: u64) -> Result<(), StoreFault> {
        let path = segment_path(&self.dir, self.position().ordinal);
        let there = std::fs::symlink_metadata(&path).ok();
        let there = there.filter(|facts| Identity::of(facts) == self.identity);
        let path = path.display();
        match there.map(|facts| facts.len()) {
            Some(length) if length == bytes => return Ok(()),
            Some(length) => tracing::error!(
                %path, length, bytes,
                "the record cannot be written: its segment has not the bytes that were written"
            ),
            None => tracing::error!(
                %path,
                "the record cannot be written: its segment was deleted, renamed or replaced"
            ),
        }
        Err(StoreFault::Failed)
    }

    /// Syncs whatever the settings say, with what only this process had.
    pub(super) fn sync(&mut self) -> Result<(), StoreFault> {
        self.flush()?;
        self.sync_file()
    }

    /// After a failed sync nobody knows what the disk has (Linux drops the pages and reports the
    /// error once), so it is never tried again.
    fn sync_file(&mut self) -> Result<(), StoreFault> {
        if let Err(error) = self.current.sync() {
            tracing::error!(%error, "the record cannot be synced");
            self.behind.give_up();
            return Err(StoreFault::Failed);
        }
        self.behind = Behind::default();
        Ok(())
    }

    /// A write that found no room has perhaps left a part of a line; without it the chain stands
    /// as before, and can go on when there is room.
    fn take_back(&mut self, before: u64, error: &io::Error) -> StoreFault {
        if disk::is_full(error) && self.current.truncate(before).is_ok() {
            return StoreFault::Full;
        }
        tracing::error!(%error, "the record cannot be written");
        StoreFault::Failed
    }

    /// Whether a signed checkpoint stands beside the segments.
    pub(super) fn has_checkpoint(&self) -> bool {
        self.checkpoints_bytes > 0
    }

    /// Stores a signed checkpoint's line, on the disk.
    pub(super) fn store_checkpoint(&mut self, line: &str) -> io::Result<()> {
        let stored =
            self.checkpoints.append(line.as_bytes()).and_then(|()| self.checkpoints.sync());
        match stored {
            Ok(()) => {
                self.checkpoints_bytes += u64::try_from(line.len()).unwrap_or(0);
                Ok(())
            }
            Err(error) => {
                self.checkpoints.truncate(self.checkpoints_bytes)?;
                Err(error)
            }
        }
    }

    /// Whether the file system itself has room for more.
    pub(super) fn disk_has_room(&self, bytes: u64) -> bool {
        free_bytes(&self.dir).is_some_and(|free| free > bytes)
    }
}

/// What the file system of a directory has left for us.
pub(super) fn free_bytes(dir: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(dir).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

/// How many events the lines are.
fn count(lines: &[u8]) -> u64 {
    u64::try_from(memchr::memchr_iter(b'\n', lines).count()).unwrap_or(u64::MAX)
}
