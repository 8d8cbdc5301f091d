//! The one file that is written, behind a seam where tests let it fail.
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A segment that is appended to.
pub(super) trait Disk: Send {
    /// Writes all of it at the end, or fails with a part of it written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when the disk has what was written.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to this length.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Which file it is.
    fn identity(&self) -> io::Result<Identity>;
}

/// A file, whatever its name is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(facts: &Metadata) -> Self {
        Self { device: facts.dev(), inode: facts.ino() }
    }
}

/// Opens a segment, made with mode 0600 when missing.
pub(super) type Opener = Box<dyn Fn(&Path) -> io::Result<Box<dyn Disk>> + Send>;

pub(super) fn real() -> Opener {
    Box::new(|path| Ok(Box::new(open(path)?)))
}

pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)
}

impl Disk for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)?;
        self.sync_data()
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::of(&self.metadata()?))
    }
}

/// Whether an error means that there is no room, now.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
