//! Disks that fail when told to.
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::SeqCst};

use super::super::disk::{self, Disk, Opener};

pub(super) const WORKS: u8 = 0;
pub(super) const FULL: u8 = 1;
pub(super) const SYNC_FAILS: u8 = 2;
pub(super) const WRITE_FAILS: u8 = 3;
/// Says that it took all, and did not.
pub(super) const LIES: u8 = 4;

/// A hand on a disk.
#[derive(Clone, Default)]
pub(super) struct Hand {
    mode: Arc<AtomicU8>,
    syncs: Arc<AtomicU64>,
}

impl Hand {
    pub(super) fn set(&self, mode: u8) {
        self.mode.store(mode, SeqCst);
    }

    pub(super) fn syncs(&self) -> u64 {
        self.syncs.load(SeqCst)
    }

    pub(super) fn opener(&self) -> Opener {
        let hand = self.clone();
        Box::new(move |path| Ok(Box::new(Failing { file: disk::open(path)?, hand: hand.clone() })))
    }
}

struct Failing {
    file: File,
    hand: Hand,
}

impl Disk for Failing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.hand.mode.load(SeqCst) {
            FULL => {
                // As a real one: a part of it gets in.
                self.file.append(&bytes[..bytes.len() / 2])?;
                Err(io::ErrorKind::StorageFull.into())
            }
            WRITE_FAILS => Err(io::Error::other("broken")),
            LIES => self.file.append(&bytes[3..]),
            _ => self.file.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.hand.syncs.fetch_add(1, SeqCst);
        // Slow enough that others come while it runs.
        std::thread::sleep(std::time::Duration::from_millis(5));
        match self.hand.mode.load(SeqCst) {
            SYNC_FAILS => Err(io::Error::other("broken")),
            _ => self.file.sync(),
        }
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.truncate(len)
    }

    fn identity(&self) -> io::Result<disk::Identity> {
        self.file.identity()
    }
}
