//! Content codings, both ways: undone, bounded, and never passed on.
use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tollgate_tests::{Answer, RawClient, Step, Upstream, World, chunked, fixed};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn br(body: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, 5, 22);
    encoder.write_all(body).unwrap();
    drop(encoder);
    encoded
}

fn zstd(body: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(body, 3).unwrap()
}

fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" | "x-gzip" => gzip(body),
        "deflate" => deflate(body),
        "br" => br(body),
        "zstd" => zstd(body),
        "gzip, br" => br(&gzip(body)),
        _ => body.to_vec(),
    }
}

async fn post(world: &World, coding: &str, body: &[u8]) -> Answer {
    let mut client = RawClient::connect(world.plain()).await;
    let head = format!(
        "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.send(head).await;
    client.call(body).await
}

#[tokio::test]
async fn requests_are_decoded() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let plain = "the same words again and again, ".repeat(500);
    for coding in ["identity", "gzip", "x-gzip", "deflate", "br", "zstd", "gzip, br", "GZIP"] {
        let answer =
            post(&world, coding, &encode(&coding.to_ascii_lowercase(), plain.as_bytes())).await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.text());
        let seen = upstream.take_seen();
        assert_eq!(seen.len(), 1, "{coding}");
        assert!(seen[0].body == plain.as_bytes(), "{coding}");
        assert!(seen[0].header("content-encoding").is_empty(), "{coding}");
        assert_eq!(seen[0].header("content-length"), [plain.len().to_string()], "{coding}");
        assert_eq!(seen[0].header("accept-encoding"), ["identity"], "{coding}");
    }
}

#[tokio::test]
async fn requests_that_cannot_be_decoded_are_refused() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/bounds/request_body_bytes", 1 << 20)
        .start()
        .await;
    let bomb = vec![0_u8; 32 << 20];
    let words = gzip("words ".repeat(1000).as_bytes());
    let mut trailing = words.clone();
    trailing.extend(b"GET /up/smuggled HTTP/1.1\r\n\r\n");
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("gzip", gzip(&bomb), 413, "BODY_TOO_LARGE"),
        ("deflate", deflate(&bomb), 413, "BODY_TOO_LARGE"),
        ("br", br(&bomb), 413, "BODY_TOO_LARGE"),
        ("zstd", zstd(&bomb), 413, "BODY_TOO_LARGE"),
        // A bomb in a bomb: tiny on the wire, and its middle layer is small as well.
        ("gzip, br", br(&gzip(&bomb)), 413, "BODY_TOO_LARGE"),
        ("compress", b"x".to_vec(), 415, "ENCODING_UNSUPPORTED"),
        ("rot13", b"x".to_vec(), 415, "ENCODING_UNSUPPORTED"),
        ("gzip;q=1", words.clone(), 415, "ENCODING_UNSUPPORTED"),
        ("gzip, gzip, gzip, gzip, gzip", words.clone(), 415, "ENCODING_UNSUPPORTED"),
        ("gzip", b"no gzip at all".to_vec(), 400, "MALFORMED_BODY"),
        ("gzip", words[..words.len() / 2].to_vec(), 400, "MALFORMED_BODY"),
        ("gzip", trailing, 400, "MALFORMED_BODY"),
        ("zstd", words, 400, "MALFORMED_BODY"),
    ];
    for (coding, body, status, code) in cases {
        let answer = post(&world, coding, &body).await;
        let case = format!("{coding}, {} bytes", body.len());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{case}");
    }
    assert_eq!(upstream.connections(), 0);
}

fn encoded_answer(content_type: &str, coding: &str, body: &[u8]) -> Vec<Step> {
    let mut head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\netag: \"x\"\r\n\r\n",
        body.len()
    )
    .into_bytes();
    head.extend(body);
    vec![Step::Send(head)]
}

async fn get(world: &World, path: &str) -> std::io::Result<Answer> {
    let mut client = RawClient::connect(world.plain()).await;
    // What the client says it takes is not passed on: the gate asks for identity.
    client
        .send(format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip, br\r\n\r\n"
        ))
        .await;
    client.try_answer().await
}

#[tokio::test]
async fn answers_are_decoded() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let json = br#"{"answer":"the same words, the same words"}"#;
    let words = "the same words again, ".repeat(3000).into_bytes();
    let events = b"data: one\n\ndata: two\n\n";
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, br"] {
        for (name, content_type, body) in [
            ("json", "application/json", json.as_slice()),
            ("text", "text/plain", words.as_slice()),
            ("events", "text/event-stream", events.as_slice()),
        ] {
            let script = encoded_answer(content_type, coding, &encode(coding, body));
            upstream.on(&format!("/{name}"), script);
            let answer = get(&world, &format!("/up/{name}")).await.unwrap();
            assert_eq!(answer.status, 200, "{coding} {name}");
            assert!(answer.body == body, "{coding} {name}: {}", answer.text());
            assert_eq!(answer.header("content-encoding"), None, "{coding} {name}");
            assert_eq!(answer.header("etag"), None, "{coding} {name}");
        }
    }
    assert!(upstream.seen().iter().all(|seen| seen.header("accept-encoding") == ["identity"]));
}

#[tokio::test]
async fn answers_that_cannot_be_decoded_are_withheld() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let bomb = vec![b' '; 64 << 20];
    let cases = [
        ("application/json", "gzip", gzip(&bomb)),
        ("application/json", "zstd", zstd(&bomb)),
        ("application/json", "rot13", b"{}".to_vec()),
        ("application/json", "gzip", b"{}".to_vec()),
        ("text/plain", "rot13", b"x".to_vec()),
    ];
    for (nth, (content_type, coding, body)) in cases.iter().enumerate() {
        upstream.on(&format!("/{nth}"), encoded_answer(content_type, coding, body));
        let answer = get(&world, &format!("/up/{nth}")).await.unwrap();
        let case = format!("{content_type} {coding}");
        assert_eq!((answer.status, answer.code().as_str()), (502, "UPSTREAM_PROTOCOL"), "{case}");
    }
    // Text is passed on as it comes, so a bomb in it can only be cut.
    for (path, coding, body) in [("/gz", "gzip", gzip(&bomb)), ("/zs", "zstd", zstd(&bomb))] {
        upstream.on(path, encoded_answer("text/plain", coding, &body));
        let cut = get(&world, &format!("/up{path}")).await;
        assert!(cut.is_err(), "{coding}: the answer looks whole");
        let event = world.wait_event("the cut", |event| {
            event["event_type"] == "call.outcome" && event["payload"]["data"]["outcome"] == "cut"
        });
        assert_eq!(event.await["payload"]["data"]["code"], "UPSTREAM_PROTOCOL");
    }
    // The gate is none the worse for it.
    upstream.on("/chunks", {
        let mut script = vec![Step::Send(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
        )];
        script.extend([chunked(r#"{"a":"#), chunked("1}"), chunked("")]);
        script
    });
    assert_eq!(get(&world, "/up/chunks").await.unwrap().text(), r#"{"a":1}"#);
    upstream.on("/plain", fixed(200, "text/plain", "ok"));
    assert_eq!(get(&world, "/up/plain").await.unwrap().text(), "ok");
}
