//! What several of these tests share: a rulebook, JSON-RPC by hand, the demo's tool server.
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
pub(crate) use tollgate_tests::POLICY_NO_DELETE;
use tollgate_tests::{Answer, RawClient, World, within};

/// The version header of a generation that has sessions.
pub(crate) const SESSIONS: (&str, &str) = ("mcp-protocol-version", "2025-11-25");
/// The version header of the stateless generation.
pub(crate) const STATELESS: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

/// A raw request with a length and these headers.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").bytes());
    }
    if !body.is_empty() || method == "POST" {
        bytes.extend(format!("content-length: {}\r\n", body.len()).bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

/// A raw POST of JSON to `/mcp`, as a client of MCP sends it.
pub(crate) fn post(headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut all = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    all.extend(headers);
    request("POST", "/mcp", &all, body)
}

/// A call of a tool.
pub(crate) fn tool_call(id: Value, tool: &str, arguments: Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

/// Makes a message one of the stateless generation.
pub(crate) fn stateless(mut message: Value) -> Value {
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    message
}

/// Sends one request on a connection of its own.
pub(crate) async fn ask(gate: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    RawClient::connect(gate).await.call(request).await
}

/// The code of a refusal in whatever form it was answered; empty when there is none.
pub(crate) fn refusal_code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let document = match serde_json::from_slice::<Value>(body) {
        Ok(document) => document,
        Err(_) => match events(&text).into_iter().next() {
            Some(event) => event,
            None => return String::new(),
        },
    };
    let one = document.get(0).unwrap_or(&document);
    let places = ["/code", "/error/data/code", "/result/_meta/tollgate~1decision/code"];
    let found = places.iter().find_map(|place| one.pointer(place)?.as_str());
    found.unwrap_or_default().to_owned()
}

/// The JSON documents of an event stream.
pub(crate) fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}

/// The messages of an answer, in JSON or as events.
pub(crate) fn messages(answer: &Answer) -> Vec<Value> {
    match answer.header("content-type") {
        Some("text/event-stream") => events(&answer.text()),
        _ => vec![answer.json()],
    }
}

/// Puts a file in place of another at once, since the gate watches it.
pub(crate) fn swap(path: &Path, content: impl AsRef<[u8]>) {
    let temporary = path.with_extension("swap");
    std::fs::write(&temporary, content).unwrap();
    std::fs::rename(&temporary, path).unwrap();
}

/// Runs the gate's binary to its end: exit code, standard output, standard error.
pub(crate) async fn tollgate(
    args: &[&str],
    environment: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let mut command = Command::new(tollgate_tests::binary());
    command.args(args).env_clear().envs(environment.iter().copied()).kill_on_drop(true);
    let ended = within("the command's end", command.stdin(Stdio::null()).output()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.code(), text(&ended.stdout), text(&ended.stderr))
}

/// Bytes of memory that the gate has now, and had at most.
pub(crate) fn memory(world: &World) -> (usize, usize) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.pid())).unwrap();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    };
    (kib("VmRSS:"), kib("VmHWM:"))
}

/// Asserts that a record is what was written, as an auditor would find out.
pub(crate) async fn verify(spool: &Path) {
    let (code, out, err) = tollgate(&["audit", "verify", spool.to_str().unwrap()], &[]).await;
    assert_eq!(code, Some(0), "the record does not verify: {out}{err}");
}

/// The demo's tool server; ends when dropped.
pub(crate) struct DemoTools {
    address: SocketAddr,
    _child: Child,
}

impl DemoTools {
    /// Starts it on a port of its own.
    pub(crate) async fn start() -> Self {
        let mut child = Command::new(tollgate_tests::binary())
            .args(["demo-tools", "--bind", "127.0.0.1:0"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within("the tool server", lines.next_line()).await.unwrap().unwrap();
        let address = line.strip_prefix("listening on ").expect("it says where").parse().unwrap();
        Self { address, _child: child }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often a tool was called.
    pub(crate) async fn count(&self, tool: &str) -> u64 {
        let answer = ask(self.address, "GET /_seen HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        answer.json()["tools"][tool].as_u64().unwrap_or(0)
    }
}
