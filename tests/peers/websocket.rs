//! Node's own WebSocket and Python's `websockets`, which offer compression, before the gate.
use serde_json::{Value, json};
use tokio::process::Command;
use tollgate_tests::{Certificates, SocketUpstream, World, http_route};

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

/// The same by Python, through a proxy if one is named.
const PYTHON: &str = r#"
import asyncio, json, ssl, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

url, proxy, authority, says = sys.argv[1:]
trust = {"ssl": ssl.create_default_context(cafile=authority)} if authority else {}


async def main():
    async with connect(url, proxy=proxy or None, subprotocols=["chat"], **trust) as socket:
        said = [extension.name for extension in socket.protocol.extensions]
        print(json.dumps({"protocol": socket.subprotocol, "extensions": said}))
        try:
            for text in json.loads(says):
                await socket.send(text)
                print(json.dumps({"said": await socket.recv()}))
            await socket.close(4000, "done")
        except ConnectionClosed:
            pass
        print(json.dumps({"code": socket.close_code, "reason": socket.close_reason}))


asyncio.run(main())
"#;

async fn talk_python(url: &str, proxy: &str, authority: &str, says: &[&str]) -> Vec<Value> {
    let says = json!(says).to_string();
    let mut python = Command::new(peer::python("fastmcp"));
    python.args(["-c", PYTHON, url, proxy, authority, &says]);
    let ended = peer::run(&mut python, peer::DEADLINE).await;
    let lines = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    lines
}

fn token() -> String {
    format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E")
}

fn private_key() -> String {
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj".repeat(4);
    format!("{begin}\n{key}\n{end}")
}

#[tokio::test]
async fn node_speaks_through_the_gate() {
    let upstream = SocketUpstream::start(None).await;
    let mut route = http_route("up", "/up", &upstream.url());
    route["websocket"] = "allow".into();
    let world = World::builder().add_route(route).start().await;
    let token = token();
    let long = "a long message. ".repeat(5000);
    let lines = talk(&world, &["hello", &long, &format!("use {token} now")]).await;
    assert_eq!(lines[0], json!({ "protocol": "chat", "extensions": "" }));
    assert_eq!((&lines[1]["said"], &lines[2]["said"]), (&json!("hello"), &json!(long)));
    let said = lines[3]["said"].as_str().unwrap();
    assert!(said.starts_with("use [") && said.ends_with("] now"), "{said}");
    assert_eq!(lines[4]["code"], 4000, "{lines:?}");
    let heard = upstream.heard();
    assert!(heard.iter().all(|heard| !heard.contains(&token)), "{heard:?}");

    let lines = talk(&world, &[&private_key()]).await;
    assert_eq!(lines.last(), Some(&json!({ "code": 1008, "reason": "DLP_BLOCKED" })));
}

/// On a route and through CONNECT: what a person would say, and what may not be said.
#[tokio::test]
async fn python_speaks_through_the_gate() {
    let certificates = Certificates::shared();
    let (upstream, secured) = (
        SocketUpstream::start(None).await,
        SocketUpstream::start(Some(&certificates.server)).await,
    );
    let mut route = http_route("up", "/up", &upstream.url());
    route["websocket"] = "allow".into();
    let port = secured.address().port();
    let world = World::builder()
        .add_route(route)
        .file("up-ca.pem", certificates.authority.certificate.clone())
        .set(
            "/forward_proxy",
            json!({
                "hosts": ["localhost"], "ports": [port], "websocket": "allow",
                "allow_addresses": ["127.0.0.0/8", "::1"], "tls": { "ca": "up-ca.pem" },
                "intercept": { "certificate": "intercept.pem" },
            }),
        )
        .start()
        .await;
    let proxy = format!("http://{}", world.plain());
    let authority = world.path("intercept.pem").display().to_string();
    let on_route = format!("ws://{}/up/talk", world.plain());
    let through = format!("wss://localhost:{port}/talk");
    for (url, proxy, authority, heard) in [
        (on_route.as_str(), "", "", &upstream),
        (through.as_str(), proxy.as_str(), authority.as_str(), &secured),
    ] {
        let token = token();
        let lines =
            talk_python(url, proxy, authority, &["hello", &format!("use {token} now")]).await;
        assert_eq!(lines[0], json!({ "protocol": "chat", "extensions": [] }), "{url}");
        assert_eq!(lines[1]["said"], "hello");
        let said = lines[2]["said"].as_str().unwrap();
        assert!(said.starts_with("use [") && said.ends_with("] now"), "{said}");
        assert_eq!(lines[3]["code"], 4000, "{lines:?}");
        let lines = talk_python(url, proxy, authority, &["hello", &private_key()]).await;
        assert_eq!(lines.last(), Some(&json!({ "code": 1008, "reason": "DLP_BLOCKED" })), "{url}");
        let heard = heard.heard();
        assert!(heard.iter().any(|heard| heard.contains("hello")), "{heard:?}");
        assert!(
            heard.iter().all(|heard| !heard.contains(&token) && !heard.contains("PRIVATE KEY")),
            "{heard:?}"
        );
    }
}
