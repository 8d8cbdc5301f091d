//! How far a sink has acknowledged, in a file that is whole or not there.
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_audit::Entry;

use super::super::LedgerError;
use super::super::files::replace;
use super::super::spool::segment_path;

/// A place in the spool: behind an event that was acknowledged.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    /// The segment's number; 0 before the first.
    pub(super) segment: u64,
    /// Bytes of it that are acknowledged.
    pub(super) offset: u64,
    /// Events that are acknowledged, from the chain's beginning.
    pub(super) size: u64,
    /// The hash of the last of them.
    pub(super) head_hash: String,
}

impl Cursor {
    /// Reads the file. A cursor that does not fit the spool starts again from its beginning:
    /// events twice are a lesser evil than events never.
    pub(super) fn open(path: &Path, spool: &Path) -> Result<Self, LedgerError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(LedgerError::file("read", path, e)),
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(cursor) if cursor.fits(spool) => Ok(cursor),
            _ => {
                tracing::warn!(path = %path.display(), "a cursor does not fit; its sink starts over");
                Ok(Self::default())
            }
        }
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), LedgerError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        replace(path, &text)
    }

    /// Whether the event that ends at the offset is the one that the cursor names.
    fn fits(&self, spool: &Path) -> bool {
        let path = segment_path(spool, self.segment);
        // A segment whose events were all acknowledged may have been released.
        if !path.exists() {
            return successor(spool, self.segment)
                .and_then(|next| first_entry(&segment_path(spool, next)))
                .is_some_and(|first| {
                    first.prev_hash().map(ToString::to_string).as_deref() == Some(&self.head_hash)
                });
        }
        self.entry_before(&path).is_some_and(|entry| {
            entry.seq() + 1 == self.size && entry.hash().to_string() == self.head_hash
        })
    }

    fn entry_before(&self, path: &PathBuf) -> Option<Entry> {
        let mut file = File::open(path).ok()?;
        // More than the longest line.
        let from = self.offset.saturating_sub(160 << 10);
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut tail = Vec::new();
        file.take(self.offset - from).read_to_end(&mut tail).ok()?;
        let body = tail.strip_suffix(b"\n")?;
        Entry::parse(body.rsplit(|b| *b == b'\n').next()?).ok()
    }
}

/// The event that a segment begins with.
pub(super) fn first_entry(path: &Path) -> Option<Entry> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(160 << 10).read_to_end(&mut head).ok()?;
    Entry::parse(head.split(|b| *b == b'\n').next()?).ok()
}

/// The segment after this one, when older ones may have been released.
pub(super) fn successor(spool: &Path, segment: u64) -> Option<u64> {
    let names =
        fs::read_dir(spool).ok()?.filter_map(|file| file.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| name.strip_prefix("events-")?.strip_suffix(".jsonl")?.parse().ok())
        .filter(|ordinal: &u64| *ordinal > segment)
        .min()
}
