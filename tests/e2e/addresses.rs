//! Where a call may be led to: every spelling of a host and every range of addresses, through the
//! whole gate; and several addresses of one name, of which one is connected to.
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tollgate_tests::{DnsServer, RawClient, Upstream, World, http_route, within};

use super::kit::{ask, request};

/// The cases of one kind: what is tried, and what is expected.
fn cases(kind: &str) -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../cases/addresses.txt").lines();
    let cases = lines.filter_map(|line| line.strip_prefix(kind)?.strip_prefix('\t'));
    let cases = cases.map(|case| case.split_once('\t').unwrap()).collect::<Vec<_>>();
    assert!(cases.len() > 50, "the table was not read");
    cases
}

/// A world in which everything of the table may be asked for, and nothing reached.
async fn listed(server: &DnsServer) -> World {
    let hosts = cases("host").into_iter().map(|case| case.1).filter(|host| *host != "no");
    let mut hosts = hosts.chain(["*.wild.test"]).collect::<Vec<_>>();
    hosts.sort_unstable();
    hosts.dedup();
    World::builder()
        .set("/resolver", json!({ "servers": [server.address().to_string()], "cache_seconds": 0 }))
        .set(
            "/forward_proxy",
            json!({
                "hosts": hosts, "ports": [80, 443],
                "intercept": { "certificate": "intercept.pem", "pass_through": hosts },
            }),
        )
        .start()
        .await
}

#[tokio::test]
async fn every_spelling_is_one_host_or_none() {
    let server = DnsServer::udp().await;
    server.say("listed.test", &["10.0.0.1"]).say("xn--bcher-kva.test", &["10.0.0.1"]);
    let world = listed(&server).await;
    for (spelling, host) in cases("host") {
        let absolute = format!("GET http://{spelling}/x HTTP/1.1\r\nhost: {spelling}\r\n\r\n");
        let tunnel = format!("CONNECT {spelling}:443 HTTP/1.1\r\nhost: {spelling}:443\r\n\r\n");
        let answer = ask(world.plain(), absolute).await;
        let code = answer.code();
        if host == "no" {
            assert!((400..500).contains(&answer.status), "{spelling}: {} {code}", answer.status);
            assert_ne!(code, "ADDRESS_FORBIDDEN", "{spelling} was taken for a host of the list");
        } else {
            // It was found on the list, where it stands in one spelling, and then its address.
            // What is no ASCII, or is encoded, HTTP itself does not know in this place.
            let plain = spelling.is_ascii() && !spelling.contains('%');
            let met = if plain || answer.status != 400 { "ADDRESS_FORBIDDEN" } else { &code };
            assert_eq!(code, met, "{spelling} is {host}");
        }
        // The tunnel is refused before a byte of it is carried, or when it would be connected.
        let mut client = RawClient::connect(world.plain()).await;
        client.send(tunnel).await;
        if host == "no" {
            assert!((400..500).contains(&client.answer().await.status), "{spelling}");
        }
    }
    let asked = server.asked();
    assert!(
        asked.iter().all(|name| name.contains("listed.test") || name.contains("xn--bcher-kva")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn every_range_is_refused_by_name_and_by_address() {
    let server = DnsServer::udp().await;
    let forbidden = cases("range").into_iter().filter(|case| case.1 != "-").collect::<Vec<_>>();
    for (nth, (address, _)) in forbidden.iter().enumerate() {
        server.say(&format!("n{nth}.wild.test"), &[address]);
    }
    let world = listed(&server).await;
    for (nth, (address, range)) in forbidden.iter().enumerate() {
        let get =
            format!("GET http://n{nth}.wild.test/ HTTP/1.1\r\nhost: n{nth}.wild.test\r\n\r\n");
        let answer = ask(world.plain(), get).await;
        let receipt = answer.json()["receipt"].clone();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "ADDRESS_FORBIDDEN"),
            "{address}"
        );
        let outcome =
            world.wait_event(address, |event| event["payload"]["data"]["intent"] == receipt).await;
        assert_eq!(outcome["payload"]["data"]["detail"], *range, "{address}");
        // By itself it is on no list, but it is not resolved or connected to either.
        let host =
            if address.contains(':') { format!("[{address}]") } else { (*address).to_owned() };
        let answer =
            ask(world.plain(), format!("GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        let code = answer.await.code();
        assert!(
            matches!(code.as_str(), "ADDRESS_FORBIDDEN" | "HOST_NOT_ALLOWED"),
            "{address}: {code}"
        );
    }
}

/// An address whose connections are never taken: its queue is full.
async fn hanging(port: u16) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    let address = format!("127.0.0.81:{port}").parse().unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let moment = std::time::Duration::from_millis(300);
        match tokio::time::timeout(moment, TcpStream::connect(address)).await {
            Ok(stream) => waiting.push(stream.unwrap()),
            Err(_) => return (listener, waiting),
        }
    }
    panic!("the queue is never full");
}

/// What a client of TLS says first.
pub(crate) fn hello(name: &str) -> Vec<u8> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = name.to_owned().try_into().unwrap();
    let mut client = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn an_address_that_hangs_does_not_hold_up_a_call() {
    let server = DnsServer::udp().await;
    let upstream = Upstream::start().await;
    let port = upstream.address().port();
    let (_listener, _waiting) = hanging(port).await;
    server.say("two.test", &["127.0.0.81", "127.0.0.1"]);
    let mut route = http_route("up", "/up", &format!("http://two.test:{port}"));
    route["upstream"]["allow_addresses"] = json!(["127.0.0.0/8"]);
    let world = World::builder()
        .set("/resolver/servers", json!([server.address().to_string()]))
        .add_route(route)
        .set(
            "/forward_proxy",
            json!({
                "hosts": ["two.test"], "ports": [port], "allow_addresses": ["127.0.0.0/8"],
                "intercept": { "certificate": "intercept.pem", "pass_through": ["two.test"] },
            }),
        )
        // Far beyond the patience of this test.
        .set("/deadlines/connect_ms", 600_000)
        .start()
        .await;
    for call in 1..=3 {
        let answer = within("the call", ask(world.plain(), request("POST", "/up/x", &[], "once")));
        assert_eq!(answer.await.status, 200);
        assert_eq!(upstream.seen().len(), call, "it was sent once");
        let outcome = world.wait_outcomes(call).await.pop().unwrap()["payload"]["data"].clone();
        assert_eq!(outcome["destination"], format!("127.0.0.1:{port}"));
        assert_eq!(outcome["addresses"], json!(["127.0.0.81", "127.0.0.1"]));
    }
    // A tunnel that is passed on finds its way, too: a handshake, then silence.
    let before = upstream.connections();
    let mut client = RawClient::connect(world.plain()).await;
    client.send(format!("CONNECT two.test:{port} HTTP/1.1\r\nhost: two.test:{port}\r\n\r\n")).await;
    client.read_head().await.unwrap();
    client.send(hello("two.test")).await;
    tollgate_tests::until("a connection", async || (upstream.connections() > before).then_some(()))
        .await;
}
