//! CONNECT: what goes through a tunnel is seen, or does not go.
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_tests::{
    AGENT, Answer, Builder, Certificates, HttpUpstream, RawClient, Upstream, World, until, within,
};

/// A world that lets tunnels to these ports through and trusts the test's authority.
pub(crate) fn opened(ports: &[u16]) -> Builder {
    World::builder().file("up-ca.pem", Certificates::shared().authority.certificate.clone()).set(
        "/forward_proxy",
        json!({
            "hosts": ["localhost", "127.0.0.1"],
            "ports": ports,
            "allow_addresses": ["127.0.0.0/8", "::1"],
            "tls": { "ca": "up-ca.pem" },
            "intercept": { "certificate": "made/intercept-ca.pem" },
        }),
    )
}

pub(crate) async fn upstream(h2: bool) -> HttpUpstream {
    let identity = Certificates::shared().authority.server(&["localhost", "127.0.0.1"]);
    HttpUpstream::tls(&identity, h2, None).await
}

/// Asks for a tunnel and gives its status and the connection.
async fn tunnel(world: &World, target: &str) -> (u16, RawClient) {
    let mut client = RawClient::connect(world.plain()).await;
    client.send(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n")).await;
    let (status, ..) = client.read_head().await.unwrap();
    (status, client)
}

/// What a client that trusts the gate's authority shakes hands with.
pub(crate) fn trusting(world: &World, alpn: &[&str]) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let pem = std::fs::read(world.path("made/intercept-ca.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|word| word.as_bytes().to_vec()).collect();
    config
}

type Tls<'s> = tokio_rustls::client::TlsStream<&'s mut TcpStream>;

async fn shake<'s>(
    config: rustls::ClientConfig,
    name: &str,
    io: &'s mut TcpStream,
) -> std::io::Result<Tls<'s>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    within("a handshake", TlsConnector::from(Arc::new(config)).connect(name, io)).await
}

/// One request over TLS in a tunnel: HTTP/1.1, or HTTP/2 when that was agreed.
async fn exchange(mut tls: Tls<'_>, request: http::Request<Full<Bytes>>) -> (u16, Bytes) {
    let h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    if !h2 {
        // By hand, since the connection is borrowed.
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let mut head = format!("{} {target} HTTP/1.1\r\n", parts.method);
        let host = parts.uri.authority().map(ToString::to_string).unwrap_or_default();
        head += &format!("host: {host}\r\ncontent-type: application/json\r\n");
        head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
        tls.write_all(head.as_bytes()).await.unwrap();
        tls.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        // A server that closes without saying so in TLS has answered all the same.
        let _ = within("an answer", tls.read_to_end(&mut answer)).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text.split(' ').nth(1).unwrap_or("0").parse().unwrap();
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        return (status, body.into());
    }
    let (near, far) = tokio::io::duplex(1 << 16);
    let mut far = far;
    let carry = async { tokio::io::copy_bidirectional(&mut tls, &mut far).await };
    let ask = async {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
        let driving = tokio::spawn(async { drop(connection.await) });
        let answer = within("an answer", sender.send_request(request)).await.unwrap();
        let status = answer.status().as_u16();
        let body = within("a body", answer.into_body().collect()).await.unwrap().to_bytes();
        driving.abort();
        (status, body)
    };
    tokio::select! {
        answer = ask => answer,
        _ = carry => panic!("the tunnel broke"),
    }
}

fn post(authority: &str, path: &str, body: &Value) -> http::Request<Full<Bytes>> {
    http::Request::post(format!("https://{authority}{path}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap()
}

pub(crate) fn code(body: &Bytes) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn calls_in_a_tunnel_are_calls() {
    for h2 in [false, true] {
        let upstream = upstream(h2).await;
        let port = upstream.address().port();
        let world = opened(&[port]).start().await;
        let target = format!("localhost:{port}");
        let (status, mut client) = tunnel(&world, &target).await;
        assert_eq!(status, 200);
        let config = trusting(&world, if h2 { &["h2"] } else { &[] });
        let tls = shake(config, "localhost", client.socket()).await.unwrap();
        let (status, _) = exchange(tls, post(&target, "/a?b=1", &json!({"n": 7}))).await;
        assert_eq!(status, 200, "h2 {h2}");
        let heard = upstream.wait_heard(1).await;
        assert_eq!((heard[0].target.as_str(), &heard[0].body[..]), ("/a?b=1", &b"{\"n\":7}"[..]));
        assert_eq!(heard[0].authority, target);
        world.wait_outcomes(1).await;
        let intents = world.events_of("call.intent");
        assert_eq!(intents.len(), 1);
        let text = intents[0].to_string();
        assert!(text.contains(AGENT) && text.contains("\"host\":\"localhost\""), "{text}");

        // What may not leave does not, and what comes back is read.
        let (_, mut client) = tunnel(&world, &target).await;
        let tls = shake(trusting(&world, &["h2", "http/1.1"]), "localhost", client.socket());
        let secret = ["-----BEGIN RSA PRIVATE", " KEY-----\nMIIEow\n"].concat();
        let (status, body) =
            exchange(tls.await.unwrap(), post(&target, "/", &json!({ "text": secret }))).await;
        assert_eq!((status, code(&body).as_str()), (403, "DLP_BLOCKED"));
        assert_eq!(upstream.heard().len(), 1);
        assert_eq!(world.metric("tollgate_tunnels_total{how=\"intercepted\"}").await, 2.0);
    }
}

#[tokio::test]
async fn places_are_refused_before_the_tunnel_stands() {
    let closed = World::builder().start().await;
    let (status, mut client) = tunnel(&closed, "localhost:443").await;
    assert_eq!(status, 403);
    assert!(String::from_utf8_lossy(&client.rest().await.0).contains("EGRESS_BLOCKED"));

    let world = opened(&[443]).start().await;
    for (request, status, expect) in [
        ("CONNECT evil.test:443 HTTP/1.1\r\n\r\n", 403, "HOST_NOT_ALLOWED"),
        ("CONNECT localhost:22 HTTP/1.1\r\n\r\n", 403, "PORT_NOT_ALLOWED"),
        ("CONNECT 0x7f.1:22 HTTP/1.0\r\n\r\n", 403, "PORT_NOT_ALLOWED"),
        ("CONNECT localhost HTTP/1.1\r\n\r\n", 400, "MALFORMED_HEAD"),
        ("CONNECT localhost:0 HTTP/1.1\r\n\r\n", 400, "MALFORMED_HEAD"),
        ("CONNECT user@localhost:443 HTTP/1.1\r\n\r\n", 400, "MALFORMED_HEAD"),
        ("CONNECT http://localhost:443/ HTTP/1.1\r\n\r\n", 400, "MALFORMED_HEAD"),
        ("CONNECT  HTTP/1.1\r\n\r\n", 400, "MALFORMED_HEAD"),
        ("CONNECT localhost:443 HTTP/1.1\r\nhost: other.test:443\r\n\r\n", 400, "HOST_MISMATCH"),
        ("CONNECT localhost:443 HTTP/1.1\r\nhost: localhost:444\r\n\r\n", 400, "HOST_MISMATCH"),
        ("CONNECT localhost:443 HTTP/1.1\r\ncontent-length: 5\r\n\r\n", 400, "MALFORMED_HEAD"),
        (
            "CONNECT localhost:443 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            400,
            "MALFORMED_HEAD",
        ),
    ] {
        let before = world.events_of("call.refused").len();
        let mut client = RawClient::connect(world.plain()).await;
        let answer: Answer = client.call(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, expect), "{request}");
        assert!(answer.header("tollgate-receipt").is_some(), "{request}");
        let refused = world.events_of("call.refused");
        assert_eq!(refused.len(), before + 1, "{request}");
        assert!(refused[before].to_string().contains(expect), "{request}");
    }
    let mut client = RawClient::connect(world.plain()).await;
    let long = format!("CONNECT localhost:443 HTTP/1.1\r\nx: {}\r\n", "y".repeat(100_000));
    let answer = client.call(long).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "MALFORMED_HEAD"));
}

#[tokio::test]
async fn one_place_from_the_tunnel_to_the_host_header() {
    let upstream = upstream(true).await;
    let port = upstream.address().port();
    let world = opened(&[port]).start().await;
    let target = format!("localhost:{port}");

    // Another name in the handshake, and none.
    for name in ["other.test", "127.0.0.1"] {
        let (status, mut client) = tunnel(&world, &target).await;
        assert_eq!(status, 200);
        let shaken = shake(trusting(&world, &["h2"]), name, client.socket()).await;
        let error = shaken.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("unrecognised"), "{name}: {error}");
    }
    // An address has no name in the handshake.
    let (_, mut client) = tunnel(&world, &format!("127.0.0.1:{port}")).await;
    let tls = shake(trusting(&world, &["h2"]), "127.0.0.1", client.socket()).await.unwrap();
    let to = format!("127.0.0.1:{port}");
    assert_eq!(exchange(tls, post(&to, "/", &json!({}))).await.0, 200);

    // Another host or port in the call.
    for (authority, alpn) in [
        ("other.test", &["h2"][..]),
        ("localhost", &["h2"]),
        ("127.0.0.1", &[]),
        ("other.test", &["http/1.1"]),
    ] {
        let (_, mut client) = tunnel(&world, &target).await;
        let tls = shake(trusting(&world, alpn), "localhost", client.socket()).await.unwrap();
        let (status, body) = exchange(tls, post(authority, "/", &json!({}))).await;
        assert_eq!((status, code(&body).as_str()), (400, "HOST_MISMATCH"), "{authority}");
    }
    assert_eq!(upstream.heard().len(), 1);
    let refused = world.events_of("call.refused");
    assert_eq!(refused.len(), 6);
    assert!(refused.iter().all(|event| event.to_string().contains("HOST_MISMATCH")));
}

#[tokio::test]
async fn what_nobody_can_read_does_not_go_through() {
    let upstream = Upstream::start().await;
    let port = upstream.address().port();
    let world = opened(&[port]).start().await;
    let target = format!("localhost:{port}");
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"*1\r\n$4\r\nPING\r\n",
        b"\x16\x02\x00\x00",
        b"CONNECT localhost:1 HTTP/1.1\r\n\r\n",
    ] {
        let before = world.events_of("call.refused").len();
        let (status, mut client) = tunnel(&world, &target).await;
        assert_eq!(status, 200);
        client.send(bytes).await;
        assert_eq!(client.rest().await.0, b"", "{bytes:?}");
        until("a record", async || {
            (world.events_of("call.refused").len() == before + 1).then_some(())
        })
        .await;
        assert!(world.events_of("call.refused")[before].to_string().contains("UNREAD_REFUSED"));
    }
    assert_eq!(upstream.connections(), 0);

    // Cleartext HTTP goes the way of all calls.
    let (_, mut client) = tunnel(&world, &target).await;
    let answer = client.call(format!("GET /x HTTP/1.1\r\nhost: {target}\r\n\r\n")).await;
    assert_eq!(answer.status, 200);
    let answer = client.call("GET /x HTTP/1.1\r\nhost: other.test\r\n\r\n").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "HOST_MISMATCH"));
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_hello_in_pieces_is_read_to_its_end() {
    let upstream = upstream(false).await;
    let port = upstream.address().port();
    let world = opened(&[port]).start().await;
    let target = format!("localhost:{port}");
    let (_, mut client) = tunnel(&world, &target).await;
    // Every byte that the client's TLS writes goes out by itself.
    let (near, mut far) = tokio::io::duplex(1);
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(trusting(&world, &[])));
    let shaken = within("a handshake", async {
        tokio::select! {
            shaken = connector.connect(name, near) => shaken.map(drop),
            _ = tokio::io::copy_bidirectional(&mut far, client.socket()) => panic!("broken off"),
        }
    });
    shaken.await.unwrap();
}

#[tokio::test]
async fn a_name_that_is_hidden_is_refused_unless_told_otherwise() {
    use rustls::client::{EchGreaseConfig, EchMode};
    use rustls::crypto::hpke::Hpke as _;
    let upstream = upstream(false).await;
    let port = upstream.address().port();
    let target = format!("localhost:{port}");
    for (ech, shakes) in [("refuse", false), ("ignore", true)] {
        let world = opened(&[port]).set("/forward_proxy/intercept/ech", ech).start().await;
        // The offer that browsers make to everybody.
        let suite = rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_128;
        let (key, _) = suite.generate_key_pair().unwrap();
        let pem = std::fs::read(world.path("made/intercept-ca.pem")).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_ech(EchMode::Grease(EchGreaseConfig::new(suite, key)))
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (status, mut client) = tunnel(&world, &target).await;
        assert_eq!(status, 200);
        let shaken = shake(config, "localhost", client.socket()).await.map(drop);
        assert_eq!(shaken.is_ok(), shakes, "{ech}: {shaken:?}");
        if !shakes {
            world.wait_event("a refusal", |e| e.to_string().contains("UNREAD_REFUSED")).await;
        }
    }
}

#[tokio::test]
async fn pinned_hosts_are_passed_on_and_the_record_says_so() {
    let upstream = upstream(true).await;
    let port = upstream.address().port();
    let pass = json!(["localhost"]);
    let world =
        opened(&[port]).set("/forward_proxy/intercept/pass_through", pass.clone()).start().await;
    let target = format!("localhost:{port}");
    let (status, mut client) = tunnel(&world, &target).await;
    assert_eq!(status, 200);
    // The certificate is the upstream's own.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(Certificates::shared().authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tls = shake(config.clone(), "localhost", client.socket()).await.unwrap();
    assert_eq!(exchange(tls, post(&target, "/", &json!({}))).await.0, 200);
    drop(client);
    let outcome = &world.wait_outcomes(1).await[0];
    let text = outcome.to_string();
    assert!(text.contains("\"carried\"") && text.contains("\"unread\":true"), "{text}");
    let intent = world.events_of("call.intent")[0].to_string();
    assert!(intent.contains("CONNECT"), "{intent}");

    // Another name, cleartext, and another tunnel than the rules allow.
    let (_, mut client) = tunnel(&world, &target).await;
    assert!(shake(config, "other.test", client.socket()).await.is_err());
    let (_, mut client) = tunnel(&world, &target).await;
    client.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(client.rest().await.0, b"");
    let denied = opened(&[port])
        .set("/forward_proxy/intercept/pass_through", pass)
        .policy(crate::kit::POLICY_NO_DELETE.replace("delete_branch", "CONNECT /"))
        .start()
        .await;
    let (status, mut client) = tunnel(&denied, &target).await;
    assert_eq!(status, 403);
    assert!(String::from_utf8_lossy(&client.rest().await.0).contains("POLICY_DENIED"));
}

#[tokio::test]
async fn the_authority_is_made_kept_and_carried_over() {
    let read = |world: &World| std::fs::read(world.path("made/intercept-ca.pem")).unwrap();
    let mut world = opened(&[443]).start().await;
    let first = read(&world);
    assert!(world.reload().await);
    assert_eq!(read(&world), first);
    world.stop().await;
    world.restart().await.unwrap();
    assert_ne!(read(&world), first, "a key that stays in memory is another one at each start");

    let mut world =
        opened(&[443]).set("/forward_proxy/intercept/key", "made/intercept-ca.key").start().await;
    use std::os::unix::fs::PermissionsExt;
    let key = std::fs::metadata(world.path("made/intercept-ca.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let first = read(&world);
    world.stop().await;
    world.restart().await.unwrap();
    assert_eq!(read(&world), first);

    // A certificate of another key is no authority.
    let other = Certificates::shared().authority.certificate.clone();
    std::fs::write(world.path("made/intercept-ca.pem"), other).unwrap();
    world.stop().await;
    let not = world.restart().await.unwrap_err();
    assert!(not.stderr.contains("another key"), "{}", not.stderr);
}

/// The agent's own client, with a placeholder: what most of them will be.
#[tokio::test]
async fn calls_in_a_tunnel_get_credentials() {
    let upstream = upstream(true).await;
    let port = upstream.address().port();
    let give = json!({ "type": "header", "prefix": "Bearer ", "secret": { "file": "secret" } });
    let bound = json!({ "host": "localhost", "port": port });
    let world = opened(&[port])
        .set("/credentials", json!([{ "id": "one", "for": bound, "give": give }]))
        .file("secret", "in-a-Tunnel-77-only")
        .start()
        .await;
    let target = format!("localhost:{port}");
    let (status, mut client) = tunnel(&world, &target).await;
    assert_eq!(status, 200);
    let tls = shake(trusting(&world, &["h2"]), "localhost", client.socket()).await.unwrap();
    let mut request = post(&target, "/a", &json!({ "n": 7 }));
    let placeholder = http::HeaderValue::from_static("Bearer tollgate-one");
    request.headers_mut().insert("authorization", placeholder);
    assert_eq!(exchange(tls, request).await.0, 200);
    let heard = upstream.wait_heard(1).await;
    assert_eq!(heard[0].headers["authorization"], "Bearer in-a-Tunnel-77-only");
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(!written.contains("in-a-Tunnel-77-only"));
}
