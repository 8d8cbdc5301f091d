//! WebSocket: each message is read whole and inspected, whatever it was cut into.
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use rustix::process::Signal;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tollgate_tests::{
    Builder, Certificates, OTHER_AGENT, RawClient, SocketUpstream, Step, Upstream, World,
    http_route, within,
};

use crate::kit::{ask, refusal_code, request};

/// A card, and a token that is redacted on its way out; in pieces, so that nobody takes this file
/// for a leak.
const CARD: &str = "4111 1111 1111 1111";

fn token() -> String {
    format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E")
}

fn private_key() -> String {
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    format!(
        "{begin}\n{}\n{end}",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj".repeat(4)
    )
}

fn to(url: &str) -> Builder {
    let mut route = http_route("up", "/up", url);
    route["websocket"] = "allow".into();
    World::builder().add_route(route)
}

type Client = WebSocketStream<TcpStream>;

async fn open(world: &World, path: &str) -> Client {
    let stream = TcpStream::connect(world.plain()).await.unwrap();
    let (client, answer) = shake(stream, &format!("ws://localhost{path}"), &[]).await;
    assert_eq!(answer.status(), 101);
    client
}

pub(crate) async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    url: &str,
    headers: &[(&'static str, &str)],
) -> (WebSocketStream<S>, http::Response<Option<Vec<u8>>>) {
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    within("a handshake", tokio_tungstenite::client_async(request, stream)).await.unwrap()
}

/// The next message; a close as its code and reason, and an end as nothing.
pub(crate) async fn next<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut WebSocketStream<S>,
) -> String {
    match within("a message", client.next()).await {
        Some(Ok(Message::Text(text))) => text.to_string(),
        Some(Ok(Message::Binary(bytes))) => format!("bytes {}", hex::encode(bytes)),
        Some(Ok(Message::Ping(carried))) => format!("ping {}", String::from_utf8_lossy(&carried)),
        Some(Ok(Message::Pong(carried))) => format!("pong {}", String::from_utf8_lossy(&carried)),
        Some(Ok(Message::Close(said))) => {
            let said = said.map(|said| format!(" {} {}", u16::from(said.code), said.reason));
            format!("close{}", said.unwrap_or_default())
        }
        Some(Ok(Message::Frame(_))) => "a raw frame".to_owned(),
        Some(Err(_)) | None => String::new(),
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut WebSocketStream<S>,
    text: &str,
) -> String {
    client.send(Message::text(text)).await.unwrap();
    next(client).await
}

fn frame(opcode: Data, payload: &[u8], last: bool) -> Message {
    Message::Frame(Frame::message(payload.to_vec(), OpCode::Data(opcode), last))
}

/// What the record says of the call with this number.
async fn outcome(world: &World, nth: usize) -> Value {
    world.wait_outcomes(nth + 1).await[nth]["payload"]["data"].clone()
}

fn assert_nothing_leaked(world: &World, canaries: &[&str]) {
    let written = world.everything_written();
    let written = String::from_utf8_lossy(&written);
    for canary in canaries {
        assert!(!written.contains(canary), "`{canary}` was written");
    }
}

#[tokio::test]
async fn messages_go_both_ways_and_are_recorded() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url()).start().await;
    let stream = TcpStream::connect(world.plain()).await.unwrap();
    let offers = [
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("x-forwarded-for", "10.0.0.1"),
    ];
    let (mut client, answer) = shake(stream, "ws://localhost/up/talk?a=1", &offers).await;
    assert!(answer.headers().contains_key("tollgate-receipt"));
    assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
    assert!(!answer.headers().contains_key("x-more"), "{answer:?}");
    let heads = upstream.handshakes();
    assert_eq!(heads[0][0], "GET /talk?a=1");
    let says = |word: &str| heads[0].iter().any(|line| line.contains(word));
    assert!(!says("sec-websocket-extensions") && !says("x-forwarded-for"), "{heads:?}");

    assert_eq!(exchange(&mut client, "hello").await, "hello");
    assert_eq!(exchange(&mut client, r#"{ "a" : [1, 2.50] }"#).await, r#"{"a":[1,2.50]}"#);
    assert_eq!(exchange(&mut client, "").await, "");
    // Bytes that are text are read as text.
    client.send(Message::binary(&b"{\"n\": 1}"[..])).await.unwrap();
    assert_eq!(next(&mut client).await, format!("bytes {}", hex::encode("{\"n\":1}")));
    // A ping goes all the way, and what it carries does not.
    client.send(Message::Ping("from client".into())).await.unwrap();
    assert_eq!(next(&mut client).await, "pong from client");
    assert_eq!(exchange(&mut client, "ping").await, "ping ");
    assert_eq!(exchange(&mut client, "still here").await, "still here");
    assert!(upstream.heard().contains(&"ping ".to_owned()), "{:?}", upstream.heard());

    let bye = CloseFrame { code: 4001.into(), reason: "done".into() };
    client.close(Some(bye)).await.unwrap();
    assert_eq!(next(&mut client).await, "close 4001 ");
    let outcome = outcome(&world, 0).await;
    let intent = &world.events_of("call.intent")[0];
    assert_eq!(outcome["intent"], intent["id"], "{outcome}");
    for (key, value) in [
        ("outcome", json!("closed")),
        ("closed_by", json!("client")),
        ("closed_for", json!("closed")),
        ("close_code", json!(4001)),
        ("status", json!(101)),
        ("messages_out", json!(6)),
        ("messages_in", json!(5)),
    ] {
        assert_eq!(outcome[key], value, "{key} in {outcome}");
    }
    assert!(outcome["bytes_in"].as_u64().unwrap() > 20, "{outcome}");
    assert!(upstream.heard().contains(&"close 4001 done".to_owned()), "{:?}", upstream.heard());
    assert_eq!(world.metric("tollgate_websockets").await, 0.0);
    assert_eq!(world.metric("tollgate_calls_in_flight").await, 0.0);
    assert!(
        world.metrics().await.contains("tollgate_websocket_messages_total{direction=\"answer\"} 5")
    );
}

#[tokio::test]
async fn secrets_do_not_leave_in_any_cut() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url()).start().await;
    let token = token();
    let mut client = open(&world, "/up/a").await;
    // Whole, in JSON, and cut over frames with a ping between them.
    let came = exchange(&mut client, &format!("use {token} now")).await;
    assert!(came.starts_with("use [") && came.ends_with("] now"), "{came}");
    let came = exchange(&mut client, &json!({ "deep": [{ "key": token }] }).to_string()).await;
    assert!(came.starts_with(r#"{"deep":[{"key":"["#), "{came}");
    let (one, two) = token.split_at(17);
    client.send(frame(Data::Text, format!("use {one}").as_bytes(), false)).await.unwrap();
    client.send(Message::Ping("x".into())).await.unwrap();
    client.send(frame(Data::Continue, two.as_bytes(), false)).await.unwrap();
    client.send(frame(Data::Continue, b" now", true)).await.unwrap();
    assert_eq!(next(&mut client).await, "pong x");
    let came = next(&mut client).await;
    assert!(came.starts_with("use [") && came.ends_with("] now"), "{came}");
    client.send(Message::binary(token.clone().into_bytes())).await.unwrap();
    let came = next(&mut client).await;
    assert!(!came.contains(&hex::encode(&token)), "{came}");
    // A private key is not redacted: nothing of its message leaves.
    client.send(Message::text(private_key())).await.unwrap();
    assert_eq!(next(&mut client).await, "close 1008 DLP_BLOCKED");
    let heard = upstream.wait_heard(7).await;
    assert!(
        heard.iter().all(|heard| !heard.contains(&token) && !heard.contains("MIIE")),
        "{heard:?}"
    );
    assert!(heard.contains(&"close 1001 ".to_owned()), "{heard:?}");
    let outcome = outcome(&world, 0).await;
    assert_eq!((&outcome["outcome"], &outcome["code"]), (&json!("cut"), &json!("DLP_BLOCKED")));
    assert_eq!(outcome["close_code"], 1008);
    let findings = outcome["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 5, "{outcome}");
    assert!(findings.iter().all(|finding| finding["part"] == "message"), "{outcome}");
    assert_eq!(world.metric("tollgate_refusals_total{code=\"DLP_BLOCKED\"}").await, 1.0);
    assert_nothing_leaked(&world, &[&token, one, "MIIEvQIBADAN"]);
}

#[tokio::test]
async fn a_secret_in_several_messages_is_seen() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url()).start().await;
    let mut client = open(&world, "/up/a").await;
    for piece in ["AKIAQ7X", "W2RB4KD"] {
        let text = json!({ "note": piece }).to_string();
        assert_eq!(exchange(&mut client, &text).await, text);
    }
    client.send(Message::text(json!({ "note": "TS6VNZ" }).to_string())).await.unwrap();
    assert_eq!(next(&mut client).await, "close 1008 EXFIL_FRAGMENTS");
    assert_eq!(outcome(&world, 0).await["code"], "EXFIL_FRAGMENTS");
}

#[tokio::test]
async fn answers_are_masked_as_they_stream_or_withheld() {
    let upstream = SocketUpstream::start(None).await;
    let rules = json!([
        { "classes": ["pci.*"], "direction": "answer", "action": "mask" },
        { "classes": ["secret.github"], "direction": "answer", "action": "block" },
        { "classes": ["secret.*"], "direction": "request", "action": "allow" },
        { "classes": ["pci.*"], "direction": "request", "action": "allow" },
    ]);
    let world = to(&upstream.url()).set("/dlp", json!({ "rules": rules })).start().await;
    let mut client = open(&world, "/up/a").await;
    let masked = exchange(&mut client, &format!("say paid with {CARD}, thank you")).await;
    assert_eq!(masked, "paid with **** **** **** 1111, thank you");
    let masked = exchange(&mut client, &format!(r#"say {{"n":1,"card":"{CARD}"}}"#)).await;
    assert_eq!(masked, r#"{"n":1,"card":"**** **** **** 1111"}"#);
    let bytes = format!("bytes {}", hex::encode(format!("card {CARD}.")));
    let masked = exchange(&mut client, &bytes).await;
    assert_eq!(masked, format!("bytes {}", hex::encode("card **** **** **** 1111.")));
    // In pieces, a message each, as a model writes.
    for piece in ["4111 11", "11 1111", " 1111", " ends"] {
        let say = format!(r#"say {{"delta":"{piece}"}}"#);
        client.send(Message::text(say)).await.unwrap();
    }
    let mut text = String::new();
    for _ in 0..4 {
        let message: Value = serde_json::from_str(&next(&mut client).await).unwrap();
        text += message["delta"].as_str().unwrap();
    }
    assert_eq!(text, "**** **** **** 1111 ends");
    // The stream goes on.
    assert_eq!(exchange(&mut client, "hello").await, "hello");
    // What nobody can read passes as an answer of that kind does, and is told.
    assert_eq!(exchange(&mut client, "bytes fffe00").await, "bytes fffe00");
    client.send(Message::text(format!("say the token is {}", token()))).await.unwrap();
    assert_eq!(next(&mut client).await, "close 1008 DLP_BLOCKED");
    let outcome = outcome(&world, 0).await;
    assert_eq!((&outcome["code"], &outcome["closed_by"]), (&json!("DLP_BLOCKED"), &json!("gate")));
    assert_eq!((&outcome["unread"], &outcome["messages_unread"]), (&json!(true), &json!(1)));
    assert_nothing_leaked(&world, &[&token(), CARD, "4111"]);
}

#[tokio::test]
async fn what_breaks_the_rules_ends() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url())
        .set("/websocket", json!({ "message_bytes": 2048, "message_frames": 8 }))
        .start()
        .await;
    let reserved = {
        let mut frame = Frame::message(&b"x"[..], OpCode::Data(Data::Text), true);
        frame.header_mut().rsv1 = true;
        Message::Frame(frame)
    };
    let long = "a".repeat(2049);
    let many = std::iter::once(frame(Data::Text, b"", false))
        .chain((0..8).map(|_| frame(Data::Continue, b"", false)));
    let cases: Vec<(&str, Vec<Message>, &str)> = vec![
        ("compressed", vec![reserved], "close 1002 MALFORMED_BODY"),
        ("too long", vec![Message::text(long.clone())], "close 1009 BODY_TOO_LARGE"),
        (
            "too long in pieces",
            vec![
                frame(Data::Text, &long.as_bytes()[..2000], false),
                frame(Data::Continue, &long.as_bytes()[..49], true),
            ],
            "close 1009 BODY_TOO_LARGE",
        ),
        ("too many pieces", many.collect(), "close 1009 BODY_TOO_LARGE"),
        ("no text", vec![frame(Data::Text, &[0xff], true)], "close 1007 MALFORMED_BODY"),
        (
            "the end of nothing",
            vec![frame(Data::Continue, b"x", true)],
            "close 1002 MALFORMED_BODY",
        ),
        ("keys twice", vec![Message::text(r#"{"a":1,"a":2}"#)], "close 1008 DUPLICATE_KEY"),
        (
            "nobody can read",
            vec![Message::binary(&[0xff, 0xfe, 0][..])],
            "close 1008 UNREAD_REFUSED",
        ),
    ];
    for (nth, (name, messages, expect)) in cases.into_iter().enumerate() {
        let mut client = open(&world, "/up/a").await;
        for message in messages {
            // It may be closed before the last of them.
            let _ = client.send(message).await;
        }
        assert_eq!(next(&mut client).await, expect, "{name}");
        let outcome = outcome(&world, nth).await;
        assert_eq!(outcome["outcome"], "cut", "{name}");
        assert!(expect.ends_with(outcome["code"].as_str().unwrap()), "{name}: {outcome}");
    }
    // A client that does not mask.
    let mut client = open(&world, "/up/a").await;
    client.get_mut().write_all(&[0x81, 1, b'x']).await.unwrap();
    assert_eq!(next(&mut client).await, "close 1002 MALFORMED_BODY");
    let heard = upstream.heard();
    assert!(
        heard.iter().all(|heard| heard.starts_with("close 1001") || heard == "gone"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn an_upstream_that_ends_is_told_to_the_client() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url()).start().await;
    for (nth, (say, expect, by, code)) in [
        ("close 4002 because", "close 4002 because", "upstream", Value::Null),
        ("die", "close 1011 the upstream went away", "upstream", json!("UPSTREAM_PROTOCOL")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = open(&world, "/up/a").await;
        assert_eq!(exchange(&mut client, say).await, expect);
        assert_eq!(next(&mut client).await, "", "{say}");
        let outcome = outcome(&world, nth).await;
        assert_eq!((&outcome["closed_by"], &outcome["code"]), (&json!(by), &code), "{outcome}");
    }
    // And a client that goes away is told to the upstream.
    let client = open(&world, "/up/a").await;
    drop(client);
    let outcome = outcome(&world, 2).await;
    assert_eq!((&outcome["closed_by"], &outcome["close_code"]), (&json!("client"), &json!(1006)));
    assert!(upstream.heard().contains(&"close 1001 ".to_owned()), "{:?}", upstream.heard());
}

#[tokio::test]
async fn bounds_of_time_and_a_stop_end_with_1001() {
    let upstream = SocketUpstream::start(None).await;
    for (settings, why) in [
        (("/deadlines/stream_idle_ms", 1000), "idle"),
        (("/websocket/duration_ms", 1000), "duration"),
    ] {
        let world = to(&upstream.url()).set(settings.0, settings.1).start().await;
        let mut client = open(&world, "/up/a").await;
        let said = next(&mut client).await;
        assert!(said.starts_with("close 1001 "), "{why}: {said}");
        let outcome = outcome(&world, 0).await;
        assert_eq!((&outcome["closed_for"], &outcome["closed_by"]), (&json!(why), &json!("gate")));
    }
    // Half a message is waited for no longer than half a body.
    let world = to(&upstream.url()).set("/deadlines/body_ms", 1000).start().await;
    let mut client = open(&world, "/up/a").await;
    client.send(frame(Data::Text, b"half", false)).await.unwrap();
    assert_eq!(next(&mut client).await, "close 1008 REQUEST_TIMEOUT");

    let mut world = to(&upstream.url()).start().await;
    let mut client = open(&world, "/up/a").await;
    assert_eq!(exchange(&mut client, "hello").await, "hello");
    world.signal(Signal::TERM);
    assert_eq!(next(&mut client).await, "close 1001 the gate is stopping");
    assert!(world.ended().await.success());
    assert_eq!(outcome(&world, 0).await["closed_for"], "stopping");
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

#[tokio::test]
async fn whose_agent_is_gone_is_closed() {
    let upstream = SocketUpstream::start(None).await;
    let mut world = to(&upstream.url()).start().await;
    let mut client = open(&world, "/up/").await;
    // The same reload that changes nothing for it lets it be.
    assert!(world.reload().await);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    client.send(Message::text("still here")).await.unwrap();
    assert_eq!(next(&mut client).await, "still here");
    // Whoever connects here is another agent from now on.
    world.set("/listeners/0/agent", OTHER_AGENT);
    assert!(world.reload().await);
    assert_eq!(next(&mut client).await, "close 1008 IDENTITY_UNKNOWN");
    let told = outcome(&world, 0).await;
    assert!(told.to_string().contains("IDENTITY_UNKNOWN"), "{told}");
}

fn handshake(target: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let mut headers = vec![
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
    ];
    for (name, value) in changes {
        headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            headers.push((name, value));
        }
    }
    request("GET", target, &headers, "")
}

#[tokio::test]
async fn handshakes_that_do_not_pass() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url())
        .route("closed", "/closed", &upstream.url())
        .mcp("mcp", "/mcp", &upstream.url())
        .start()
        .await;
    for (what, bytes, status, code) in [
        ("not allowed", handshake("/closed/a", &[]), 403, "CAPABILITY_DENIED"),
        ("MCP", handshake("/mcp", &[]), 405, "CAPABILITY_DENIED"),
        ("no key", handshake("/up/a", &[("sec-websocket-key", "")]), 400, "MALFORMED_HEAD"),
        ("half a key", handshake("/up/a", &[("sec-websocket-key", "AAAA")]), 400, "MALFORMED_HEAD"),
        ("version 8", handshake("/up/a", &[("sec-websocket-version", "8")]), 400, "MALFORMED_HEAD"),
        ("no upgrade", handshake("/up/a", &[("connection", "close")]), 400, "MALFORMED_HEAD"),
        ("a body", handshake("/up/a", &[("content-length", "5")]), 400, "MALFORMED_HEAD"),
        ("a page", handshake("/up/a", &[("origin", "https://evil.test")]), 400, "HOST_MISMATCH"),
        ("a secret in the URL", handshake(&format!("/up/{}", token()), &[]), 403, "DLP_BLOCKED"),
    ] {
        let answer = ask(world.plain(), bytes).await;
        assert_eq!((answer.status, refusal_code(&answer.body).as_str()), (status, code), "{what}");
    }
    assert!(upstream.handshakes().is_empty());
    assert_nothing_leaked(&world, &[&token()]);
}

#[tokio::test]
async fn upstreams_that_do_not_agree() {
    let upstream = Upstream::start().await;
    let world = to(&upstream.url()).start().await;
    let switch = |more: &str| {
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n";
        vec![Step::Send(format!("{head}{more}\r\n").into_bytes())]
    };
    // The proof for the client's key is none for the gate's.
    upstream.on("/proof", switch("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    upstream.on("/none", switch(""));
    upstream.on("/extension", switch("sec-websocket-extensions: permessage-deflate\r\n"));
    for path in ["/up/proof", "/up/none", "/up/extension"] {
        let answer = ask(world.plain(), handshake(path, &[])).await;
        let found = (answer.status, refusal_code(&answer.body));
        assert_eq!(found, (502, "UPSTREAM_PROTOCOL".to_owned()), "{path}");
    }
    // An upstream that answers otherwise has answered.
    upstream.on("/no", tollgate_tests::json_answer(r#"{ "no": 1 }"#));
    let answer = ask(world.plain(), handshake("/up/no", &[])).await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"no":1}"#.to_owned()));
    // Nobody switches who was not asked to.
    upstream.on("/asked", switch(""));
    let answer = ask(world.plain(), request("GET", "/up/asked", &[], "")).await;
    assert_eq!(answer.status, 502);
    let outcomes = world.wait_outcomes(5).await;
    assert_eq!(
        outcomes.iter().filter(|it| it["payload"]["data"]["code"] == "UPSTREAM_PROTOCOL").count(),
        4
    );
}

/// A proxy of a client's: absolute form, and CONNECT with clear text or TLS inside.
#[tokio::test]
async fn through_the_forward_proxy() {
    let certificates = Certificates::shared();
    let identity = certificates.authority.server(&["localhost"]);
    let plain = SocketUpstream::start(None).await;
    let secure = SocketUpstream::start(Some(&identity)).await;
    let ports = [plain.address().port(), secure.address().port()];
    let forward = json!({
        "hosts": ["localhost"], "ports": ports, "allow_addresses": ["127.0.0.0/8", "::1"],
        "tls": { "ca": "up-ca.pem" }, "websocket": "allow",
        "intercept": { "certificate": "made/intercept-ca.pem" },
    });
    let world = World::builder()
        .file("up-ca.pem", certificates.authority.certificate.clone())
        .set("/forward_proxy", forward)
        .start()
        .await;
    let secret = format!("use {}", token());
    let [near, far] = ports;

    let mut raw = RawClient::connect(world.plain()).await;
    let absolute = format!("http://localhost:{near}/a");
    let bytes = handshake(&absolute, &[]);
    let bytes = String::from_utf8(bytes).unwrap();
    let bytes = bytes.replace("host: localhost\r\n", &format!("host: localhost:{near}\r\n"));
    raw.send(bytes).await;
    let (status, ..) = raw.read_head().await.unwrap();
    assert_eq!(status, 101);

    for (port, tls) in [(near, false), (far, true)] {
        let target = format!("localhost:{port}");
        let mut stream = TcpStream::connect(world.plain()).await.unwrap();
        let connect = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n");
        stream.write_all(connect.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("a head", stream.read_u8()).await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        let url = format!("ws://{target}/b");
        let came = if tls {
            let pem = std::fs::read(world.path("made/intercept-ca.pem")).unwrap();
            let mut roots = rustls::RootCertStore::empty();
            roots.add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let name = ServerName::try_from("localhost").unwrap();
            let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
            let (mut client, _) = shake(stream, &url, &[]).await;
            exchange(&mut client, &secret).await
        } else {
            let (mut client, _) = shake(stream, &url, &[]).await;
            exchange(&mut client, &secret).await
        };
        assert!(came.starts_with("use [") && !came.contains(&token()), "{came}");
    }
    assert_eq!(secure.handshakes()[0][0], "GET /b");
    assert_nothing_leaked(&world, &[&token()]);
}

/// On a TLS listener, each agent is who its certificate says.
#[tokio::test]
async fn through_a_tls_listener() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url()).start().await;
    let certificates = Certificates::shared();
    let identity = certificates.authority.client(&[OTHER_AGENT], None);
    let stream = tollgate_tests::tls(world.tls(), Some(&identity), "http/1.1").await.unwrap();
    let (mut client, _) = shake(stream, "ws://localhost/up/a", &[]).await;
    assert_eq!(exchange(&mut client, "hello").await, "hello");
    client.close(None).await.unwrap();
    assert_eq!(next(&mut client).await, "close");
    let outcome = outcome(&world, 0).await;
    assert_eq!(outcome["close_code"], 1005);
    assert_eq!(world.events_of("call.outcome")[0]["actor"], OTHER_AGENT);
}

/// Both sides send without reading: neither waits for the other for ever.
#[tokio::test]
async fn both_directions_flow_at_once() {
    let upstream = SocketUpstream::start(None).await;
    let world = to(&upstream.url()).set("/websocket/messages_per_second", 100_000).start().await;
    let (mut out, mut back) = open(&world, "/up/a").await.split();
    let text = "some words that are plain. ".repeat(2000);
    let sending = async {
        for _ in 0..100 {
            out.send(Message::text(text.clone())).await.unwrap();
        }
    };
    let reading = async {
        for _ in 0..100 {
            let came = within("a message", back.next()).await.unwrap().unwrap();
            assert_eq!(came.into_text().unwrap().len(), text.len());
        }
    };
    within("all messages", async { tokio::join!(sending, reading) }).await;
}
