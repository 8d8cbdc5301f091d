//! A gate in a process of its own.
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long a gate may take to start.
const START: Duration = Duration::from_secs(30);

/// A running gate, killed when dropped.
pub(crate) struct Gate {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    _dir: TempDir,
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gate {
    /// Starts one with these settings and this rulebook (`policy.yaml` beside them). Files that the
    /// settings name are written by `files` into the gate's directory first.
    pub(crate) fn start(
        mut command: Command,
        dir: &Path,
        (settings, policy): (&Value, &str),
        files: impl FnOnce(&Path),
    ) -> Self {
        let dir = tempfile::Builder::new().prefix("gate-").tempdir_in(dir).expect("a directory");
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("tollgate.yaml"), settings.to_string()).expect("it is written");
        std::fs::write(path("policy.yaml"), policy).expect("it is written");
        files(dir.path());
        let log = path("log");
        let child = command
            .args(["run", "--config"])
            .arg(path("tollgate.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("a gate");
        let began = Instant::now();
        let address = loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(address) = listening(&text) {
                break address;
            }
            assert!(began.elapsed() < START, "the gate did not start:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        };
        Self { child, address, _dir: dir }
    }
}

/// The address of the listener, once the log tells it.
fn listening(log: &str) -> Option<SocketAddr> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told = lines.filter(|line| line.pointer("/message") == Some(&"listening".into()));
    told.find_map(|line| line.get("address")?.as_str()?.parse().ok())
}
