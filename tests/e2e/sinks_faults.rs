//! Collectors that are half there: nobody's call waits for them, and nothing is lost or doubled.
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tollgate_tests::{RawClient, Upstream, World, until};

use crate::collectors::Collector;
use crate::kit::{request, verify};

/// Shorter than the setting's default, so that a test need not wait for it.
const DELIVERY_SECS: u64 = 1;

async fn world(upstream: &Upstream, sinks: Value) -> World {
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/sinks", sinks)
        .set("/audit/delivery_secs", DELIVERY_SECS)
        .start()
        .await
}

/// Makes calls; none of them may be refused because of a sink.
async fn call(world: &World, times: usize) {
    let mut client = RawClient::connect(world.plain()).await;
    for _ in 0..times {
        assert_eq!(client.call(request("GET", "/up/ok", &[], "")).await.status, 200);
    }
}

async fn lag(world: &World, sink: &str) -> f64 {
    world.metric(&format!("tollgate_sink_lag_events{{sink=\"{sink}\"}}")).await
}

async fn no_lag(world: &World, sink: &str) {
    until("no lag", async || (lag(world, sink).await == 0.0).then_some(())).await;
}

/// Asserts that what came has, each taken at its first coming, every event of the record once and
/// in order, and returns how many came twice.
fn deduplicated(came: &[Value], kept: &[Value]) -> usize {
    let mut seen = HashSet::new();
    let first: Vec<&Value> =
        came.iter().filter(|event| seen.insert(event["id"].as_str().unwrap())).collect();
    assert_eq!(first.len(), kept.len());
    assert!(first.iter().zip(kept).all(|(came, kept)| **came == *kept));
    came.len() - first.len()
}

/// Takes connections and what is sent, and never says a word.
struct Silent {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Silent {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let serving = tokio::spawn(async move {
            // Kept open for as long as this lasts.
            let mut connections = Vec::new();
            while let Ok((connection, _)) = socket.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                connections.push(connection);
            }
        });
        Self { address, taken, serving }
    }

    /// Makes room for somebody else at its address.
    async fn end(self) -> SocketAddr {
        self.serving.abort();
        let _ = self.serving.await;
        self.address
    }
}

#[tokio::test]
async fn nobody_waits_for_collectors_that_never_answer() {
    let (upstream, silent) = (Upstream::start().await, Silent::start().await);
    let port = silent.address.port();
    let url = format!("http://{}/v1/logs", silent.address);
    let tls = json!({ "server_name": "localhost", "ca": "ca.pem" });
    let sinks = json!([
        { "type": "http", "name": "http", "url": url },
        { "type": "otlp", "name": "otlp", "url": url },
        { "type": "syslog", "name": "syslog", "address": silent.address.to_string(), "tls": tls },
        {
            "type": "nats", "name": "nats", "host": "127.0.0.1", "port": port, "stream": "S",
            "subject": "s", "auth": { "token": { "file": "policy.yaml" } },
        },
        {
            "type": "postgres", "name": "postgres", "host": "127.0.0.1", "port": port,
            "database": "d", "user": "u",
        },
    ]);
    let mut world = world(&upstream, sinks).await;
    call(&world, 20).await;
    until("failures of all five", async || {
        let log = world.log();
        let failed = |sink: &&str| {
            log.lines().any(|line| {
                line.contains("a delivery failed") && line.contains(&format!("\"{sink}\""))
            })
        };
        ["http", "otlp", "syslog", "nats", "postgres"].iter().all(failed).then_some(())
    })
    .await;
    call(&world, 20).await;
    for sink in ["http", "otlp", "syslog", "nats", "postgres"] {
        assert!(lag(&world, sink).await >= 80.0, "{sink}");
    }
    assert!(silent.taken.load(Ordering::SeqCst) >= 5);
    // A stop does not wait for them for ever either.
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
}

#[tokio::test]
async fn one_that_was_half_open_gets_all_of_it_later() {
    let (upstream, silent) = (Upstream::start().await, Silent::start().await);
    let url = format!("http://{}/events", silent.address);
    let sink = json!([{ "type": "http", "name": "lake", "url": url, "batch_events": 8 }]);
    let mut world = world(&upstream, sink).await;
    call(&world, 20).await;
    until("a delivery that was late", async || {
        world.log().contains("did not answer in time").then_some(())
    })
    .await;
    assert!(lag(&world, "lake").await >= 40.0);
    let collector = Collector::at(silent.end().await).await;
    call(&world, 5).await;
    no_lag(&world, "lake").await;
    assert!(world.stop().await.success());
    assert_eq!(deduplicated(&collector.events(), &world.events()), 0);
}

/// Takes every batch, and answers the first ones when nobody waits any more.
struct Late {
    address: SocketAddr,
    came: Arc<Mutex<Vec<Value>>>,
    serving: JoinHandle<()>,
}

impl Drop for Late {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Late {
    async fn start(late: usize) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let came = Arc::new(Mutex::new(Vec::new()));
        let left = Arc::new(AtomicUsize::new(late));
        let shelf = Arc::clone(&came);
        let serving = tokio::spawn(async move {
            let mut tasks = JoinSet::new();
            while let Ok((io, _)) = socket.accept().await {
                tasks.spawn(take_late(io, Arc::clone(&shelf), Arc::clone(&left)));
            }
        });
        Self { address, came, serving }
    }
}

/// One request after another on a connection, by hand, so that the answer waits for the gate to
/// give up: its end of the connection closes.
async fn take_late(mut io: TcpStream, came: Arc<Mutex<Vec<Value>>>, left: Arc<AtomicUsize>) {
    let mut bytes = Vec::new();
    loop {
        let Some(body) = read_request(&mut io, &mut bytes).await else { return };
        let lines = body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let events = lines.map(|line| serde_json::from_slice(line).unwrap());
        came.lock().unwrap().extend(events);
        let one_less = |left: usize| left.checked_sub(1);
        if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            // Until the gate has given up.
            while io.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {}
        }
        if io.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
            return;
        }
    }
}

async fn read_request(io: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let whole = end + 4 + length.unwrap().parse::<usize>().unwrap();
            if bytes.len() >= whole {
                let body = bytes[end + 4..whole].to_vec();
                bytes.drain(..whole);
                return Some(body);
            }
        }
        if io.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

#[tokio::test]
async fn one_that_answers_too_late_has_some_twice_and_loses_none() {
    let upstream = Upstream::start().await;
    let late = Late::start(3).await;
    let url = format!("http://{}/events", late.address);
    let sink = json!([{ "type": "http", "name": "lake", "url": url, "batch_events": 8 }]);
    let mut world = world(&upstream, sink).await;
    call(&world, 30).await;
    no_lag(&world, "lake").await;
    assert!(world.stop().await.success());
    let came = late.came.lock().unwrap().clone();
    assert!(deduplicated(&came, &world.events()) > 0, "nothing came twice");
    assert!(world.log().contains("did not answer in time"));
}

#[tokio::test]
async fn the_lag_of_a_dead_one_rises_and_falls_while_another_follows() {
    let upstream = Upstream::start().await;
    let (mut dead, alive) = (Collector::start().await, Collector::start().await);
    dead.down().await;
    let sink = |name: &str, collector: &Collector| json!({ "type": "http", "name": name, "url": collector.url() });
    let sinks = json!([sink("dead", &dead), sink("alive", &alive)]);
    let mut world = world(&upstream, sinks).await;
    let mut before = 0.0;
    for _ in 0..3 {
        call(&world, 20).await;
        no_lag(&world, "alive").await;
        let now = lag(&world, "dead").await;
        assert!(now >= before + 40.0, "{now} after {before}");
        before = now;
    }
    dead.up().await;
    no_lag(&world, "dead").await;
    assert!(world.stop().await.success());
    for collector in [&dead, &alive] {
        assert_eq!(deduplicated(&collector.events(), &world.events()), 0);
    }
    verify(&world.spool()).await;
}
