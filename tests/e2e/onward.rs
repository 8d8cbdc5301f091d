//! What else leaves through a parent proxy: the record, its key services, questions for names; and
//! what is kept open there.
use futures::SinkExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tollgate_tests::{
    Builder, Certificates, DnsServer, HttpUpstream, ParentProxy, SigningProxy, SocketUpstream,
    Upstream, World, http_route, until,
};

use super::collectors::{Collector, Syslog};
use super::kit::{ask, request};
use super::parents::{PASSWORD, behind, shown};
use super::websockets;

/// One in clear text and one in TLS.
async fn parents() -> [ParentProxy; 2] {
    let identity = Certificates::shared().authority.server(&["127.0.0.1"]);
    [ParentProxy::start().await, ParentProxy::tls(&identity).await]
}

fn trusting(parent: &ParentProxy) -> Builder {
    let builder = behind(parent);
    match parent.url().starts_with("https:") {
        true => builder
            .file("proxy-ca.pem", Certificates::shared().authority.certificate.clone())
            .set("/parent_proxy/ca", "proxy-ca.pem"),
        false => builder,
    }
}

async fn call(world: &World, path: &str) -> u16 {
    ask(world.plain(), request("GET", path, &[], "")).await.status
}

fn targets(parent: &ParentProxy) -> Vec<String> {
    parent.asked().into_iter().map(|asked| asked.target).collect()
}

/// Waits until all that is in the spool has come.
async fn all_arrived(world: &World, collector: &Collector) {
    until("all events at the collector", async || {
        let (kept, came) = (world.events(), collector.events());
        (came.last()?["seq"] == kept.last()?["seq"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_record_and_its_keys_leave_through_it() {
    for parent in parents().await {
        let upstream = Upstream::start().await;
        let (lake, inner, syslog) =
            (Collector::start().await, Collector::start().await, Syslog::start().await);
        let keys = SigningProxy::start().await;
        // Nobody else knows where these are.
        let at = |url: &str| url.trim_start_matches("http://").parse().unwrap();
        parent.name("lake.test:8088", at(lake.url().trim_end_matches("/events")));
        parent.name("192.0.2.7:601", syslog.address);
        parent.name("signer.test:8089", keys.address());
        let world = trusting(&parent)
            .route("up", "/up", &upstream.url())
            .set("/parent_proxy/connect_by", "name")
            .set(
                "/audit/sinks",
                json!([
                    { "type": "http", "name": "lake", "url": "http://lake.test:8088/events" },
                    { "type": "http", "name": "inner", "url": inner.url() },
                    { "type": "syslog", "name": "siem", "address": "192.0.2.7:601" },
                ]),
            );
        let world = keys
            .sign_for(world, "service", "hash")
            .set("/audit/signer/service/url", "https://signer.test:8089/signer")
            .start()
            .await;
        assert_eq!(call(&world, "/up/x").await, 200);
        all_arrived(&world, &lake).await;
        all_arrived(&world, &inner).await;
        until("all events at the syslog collector", async || {
            let told = syslog.frames().concat();
            let events = world.events();
            events.iter().all(|e| told.contains(e["id"].as_str().unwrap())).then_some(())
        })
        .await;
        let asked = parent.asked();
        let authorization = shown("Z2F0ZTpXYW5kM3Jlci1hbS1XZWx0ZW50b3I=");
        for target in ["lake.test:8088", "192.0.2.7:601", "signer.test:8089"] {
            let tunnel = asked.iter().find(|asked| asked.target == target);
            assert_eq!(
                tunnel.map(|tunnel| &tunnel.authorization),
                Some(&authorization),
                "{target}"
            );
        }
        // What is on loopback is this machine's, and no other leads there.
        let loopback = inner.url();
        assert!(!asked.iter().any(|asked| loopback.contains(&asked.target)), "{asked:?}");

        let told = String::from_utf8_lossy(&world.everything_written()).into_owned();
        for secret in [PASSWORD, "Z2F0ZTpXYW5kM3JlcI", SigningProxy::TOKEN] {
            assert!(!told.contains(secret), "{secret} was written");
        }
    }
}

/// A network may have its collectors this side of the proxy.
#[tokio::test]
async fn the_record_may_go_straight() {
    let parent = ParentProxy::start().await;
    let upstream = Upstream::start().await;
    for (pointer, value) in [
        ("/parent_proxy/record", json!(false)),
        ("/parent_proxy/no_proxy", json!(["lake.test", "127.0.0.1"])),
    ] {
        let world = behind(&parent)
            .route("up", "/up", &upstream.url())
            .set("/parent_proxy/connect_by", "name")
            .set(
                "/audit/sinks",
                json!([{ "type": "http", "name": "lake", "url": "http://lake.test:8088/events" }]),
            )
            .set(pointer, value)
            .start()
            .await;
        until("a delivery that failed", async || {
            (world.metric("tollgate_sink_failures_total{sink=\"lake\"}").await > 0.0).then_some(())
        })
        .await;
        assert!(!targets(&parent).iter().any(|target| target.contains("lake")), "{pointer}");
    }
}

#[tokio::test]
async fn names_are_asked_for_through_it() {
    let authority = &Certificates::shared().authority;
    let identity = authority.server(&["dns.test"]);
    for (parent, over) in parents().await.into_iter().zip(["tls", "https"]) {
        let server = match over {
            "tls" => DnsServer::tls(&identity).await,
            _ => DnsServer::https(&identity).await,
        };
        server.say("api.test", &["127.0.0.1"]);
        let upstream = Upstream::start().await;
        let port = upstream.address().port();
        let place = format!("192.0.2.53:{}", server.address().port());
        parent.name(&place, server.address());
        let world = trusting(&parent)
            .file("dns-ca.pem", authority.certificate.clone())
            .set(
                "/resolver",
                json!({
                    "encrypted": [{ "over": over, "address": place, "name": "dns.test" }],
                    "ca": "dns-ca.pem",
                }),
            )
            .add_route(http_route("up", "/up", &format!("http://api.test:{port}")))
            .start()
            .await;
        assert_eq!(call(&world, "/up/x").await, 200, "{over}");
        assert!(server.asked().contains(&"A api.test".to_owned()));
        let to_upstream = upstream.address().to_string();
        assert_eq!(targets(&parent).first(), Some(&place), "{over}");
        assert_eq!(targets(&parent).last(), Some(&to_upstream), "{over}");
    }
}

#[tokio::test]
async fn connections_through_it_are_kept() {
    const CALLS: usize = 12;
    let certificates = Certificates::shared();
    for parent in parents().await {
        let upstream = Upstream::start().await;
        let tls = HttpUpstream::tls(&certificates.server, true, None).await;
        let mut h1 = http_route("h1", "/h1", &tls.url());
        h1["upstream"]["http2"] = false.into();
        let mut h2 = http_route("h2", "/h2", &tls.url());
        h2["upstream"]["http2"] = true.into();
        let world = trusting(&parent)
            .route("up", "/up", &upstream.url())
            .add_route(h1)
            .add_route(h2)
            .start()
            .await;
        for path in ["/up/x", "/h1/x", "/h2/x"] {
            parent.take_asked();
            for _ in 0..CALLS {
                assert_eq!(call(&world, path).await, 200, "{path}");
            }
            let tunnels = parent.asked().len();
            // A machine that stands still for seconds lets a kept one go.
            assert!(tunnels <= CALLS / 3, "{path}: {tunnels} tunnels by {}", parent.url());
        }
        // Several at once are each other's nothing, and what comes after takes them up again.
        for path in ["/up/x", "/h1/x", "/h2/x"] {
            let many = || async {
                let calls = (0..8).map(|_| call(&world, path));
                futures::future::join_all(calls).await
            };
            assert_eq!(many().await, [200; 8], "{path}");
            assert_eq!(many().await, [200; 8], "{path}");
        }
    }
}

#[tokio::test]
async fn websockets_go_through_it() {
    let token = format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E");
    let identity = Certificates::shared().authority.server(&["127.0.0.1"]);
    for parent in parents().await {
        for identity in [None, Some(&identity)] {
            let upstream = SocketUpstream::start(identity).await;
            let url = upstream.url();
            let url = if identity.is_some() { url.replace("http:", "https:") } else { url };
            let mut route: Value = http_route("up", "/up", &url);
            route["websocket"] = "allow".into();
            let world = trusting(&parent).add_route(route).start().await;
            let stream = TcpStream::connect(world.plain()).await.unwrap();
            let (mut client, answer) =
                websockets::shake(stream, "ws://localhost/up/talk", &[]).await;
            assert_eq!(answer.status(), 101);
            let long = "a long message. ".repeat(5000);
            for (said, heard) in [
                ("hello", "hello"),
                (long.as_str(), long.as_str()),
                (&format!("use {token} now"), "use ["),
            ] {
                client.send(Message::text(said)).await.unwrap();
                let came = websockets::next(&mut client).await;
                assert!(came.starts_with(heard) && !came.contains(&token), "{came}");
            }
            client.send(Message::text("close 4001 enough")).await.unwrap();
            assert_eq!(websockets::next(&mut client).await, "close 4001 enough");
            assert!(upstream.heard().iter().all(|heard| !heard.contains(&token)));
            let target = upstream.address().to_string();
            assert_eq!(parent.take_asked().pop().map(|asked| asked.target), Some(target));
            let outcome = world.wait_outcomes(1).await.pop().unwrap();
            assert_eq!(outcome["payload"]["data"]["via"], parent.authority());
        }
    }
}
