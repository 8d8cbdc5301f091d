//! The record of a real gate, before judges that are not ours: a Merkle tree and Ed25519 from PyPI,
//! and the script of the page that says how to verify by hand.
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::gate::{Gate, Tools, binary};
use crate::peer::{self, Ended};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"curl","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
/// Each leaves an intent and an outcome; with the gate's own events that is more than 16, so the
/// tree has every shape of up to four bits.
const CALLS: usize = 9;
const EVENTS: usize = 2 * CALLS;
/// A short while for an outcome that is written behind its answer.
const PAUSE: Duration = Duration::from_millis(50);

/// A copy of the lines that a gate at work has written by now, with what verifies and signs them.
struct Record {
    dir: TempDir,
    lines: Vec<String>,
}

impl Record {
    async fn of_a_gate() -> Self {
        let tools = Tools::demo().await;
        let gate = Gate::strict(&tools).await;
        for _ in 0..CALLS {
            call(&gate).await;
        }
        let spool = gate.dir().join("spool");
        let mut lines = read_lines(&spool);
        for _ in 0..600 {
            if lines.len() >= EVENTS {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            lines = read_lines(&spool);
        }
        assert!(lines.len() >= EVENTS, "the record has only {} events", lines.len());
        let dir = TempDir::new().unwrap();
        for name in ["signers.json", "signing-key.pem"] {
            fs::copy(spool.join(name), dir.path().join(name)).unwrap();
        }
        let key = dir.path().join("signing-key.pem");
        fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
        let record = Self { dir, lines };
        record.write(record.lines.len());
        record
    }

    /// The record as it was when it had so many events.
    fn write(&self, size: usize) {
        fs::write(self.events(), self.lines[..size].concat()).unwrap();
    }

    fn events(&self) -> PathBuf {
        self.path("events-000000000001.jsonl")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn id(&self, number: usize) -> String {
        let event: Value = serde_json::from_str(&self.lines[number]).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }

    async fn prove(&self, number: usize, out: &Path) {
        let mut command = Command::new(binary());
        command.args(["audit", "prove", &self.id(number)]).arg(self.dir.path());
        // The gate signs notes at checkpoints; here every size has one.
        command.arg("--key").arg(self.path("signing-key.pem"));
        let ended = peer::run(command.arg("--out").arg(out), peer::DEADLINE).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }

    async fn judge(&self, proofs: &[PathBuf]) -> Ended {
        let mut command = Command::new(peer::python("judge"));
        command.arg(peer::root().join("tests/peers/judge.py"));
        command.arg(self.path("signers.json")).arg(self.events()).args(proofs);
        peer::run(&mut command, peer::DEADLINE).await
    }

    /// Runs the page's script beside the record.
    async fn by_hand(&self) -> Ended {
        let script = self.path("by_hand.py");
        fs::write(&script, script_of_the_page()).unwrap();
        let mut command = Command::new(peer::python("judge"));
        peer::run(command.arg(script).current_dir(self.dir.path()), peer::DEADLINE).await
    }
}

async fn call(gate: &Gate) {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "30"]);
    curl.args(["--fail", "--data-binary", LIST]);
    for header in [
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/list",
    ] {
        curl.args(["--header", header]);
    }
    let ended = peer::run(curl.arg(gate.url("mcp")), peer::DEADLINE).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

/// Whole lines, with their ends. So few events are in one segment.
fn read_lines(spool: &Path) -> Vec<String> {
    let text = fs::read_to_string(spool.join("events-000000000001.jsonl")).unwrap_or_default();
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines.map(str::to_owned).collect()
}

/// The one Python script of the audit crate's page.
fn script_of_the_page() -> String {
    let page = fs::read_to_string(peer::root().join("proxy/audit/README.md")).unwrap();
    let mut scripts = page.split("```python\n").skip(1);
    let script = scripts.next().and_then(|rest| rest.split("\n```").next());
    let script = script.expect("the page has a script in Python").to_owned();
    assert!(scripts.next().is_none(), "the page has two scripts; which is meant?");
    script
}

#[tokio::test]
async fn another_tree_and_another_ed25519_agree_with_every_proof() {
    let record = Record::of_a_gate().await;
    let mut proofs = Vec::new();
    for size in 1..=record.lines.len() {
        record.write(size);
        let mut numbers = vec![0, size / 2, size - 1];
        numbers.dedup();
        for number in numbers {
            let out = record.path(&format!("{number}-of-{size}.tlog-proof"));
            record.prove(number, &out).await;
            proofs.push(out);
        }
    }
    let ended = record.judge(&proofs).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told: Value = serde_json::from_str(ended.stdout.trim()).unwrap();
    assert_eq!(told["proofs"], proofs.len());
    let sizes: Vec<usize> = (1..=record.lines.len()).collect();
    assert_eq!(told["sizes"], Value::from(sizes));
    // A judge that says yes to everything is none.
    let last = proofs.last().unwrap();
    let text = fs::read_to_string(last).unwrap();
    for (from, to) in
        [("\nindex ", "\nindex 1"), ("\ntollgate/", "\nother/"), ("extra e", "extra f")]
    {
        let changed = record.path("changed.tlog-proof");
        fs::write(&changed, text.replacen(from, to, 1)).unwrap();
        let ended = record.judge(&[changed]).await;
        assert_eq!(ended.code, Some(1), "{from:?} to {to:?}: {}", ended.stdout);
    }
}

#[tokio::test]
async fn the_page_that_says_how_to_verify_by_hand_is_true() {
    let record = Record::of_a_gate().await;
    let ended = record.by_hand().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut command = Command::new(binary());
    command.args(["audit", "verify", "--json"]).arg(record.dir.path());
    let verified = peer::run(&mut command, peer::DEADLINE).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    let answer: Value = serde_json::from_str(&verified.stdout).unwrap();
    let (count, head) = (record.lines.len(), answer["summary"]["head_hash"].as_str().unwrap());
    assert_eq!(ended.stdout.trim(), format!("{count} events, head {head}"));
    // Each kind of change stops the script, too.
    let changes: [fn(&mut Vec<String>); 4] = [
        |lines| lines[3] = lines[3].replacen("\"v\":1", "\"v\":2", 1),
        |lines| lines.swap(3, 4),
        |lines| drop(lines.remove(0)),
        |lines| lines[3] = lines[3].replacen("\"actor\":\"", "\"actor\":\"x", 1),
    ];
    for (nth, change) in changes.iter().enumerate() {
        let mut lines = record.lines.clone();
        change(&mut lines);
        assert_ne!(lines, record.lines, "change {nth}");
        fs::write(record.events(), lines.concat()).unwrap();
        let ended = record.by_hand().await;
        assert_eq!(ended.code, Some(1), "change {nth}: {}", ended.stdout);
    }
}
