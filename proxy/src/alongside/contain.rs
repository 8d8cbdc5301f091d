//! A command in a network of its own, seen from outside it.
//!
//! A helper (this very binary) makes the namespaces, opens the gate's listening sockets inside and
//! hands them out. The gate accepts on them; nothing else connects the two networks, and there is no
//! relay that could be asked for another place. Then the helper becomes the command.
use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::process::{Child, Command};

use super::sockets::Sockets;

/// Why a command was not started: it would have had another way out than the gate.
#[derive(Debug, thiserror::Error)]
pub enum NotContained {
    /// Namespaces, mostly; the helper has said what.
    #[error("the command was not started, since it cannot be contained (see above)")]
    Refused,
    /// Between the two of us.
    #[error("the command was not started, since its network cannot be prepared: {0}")]
    Talk(#[from] std::io::Error),
}

/// How long a helper that hung up may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A network with nobody in it yet but the helper.
pub(super) struct Contained {
    helper: Child,
    talk: UnixStream,
    sockets: Option<Sockets>,
}

impl Contained {
    /// Makes the network and takes its listening sockets. `ports` are those on loopback that lead to the
    /// gate as well.
    pub(super) async fn make(
        folder: &Path,
        bind: SocketAddr,
        ports: &[u16],
        command: &[OsString],
    ) -> Result<Self, NotContained> {
        let place = folder.join("contain.sock");
        let meeting = UnixListener::bind(&place)?;
        let mut helper = Command::new(std::env::current_exe()?)
            .arg("internal-contain")
            .arg("--socket")
            .arg(&place)
            .arg("--bind")
            .arg(bind.to_string())
            .args(ports.iter().map(|port| format!("--port={port}")))
            .arg("--")
            .args(command)
            .kill_on_drop(true)
            .spawn()?;
        let talk = tokio::select! {
            met = meeting.accept() => met?.0,
            _ = helper.wait() => return Err(NotContained::Refused),
        };
        let talk = talk.into_std()?;
        talk.set_nonblocking(false)?;
        let taken = tokio::task::spawn_blocking(move || Ok((Sockets::receive(&talk)?, talk)));
        let taken: std::io::Result<_> = taken.await.map_err(std::io::Error::other)?;
        let (sockets, talk) = match taken {
            Ok(taken) => taken,
            // A helper that gives up hangs up first and says why then.
            Err(error) => {
                return Err(match tokio::time::timeout(LAST_WORDS, helper.wait()).await {
                    Ok(_) => NotContained::Refused,
                    Err(_) => NotContained::Talk(error),
                });
            }
        };
        std::fs::remove_file(&place)?;
        Ok(Self { helper, talk, sockets: Some(sockets) })
    }

    /// The sockets that the command's network has for the gate.
    pub(super) fn sockets(&mut self) -> Option<Sockets> {
        self.sockets.take()
    }

    /// Lets the helper become the command.
    pub(super) async fn release(
        self,
        variables: &[(&'static str, String)],
    ) -> Result<Child, NotContained> {
        let Self { helper, mut talk, .. } = self;
        let variables = serde_json::to_vec(variables).map_err(std::io::Error::other)?;
        let told = tokio::task::spawn_blocking(move || talk.write_all(&variables));
        told.await.map_err(std::io::Error::other)??;
        Ok(helper)
    }
}
