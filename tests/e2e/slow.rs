//! Slow, half-open and idle: in tunnels as outside of them.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tollgate_tests::{
    Certificates, HttpClient, RawClient, Step, Upstream, World, chunked, full, tls_over, until,
    within,
};

use crate::deadlines::{Other, hasty};
use crate::inside::{connect, inside, shaken};
use crate::tunnels::{code, opened, trusting};

/// TLS before a server that knows none; whatever ends behind it, ends here without a word.
struct Front {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Front {
    async fn start(behind: SocketAddr) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (chain, key) =
            Certificates::shared().authority.server(&["localhost", "127.0.0.1"]).to_rustls();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((io, _)) = socket.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    let Ok(mut near) = acceptor.accept(io).await else { return };
                    let mut far = TcpStream::connect(behind).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, _serving: serving }
    }
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")
}

/// Waits until only so many connections of clients are open.
async fn left(world: &World, count: f64) {
    until("connections to end", async || {
        (world.metric("tollgate_connections").await == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn clients_that_trickle_in_tunnels() {
    let plain = Upstream::start().await;
    let front = Front::start(plain.address()).await;
    let (port, tls_port) = (plain.address().port(), front.address.port());
    let mut deadlines = hasty();
    deadlines["handshake_ms"] = 500.into();
    let world = opened(&[port, tls_port])
        .route("up", "/up", &plain.url())
        .set("/deadlines", deadlines)
        .start()
        .await;
    let other = Other::start(world.plain(), "/up/other");
    let slow = Duration::from_millis(60);
    let (to, cleartext) = (format!("localhost:{tls_port}"), format!("localhost:{port}"));

    // CONNECT itself, first and after a call.
    for used in [false, true] {
        let mut client = RawClient::connect(world.plain()).await;
        if used {
            assert_eq!(client.call(get("/up/other", "localhost")).await.status, 200);
        }
        let head = format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\nx-filler: {}", "x".repeat(200));
        let _ = client.trickle(head.as_bytes(), 4, slow).await;
        let answer = client.answer().await;
        let found = (answer.status, answer.code());
        assert_eq!(found, (408, "REQUEST_TIMEOUT".to_owned()), "used {used}");
    }
    // Its first letters.
    let mut client = RawClient::connect(world.plain()).await;
    client.send("CONN").await;
    assert_eq!(client.rest().await.0, b"");

    // Nothing in the tunnel; a ClientHello that never ends; one that stops in its middle.
    let mut hello = Vec::new();
    let name = ServerName::try_from("localhost").unwrap();
    let config = Arc::new(trusting(&world, &["h2"]));
    let mut asking = rustls::ClientConnection::new(config, name).unwrap();
    asking.write_tls(&mut hello).unwrap();
    assert!(hello.len() > 400, "{}", hello.len());
    for sent in [&hello[..0], &hello[..1], &hello[..300]] {
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(connect(&mut client, &to).await, 200);
        client.send(sent).await;
        assert_eq!(client.rest().await.0, b"", "{}", sent.len());
    }
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(connect(&mut client, &to).await, 200);
    let _ = client.trickle(&hello, 4, slow).await;
    assert_eq!(client.rest().await.0, b"");
    // One that is answered, and not gone on with.
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(connect(&mut client, &to).await, 200);
    client.send(&hello).await;
    let (answer, _) = client.rest().await;
    assert_eq!(answer.first(), Some(&22), "a handshake");

    // A head inside, in TLS and in clear text, as a first call and as a second one.
    let head = |to: &str| format!("GET /slow HTTP/1.1\r\nhost: {to}\r\nx: {}", "x".repeat(200));
    for used in [false, true] {
        let mut client = RawClient::over(inside(&world, &to, "http/1.1").await);
        if used {
            assert_eq!(client.call(get("/quick", &to)).await.status, 200);
        }
        let _ = client.trickle(head(&to).as_bytes(), 4, slow).await;
        assert_eq!(client.answer().await.code(), "REQUEST_TIMEOUT", "TLS, used {used}");
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(connect(&mut client, &cleartext).await, 200);
        if used {
            assert_eq!(client.call(get("/quick", &cleartext)).await.status, 200);
        }
        let _ = client.trickle(head(&cleartext).as_bytes(), 4, slow).await;
        assert_eq!(client.answer().await.code(), "REQUEST_TIMEOUT", "used {used}");
    }
    other.end().await;
    assert!(plain.seen().iter().all(|seen| !seen.line().contains("slow")));
    let refused = world.events_of("call.refused");
    let late = refused.iter().filter(|event| event["payload"]["data"]["code"] == "REQUEST_TIMEOUT");
    assert_eq!(late.count(), 6);
    left(&world, 0.0).await;
}

/// A client that sends no more, or vanishes, ends its tunnel wherever it is.
#[tokio::test]
async fn tunnels_that_are_half_open() {
    let plain = Upstream::start().await;
    let front = Front::start(plain.address()).await;
    plain.on("/silent", vec![Step::Stall]);
    let tls_port = front.address.port();
    for pass in [false, true] {
        let mut builder = opened(&[tls_port]).route("up", "/up", &plain.url());
        if pass {
            let hosts = serde_json::json!(["localhost"]);
            builder = builder.set("/forward_proxy/intercept/pass_through", hosts);
        }
        // Nothing here ends because time goes by.
        let world = builder.start().await;
        let to = format!("localhost:{tls_port}");
        // After the answer to CONNECT.
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(connect(&mut client, &to).await, 200);
        client.socket().shutdown().await.unwrap();
        assert_eq!(client.rest().await, (Vec::new(), true), "pass {pass}");
        // In the middle of a ClientHello, in order and not.
        for reset in [false, true] {
            let mut client = RawClient::connect(world.plain()).await;
            assert_eq!(connect(&mut client, &to).await, 200);
            client.send(b"\x16\x03\x01\x02\x00\x01").await;
            let mut io = client.into_socket();
            if reset {
                io.set_zero_linger().unwrap();
                drop(io);
            } else {
                io.shutdown().await.unwrap();
                assert_eq!(within("the end", io.read_u8()).await.ok(), None);
            }
        }
        // In the middle of a call, while its upstream says nothing.
        if !pass {
            let mut client = RawClient::over(inside(&world, &to, "http/1.1").await);
            client.send(get("/silent", &to)).await;
            plain.wait_seen("/silent").await;
            client.socket().get_ref().0.set_zero_linger().unwrap();
            drop(client);
            let outcome = world
                .wait_event("an outcome", |e| e["payload"]["data"]["outcome"] == "abandoned")
                .await;
            assert_eq!(outcome["event_type"], "call.outcome", "{outcome}");
        }
        let mut other = RawClient::connect(world.plain()).await;
        assert_eq!(other.call(get("/up/other", "localhost")).await.status, 200);
        drop(other);
        left(&world, 0.0).await;
    }
}

#[tokio::test]
async fn upstreams_that_fail_behind_tunnels() {
    let plain = Upstream::start().await;
    let front = Front::start(plain.address()).await;
    let tls_port = front.address.port();
    let mut deadlines = hasty();
    deadlines["keep_alive_ms"] = 60_000.into();
    let world = opened(&[tls_port])
        .route("up", "/up", &plain.url())
        .set("/deadlines", deadlines)
        .set("/upstreams", serde_json::json!({ "breaker": { "failures": 0, "share_percent": 0 } }))
        .start()
        .await;
    let other = Other::start(world.plain(), "/up/other");
    let head = |head: &str| Step::Send(format!("{head}\r\n\r\n").into_bytes());
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let body = |text: &str| Step::Send(text.as_bytes().to_vec());
    let flood = || Step::Flood(vec![b'x'; 1 << 16], 1 << 20);
    let cases = [
        ("/silent", vec![Step::Stall], 504, "UPSTREAM_TIMEOUT"),
        ("/half-head", vec![body("HTTP/1.1 200 OK\r\nco"), Step::Stall], 504, "UPSTREAM_TIMEOUT"),
        (
            "/half-body",
            vec![head(&format!("{ok}content-length: 10")), body("{"), Step::Stall],
            504,
            "UPSTREAM_TIMEOUT",
        ),
        ("/gone", vec![Step::Close], 502, "UPSTREAM_PROTOCOL"),
        ("/reset", vec![Step::Reset], 502, "UPSTREAM_PROTOCOL"),
        ("/garbage", vec![body("SSH-2.0-x\r\n\r\n"), Step::Close], 502, "UPSTREAM_PROTOCOL"),
        (
            "/short",
            vec![head(&format!("{ok}content-length: 10")), body("{}"), Step::Close],
            502,
            "UPSTREAM_PROTOCOL",
        ),
        (
            "/torn",
            vec![head(&format!("{ok}transfer-encoding: chunked")), chunked("{}"), Step::Reset],
            502,
            "UPSTREAM_PROTOCOL",
        ),
        (
            "/two-lengths",
            vec![head(&format!("{ok}content-length: 2\r\ncontent-length: 3")), body("{} ")],
            502,
            "UPSTREAM_PROTOCOL",
        ),
        (
            "/endless",
            vec![head(&format!("{ok}content-length: 99999999999")), body("\""), flood()],
            502,
            "UPSTREAM_PROTOCOL",
        ),
        ("/endless-head", vec![body("HTTP/1.1 200 OK\r\nx: "), flood()], 502, "UPSTREAM_PROTOCOL"),
    ];
    let to = format!("localhost:{tls_port}");
    // All on one connection of HTTP/2, and each on one of HTTP/1.1.
    let mut h2 = HttpClient::over(inside(&world, &to, "h2").await, true).await;
    for (path, script, status, expect) in cases {
        plain.on(path, script);
        let request = http::Request::get(format!("https://{to}{path}")).body(full("")).unwrap();
        let reply = h2.send(request).await;
        let found = (reply.status.as_u16(), code(&reply.body));
        assert_eq!(found, (status, expect.to_owned()), "{path} h2");
        let mut client = RawClient::over(inside(&world, &to, "http/1.1").await);
        assert_eq!(client.call(get("/quick", &to)).await.status, 200, "{path}");
        let answer = client.call(get(path, &to)).await;
        assert_eq!((answer.status, answer.code()), (status, expect.to_owned()), "{path}");
        let receipt = answer.json()["receipt"].clone();
        let outcome =
            world.wait_event(path, |event| event["payload"]["data"]["intent"] == receipt).await;
        assert_eq!(outcome["payload"]["data"]["code"], expect, "{path}");
    }
    // An answer that has begun and never ends goes on for as long as its client reads, and no longer.
    let begun = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 99999999999";
    plain.on("/stream", vec![head(begun), flood()]);
    let request = http::Request::get(format!("https://{to}/stream")).body(full("")).unwrap();
    let answer = h2.begin(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let closed = plain.closed();
    drop(answer);
    plain.wait_closed(closed + 1).await;
    let request = http::Request::get(format!("https://{to}/quick")).body(full("")).unwrap();
    assert_eq!(h2.send(request).await.status, 200);
    other.end().await;
}

fn resident(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() << 10
}

const IDLE: usize = 10_000;

/// Ten thousand that wait, of every kind, cost little each, and calls go on beside them.
#[tokio::test]
async fn ten_thousand_idle_connections() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    assert!(most > IDLE as u64 + 1_000, "this test needs more open files than {most}: ulimit -Hn");
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit })
        .unwrap();
    let plain = Upstream::start().await;
    let port = plain.address().port();
    let front = Front::start(plain.address()).await;
    let world = opened(&[port, front.address.port()])
        .route("up", "/up", &plain.url())
        .set("/bounds/connections", IDLE + 200)
        .set("/deadlines/keep_alive_ms", 3_600_000)
        .set("/deadlines/first_head_ms", 600_000)
        .start()
        .await;
    let mut warm = RawClient::connect(world.plain()).await;
    for _ in 0..200 {
        assert_eq!(warm.call(get("/up/warm", "localhost")).await.status, 200);
    }
    let to = format!("localhost:{}", front.address.port());
    drop(shaken(&world, tunnelled(&world, &to).await, "h2").await);

    // That said nothing; that had a call; HTTP/2 that had one; TLS in a tunnel that had one.
    let (mut silent, mut used, mut h2s, mut tunnels) = (vec![], vec![], vec![], vec![]);
    let mut before = resident(&world);
    let mut told = |what: &str, count: usize, each_at_most: u64| {
        let now = resident(&world);
        let each = now.saturating_sub(before) / count as u64;
        println!("{count} {what}: {each} bytes each, {} MiB in all", now >> 20);
        assert!(each < each_at_most, "{what}: {each} bytes each");
        before = now;
    };
    let kib = 1 << 10;
    for _ in 0..8_000 {
        silent.push(RawClient::connect(world.plain()).await);
    }
    counted(&world, 8_001.0).await;
    told("silent", 8_000, 100 * kib);
    for _ in 0..1_000 {
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(client.call(get("/up/idle", "localhost")).await.status, 200);
        used.push(client);
    }
    told("kept after a call", 1_000, 100 * kib);
    for _ in 0..500 {
        let mut client = HttpClient::plain(world.plain(), true).await;
        assert_eq!(client.get("/up/idle").await.status, 200);
        h2s.push(client);
    }
    told("of HTTP/2", 500, 200 * kib);
    for _ in 0..500 {
        let mut client = RawClient::over(inside(&world, &to, "http/1.1").await);
        assert_eq!(client.call(get("/idle", &to)).await.status, 200);
        tunnels.push(client);
    }
    told("in tunnels with TLS", 500, 200 * kib);
    counted(&world, IDLE as f64 + 1.0).await;

    // Nobody suffers: not who comes now, nor who has waited.
    let mut late = RawClient::connect(world.plain()).await;
    assert_eq!(late.call(get("/up/late", "localhost")).await.status, 200);
    for client in silent.iter_mut().step_by(400).chain(used.iter_mut().step_by(100)) {
        assert_eq!(client.call(get("/up/again", "localhost")).await.status, 200);
    }
    for client in tunnels.iter_mut().step_by(100) {
        assert_eq!(client.call(get("/again", &to)).await.status, 200);
    }
    drop((silent, used, h2s, tunnels, late, warm));
    left(&world, 0.0).await;
}

async fn tunnelled(world: &World, to: &str) -> RawClient {
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(connect(&mut client, to).await, 200);
    client
}

async fn counted(world: &World, count: f64) {
    until("connections to be counted", async || {
        (world.metric("tollgate_connections").await >= count).then_some(())
    })
    .await;
}

/// A client of TLS needs a name to connect; this one is only there to see the handshake end.
#[tokio::test]
async fn a_handshake_that_breaks_off_is_counted() {
    let plain = Upstream::start().await;
    let front = Front::start(plain.address()).await;
    let to = format!("localhost:{}", front.address.port());
    let world = opened(&[front.address.port()]).start().await;
    let client = tunnelled(&world, &to).await;
    // It trusts others than the gate's authority.
    assert!(tls_over(client.into_socket(), None, None).await.is_err());
    until("the count", async || {
        let failed = world.metric("tollgate_tunnels_total{how=\"handshake_failed\"}").await;
        (failed == 1.0).then_some(())
    })
    .await;
    assert_eq!(plain.connections(), 0);
}

/// A head of HTTP/2 that never ends ends its connection, in a tunnel as outside of one; what waits
/// on other connections does not notice.
#[tokio::test]
async fn heads_of_http2_that_trickle() {
    let plain = Upstream::start().await;
    let port = plain.address().port();
    let world =
        opened(&[port]).route("up", "/up", &plain.url()).set("/deadlines", hasty()).start().await;
    let other = Other::start(world.plain(), "/up/other");
    let mut begun = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    begun.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    // HEADERS of 200 bytes on stream 1, without END_HEADERS; `:method: GET` over and over.
    let mut head = vec![0, 0, 200, 1, 1, 0, 0, 0, 1];
    head.extend([0x82; 200]);
    // The same, ended by none of the frames that follow it.
    let mut endless = vec![0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82];
    for _ in 0..200 {
        endless.extend([0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82]);
    }
    for tunnel in [false, true] {
        for (what, bytes) in [("one frame", &head), ("continuations", &endless)] {
            let mut client = RawClient::connect(world.plain()).await;
            if tunnel {
                assert_eq!(connect(&mut client, &format!("localhost:{port}")).await, 200);
            }
            client.send(&begun).await;
            let trickled = client.trickle(bytes, 2, Duration::from_millis(50)).await;
            let _ = client.rest().await;
            assert!(trickled.is_err(), "{what}, tunnel {tunnel}: it went on to its end");
        }
    }
    other.end().await;
    left(&world, 0.0).await;
}
