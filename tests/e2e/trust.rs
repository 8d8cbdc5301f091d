//! Who may vouch for whom: trust domains, and what was revoked.
use rcgen::CertificateParams;
use serde_json::{Value, json};
use tollgate_tests::{Authority, Builder, Identity, Upstream, World, until};

use crate::kit::swap;
use crate::tls::{Hand, Issuing, names, uris};

const A: &str = "spiffe://a.test/agents/one";
const B: &str = "spiffe://b.test/agents/one";
const C: &str = "spiffe://c.test/agents/one";

/// Every version of TLS with every version of HTTP.
const WAYS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

fn builder(upstream: &Upstream, listener: Value) -> Builder {
    let mut tls = json!({
        "type": "tls", "name": "tls", "bind": "127.0.0.1:0",
        "certificate": "server.pem", "key": "server.key",
    });
    tls.as_object_mut().unwrap().extend(listener.as_object().unwrap().clone());
    let agent = |id: &str| json!({ "id": id, "environment": "test" });
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/agents", json!([agent(tollgate_tests::AGENT), agent(A), agent(B), agent(C)]))
        .set("/agents/0/certificate", json!({ "common_name": "coder" }))
        .set("/listeners/1", tls)
}

/// A certificate with these URIs and this serial number.
fn svid(ids: &'static [&'static str], serial: u64) -> impl FnOnce(&mut CertificateParams) {
    move |params| {
        uris(ids)(params);
        params.serial_number = Some(serial.into());
    }
}

/// What a client with this certificate is told; `handshake` when it gets nothing.
async fn told(world: &World, identity: &Identity, tls12: bool, h2: bool) -> String {
    match Hand::new(Some(identity), tls12, h2).call(world.tls(), "/up/ok").await {
        Ok((200, _)) => "200".to_owned(),
        Ok((_, code)) => code,
        Err(_) => "handshake".to_owned(),
    }
}

async fn refused(world: &World, nth: usize) -> Value {
    let event = until("the refusal", async || world.events_of("call.refused").into_iter().nth(nth));
    event.await["payload"]["data"].clone()
}

#[tokio::test]
async fn an_id_is_vouched_for_by_its_own_domain() {
    let upstream = Upstream::start().await;
    let (a, b, other) = (Issuing::new("a"), Issuing::new("b"), Issuing::new("other"));
    let domains = json!([
        { "name": "a.test", "bundle": "a.pem" },
        { "name": "b.test", "bundle": "b.pem" },
    ]);
    let start = async |listener: Value| {
        let world = builder(&upstream, listener)
            .file("a.pem", a.certificate.as_str())
            .file("b.pem", b.certificate.as_str())
            .file("other.pem", other.certificate.as_str());
        world.start().await
    };
    let strict = start(json!({ "trust_domains": domains })).await;
    let mixed = start(json!({ "trust_domains": domains, "client_ca": "other.pem" })).await;
    let signs = |params: &mut CertificateParams| {
        uris(&[A])(params);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    };
    for (what, identity, alone, beside) in [
        ("its own", a.client(uris(&[A])), "200", "200"),
        ("its own, too", b.client(uris(&[B])), "200", "200"),
        ("that of another domain", b.client(uris(&[A])), "handshake", "handshake"),
        (
            "in other letters",
            b.client(uris(&["SPIFFE://A.test/agents/one"])),
            "handshake",
            "handshake",
        ),
        ("the listener's", other.client(uris(&[A])), "handshake", "handshake"),
        ("a domain that is not listed", other.client(uris(&[C])), "handshake", "200"),
        ("one that a domain vouches for", a.client(uris(&[C])), "handshake", "handshake"),
        ("a common name", other.client(names(&["coder"], &[])), "handshake", "200"),
        ("a common name of a domain", a.client(names(&["coder"], &[])), "handshake", "handshake"),
        ("two IDs", a.client(uris(&[A, A])), "IDENTITY_AMBIGUOUS", "IDENTITY_AMBIGUOUS"),
        ("two domains", a.client(uris(&[A, B])), "IDENTITY_AMBIGUOUS", "IDENTITY_AMBIGUOUS"),
        ("two domains, the other", b.client(uris(&[A, B])), "handshake", "handshake"),
        ("one that may sign others", a.client(signs), "handshake", "handshake"),
        ("no name", a.client(|_| ()), "handshake", "handshake"),
    ] {
        for (tls12, h2) in WAYS {
            assert_eq!(told(&strict, &identity, tls12, h2).await, alone, "{what} {tls12} {h2}");
        }
        assert_eq!(told(&mixed, &identity, false, true).await, beside, "{what}, beside");
    }
    // Whoever leaves in the middle of a handshake would be recorded as well: none did.
    let data = refused(&strict, 0).await;
    assert_eq!(data["code"], "IDENTITY_MISSING");
    assert!(data["detail"].as_str().unwrap().contains("UnknownIssuer"), "{data}");
}

#[tokio::test]
async fn lists_say_who_is_revoked() {
    let upstream = Upstream::start().await;
    let (a, b) = (Issuing::new("a"), Issuing::new("b"));
    let (good, bad) = (a.client(svid(&[A], 7)), a.client(svid(&[A], 8)));
    let pem = a.revoke(&[8], 2099).pem().unwrap();
    let der = a.revoke(&[8], 2099).der().to_vec();
    let expired = a.revoke(&[8], 2021).pem().unwrap();
    let others = b.revoke(&[8], 2099).pem().unwrap();
    let forged = Issuing::new("a").revoke(&[7], 2099).pem().unwrap();
    let plain = json!({});
    for (what, list, more, good_gets, bad_gets) in [
        ("PEM", pem.into_bytes(), &plain, "200", Some("AGENT_REVOKED")),
        ("DER", der, &plain, "200", Some("AGENT_REVOKED")),
        (
            "out of date",
            expired.clone().into_bytes(),
            &plain,
            "handshake",
            Some("IDENTITY_MISSING"),
        ),
        (
            "out of date and believed",
            expired.into_bytes(),
            &json!({ "danger_allow_expired": true }),
            "200",
            Some("AGENT_REVOKED"),
        ),
        (
            "of another authority",
            others.clone().into_bytes(),
            &plain,
            "handshake",
            Some("IDENTITY_MISSING"),
        ),
        (
            "of another authority, and whoever has none is believed",
            others.into_bytes(),
            &json!({ "danger_allow_unknown": true }),
            "200",
            None,
        ),
        ("forged", forged.into_bytes(), &plain, "handshake", Some("IDENTITY_MISSING")),
    ] {
        let mut revocation = json!({ "files": ["a.crl"] });
        revocation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        for domain in [false, true] {
            let listener = match domain {
                true => json!({ "trust_domains": [
                    { "name": "a.test", "bundle": "a.pem", "revocation": revocation },
                ] }),
                false => json!({ "client_ca": "a.pem", "revocation": revocation }),
            };
            let world = builder(&upstream, listener)
                .file("a.pem", a.certificate.as_str())
                .file("a.crl", list.clone())
                .start()
                .await;
            for (tls12, h2) in [(false, true), (true, false)] {
                assert_eq!(told(&world, &good, tls12, h2).await, good_gets, "{what}");
                let before = world.events_of("call.refused").len();
                let bad = told(&world, &bad, tls12, h2).await;
                let Some(code) = bad_gets else {
                    assert_eq!(bad, "200", "{what}");
                    continue;
                };
                assert_eq!(bad, "handshake", "{what}");
                assert_eq!(refused(&world, before).await["code"], code, "{what}");
            }
            let (_, ready) = world.admin("/ready").await.unwrap();
            let warned = ready.contains("revocation list of listener `tls` is out of date");
            assert_eq!(warned, what == "out of date", "{ready}");
        }
    }
}

#[tokio::test]
async fn lists_that_cannot_be_read_change_nothing() {
    let upstream = Upstream::start().await;
    let a = Issuing::new("a");
    let listener = json!({ "client_ca": "a.pem", "revocation": { "files": ["a.crl"] } });
    let world = builder(&upstream, listener)
        .file("a.pem", a.certificate.as_str())
        .file("a.crl", a.revoke(&[8], 2099).pem().unwrap())
        .start()
        .await;
    let expires = "tollgate_revocation_expires_timestamp_seconds{listener=\"tls\"}";
    assert_eq!(world.metric(expires).await, 4_070_908_800.0);
    for broken in
        ["", "x", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "-----BEGIN"]
    {
        swap(&world.path("a.crl"), broken);
        assert!(!world.reload().await, "{broken}");
        assert_eq!(told(&world, &a.client(svid(&[A], 7)), false, false).await, "200");
        assert_eq!(told(&world, &a.client(svid(&[A], 8)), false, false).await, "handshake");
    }
    assert!(world.log().contains("a revocation list"), "{}", world.log());
}

#[tokio::test]
async fn what_is_revoked_is_refused_on_its_living_connection() {
    let upstream = Upstream::start().await;
    for (tls12, h2) in WAYS {
        let a = Issuing::new("a");
        let listener = json!({ "trust_domains": [
            { "name": "a.test", "bundle": "a.pem", "revocation": { "files": ["a.crl"] } },
        ] });
        let world = builder(&upstream, listener)
            .file("a.pem", a.certificate.as_str())
            .file("a.crl", a.revoke(&[], 2099).pem().unwrap())
            .start()
            .await;
        let (seven, eight) = (a.client(svid(&[A], 7)), a.client(svid(&[A], 8)));
        let (seven, eight) =
            (Hand::new(Some(&seven), tls12, h2), Hand::new(Some(&eight), tls12, h2));
        let mut stays = seven.connect(world.tls()).await.unwrap();
        let mut goes = eight.connect(world.tls()).await.unwrap();
        assert_eq!(stays.get("/up/ok").await.unwrap().0, 200);
        assert_eq!(goes.get("/up/ok").await.unwrap().0, 200);
        let mut again = eight.connect(world.tls()).await.unwrap();
        assert_eq!(again.get("/up/ok").await.unwrap().0, 200);
        assert!(again.resumed);

        // The gate finds the new list by itself.
        swap(&world.path("a.crl"), a.revoke(&[8], 2099).pem().unwrap());
        until("the revocation", async || {
            (goes.get("/up/ok").await.unwrap().1 == "AGENT_REVOKED").then_some(())
        })
        .await;
        assert_eq!(again.get("/up/ok").await.unwrap(), (403, "AGENT_REVOKED".to_owned()));
        assert_eq!(stays.get("/up/ok").await.unwrap().0, 200);
        assert!(eight.call(world.tls(), "/up/ok").await.is_err(), "{tls12} {h2}");
        assert_eq!(seven.call(world.tls(), "/up/ok").await.unwrap().0, 200);

        // Nor is a list that is out of date believed for new handshakes; what lives, lives on.
        swap(&world.path("a.crl"), a.revoke(&[8], 2021).pem().unwrap());
        assert!(world.reload().await);
        assert!(seven.call(world.tls(), "/up/ok").await.is_err());
    }
}

#[tokio::test]
async fn an_authority_that_is_withdrawn_takes_its_connections_along() {
    let upstream = Upstream::start().await;
    for (tls12, h2) in WAYS {
        let (old, fresh) = (Issuing::new("old"), Issuing::new("new"));
        let listener = json!({ "trust_domains": [{ "name": "a.test", "bundle": "a.pem" }] });
        let world =
            builder(&upstream, listener).file("a.pem", old.certificate.as_str()).start().await;
        let hand = Hand::new(Some(&old.client(uris(&[A]))), tls12, h2);
        let mut line = hand.connect(world.tls()).await.unwrap();
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);

        // While both are in the bundle, both are served.
        swap(&world.path("a.pem"), old.certificate.clone() + &fresh.certificate);
        assert!(world.reload().await);
        let new_hand = Hand::new(Some(&fresh.client(uris(&[A]))), tls12, h2);
        assert_eq!(new_hand.call(world.tls(), "/up/ok").await.unwrap().0, 200);
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);

        swap(&world.path("a.pem"), &fresh.certificate);
        assert!(world.reload().await);
        assert_eq!(line.get("/up/ok").await.unwrap(), (403, "IDENTITY_UNKNOWN".to_owned()));
        assert!(hand.call(world.tls(), "/up/ok").await.is_err(), "{tls12} {h2}");
        assert_eq!(new_hand.call(world.tls(), "/up/ok").await.unwrap().0, 200);
    }
}

/// A session brings its certificate along, which may have expired since.
#[tokio::test]
async fn a_session_does_not_outlive_its_certificate() {
    let upstream = Upstream::start().await;
    for (tls12, h2) in [(false, false), (true, true)] {
        let a = Issuing::new("a");
        let world = builder(&upstream, json!({ "client_ca": "a.pem" }))
            .file("a.pem", a.certificate.as_str())
            .start()
            .await;
        let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(4);
        let brief = |params: &mut CertificateParams| {
            uris(&[A])(params);
            params.not_after = soon.into();
        };
        let hand = Hand::new(Some(&a.client(brief)), tls12, h2);
        let mut line = hand.connect(world.tls()).await.unwrap();
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
        let mut resumed = 0;
        until("the end of the certificate", async || match hand.connect(world.tls()).await {
            Ok(mut line) => {
                resumed += usize::from(line.resumed);
                line.get("/up/ok").await.is_err().then_some(())
            }
            Err(_) => Some(()),
        })
        .await;
        assert!(resumed > 0, "no session was taken up again, so that this says nothing");
        assert_eq!(refused(&world, 0).await["code"], "IDENTITY_MISSING");
    }
}

#[tokio::test]
async fn a_bundle_of_very_many_authorities_ends_no_gate() {
    let upstream = Upstream::start().await;
    let own = Issuing::new("own");
    // Their names are more than one handshake can tell.
    let others =
        (0..40).map(|n| Authority::new(&format!("{n} {}", "long ".repeat(400))).certificate);
    let bundle = others.chain([own.certificate.clone()]).collect::<String>();
    let world = builder(&upstream, json!({ "client_ca": "many.pem" })).file("many.pem", bundle);
    let world = world.start().await;
    let identity = own.client(uris(&[A]));
    for (tls12, h2) in WAYS {
        assert_eq!(told(&world, &identity, tls12, h2).await, "200", "{tls12} {h2}");
    }
    assert_eq!(world.metric("tollgate_bugs_total").await, 0.0);
}
