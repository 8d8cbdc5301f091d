//! What goes into an archive beside its events, so that it can be verified by itself: the registry
//! of signers, and the newest signed checkpoint of what is there, which shows a tail that was cut.
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};
use tollgate_audit::{Checkpoint, Registry, SignedCheckpoint};

use super::super::signers::register::REGISTRY_FILE;
use super::super::spool::CHECKPOINTS_FILE;

/// Where the newest checkpoints are looked for in their file: some hundred lines of it.
const CHECKPOINTS_TAIL_BYTES: u64 = 128 << 10;

/// What an archive has of both.
#[derive(Clone)]
pub(super) struct Beside {
    spool: PathBuf,
    /// Of the registry that is in the archive.
    registry: Option<[u8; 32]>,
    /// The size of the newest checkpoint that is in the archive.
    anchored: u64,
}

/// A registry that the archive lacks.
pub(super) struct NewRegistry {
    pub(super) text: Bytes,
    pub(super) sum: [u8; 32],
}

/// A checkpoint that the archive lacks: of so many events, in a line.
pub(super) struct NewCheckpoint {
    pub(super) size: u64,
    pub(super) line: Bytes,
}

impl Beside {
    pub(super) fn of(spool: &Path) -> Self {
        Self { spool: spool.to_owned(), registry: None, anchored: 0 }
    }

    /// Reads files.
    pub(super) fn registry(&self) -> io::Result<Option<NewRegistry>> {
        let text = std::fs::read(self.spool.join(REGISTRY_FILE))?;
        let sum: [u8; 32] = Sha256::digest(&text).into();
        Ok((self.registry != Some(sum)).then(|| NewRegistry { text: text.into(), sum }))
    }

    /// The newest of at most so many events. Reads files.
    pub(super) fn checkpoint(&self, size_max: u64) -> io::Result<Option<NewCheckpoint>> {
        let newest = newest_checkpoint(&self.spool, size_max)?;
        let newest = newest.filter(|(checkpoint, _)| checkpoint.size > self.anchored);
        Ok(newest.map(|(Checkpoint { size, .. }, line)| NewCheckpoint { size, line: line.into() }))
    }

    /// The archive has it.
    pub(super) fn has_registry(&mut self, registry: &NewRegistry) {
        self.registry = Some(registry.sum);
    }

    /// The archive has it.
    pub(super) fn has_checkpoint(&mut self, checkpoint: &NewCheckpoint) {
        self.anchored = checkpoint.size;
    }
}

/// The newest signed checkpoint of at most so many events, and its line.
pub(super) fn newest_checkpoint(
    spool: &Path,
    size_max: u64,
) -> io::Result<Option<(Checkpoint, Vec<u8>)>> {
    let registry = std::fs::read(spool.join(REGISTRY_FILE))?;
    let registry = Registry::parse(&registry).map_err(io::Error::other)?;
    let fitting = |line: Vec<u8>| {
        let signed = SignedCheckpoint::parse(line.strip_suffix(b"\n")?).ok()?;
        let checkpoint = signed.check(&registry).ok()?.clone();
        (checkpoint.size <= size_max).then_some((checkpoint, line))
    };
    let lines = tail_lines(&spool.join(CHECKPOINTS_FILE))?;
    Ok(lines.into_iter().rev().find_map(fitting))
}

/// The last whole lines of a file; none when it is not there.
fn tail_lines(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let from = file.metadata()?.len().saturating_sub(CHECKPOINTS_TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(CHECKPOINTS_TAIL_BYTES).read_to_end(&mut bytes)?;
    let cut = usize::from(from > 0);
    let lines = bytes.split_inclusive(|b| *b == b'\n').skip(cut);
    Ok(lines.filter(|line| line.ends_with(b"\n")).map(<[u8]>::to_vec).collect())
}
