//! Unix sockets as files: made with the right permissions, never taken from a living gate, removed
//! at the end.
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::net::UnixSocket;
use tollgate_config::settings::UnixListener;

use super::Process;

/// As many as wait in the kernel for room; what is more is refused by it.
const BACKLOG: u32 = 1024;

/// A listening socket, and its file.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) socket: tokio::net::UnixListener,
    pub(super) file: SocketFile,
}

/// The file of a socket, removed when this is dropped, unless it is another's by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    id: FileId,
}

/// Device and inode.
type FileId = (u64, u64);

fn id(path: &Path) -> io::Result<FileId> {
    let about = std::fs::symlink_metadata(path)?;
    Ok((about.dev(), about.ino()))
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if id(&self.path).is_ok_and(|found| found == self.id)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a socket's file stays behind");
        }
    }
}

/// Makes the socket. Its permissions are set before it listens, so that nobody can connect who
/// could not later.
pub(super) fn bind(listener: &UnixListener) -> io::Result<Bound> {
    // Of two gates that start at once, one would remove what the other has just made.
    let folder = match listener.path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder)?;
    folder.try_lock().map_err(|_| io::Error::other("another gate is starting there"))?;
    make_room(&listener.path)?;
    let socket = UnixSocket::new_stream()?;
    socket.bind(&listener.path)?;
    let file = SocketFile { path: listener.path.clone(), id: id(&listener.path)? };
    let mode = listener.mode_bits().ok_or_else(|| io::Error::other("`mode` is not octal"))?;
    std::fs::set_permissions(&listener.path, std::fs::Permissions::from_mode(mode))?;
    if let Some(group) = listener.group {
        chown(&listener.path, None, Some(group)).map_err(|error| {
            io::Error::new(error.kind(), format!("it cannot be given to group {group}: {error}"))
        })?;
    }
    Ok(Bound { socket: socket.listen(BACKLOG)?, file })
}

/// Removes the file that a dead gate left. Whatever else is there stays, and is an error.
fn make_room(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let about = match std::fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !about.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file that is no socket; remove it, or choose another `path`",
        ));
    }
    // Another kind of socket can never be connected, so that a living gate does not notice; the kernel
    // still tells apart whether anybody has the file open.
    let probe = std::os::unix::net::UnixDatagram::unbound()?;
    match probe.connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens there; stop it, or choose another `path`",
        )),
    }
}

/// Who is at the other end of a connection, as the kernel noted it when the connection was made.
pub(super) fn peer(io: &tokio::net::UnixStream) -> io::Result<Process> {
    let credentials = io.peer_cred()?;
    Ok(Process {
        uid: credentials.uid(),
        gid: credentials.gid(),
        pid: credentials.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(path: &Path) -> UnixListener {
        UnixListener {
            name: "u".to_owned(),
            path: path.to_owned(),
            mode: "0640".to_owned(),
            group: None,
            agent: None,
            uids: Vec::new(),
            gids: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_file_is_made_kept_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("u.sock");
        let bound = bind(&listener(&path)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        // It lives.
        let again = bind(&listener(&path)).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse, "{again}");
        drop(bound);
        assert!(!path.exists());
        // A dead one's file is replaced.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let bound = bind(&listener(&path)).unwrap();
        // A file that is another's by now stays.
        std::fs::remove_file(&path).unwrap();
        let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(bound);
        assert!(path.exists());
        drop(other);
        // What is no socket is not touched.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "mine").unwrap();
        let refused = bind(&listener(&path)).unwrap_err();
        assert!(refused.to_string().contains("no socket"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }

    #[tokio::test]
    async fn the_kernel_tells_who_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("u.sock");
        let bound = bind(&listener(&path)).unwrap();
        let client = tokio::net::UnixStream::connect(&path).await.unwrap();
        let (server, _) = bound.socket.accept().await.unwrap();
        let process = peer(&server).unwrap();
        assert_eq!(process.uid, rustix::process::geteuid().as_raw());
        assert_eq!(process.pid, Some(std::process::id()));
        drop(client);
    }
}
