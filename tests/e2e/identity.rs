//! Who calls is what the certificate says, in the registry that is in force now.
use rcgen::CertificateParams;
use serde_json::{Value, json};
use tollgate_tests::{Certificates, Identity, OTHER_AGENT, RawClient, Upstream, World, until};

use crate::kit::{swap, verify};
use crate::tls::{Hand, Issuing, der, names, uris};

const KNOWN: &str = "spiffe://acme.test/agents/known";

/// Every version of TLS with every version of HTTP.
const WAYS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

fn agents() -> Value {
    json!([
        { "id": tollgate_tests::AGENT, "environment": "test" },
        { "id": KNOWN, "environment": "test" },
        {
            "id": "reporter", "environment": "test",
            "certificate": { "common_name": "reporter", "dns_name": "reporter.agents.test" },
        },
        { "id": "other", "environment": "test", "certificate": { "common_name": "other" } },
    ])
}

async fn world(upstream: &Upstream, authority: &Issuing) -> World {
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/agents", agents())
        .file("ca.pem", authority.certificate.as_str())
        .start()
        .await
}

#[tokio::test]
async fn names_mean_agents() {
    let (upstream, authority) = (Upstream::start().await, Issuing::new("agents"));
    let world = world(&upstream, &authority).await;
    let both = |params: &mut CertificateParams| {
        uris(&[KNOWN])(params);
        names(&["reporter"], &["reporter.agents.test"])(params);
    };
    let cases = [
        ("a SPIFFE ID", authority.client(uris(&[KNOWN])), Ok(KNOWN)),
        ("a SPIFFE ID beside names of others", authority.client(both), Ok(KNOWN)),
        ("a common name", authority.client(names(&["reporter"], &[])), Ok("reporter")),
        ("a DNS name", authority.client(names(&[], &["reporter.agents.test"])), Ok("reporter")),
        (
            "a DNS name in capitals",
            authority.client(names(&[], &["Reporter.Agents.TEST"])),
            Ok("reporter"),
        ),
        (
            "both names",
            authority.client(names(&["reporter"], &["reporter.agents.test"])),
            Ok("reporter"),
        ),
        (
            "names of two agents",
            authority.client(names(&["other"], &["reporter.agents.test"])),
            Err("IDENTITY_AMBIGUOUS"),
        ),
        (
            "two SPIFFE IDs",
            authority.client(uris(&[KNOWN, "spiffe://acme.test/agents/two"])),
            Err("IDENTITY_AMBIGUOUS"),
        ),
        (
            "the same SPIFFE ID twice",
            authority.client(uris(&[KNOWN, KNOWN])),
            Err("IDENTITY_AMBIGUOUS"),
        ),
        (
            "an unknown SPIFFE ID",
            authority.client(uris(&["spiffe://acme.test/agents/x"])),
            Err("IDENTITY_UNKNOWN"),
        ),
        (
            "a longer SPIFFE ID",
            authority.client(uris(&["spiffe://acme.test/agents/known/x"])),
            Err("IDENTITY_UNKNOWN"),
        ),
        (
            "a SPIFFE ID in capitals",
            authority.client(uris(&["SPIFFE://acme.test/agents/known"])),
            Err("IDENTITY_UNKNOWN"),
        ),
        (
            "an unknown common name",
            authority.client(names(&["stranger"], &[])),
            Err("IDENTITY_UNKNOWN"),
        ),
        (
            "a common name in capitals",
            authority.client(names(&["Reporter"], &[])),
            Err("IDENTITY_UNKNOWN"),
        ),
        (
            "an agent's id as its common name",
            authority.client(names(&[KNOWN], &[])),
            Err("IDENTITY_UNKNOWN"),
        ),
        ("no name", authority.client(|_| ()), Err("IDENTITY_MISSING")),
    ];
    for (name, identity, expect) in &cases {
        for (tls12, h2) in WAYS {
            let before = world.events().len();
            let mut line = Hand::new(Some(identity), tls12, h2).connect(world.tls()).await.unwrap();
            assert_eq!(line.is_h2(), h2, "{name}");
            let (status, code) = line.get("/up/ok").await.unwrap();
            let events = world.events();
            let event = events[before..].iter().find(|event| {
                event["event_type"] == "call.intent" || event["event_type"] == "call.refused"
            });
            let actor = event.unwrap()["actor"].as_str().unwrap_or_default();
            match expect {
                Ok(agent) => assert_eq!((status, actor), (200, *agent), "{name} {tls12} {h2}"),
                Err(expect) => {
                    assert_eq!((code.as_str(), actor), (*expect, "unidentified"), "{name}");
                    assert!(matches!(status, 401 | 403), "{name}: {status}");
                }
            }
        }
    }
    let allowed = cases.iter().filter(|(.., expect)| expect.is_ok()).count();
    assert_eq!(upstream.seen().len(), allowed * WAYS.len());
}

#[tokio::test]
async fn handshakes_that_prove_nothing_are_refused_and_recorded() {
    let (upstream, authority) = (Upstream::start().await, Issuing::new("agents"));
    let world = world(&upstream, &authority).await;
    let stranger = Issuing::new("agents");
    let old = |params: &mut CertificateParams| {
        uris(&[KNOWN])(params);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    let early = |params: &mut CertificateParams| {
        uris(&[KNOWN])(params);
        params.not_before = rcgen::date_time_ymd(2090, 1, 1);
        params.not_after = rcgen::date_time_ymd(2091, 1, 1);
    };
    let server = |params: &mut CertificateParams| {
        uris(&[KNOWN])(params);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    };
    let cases: [(&str, Option<Identity>); 5] = [
        ("no certificate", None),
        ("another authority of the same name", Some(stranger.client(uris(&[KNOWN])))),
        ("an expired certificate", Some(authority.client(old))),
        ("a certificate of tomorrow", Some(authority.client(early))),
        ("a server's certificate", Some(authority.client(server))),
    ];
    let mut refused = 0;
    for (name, identity) in &cases {
        for (tls12, h2) in WAYS {
            let called = Hand::new(identity.as_ref(), tls12, h2).call(world.tls(), "/up/ok").await;
            assert!(called.is_err(), "{name} {tls12} {h2}: {called:?}");
            refused += 1;
            let recorded = until("the refused handshake in the record", async || {
                let events = world.events_of("call.refused");
                (events.len() >= refused).then(|| events.last().unwrap().clone())
            })
            .await;
            assert_eq!(
                recorded["payload"]["data"]["code"], "IDENTITY_MISSING",
                "{name}: {recorded}"
            );
            assert_eq!(recorded["actor"], "unidentified", "{name}");
        }
    }
    assert_eq!(world.events_of("call.refused").len(), refused);
    assert_eq!(world.metric("tollgate_handshakes_refused_total").await, refused as f64);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn the_gates_own_certificate_rotates_unnoticed() {
    let (upstream, authority) = (Upstream::start().await, Issuing::new("agents"));
    let world = world(&upstream, &authority).await;
    let hand = Hand::new(Some(&authority.client(uris(&[KNOWN]))), false, false);
    let mut old = hand.connect(world.tls()).await.unwrap();
    assert_eq!(old.get("/up/ok").await.unwrap().0, 200);
    assert_eq!(old.certificate, der(&Certificates::shared().server.certificate));

    let fresh = Certificates::shared().authority.server(&["localhost"]);
    swap(&world.path("server.pem"), &fresh.certificate);
    swap(&world.path("server.key"), &fresh.key);
    // The gate finds out by itself.
    until("the new certificate", async || {
        let line = hand.connect(world.tls()).await.ok()?;
        (line.certificate == der(&fresh.certificate)).then_some(())
    })
    .await;
    assert_eq!(old.get("/up/ok").await.unwrap().0, 200);
    assert_eq!(hand.call(world.tls(), "/up/ok").await.unwrap().0, 200);

    // A key that does not fit changes nothing.
    swap(&world.path("server.key"), &Certificates::shared().server.key);
    assert!(!world.reload().await);
    let line = hand.connect(world.tls()).await.unwrap();
    assert_eq!(line.certificate, der(&fresh.certificate));
}

#[tokio::test]
async fn an_authority_that_is_dropped_is_dropped_at_once() {
    for (tls12, h2) in WAYS {
        let (upstream, authority) = (Upstream::start().await, Issuing::new("old"));
        let world = world(&upstream, &authority).await;
        let hand = Hand::new(Some(&authority.client(uris(&[KNOWN]))), tls12, h2);
        let mut first = hand.connect(world.tls()).await.unwrap();
        assert_eq!(first.get("/up/ok").await.unwrap().0, 200);
        // As long as nothing changes, sessions are taken up again: else the test below says nothing.
        let mut second = hand.connect(world.tls()).await.unwrap();
        assert_eq!(second.get("/up/ok").await.unwrap().0, 200);
        assert!(second.resumed, "tls12 {tls12}");

        let fresh = Issuing::new("new");
        swap(&world.path("ca.pem"), &fresh.certificate);
        assert!(world.reload().await);
        let called = hand.call(world.tls(), "/up/ok").await;
        assert!(called.is_err(), "tls12 {tls12} h2 {h2}: {called:?}");
        let hand = Hand::new(Some(&fresh.client(uris(&[KNOWN]))), tls12, h2);
        assert_eq!(hand.call(world.tls(), "/up/ok").await.unwrap().0, 200);
        assert_eq!(upstream.seen().len(), 3);
    }
}

#[tokio::test]
async fn an_agent_that_is_struck_off_is_refused_on_its_living_connection() {
    for (tls12, h2) in WAYS {
        let (upstream, authority) = (Upstream::start().await, Issuing::new("agents"));
        let mut world = world(&upstream, &authority).await;
        let hand = Hand::new(Some(&authority.client(uris(&[KNOWN]))), tls12, h2);
        let mut line = hand.connect(world.tls()).await.unwrap();
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
        let mut left = agents();
        left.as_array_mut().unwrap().retain(|agent| agent["id"] != KNOWN);
        world.set("/agents", left);
        assert!(world.reload().await);
        assert_eq!(line.get("/up/ok").await.unwrap().1, "IDENTITY_UNKNOWN");
        world.set("/agents", agents());
        assert!(world.reload().await);
        assert_eq!(hand.call(world.tls(), "/up/ok").await.unwrap().0, 200);
        assert_eq!(upstream.seen().len(), 2);
    }
}

/// What a caller says about itself is not looked at.
#[tokio::test]
async fn claims_are_not_identity() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let headers = [
        ("x-agent-id", OTHER_AGENT),
        ("x-forwarded-client-cert", "By=x;URI=spiffe://acme.test/agents/reader"),
        ("x-spiffe-id", OTHER_AGENT),
        ("forwarded", "for=10.0.0.1"),
    ];
    let request = crate::kit::request("GET", "/up/ok", &headers, "");
    assert_eq!(crate::kit::ask(world.plain(), request).await.status, 200);
    let intent = world.events_of("call.intent").remove(0);
    assert_eq!(intent["actor"], tollgate_tests::AGENT);
    let seen = upstream.seen().remove(0);
    assert!(seen.header("x-forwarded-client-cert").is_empty(), "{}", seen.head);
    assert!(seen.header("forwarded").is_empty(), "{}", seen.head);
}

/// Whoever reaches a port cannot fill the disk: beyond some, refusals where nobody is known are told
/// by their number. What an agent does is always told.
#[tokio::test]
async fn many_that_nobody_knows_are_told_by_their_number() {
    const MANY: usize = 150;
    const SINGLY: usize = 60;
    let mut world = World::builder().start().await;
    for _ in 0..MANY {
        let mut client = RawClient::connect(world.tls()).await;
        client.send(b"GET / HTTP/1.1\r\n\r\n").await;
        client.rest().await;
    }
    let codes = |world: &World| {
        let events = world.events_of("call.refused").into_iter();
        let data = events.map(|event| event["payload"]["data"].clone());
        data.collect::<Vec<Value>>()
    };
    until("all to be refused", async || {
        (world.metric("tollgate_handshakes_refused_total").await == MANY as f64).then_some(())
    })
    .await;
    assert_eq!(codes(&world).len(), SINGLY);
    for _ in 0..MANY {
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(client.call("GET /\x01 HTTP/1.1\r\n\r\n").await.code(), "MALFORMED_HEAD");
    }
    assert_eq!(codes(&world).len(), SINGLY + MANY);
    assert!(world.stop().await.success());
    let all = codes(&world);
    let counted: Vec<_> = all.iter().filter(|data| data["count"].is_number()).collect();
    assert_eq!(all.len(), SINGLY + MANY + 1);
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0]["count"], MANY - SINGLY);
    assert_eq!(counted[0]["listener"], "tls");
    assert_eq!(counted[0]["code"], all[0]["code"]);
    verify(&world.spool()).await;
}
