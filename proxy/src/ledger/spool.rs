//! The segments on the disk.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tollgate_audit::{Digest, Entry};
use tollgate_config::settings::Durability;

use super::disk::{self, Disk, Opener};
use super::files::sync_parent;
use super::recovery::Recovered;
use super::{LedgerError, LedgerOptions};

/// Where signed checkpoints stand.
pub(super) const CHECKPOINTS_FILE: &str = "checkpoints.jsonl";

/// A segment's path.
pub(super) fn segment_path(dir: &Path, ordinal: u64) -> PathBuf {
    dir.join(format!("events-{ordinal:012}.jsonl"))
}

/// What is known of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    pub(super) ordinal: u64,
    pub(super) bytes: u64,
    /// The number of its first event, there or to come.
    pub(super) first_seq: u64,
    /// The hash before that event.
    pub(super) prev_hash: Option<Digest>,
}

impl Segment {
    pub(super) fn first() -> Self {
        Self { ordinal: 1, bytes: 0, first_seq: 0, prev_hash: None }
    }

    pub(super) fn starting(ordinal: u64, bytes: u64, first: &Entry) -> Self {
        Self { ordinal, bytes, first_seq: first.seq(), prev_hash: first.prev_hash().copied() }
    }

    pub(super) fn empty(ordinal: u64, last: Option<&Entry>) -> Self {
        Self {
            ordinal,
            bytes: 0,
            first_seq: last.map_or(0, |last| last.seq() + 1),
            prev_hash: last.map(|last| *last.hash()),
        }
    }
}

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
    durability: Durability,
    segment_bytes: u64,
    checkpoints: Box<dyn Disk>,
    checkpoints_bytes: u64,
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
        let current = opener(&path).map_err(|e| LedgerError::file("open", &path, e))?;
        let path = dir.join(CHECKPOINTS_FILE);
        let open = || {
            let file = disk::open(&path)?;
            let bytes = file.metadata()?.len();
            Ok((Box::new(file), bytes))
        };
        let (checkpoints, checkpoints_bytes) =
            open().map_err(|e: io::Error| LedgerError::file("open", &path, e))?;
        sync_parent(&path)?;
        Ok(Self {
            dir,
            opener,
            segments: recovered.segments.clone(),
            current,
            durability: options.durability,
            segment_bytes: options.segment_bytes.max(1),
            checkpoints,
            checkpoints_bytes,
        })
    }

    /// Its directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn position(&self) -> Position {
        let last = self.segments.last();
        Position {
            ordinal: last.map_or(1, |segment| segment.ordinal),
            bytes: last.map_or(0, |segment| segment.bytes),
        }
    }

    /// Stores lines, as durably as the settings ask. `next` is the segment that would begin with
    /// them, should a new one be due.
    pub(super) fn store(
        &mut self,
        lines: &[u8],
        first_seq: u64,
        prev_hash: Option<Digest>,
    ) -> Result<(), StoreFault> {
        let more = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let now = self.position().bytes;
        if now > 0 && now.saturating_add(more) > self.segment_bytes {
            self.rotate(first_seq, prev_hash)?;
        }
        let before = self.position().bytes;
        if let Err(error) = self.current.append(lines) {
            return Err(self.take_back(before, &error));
        }
        if self.durability == Durability::Disk {
            self.sync()?;
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.bytes += more;
        }
        Ok(())
    }

    /// Syncs whatever the settings say. After a failed sync nobody knows what the disk has (Linux
    /// drops the pages and reports the error once), so it is never tried again.
    pub(super) fn sync(&mut self) -> Result<(), StoreFault> {
        self.current.sync().map_err(|error| {
            tracing::error!(%error, "the record cannot be synced");
            StoreFault::Failed
        })
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

    fn rotate(&mut self, first_seq: u64, prev_hash: Option<Digest>) -> Result<(), StoreFault> {
        // The older segment is whole on the disk before the newer begins, whatever the durability:
        // a start takes every segment but the newest as finished.
        self.sync()?;
        let ordinal = self.position().ordinal + 1;
        let path = segment_path(&self.dir, ordinal);
        match (self.opener)(&path) {
            Ok(file) => self.current = file,
            Err(error) if disk::is_full(&error) => return Err(StoreFault::Full),
            Err(error) => {
                tracing::error!(%error, "a new segment of the record cannot be made");
                return Err(StoreFault::Failed);
            }
        }
        sync_parent(&path).map_err(|_| StoreFault::Failed)?;
        self.segments.push(Segment { ordinal, bytes: 0, first_seq, prev_hash });
        Ok(())
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

    /// The segments that may go when every event before `acknowledged` is delivered, and the
    /// segment that would then be the first.
    pub(super) fn releasable(&self, acknowledged: u64) -> Option<(usize, Segment)> {
        let (count, next) = self
            .segments
            .iter()
            .enumerate()
            .skip(1)
            .take_while(|(_, segment)| segment.first_seq <= acknowledged)
            .last()?;
        Some((count, next.clone()))
    }

    /// Deletes the oldest segments. That it happens must be in the chain already.
    pub(super) fn release(&mut self, count: usize) -> io::Result<()> {
        for segment in self.segments.drain(..count.min(self.segments.len().saturating_sub(1))) {
            match fs::remove_file(segment_path(&self.dir, segment.ordinal)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the file system itself has room for more.
    pub(super) fn disk_has_room(&self, bytes: u64) -> bool {
        rustix::fs::statvfs(&self.dir)
            .is_ok_and(|facts| facts.f_bavail.saturating_mul(facts.f_frsize) > bytes)
    }
}
