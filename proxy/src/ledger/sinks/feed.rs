//! What a sink is to be given next.
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tollgate_audit::Entry;

use super::super::LedgerError;
use super::super::spool::{Position, segment_path};
use super::cursor::{Cursor, successor};
use super::{DeliveryError, cursor_path};

/// Bytes of one batch at most; well below what collectors accept, well above one event.
pub(super) const BATCH_BYTES: u64 = 1 << 20;

/// Some events in a row.
pub(super) struct Batch {
    /// Their lines, each with its newline.
    pub(super) lines: Bytes,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) last_hash: String,
    /// The hash of the event before the first; none where the first is the chain's.
    pub(super) prev_hash: Option<String>,
    /// Whether something durable comes after it.
    pub(super) more: bool,
    after: Cursor,
}

#[cfg(test)]
impl Batch {
    /// One without lines.
    pub(super) fn of_numbers(first_seq: u64, last_seq: u64, prev_hash: &str) -> Self {
        Self {
            lines: Bytes::new(),
            first_seq,
            last_seq,
            last_hash: String::new(),
            prev_hash: Some(prev_hash.to_owned()),
            more: false,
            after: Cursor::default(),
        }
    }
}

/// The spool from a cursor on.
pub(super) struct Feed {
    spool: PathBuf,
    path: PathBuf,
    cursor: Cursor,
}

impl Feed {
    pub(super) fn open(spool: &Path, name: &str) -> Result<Self, LedgerError> {
        let path = cursor_path(spool, name);
        let cursor = Cursor::open(&path, spool)?;
        Ok(Self { spool: spool.to_owned(), path, cursor })
    }

    /// Events that are acknowledged, from the chain's beginning.
    pub(super) fn acknowledged(&self) -> u64 {
        self.cursor.size
    }

    /// The next batch of what is durable; none when all of it is acknowledged.
    pub(super) async fn next(
        &self,
        durable: Position,
        most: usize,
        bytes_most: u64,
    ) -> Result<Option<Batch>, DeliveryError> {
        let (spool, cursor) = (self.spool.clone(), self.cursor.clone());
        let read =
            tokio::task::spawn_blocking(move || read(&spool, cursor, durable, most, bytes_most));
        read.await.map_err(|_| DeliveryError::Spool)?
    }

    /// Goes back to the oldest event that the spool has: events twice are better than events
    /// never. The cursor's file stays until something is acknowledged again.
    pub(super) fn start_over(&mut self) {
        self.cursor = Cursor::default();
    }

    /// The batch was taken. This is on the disk when it returns.
    pub(super) async fn acknowledge(&mut self, batch: &Batch) -> Result<(), LedgerError> {
        let (path, cursor) = (self.path.clone(), batch.after.clone());
        self.cursor = cursor.clone();
        let saved = tokio::task::spawn_blocking(move || cursor.save(&path)).await;
        saved.map_err(|_| LedgerError::Thread)?
    }
}

fn read(
    spool: &Path,
    mut cursor: Cursor,
    durable: Position,
    most: usize,
    bytes_most: u64,
) -> Result<Option<Batch>, DeliveryError> {
    loop {
        let bytes = read_segment(spool, &cursor, durable, bytes_most)?;
        if !bytes.is_empty() {
            return batch(bytes, cursor, durable, most).map(Some);
        }
        if cursor.segment >= durable.ordinal {
            return Ok(None);
        }
        match successor(spool, cursor.segment) {
            Some(next) => (cursor.segment, cursor.offset) = (next, 0),
            None => return Ok(None),
        }
    }
}

/// Whole lines from the cursor on; empty at the segment's end.
fn read_segment(
    spool: &Path,
    cursor: &Cursor,
    durable: Position,
    bytes_most: u64,
) -> Result<Vec<u8>, DeliveryError> {
    let mut file = match File::open(segment_path(spool, cursor.segment)) {
        Ok(file) => file,
        // Released, or the cursor stands before the first.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    let end =
        if cursor.segment == durable.ordinal { durable.bytes } else { file.metadata()?.len() };
    let count = end.saturating_sub(cursor.offset).min(bytes_most);
    file.seek(SeekFrom::Start(cursor.offset))?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
    if whole == 0 && !bytes.is_empty() {
        return Err(DeliveryError::Spool);
    }
    bytes.truncate(whole);
    Ok(bytes)
}

fn batch(
    mut bytes: Vec<u8>,
    cursor: Cursor,
    durable: Position,
    most: usize,
) -> Result<Batch, DeliveryError> {
    let mut ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(end, _)| end + 1);
    if let Some(end) = ends.nth(most.saturating_sub(1)) {
        bytes.truncate(end);
    }
    let parse = |line: Option<&[u8]>| {
        line.and_then(|line| Entry::parse(line).ok()).ok_or(DeliveryError::Spool)
    };
    let mut lines = bytes.split_inclusive(|b| *b == b'\n');
    let first = parse(lines.next())?;
    let last = match lines.next_back() {
        None => first.clone(),
        line => parse(line)?,
    };
    let last_hash = last.hash().to_string();
    let after = Cursor {
        segment: cursor.segment,
        offset: cursor.offset + u64::try_from(bytes.len()).unwrap_or(0),
        size: last.seq() + 1,
        head_hash: last_hash.clone(),
    };
    let (first_seq, last_seq) = (first.seq(), last.seq());
    let prev_hash = first.prev_hash().map(ToString::to_string);
    let more = after.segment < durable.ordinal || after.offset < durable.bytes;
    let lines = Bytes::from(bytes);
    Ok(Batch { lines, first_seq, last_seq, last_hash, prev_hash, more, after })
}
