//! A key service that dies, hangs and lies, behind HTTPS with client certificates.
use serde_json::json;
use std::time::Duration;

use tollgate_tests::{
    Answer, Collector, Manner, RawClient, SigningProxy, Upstream, Witness, World, until,
};

use crate::faults::builder;
use crate::kit::{ask, post, refusal_code, request, tool_call};

/// What a signer that is of no use does.
const BAD: [Manner; 7] = [
    Manner::Hang,
    Manner::Slow(Duration::from_secs(2)),
    Manner::Fail,
    Manner::WrongKey,
    Manner::WrongSignature,
    Manner::Garbage,
    Manner::Refuse,
];

async fn get(world: &World, path: &str) -> Answer {
    RawClient::connect(world.plain())
        .await
        .call(request("GET", &format!("/up{path}"), &[], ""))
        .await
}

fn word(number: usize) -> String {
    format!("/signed-{}", char::from(b'a' + u8::try_from(number).unwrap()))
}

/// Neither a bearer token nor a key is in anything that the gate wrote.
fn no_secret(world: &World) {
    let all = world.everything_written();
    let key = std::fs::read_to_string(world.path("gate.key")).unwrap();
    let key = key.lines().nth(1).unwrap();
    for secret in [SigningProxy::TOKEN, key] {
        assert!(memchr::memmem::find(&all, secret.as_bytes()).is_none(), "`{secret}` was written");
    }
}

async fn refused_for_want_of_a_signature(world: &World) {
    let answer = get(world, "/unsigned").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "SIGNER_UNAVAILABLE"));
    // In an MCP session it is words.
    let call = tool_call(json!(1), "echo", json!({}));
    let answer = ask(world.plain(), post(&[], call.to_string())).await;
    assert_eq!((answer.status, refusal_code(&answer.body).as_str()), (200, "SIGNER_UNAVAILABLE"));
    let result = &answer.json()["result"];
    assert_eq!(result["isError"], true, "{result}");
    assert!(result["content"][0]["text"].as_str().unwrap().contains("sign"), "{result}");
    let (status, body) = world.admin("/ready").await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("the record cannot be signed"), "{body}");
}

async fn strict(form: &str) {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let mut proxy = SigningProxy::start().await;
    let mut witness = Witness::default();
    let builder = builder(&upstream, &collector).mcp("tools", "/mcp", &upstream.url());
    let mut world = proxy.sign_for(builder, "service", form).start().await;
    for (number, manner) in BAD.into_iter().map(Some).chain([None]).enumerate() {
        assert_eq!(get(&world, &word(number)).await.status, 200);
        world.wait_outcomes(number + 1).await;
        match manner {
            Some(manner) => proxy.set(manner),
            None => proxy.down().await,
        }
        let asked = proxy.asked();
        refused_for_want_of_a_signature(&world).await;
        assert!(manner.is_none() || proxy.asked() > asked, "{manner:?}: nobody was asked");
        match manner {
            Some(_) => proxy.set(Manner::Sign),
            None => proxy.up().await,
        }
        // By itself: nobody calls until it is ready.
        until("the signer's return", async || {
            (world.admin("/ready").await?.0 == 200).then_some(())
        })
        .await;
        witness.look(&world, &upstream, &collector).await;
        assert_eq!(witness.seen(), number + 1, "{manner:?}");
        assert_eq!(witness.times_seen("/unsigned") + witness.times_seen("/"), 0, "{manner:?}");
    }
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
    no_secret(&world);
}

#[tokio::test]
async fn without_a_good_signature_of_each_event_no_call_leaves() {
    strict("hash").await;
}

#[tokio::test]
async fn the_same_in_the_form_of_payloads() {
    strict("payload").await;
}

/// An outcome whose signature failed is not lost: it waits for the signer.
#[tokio::test]
async fn a_call_that_ends_without_a_signer_has_its_outcome_later() {
    use std::sync::Arc;
    use tokio::sync::Semaphore;
    use tollgate_tests::{Step, json_answer};

    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let proxy = SigningProxy::start().await;
    let mut witness = Witness::default();
    let builder = builder(&upstream, &collector);
    let mut world = proxy.sign_for(builder, "service", "hash").start().await;
    let gate = Arc::new(Semaphore::new(0));
    let mut script = vec![Step::Gate(Arc::clone(&gate))];
    script.extend(json_answer("{}"));
    upstream.on("/slow", script);
    let mut slow = RawClient::connect(world.plain()).await;
    slow.send("GET /up/slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    upstream.wait_seen("/slow").await;
    proxy.set(Manner::WrongSignature);
    gate.add_permits(1);
    assert_eq!(slow.answer().await.status, 200);
    until("the outcome's failure", async || (world.admin("/ready").await?.0 == 503).then_some(()))
        .await;
    assert!(world.events_of("call.outcome").is_empty());
    proxy.set(Manner::Sign);
    world.wait_outcomes(1).await;
    witness.look(&world, &upstream, &collector).await;
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
}

#[tokio::test]
async fn a_session_outlives_its_service_and_no_start_goes_without() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let mut proxy = SigningProxy::start().await;
    let mut witness = Witness::default();
    let builder = builder(&upstream, &collector);
    let mut world = proxy.sign_for(builder, "session", "hash").start().await;
    for (number, manner) in BAD.into_iter().enumerate() {
        proxy.set(manner);
        assert_eq!(get(&world, &word(number)).await.status, 200, "{manner:?}");
    }
    proxy.down().await;
    assert_eq!(get(&world, &word(BAD.len())).await.status, 200);
    assert_eq!(world.admin("/ready").await.unwrap().0, 200);
    witness.look(&world, &upstream, &collector).await;
    world.kill9().await;
    // Without the service there is no new session key, and the one before died with the gate.
    let not = world.restart().await.unwrap_err();
    assert_eq!(not.status.code(), Some(1), "{}", not.stderr);
    let said = "`audit.signer.service`: the key service cannot be reached";
    assert!(not.stderr.contains(said), "{}", not.stderr);
    proxy.up().await;
    // Another try may end better, or it is set up wrongly.
    let refusals = [
        (Manner::Hang, 1, "did not answer within 500 ms"),
        (Manner::WrongKey, 78, "signature is not by the key"),
        (Manner::WrongSignature, 78, "signature is not by the key"),
        (Manner::Garbage, 1, "answered what is no answer"),
        (Manner::Refuse, 78, "the key service refused: it answered 403"),
    ];
    for (manner, code, said) in refusals {
        proxy.set(manner);
        let not = world.restart().await.unwrap_err();
        assert_eq!(not.status.code(), Some(code), "{manner:?}: {}", not.stderr);
        assert!(not.stderr.contains(said), "{manner:?}: {}", not.stderr);
    }
    proxy.set(Manner::Sign);
    world.restart().await.unwrap();
    assert_eq!(get(&world, "/again").await.status, 200);
    assert!(world.stop().await.success(), "{}", world.log());
    witness.close(&world, &upstream, &collector).await;
    no_secret(&world);
}
