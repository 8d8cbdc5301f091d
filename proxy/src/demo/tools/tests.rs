//! The tool server over real sockets, spoken to byte by byte so that nothing helps it along.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{errands::KEY_HALVES, *};

const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

async fn server() -> Server {
    let shutdown = CancellationToken::new();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (address, task) = serve(any, shutdown.clone()).await.unwrap();
    Server { address, task, shutdown }
}

impl Server {
    /// Sends one request on a connection of its own; gives the whole answer.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = self.begin(method, path, headers, body).await;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    async fn begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let host = self.address.to_string();
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {host}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all((head + body).as_bytes()).await.unwrap();
        stream
    }

    /// Calls a tool as a stateless client does; gives every message of the answer.
    async fn call(&self, path: &str, name: &str, params: Value) -> Vec<Value> {
        let (headers, body) = stateless(name, params);
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = self.send("POST", path, &headers, &body).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.lines()
            .filter_map(|line| serde_json::from_str(line.trim_start_matches("data: ")).ok())
            .filter(Value::is_object)
            .collect()
    }

    async fn seen(&self) -> Value {
        let answer = self.send("GET", "/_seen", &[], "").await;
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

fn stateless(name: &str, mut params: Value) -> (Vec<(&'static str, String)>, String) {
    params["name"] = name.into();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        "progressToken": "p",
    });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let headers = vec![
        ("content-type", "application/json".into()),
        ("accept", "application/json, text/event-stream".into()),
        ("mcp-protocol-version", "2026-07-28".into()),
        ("mcp-method", "tools/call".into()),
        ("mcp-name", name.into()),
    ];
    (headers, message.to_string())
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
    "protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"0"}}}"#;
const JSON: (&str, &str) = ("content-type", "application/json");
const BOTH: (&str, &str) = ("accept", "application/json, text/event-stream");

#[tokio::test]
async fn requests_are_answered_as_they_should() {
    let server = server().await;
    let cases = [
        ("GET", "/healthz", &[][..], "", "200 OK", "ok"),
        ("GET", "/api/orders/7", &[], "", "200 OK", r#""id":"7""#),
        ("POST", "/api/orders", &[JSON], r#"{"a":1}"#, "201 Created", r#""order":{"a":1}"#),
        ("POST", "/api/orders", &[JSON], "{", "400 Bad Request", ""),
        ("GET", "/api/stream?events=3&gap_ms=1", &[], "", "200 OK", r#"{"event":3,"of":3}"#),
        ("GET", "/api/stream?events=1001", &[], "", "400 Bad Request", "at most"),
        ("POST", "/mcp", &[JSON, BOTH], INITIALIZE, "200 OK", "mcp-session-id: "),
        ("POST", "/mcp", &[JSON, BOTH], INITIALIZE, "200 OK", r#""protocolVersion":"2025-11-25""#),
        ("POST", "/conformance", &[JSON, BOTH], INITIALIZE, "200 OK", "mcp-session-id: "),
        ("POST", "/mcp", &[JSON, BOTH, ("host", "evil.example")], INITIALIZE, "403", ""),
        ("POST", "/mcp", &[JSON, BOTH, ("origin", "http://evil.example")], INITIALIZE, "403", ""),
        ("POST", "/mcp", &[JSON, BOTH, ("origin", "http://localhost:1")], INITIALIZE, "200 OK", ""),
    ];
    for (method, path, headers, body, status, holds) in cases {
        let answer = server.send(method, path, headers, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains(holds), "{path}: {answer}");
    }
}

#[tokio::test]
async fn tools_answer_in_text_and_in_structure_alike() {
    let server = server().await;
    let cases = [
        ("get_weather", json!({ "city": "Oslo" }), json!("Oslo"), "city"),
        ("read_customer", json!({ "id": "c-1" }), json!(errands::CARD), "card"),
        ("read_customer", json!({ "id": "c-1" }), json!(errands::EMAIL), "email"),
    ];
    for (name, arguments, value, field) in cases {
        let answer = server.call("/mcp", name, json!({ "arguments": arguments })).await;
        let result = &answer[0]["result"];
        let twin: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(result["structuredContent"][field], value, "{name}");
        assert_eq!(twin, result["structuredContent"], "{name}");
    }
}

#[tokio::test]
async fn what_is_beyond_a_limit_is_refused_in_words() {
    let server = server().await;
    let cases = [
        ("/mcp", "slow", json!({ "ms": 120_001 })),
        ("/mcp", "stream_report", json!({ "steps": 101 })),
    ];
    for (path, name, arguments) in cases {
        let answer = server.call(path, name, json!({ "arguments": arguments })).await;
        let result = &answer[0]["result"];
        assert_eq!(result["isError"], true, "{name}");
        assert!(result["content"][0]["text"].as_str().unwrap().ends_with("is the most"), "{name}");
    }
}

#[tokio::test]
async fn the_report_tells_its_key_over_two_messages() {
    let server = server().await;
    let answer = server.call("/mcp", "stream_report", json!({ "arguments": { "steps": 3 } })).await;
    let told: Vec<&str> =
        answer.iter().filter_map(|message| message["params"]["message"].as_str()).collect();
    assert_eq!(told.len(), 3);
    assert!(told.concat().contains(&KEY_HALVES.concat()));
    assert_eq!(answer.last().unwrap()["result"]["isError"], false);
}

#[tokio::test]
async fn a_state_that_was_not_sealed_for_the_call_is_refused() {
    let server = server().await;
    let asks = "test_input_required_result_request_state";
    let other = "test_input_required_result_tampered_state";
    let first = server.call("/conformance", asks, json!({})).await;
    let state = first[0]["result"]["requestState"].as_str().unwrap();
    let responses = json!({ "confirm": { "action": "accept", "content": { "ok": true } } });
    let cases = [
        (asks, state.to_owned(), true),
        (asks, format!("{state}x"), false),
        (asks, "made up".to_owned(), false),
        (other, state.to_owned(), false),
    ];
    for (name, state, taken) in cases {
        let retry = json!({ "inputResponses": responses, "requestState": state });
        let answer = server.call("/conformance", name, retry).await;
        if taken {
            assert_eq!(answer[0]["result"]["content"][0]["text"], "state-ok: true", "{name}");
        } else {
            assert_eq!(answer[0]["error"]["code"], -32602, "{name}");
        }
    }
    // Answers without the state are answers to nothing: the question is put again.
    let answer = server.call("/conformance", asks, json!({ "inputResponses": responses })).await;
    assert_eq!(answer[0]["result"]["resultType"], "input_required");
}

#[tokio::test]
async fn what_was_seen_is_counted_by_name() {
    let server = server().await;
    for name in ["echo", "echo", "delete_branch", "rm -rf", "x1", "x2"] {
        server.call("/mcp", name, json!({ "arguments": {} })).await;
    }
    server.call("/conformance", "test_simple_text", json!({})).await;
    server.send("GET", "/api/orders/7", &[], "").await;
    let seen = server.seen().await;
    let expect = json!({
        "requests": 8,
        "total": 8,
        "tools": { "(unknown)": 3, "delete_branch": 1, "echo": 2, "test_simple_text": 1 },
        "rest": { "GET /api/orders/{id}": 1 },
    });
    assert_eq!(seen, expect);
}

#[tokio::test]
async fn shutdown_ends_what_is_under_way() {
    let server = server().await;
    let (headers, body) = stateless("slow", json!({ "arguments": { "ms": 120_000 } }));
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let mut call = server.begin("POST", "/mcp", &headers, &body).await;
    let path = "/api/stream?events=1000&gap_ms=1000";
    let mut events = server.begin("GET", path, &[], "").await;
    // A first byte says that each is under way, whichever of them comes first.
    events.read_u8().await.unwrap();
    while server.seen().await["total"] != 2 {
        tokio::task::yield_now().await;
    }
    server.shutdown.cancel();
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    let mut rest = Vec::new();
    let _cut = call.read_to_end(&mut rest).await;
}
