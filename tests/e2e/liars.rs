//! Upstreams that say one thing and do another, or never end: each is a refusal or a cut of its own,
//! and nothing of it reaches the next call.
use tollgate_tests::{RawClient, Step, Upstream, World, until};

use super::kit::{ask, memory, request};

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// What stands behind an answer's end is not the next call's answer.
#[tokio::test]
async fn more_than_was_said_is_nobodys_answer() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .mcp("mcp", "/mcp", &upstream.url())
        .start()
        .await;
    let other = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"evil\":true}";
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    for beginning in [
        format!("{json}content-length: 2\r\n\r\n{{}}"),
        format!("{json}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"),
        format!("{json}content-length: 0\r\n\r\n"),
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(),
    ] {
        for together in [true, false] {
            let script = match together {
                true => vec![send(&format!("{beginning}{other}"))],
                false => vec![
                    send(&beginning),
                    Step::Pause(std::time::Duration::from_millis(30)),
                    send(other),
                ],
            };
            upstream.on("/more", script);
            for method in ["GET", "POST"] {
                upstream.take_seen();
                let answer = ask(world.plain(), request(method, "/up/more", &[], "")).await;
                assert!(!answer.text().contains("evil"), "{beginning}");
                // Its connection is not kept, or given up as soon as more is said on it.
                upstream.wait_ended(upstream.wait_seen("/more").await.connection).await;
                for _ in 0..3 {
                    let next = ask(world.plain(), request("GET", "/up/next", &[], "")).await;
                    assert_eq!(
                        (next.status, next.text().as_str()),
                        (200, r#"{"ok":true}"#),
                        "{beginning}"
                    );
                }
            }
        }
    }
    // The same for an answer that a HEAD has no body for.
    upstream.on("/more", vec![send(&format!("{json}content-length: 2\r\n\r\n{{}}{other}"))]);
    let mut client = RawClient::connect(world.plain()).await;
    client.send(request("HEAD", "/up/more", &[], "")).await;
    client.head_answer().await;
    let next = ask(world.plain(), request("GET", "/up/next", &[], "")).await;
    assert_eq!(next.text(), r#"{"ok":true}"#);
}

#[tokio::test]
async fn answers_without_end_take_no_memory() {
    const PIECE: usize = 1 << 20;
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/bounds/answer_body_bytes", 4 << 20)
        .start()
        .await;
    assert_eq!(ask(world.plain(), request("GET", "/up/warm", &[], "")).await.status, 200);
    let before = memory(&world).0;
    let head = |media: &str| {
        send(&format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ntransfer-encoding: chunked\r\n\r\n"
        ))
    };
    let mut chunk = format!("{PIECE:x}\r\n").into_bytes();
    chunk.resize(chunk.len() + PIECE, b' ');
    chunk.extend(b"\r\n");
    // What is held whole is cut at its bound, and so is one event.
    for (media, path) in [("application/json", "/json"), ("text/event-stream", "/event")] {
        upstream.on(path, vec![head(media), Step::Flood(chunk.clone(), 100_000)]);
        let mut client = RawClient::connect(world.plain()).await;
        client.send(request("GET", &format!("/up{path}"), &[], "")).await;
        let answered = client.try_answer().await;
        if let Ok(answer) = answered {
            assert!(
                answer.code() == "UPSTREAM_PROTOCOL" || answer.text().contains("UPSTREAM_PROTOCOL"),
                "{path}: {}",
                answer.text()
            );
        }
    }
    // What streams goes on for as long as its client wants it.
    upstream.on("/text", vec![head("text/plain"), Step::Flood(chunk, 100_000)]);
    let mut client = RawClient::connect(world.plain()).await;
    client.send(request("GET", "/up/text", &[], "")).await;
    client.read_head().await.unwrap();
    let mut taken = 0;
    while taken < 96 << 20 {
        taken += client.read_chunk().await.unwrap().len();
        if taken % (8 << 20) < PIECE {
            let other = ask(world.plain(), request("GET", "/up/other", &[], "")).await;
            assert_eq!(other.status, 200, "somebody else's call");
        }
    }
    drop(client);
    let most = memory(&world).1;
    assert!(most < before + (64 << 20), "{most} bytes, from {before}");
    world.wait_event("the text", |event| event["payload"]["data"]["outcome"] == "abandoned").await;
    until("nothing held", async || {
        (world.metric("tollgate_held_bytes").await == 0.0).then_some(())
    })
    .await;
}

/// A coding below `chunked` stays on the body, and what it hides would pass as text.
#[tokio::test]
async fn answers_have_one_transfer_coding() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
    let body = "2\r\nhi\r\n0\r\n\r\n";
    for (codings, expect) in [
        ("transfer-encoding: chunked", ""),
        ("transfer-encoding: CHUNKED", ""),
        ("transfer-encoding: gzip, chunked", "UPSTREAM_PROTOCOL"),
        ("transfer-encoding: gzip\r\ntransfer-encoding: chunked", "UPSTREAM_PROTOCOL"),
    ] {
        upstream.on("/coded", vec![send(&format!("{head}{codings}\r\n\r\n{body}"))]);
        let answer = ask(world.plain(), request("GET", "/up/coded", &[], "")).await;
        assert_eq!(answer.code(), expect, "{codings}: {}", answer.text());
    }
}

/// What no detector can read passes, and the record does not say that it was read.
#[tokio::test]
async fn what_calls_itself_text_and_is_none_is_unread() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let utf16 = "\u{feff}a page".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let mut unread = 0;
    for (nth, (media, body, is_unread)) in [
        ("content-type: text/plain", b"a page".to_vec(), false),
        ("content-type: text/html", "une page fran\u{e7}aise".as_bytes().to_vec(), false),
        ("content-type: text/plain", utf16.clone(), true),
        ("content-type: text/html", utf16, true),
        ("content-type: text/plain", b"a\0 page".to_vec(), true),
        ("content-type: text/plain", b"une page fran\xE7aise".to_vec(), true),
        ("content-type: application/yaml", b"page: fran\xE7aise".to_vec(), true),
        ("x-none: 1", b"\x1F\x8B\x08 and so on".to_vec(), true),
        ("x-none: 1", b"PK\x03\x04 and so on".to_vec(), true),
    ]
    .into_iter()
    .enumerate()
    {
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\n{media}\r\ncontent-length: {length}\r\n\r\n");
        upstream.on("/page", vec![Step::Send([head.as_bytes(), &body].concat())]);
        let answer = ask(world.plain(), request("GET", "/up/page", &[], "")).await;
        assert_eq!((answer.status, &answer.body), (200, &body), "{media}");
        let outcome = world.wait_outcomes(nth + 1).await.pop().unwrap();
        let said = &outcome["payload"]["data"]["unread"];
        assert_eq!(said.as_bool(), is_unread.then_some(true), "{media}: {body:?}");
        unread += usize::from(is_unread);
        let counted = world.metric("tollgate_unread_total{route=\"up\"}").await;
        assert_eq!(counted, unread as f64, "{media}: {body:?}");
    }
}
