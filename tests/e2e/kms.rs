//! The record signed by a key in AWS KMS: the real binary before an emulator that checks how each
//! request is signed.
use serde_json::{Value, json};
use tollgate_tests::kms::{
    ACCESS_KEY_ID, Fault, KeyService, KeySpec, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN,
};
use tollgate_tests::{Builder, NotStarted, Upstream, World, until};

use crate::kit::{ask, tollgate, verify};

/// The credentials are in the gate's environment and nowhere else.
const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
    ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
    ("AWS_SESSION_TOKEN", SESSION_TOKEN),
];

fn signer(service: &KeyService, key: &str, events: &str) -> Value {
    let (endpoint, region) = (service.url(), REGION);
    json!({
        "service": { "type": "aws_kms", "key_id": key, "region": region, "endpoint": endpoint },
        "events": events,
        "deadline_ms": 1_500,
    })
}

fn builder(upstream: &Upstream, signer: Value) -> Builder {
    let builder = World::builder().route("up", "/up", &upstream.url()).set("/audit/signer", signer);
    CREDENTIALS.iter().fold(builder, |builder, (name, value)| builder.variable(name, value))
}

async fn call(world: &World) -> (u16, String) {
    let answer = ask(world.plain(), "GET /up/x HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    (answer.status, if answer.status == 200 { String::new() } else { answer.code() })
}

/// Makes calls until one passes again.
async fn passes_again(world: &World) {
    until("a call to pass", async || (call(world).await.0 == 200).then_some(())).await;
}

fn nothing_secret_is_kept(world: &World) {
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    for (_, secret) in CREDENTIALS {
        assert!(!written.contains(secret), "`{secret}` was written");
    }
}

/// An auditor who has the root alone: the spool's own registry without session keys.
async fn verify_with_the_root_alone(world: &World) {
    let config = world.config_path();
    let config = config.to_str().unwrap();
    let (code, roots, err) = tollgate(&["keys", "registry", "--roots", "-c", config], &[]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(!roots.contains("delegated_by"), "{roots}");
    let path = world.path("roots.json");
    std::fs::write(&path, roots).unwrap();
    let (path, spool) = (path.to_str().unwrap().to_owned(), world.spool());
    let spool = spool.to_str().unwrap();
    let verify = ["audit", "verify", "--signers", &path, spool];
    let (code, out, err) = tollgate(&verify, &[]).await;
    assert_eq!(code, Some(0), "{out}{err}");
}

#[tokio::test]
async fn every_kind_of_key_signs_events_or_sessions() {
    let upstream = Upstream::start().await;
    let service = KeyService::start().await;
    for (spec, algorithm) in [
        (KeySpec::Ed25519, "ed25519"),
        (KeySpec::P256, "ecdsa-p256-sha256"),
        (KeySpec::P384, "ecdsa-p384-sha384"),
        (KeySpec::Rsa2048, "rsa-sha256"),
    ] {
        let key = service.create(spec);
        for events in ["service", "session"] {
            let mut world = builder(&upstream, signer(&service, &key, events)).start().await;
            for _ in 0..3 {
                assert_eq!(call(&world).await.0, 200, "{spec:?} {events}");
            }
            world.wait_outcomes(3).await;
            assert!(world.stop().await.success());
            verify(&world.spool()).await;
            verify_with_the_root_alone(&world).await;
            let registry = std::fs::read(world.spool().join("signers.json")).unwrap();
            let registry: Value = serde_json::from_slice(&registry).unwrap();
            let signers = registry["signers"].as_array().unwrap();
            let root = signers.iter().find(|one| one.get("delegated_by").is_none()).unwrap();
            assert_eq!(root["algorithm"], algorithm);
            let sessions = signers.len() - 1;
            let delegated = world.events_of("signer.delegated").len();
            assert_eq!((sessions, delegated), if events == "session" { (1, 1) } else { (0, 0) });
            nothing_secret_is_kept(&world);
        }
    }
}

/// Puts a fault in place, sees calls refused, mends it, and sees them pass.
async fn comes_back(world: &World, what: &str, on: impl Fn(), off: impl Fn()) {
    on();
    assert_eq!(call(world).await, (503, "SIGNER_UNAVAILABLE".to_owned()), "{what}");
    let (status, text) = world.admin("/ready").await.unwrap();
    assert_eq!(status, 503, "{what}: {text}");
    assert_eq!(world.metric("tollgate_ledger_signable").await, 0.0, "{what}");
    off();
    // It looks for itself whether the service is back; no call is needed for it.
    until("the gate to be ready", async || (world.admin("/ready").await?.0 == 200).then_some(()))
        .await;
    assert_eq!(world.metric("tollgate_ledger_signable").await, 1.0, "{what}");
    passes_again(world).await;
}

#[tokio::test]
async fn without_a_good_signature_calls_are_refused_until_there_is_one() {
    let upstream = Upstream::start().await;
    let service = KeyService::start().await;
    let key = service.create(KeySpec::P256);
    let mut world = builder(&upstream, signer(&service, &key, "service")).start().await;
    assert_eq!(call(&world).await.0, 200);
    for fault in [
        Fault::Throttle,
        Fault::Broken,
        Fault::Hang,
        Fault::Denied,
        Fault::Garbage,
        Fault::WrongSignature,
        Fault::WrongKey,
    ] {
        let (on, off) = (|| service.fail(fault, usize::MAX), || service.heal());
        comes_back(&world, &format!("{fault:?}"), on, off).await;
    }
    let (on, off) = (|| service.set_enabled(&key, false), || service.set_enabled(&key, true));
    comes_back(&world, "disabled", on, off).await;
    for said in [
        "too many requests",
        "`KMSInternalException`",
        "`AccessDeniedException`; the credentials need `kms:GetPublicKey` and `kms:Sign`",
        "signature is not by the key",
        "the key is disabled",
    ] {
        world.says(said).await;
    }
    // What was refused did not leave, and the chain has no gap.
    let passed = upstream.seen().len();
    assert_eq!(world.wait_outcomes(passed).await.len(), passed);
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
    nothing_secret_is_kept(&world);
}

#[tokio::test]
async fn a_session_bears_an_outage_and_a_rotation_that_fails() {
    let upstream = Upstream::start().await;
    let mut service = KeyService::start().await;
    let (old, new) = (service.create(KeySpec::P256), service.create(KeySpec::Ed25519));
    let mut world = builder(&upstream, signer(&service, &old, "session")).start().await;
    let until_then = world.metric("tollgate_signer_session_expires_timestamp_seconds").await;
    assert!(until_then > 1.0e9, "{until_then}");
    service.refuse().await;
    for _ in 0..3 {
        assert_eq!(call(&world).await.0, 200);
    }
    // A new key that cannot be asked for does not take over, and the old one goes on.
    world.set("/audit/signer/service/key_id", new.as_str());
    let failures = "tollgate_signer_change_failure_total";
    world.reload().await;
    assert_eq!(world.metric(failures).await, 1.0);
    assert_eq!(call(&world).await.0, 200);
    // One that may be read and not used does not, either.
    service.resume().await;
    service.set_enabled(&new, false);
    world.reload().await;
    assert_eq!(world.metric(failures).await, 2.0);
    assert!(world.events_of("signer.rotation.requested").is_empty());
    service.set_enabled(&new, true);
    world.reload().await;
    assert_eq!(world.metric(failures).await, 2.0);
    assert_eq!(world.events_of("signer.rotation.applied").len(), 1);
    assert_eq!(call(&world).await.0, 200);
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
    verify_with_the_root_alone(&world).await;
    nothing_secret_is_kept(&world);
}

async fn not_started(builder: Builder) -> String {
    let NotStarted { status, stderr } = builder.try_start().await.expect_err("no start");
    assert_eq!(status.code(), Some(78), "{stderr}");
    stderr
}

#[tokio::test]
async fn a_key_that_cannot_sign_stops_the_start_and_says_why() {
    let upstream = Upstream::start().await;
    let service = KeyService::start().await;
    let key = service.create(KeySpec::Ed25519);
    let none = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/signer", signer(&service, &key, "session"))
        .variable("AWS_EC2_METADATA_DISABLED", "true");
    let said = not_started(none).await;
    assert!(said.contains("no AWS credentials"), "{said}");
    let said = not_started(builder(&upstream, signer(&service, "alias/none", "session"))).await;
    assert!(said.contains("there is no such key in this region and account"), "{said}");
    let other = service.create(KeySpec::Encrypting);
    let said = not_started(builder(&upstream, signer(&service, &other, "session"))).await;
    assert!(said.contains("`ENCRYPT_DECRYPT`"), "{said}");
    service.set_enabled(&key, false);
    let said = not_started(builder(&upstream, signer(&service, &key, "service"))).await;
    assert!(said.contains("the key is disabled"), "{said}");
    service.set_enabled(&key, true);
    for events in ["service", "session"] {
        service.fail(Fault::WrongKey, usize::MAX);
        let said = not_started(builder(&upstream, signer(&service, &key, events))).await;
        assert!(said.contains("signature is not by the key"), "{said}");
        service.heal();
    }
}
