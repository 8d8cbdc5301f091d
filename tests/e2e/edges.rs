//! Where the proxy library has sharp edges: this file is what an upgrade of it must pass.
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tollgate_tests::{
    Certificates, HttpClient, HttpUpstream, OTHER_AGENT, RawClient, Step, Upstream, World, full,
    http_route, json_answer, streamed, until,
};

const GET: &str = "GET /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn connections_are_shared_by_one_agent_on_one_route_only() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .route("again", "/again", &upstream.url())
        .start()
        .await;
    let mut client = HttpClient::plain(world.plain(), false).await;
    for count in 1..=10 {
        assert_eq!(client.get("/up/ok").await.status, 200);
        world.wait_outcomes(count).await;
    }
    // The pool gives idle ones up after a while, so not every call need find one.
    let own = upstream.connections();
    assert!(own < 10, "one agent, one route: {own}");
    assert_eq!(client.get("/again/ok").await.status, 200);
    world.wait_outcomes(11).await;
    assert_eq!(upstream.connections(), own + 1, "another route");
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut other = HttpClient::tls(world.tls(), Some(&identity), true).await.unwrap();
    assert_eq!(other.get("/up/ok").await.status, 200);
    assert_eq!(upstream.connections(), own + 2, "another agent");
}

/// The library's pool knows client certificates by serial number alone; all of this world's
/// authority have the same.
#[tokio::test]
async fn client_certificates_are_never_mixed_up() {
    let certificates = Certificates::shared();
    let authority = &certificates.authority;
    let upstream = HttpUpstream::tls(&certificates.server, false, Some(authority)).await;
    let mut builder = World::builder();
    let mut expected = Vec::new();
    for name in ["one", "two"] {
        let identity = authority.client(&[], Some(name));
        let mut route = http_route(name, &format!("/{name}"), &upstream.url());
        route["upstream"]["tls"] = serde_json::json!({
            "client_certificate": format!("{name}.pem"), "client_key": format!("{name}.key"),
        });
        expected.push(identity.to_rustls().0[0].to_vec());
        builder = builder
            .add_route(route)
            .file(&format!("{name}.pem"), identity.certificate)
            .file(&format!("{name}.key"), identity.key);
    }
    let world = builder.start().await;
    let mut client = HttpClient::plain(world.plain(), false).await;
    for (path, certificate) in [("/one/x", 0), ("/two/x", 1), ("/one/x", 0), ("/two/x", 1)] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
        let heard = upstream.take_heard().remove(0);
        assert!(heard.certificate.as_ref() == Some(&expected[certificate]), "{path}");
    }
}

/// A certificate that was rotated is shown by the next call, while one that began before ends in
/// peace; nothing of it is used for a later call.
#[tokio::test]
async fn client_certificates_rotate() {
    let certificates = Certificates::shared();
    let authority = &certificates.authority;
    for h2 in [false, true] {
        let upstream = HttpUpstream::tls(&certificates.server, h2, Some(authority)).await;
        let [old, new, newest] =
            ["old", "new", "newest"].map(|name| authority.client(&[], Some(name)));
        let der = |identity: &tollgate_tests::Identity| identity.to_rustls().0[0].to_vec();
        let mut route = http_route("up", "/up", &upstream.url());
        route["upstream"]["http2"] = h2.into();
        route["upstream"]["tls"] =
            serde_json::json!({ "client_certificate": "gate.pem", "client_key": "gate.key" });
        let world = World::builder()
            .add_route(route)
            .file("gate.pem", old.certificate.clone())
            .file("gate.key", old.key.clone())
            .start()
            .await;
        let put = |identity: &tollgate_tests::Identity| {
            crate::kit::swap(&world.path("gate.key"), &identity.key);
            crate::kit::swap(&world.path("gate.pem"), &identity.certificate);
        };
        let mut client = HttpClient::plain(world.plain(), true).await;
        let shown = async |client: &mut HttpClient| {
            assert_eq!(client.get("/up/x").await.status, 200);
            upstream.take_heard().remove(0)
        };
        let first = shown(&mut client).await;
        assert!(first.certificate == Some(der(&old)));
        // A certificate without its key is not taken, and the old one stays in force.
        crate::kit::swap(&world.path("gate.pem"), &new.certificate);
        tollgate_tests::until("a reload that was refused", async || {
            (world.metric("policy_reload_failure_total").await > 0.0).then_some(())
        })
        .await;
        assert!(shown(&mut client).await.certificate == Some(der(&old)));
        put(&new);
        // Nobody asks for a reload: the files are watched.
        let second = tollgate_tests::until("the new certificate", async || {
            let heard = shown(&mut client).await;
            (heard.certificate == Some(der(&new))).then_some(heard)
        })
        .await;
        assert_ne!(second.connection, first.connection);
        put(&newest);
        assert!(world.reload().await);
        for _ in 0..3 {
            assert!(shown(&mut client).await.certificate == Some(der(&newest)));
        }
    }
}

/// Calls share a connection of HTTP/2 up to a bound, and open another one beyond it.
#[tokio::test]
async fn h2_connections_are_shared_up_to_a_bound() {
    let certificates = Certificates::shared();
    let upstream = HttpUpstream::tls(&certificates.server, true, None).await;
    let mut route = http_route("up", "/up", &upstream.url());
    route["upstream"]["http2"] = true.into();
    let world = World::builder().add_route(route).set("/upstreams/h2_streams", 4).start().await;
    let waiting = upstream.hold();
    let mut calls = Vec::new();
    for nth in 1..=12 {
        let mut client = HttpClient::plain(world.plain(), true).await;
        calls.push(tokio::spawn(async move { client.get("/up/x").await.status }));
        upstream.wait_heard(nth).await;
    }
    drop(waiting);
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    let mut shared = std::collections::BTreeMap::<_, usize>::new();
    for heard in upstream.heard() {
        *shared.entry(heard.connection).or_default() += 1;
    }
    assert_eq!(shared.into_values().collect::<Vec<_>>(), [4, 4, 4]);
}

/// An authority that is no longer trusted ends what was connected under it.
#[tokio::test]
async fn a_reload_of_authorities_does_not_reuse_old_connections() {
    let certificates = Certificates::shared();
    let upstream = HttpUpstream::tls(&certificates.server, true, None).await;
    let mut route = http_route("up", "/up", &upstream.url());
    route["upstream"]["tls"] = serde_json::json!({ "ca": "upstream-ca.pem" });
    let world = World::builder()
        .add_route(route)
        .file("upstream-ca.pem", certificates.authority.certificate.clone())
        .start()
        .await;
    let mut client = HttpClient::plain(world.plain(), false).await;
    assert_eq!(client.get("/up/ok").await.status, 200);
    let other = tollgate_tests::Authority::new("other.test");
    std::fs::write(world.path("upstream-ca.pem"), &other.certificate).unwrap();
    assert!(world.reload().await);
    assert_eq!(client.get("/up/ok").await.code(), "UPSTREAM_TLS");
    assert_eq!(upstream.heard().len(), 1);
}

/// A body of unknown length from HTTP/2 was once ended twice towards HTTP/1; the second end was
/// the beginning of the next call.
#[tokio::test]
async fn an_h2_body_without_length_leaves_a_clean_connection() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let mut client = HttpClient::plain(world.plain(), true).await;
    for round in 0..3 {
        let (sender, body) = streamed();
        assert!(sender.send("a=1"));
        assert!(sender.send("&b=2"));
        drop(sender);
        // The connection to the upstream is used again.
        world.wait_outcomes(2 * round).await;
        let reply = client.post("/up/form", "application/x-www-form-urlencoded", body).await;
        assert_eq!(reply.status, 200);
        assert_eq!(client.get("/up/after").await.status, 200);
    }
    let wire = upstream.wire().iter().map(Vec::len).sum::<usize>();
    let told =
        upstream.seen().iter().map(|seen| seen.head.len() + seen.raw_body.len()).sum::<usize>();
    assert_eq!(wire, told, "nothing stands between the calls");
    assert_eq!(upstream.seen().len(), 6);
}

/// A client that is still sending must see the refusal, not a reset.
#[tokio::test]
async fn early_refusals_reach_clients_that_still_send() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/bounds/request_body_bytes", 1 << 20)
        .start()
        .await;
    let body = vec![b'x'; 6 << 20];
    for (path, status, code) in
        [("/nowhere", 403, "EGRESS_BLOCKED"), ("/up/ok", 413, "BODY_TOO_LARGE")]
    {
        for round in 0..3 {
            let case = format!("{path} {round}");
            let mut client = RawClient::connect(world.plain()).await;
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            client.send(head).await;
            client.try_send(&body).await.unwrap_or_else(|error| panic!("{case}: {error}"));
            let answer = client.answer().await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{case}");

            let mut client = HttpClient::plain(world.plain(), true).await;
            let reply = client.post(path, "text/plain", full(body.clone())).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{case} h2");
            assert_eq!(client.get("/up/ok").await.status, 200, "{case} h2 goes on");
        }
    }
}

/// A server that ends a kept connection does not cost the next call.
#[tokio::test]
async fn connections_that_ended_in_the_pool_are_not_used() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let mut script = json_answer("{}");
    script.push(Step::Close);
    upstream.on("/last", script);
    let mut client = RawClient::connect(world.plain()).await;
    for round in 1..=5 {
        let answer = client.call("GET /up/last HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!(answer.status, 200, "round {round}");
        // The gate has let go of it, too.
        upstream.wait_closed(round).await;
    }
    assert_eq!(client.call(GET).await.status, 200);
    assert_eq!(upstream.connections(), 6);
}

/// An idle connection of the pool is given up before usual servers give it up.
#[tokio::test]
async fn the_pool_lets_go_in_time() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(client.call(GET).await.status, 200);
    let began = Instant::now();
    upstream.wait_closed(1).await;
    let idle = began.elapsed();
    // Kept for the next call, and let go long before the wait above would have given up.
    assert!(idle > Duration::from_secs(2), "{idle:?}");
}

#[tokio::test]
async fn kept_connections_end() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/deadlines/keep_alive_ms", 1000)
        .start()
        .await;
    let mut client = RawClient::connect(world.plain()).await;
    // After every call anew, not only after the first.
    for _ in 0..3 {
        assert_eq!(client.call(GET).await.status, 200);
        assert!(client.is_silent_for(Duration::from_millis(300)).await);
    }
    // Ends by itself well within the wait's patience, which is shorter than the default.
    assert_eq!(client.rest().await, (Vec::new(), true));

    let mut client = HttpClient::plain(world.plain(), true).await;
    assert_eq!(client.get("/up/ok").await.status, 200);
    client.ended().await;

    for request in [
        "GET /up/ok HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        "GET /up/ok HTTP/1.1\r\nhost: localhost\r\nconnection: x, Close\r\n\r\n",
        "GET /up/ok HTTP/1.0\r\nhost: localhost\r\n\r\n",
    ] {
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(client.call(request).await.status, 200, "{request}");
        assert_eq!(client.rest().await, (Vec::new(), true), "{request}");
    }
}

/// What the library refuses by itself is recorded like any other refusal.
#[tokio::test]
async fn malformed_requests_are_recorded() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    for (count, request) in [
        "NONSENSE\r\n\r\n",
        "GET /up/ok HTTP/1.1\r\nhost : localhost\r\n\r\n",
        "GET /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
    ]
    .iter()
    .enumerate()
    {
        let mut client = RawClient::connect(world.plain()).await;
        let answer = client.call(request).await;
        assert_eq!(answer.status, 400, "{request}");
        let receipt = answer.json()["receipt"].as_str().expect("a receipt").to_owned();
        let refused = world.events_of("call.refused");
        assert_eq!(refused.len(), count + 1, "{request}");
        assert_eq!(refused[count]["id"], receipt, "{request}");
        assert_eq!(refused[count]["actor"], tollgate_tests::AGENT, "{request}");
    }
    assert_eq!(upstream.connections(), 0);
}

/// HTTP/1.0 knows no chunks, a HEAD answer has no body, and 204 and 304 have none either.
#[tokio::test]
async fn answers_are_framed_for_their_readers() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
    let script = vec![
        Step::Send(head.as_bytes().to_vec()),
        tollgate_tests::chunked("one "),
        tollgate_tests::chunked("two"),
        tollgate_tests::chunked(""),
    ];
    upstream.on("/text", script);
    let mut client = RawClient::connect(world.plain()).await;
    let answer = client.call("GET /up/text HTTP/1.0\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(answer.text(), "one two");
    assert_eq!(answer.header("transfer-encoding"), None);
    let mut client = RawClient::connect(world.plain()).await;
    let answer = client.call("GET /up/text HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(answer.text(), "one two");
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));

    upstream.on(
        "/head",
        vec![Step::Send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 7\r\n\r\n".to_vec(),
        )],
    );
    upstream.on("/204", vec![Step::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())]);
    upstream
        .on("/304", vec![Step::Send(b"HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n".to_vec())]);
    client.send("HEAD /up/head HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let answer = client.head_answer().await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("7")));
    for status in [204, 304] {
        let answer =
            client.call(format!("GET /up/{status} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0));
        assert_eq!(answer.header("transfer-encoding"), None, "{status}");
    }
    // All on one connection: nothing was left on it.
    assert_eq!(client.call(GET).await.status, 200);
    let mut client = HttpClient::plain(world.plain(), true).await;
    for path in ["/up/204", "/up/304", "/up/text", "/up/ok"] {
        assert!(client.get(path).await.status.as_u16() < 400, "{path}");
    }
}

/// A head of HTTP/2 that is too large is refused and recorded as one of HTTP/1.1, and its connection
/// goes on: the library would answer by itself, and nobody would know.
#[tokio::test]
async fn a_head_of_http2_that_is_too_large_is_told() {
    let upstream = Upstream::start().await;
    let world = World::builder().route("up", "/up", &upstream.url()).start().await;
    let mut client = HttpClient::plain(world.plain(), true).await;
    let mut refused = 0;
    for (bytes, fields, expect) in
        [(40 << 10, 1, 200), (70 << 10, 1, 400), (10, 1600, 400), (200 << 10, 1, 400), (1, 1, 200)]
    {
        let mut request = http::Request::get("http://localhost/up/ok");
        for field in 0..fields {
            request = request.header(format!("x-field-{field}"), "a".repeat(bytes));
        }
        let reply = client.send(request.body(full("")).unwrap()).await;
        assert_eq!(reply.status, expect, "{fields} of {bytes}: {:?}", reply.body);
        if expect == 400 {
            refused += 1;
            assert_eq!(reply.code(), "MALFORMED_HEAD", "{fields} of {bytes}");
            let told = world.events_of("call.refused");
            assert_eq!(told.len(), refused, "{fields} of {bytes}");
            assert_eq!(told[refused - 1]["payload"]["data"]["code"], "MALFORMED_HEAD");
        }
    }
}

#[tokio::test]
async fn what_comes_in_advance_of_an_answer_costs_nobody_that_answer() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let post = "POST /up/slow HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n\
                content-length: 2\r\n\r\nhi";
    let advances = ["\r\n".to_owned(), GET.to_owned(), "x".repeat(30_000)];
    for (count, advance) in advances.into_iter().enumerate() {
        let waiting = Arc::new(Semaphore::new(0));
        let mut script = vec![Step::Gate(Arc::clone(&waiting))];
        script.extend(json_answer("{}"));
        upstream.on("/slow", script);
        let mut client = RawClient::connect(world.plain()).await;
        client.send(post).await;
        until("the call", async || (upstream.seen().len() == count + 1).then_some(())).await;
        client.send(advance).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        waiting.add_permits(1);
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert!(client.rest().await.0.is_empty(), "only what was called before is answered");
        let outcomes = world.wait_outcomes(count + 1).await;
        assert_eq!(outcomes[count]["payload"]["data"]["outcome"], "answered");
    }
    assert_eq!(upstream.seen().len(), 3);
    // Nobody reads without end for it.
    upstream.on("/slow", vec![Step::Gate(Arc::new(Semaphore::new(0)))]);
    let mut client = RawClient::connect(world.plain()).await;
    client.send(post).await;
    until("the call", async || (upstream.seen().len() == 4).then_some(())).await;
    let _ = client.try_send("x".repeat(1 << 20)).await;
    let outcomes = world.wait_outcomes(4).await;
    assert_eq!(outcomes[3]["payload"]["data"]["outcome"], "abandoned");
}
