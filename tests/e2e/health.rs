//! Upstreams that the gate looks after between calls.
use serde_json::{Value, json};
use tollgate_tests::{Answer, Step, Upstream, World, fixed, json_answer, until};

use super::kit::{ask, request};

fn often(path: Option<&str>) -> Value {
    let mut health = json!({ "interval_ms": 100, "timeout_ms": 300, "failures": 2, "passes": 2 });
    if let Some(path) = path {
        health["path"] = path.into();
    }
    health
}

async fn call(world: &World) -> Answer {
    ask(world.plain(), request("GET", "/up/x", &[], "")).await
}

async fn unwell(world: &World) -> f64 {
    world.metric("tollgate_upstreams_unwell{route=\"up\"}").await
}

async fn until_refused(world: &World) -> Answer {
    until("a refusal", async || {
        let answer = call(world).await;
        (answer.code() == "UPSTREAM_CIRCUIT_OPEN").then_some(answer)
    })
    .await
}

async fn until_well(world: &World) {
    until("an answer", async || (call(world).await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn one_that_does_not_pass_is_left_alone() {
    let upstream = Upstream::start().await;
    upstream.on("/base/healthz", json_answer("{}"));
    let mut world = World::builder()
        .route("up", "/up", &format!("{}/base", upstream.url()))
        .set("/routes/0/upstream/health", often(Some("/healthz")))
        .start()
        .await;
    assert_eq!(call(&world).await.status, 200);
    for failing in [
        fixed(503, "text/plain", "away"),
        fixed(404, "text/plain", "where?"),
        vec![Step::Stall],
        vec![Step::Reset],
        vec![Step::Send(b"garbage\r\n\r\n".to_vec()), Step::Close],
    ] {
        upstream.on("/base/healthz", failing);
        let answer = until_refused(&world).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert_eq!(unwell(&world).await, 1.0);
        upstream.take_seen();
        for _ in 0..3 {
            assert_eq!(call(&world).await.code(), "UPSTREAM_CIRCUIT_OPEN");
        }
        assert!(upstream.seen().iter().all(|seen| seen.line() == "GET /base/healthz"));
        upstream.on("/base/healthz", json_answer("{}"));
        until_well(&world).await;
        assert_eq!(unwell(&world).await, 0.0);
    }
    let check = upstream.wait_seen("/base/healthz").await;
    let host = upstream.address().to_string();
    assert_eq!(check.header("host"), [host.as_str()]);
    assert_eq!(check.header("user-agent"), ["tollgate-health"]);
    for line in ["an upstream does not pass its checks", "an upstream passes its checks again"] {
        world.says(line).await;
    }
    // Checks are no calls.
    let paths = world.events_of("call.intent");
    assert!(paths.iter().all(|event| event["payload"]["data"]["path"] == "/base/x"));
    let refused =
        world.metric("tollgate_upstream_refusals_total{route=\"up\",why=\"unwell\"}").await;
    assert!(refused >= 15.0);

    // A reload believes nobody, unless nobody looks after it any more.
    upstream.on("/base/healthz", vec![Step::Reset]);
    until_refused(&world).await;
    world.rewrite_policy(&tollgate_tests::POLICY_ALLOW.replace("\"test\"", "\"test-2\""));
    assert!(world.reload().await);
    assert_eq!(call(&world).await.code(), "UPSTREAM_CIRCUIT_OPEN");
    let unwatched = json!({
        "url": format!("{}/base", upstream.url()), "allow_addresses": ["127.0.0.1"],
    });
    world.set("/routes/0/upstream", unwatched);
    assert!(world.reload().await);
    until_well(&world).await;
    assert_eq!(unwell(&world).await, 0.0);
    assert!(world.stop().await.success());
}

#[tokio::test]
async fn a_connection_may_be_enough() {
    // Nobody else takes a port of this address.
    let address = tollgate_tests::listen_alone().await.local_addr().unwrap();
    let world = World::builder()
        .route("up", "/up", &format!("http://{address}"))
        .set("/routes/0/upstream/allow_addresses", json!([address.ip()]))
        .set("/routes/0/upstream/health", often(None))
        .set("/upstreams/breaker", json!({ "failures": 0, "share_percent": 0 }))
        .set("/upstreams/retry/times", 0)
        .start()
        .await;
    until_refused(&world).await;
    let failed =
        world.metric("tollgate_upstream_checks_total{outcome=\"failed\",route=\"up\"}").await;
    assert!(failed >= 2.0);
    let upstream = Upstream::start_at(address).await;
    until_well(&world).await;
    assert!(upstream.seen().iter().all(|seen| seen.line() == "GET /x"), "nothing was sent for it");
}
