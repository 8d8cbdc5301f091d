//! Closing segments, watching closed ones, and letting them go.
use std::fs::{self, File};
use std::io;
use std::path::Path;

use jiff::Timestamp;
use tollgate_audit::{Digest, Entry};

use super::super::disk;
use super::super::files::sync_parent;
use super::super::lines::last_line;
use super::super::recovery::forget_seals;
use super::super::seal::Tally;
use super::super::segment::{FilePrint, Segment, segment_path};
use super::{Spool, StoreFault};

impl Spool {
    /// Closes the newest segment and begins the next, whose first event `first_seq` will be.
    pub(in super::super) fn rotate(
        &mut self,
        first_seq: u64,
        prev_hash: Option<Digest>,
    ) -> Result<(), StoreFault> {
        // The older segment is whole on the disk before the newer begins, whatever the durability:
        // a start takes every segment but the newest as finished.
        self.sync_file()?;
        self.is_in_place(self.position().bytes)?;
        let ordinal = self.position().ordinal + 1;
        let path = segment_path(&self.dir, ordinal);
        let opened = (self.opener)(&path).and_then(|file| Ok((file.identity()?, file)));
        let (identity, file) = match opened {
            Ok(opened) => opened,
            Err(error) if disk::is_full(&error) => return Err(StoreFault::Full),
            Err(error) => {
                tracing::error!(%error, "a new segment of the record cannot be made");
                return Err(StoreFault::Failed);
            }
        };
        sync_parent(&path).map_err(|_| StoreFault::Failed)?;
        self.close_newest(prev_hash)?;
        (self.current, self.identity) = (file, identity);
        self.tally = Tally::begin(self.tally.tree().cloned());
        self.segments.push(Segment::beginning(ordinal, first_seq, prev_hash));
        // The newer one is there before the older is sealed: so a seal without a segment behind
        // it is never a crash's doing, and a segment without a seal is mended at the next start.
        self.write_seals();
        Ok(())
    }

    fn close_newest(&mut self, last_hash: Option<Digest>) -> Result<(), StoreFault> {
        let Some(segment) = self.segments.last_mut() else { return Ok(()) };
        let path = segment_path(&self.dir, segment.ordinal);
        let (last_ts, print) = look(&path, segment.bytes).map_err(|error| {
            tracing::error!(%error, "a segment of the record cannot be closed");
            StoreFault::Failed
        })?;
        segment.last_ts = last_ts;
        segment.print = Some(print);
        if let Some(last_hash) = last_hash {
            self.unsealed.push(self.tally.seal(segment, last_hash));
        }
        Ok(())
    }

    /// Writes the seals of closed segments. One that cannot be written now is tried again at the
    /// next checkpoint, and made anew from the segment at a start.
    fn write_seals(&mut self) {
        let dir = &self.dir;
        self.unsealed.retain(|seal| match seal.write(dir) {
            Ok(()) => false,
            Err(error) => {
                tracing::warn!(%error, "a segment cannot be sealed now");
                true
            }
        });
    }

    /// Whether all segments are still the files that they were. Whoever changes or moves one while
    /// the gate runs stops the record, as it would stop the next start.
    pub(in super::super) fn inspect(&mut self) -> Result<(), StoreFault> {
        self.write_seals();
        self.is_in_place(self.position().bytes)?;
        for segment in &self.segments {
            let Some(print) = &segment.print else { continue };
            let path = segment_path(&self.dir, segment.ordinal);
            if !print.holds(&path) {
                let path = path.display();
                tracing::error!(%path, "a closed segment of the record was changed, renamed or replaced");
                return Err(StoreFault::Failed);
            }
        }
        Ok(())
    }

    /// The oldest segment and the one that would then be the first; the newest never goes.
    pub(in super::super) fn releasable(&self) -> Option<(&Segment, &Segment)> {
        self.segments.first().zip(self.segments.get(1))
    }

    /// Whether every closed segment has its seal: the last to go leaves the tree in its own.
    pub(in super::super) fn is_sealed(&mut self) -> bool {
        self.write_seals();
        self.unsealed.is_empty()
    }

    /// The first segment that is left.
    pub(in super::super) fn oldest(&self) -> Option<&Segment> {
        self.segments.first()
    }

    /// Deletes the oldest segment. That it happens must be in the chain already. Its seal stays: the
    /// tree goes on from it.
    pub(in super::super) fn release_oldest(&mut self) -> io::Result<()> {
        let Some((oldest, _)) = self.releasable() else { return Ok(()) };
        match fs::remove_file(segment_path(&self.dir, oldest.ordinal)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => self.segments.remove(0),
        };
        forget_seals(&self.dir, self.segments.first().map_or(1, |segment| segment.ordinal));
        Ok(())
    }
}

/// When a segment's last event was, and its file as it is now.
fn look(path: &Path, bytes: u64) -> io::Result<(Option<Timestamp>, FilePrint)> {
    let mut file = File::open(path)?;
    let last = last_line(&mut file, bytes)?.and_then(|line| Entry::parse(&line).ok());
    Ok((last.map(|last| last.ts()), FilePrint::of(&file.metadata()?)))
}

/// When the first of some lines was.
pub(super) fn first_ts(lines: &[u8]) -> Option<Timestamp> {
    let line = lines.split_inclusive(|b| *b == b'\n').next()?;
    Entry::parse(line).ok().map(|entry| entry.ts())
}
