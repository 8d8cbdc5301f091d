//! Small files beside the segments: whole or not at all.
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown,
};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::LedgerError;

/// Makes the directory, mode 0700, when missing.
pub(super) fn make_dir(dir: &Path) -> Result<(), LedgerError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| LedgerError::file("make the directory", dir, e))
}

/// Takes the directory for this process, for as long as the file is held.
pub(super) fn lock(dir: &Path) -> Result<File, LedgerError> {
    let path = dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let mut file = file.map_err(|e| LedgerError::file("open", &path, e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(LedgerError::Locked(dir.to_owned())),
        Err(fs::TryLockError::Error(e)) => return Err(LedgerError::file("lock", &path, e)),
    }
    // For commands that wake the gate. The lock is what counts: without a pid they say so.
    let told = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    if let Err(error) = told {
        tracing::debug!(%error, "the spool's lock does not name this process");
    }
    Ok(file)
}

/// The process of the gate that has the directory; none when nobody has it.
pub(crate) fn holder(dir: &Path) -> Result<Option<i32>, LedgerError> {
    let path = dir.join("lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(LedgerError::file("open", &path, e)),
    };
    match file.try_lock_shared() {
        Ok(()) => return Ok(None),
        Err(fs::TryLockError::WouldBlock) => {}
        Err(fs::TryLockError::Error(e)) => return Err(LedgerError::file("lock", &path, e)),
    }
    let text = fs::read_to_string(&path).map_err(|e| LedgerError::file("read", &path, e))?;
    let unnamed =
        || LedgerError::file("read a process from", &path, io::ErrorKind::InvalidData.into());
    text.trim().parse().map(Some).map_err(|_| unnamed())
}

/// Replaces a file's content: after a crash it has the old or the new, never a part.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), LedgerError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let write = || -> io::Result<()> {
        // What a crash left, perhaps with another mode or as a link to elsewhere, is not written to.
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file =
            OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|e| LedgerError::file("write", path, e))?;
    sync_parent(path)
}

/// The same for a file that everyone may read.
pub(crate) fn replace_public(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content).map_err(io::Error::other)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

/// Gives a file to whoever has another one: root makes it, and a gate that is not root reads it.
pub(super) fn own_as(path: &Path, other: &Path) -> Result<(), LedgerError> {
    let owned = || -> io::Result<()> {
        let (file, other) = (fs::metadata(path)?, fs::metadata(other)?);
        if (file.uid(), file.gid()) == (other.uid(), other.gid()) || !geteuid().is_root() {
            return Ok(());
        }
        chown(path, Some(other.uid()), Some(other.gid()))
    };
    owned().map_err(|e| LedgerError::file("give the gate's user", path, e))
}

/// A new or renamed file is there after a power cut only when its directory was synced, too.
pub(super) fn sync_parent(path: &Path) -> Result<(), LedgerError> {
    let Some(dir) = path.parent() else { return Ok(()) };
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|e| LedgerError::file("sync the directory", dir, e))
}
