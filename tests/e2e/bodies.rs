//! Bodies of every size, framing and version pass whole, or do not pass at all.
use serde_json::json;
use tollgate_tests::{
    Answer, Certificates, HttpClient, HttpUpstream, OTHER_AGENT, RawClient, Reply, Step, Upstream,
    World, chunked, full, http_route, streamed,
};

const KIB: usize = 1024;
const SIZES: [usize; 7] =
    [0, KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 1024 * KIB, 8 * 1024 * KIB];

/// Text that is no JSON, different at every place, so that a piece that is lost, doubled or moved
/// shows.
fn text(length: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(length + 16);
    for line in 0_u32.. {
        if body.len() >= length {
            break;
        }
        body.extend(format!("line {line:x}\n").into_bytes());
    }
    body.truncate(length);
    body
}

async fn post(client: &mut HttpClient, path: &str, body: &[u8], chunked: bool) -> Reply {
    if !chunked {
        return client.post(path, "text/plain", full(body.to_vec())).await;
    }
    let (sender, stream) = streamed();
    for piece in body.chunks(20_000) {
        assert!(sender.send(piece.to_vec()));
    }
    drop(sender);
    client.post(path, "text/plain", stream).await
}

#[tokio::test]
async fn bodies_pass_whole() {
    let h1 = Upstream::start().await;
    let h2 = HttpUpstream::h2().await;
    let mut h2_route = http_route("h2", "/h2", &h2.url());
    h2_route["upstream"]["http2"] = true.into();
    let world = World::builder().route("h1", "/h1", &h1.url()).add_route(h2_route).start().await;
    let mut told = 0;
    for down_h2 in [false, true] {
        let mut client = HttpClient::plain(world.plain(), down_h2).await;
        for chunked in [false, true] {
            for size in SIZES {
                let case = format!("{size} bytes, chunked {chunked}, from h2 {down_h2}");
                let body = text(size);

                let reply = post(&mut client, "/h1/ok", &body, chunked).await;
                assert_eq!(reply.json(), json!({ "ok": true }), "{case} to h1");
                let seen = h1.take_seen();
                assert_eq!(seen.len(), 1, "{case} to h1");
                assert!(seen[0].body == body, "{case} to h1: {} bytes came", seen[0].body.len());
                assert!(seen[0].raw_body == body, "{case} to h1: framed by length");
                assert_eq!(seen[0].header("content-length"), [size.to_string()], "{case} to h1");
                // Nothing but whole requests stands on the wire: a stray end of chunks would be
                // read as the next call's beginning.
                told += seen[0].head.len() + size;
                let wire = h1.wire().iter().map(Vec::len).sum::<usize>();
                assert_eq!(wire, told, "{case} to h1");

                let reply = post(&mut client, "/h2/ok", &body, chunked).await;
                assert_eq!(reply.json(), json!({ "bytes": size }), "{case} to h2");
                let heard = h2.take_heard();
                assert_eq!(heard.len(), 1, "{case} to h2");
                assert!(heard[0].body == body, "{case} to h2: {} bytes came", heard[0].body.len());
                assert_eq!(heard[0].version, http::Version::HTTP_2, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn refused_bodies_do_not_pass_at_all() {
    let h1 = Upstream::start().await;
    let h2 = Upstream::start().await;
    let mut h2_route = http_route("h2", "/h2", &h2.url());
    h2_route["upstream"]["http2"] = true.into();
    let policy = r#"
version: "test"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: DENY }
rules:
  - id: no-marker
    match: { protocol: http }
    when: { contains_any: ["the-marker"] }
    outcome: DENY
  - id: the-rest
    match: { protocol: http }
    outcome: ALLOW
"#;
    let world = World::builder()
        .route("h1", "/h1", &h1.url())
        .add_route(h2_route)
        .policy(policy)
        .set("/bounds/request_body_bytes", 2 << 20)
        .start()
        .await;
    for down_h2 in [false, true] {
        for chunked in [false, true] {
            for size in SIZES {
                let limit = size > 2 << 20;
                let mut body = text(size);
                body.extend(b"the-marker");
                let expect = if limit { "BODY_TOO_LARGE" } else { "POLICY_DENIED" };
                for route in ["/h1/ok", "/h2/ok"] {
                    let case =
                        format!("{size} bytes, chunked {chunked}, from h2 {down_h2}, {route}");
                    if limit && !down_h2 {
                        // A client that sends all before it reads, whatever comes back.
                        let answer = upload(&world, route, &body, chunked).await;
                        assert_eq!(
                            (answer.status, answer.code().as_str()),
                            (413, expect),
                            "{case}"
                        );
                        continue;
                    }
                    let mut client = HttpClient::plain(world.plain(), down_h2).await;
                    let reply = post(&mut client, route, &body, chunked).await;
                    assert_eq!(reply.code(), expect, "{case}");
                }
            }
        }
    }
    assert_eq!((h1.connections(), h2.connections()), (0, 0), "nothing left, not even a connection");
}

async fn upload(world: &World, path: &str, body: &[u8], chunked: bool) -> Answer {
    let mut client = RawClient::connect(world.plain()).await;
    let framing = match chunked {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {}", body.len()),
    };
    client
        .send(format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n{framing}\r\n\r\n"))
        .await;
    if chunked {
        for piece in body.chunks(50_000) {
            client.send(format!("{:x}\r\n", piece.len())).await;
            client.send(piece).await;
            client.send("\r\n").await;
        }
        client.send("0\r\n\r\n").await;
    } else {
        client.send(body).await;
    }
    client.answer().await
}

#[tokio::test]
async fn bodies_pass_whole_under_tls() {
    let certificates = Certificates::shared();
    let h1 = HttpUpstream::tls(&certificates.server, false, None).await;
    let h2 = HttpUpstream::tls(&certificates.server, true, None).await;
    let mut h2_route = http_route("h2", "/h2", &h2.url());
    h2_route["upstream"]["http2"] = true.into();
    let world = World::builder().route("h1", "/h1", &h1.url()).add_route(h2_route).start().await;
    let identity = certificates.authority.client(&[OTHER_AGENT], None);
    for down_h2 in [false, true] {
        let mut client = HttpClient::tls(world.tls(), Some(&identity), down_h2).await.unwrap();
        for is_chunked in [false, true] {
            let body = text(1024 * KIB + 17);
            for (path, upstream, version) in
                [("/h1/ok", &h1, http::Version::HTTP_11), ("/h2/ok", &h2, http::Version::HTTP_2)]
            {
                let case = format!("chunked {is_chunked}, from h2 {down_h2}, {path}");
                let reply = post(&mut client, path, &body, is_chunked).await;
                assert_eq!(reply.json(), json!({ "bytes": body.len() }), "{case}");
                let heard = upstream.take_heard();
                assert_eq!((heard.len(), heard[0].version), (1, version), "{case}");
                assert!(heard[0].body == body, "{case}");
            }
        }
    }
}

/// Answers of every size, framing and kind come back whole.
#[tokio::test]
async fn answers_pass_whole() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    for size in SIZES {
        let plain = text(size);
        let quoted = serde_json::to_vec(std::str::from_utf8(&plain).unwrap()).unwrap();
        for (content_type, body) in [
            ("text/plain", &plain),
            ("application/octet-stream", &plain),
            ("application/json", &quoted),
        ] {
            for framing in ["length", "chunks", "the end"] {
                let line = match framing {
                    "length" => format!("content-length: {}", body.len()),
                    "chunks" => "transfer-encoding: chunked".to_owned(),
                    _ => "connection: close".to_owned(),
                };
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{line}\r\n\r\n");
                let mut script = vec![Step::Send(head.into_bytes())];
                match framing {
                    "chunks" => {
                        script.extend(body.chunks(30_000).map(chunked));
                        script.push(chunked(""));
                    }
                    _ => script.push(Step::Send(body.clone())),
                }
                if framing == "the end" {
                    script.push(Step::Close);
                }
                upstream.on("/answer", script);
                for h2 in [false, true] {
                    let case = format!("{size} bytes of {content_type} by {framing} to h2 {h2}");
                    let mut client = HttpClient::plain(world.plain(), h2).await;
                    let reply = client.get("/up/answer").await;
                    assert_eq!(reply.status, 200, "{case}");
                    assert!(reply.body == *body, "{case}: {} bytes came", reply.body.len());
                }
            }
        }
    }
}
