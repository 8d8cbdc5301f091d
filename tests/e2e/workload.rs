//! The gate's own identity, and bundles, from the SPIFFE Workload API.
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_tests::{
    Builder, Given, HttpUpstream, Identity, RawClient, Upstream, WorkloadApi, World, http_route,
    until,
};

use crate::tls::{Hand, Issuing, der, uris};

const GATE: &str = "spiffe://acme.test/gate";
const AGENT: &str = "spiffe://acme.test/agents/one";
const PARTNER: &str = "spiffe://partner.test/agents/one";
const DAY: u64 = 86_400;

/// Every version of TLS with every version of HTTP.
const WAYS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

struct Place {
    _dir: TempDir,
    socket: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    Place { socket: dir.path().join("api.sock"), _dir: dir }
}

fn builder(upstream: &Upstream, place: &Place) -> Builder {
    let tls = json!({
        "type": "tls", "name": "tls", "bind": "127.0.0.1:0", "svid": true,
        "trust_domains": [{ "name": "acme.test" }, { "name": "partner.test" }],
    });
    let agent = |id: &str| json!({ "id": id, "environment": "test" });
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/agents", json!([agent(tollgate_tests::AGENT), agent(AGENT), agent(PARTNER)]))
        .set("/listeners/1", tls)
        .set("/workload_api", json!({ "socket": place.socket, "start_ms": 20_000 }))
}

fn hand(identity: &Identity, roots: &str, (tls12, h2): (bool, bool)) -> Hand {
    Hand::new(Some(identity), tls12, h2).trusting(roots)
}

async fn reasons(world: &World) -> Option<String> {
    let (status, text) = world.admin("/ready").await.unwrap();
    let ready: Value = serde_json::from_str(&text).unwrap();
    (status == 503).then(|| ready["reasons"].to_string())
}

#[tokio::test]
async fn it_rotates_while_connections_live() {
    let upstream = Upstream::start().await;
    for way in WAYS {
        let (place, old, new) = (place(), Issuing::new("old"), Issuing::new("new"));
        let first = old.gate(GATE, DAY);
        let api = WorkloadApi::start(&place.socket, Given::svid(GATE, &first, &old.certificate));
        let world = builder(&upstream, &place).start().await;
        let mine = hand(&old.client(uris(&[AGENT])), &old.certificate, way);
        let mut line = mine.connect(world.tls()).await.unwrap();
        assert_eq!(line.certificate, der(&first.certificate));
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
        let mut again = mine.connect(world.tls()).await.unwrap();
        assert_eq!(again.get("/up/ok").await.unwrap().0, 200);
        assert!(again.resumed);

        // Another SVID of the same authority, and a second authority beside it.
        let second = old.gate(GATE, DAY);
        let both = old.certificate.clone() + &new.certificate;
        api.give(Given::svid(GATE, &second, &both));
        until("the second SVID", async || {
            let mut line = mine.connect(world.tls()).await.ok()?;
            assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
            (line.certificate == der(&second.certificate)).then_some(())
        })
        .await;
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
        let other = hand(&new.client(uris(&[AGENT])), &old.certificate, way);
        assert_eq!(other.call(world.tls(), "/up/ok").await.unwrap().0, 200);

        // The first authority is withdrawn.
        let third = new.gate(GATE, DAY);
        api.give(Given::svid(GATE, &third, &new.certificate));
        until("the withdrawal", async || {
            let (status, code) = line.get("/up/ok").await.unwrap();
            (status == 403).then(|| assert_eq!(code, "IDENTITY_UNKNOWN"))
        })
        .await;
        assert_eq!(again.get("/up/ok").await.unwrap().1, "IDENTITY_UNKNOWN");
        let mine = hand(&old.client(uris(&[AGENT])), &new.certificate, way);
        assert!(mine.call(world.tls(), "/up/ok").await.is_err());
        let other = hand(&new.client(uris(&[AGENT])), &new.certificate, way);
        let mut line = other.connect(world.tls()).await.unwrap();
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
        assert_eq!(line.certificate, der(&third.certificate));
        assert_eq!(world.metric("tollgate_svid_rotations_total").await, 2.0);
        assert_eq!(world.metric("tollgate_workload_api_up").await, 1.0);
        // A rotation is no reload, and a reload does not forget it.
        assert!(world.events_of("policy.reload").is_empty());
        assert!(world.reload().await);
        let mut line = other.connect(world.tls()).await.unwrap();
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
        assert_eq!(line.certificate, der(&third.certificate));
        // The keys are written nowhere.
        let written = world.everything_written();
        for identity in [&first, &second, &third] {
            let body = identity.key.lines().nth(1).unwrap();
            assert!(memchr::memmem::find(&written, body.as_bytes()).is_none());
        }
    }
}

#[tokio::test]
async fn bundles_of_other_domains_come_and_go() {
    let upstream = Upstream::start().await;
    let (place, own, partner) = (place(), Issuing::new("own"), Issuing::new("partner"));
    let given = Given::svid(GATE, &own.gate(GATE, DAY), &own.certificate);
    let api = WorkloadApi::start(&place.socket, given.clone());
    let world = builder(&upstream, &place).start().await;
    let theirs = hand(&partner.client(uris(&[PARTNER])), &own.certificate, (false, false));
    let forged = hand(&own.client(uris(&[PARTNER])), &own.certificate, (false, false));
    assert!(theirs.call(world.tls(), "/up/ok").await.is_err());
    api.give(given.clone().federated("partner.test", &partner.certificate));
    let line = until("the bundle", async || {
        let mut line = theirs.connect(world.tls()).await.ok()?;
        (line.get("/up/ok").await.ok()?.0 == 200).then_some(line)
    });
    let mut line = line.await;
    assert!(forged.call(world.tls(), "/up/ok").await.is_err());
    // One that is not on the listener's list is nobody's.
    api.give(given.clone().federated("other.test", &partner.certificate));
    until("the bundle's end", async || {
        (line.get("/up/ok").await.unwrap().1 == "IDENTITY_UNKNOWN").then_some(())
    })
    .await;
    assert!(theirs.call(world.tls(), "/up/ok").await.is_err());
    let other = hand(
        &partner.client(uris(&["spiffe://other.test/agents/one"])),
        &own.certificate,
        (false, false),
    );
    assert!(other.call(world.tls(), "/up/ok").await.is_err());
}

#[tokio::test]
async fn a_start_waits_and_then_says_why() {
    let upstream = Upstream::start().await;
    let own = Issuing::new("own");
    let good = Given::svid(GATE, &own.gate(GATE, DAY), &own.certificate);
    let other =
        Given::svid("spiffe://acme.test/other", &own.gate("spiffe://acme.test/other", DAY), "");
    let impatient = json!(500);
    for (what, given, said) in [
        ("nobody", None, "No such file"),
        ("nothing", Some(Given::Nothing), "did not answer"),
        ("denied", Some(Given::Denied), "no identity issued"),
        (
            "another SVID",
            Some(Given::svid(
                "spiffe://acme.test/other",
                &own.gate("spiffe://acme.test/other", DAY),
                &own.certificate,
            )),
            "gives no SVID `spiffe://acme.test/gate`",
        ),
        ("no bundle", Some(other), "bundle"),
    ] {
        let place = place();
        let _api = given.map(|given| WorkloadApi::start(&place.socket, given));
        let builder = builder(&upstream, &place)
            .set("/workload_api/start_ms", impatient.clone())
            .set("/workload_api/id", GATE);
        let not = builder.try_start().await.unwrap_err();
        assert_eq!(not.status.code(), Some(1), "{what}: {}", not.stderr);
        assert!(not.stderr.contains("within 500 ms (`workload_api.start_ms`)"), "{}", not.stderr);
        assert!(not.stderr.contains(said), "{what}: {}", not.stderr);
    }
    // One that comes while the gate waits is in time.
    let place = place();
    let late = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        WorkloadApi::start(&place.socket, good)
    };
    let (world, _api) = tokio::join!(builder(&upstream, &place).start(), late);
    let mine = hand(&own.client(uris(&[AGENT])), &own.certificate, (false, true));
    assert_eq!(mine.call(world.tls(), "/up/ok").await.unwrap().0, 200);
}

#[tokio::test]
async fn what_came_last_is_kept_until_it_expires() {
    let upstream = Upstream::start().await;
    let (place, own) = (place(), Issuing::new("own"));
    let given = Given::svid(GATE, &own.gate(GATE, 8), &own.certificate);
    let api = WorkloadApi::start(&place.socket, given);
    let world = builder(&upstream, &place).start().await;
    let mine = hand(&own.client(uris(&[AGENT])), &own.certificate, (false, false));
    until("the API", async || {
        (world.metric("tollgate_workload_api_up").await == 1.0).then_some(())
    })
    .await;
    drop(api);
    until("the loss", async || {
        (world.metric("tollgate_workload_api_up").await == 0.0).then_some(())
    })
    .await;
    assert!(world.metric("tollgate_workload_api_failures_total").await >= 1.0);
    assert!(world.log().contains("the Workload API is away"), "{}", world.log());
    assert_eq!(mine.call(world.tls(), "/up/ok").await.unwrap().0, 200);
    assert_eq!(reasons(&world).await, None);
    let told = until("the end of the SVID", async || reasons(&world).await).await;
    assert!(told.contains("no SVID that is good now"), "{told}");
    assert!(mine.call(world.tls(), "/up/ok").await.is_err());
    let refused = until("the refusal", async || world.events_of("call.refused").pop()).await;
    let detail = refused["payload"]["data"]["detail"].as_str().unwrap();
    assert!(detail.contains("no certificate to present"), "{refused}");

    // It comes back, with another one.
    let fresh = Given::svid(GATE, &own.gate(GATE, DAY), &own.certificate);
    let _api = WorkloadApi::start(&place.socket, fresh);
    until("the fresh SVID", async || {
        (mine.call(world.tls(), "/up/ok").await.ok()?.0 == 200).then_some(())
    })
    .await;
    assert_eq!(reasons(&world).await, None);
}

#[tokio::test]
async fn a_gate_that_has_no_identity_any_more_believes_it() {
    let upstream = Upstream::start().await;
    let (place, own) = (place(), Issuing::new("own"));
    let given = Given::svid(GATE, &own.gate(GATE, DAY), &own.certificate);
    let api = WorkloadApi::start(&place.socket, given.clone());
    let world = builder(&upstream, &place).start().await;
    let mine = hand(&own.client(uris(&[AGENT])), &own.certificate, (false, true));
    let mut line = mine.connect(world.tls()).await.unwrap();
    assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
    api.give(Given::Denied);
    until("the denial", async || {
        (line.get("/up/ok").await.unwrap().1 == "IDENTITY_UNKNOWN").then_some(())
    })
    .await;
    assert!(mine.call(world.tls(), "/up/ok").await.is_err());
    assert!(reasons(&world).await.is_some());
    assert_eq!(world.metric("tollgate_svid_expires_timestamp_seconds").await, 0.0);
    // A reload does not bring it back.
    assert!(world.reload().await);
    assert!(mine.call(world.tls(), "/up/ok").await.is_err());
    api.give(given);
    until("the identity", async || {
        (mine.call(world.tls(), "/up/ok").await.ok()?.0 == 200).then_some(())
    })
    .await;
    assert_eq!(reasons(&world).await, None);
}

#[tokio::test]
async fn what_cannot_be_used_changes_nothing() {
    let upstream = Upstream::start().await;
    let (place, own) = (place(), Issuing::new("own"));
    let first = own.gate(GATE, DAY);
    let api = WorkloadApi::start(&place.socket, Given::svid(GATE, &first, &own.certificate));
    let world = builder(&upstream, &place).start().await;
    let mine = hand(&own.client(uris(&[AGENT])), &own.certificate, (false, false));
    let mut failures = 0.0;
    let other_key = Identity { key: own.gate(GATE, DAY).key, ..own.gate(GATE, DAY) };
    for (what, given) in [
        ("another key", Given::svid(GATE, &other_key, &own.certificate)),
        ("an expired one", Given::svid(GATE, &own.gate(GATE, 0), &own.certificate)),
        (
            "no path",
            Given::svid(
                "spiffe://acme.test",
                &own.gate("spiffe://acme.test", DAY),
                &own.certificate,
            ),
        ),
        ("no bundle", Given::svid(GATE, &own.gate(GATE, DAY), "")),
    ] {
        api.give(given);
        failures = until(what, async || {
            let now = world.metric("tollgate_workload_api_failures_total").await;
            (now > failures).then_some(now)
        })
        .await;
        let mut line = mine.connect(world.tls()).await.unwrap();
        assert_eq!(line.certificate, der(&first.certificate), "{what}");
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200, "{what}");
    }
    assert_eq!(world.metric("tollgate_svid_rotations_total").await, 0.0);
    assert_eq!(reasons(&world).await, None);
}

/// Upstreams know the gate by the SVID that it has now, and nobody when it has none.
#[tokio::test]
async fn its_svid_is_shown_to_upstreams() {
    let issuing = Issuing::new("mesh");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der(&issuing.certificate).into()).unwrap();
    let server = tollgate_tests::Certificates::shared().server.clone();
    for h2 in [false, true] {
        let upstream = HttpUpstream::tls_to(&server, h2, Some(roots.clone())).await;
        let (place, first) = (place(), issuing.gate(GATE, DAY));
        let given = |identity: &Identity| Given::svid(GATE, identity, &issuing.certificate);
        let api = WorkloadApi::start(&place.socket, given(&first));
        let mut route = http_route("mesh", "/mesh", &upstream.url());
        route["upstream"]["tls"] = json!({ "svid": true });
        route["upstream"]["http2"] = h2.into();
        let mut world = World::builder()
            .add_route(route)
            .route("bare", "/bare", &upstream.url())
            .set("/workload_api", json!({ "socket": place.socket, "start_ms": 20_000 }))
            .start()
            .await;
        let call = async |path: &str| {
            let mut client = RawClient::connect(world.plain()).await;
            let answer = client.call(crate::kit::request("GET", path, &[], "")).await;
            (answer.status, answer.code())
        };
        for _ in 0..2 {
            assert_eq!(call("/mesh/ok").await.0, 200, "h2 {h2}");
        }
        let shown = |upstream: &HttpUpstream| upstream.heard().pop().unwrap().certificate.unwrap();
        assert_eq!(shown(&upstream), der(&first.certificate));
        // A route that does not say so shows nothing.
        assert_eq!(call("/bare/ok").await.0, 502);

        // Another one: no later call goes on a connection of the first.
        let second = issuing.gate(GATE, DAY);
        api.give(given(&second));
        until("the second SVID", async || {
            assert_eq!(call("/mesh/ok").await.0, 200);
            (shown(&upstream) == der(&second.certificate)).then_some(())
        })
        .await;
        assert!(world.reload().await);
        assert_eq!(call("/mesh/ok").await.0, 200);
        assert_eq!(shown(&upstream), der(&second.certificate));

        // The gate is nobody any more, and says so before it connects.
        api.give(Given::Denied);
        until("the end of the identity", async || {
            (call("/mesh/ok").await == (502, "UPSTREAM_TLS".to_owned())).then_some(())
        })
        .await;
        let heard = upstream.heard().len();
        assert_eq!(call("/mesh/ok").await.0, 502);
        assert_eq!(upstream.heard().len(), heard);
        let outcome = world.wait_outcomes(5).await.pop().unwrap();
        assert!(outcome.to_string().contains("no SVID to show"), "{outcome}");
        let written = world.everything_written();
        for identity in [&first, &second] {
            let body = identity.key.lines().nth(1).unwrap();
            assert!(memchr::memmem::find(&written, body.as_bytes()).is_none());
        }
        world.stop().await;
    }
}
