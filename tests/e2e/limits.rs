//! How much, how many at once, how often.
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tollgate_tests::{
    Answer, Certificates, HttpClient, OTHER_AGENT, RawClient, Script, Step, Upstream, World, full,
    json_answer,
};

fn gated() -> (Arc<Semaphore>, Script) {
    let gate = Arc::new(Semaphore::new(0));
    let mut script = vec![Step::Gate(Arc::clone(&gate))];
    script.extend(json_answer("{}"));
    (gate, script)
}

fn post(path: &str, length: usize) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.resize(request.len() + length, b'x');
    request
}

async fn get(world: &World, path: &str) -> Answer {
    let mut client = RawClient::connect(world.plain()).await;
    client.call(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await
}

#[tokio::test]
async fn held_bytes_have_a_bound() {
    const MOST: usize = 700 * 1024;
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/bounds/held_bytes_total", 1 << 20)
        .set("/bounds/request_body_bytes", 1 << 20)
        .set("/bounds/answer_body_bytes", 1 << 20)
        .set("/deadlines/body_ms", 1500)
        .start()
        .await;
    let (gate, script) = gated();
    upstream.on("/slow", script);
    // The first call's body is held as long as the call lasts.
    let mut first = RawClient::connect(world.plain()).await;
    first.send(post("/up/slow", MOST)).await;
    upstream.wait_seen("/slow").await;
    assert!(world.metric("tollgate_held_bytes").await >= MOST as f64);
    // The second waits for room, in vain.
    let mut second = RawClient::connect(world.plain()).await;
    let answer = second.call(post("/up/ok", MOST)).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "BYTES_EXCEEDED"));
    // Small ones find room meanwhile.
    assert_eq!(
        RawClient::connect(world.plain()).await.call(post("/up/ok", 1000)).await.status,
        200
    );
    // The third waits, and passes when the first has ended: that is the back-pressure.
    let mut third = RawClient::connect(world.plain()).await;
    third.send(post("/up/ok", MOST)).await;
    assert!(third.is_silent_for(Duration::from_millis(300)).await);
    gate.add_permits(1);
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(third.answer().await.status, 200);
    let bodies = upstream.seen().iter().map(|seen| seen.body.len()).collect::<Vec<_>>();
    assert_eq!(bodies, [MOST, 1000, MOST]);
}

#[tokio::test]
async fn calls_at_once_have_a_bound() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/limits/agent_concurrency", 2)
        .start()
        .await;
    let (gate, script) = gated();
    upstream.on("/slow", script);
    let mut flying = Vec::new();
    for count in 1..=2 {
        let mut client = RawClient::connect(world.plain()).await;
        client.send("GET /up/slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        flying.push(client);
        tollgate_tests::until("the call", async || (upstream.seen().len() == count).then_some(()))
            .await;
    }
    let answer = get(&world, "/up/ok").await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "CONCURRENCY_EXCEEDED"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    // Another agent is not concerned.
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut other = HttpClient::tls(world.tls(), Some(&identity), true).await.unwrap();
    assert_eq!(other.get("/up/ok").await.status, 200);
    gate.add_permits(2);
    for mut client in flying {
        assert_eq!(client.answer().await.status, 200);
    }
    // The place comes back with the end of the call, which is a moment after its answer.
    tollgate_tests::until("a place", async || {
        (get(&world, "/up/ok").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn rates_have_a_bound() {
    let upstream = Upstream::start().await;
    let policy = tollgate_tests::POLICY_ALLOW
        .replace("rules:", "rules:\n  - id: no\n    match: { path: /no }\n    outcome: DENY\n");
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .policy(policy)
        .set("/limits/agent_per_minute", 5)
        .set("/limits/agent_tool_per_minute", 2)
        .start()
        .await;
    // What is denied costs nothing.
    for _ in 0..10 {
        assert_eq!(get(&world, "/up/no").await.code(), "POLICY_DENIED");
    }
    for (path, status, code) in [
        ("/up/a", 200, ""),
        ("/up/a", 200, ""),
        ("/up/a", 429, "RATE_LIMIT_TOOL"),
        ("/up/b", 200, ""),
        ("/up/b", 200, ""),
        ("/up/c", 429, "RATE_LIMIT_AGENT"),
        ("/up/a", 429, "RATE_LIMIT_AGENT"),
    ] {
        let answer = get(&world, path).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
        if status == 429 {
            let after = answer.header("retry-after").expect("says when to come back");
            assert!((1..=60).contains(&after.parse::<u64>().unwrap()), "{after}");
            assert_eq!(answer.json()["retry_after"].to_string(), after);
        }
    }
    let identity = Certificates::shared().authority.client(&[], Some("reader"));
    let mut other = HttpClient::tls(world.tls(), Some(&identity), false).await.unwrap();
    assert_eq!(other.get("/up/a").await.status, 200);
    // A reload that leaves the limits alone hands out no fresh budget.
    world.rewrite_policy(tollgate_tests::POLICY_ALLOW);
    assert!(world.reload().await);
    assert_eq!(get(&world, "/up/a").await.code(), "RATE_LIMIT_AGENT");
    assert_eq!(upstream.seen().len(), 5);
    let mut client = HttpClient::plain(world.plain(), true).await;
    let reply = client.post("/up/a", "text/plain", full("x")).await;
    assert_eq!(reply.code(), "RATE_LIMIT_AGENT");
    assert!(reply.headers.contains_key("retry-after"));
}

/// An agent's own limits count in place of the common ones, and a reload changes that agent's alone.
#[tokio::test]
async fn an_agent_can_have_its_own() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/limits/agent_per_minute", 2)
        .set("/agents/0/limits", serde_json::json!({ "per_minute": 4 }))
        .start()
        .await;
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut other = HttpClient::tls(world.tls(), Some(&identity), false).await.unwrap();
    for nth in 0..6 {
        let answer = get(&world, &format!("/up/{nth}")).await;
        assert_eq!(answer.status, if nth < 4 { 200 } else { 429 }, "{nth}");
        let status = other.get(&format!("/up/{nth}")).await.status;
        assert_eq!(status, if nth < 2 { 200 } else { 429 }, "{nth}");
    }
    world.set("/agents/0/limits", serde_json::json!({ "per_minute": 3 }));
    assert!(world.reload().await);
    assert_eq!(get(&world, "/up/x").await.status, 200);
    assert_eq!(other.get("/up/x").await.status, 429);
}
