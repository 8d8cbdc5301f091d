//! Room on a full disk for the ledger's last words.
//!
//! A file of the spool's that holds nothing. When the disk is full it is given up, so that the
//! outcomes of calls in flight, the fact itself and a checkpoint still get in; until there is room
//! for it again, intents are refused.
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::spool::free_bytes;

/// The file.
const BALLAST_FILE: &str = "ballast";
/// What is written at once.
const PIECE: [u8; 4096] = [0; 4096];

/// The ballast.
pub(super) struct Ballast {
    path: PathBuf,
    bytes: u64,
    there: bool,
}

impl Ballast {
    /// Makes it, if it is not there. A disk without room for it is a full disk.
    pub(super) fn open(dir: &Path, bytes: u64) -> Self {
        let path = dir.join(BALLAST_FILE);
        let there = fs::metadata(&path).is_ok_and(|facts| facts.len() == bytes);
        let mut ballast = Self { path, bytes, there };
        if !there {
            ballast.fill();
        }
        ballast
    }

    /// Whether it was given up.
    pub(super) fn is_spent(&self) -> bool {
        !self.there
    }

    /// Gives it up.
    pub(super) fn spend(&mut self) {
        if std::mem::take(&mut self.there)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "the spool's ballast could not be given up");
        }
    }

    /// Takes it back, when the disk has room for it and for as much again: with less, the next
    /// event would need it at once.
    pub(super) fn regain(&mut self) {
        let room = self.path.parent().and_then(free_bytes);
        if !self.there && room.is_some_and(|room| room > self.bytes.saturating_mul(2)) {
            self.fill();
        }
    }

    fn fill(&mut self) {
        match self.write() {
            Ok(()) => self.there = true,
            Err(error) => {
                tracing::warn!(%error, "the disk has no room for the spool's ballast");
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    /// Bytes and not a hole: only what is written takes room.
    fn write(&self) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&self.path)?;
        let mut left = self.bytes;
        while left > 0 {
            let piece = left.min(4096);
            let piece = usize::try_from(piece).unwrap_or(PIECE.len());
            file.write_all(PIECE.get(..piece).unwrap_or(&PIECE))?;
            left = left.saturating_sub(4096);
        }
        file.sync_all()
    }
}
