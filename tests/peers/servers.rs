//! Servers of others as processes of a test: started, killed without a word, started again.
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tollgate_tests::{until, within};

use crate::peer;

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A server that listens on one port of this machine; killed when dropped.
pub(crate) struct Server {
    command: Vec<String>,
    log: PathBuf,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(command: &[&str], port: u16, log: &Path) -> Self {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let mut server = Self { command, log: log.to_owned(), port, child: None };
        server.up().await;
        server
    }

    /// Starts it again where it was. One that was killed may leave something behind that keeps it
    /// from starting for a moment.
    pub(crate) async fn up(&mut self) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        until("the server to listen", async || {
            let ended = self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
            if ended {
                self.child = Some(self.spawn());
            }
            TcpStream::connect(address).await.ok().map(drop)
        })
        .await;
    }

    fn spawn(&self) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).unwrap();
        let (program, arguments) = self.command.split_first().unwrap();
        Command::new(program)
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("`{program}` does not start ({e}): run `make peers`"))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().and_then(Child::id).expect("the server runs");
        kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), signal).unwrap();
    }

    /// Kills it without a word.
    pub(crate) async fn kill9(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        within("the server's end", child.kill()).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the server said:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

/// Runs one of the scripts in `tests/peers/collectors`; its standard output.
pub(crate) async fn script(
    name: &str,
    arguments: &[&str],
    environment: &[(&str, String)],
) -> Result<String, String> {
    let path = peer::root().join("tests/peers/collectors").join(name);
    let mut command = Command::new(peer::python("sinks"));
    command.arg(path).args(arguments).env_clear();
    command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    let ended = peer::run(&mut command, peer::DEADLINE).await;
    match ended.code {
        Some(0) => Ok(ended.stdout),
        _ => Err(format!("{name} {arguments:?}: {}{}", ended.stdout, ended.stderr)),
    }
}
