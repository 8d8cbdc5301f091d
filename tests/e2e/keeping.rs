//! What is kept: legal holds, seals, calls whose end nobody knows, and events that must be there.
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tollgate_tests::{Answer, Builder, RawClient, Step, Upstream, World, json_answer, until};

use crate::kit::{ask, request, tollgate, verify};

const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn with_token(builder: Builder) -> Builder {
    builder.file("token", format!("{TOKEN}\n")).set("/admin/token", json!({ "file": "token" }))
}

/// A request to the admin listener, with head lines of its own.
async fn admin(world: &World, method: &str, path: &str, head: &[&str], body: &str) -> Answer {
    let local = format!("host: {}", world.admin_address());
    let own_host = head.iter().any(|line| line.starts_with("host:"));
    let lines: Vec<&str> =
        head.iter().copied().chain((!own_host).then_some(local.as_str())).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{}\r\ncontent-length: {}\r\n\r\n{body}",
        lines.join("\r\n"),
        body.len()
    );
    RawClient::connect(world.admin_address()).await.call(request).await
}

fn data(event: &Value) -> &Value {
    &event["payload"]["data"]
}

#[tokio::test]
async fn holds_are_for_those_who_have_the_token() {
    let upstream = Upstream::start().await;
    let bearer = format!("authorization: Bearer {TOKEN}");
    let hold = json!({ "id": "h1", "matter": "7 O 12/26" }).to_string();
    let closed = World::to(&upstream.url()).await;
    let answer = admin(&closed, "POST", "/v1/holds", &[&bearer], &hold).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    let world = with_token(World::builder().route("up", "/up", &upstream.url())).start().await;
    for (head, status) in [
        (vec![], 401),
        (vec!["authorization: Bearer nonsense"], 401),
        (vec!["authorization: Basic Zm9v"], 401),
        (vec![bearer.as_str(), "origin: http://127.0.0.1:9901"], 403),
        (vec![bearer.as_str(), "host: rebound.example.org"], 403),
        (vec![bearer.as_str(), "host: 127.0.0.1.example.org:80"], 403),
        (vec![bearer.as_str(), "host: localhost"], 200),
    ] {
        for (method, path, body) in [
            ("GET", "/v1/holds", ""),
            ("POST", "/v1/holds", hold.as_str()),
            ("DELETE", "/v1/holds/h1", ""),
        ] {
            let answer = admin(&world, method, path, &head, body).await;
            assert_eq!(answer.status, status, "{method} {head:?}: {}", answer.text());
        }
    }
    for (body, status) in [
        ("{", 400),
        (r#"{"id":"h 1","matter":"x"}"#, 400),
        (r#"{"id":"h1","matter":"<x>"}"#, 400),
        (r#"{"id":"h1","matter":"x","from":"yesterday"}"#, 400),
        (r#"{"id":"h1","matter":"x","more":1}"#, 400),
    ] {
        let answer = admin(&world, "POST", "/v1/holds", &[&bearer], body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(!written.contains(TOKEN));
    // Set and cleared once, by the one request that was allowed to.
    assert_eq!(world.events_of("legal_hold.set").len(), 1);
    assert_eq!(world.events_of("legal_hold.cleared").len(), 1);
}

#[tokio::test]
async fn a_hold_outlives_the_gate_and_keeps_what_it_holds() {
    let upstream = Upstream::start().await;
    let builder = World::builder().route("up", "/up", &upstream.url());
    let mut world = with_token(builder)
        .set("/audit/spool_bytes_max", 131_072)
        .set(
            "/audit/sinks",
            json!([{ "type": "folder", "name": "box", "directory": "box", "file_events": 10 }]),
        )
        .start()
        .await;
    let token = world.path("token");
    let token = token.to_str().unwrap();
    let hold = async |world: &World, words: &[&str]| {
        let address = world.admin_address().to_string();
        let args = [&["hold"], words, &["--admin", &address, "--token", token]].concat();
        tollgate(&args, &[]).await
    };
    let set = ["set", "case-7", "--matter", "7 O 12/26", "--from", "0", "--until", "3"];
    let (code, out, err) = hold(&world, &set).await;
    assert_eq!((code, out.trim()), (Some(0), r#"{"changed":true}"#), "{err}");
    assert_eq!(hold(&world, &set).await.1.trim(), r#"{"changed":false}"#);
    let (code, _, err) = hold(&world, &["set", "case-7", "--matter", "another"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("clear it first"), "{err}");
    assert_eq!(hold(&world, &["set", "case 8", "--matter", "x"]).await.0, Some(2));
    world.kill9().await;
    world.restart().await.unwrap();
    let listed: Value = serde_json::from_str(&hold(&world, &["list"]).await.1).unwrap();
    assert_eq!(
        listed,
        json!({
            "holds": [{ "id": "case-7", "matter": "7 O 12/26", "from": 0, "until": 3 }],
            "archives": [],
        })
    );
    assert!((world.metric("tollgate_legal_holds").await - 1.0).abs() < 0.1);
    // The spool fills, for what is held stays, and all behind it.
    let full = async |world: &World| {
        ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status != 200
    };
    until("a full spool", async || full(&world).await.then_some(())).await;
    let first = world.spool().join("events-000000000001.jsonl");
    assert!(first.exists());
    let told = world.events_of("audit.reconciliation");
    assert!(told.iter().any(|event| data(event)["reason"] == "spool_full"), "{told:?}");
    assert_eq!(hold(&world, &["clear", "case-7"]).await.0, Some(0));
    until("room", async || (!full(&world).await).then_some(())).await;
    until("the release", async || (!first.exists()).then_some(())).await;
    verify(&world.spool()).await;
    assert!(world.stop().await.success(), "{}", world.log());
    world.restart().await.unwrap();
}

#[tokio::test]
async fn a_seal_that_differs_is_not_started_on() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/spool_bytes_max", 65_536)
        .start()
        .await;
    let seal = world.spool().join("events-000000000001.seal");
    until("a seal", async || {
        ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
        seal.exists().then_some(())
    })
    .await;
    assert!(world.stop().await.success(), "{}", world.log());
    verify(&world.spool()).await;
    let good = std::fs::read_to_string(&seal).unwrap();
    let mut other: Value = serde_json::from_str(&good).unwrap();
    other["bytes"] = json!(other["bytes"].as_u64().unwrap() + 1);
    std::fs::write(&seal, other.to_string()).unwrap();
    let not = world.restart().await.unwrap_err();
    assert!(not.stderr.contains("events-000000000001.jsonl"), "{}", not.stderr);
    assert!(not.stderr.contains("its seal says `bytes`"), "{}", not.stderr);
    let spool = world.spool();
    let (code, out, _) = tollgate(&["audit", "verify", spool.to_str().unwrap()], &[]).await;
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("its seal says `bytes`"), "{out}");
    // Without one it is read line by line, and gets one again.
    std::fs::remove_file(&seal).unwrap();
    world.restart().await.unwrap();
    assert_eq!(std::fs::read_to_string(&seal).unwrap(), good);
}

#[tokio::test]
async fn a_segment_that_is_renamed_stops_the_calls() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    world.wait_event("the outcome", |event| event["event_type"] == "call.outcome").await;
    let segment = world.spool().join("events-000000000001.jsonl");
    let away = world.path("away");
    std::fs::rename(&segment, &away).unwrap();
    std::fs::copy(&away, &segment).unwrap();
    let answer = ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
    assert_eq!(answer.code(), "AUDIT_UNAVAILABLE");
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(world.admin("/ready").await.unwrap().0, 503);
    assert!(world.log().contains("deleted, renamed or replaced"), "{}", world.log());
    world.kill9().await;
    // Put back, it is whole but for what was never acknowledged.
    std::fs::rename(&away, &segment).unwrap();
    world.restart().await.unwrap();
    verify(&world.spool()).await;
}

#[tokio::test]
async fn a_call_that_a_crash_cut_off_is_told() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    world.wait_event("the outcome", |event| event["event_type"] == "call.outcome").await;
    let mut script = vec![Step::Gate(Arc::new(Semaphore::new(0)))];
    script.extend(json_answer("{}"));
    upstream.on("/slow", script);
    let mut client = RawClient::connect(world.plain()).await;
    client.send(request("GET", "/up/slow", &[], "")).await;
    upstream.wait_seen("/slow").await;
    world.kill9().await;
    for _ in 0..2 {
        world.restart().await.unwrap();
        let open = world.events_of("call.intent").last().unwrap()["id"].clone();
        let told = world.events_of("audit.reconciliation");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(data(&told[0])["reason"], "outcome_unknown");
        assert_eq!(data(&told[0])["intents"], json!([open]));
        verify(&world.spool()).await;
        world.kill9().await;
    }
}

#[tokio::test]
async fn the_gate_tells_of_itself() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/limits/agent_per_minute", 3)
        .start()
        .await;
    for _ in 0..6 {
        ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
    }
    let limit = world.events_of("limit.exceeded");
    assert_eq!(limit.len(), 1, "it is news once");
    assert_eq!(data(&limit[0])["code"], "RATE_LIMIT_AGENT");
    assert_eq!(data(&limit[0])["route"], "up");
    assert_eq!(world.events_of("call.refused").len(), 3);
    // The same rulebook again, then another.
    assert!(world.reload().await);
    world.rewrite_policy(&tollgate_tests::POLICY_ALLOW.replace("everything", "anything"));
    let told = until("two looks at the rulebook", async || {
        let told = world.events_of("policy.revalidation");
        (told.iter().any(|event| data(event)["changed"] == true)).then_some(told)
    })
    .await;
    let same = data(&told[0]);
    assert_eq!(
        (&same["changed"], &same["policy_hash_before"]),
        (&json!(false), &same["policy_hash_after"])
    );
    let other = data(told.last().unwrap());
    assert_ne!(other["policy_hash_before"], other["policy_hash_after"]);
    assert!(world.stop().await.success(), "{}", world.log());
    for event in ["gate.start", "gate.ready", "gate.stop", "audit.checkpoint"] {
        assert!(!world.events_of(event).is_empty(), "{event}");
    }
    let last = world.events_of("audit.checkpoint").pop().unwrap();
    assert_eq!(data(&last)["root"].as_str().unwrap().len(), 64);
    verify(&world.spool()).await;
}

#[tokio::test]
async fn one_event_is_proven_by_what_the_gate_signed() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
    assert!(world.stop().await.success(), "{}", world.log());
    let spool = world.spool();
    let spool = spool.to_str().unwrap();
    std::fs::copy(world.spool().join("checkpoint"), world.path("old")).unwrap();
    world.restart().await.unwrap();
    ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
    assert!(world.stop().await.success(), "{}", world.log());
    // Whoever proves has no key.
    std::fs::remove_file(world.spool().join("signing-key.pem")).unwrap();
    let id = world.events_of("call.intent")[0]["id"].as_str().unwrap().to_owned();
    let (proof, grown, signers) =
        (world.path("p"), world.path("c"), world.spool().join("signers.json"));
    let (proof, grown, signers) =
        (proof.to_str().unwrap(), grown.to_str().unwrap(), signers.to_str().unwrap());
    let old = world.path("old");
    for (args, expect) in [
        (vec!["audit", "prove", &id, spool, "--out", proof], ""),
        (vec!["audit", "verify", "--proof", proof, "--signers", signers], "proven: event"),
        (vec!["audit", "consistency", old.to_str().unwrap(), spool, "--out", grown], ""),
        (vec!["audit", "verify", "--consistency", grown, "--signers", signers], "consistent: "),
    ] {
        let (code, out, err) = tollgate(&args, &[]).await;
        assert_eq!(code, Some(0), "{args:?}: {out}{err}");
        assert!(out.contains(expect), "{out}");
    }
}

#[tokio::test]
async fn a_spool_that_cannot_be_made_is_told_at_start() {
    let not = World::builder().set("/audit/spool", "/proc/tollgate-spool").try_start().await;
    let not = not.unwrap_err();
    assert!(
        not.stderr.contains("cannot make the directory `/proc/tollgate-spool`"),
        "{}",
        not.stderr
    );
}

#[tokio::test]
async fn memory_durability_is_called_dangerous_and_records_all_the_same() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/durability", "memory")
        .start()
        .await;
    let ready = world.admin("/ready").await.unwrap().1;
    assert!(ready.contains("calls have left without one"), "{ready}");
    for _ in 0..20 {
        assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    }
    world.wait_outcomes(20).await;
    assert!(world.stop().await.success(), "{}", world.log());
    verify(&world.spool()).await;
    assert_eq!(world.events_of("call.intent").len(), 20);
}
