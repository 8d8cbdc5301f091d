//! Upstreams that are full, that fail, stall and recover.
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tollgate_tests::{
    Answer, Certificates, HttpClient, OTHER_AGENT, RawClient, Script, Step, Upstream, World, fixed,
    full, json_answer, until,
};

use super::kit::{SESSIONS, ask, post, tool_call};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

async fn call(world: &World, path: &str) -> Answer {
    ask(world.plain(), get(path)).await
}

/// An answer that waits until it is let go.
fn gated() -> (Arc<Semaphore>, Script) {
    let gate = Arc::new(Semaphore::new(0));
    let mut script = vec![Step::Gate(Arc::clone(&gate))];
    script.extend(json_answer("{}"));
    (gate, script)
}

async fn begin(world: &World, upstream: &Upstream, path: &str) -> RawClient {
    let before = upstream.seen().len();
    let mut client = RawClient::connect(world.plain()).await;
    client.send(get(path)).await;
    until("the call", async || (upstream.seen().len() > before).then_some(())).await;
    client
}

fn refused(answer: &Answer, code: &str) -> u64 {
    assert_eq!((answer.status, answer.code().as_str()), (503, code));
    let after = answer.header("retry-after").expect("says when to come back");
    assert_eq!(answer.json()["retry_after"].to_string(), after);
    after.parse().unwrap()
}

async fn flying(world: &World) -> f64 {
    world.metric("tollgate_upstream_calls_in_flight{route=\"up\"}").await
}

#[tokio::test]
async fn calls_at_one_upstream_have_a_bound() {
    let (upstream, other) = (Upstream::start().await, Upstream::start().await);
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .mcp("mcp", "/mcp", &upstream.url())
        .route("other", "/other", &other.url())
        .set("/upstreams", json!({ "wait_ms": 0 }))
        .set("/routes/0/upstream/concurrency", 2)
        .set("/routes/1/upstream/concurrency", 1)
        .start()
        .await;
    let (gate, script) = gated();
    upstream.on("/slow", script.clone());
    upstream.on("/", script);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n";
    upstream.on("/stream", vec![Step::Send(head.as_bytes().to_vec()), Step::Stall]);

    let mut first = begin(&world, &upstream, "/up/slow").await;
    // A stream has its answer's head long before its end.
    let mut stream = begin(&world, &upstream, "/up/stream").await;
    assert_eq!(stream.read_head().await.unwrap().0, 200);
    assert_eq!(refused(&call(&world, "/up/ok").await, "UPSTREAM_BUSY"), 1);
    // Whoever asks.
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut stranger = HttpClient::tls(world.tls(), Some(&identity), true).await.unwrap();
    assert_eq!(stranger.get("/up/ok").await.code(), "UPSTREAM_BUSY");
    // Other upstreams are not concerned.
    assert_eq!(call(&world, "/other/ok").await.status, 200);
    assert_eq!(flying(&world).await, 2.0);

    // A client that goes away gives its place back, and so does a call's end.
    drop(stream);
    until("a place", async || (call(&world, "/up/ok").await.status == 200).then_some(())).await;
    gate.add_permits(1);
    assert_eq!(first.answer().await.status, 200);
    until("no call in flight", async || (flying(&world).await == 0.0).then_some(())).await;

    // A tool's caller is told in a result, and a program can read when to come back.
    let search = |id| post(&[SESSIONS], tool_call(id, "search", json!({})).to_string());
    let mut one = RawClient::connect(world.plain()).await;
    one.send(search(json!(1))).await;
    upstream.wait_seen("/").await;
    let answer = ask(world.plain(), search(json!(2))).await;
    let decision = &answer.json()["result"]["_meta"]["tollgate/decision"];
    assert_eq!(answer.status, 200);
    assert_eq!((&decision["code"], &decision["retry_after"]), (&json!("UPSTREAM_BUSY"), &json!(1)));
    gate.add_permits(1);
    one.answer().await;

    let busy = world.metric("tollgate_upstream_refusals_total{route=\"up\",why=\"busy\"}").await;
    let outcomes = world.events_of("call.outcome");
    let told = |event: &&Value| {
        event["payload"]["data"]["code"] == "UPSTREAM_BUSY"
            && event["payload"]["data"]["route"] == "up"
    };
    assert!(busy >= 2.0);
    assert_eq!(outcomes.iter().filter(told).count() as f64, busy, "each refusal is recorded");
}

#[tokio::test]
async fn a_few_wait_for_a_place() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/upstreams", json!({ "concurrency": 1, "wait_ms": 60_000, "waiting": 1 }))
        .start()
        .await;
    let (gate, script) = gated();
    upstream.on("/slow", script);
    let mut first = begin(&world, &upstream, "/up/slow").await;
    let mut second = RawClient::connect(world.plain()).await;
    second.send(get("/up/second")).await;
    // That it waits shows by another being refused.
    assert!(second.is_silent_for(std::time::Duration::from_millis(500)).await);
    refused(&call(&world, "/up/third").await, "UPSTREAM_BUSY");
    assert_eq!(upstream.seen().len(), 1);
    gate.add_permits(1);
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(second.answer().await.status, 200);

    // Who waits without end is refused, too; and a reload changes the bound.
    world.set("/upstreams", json!({ "concurrency": 1, "wait_ms": 50, "waiting": 1 }));
    assert!(world.reload().await);
    let mut first = begin(&world, &upstream, "/up/slow").await;
    refused(&call(&world, "/up/ok").await, "UPSTREAM_BUSY");
    world.set("/upstreams", json!({ "concurrency": 2, "wait_ms": 50, "waiting": 1 }));
    assert!(world.reload().await);
    assert_eq!(call(&world, "/up/ok").await.status, 200);
    gate.add_permits(1);
    assert_eq!(first.answer().await.status, 200);
}

fn quick() -> Value {
    json!({
        "wait_ms": 0,
        "breaker": { "failures": 3, "open_ms": 300, "open_max_ms": 600, "trials": 1 },
    })
}

async fn changes(world: &World, state: &str) -> f64 {
    let name = "tollgate_upstream_circuit_changes_total";
    world.metric(&format!("{name}{{route=\"up\",state=\"{state}\"}}")).await
}

#[tokio::test]
async fn one_that_fails_is_left_alone_and_tried_again() {
    let (upstream, other) = (Upstream::start().await, Upstream::start().await);
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .route("other", "/other", &other.url())
        .set("/upstreams", json!({ "breaker": { "failures": 3, "open_ms": 60_000, "trials": 1 } }))
        .set("/deadlines/first_byte_ms", 300)
        .start()
        .await;
    upstream.on("/reset", vec![Step::Reset]);
    upstream.on("/stall", vec![Step::Stall]);
    upstream.on("/away", fixed(503, "application/json", "{}"));
    upstream.on("/own", fixed(500, "application/json", "{}"));
    // What is wrong with a call alone says nothing about the upstream.
    for _ in 0..5 {
        assert_eq!(call(&world, "/up/own").await.status, 500);
    }
    for (path, status) in [("/up/reset", 502), ("/up/stall", 504), ("/up/away", 503)] {
        assert_eq!(call(&world, path).await.status, status, "{path}");
    }
    let seen = upstream.seen().len();
    let after = refused(&call(&world, "/up/ok").await, "UPSTREAM_CIRCUIT_OPEN");
    assert!((1..=60).contains(&after), "{after}");
    let mut client = HttpClient::plain(world.plain(), true).await;
    let reply = client.post("/up/ok", "text/plain", full("x")).await;
    assert_eq!(reply.code(), "UPSTREAM_CIRCUIT_OPEN");
    assert!(reply.headers.contains_key("retry-after"));
    assert_eq!(upstream.seen().len(), seen, "nothing is sent");
    assert_eq!(call(&world, "/other/ok").await.status, 200);
    assert_eq!(world.metric("tollgate_upstream_circuits_open{route=\"up\"}").await, 1.0);
    world.says("an upstream failed and is left alone").await;
    drop(world);

    // It fails, is tried once, fails again, and is well at last.
    let world =
        World::builder().route("up", "/up", &upstream.url()).set("/upstreams", quick()).start();
    let world = world.await;
    for _ in 0..3 {
        assert_eq!(call(&world, "/up/reset").await.code(), "UPSTREAM_PROTOCOL");
    }
    refused(&call(&world, "/up/ok").await, "UPSTREAM_CIRCUIT_OPEN");
    let trial = async |path: &str| {
        until("a trial", async || {
            let answer = call(&world, path).await;
            (answer.code() != "UPSTREAM_CIRCUIT_OPEN").then_some(answer)
        })
        .await
    };
    assert_eq!(trial("/up/reset").await.code(), "UPSTREAM_PROTOCOL");
    assert_eq!((changes(&world, "open").await, changes(&world, "closed").await), (2.0, 0.0));
    assert_eq!(trial("/up/ok").await.status, 200);
    assert_eq!((changes(&world, "trying").await, changes(&world, "closed").await), (2.0, 1.0));
    assert_eq!(world.metric("tollgate_upstream_circuits_open{route=\"up\"}").await, 0.0);
    for line in ["an upstream that failed is tried again", "an upstream that failed is well again"]
    {
        world.says(line).await;
    }
}

#[tokio::test]
async fn trials_are_few_and_one_that_is_given_up_makes_room() {
    let upstream = Upstream::start().await;
    let world =
        World::builder().route("up", "/up", &upstream.url()).set("/upstreams", quick()).start();
    let world = world.await;
    upstream.on("/reset", vec![Step::Reset]);
    let (gate, script) = gated();
    upstream.on("/slow", script);
    for _ in 0..3 {
        call(&world, "/up/reset").await;
    }
    let trial = async || {
        until("a trial that lasts", async || {
            let mut client = RawClient::connect(world.plain()).await;
            client.send(get("/up/slow")).await;
            let lasts = client.is_silent_for(std::time::Duration::from_millis(100)).await;
            lasts.then_some(client)
        })
        .await
    };
    let first = trial().await;
    assert_eq!(refused(&call(&world, "/up/ok").await, "UPSTREAM_CIRCUIT_OPEN"), 1);
    drop(first);
    let mut second = trial().await;
    gate.add_permits(2);
    assert_eq!(second.answer().await.status, 200);
    assert_eq!(call(&world, "/up/ok").await.status, 200);
    assert_eq!(changes(&world, "open").await, 1.0);
}

/// What breaks off in the middle is a failure, too; a client that breaks off is none.
#[tokio::test]
async fn broken_answers_count_and_clients_that_leave_do_not() {
    let upstream = Upstream::start().await;
    let breaker =
        json!({ "failures": 0, "share_percent": 100, "share_calls": 5, "open_ms": 60_000 });
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/upstreams/breaker", breaker)
        .start()
        .await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{}";
    upstream.on("/short", vec![Step::Send(head.as_bytes().to_vec()), Step::Close]);
    upstream.on("/stall", vec![Step::Stall]);
    for _ in 0..8 {
        drop(begin(&world, &upstream, "/up/stall").await);
    }
    until("no call in flight", async || (flying(&world).await == 0.0).then_some(())).await;
    for nth in 1..=5 {
        assert_eq!(call(&world, "/up/short").await.code(), "UPSTREAM_PROTOCOL", "{nth}");
    }
    until("an open circuit", async || {
        (call(&world, "/up/ok").await.code() == "UPSTREAM_CIRCUIT_OPEN").then_some(())
    })
    .await;
}

/// A tunnel that is passed on holds its place until it ends.
#[tokio::test]
async fn tunnels_hold_places() {
    let upstream = Upstream::start().await;
    let port = upstream.address().port();
    let world = World::builder()
        .set(
            "/forward_proxy",
            json!({
                "hosts": ["localhost"], "ports": [port], "allow_addresses": ["127.0.0.1", "::1"],
                "intercept": { "certificate": "intercept.pem", "pass_through": ["localhost"] },
            }),
        )
        .set("/upstreams", json!({ "concurrency": 1, "wait_ms": 0 }))
        .start()
        .await;
    let tunnel = async || {
        let mut client = RawClient::connect(world.plain()).await;
        client
            .send(format!("CONNECT localhost:{port} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n"))
            .await;
        assert_eq!(client.read_head().await.unwrap().0, 200);
        client.send(super::addresses::hello("localhost")).await;
        client
    };
    let first = tunnel().await;
    until("the tunnel", async || (upstream.connections() == 1).then_some(())).await;
    let mut second = tunnel().await;
    second.rest().await;
    let busy = |event: &Value| event["payload"]["data"]["code"] == "UPSTREAM_BUSY";
    world.wait_event("a refusal", busy).await;
    assert_eq!(upstream.connections(), 1);
    drop(first);
    until("a place", async || {
        let _third = tunnel().await;
        let moment = std::time::Duration::from_millis(200);
        tokio::time::sleep(moment).await;
        (upstream.connections() > 1).then_some(())
    })
    .await;
}
