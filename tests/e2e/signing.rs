//! What a start refuses because of who would sign the record: variables, production, key files.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use tollgate_tests::{Builder, NotStarted, Upstream, World};

use crate::kit::{ask, tollgate, verify};

fn builder(upstream: &Upstream) -> Builder {
    World::builder().route("up", "/up", &upstream.url())
}

/// A signer that is set up well and is not there.
fn proxy_signer() -> Value {
    json!({ "service": {
        "type": "signing_proxy", "url": "http://127.0.0.1:9", "public_key": "proxy.pem",
    } })
}

/// The start ends with what the configuration's mistakes end with, and says these words.
async fn refused(builder: Builder, words: &[&str]) {
    let NotStarted { status, stderr } =
        builder.try_start().await.err().unwrap_or_else(|| panic!("it started: {words:?}"));
    assert_eq!(status.code(), Some(78), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is not in: {stderr}");
    }
}

#[tokio::test]
async fn each_variable_refuses_what_it_forbids_and_says_how_to_mend_it() {
    let upstream = Upstream::start().await;
    let source = "AUDIT_SIGNING_KEY_SOURCE";
    let none = Value::Null;
    let kms = json!({ "service": { "type": "aws_kms", "key_id": "k", "region": "eu-test-1" } });
    let proxy = proxy_signer();
    for (variables, signer, words) in [
        (vec![(source, "vault")], &none, ["no source of keys", "`signing-proxy`"]),
        (vec![(source, "kms")], &none, ["no such service is set up", "add `audit.signer.service`"]),
        (vec![(source, "local")], &kms, ["it means `local`", "let both name the same signer"]),
        (vec![(source, "pkcs11")], &kms, ["it means `pkcs11`", "let both name the same signer"]),
        (
            vec![(source, "local"), ("REQUIRE_KMS", "true")],
            &none,
            ["a key service is required", "add `audit.signer.service`"],
        ),
        (
            vec![("AUDIT_SIGNING_KMS_KEY_ID", "alias/x")],
            &proxy,
            ["AUDIT_SIGNING_KMS_KEY_ID", "let both name the same signer"],
        ),
        (
            vec![("SIGNING_PROXY_URL", "https://proxy.test")],
            &none,
            ["SIGNING_PROXY_URL", "key `public_key` is missing"],
        ),
        (
            vec![("SIGNING_PROXY_URL", "http://proxy.test")],
            &proxy,
            ["in clear text", "write `https://`"],
        ),
        (
            vec![("SIGNING_PROXY_URL", "https://proxy.test")],
            &kms,
            ["SIGNING_PROXY_URL", "let both name the same signer"],
        ),
        (vec![("AUDIT_SIGNER_KID", "a b")], &none, ["it is no key id", "AUDIT_SIGNER_KID"]),
        (vec![("REQUIRE_KMS", "1")], &none, ["a key service is required", "`REQUIRE_KMS`"]),
        (vec![("REQUIRE_KMS", "perhaps")], &none, ["REQUIRE_KMS", "write `true` or `false`"]),
        (
            vec![("REQUIRE_MTLS", "true")],
            &none,
            ["`listeners[0]` has no mTLS", "make it a `tls` listener"],
        ),
        (
            vec![("REQUIRE_MTLS", "true")],
            &proxy,
            ["shows the signing proxy no certificate", "add `client_certificate` and `client_key`"],
        ),
        (
            vec![("REQUIRE_MTLS", "true"), ("DEV_SKIP_MTLS", "true")],
            &none,
            ["not skipped with `REQUIRE_MTLS`", "unset it"],
        ),
        (
            vec![("DEV_ALLOW_EPHEMERAL", "false")],
            &none,
            ["no key may be made at start", "name `audit.signer.key`"],
        ),
    ] {
        let mut gate = builder(&upstream).file("proxy.pem", "not read before");
        if !signer.is_null() {
            gate = gate.set("/audit/signer", signer.clone());
        }
        for (name, value) in variables {
            gate = gate.variable(name, value);
        }
        refused(gate, &words).await;
    }
}

#[tokio::test]
async fn production_bears_neither_a_local_key_nor_skipped_mtls() {
    let upstream = Upstream::start().await;
    let production = || builder(&upstream).set("/environment", "production");
    let words = ["environment", "not signed by a key in a local file", "audit.signer.service"];
    refused(production(), &words).await;
    let allowed = || production().set("/audit/signer/danger_local_in_production", true);
    refused(allowed(), &["no key is made: `audit.signer.key` is missing"]).await;
    let skipped = allowed().variable("DEV_SKIP_MTLS", "true");
    refused(skipped, &["mTLS is not skipped in production", "unset it"]).await;
    let required = allowed().variable("REQUIRE_KMS", "true");
    refused(required, &["a key service is required"]).await;
    let skipped = builder(&upstream).variable("DEV_SKIP_MTLS", "true").start().await;
    assert_eq!(
        ask(skipped.plain(), "GET /up/x HTTP/1.1\r\nhost: localhost\r\n\r\n").await.status,
        200
    );
}

#[tokio::test]
async fn a_proxys_token_is_shown_to_nobody() {
    let upstream = Upstream::start().await;
    let token = "a-proxy-token-that-no-log-may-show";
    let key = tollgate_audit::LocalKey::from_pem(
        tollgate_audit::LocalKey::pem_from_seed(&[3; 32]).as_bytes(),
        None,
    );
    let gate = builder(&upstream)
        .set("/audit/signer", proxy_signer())
        .file("proxy.pem", key.unwrap().public().to_pem())
        .variable("SIGNING_PROXY_URL", "http://127.0.0.1:9")
        .variable("SIGNING_PROXY_API_KEY", token);
    let NotStarted { status, stderr } = gate.try_start().await.err().unwrap();
    // It may be there in a moment: no mistake of the configuration.
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("the key service cannot be reached"), "{stderr}");
    assert!(!stderr.contains(token), "{stderr}");
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused_and_one_that_is_none_named() {
    let upstream = Upstream::start().await;
    let mut world = builder(&upstream).start().await;
    assert!(world.stop().await.success());
    let path = world.spool().join("signing-key.pem");
    let config = world.config_path();
    let restarted = async |world: &mut World| {
        let NotStarted { status, stderr } = world.restart().await.expect_err("no start");
        assert_eq!(status.code(), Some(78), "{stderr}");
        stderr
    };
    for mode in [0o644, 0o640, 0o604] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let said = restarted(&mut world).await;
        assert!(said.contains("can be read by others") && said.contains("chmod 600"), "{said}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let good = fs::read(&path).unwrap();
    fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    let said = restarted(&mut world).await;
    assert!(said.contains("signing-key.pem"), "{said}");
    fs::write(&path, good).unwrap();
    // A key for a rotation is no better kept.
    let (code, _, err) = tollgate(&["keys", "rotate", "-c", config.to_str().unwrap()], &[]).await;
    assert_eq!(code, Some(0), "{err}");
    let next = world.spool().join("signing-key.pem.next");
    fs::set_permissions(&next, fs::Permissions::from_mode(0o644)).unwrap();
    let said = restarted(&mut world).await;
    assert!(said.contains("signing-key.pem.next` can be read by others"), "{said}");
    fs::set_permissions(&next, fs::Permissions::from_mode(0o600)).unwrap();
    world.restart().await.unwrap();
    assert!(world.stop().await.success());
    verify(&world.spool()).await;
}
