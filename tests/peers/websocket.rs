//! Node's own WebSocket, which offers compression, before the gate.
use serde_json::{Value, json};
use tokio::process::Command;
use tollgate_tests::{SocketUpstream, World, http_route};

use crate::peer;

/// Prints what it is sent, a line each, and the close.
const SCRIPT: &str = r#"
const socket = new WebSocket(process.argv[1], ["chat"]);
const says = JSON.parse(process.argv[2]);
const print = (line) => console.log(JSON.stringify(line));
socket.onopen = () => { print({ protocol: socket.protocol, extensions: socket.extensions }); next(); };
const next = () => says.length ? socket.send(says.shift()) : socket.close(4000, "done");
socket.onmessage = (event) => { print({ said: event.data }); next(); };
socket.onclose = (event) => print({ code: event.code, reason: event.reason });
socket.onerror = () => print({ error: true });
"#;

async fn talk(world: &World, says: &[&str]) -> Vec<Value> {
    let url = format!("ws://{}/up/talk", world.plain());
    let says = json!(says).to_string();
    let mut node = Command::new(peer::node());
    let ended = peer::run(node.args(["-e", SCRIPT, &url, &says]), peer::DEADLINE).await;
    let lines = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    lines
}

#[tokio::test]
async fn node_speaks_through_the_gate() {
    let upstream = SocketUpstream::start(None).await;
    let mut route = http_route("up", "/up", &upstream.url());
    route["websocket"] = "allow".into();
    let world = World::builder().add_route(route).start().await;
    let token = format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E");
    let long = "a long message. ".repeat(5000);
    let lines = talk(&world, &["hello", &long, &format!("use {token} now")]).await;
    assert_eq!(lines[0], json!({ "protocol": "chat", "extensions": "" }));
    assert_eq!((&lines[1]["said"], &lines[2]["said"]), (&json!("hello"), &json!(long)));
    let said = lines[3]["said"].as_str().unwrap();
    assert!(said.starts_with("use [") && said.ends_with("] now"), "{said}");
    assert_eq!(lines[4]["code"], 4000, "{lines:?}");
    let heard = upstream.heard();
    assert!(heard.iter().all(|heard| !heard.contains(&token)), "{heard:?}");

    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj".repeat(4);
    let lines = talk(&world, &[&format!("{begin}\n{key}\n{end}")]).await;
    assert_eq!(lines.last(), Some(&json!({ "code": 1008, "reason": "DLP_BLOCKED" })));
}
