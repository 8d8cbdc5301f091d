//! A gate in a network whose only way out is a proxy.
use serde_json::{Value, json};
use tollgate_tests::{
    Builder, Certificates, DnsServer, HttpUpstream, Leads, ParentProxy, RawClient, Tunnelled,
    Upstream, World, http_route, until,
};

use super::kit::{ask, request, swap};

pub(crate) const PASSWORD: &str = "Wand3rer-am-Weltentor";

pub(crate) fn behind(parent: &ParentProxy) -> Builder {
    World::builder()
        .file("password", PASSWORD)
        .set(
            "/parent_proxy",
            json!({
                "url": parent.url(),
                "credentials": { "user": "gate", "secret": { "file": "password" } },
            }),
        )
        .set("/upstreams/breaker", json!({ "failures": 0, "share_percent": 0 }))
}

/// `gate:` and the password.
pub(crate) fn shown(pair: &str) -> Option<String> {
    Some(format!("Basic {pair}"))
}

async fn last(world: &World, calls: usize) -> Value {
    world.wait_outcomes(calls).await.pop().unwrap()["payload"]["data"].clone()
}

#[tokio::test]
async fn every_upstream_is_reached_through_it() {
    let parent = ParentProxy::start().await;
    let (upstream, direct) = (Upstream::start().await, Upstream::start().await);
    let certificates = Certificates::shared();
    let tls = HttpUpstream::tls(&certificates.server, true, None).await;
    let mut h2 = http_route("h2", "/h2", &tls.url());
    h2["upstream"]["http2"] = true.into();
    h2["upstream"]["allow_addresses"] = json!(["127.0.0.1"]);
    // The same server by a name that goes around.
    let port = direct.address().port();
    let world = behind(&parent)
        .route("up", "/up", &upstream.url())
        .add_route(h2)
        .route("direct", "/direct", &format!("http://localhost:{port}"))
        .set("/routes/2/upstream/allow_addresses", json!(["127.0.0.1", "::1"]))
        .set("/parent_proxy/no_proxy", json!(["localhost"]))
        .start()
        .await;
    let answer = ask(world.plain(), request("POST", "/up/x", &[], "once")).await;
    assert_eq!((answer.status, upstream.seen().len()), (200, 1));
    assert_eq!(upstream.seen()[0].header("proxy-authorization"), Vec::<&str>::new());
    let outcome = last(&world, 1).await;
    assert_eq!(outcome["via"], parent.authority());
    assert_eq!(outcome["destination"], upstream.address().to_string());
    let authorization = shown("Z2F0ZTpXYW5kM3Jlci1hbS1XZWx0ZW50b3I=");
    let target = upstream.address().to_string();
    assert_eq!(parent.take_asked(), [Tunnelled { target, authorization }]);

    // TLS is between the gate and the upstream.
    assert_eq!(ask(world.plain(), request("GET", "/h2/x", &[], "")).await.status, 200);
    assert_eq!(tls.heard()[0].version, http::Version::HTTP_2);
    assert_eq!(parent.take_asked()[0].target, tls.address().to_string());
    last(&world, 2).await;

    assert_eq!(ask(world.plain(), request("GET", "/direct/x", &[], "")).await.status, 200);
    assert_eq!(parent.asked(), []);
    assert_eq!(last(&world, 3).await["via"], Value::Null);

    // Another password takes effect when its file changes, and no connection of the old one is used.
    swap(&world.path("password"), "anders");
    until("the new password", async || {
        ask(world.plain(), request("GET", "/up/x", &[], "")).await;
        let asked = parent.asked();
        asked.iter().any(|asked| asked.authorization == shown("Z2F0ZTphbmRlcnM=")).then_some(())
    })
    .await;
    // It is nowhere but in what the proxy is shown.
    let metrics = world.metrics().await;
    let mut told = world.everything_written();
    told.extend(metrics.bytes());
    for secret in
        [PASSWORD, "Z2F0ZTpXYW5kM3JlcI", "Z2F0ZTpXYW5kM3JlciI", "anders", "Z2F0ZTphbmRlcnM"]
    {
        let found = told.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} was written");
    }
}

#[tokio::test]
async fn addresses_are_checked_before_it_is_asked() {
    let parent = ParentProxy::start().await;
    let server = DnsServer::udp().await;
    server.say("inner.test", &["10.0.0.1"]).say("mixed.test", &["93.184.216.34", "127.0.0.1"]);
    let upstream = Upstream::start().await;
    for by in ["address", "name"] {
        let port = upstream.address().port();
        let world = behind(&parent)
            .set("/parent_proxy/connect_by", by)
            .set("/resolver/servers", json!([server.address().to_string()]))
            .add_route(http_route("named", "/named", &format!("http://inner.test:{port}")))
            .set("/routes/0/upstream/allow_addresses", json!([]))
            .set(
                "/forward_proxy",
                json!({ "hosts": ["127.0.0.1", "mixed.test", "[::1]"], "ports": [port] }),
            )
            .start()
            .await;
        // An address is looked at whoever finds those of names.
        for host in ["127.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"] {
            let get = format!("GET http://{host}:{port}/ HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n");
            assert_eq!(ask(world.plain(), get).await.code(), "ADDRESS_FORBIDDEN", "{host}");
        }
        // It is no way back into the gate, either.
        assert_eq!(parent.asked(), []);
        let mixed =
            format!("GET http://mixed.test:{port}/ HTTP/1.1\r\nhost: mixed.test:{port}\r\n\r\n");
        if by == "address" {
            assert_eq!(ask(world.plain(), mixed).await.code(), "ADDRESS_FORBIDDEN");
            let answer = ask(world.plain(), request("GET", "/named/x", &[], "")).await;
            assert_eq!(answer.code(), "ADDRESS_FORBIDDEN");
            assert_eq!(parent.asked(), []);
            continue;
        }
        // Here the proxy is trusted with the names, and asked for no other than those of the lists.
        let asked = server.asked().len();
        parent.name(&format!("inner.test:{port}"), upstream.address());
        let answer = ask(world.plain(), request("GET", "/named/x", &[], "")).await;
        assert_eq!(answer.status, 200);
        let other =
            format!("GET http://other.test:{port}/ HTTP/1.1\r\nhost: other.test:{port}\r\n\r\n");
        assert_eq!(ask(world.plain(), other).await.code(), "HOST_NOT_ALLOWED");
        assert_eq!(parent.take_asked()[0].target, format!("inner.test:{port}"));
        assert_eq!(server.asked().len(), asked, "nobody else was asked");
    }
}

#[tokio::test]
async fn what_it_answers_is_told() {
    let parent = ParentProxy::start().await;
    let upstream = Upstream::start().await;
    let world = behind(&parent)
        .route("up", "/up", &upstream.url())
        .set("/deadlines/connect_ms", 700)
        .set("/upstreams/retry/times", 0)
        .start()
        .await;
    let says = |text: &str| Leads::Says(text.to_owned());
    let long = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(40_000));
    let extra = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    for (nth, (leads, code, detail)) in [
        (
            says("HTTP/1.1 407 Who?\r\nproxy-authenticate: Basic\r\ncontent-length: 3\r\n\r\nno!"),
            "UPSTREAM_PROXY",
            "the parent proxy answered 407",
        ),
        (says("HTTP/1.0 403 No\r\n\r\n<html>"), "UPSTREAM_PROXY", "the parent proxy answered 403"),
        (
            says("HTTP/1.1 302 Go\r\nlocation: /\r\n\r\n"),
            "UPSTREAM_PROXY",
            "the parent proxy answered 302",
        ),
        (says("HTTP/1.1 502 Bad\r\n\r\n"), "UPSTREAM_CONNECT", "the parent proxy answered 502"),
        (says("HTTP/1.1 504 Late\r\n\r\n"), "UPSTREAM_CONNECT", "the parent proxy answered 504"),
        (says("SSH-2.0-x\r\n\r\n"), "UPSTREAM_PROXY", "the parent proxy cannot be understood"),
        (says(&long), "UPSTREAM_PROXY", "the parent proxy cannot be understood"),
        // An answer to a call that was not made yet.
        (says(extra), "UPSTREAM_PROXY", "the parent proxy cannot be understood"),
        (says("HTTP/1.1 200 OK\r\n"), "UPSTREAM_CONNECT", "the parent proxy cannot be reached"),
        (says(""), "UPSTREAM_CONNECT", "the parent proxy cannot be reached"),
        (Leads::Stalls, "UPSTREAM_CONNECT", "ConnectTimedout"),
    ]
    .into_iter()
    .enumerate()
    {
        parent.set(leads.clone());
        let answer = ask(world.plain(), request("POST", "/up/x", &[], "x")).await;
        assert_eq!((answer.status, answer.code().as_str()), (502, code), "{leads:?}");
        // With the blank: the receipt's id may have these digits.
        assert!(!answer.text().contains(" 407") && !answer.text().contains("html"));
        let outcome = last(&world, nth + 1).await;
        assert_eq!(
            (&outcome["code"], &outcome["detail"]),
            (&json!(code), &json!(detail)),
            "{leads:?}"
        );
    }
    assert!(upstream.seen().is_empty());
    parent.set(Leads::Whither);
    assert_eq!(ask(world.plain(), request("POST", "/up/x", &[], "x")).await.status, 200);
    drop(parent);
    let gone = until("no connection", async || {
        let answer = ask(world.plain(), request("POST", "/up/x", &[], "x")).await;
        (answer.status != 200).then_some(answer)
    });
    assert!(["UPSTREAM_CONNECT", "UPSTREAM_PROTOCOL"].contains(&gone.await.code().as_str()));
}

/// A token is asked for on the way that the call takes.
#[tokio::test]
async fn tokens_are_fetched_through_it() {
    let parent = ParentProxy::start().await;
    let (upstream, server) = (Upstream::start().await, Upstream::start().await);
    let token =
        r#"{"access_token":"tok-1.Plumbago-Harbour.x9Q","token_type":"Bearer","expires_in":300}"#;
    server.on("/token", tollgate_tests::json_answer(token));
    let port = upstream.address().port();
    let world = behind(&parent)
        .route("up", "/up", &upstream.url())
        .file("client", "cl13nt-Secret-of-ours")
        .set("/credentials", tokens_for(port, &server))
        .start()
        .await;
    assert_eq!(ask(world.plain(), request("GET", "/up/x", &[], "")).await.status, 200);
    let bearer = upstream.seen()[0].header("authorization").join(",");
    assert_eq!(bearer, "Bearer tok-1.Plumbago-Harbour.x9Q");
    let targets = parent.asked().into_iter().map(|asked| asked.target).collect::<Vec<_>>();
    assert_eq!(targets, [server.address().to_string(), upstream.address().to_string()]);
}

/// What is passed on unread goes the same way.
#[tokio::test]
async fn tunnels_go_through_it() {
    let parent = ParentProxy::start().await;
    let certificates = Certificates::shared();
    let tls = HttpUpstream::tls(&certificates.server, false, None).await;
    let port = tls.address().port();
    let world = behind(&parent)
        .set(
            "/forward_proxy",
            json!({
                "hosts": ["tools.test"], "ports": [port],
                "intercept": { "certificate": "intercept.pem", "pass_through": ["tools.test"] },
            }),
        )
        .set("/parent_proxy/connect_by", "name")
        .start()
        .await;
    parent.name(&format!("tools.test:{port}"), tls.address());
    let mut client = RawClient::connect(world.plain()).await;
    client
        .send(format!("CONNECT tools.test:{port} HTTP/1.1\r\nhost: tools.test:{port}\r\n\r\n"))
        .await;
    assert_eq!(client.read_head().await.unwrap().0, 200);
    client.send(super::addresses::hello("tools.test")).await;
    // The upstream's own handshake comes back.
    until("an answer", async || {
        (!client.is_silent_for(std::time::Duration::from_millis(100)).await).then_some(())
    })
    .await;
    assert_eq!(parent.asked()[0].target, format!("tools.test:{port}"));
}

/// What is between the gate and the proxy is secret, too: names, clear text, and the password.
#[tokio::test]
async fn it_is_spoken_to_in_tls() {
    let certificates = Certificates::shared();
    let parent =
        ParentProxy::tls(&certificates.authority.server(&["127.0.0.1", "proxy.test"])).await;
    let (upstream, server) = (Upstream::start().await, Upstream::start().await);
    let token =
        r#"{"access_token":"tok-1.Plumbago-Harbour.x9Q","token_type":"Bearer","expires_in":300}"#;
    server.on("/token", tollgate_tests::json_answer(token));
    let tls = HttpUpstream::tls(&certificates.server, true, None).await;
    let port = tls.address().port();
    let mut h2 = http_route("h2", "/h2", &tls.url());
    h2["upstream"]["http2"] = true.into();
    let mut h1 = http_route("h1", "/h1", &tls.url());
    h1["upstream"]["http2"] = false.into();
    let world = behind(&parent)
        .file("proxy-ca.pem", certificates.authority.certificate.clone())
        .file("client", "cl13nt-Secret-of-ours")
        .set("/parent_proxy/ca", "proxy-ca.pem")
        .route("up", "/up", &upstream.url())
        .add_route(h2)
        .add_route(h1)
        .set("/routes/0/upstream/health", json!({ "interval_ms": 1000 }))
        .set(
            "/forward_proxy",
            json!({
                "hosts": ["localhost"], "ports": [port], "allow_addresses": ["127.0.0.0/8", "::1"],
                "intercept": { "certificate": "intercept.pem", "pass_through": ["localhost"] },
            }),
        )
        .set("/credentials", tokens_for(upstream.address().port(), &server))
        .start()
        .await;
    // Clear text, one connection after the other, and a token before them.
    for calls in 1..=3 {
        let answer = ask(world.plain(), request("POST", "/up/x", &[], "once")).await;
        assert_eq!((answer.status, upstream.seen().len()), (200, calls));
    }
    assert_eq!(upstream.seen()[0].header("authorization"), ["Bearer tok-1.Plumbago-Harbour.x9Q"]);
    // TLS in TLS, as HTTP/2 and as HTTP/1.1, several at once.
    for path in ["/h2/x", "/h1/x"] {
        let calls = (0..8).map(|_| ask(world.plain(), request("GET", path, &[], "")));
        for answer in futures::future::join_all(calls).await {
            assert_eq!(answer.status, 200, "{path}");
        }
    }
    assert_eq!(tls.heard().len(), 16);
    let outcomes = world.wait_outcomes(19).await;
    assert!(outcomes.iter().all(|o| o["payload"]["data"]["via"] == parent.authority()));
    // What is passed on unread.
    let mut client = RawClient::connect(world.plain()).await;
    let to = format!("localhost:{port}");
    client.send(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n")).await;
    assert_eq!(client.read_head().await.unwrap().0, 200);
    client.send(super::addresses::hello("localhost")).await;
    until("an answer", async || {
        (!client.is_silent_for(std::time::Duration::from_millis(100)).await).then_some(())
    })
    .await;
    let asked = parent.take_asked();
    let authorization = shown("Z2F0ZTpXYW5kM3Jlci1hbS1XZWx0ZW50b3I=");
    assert!(asked.iter().all(|asked| asked.authorization == authorization), "{asked:?}");
    drop(client);

    // Who is not vouched for is told nothing, and neither is who has another name.
    let other = tollgate_tests::Authority::new("other.test").certificate.clone();
    swap(&world.path("proxy-ca.pem"), &other);
    until("a proxy that is not trusted", async || {
        let answer = ask(world.plain(), request("GET", "/h1/x", &[], "")).await;
        (answer.code() == "UPSTREAM_PROXY").then_some(())
    })
    .await;
    parent.take_asked();
    let answer = ask(world.plain(), request("GET", "/h1/x", &[], "")).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "UPSTREAM_PROXY"));
    assert_eq!(parent.asked(), []);
    let told = String::from_utf8_lossy(&world.everything_written()).into_owned();
    for secret in [PASSWORD, "Z2F0ZTpXYW5kM3JlcI", "tok-1.Plumbago"] {
        assert!(!told.contains(secret), "{secret} was written");
    }
    for (parent, expect) in [
        (ParentProxy::tls(&certificates.authority.server(&["proxy.test"])).await, "UPSTREAM_PROXY"),
        // It knows no TLS, and answers nothing.
        (ParentProxy::start().await, "UPSTREAM_CONNECT"),
    ] {
        let world = behind(&parent)
            .file("proxy-ca.pem", certificates.authority.certificate.clone())
            .set("/parent_proxy/ca", "proxy-ca.pem")
            .set("/parent_proxy/url", format!("https://{}", parent.authority()))
            .set("/deadlines/connect_ms", 500)
            .set("/upstreams/retry/times", 0)
            .route("up", "/up", &upstream.url())
            .start()
            .await;
        let answer = ask(world.plain(), request("GET", "/up/x", &[], "")).await;
        assert_eq!((answer.status, answer.code().as_str()), (502, expect));
        assert_eq!(parent.asked(), []);
    }
}

/// A token of the server is put in at the door of a port.
fn tokens_for(port: u16, server: &Upstream) -> Value {
    json!([{
        "id": "idp",
        "for": { "host": "127.0.0.1", "port": port },
        "give": {
            "type": "oauth_client",
            "server": {
                "url": format!("{}/token", server.url()), "client_id": "gate",
                "client_secret": { "file": "client" }, "allow_addresses": ["127.0.0.1"],
            },
        },
    }])
}
