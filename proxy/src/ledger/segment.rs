//! A segment of the chain: what is known of it, and whether its file is still the one it was.
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tollgate_audit::{Digest, Entry};

use super::disk::Identity;

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
    /// When its first event was; none while it has no event.
    pub(super) first_ts: Option<Timestamp>,
    /// When its last event was; none while it is written.
    pub(super) last_ts: Option<Timestamp>,
    /// The file, once it is closed.
    pub(super) print: Option<FilePrint>,
}

impl Segment {
    pub(super) fn first() -> Self {
        Self::beginning(1, 0, None)
    }

    /// One that has no event yet.
    pub(super) fn beginning(ordinal: u64, first_seq: u64, prev_hash: Option<Digest>) -> Self {
        Self { ordinal, bytes: 0, first_seq, prev_hash, first_ts: None, last_ts: None, print: None }
    }

    pub(super) fn starting(ordinal: u64, bytes: u64, first: &Entry) -> Self {
        let mut segment = Self::beginning(ordinal, first.seq(), first.prev_hash().copied());
        segment.bytes = bytes;
        segment.first_ts = Some(first.ts());
        segment
    }

    pub(super) fn empty(ordinal: u64, last: Option<&Entry>) -> Self {
        let first_seq = last.map_or(0, |last| last.seq() + 1);
        Self::beginning(ordinal, first_seq, last.map(|last| *last.hash()))
    }
}

/// What shows that a closed file was not put in another's place and not written to. Changes of its
/// mode or of the number of its names do not show here: backups make those.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FilePrint {
    identity: Identity,
    bytes: u64,
    modified: (i64, i64),
}

impl FilePrint {
    pub(super) fn of(facts: &Metadata) -> Self {
        let modified = (facts.mtime(), facts.mtime_nsec());
        Self { identity: Identity::of(facts), bytes: facts.len(), modified }
    }

    /// Whether the name still leads to that file, as it was.
    pub(super) fn holds(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|facts| Self::of(&facts) == *self)
    }
}
