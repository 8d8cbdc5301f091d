//! `durability: memory`: lines that only this process has, for a moment.
use std::time::{Duration, Instant};

use tollgate_audit::Digest;

use super::{Spool, StoreFault, count};

/// So many bytes are written at once; a crash loses no more than these and one batch.
const BUFFER_BYTES: usize = 256 << 10;
/// So long at most they wait when fewer come.
const BUFFER_WAIT: Duration = Duration::from_millis(50);

/// Lines that are sealed and not written.
#[derive(Default)]
pub(super) struct Buffer {
    lines: Vec<u8>,
    since: Option<Instant>,
    first: Option<(u64, Option<Digest>)>,
}

impl Buffer {
    pub(super) fn bytes(&self) -> u64 {
        u64::try_from(self.lines.len()).unwrap_or(u64::MAX)
    }
}

impl Spool {
    /// Takes lines, and writes when enough have gathered. Those before are written first when
    /// there is no room for more: what was told to be recorded is never dropped for what was not.
    pub(super) fn remember(
        &mut self,
        lines: &[u8],
        first_seq: u64,
        prev_hash: Option<Digest>,
    ) -> Result<(), StoreFault> {
        if self.buffer.lines.len().saturating_add(lines.len()) > BUFFER_BYTES {
            self.flush()?;
        }
        self.buffer.lines.extend_from_slice(lines);
        self.buffer.since.get_or_insert_with(Instant::now);
        self.buffer.first.get_or_insert((first_seq, prev_hash));
        Ok(())
    }

    /// Writes what only this process has. When that fails, it still has it.
    pub(in super::super) fn flush(&mut self) -> Result<(), StoreFault> {
        let Some((first_seq, prev_hash)) = self.buffer.first else { return Ok(()) };
        let lines = std::mem::take(&mut self.buffer.lines);
        let written =
            self.make_place(&lines, first_seq, prev_hash).and_then(|()| self.write(&lines));
        match written {
            Ok(()) => self.buffer = Buffer::default(),
            Err(_) => self.buffer.lines = lines,
        }
        written
    }

    /// When what is buffered has to be written, or what is written to be on the disk.
    pub(in super::super) fn flush_at(&self) -> Option<Instant> {
        let buffered = self.buffer.since.map(|since| since + BUFFER_WAIT);
        buffered.into_iter().chain(self.behind.sync_at()).min()
    }

    /// How many events only this process has, or perhaps not the disk.
    pub(in super::super) fn unwritten(&self) -> u64 {
        count(&self.buffer.lines) + self.behind.events()
    }
}
