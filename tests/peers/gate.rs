//! The real binary as a gate, and the tool servers behind it.
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::authority::{Authority, Identity};
use crate::peer;

/// The one agent of the registry.
pub(crate) const AGENT: &str = "spiffe://peers.test/agents/walker";
/// The rule that refuses `delete_branch`.
pub(crate) const RULE: &str = "no-branch-delete";

/// A debug build on a busy machine needs a moment; a gate that needs longer is broken.
const START: Duration = Duration::from_secs(30);
/// Between two looks at whether the gate is ready.
const PAUSE: Duration = Duration::from_millis(50);

/// The binary under test: `TOLLGATE_BINARY`, else the one beside this test, built if it is not.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("TOLLGATE_BINARY") {
        Some(path) => path.into(),
        None => build(),
    })
}

/// Cargo builds no binary for the tests of another crate, and one that lies there may be old. With
/// the whole workspace selected the features are those of `make test`, so little is left to do.
fn build() -> PathBuf {
    let status = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--workspace", "--bins"])
        .current_dir(peer::root())
        .stdin(Stdio::null())
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the gate does not build");
    // This test is `<target>/debug/deps/peers-<hash>`.
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("tollgate");
    assert!(path.exists(), "`{}` is missing although it was built", path.display());
    path
}

/// A tool server: MCP at `/mcp` in both generations, and counts of what reached it.
pub(crate) struct Tools {
    address: SocketAddr,
    _child: Child,
}

impl Tools {
    /// The demonstration's own.
    pub(crate) async fn demo() -> Self {
        Self::start(Command::new(binary()).args(["demo-tools", "--bind", "127.0.0.1:0"])).await
    }

    /// The same tools by the Python SDK.
    pub(crate) async fn python() -> Self {
        let script = peer::root().join("tests/peers/server.py");
        let mut command = Command::new(peer::python("py2"));
        Self::start(command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1")).await
    }

    /// Starts it and waits for its first line, which says where it listens.
    async fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the tool server starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(START, lines.next_line())
            .await
            .expect("the tool server says where it listens")
            .unwrap()
            .expect("the tool server did not end before it listened");
        let address = line
            .strip_prefix("listening on ")
            .and_then(|address| address.trim().parse().ok())
            .unwrap_or_else(|| panic!("`listening on ADDRESS` was expected, not `{line}`"));
        // Whatever it says later must not fill the pipe and stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, _child: child }
    }

    /// One of its endpoints, such as `mcp`, without the gate.
    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("http://{}/{endpoint}", self.address)
    }

    /// How often `tool` was reached.
    pub(crate) async fn calls(&self, tool: &str) -> u64 {
        let (status, body) = peer::fetch(self.address, "/_seen").await.expect("counts");
        assert_eq!(status, 200, "{body}");
        let counts: Value = serde_json::from_str(&body).unwrap();
        assert!(counts["tools"].is_object(), "{body}");
        counts["tools"][tool].as_u64().unwrap_or(0)
    }
}

/// A gate in front of a tool server, with a cleartext and a TLS listener.
pub(crate) struct Gate {
    plain: SocketAddr,
    tls: SocketAddr,
    /// Signed the gate's certificate, and signs those of clients that it accepts.
    pub(crate) authority: Authority,
    admin: SocketAddr,
    dir: TempDir,
    child: Child,
}

impl Gate {
    /// One that refuses `delete_branch` and treats secrets as a gate does when not told otherwise.
    pub(crate) async fn strict(tools: &Tools) -> Self {
        let refuse = json!([{
            "id": RULE,
            "description": "Agents do not delete branches.",
            "match": { "tool_name": "delete_branch", "environment": "*" },
            "outcome": "DENY",
        }]);
        Self::start(tools, &refuse, None).await
    }

    /// One that allows everything, and looks for secrets without touching them.
    pub(crate) async fn open(tools: &Tools) -> Self {
        let alert = json!({ "rules": [{ "classes": ["*"], "action": "alert" }] });
        Self::start(tools, &json!([]), Some(alert)).await
    }

    /// Starts it and waits until it is ready.
    async fn start(tools: &Tools, rules: &Value, dlp: Option<Value>) -> Self {
        // A port that was free may be taken by the time the gate binds it.
        for _ in 0..2 {
            let mut gate = Self::spawn(tools, rules, dlp.as_ref());
            match gate.ready().await {
                Ok(()) => return gate,
                Err(log) if log.to_lowercase().contains("in use") => continue,
                Err(log) => panic!("the gate did not become ready; its log ends:\n{log}"),
            }
        }
        panic!("the gate found its ports in use, twice");
    }

    fn spawn(tools: &Tools, rules: &Value, dlp: Option<&Value>) -> Self {
        let dir = TempDir::new().unwrap();
        let [plain, tls, admin] = free_addresses();
        let authority = Authority::new(dir.path(), "authority");
        let bundle = json!({
            "version": "1.0.0",
            "generated_at": "2026-01-01T00:00:00Z",
            "expires_at": "2099-01-01T00:00:00Z",
            "rules": rules,
            "defaults": { "outcome": "ALLOW" },
        });
        let server = authority.server();
        let mut settings = settings(dir.path(), &server, &authority, tools, [plain, tls, admin]);
        if let Some(dlp) = dlp {
            settings["dlp"] = dlp.clone();
        }
        // JSON is YAML too.
        fs::write(dir.path().join("bundle.yaml"), bundle.to_string()).unwrap();
        fs::write(dir.path().join("tollgate.yaml"), settings.to_string()).unwrap();
        let log = fs::File::create(dir.path().join("gate.log")).unwrap();
        let child = Command::new(binary())
            .args(["run", "-c"])
            .arg(dir.path().join("tollgate.yaml"))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the gate starts");
        Self { plain, tls, admin, authority, dir, child }
    }

    /// Waits for a 200 at `/ready`; the end of the log when it does not come.
    async fn ready(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < START {
            if let Ok((200, _)) = peer::fetch(self.admin, "/ready").await {
                return Ok(());
            }
            if self.child.try_wait().unwrap().is_some() {
                break;
            }
            sleep(PAUSE).await;
        }
        Err(self.log_tail())
    }

    /// An endpoint of the tool server, such as `mcp`, through the cleartext listener.
    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("http://{}/tools/{endpoint}", self.plain)
    }

    /// The tools' MCP endpoint through TLS.
    pub(crate) fn tls_url(&self) -> String {
        format!("https://localhost:{}/tools/mcp", self.tls.port())
    }

    /// Whether the record or the gate's own log holds these words anywhere.
    pub(crate) fn kept(&self, words: &str) -> bool {
        let mut files = vec![self.dir.path().join("gate.log")];
        collect(&self.dir.path().join("spool"), &mut files);
        assert!(files.len() > 1, "the gate kept no record");
        files.iter().any(|file| {
            let bytes = fs::read(file).unwrap();
            bytes.windows(words.len()).any(|window| window == words.as_bytes())
        })
    }

    /// The folder of this gate, for certificates of further clients.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.dir.path().join("gate.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the gate's log ends:\n{}", self.log_tail());
        }
    }
}

fn settings(
    dir: &Path,
    server: &Identity,
    authority: &Authority,
    tools: &Tools,
    [plain, tls, admin]: [SocketAddr; 3],
) -> Value {
    json!({
        "version": 1,
        "listeners": [
            { "type": "plain", "name": "plain", "bind": plain, "agent": AGENT },
            {
                "type": "tls", "name": "tls", "bind": tls,
                "certificate": server.certificate, "key": server.key,
                "client_ca": authority.certificate,
            },
        ],
        "agents": [{ "id": AGENT, "trust": "verified" }],
        "routes": [{
            "name": "tools",
            "match": { "prefix": "/tools" },
            "protocol": "mcp",
            "upstream": {
                "url": format!("http://{}", tools.address),
                "allow_addresses": ["127.0.0.0/8"],
            },
        }],
        "policy": { "bundle": dir.join("bundle.yaml") },
        // A suite makes more calls in a minute than a person's agent.
        "limits": { "agent_per_minute": 100_000, "agent_tool_per_minute": 100_000 },
        "audit": { "spool": dir.join("spool") },
        "admin": { "bind": admin },
    })
}

/// Held together, so that they differ; then given up for the gate to take.
fn free_addresses() -> [SocketAddr; 3] {
    let held = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
