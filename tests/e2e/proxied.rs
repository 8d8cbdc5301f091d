//! Load balancers that tell whom they speak for (PROXY protocol, version 2).
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_tests::{
    AGENT, Builder, Certificates, OTHER_AGENT, RawClient, Upstream, World, until,
};

use crate::kit::request;
use crate::tls::Hand;

/// The signature (proxy-protocol.txt, section 2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn header(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[0x20 | command, family], &length, payload].concat()
}

fn v4(source: [u8; 4]) -> Vec<u8> {
    [&source[..], &[10, 0, 0, 1, 0x30, 0x39, 1, 187]].concat()
}

fn v6(source: &str) -> Vec<u8> {
    let source = source.parse::<std::net::Ipv6Addr>().unwrap().octets();
    [&source[..], &[0; 16], &[0x30, 0x39, 1, 187]].concat()
}

fn builder(upstream: &Upstream, from: &str) -> Builder {
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/listeners/0/proxy_protocol", json!({ "from": [from] }))
        .set("/listeners/1/proxy_protocol", json!({ "from": [from] }))
}

async fn said(gate: SocketAddr, pieces: &[&[u8]]) -> RawClient {
    let mut client = RawClient::connect(gate).await;
    for piece in pieces {
        client.send(piece).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client
}

fn get() -> Vec<u8> {
    request("GET", "/up/ok", &[], "")
}

/// The event of a call: what was recorded since.
fn last(world: &World, kind: &str) -> Value {
    world.events_of(kind).pop().unwrap_or_else(|| panic!("no {kind}"))["payload"]["data"].clone()
}

#[tokio::test]
async fn the_record_has_the_address_that_is_told() {
    let upstream = Upstream::start().await;
    let world = builder(&upstream, "127.0.0.0/8").start().await;
    let fact = [&v4([192, 0, 2, 9])[..], &[0xEA, 0, 3], b"fct"].concat();
    for (what, header, source, through) in [
        ("IPv4", header(1, 0x11, &v4([192, 0, 2, 9])), "192.0.2.0", true),
        ("IPv6", header(1, 0x21, &v6("2001:db8:7::9")), "2001:db8:7::", true),
        ("IPv4 in IPv6", header(1, 0x21, &v6("::ffff:192.0.2.9")), "192.0.2.0", true),
        ("with a fact", header(1, 0x11, &fact), "192.0.2.0", true),
        ("unknown", header(1, 0, b""), "127.0.0.1", false),
        ("local", header(0, 0, b""), "127.0.0.1", false),
        ("local with an address", header(0, 0x11, &v4([192, 0, 2, 9])), "127.0.0.1", false),
    ] {
        let whole = [header.clone(), get()].concat();
        let bytes = whole.iter().map(std::slice::from_ref).collect::<Vec<_>>();
        // In one piece, cut within it, and one byte at a time.
        let (front, back) = whole.split_at(7);
        for pieces in [vec![&whole[..]], vec![front, back], bytes] {
            let mut client = said(world.plain(), &pieces).await;
            assert_eq!(client.answer().await.status, 200, "{what}");
            let data = last(&world, "call.intent");
            assert_eq!(data["source"], source, "{what}: {data}");
            let expect = if through { json!("127.0.0.1") } else { Value::Null };
            assert_eq!(data["through"], expect, "{what}: {data}");
            // The connection lives on, and has one header.
            let again = client.call(get()).await;
            assert_eq!(again.status, 200, "{what}");
            assert_eq!(last(&world, "call.intent")["source"], source, "{what}");
        }
    }
    assert_eq!(world.events_of("call.refused").len(), 0);
    crate::kit::verify(&world.spool()).await;
}

#[tokio::test]
async fn tls_comes_after_it() {
    let upstream = Upstream::start().await;
    let world = builder(&upstream, "127.0.0.1").start().await;
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    for (tls12, h2) in [(false, false), (false, true), (true, false), (true, true)] {
        let hand = Hand::new(Some(&identity), tls12, h2);
        let header = header(1, 0x11, &v4([192, 0, 2, 9]));
        let mut line = hand.connect_behind(world.tls(), &header).await.unwrap();
        assert_eq!(line.get("/up/ok").await.unwrap().0, 200);
        let intent = world.events_of("call.intent").pop().unwrap();
        assert_eq!(intent["actor"], OTHER_AGENT);
        assert_eq!(intent["payload"]["data"]["source"], "192.0.2.0");
        // A handshake that fails is told of the address, too.
        let before = world.events_of("call.refused").len();
        let hand = Hand::new(None, tls12, h2);
        if let Ok(mut line) = hand.connect_behind(world.tls(), &header).await {
            assert!(line.get("/up/ok").await.is_err());
        }
        let refused =
            until("the refusal", async || world.events_of("call.refused").into_iter().nth(before));
        let data = &refused.await["payload"]["data"];
        assert_eq!(data["code"], "IDENTITY_MISSING");
        assert_eq!(data["source"], "192.0.2.0");
    }
    // A handshake without the header is none.
    assert!(Hand::new(Some(&identity), false, false).call(world.tls(), "/up/ok").await.is_err());
}

#[tokio::test]
async fn what_is_no_header_is_closed_and_recorded() {
    let upstream = Upstream::start().await;
    let world = builder(&upstream, "127.0.0.1").set("/deadlines/head_ms", 500).start().await;
    let good = header(1, 0x11, &v4([192, 0, 2, 9]));
    let two = [good.clone(), good.clone()].concat();
    let sum = [&v4([192, 0, 2, 9])[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("none", get(), "MALFORMED_HEAD", "does not begin"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "MALFORMED_HEAD", "does not"),
        (
            "version 1",
            b"PROXY TCP4 192.0.2.9 10.0.0.1 1234 443\r\n".to_vec(),
            "MALFORMED_HEAD",
            "version 1",
        ),
        ("garbage", vec![0xFF; 64], "MALFORMED_HEAD", "does not begin"),
        ("oversize", header(1, 0x11, &[0; 5000]), "MALFORMED_HEAD", "longer than the limit"),
        ("another version", [SIGNATURE, &[0x11, 0x11, 0, 0]].concat(), "MALFORMED_HEAD", "read"),
        ("a datagram", header(1, 0x12, &v4([1, 2, 3, 4])), "MALFORMED_HEAD", "something else"),
        ("too short", header(1, 0x11, &[0; 4]), "MALFORMED_HEAD", "cannot be read"),
        ("a wrong checksum", header(1, 0x11, &sum), "MALFORMED_HEAD", "checksum"),
        ("nothing more", good[..20].to_vec(), "REQUEST_TIMEOUT", "in time"),
        ("nothing at all", Vec::new(), "REQUEST_TIMEOUT", "in time"),
    ];
    for (nth, (what, bytes, code, detail)) in cases.iter().enumerate() {
        let mut client = said(world.plain(), &[bytes]).await;
        let (answer, _) = client.rest().await;
        assert!(answer.is_empty(), "{what}: {answer:?}");
        let refused = until(what, async || world.events_of("call.refused").into_iter().nth(nth));
        let refused = refused.await;
        let data = &refused["payload"]["data"];
        assert_eq!(data["code"], *code, "{what}: {data}");
        assert!(data["detail"].as_str().unwrap().contains(detail), "{what}: {data}");
        assert_eq!(refused["actor"], "unidentified");
        assert_eq!(data["source"], "127.0.0.1");
    }
    let counted = async |why: &str| {
        world.metric(&format!("tollgate_proxy_headers_refused_total{{why=\"{why}\"}}")).await
    };
    assert_eq!(counted("malformed").await, 9.0);
    assert_eq!(counted("late").await, 2.0);
    // A second header is no request.
    let mut client = said(world.plain(), &[&two, &get()]).await;
    assert_ne!(client.try_answer().await.map_or(400, |answer| answer.status), 200);
    // Who leaves without a word is no attack.
    let cut = world.metric("tollgate_connections_cut_total").await;
    drop(RawClient::connect(world.plain()).await);
    until("the one that left", async || {
        (world.metric("tollgate_connections_cut_total").await > cut).then_some(())
    })
    .await;
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let upstream = Upstream::start().await;
    let world = builder(&upstream, "192.0.2.0/24").start().await;
    let header = header(1, 0x11, &v4([192, 0, 2, 9]));
    for (nth, gate) in [world.plain(), world.tls()].into_iter().enumerate() {
        let mut client = said(gate, &[&header, &get()]).await;
        assert!(client.rest().await.0.is_empty());
        let refused =
            until("the refusal", async || world.events_of("call.refused").into_iter().nth(nth));
        let data = &refused.await["payload"]["data"];
        assert_eq!(data["code"], "IDENTITY_UNKNOWN");
        assert_eq!(data["source"], "127.0.0.1", "{data}");
    }
    let counted = "tollgate_proxy_headers_refused_total{why=\"untrusted\"}";
    assert_eq!(world.metric(counted).await, 2.0);
    assert!(upstream.seen().is_empty());
    assert!(world.events().iter().all(|event| event["actor"] != AGENT));
}
