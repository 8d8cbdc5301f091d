//! Calls that are sent again, and above all those that are not.
use serde_json::{Value, json};
use tollgate_tests::{Answer, Script, Step, Upstream, World, fixed, json_answer, until};

use super::kit::{SESSIONS, ask, post, request, tool_call};

/// An answer that asks for the call to be made again.
fn away(after: &str) -> Script {
    let head = format!("HTTP/1.1 503 Status\r\n{after}content-length: 0\r\n\r\n");
    vec![Step::Send(head.into_bytes())]
}

/// Retries without pauses to speak of, and a circuit that stays closed.
fn eager() -> Value {
    json!({
        "breaker": { "failures": 0, "share_percent": 0 },
        "retry": { "times": 2, "share_percent": 100, "wait_ms": 1, "statuses": true },
    })
}

struct Bench {
    upstream: Upstream,
    world: World,
    calls: usize,
}

impl Bench {
    async fn new(upstreams: Value) -> Self {
        let upstream = Upstream::start().await;
        let world = World::builder()
            .route("up", "/up", &upstream.url())
            .mcp("mcp", "/mcp", &upstream.url())
            .set("/upstreams", upstreams)
            .set("/deadlines/first_byte_ms", 400)
            .start()
            .await;
        Self { upstream, world, calls: 0 }
    }

    /// Calls, and waits until all of it is over.
    async fn call(&mut self, request: impl AsRef<[u8]>) -> Answer {
        let answer = ask(self.world.plain(), request).await;
        self.calls += 1;
        self.world.wait_outcomes(self.calls).await;
        answer
    }

    /// Leaves a connection in the pool.
    async fn warm(&mut self, path: &str) {
        self.upstream.on("/warm", json_answer("{}"));
        let answer = match path {
            "/mcp" => {
                self.call(post(&[SESSIONS], tool_call(json!(1), "warm", json!({})).to_string()))
            }
            _ => self.call(request("GET", "/up/warm", &[], "")),
        };
        answer.await;
        self.upstream.take_seen();
    }

    /// What the last call's outcome tells of its attempts.
    fn attempts(&self) -> Vec<Value> {
        let outcomes = self.world.events_of("call.outcome");
        let last = &outcomes.last().expect("an outcome")["payload"]["data"];
        last["attempts"].as_array().cloned().unwrap_or_default()
    }

    async fn retries(&self, why: &str) -> f64 {
        let name = "tollgate_upstream_retries_total";
        self.world.metric(&format!("{name}{{route=\"up\",why=\"{why}\"}}")).await
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_yet_is_tried_again() {
    // Nobody else takes a port of this address.
    let address = tollgate_tests::listen_alone().await.local_addr().unwrap();
    let world = World::builder()
        .route("up", "/up", &format!("http://{address}"))
        .set("/routes/0/upstream/allow_addresses", json!([address.ip()]))
        .set("/upstreams/retry", json!({ "times": 10, "wait_ms": 200, "wait_max_ms": 200 }))
        .set("/deadlines/connect_ms", 20_000)
        .start()
        .await;
    let gate = world.plain();
    let calling =
        tokio::spawn(async move { ask(gate, request("POST", "/up/x", &[], "once")).await });
    let counted = "tollgate_upstream_retries_total{route=\"up\",why=\"connect\"}";
    until("a retry", async || (world.metric(counted).await >= 1.0).then_some(())).await;
    let upstream = Upstream::start_at(address).await;
    assert_eq!(calling.await.unwrap().status, 200);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].body, b"once");
    let outcome = &world.wait_outcomes(1).await[0]["payload"]["data"];
    let attempts = outcome["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["code"], "UPSTREAM_CONNECT");
    let last = attempts.last().unwrap();
    assert_eq!((&last["status"], &last["destination"]), (&json!(200), &json!(address.to_string())));
    assert_eq!(outcome["outcome"], "answered");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_not_the_calls_fault() {
    let mut bench = Bench::new(eager()).await;
    for closing in [Step::Reset, Step::Close] {
        for (method, body) in [("GET", ""), ("HEAD", ""), ("DELETE", ""), ("PUT", "x")] {
            bench.warm("/up").await;
            bench.upstream.on("/x", vec![closing.clone()]);
            bench.upstream.then("/x", json_answer(if method == "HEAD" { "" } else { "{}" }));
            let answer = bench.call(request(method, "/up/x", &[], body)).await;
            assert_eq!(answer.status, 200, "{method} {closing:?}");
            let seen = bench.upstream.take_seen();
            assert_eq!(seen.len(), 2, "{method} {closing:?}: {seen:?}");
            let attempts = bench.attempts();
            assert_eq!(attempts[0]["kept_connection"], true, "{attempts:?}");
            assert_eq!(attempts[0]["code"], "UPSTREAM_PROTOCOL");
            assert_eq!(attempts[1]["status"], 200);
        }
    }
    // A connection made for the call tells of the upstream.
    let mut bench = Bench::new(eager()).await;
    bench.upstream.on("/x", vec![Step::Reset]);
    bench.upstream.then("/x", json_answer("{}"));
    let answer = bench.call(request("GET", "/up/x", &[], "")).await;
    assert_eq!(answer.code(), "UPSTREAM_PROTOCOL");
    assert_eq!((bench.upstream.seen().len(), bench.attempts().len()), (1, 0));
}

/// Whatever fails in whatever way: what may have been done is not done twice.
#[tokio::test]
async fn a_post_is_seen_once() {
    let mut bench = Bench::new(eager()).await;
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let send = |text: String| Step::Send(text.into_bytes());
    let scripts = [
        vec![Step::Reset],
        vec![Step::Close],
        vec![Step::Stall],
        vec![send("HTTP/1.1 200 OK\r\nconte".to_owned()), Step::Close],
        vec![send("garbage\r\n\r\n".to_owned()), Step::Close],
        vec![send(format!("{ok}content-length: 5\r\n\r\n{{")), Step::Reset],
        vec![send("HTTP/1.1 103 Early\r\n\r\n".to_owned()), Step::Close],
        away("retry-after: 0\r\n"),
        away(""),
    ];
    let tool = tool_call(json!(7), "pay", json!({ "amount": 1 })).to_string();
    let keyed = [SESSIONS, ("idempotency-key", "k-1")];
    for script in scripts {
        for warm in [false, true] {
            for (path, at, call) in [
                ("/up", "/x", request("POST", "/up/x", &[], "pay")),
                ("/up", "/x", request("PATCH", "/up/x", &[], "pay")),
                ("/up", "/x", request("POST", "/up/x", &[("idempotency-key", "k-1")], "pay")),
                ("/mcp", "/", post(&[SESSIONS], &tool)),
                ("/mcp", "/", post(&keyed, &tool)),
            ] {
                bench.upstream.on("/", json_answer("{}"));
                if warm {
                    bench.warm(path).await;
                }
                bench.upstream.on(at, script.clone());
                bench.call(call).await;
                let seen = bench.upstream.take_seen();
                assert_eq!(seen.len(), 1, "{path} warm {warm} {script:?}: {seen:?}");
                assert!(bench.attempts().is_empty());
            }
        }
    }
    assert_eq!(bench.retries("closed").await + bench.retries("status").await, 0.0);
}

#[tokio::test]
async fn a_key_says_that_a_post_may_be_made_twice() {
    let mut terms = eager();
    terms["retry"]["idempotency_key"] = true.into();
    let mut bench = Bench::new(terms).await;
    for (script, headers, times) in [
        (vec![Step::Reset], &[("idempotency-key", "k-1")][..], 2),
        (away("retry-after: 0\r\n"), &[("idempotency-key", "k-1")], 2),
        (vec![Step::Reset], &[], 1),
        (away("retry-after: 0\r\n"), &[], 1),
    ] {
        bench.warm("/up").await;
        bench.upstream.on("/x", script);
        bench.upstream.then("/x", json_answer("{}"));
        bench.call(request("POST", "/up/x", headers, "pay")).await;
        assert_eq!(bench.upstream.take_seen().len(), times);
    }
    // A tool's call is no HTTP request with a key, whatever headers it has.
    bench.upstream.on("/", json_answer("{}"));
    bench.warm("/mcp").await;
    bench.upstream.on("/", vec![Step::Reset]);
    let keyed = [SESSIONS, ("idempotency-key", "k-1")];
    bench.call(post(&keyed, tool_call(json!(1), "pay", json!({})).to_string())).await;
    assert_eq!(bench.upstream.take_seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_asks_for_it_is_heard_when_that_is_wanted() {
    for (statuses, after, status, times) in [
        (true, "retry-after: 0\r\n", 200, 2),
        (true, "retry-after: 1\r\n", 200, 2),
        (false, "retry-after: 0\r\n", 503, 1),
        (true, "", 503, 1),
        (true, "retry-after: 3600\r\n", 503, 1),
        (true, "retry-after: Thu, 01 Jan 2026 00:00:00 GMT\r\n", 503, 1),
        (true, "retry-after: -1\r\n", 503, 1),
    ] {
        let mut terms = eager();
        terms["retry"]["statuses"] = statuses.into();
        let mut bench = Bench::new(terms).await;
        bench.upstream.on("/x", away(after));
        bench.upstream.then("/x", json_answer("{}"));
        let answer = bench.call(request("GET", "/up/x", &[], "")).await;
        assert_eq!((answer.status, bench.upstream.seen().len()), (status, times), "{after}");
        if times == 2 {
            let statuses = bench.attempts().iter().map(|a| a["status"].clone()).collect::<Vec<_>>();
            assert_eq!(statuses, [json!(503), json!(200)]);
        }
    }
    // So often and no more; and other statuses are answers.
    let mut bench = Bench::new(eager()).await;
    bench.upstream.on("/x", away("retry-after: 0\r\n"));
    assert_eq!(bench.call(request("GET", "/up/x", &[], "")).await.status, 503);
    assert_eq!((bench.upstream.take_seen().len(), bench.attempts().len()), (3, 3));
    bench.upstream.on("/x", fixed(500, "application/json", "{}"));
    assert_eq!(bench.call(request("GET", "/up/x", &[], "")).await.status, 500);
    assert_eq!(bench.upstream.take_seen().len(), 1);
}

#[tokio::test]
async fn retries_are_a_share_of_calls() {
    let mut terms = eager();
    terms["retry"]["share_percent"] = 0.into();
    terms["retry"]["times"] = 1.into();
    let mut bench = Bench::new(terms).await;
    bench.upstream.on("/x", away("retry-after: 0\r\n"));
    for _ in 0..15 {
        bench.call(request("GET", "/up/x", &[], "")).await;
    }
    assert_eq!(bench.upstream.seen().len(), 25);
    assert_eq!((bench.retries("status").await, bench.retries("none_left").await), (10.0, 5.0));
}

/// What an agent has a part of is never begun again.
#[tokio::test]
async fn nothing_is_sent_again_once_an_answer_has_begun() {
    let mut bench = Bench::new(eager()).await;
    bench.warm("/up").await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nbeg";
    for closing in [Step::Close, Step::Reset] {
        bench.upstream.on("/x", vec![Step::Send(head.as_bytes().to_vec()), closing]);
        bench.upstream.then("/x", json_answer("{}"));
        let mut client = tollgate_tests::RawClient::connect(bench.world.plain()).await;
        client.send(request("GET", "/up/x", &[], "")).await;
        assert!(client.try_answer().await.is_err());
        bench.calls += 1;
        bench.world.wait_outcomes(bench.calls).await;
        assert_eq!(bench.upstream.take_seen().len(), 1);
    }
}
