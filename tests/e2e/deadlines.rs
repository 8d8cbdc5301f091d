//! Nothing waits for ever, and nobody else waits with it.
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tollgate_tests::{
    Authority, Certificates, HttpClient, HttpUpstream, RawClient, Step, Upstream, World, chunked,
    fixed, http_route, streamed, until,
};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

pub(crate) fn hasty() -> serde_json::Value {
    json!({
        "head_ms": 500, "body_ms": 700, "connect_ms": 2000, "first_byte_ms": 700, "idle_ms": 500,
        "stream_idle_ms": 500, "keep_alive_ms": 600, "drain_ms": 5000,
    })
}

/// Somebody else, who calls all the while and must always be answered.
pub(crate) struct Other {
    stop: Arc<AtomicBool>,
    calling: tokio::task::JoinHandle<usize>,
}

impl Other {
    pub(crate) fn start(gate: SocketAddr, path: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let calling = tokio::spawn(async move {
            let mut calls = 0;
            while !stopped.load(Ordering::SeqCst) {
                let mut client = RawClient::connect(gate).await;
                assert_eq!(client.call(get(path)).await.status, 200, "somebody else's call");
                calls += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            calls
        });
        Self { stop, calling }
    }

    pub(crate) async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        assert!(self.calling.await.unwrap() > 2);
    }
}

#[tokio::test]
async fn clients_that_trickle() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/deadlines", hasty())
        .start()
        .await;
    let other = Other::start(world.plain(), "/up/other");
    let slow = Duration::from_millis(100);
    let head =
        "GET /up/slow HTTP/1.1\r\nhost: localhost\r\nx-filler: ".to_owned() + &"x".repeat(100);

    // On a fresh connection, and on one that was used before.
    for used in [false, true] {
        let mut client = RawClient::connect(world.plain()).await;
        if used {
            assert_eq!(client.call(get("/up/other")).await.status, 200);
        }
        // Each byte comes well within any time between two reads; all of them never do.
        let trickled = client.trickle(head.as_bytes(), 4, slow).await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (408, "REQUEST_TIMEOUT"),
            "used {used}"
        );
        assert!(trickled.is_err() || client.rest().await.0.is_empty());
    }
    // A head that stops in its middle.
    let mut client = RawClient::connect(world.plain()).await;
    let answer = client.call("GET /up/slow HT").await;
    assert_eq!(answer.code(), "REQUEST_TIMEOUT");

    // Bodies, in both framings and versions.
    let post = "POST /up/slow HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n";
    for (framing, body) in [
        ("content-length: 1000", "x".repeat(1000)),
        ("transfer-encoding: chunked", "1\r\nx\r\n".repeat(200)),
    ] {
        let mut client = RawClient::connect(world.plain()).await;
        client.send(format!("{post}{framing}\r\n\r\n")).await;
        let _ = client.trickle(&body.as_bytes()[..120], 6, slow).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.code().as_str()), (408, "REQUEST_TIMEOUT"), "{framing}");
    }
    let mut client = HttpClient::plain(world.plain(), true).await;
    let (sender, body) = streamed();
    assert!(sender.send("the beginning"));
    let reply = client.post("/up/slow", "text/plain", body).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (408, "REQUEST_TIMEOUT"));
    drop(sender);
    // The connection's other calls do not suffer for it.
    assert_eq!(client.get("/up/other").await.status, 200);

    // A connection that says nothing at all is closed without a word, first or later.
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(client.rest().await, (Vec::new(), true));
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(client.call(get("/up/other")).await.status, 200);
    assert_eq!(client.rest().await, (Vec::new(), true));

    other.end().await;
    assert!(upstream.seen().iter().all(|seen| !seen.line().contains("slow")));
    let refused = world.events_of("call.refused");
    let late = refused.iter().filter(|event| event["payload"]["data"]["code"] == "REQUEST_TIMEOUT");
    assert_eq!(late.count(), 6);
}

#[tokio::test]
async fn upstreams_that_fail() {
    let upstream = Upstream::start().await;
    let dead = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let certificates = Certificates::shared();
    let plain = HttpUpstream::h1().await;
    let right = HttpUpstream::tls(&certificates.server, true, None).await;
    let misnamed =
        HttpUpstream::tls(&certificates.authority.server(&["other.test"]), true, None).await;
    let rogue = Authority::new("rogue.test").server(&["127.0.0.1"]);
    let rogue = HttpUpstream::tls(&rogue, true, None).await;
    let mut h2 = http_route("h2", "/h2", &upstream.url());
    h2["upstream"]["http2"] = true.into();
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .route("dead", "/dead", &format!("http://{dead}"))
        .route("right", "/right", &right.url())
        .route("misnamed", "/misnamed", &misnamed.url())
        .route("rogue", "/rogue", &rogue.url())
        .route("plain-as-tls", "/plain-as-tls", &format!("https://{}", plain.address()))
        .route("mute-as-tls", "/mute-as-tls", &format!("https://{}", upstream.address()))
        .add_route(h2)
        .set("/deadlines", hasty())
        .start()
        .await;
    let other = Other::start(world.plain(), "/up/other");
    let head = |head: &str| Step::Send(format!("{head}\r\n\r\n").into_bytes());
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    upstream.on("/silent", vec![Step::Stall]);
    // What an HTTP/2 client says first.
    upstream.on("*", vec![Step::Stall]);
    upstream
        .on("/half-head", vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()), Step::Stall]);
    upstream.on(
        "/half-body",
        vec![head(&format!("{ok}content-length: 10")), Step::Send(b"{".to_vec()), Step::Stall],
    );
    upstream.on("/gone", vec![Step::Close]);
    upstream.on("/reset", vec![Step::Reset]);
    upstream.on("/garbage", vec![Step::Send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()), Step::Close]);
    upstream.on(
        "/short",
        vec![head(&format!("{ok}content-length: 10")), Step::Send(b"{}".to_vec()), Step::Close],
    );
    upstream.on(
        "/torn-chunks",
        vec![head(&format!("{ok}transfer-encoding: chunked")), chunked("{}"), Step::Close],
    );
    upstream.on(
        "/bad-chunks",
        vec![
            head(&format!("{ok}transfer-encoding: chunked")),
            Step::Send(b"zz\r\n{}\r\n0\r\n\r\n".to_vec()),
        ],
    );
    upstream.on("/broken-json", fixed(200, "application/json", "{\"a\":"));
    upstream.on(
        "/two-lengths",
        vec![
            head(&format!("{ok}content-length: 2\r\ncontent-length: 3")),
            Step::Send(b"{} ".to_vec()),
            Step::Close,
        ],
    );
    upstream.on(
        "/switch",
        vec![
            head("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade"),
            Step::Stall,
        ],
    );
    upstream.on(
        "/many-1xx",
        vec![
            Step::Flood(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec(), 100),
            Step::Close,
        ],
    );
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(17 << 20));
    upstream.on("/huge", fixed(200, "application/json", long));
    for (path, status, code) in [
        ("/right/ok", 200, ""),
        ("/up/silent", 504, "UPSTREAM_TIMEOUT"),
        ("/h2/silent", 504, "UPSTREAM_TIMEOUT"),
        ("/up/half-head", 504, "UPSTREAM_TIMEOUT"),
        ("/up/half-body", 504, "UPSTREAM_TIMEOUT"),
        ("/dead/x", 502, "UPSTREAM_CONNECT"),
        ("/misnamed/x", 502, "UPSTREAM_TLS"),
        ("/rogue/x", 502, "UPSTREAM_TLS"),
        ("/plain-as-tls/x", 502, "UPSTREAM_TLS"),
        // It waits for the end of a head that will never come: no connection within the time.
        ("/mute-as-tls/x", 502, "UPSTREAM_CONNECT"),
        ("/up/gone", 502, "UPSTREAM_PROTOCOL"),
        ("/up/reset", 502, "UPSTREAM_PROTOCOL"),
        ("/up/garbage", 502, "UPSTREAM_PROTOCOL"),
        ("/up/short", 502, "UPSTREAM_PROTOCOL"),
        ("/up/torn-chunks", 502, "UPSTREAM_PROTOCOL"),
        ("/up/bad-chunks", 502, "UPSTREAM_PROTOCOL"),
        ("/up/broken-json", 502, "UPSTREAM_PROTOCOL"),
        ("/up/two-lengths", 502, "UPSTREAM_PROTOCOL"),
        ("/up/switch", 502, "UPSTREAM_PROTOCOL"),
        ("/up/many-1xx", 502, "UPSTREAM_PROTOCOL"),
        ("/up/huge", 502, "UPSTREAM_PROTOCOL"),
    ] {
        let mut client = RawClient::connect(world.plain()).await;
        let answer = client.call(get(path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
        if status == 200 {
            continue;
        }
        let receipt = answer.json()["receipt"].clone();
        let outcome =
            world.wait_event(path, |event| event["payload"]["data"]["intent"] == receipt).await;
        assert_eq!(outcome["payload"]["data"]["code"], code, "{path}");
    }
    assert!(misnamed.heard().is_empty() && rogue.heard().is_empty(), "nothing went to a liar");

    // What was begun already can only be cut: a client must not take a part for the whole.
    for (path, body) in
        [("/text", "content-length: 100"), ("/chunks", "transfer-encoding: chunked")]
    {
        let begin = head(&format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{body}"));
        upstream.on(path, vec![begin, chunked("a beginning"), Step::Stall]);
        for h2 in [false, true] {
            let mut client = HttpClient::plain(world.plain(), h2).await;
            let request = client.request("GET", &format!("/up{path}"));
            let request = request.body(tollgate_tests::full("")).unwrap();
            assert!(client.try_send(request).await.is_err(), "{path} h2 {h2}");
        }
    }
    other.end().await;
}

/// A client that does not take its answer does not keep the call for ever.
#[tokio::test]
async fn clients_that_do_not_read() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/deadlines", hasty())
        .start()
        .await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 104857600\r\n\r\n";
    upstream.on(
        "/flood",
        vec![Step::Send(head.as_bytes().to_vec()), Step::Flood(vec![b'x'; 1 << 20], 100)],
    );
    let mut deaf = RawClient::connect(world.plain()).await;
    deaf.send(get("/up/flood")).await;
    upstream.wait_closed(1).await;
    let mut h2 = HttpClient::plain(world.plain(), true).await;
    let request = h2.request("GET", "/up/flood").body(tollgate_tests::full("")).unwrap();
    let unread = h2.begin(request).await.unwrap();
    upstream.wait_closed(2).await;
    drop(unread);
    let outcomes = world.wait_outcomes(2).await;
    assert!(outcomes.iter().all(|event| event["payload"]["data"]["outcome"] == "abandoned"));
    // The outcome is told before the call is counted out.
    until("no call in flight", async || {
        (world.metric("tollgate_calls_in_flight").await == 0.0).then_some(())
    })
    .await;
}

/// All that comes before a connection's first head has one deadline together, whatever comes and
/// however it trickles; a connection that had a call is none of that.
#[tokio::test]
async fn connections_without_a_first_head_end_soon() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/deadlines", json!({ "first_head_ms": 1000 }))
        .start()
        .await;
    let mut kept = RawClient::connect(world.plain()).await;
    assert_eq!(kept.call(get("/up/ok")).await.status, 200);
    let mut kept_h2 = HttpClient::plain(world.plain(), true).await;
    assert_eq!(kept_h2.get("/up/ok").await.status, 200);

    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let (plain, tls) = (world.plain(), world.tls());
    let slow = Duration::from_millis(150);
    let began = std::time::Instant::now();
    let mut ends = tokio::task::JoinSet::new();
    for (what, to, first, trickles) in [
        ("silence", plain, &b""[..], false),
        ("silence before TLS", tls, b"", false),
        ("half a preface", plain, b"PRI * HT", false),
        ("HTTP/2 without a call", plain, settings, false),
        ("half a hello", tls, hello, false),
        ("a hello that trickles", tls, hello, true),
        ("a head that trickles", plain, b"GET /up/slow HTTP/1.1\r\nhost: localhost\r\n", true),
        ("a tunnel's head that trickles", plain, b"CONNECT localhost:443 HTTP/1.1\r\n", true),
    ] {
        ends.spawn(async move {
            let mut client = RawClient::connect(to).await;
            if trickles {
                let _ = client.trickle(first, 3, slow).await;
            } else {
                client.send(first).await;
            }
            client.rest().await;
            what
        });
    }
    while let Some(what) = ends.join_next().await {
        let took = began.elapsed();
        assert!(took < Duration::from_secs(4), "{} took {took:?}", what.unwrap());
    }
    assert_eq!(kept.call(get("/up/ok")).await.status, 200);
    assert_eq!(kept_h2.get("/up/ok").await.status, 200);
    let refused = world.events_of("call.refused");
    let late = refused.iter().filter(|event| event["payload"]["data"]["code"] == "REQUEST_TIMEOUT");
    assert_eq!(late.count(), 2, "the heads that trickled are told");
}

/// Whoever connects and says nothing keeps nobody out; whoever had a call stays.
#[tokio::test]
async fn connections_without_a_call_make_room() {
    const MOST: usize = 8;
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/bounds/connections", MOST)
        .set("/deadlines/first_head_ms", 600_000)
        .start()
        .await;
    let mut used = RawClient::connect(world.plain()).await;
    assert_eq!(used.call(get("/up/ok")).await.status, 200);
    let mut silent = Vec::new();
    for _ in 0..4 * MOST {
        silent.push(RawClient::connect(world.plain()).await);
    }
    let mut agents = Vec::new();
    for _ in 1..MOST {
        let mut agent = RawClient::connect(world.plain()).await;
        assert_eq!(agent.call(get("/up/ok")).await.status, 200);
        agents.push(agent);
    }
    for mut one in silent {
        assert_eq!(one.rest().await, (Vec::new(), true));
    }
    // Nobody makes room now, and who comes waits until somebody leaves.
    let mut next = RawClient::connect(world.plain()).await;
    next.send(get("/up/ok")).await;
    assert_eq!(used.call(get("/up/ok")).await.status, 200);
    for agent in &mut agents {
        assert_eq!(agent.call(get("/up/ok")).await.status, 200);
    }
    drop(agents.pop());
    assert_eq!(next.answer().await.status, 200);
}

/// A byte now and then is no silence; an answer that is held whole has an end all the same, and one
/// that streams has not.
#[tokio::test]
async fn held_answers_that_trickle_end() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .mcp("mcp", "/mcp", &format!("{}/mcp", upstream.url()))
        .set("/deadlines", json!({ "held_answer_ms": 1000, "idle_ms": 600, "stream_idle_ms": 600 }))
        .start()
        .await;
    let trickling = |media: &str, piece: &str, times: usize| {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let mut steps = vec![Step::Send(head.into_bytes())];
        for _ in 0..times {
            steps.extend([chunked(piece), Step::Pause(Duration::from_millis(200))]);
        }
        steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
        steps
    };
    upstream.on("/json", trickling("application/json", " ", 100));
    upstream.on("/mcp", trickling("application/json", " ", 100));
    upstream.on("/text", trickling("text/plain", "a", 10));
    upstream.on("/events", trickling("text/event-stream", "data: a\n\n", 10));
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (request, late) in [
        (get("/up/json"), true),
        (
            format!(
                "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{ping}",
                ping.len()
            ),
            true,
        ),
        (get("/up/text"), false),
        (get("/up/events"), false),
    ] {
        let began = std::time::Instant::now();
        let answer = RawClient::connect(world.plain()).await.call(&request).await;
        let took = began.elapsed();
        if !late {
            assert_eq!(answer.status, 200, "{request}");
            assert!(took > Duration::from_millis(1800), "{request}: cut after {took:?}");
            continue;
        }
        assert!(answer.text().contains("UPSTREAM_TIMEOUT"), "{request}: {}", answer.text());
        assert!(took < Duration::from_secs(5), "{request}: {took:?}");
    }
    let late = world.events_of("call.outcome").into_iter();
    let late = late.filter(|event| event["payload"]["data"]["code"] == "UPSTREAM_TIMEOUT");
    assert_eq!(late.count(), 2);
    let held = world.metric("tollgate_held_bytes").await;
    assert_eq!(held, 0.0);
}
