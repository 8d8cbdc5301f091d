//! Events that a collector refuses for good. They are kept beside the spool, and counted, so that
//! one event that a collector cannot read does not hold back all that come after it.
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::super::LedgerError;
use super::super::files::sync_parent;
use super::DeliveryError;

/// Bytes of the file at most. Beyond it the sink stands still, and nothing is lost.
const BYTES_MAX: u64 = 64 << 20;

/// The file of one sink.
#[derive(Clone)]
pub(super) struct DeadLetters {
    path: PathBuf,
}

impl DeadLetters {
    pub(super) fn of(spool: &Path, name: &str) -> Self {
        Self { path: spool.join(format!("dead-{name}.jsonl")) }
    }

    /// How many events are in it.
    pub(super) fn count(&self) -> Result<u64, LedgerError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(e) => return Err(LedgerError::file("read", &self.path, e)),
        };
        let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count();
        Ok(u64::try_from(lines).unwrap_or(u64::MAX))
    }

    /// Adds lines. They are on the disk when it returns.
    pub(super) async fn bury(&self, lines: Bytes) -> Result<(), DeliveryError> {
        let path = self.path.clone();
        let buried = tokio::task::spawn_blocking(move || bury(&path, &lines)).await;
        buried.map_err(|_| DeliveryError::Spool)?.map_err(DeliveryError::Burial)
    }
}

fn bury(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    let len = file.metadata()?.len();
    if len.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX)) > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::StorageFull, "the file is full; move it away"));
    }
    // What a crash or a full disk cut off stays a line of its own.
    if len > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(len - 1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(lines)?;
    file.sync_data()?;
    sync_parent(path).map_err(io::Error::other)
}
