//! The record in the formats that others read, before judges that are not ours: readers of CEF,
//! the published shapes of OCSF's classes, and two more canonicalizers. What an agent can put into
//! a name is in all of it.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tollgate_audit::{Chain, Entry};

use crate::gate::{Gate, Tools, binary};
use crate::made::{any_facts, key, of_every_type, seal};
use crate::peer;

/// Names that try to end a line, a field or a value, or to be one.
const HOSTILE: [&str; 12] = [
    "a=b c|d",
    "pipe | back \\ eq = here",
    "x\nCEF:0|Tollgate|x|1|ALLOW|forged|1|act=allow",
    "line1\nline2\r\nline3",
    "C:\\dir\\n.txt",
    "ends with backslash\\",
    " leading and double  space ",
    "act=allow cs1=forged payload={}",
    "tab\there",
    "naïve “quotes” 日本 😀",
    "\u{202e}\u{2028}\u{85}",
    "\"},\"class_uid\":0,{\"",
];
/// Made up, with the check sum that the form has; see `walk.rs`.
const SECRET: &str = concat!("ghp", "_", "q7Zt2LmX9bWc4Rf8Kd1Hs6Jn3Gv5Yp0TaUeE");
/// Events of any kind beside one of every type.
const EVENTS: usize = 300;
/// Between two looks at the record.
const PAUSE: Duration = Duration::from_millis(50);

/// Posts one message to the tools as an agent of the older MCP generation does.
async fn post(gate: &Gate, path: &str, message: &Value) {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "30"]);
    curl.args(["--header", "Content-Type: application/json"]);
    curl.args(["--header", "Accept: application/json, text/event-stream"]);
    curl.args(["--data-binary", &message.to_string()]).arg(gate.url(path));
    let ended = peer::run(&mut curl, peer::DEADLINE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

fn call(tool: &str, arguments: Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

fn exported(from: &Path, format: &str) -> (Option<i32>, String) {
    let done = std::process::Command::new(binary())
        .args(["audit", "export", "--to", format])
        .arg(from)
        .output()
        .unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap())
}

/// The record of a gate whose agent is hostile: calls that pass, that are refused by name and for
/// what is in them, and a connection without a certificate.
async fn record(gate: &Gate) -> PathBuf {
    for name in HOSTILE {
        post(gate, "mcp", &call(name, json!({}))).await;
        post(gate, "mcp", &json!({ "jsonrpc": "2.0", "id": 1, "method": name })).await;
    }
    post(gate, "mcp", &call("delete_branch", json!({}))).await;
    post(gate, "mcp", &call("echo", json!({ "text": SECRET }))).await;
    post(gate, "mcp?a=b%20c|d\\", &call("echo", json!({}))).await;
    post(gate, "a=b%20c%7Cd%5C%0Ae/%F0%9F%98%80", &call("echo", json!({}))).await;
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--insecure", "--noproxy", "*", "--max-time", "30"]);
    peer::run(curl.arg(gate.tls_url()), peer::DEADLINE).await;
    let spool = gate.dir().join("spool");
    // A call is in the record before it is answered; a handshake that failed has no answer.
    for _ in 0..600 {
        if exported(&spool, "jsonl").1.contains("\"IDENTITY_MISSING\"") {
            return spool;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("the record does not tell of the last connection");
}

/// A chain of one event of every type and of many of any kind, in a file.
fn made(dir: &Path) -> PathBuf {
    let mut runner = TestRunner::deterministic();
    let any = any_facts();
    let any = (0..EVENTS).map(|_| any.new_tree(&mut runner).unwrap().current());
    let (mut chain, key) = (Chain::new(), key());
    let lines: String =
        of_every_type().chain(any).map(|facts| seal(&mut chain, &key, facts).to_line()).collect();
    let path = dir.join("events.jsonl");
    fs::write(&path, lines).unwrap();
    path
}

/// Exports once as JSON lines and once in that format; both of the same events, though a gate may
/// write on in between.
fn both(from: &Path, dir: &Path, format: &str) -> (PathBuf, PathBuf) {
    let copy = dir.join("copy.jsonl");
    let (code, lines) = exported(from, "jsonl");
    assert_eq!(code, Some(0));
    fs::write(&copy, lines).unwrap();
    let (code, lines) = exported(&copy, format);
    assert_eq!(code, Some(0));
    let path = dir.join(format);
    fs::write(&path, lines).unwrap();
    (copy, path)
}

/// Runs a judge and returns what it says.
async fn judge(script: &str, files: &[&Path]) -> String {
    let path = judges().join(script);
    let mut command = match script.ends_with(".mjs") {
        true => Command::new(peer::node()),
        false => Command::new(peer::python("formats")),
    };
    command.env("PYTHONUTF8", "1").arg(path).args(files);
    let ended = peer::run(&mut command, peer::DEADLINE).await;
    assert_eq!(ended.code, Some(0), "{script}: {}{}", ended.stdout, ended.stderr);
    ended.stdout
}

fn judges() -> PathBuf {
    peer::root().join("tests/peers/judges")
}

async fn judge_cef(from: &Path, dir: &Path) {
    let (events, lines) = both(from, dir, "cef");
    let count = fs::read_to_string(&events).unwrap().lines().count();
    let said = judge("cef.py", &[&events, &lines, &judges().join("cef.rulebase")]).await;
    for reader in ["pycef", "jc", "liblognorm"] {
        let read = format!("{reader}: {count} lines read as they were written");
        assert!(said.contains(&read), "{said}");
    }
}

async fn judge_ocsf(from: &Path, dir: &Path, classes: &[&str]) {
    let (_, events) = both(from, dir, "ocsf");
    let said = judge("ocsf.py", &[&events]).await;
    for class in classes {
        assert!(said.contains(&format!("{class}: ")), "no {class}: {said}");
    }
}

#[tokio::test]
async fn a_hostile_agents_record() {
    let tools = Tools::demo().await;
    let gate = Gate::strict(&tools).await;
    let spool = record(&gate).await;
    let dir = TempDir::new().unwrap();
    judge_cef(&spool, dir.path()).await;
    let classes =
        ["API Activity", "Application Lifecycle", "Authentication", "Data Security Finding"];
    judge_ocsf(&spool, dir.path(), &classes).await;
    // And each copy verifies.
    for format in ["cef", "leef", "ocsf"] {
        let (_, copy) = both(&spool, dir.path(), format);
        let mut verify = Command::new(binary());
        verify.args(["audit", "verify", "--from", format, "--signers"]);
        verify.arg(spool.join("signers.json")).arg(copy);
        let ended = peer::run(&mut verify, peer::DEADLINE).await;
        assert_eq!(ended.code, Some(0), "{format}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.starts_with("sound: "), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn any_event_in_cef() {
    let dir = TempDir::new().unwrap();
    judge_cef(&made(dir.path()), dir.path()).await;
}

#[tokio::test]
async fn any_event_in_ocsf() {
    let dir = TempDir::new().unwrap();
    let classes = [
        "API Activity",
        "Account Change",
        "Application Lifecycle",
        "Authentication",
        "Data Security Finding",
        "Detection Finding",
        "Entity Management",
        "Event Log Activity",
    ];
    judge_ocsf(&made(dir.path()), dir.path(), &classes).await;
}

/// The same value, its keys the other way round.
fn turned(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(turned).collect(),
        Value::Object(map) => {
            map.iter().rev().map(|(key, value)| (key.clone(), turned(value))).collect()
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn two_more_canonicalizers() {
    let dir = TempDir::new().unwrap();
    let text = fs::read_to_string(made(dir.path())).unwrap();
    let mut count = 0;
    let mut cases = String::new();
    for line in text.lines() {
        let entry = Entry::parse(line.as_bytes()).unwrap();
        // The hash of a chain's first event is that of the payload alone.
        let hash = tollgate_audit::event_hash(entry.canonical(), None).to_string();
        let payload = turned(entry.payload());
        let case = json!({ "payload": payload, "canonical": entry.canonical(), "hash": hash });
        cases.push_str(&format!("{case}\n"));
        count += 1;
    }
    let path = dir.path().join("payloads.jsonl");
    fs::write(&path, cases).unwrap();
    for script in ["canonical.py", "canonical.mjs"] {
        assert_eq!(judge(script, &[&path]).await, format!("{count} payloads agree\n"));
    }
}
