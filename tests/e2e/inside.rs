//! What comes after the first call: tunnels on connections that carried calls, and every call in a
//! tunnel by itself.
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tollgate_tests::{
    AGENT, Body, Certificates, DnsServer, HttpClient, HttpUpstream, OTHER_AGENT, RawClient,
    Upstream, World, full, tls, tls_over, until, within,
};

use crate::tunnels::{code, opened, trusting, upstream};

/// Asks for a tunnel on a connection, whatever was on it before.
pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut RawClient<S>,
    to: &str,
) -> u16 {
    client.send(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n")).await;
    client.read_head().await.unwrap().0
}

/// TLS through a tunnel that stands.
pub(crate) async fn shaken<S: AsyncRead + AsyncWrite + Unpin>(
    world: &World,
    client: RawClient<S>,
    alpn: &str,
) -> TlsStream<S> {
    let connector = TlsConnector::from(Arc::new(trusting(world, &[alpn])));
    let name = ServerName::try_from("localhost").unwrap();
    within("a handshake", connector.connect(name, client.into_socket())).await.unwrap()
}

/// A tunnel with TLS in it.
pub(crate) async fn inside(world: &World, to: &str, alpn: &str) -> TlsStream<TcpStream> {
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(connect(&mut client, to).await, 200);
    shaken(world, client, alpn).await
}

fn get(uri: &str, host: &str, more: &str) -> String {
    format!("GET {uri} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n")
}

#[tokio::test]
async fn a_connection_that_carried_calls_becomes_a_tunnel() {
    let (plain, secure) = (Upstream::start().await, upstream(false).await);
    let (port, tls_port) = (plain.address().port(), secure.address().port());
    let world = opened(&[port, tls_port]).route("up", "/up", &plain.url()).start().await;
    let to = format!("localhost:{tls_port}");

    let mut client = RawClient::connect(world.plain()).await;
    let host = format!("localhost:{port}");
    let first = get(&format!("http://{host}/first"), &host, "x-first: only-mine\r\n");
    assert_eq!(client.call(first).await.status, 200);
    assert_eq!(client.call(get("/up/second", "localhost", "")).await.status, 200);
    let chunked = "transfer-encoding: chunked\r\ncontent-type: text/plain\r\n";
    let third = get("/up/third", "localhost", chunked).replace("GET", "POST");
    assert_eq!(client.call(third + "3\r\nabc\r\n0\r\n\r\n").await.status, 200);
    assert_eq!(connect(&mut client, &to).await, 200);
    let mut client = RawClient::over(shaken(&world, client, "http/1.1").await);
    for path in ["/in", "/in-again"] {
        assert_eq!(client.call(get(path, &to, "")).await.status, 200, "{path}");
    }
    // It leads to one place now, and to no other.
    let answer = client.call(get("/up/second", "localhost", "")).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "HOST_MISMATCH"));

    assert_eq!(plain.seen().len(), 3);
    let heard = secure.wait_heard(2).await;
    assert_eq!(heard.iter().map(|h| h.target.as_str()).collect::<Vec<_>>(), ["/in", "/in-again"]);
    assert!(heard.iter().all(|h| !h.headers.contains_key("x-first")), "{heard:?}");
    world.wait_outcomes(5).await;
    let intents = world.events_of("call.intent");
    assert!(intents.iter().all(|intent| intent.to_string().contains(AGENT)), "{intents:?}");

    // HTTP/2 and clear text inside; the CONNECT byte for byte.
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(client.call(get("/up/a", "localhost", "")).await.status, 200);
    let head = format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    client.trickle(head.as_bytes(), 1, Duration::from_millis(1)).await.unwrap();
    assert_eq!(client.read_head().await.unwrap().0, 200);
    let mut h2 = HttpClient::over(client.into_socket(), true).await;
    let request = Request::get(format!("http://{host}/h2")).body(full("")).unwrap();
    assert_eq!(h2.send(request).await.status, 200);
    assert_eq!(plain.wait_seen("/h2").await.line(), "GET /h2");
}

#[tokio::test]
async fn a_tunnel_after_calls_is_refused_as_one_before_them() {
    let plain = Upstream::start().await;
    let port = plain.address().port();
    let world = opened(&[port]).route("up", "/up", &plain.url()).start().await;
    for (target, status, expect) in [
        ("evil.test:443", 403, "HOST_NOT_ALLOWED"),
        ("localhost:22", 403, "PORT_NOT_ALLOWED"),
        ("localhost", 400, "MALFORMED_HEAD"),
    ] {
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(client.call(get("/up/a", "localhost", "")).await.status, 200);
        let before = world.events_of("call.refused").len();
        let answer = client.call(format!("CONNECT {target} HTTP/1.1\r\n\r\n")).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, expect), "{target}");
        assert_eq!(client.rest().await.0, b"", "{target}");
        assert_eq!(world.events_of("call.refused").len(), before + 1);
    }
    // One that does not wait for the answer before it gets none: where the bytes behind it belong
    // would depend on that answer.
    let mut client = RawClient::connect(world.plain()).await;
    let seen = plain.take_seen().len();
    assert_eq!(seen, 3);
    let to = format!("localhost:{port}");
    let both = get("/up/b", "localhost", "") + &format!("CONNECT {to} HTTP/1.1\r\n\r\n");
    assert_eq!(client.call(both).await.status, 200);
    client.send(get("/smuggled", &to, "")).await;
    assert_eq!(client.rest().await.0, b"");
    assert_eq!(plain.seen().iter().map(|seen| seen.line()).collect::<Vec<_>>(), ["GET /b"]);
    // In a tunnel none is opened, not as a second call either.
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(connect(&mut client, &to).await, 200);
    assert_eq!(client.call(get("/c", &to, "")).await.status, 200);
    let answer = client.call(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[tokio::test]
async fn who_asks_for_a_tunnel_is_asked_again() {
    let (plain, secure) = (Upstream::start().await, upstream(false).await);
    let port = secure.address().port();
    let mut world = opened(&[port]).route("up", "/up", &plain.url()).start().await;
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let to = format!("localhost:{port}");
    let mut clients = Vec::new();
    for _ in 0..2 {
        let io = tls(world.tls(), Some(&identity), "http/1.1").await.unwrap();
        let mut client = RawClient::over(io);
        assert_eq!(client.call(get("/up/a", "localhost", "")).await.status, 200);
        clients.push(client);
    }
    // TLS in TLS.
    let mut known = clients.pop().unwrap();
    assert_eq!(connect(&mut known, &to).await, 200);
    let mut known = RawClient::over(shaken(&world, known, "http/1.1").await);
    assert_eq!(known.call(get("/in", &to, "")).await.status, 200);
    assert_eq!(secure.wait_heard(1).await[0].target, "/in");
    let intents = world.events_of("call.intent");
    assert!(intents.iter().all(|intent| intent.to_string().contains(OTHER_AGENT)));

    // Whoever left the registry in between gets none.
    world.set("/agents", json!([{ "id": AGENT, "trust": "basic", "environment": "test" }]));
    assert!(world.reload().await);
    let mut unknown = clients.pop().unwrap();
    let answer = unknown.call(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n")).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "IDENTITY_UNKNOWN"));
    assert_eq!(secure.heard().len(), 1);
}

#[tokio::test]
async fn a_tunnel_after_calls_that_is_passed_on() {
    let (plain, secure) = (Upstream::start().await, upstream(false).await);
    let port = secure.address().port();
    let pass = json!(["localhost"]);
    let world = opened(&[port])
        .set("/forward_proxy/intercept/pass_through", pass)
        .route("up", "/up", &plain.url())
        .start()
        .await;
    let to = format!("localhost:{port}");
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(client.call(get("/up/a", "localhost", "")).await.status, 200);
    assert_eq!(connect(&mut client, &to).await, 200);
    // The certificate is the upstream's own.
    let io = tls_over(client.into_socket(), None, None).await.unwrap();
    let mut client = RawClient::over(io);
    assert_eq!(client.call(get("/own", "anybody", "")).await.status, 200);
    drop(client);
    let outcomes = world.wait_outcomes(2).await;
    assert!(outcomes[1].to_string().contains("\"unread\":true"), "{}", outcomes[1]);
}

fn h2_get(authority: &str, path: &str) -> Request<Body> {
    Request::get(format!("https://{authority}{path}")).body(full("")).unwrap()
}

#[tokio::test]
async fn every_stream_of_a_tunnel_names_its_place() {
    let upstream = upstream(true).await;
    let port = upstream.address().port();
    let world = opened(&[port]).start().await;
    let to = format!("localhost:{port}");
    let mut first = HttpClient::over(inside(&world, &to, "h2").await, true).await;
    assert_eq!(first.send(h2_get(&to, "/1")).await.status, 200);

    // While a stream waits for its answer, others name other places.
    let held = upstream.hold();
    let mut waiting = first.again();
    let waiting = tokio::spawn(async move { waiting.send(h2_get(&to, "/2")).await });
    upstream.wait_heard(2).await;
    let wrong = [
        "other.test".to_owned(),
        format!("other.test:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
        "localhost".to_owned(),
        "localhost:443".to_owned(),
        format!("xn--bcher-kva.example:{port}"),
        format!("sub.localhost:{port}"),
        format!("localhost:{}", port.wrapping_add(1).max(1)),
        format!("user@localhost:{port}"),
        format!("localhost..:{port}"),
    ];
    for authority in &wrong {
        // The client's library may not say it at all; then nobody hears it.
        let Ok(reply) = first.try_send(h2_get(authority, "/wrong")).await else {
            assert!(authority.contains('@'), "{authority}");
            continue;
        };
        assert_eq!(reply.status, 400, "{authority}");
        // Userinfo is refused by the library before a call is one.
        assert!(authority.contains('@') || code(&reply.body) == "HOST_MISMATCH", "{authority}");
    }
    // A `host` beside `:authority` that says something else.
    let to = format!("localhost:{port}");
    for (authority, host) in [(&*to, "other.test"), ("other.test", &*to)] {
        let mut request = h2_get(authority, "/wrong");
        request.headers_mut().insert("host", host.parse().unwrap());
        match first.try_send(request).await {
            Ok(reply) => assert_eq!(reply.status.as_u16(), 400, "{authority} {host}"),
            Err(error) => assert!(error.to_string().contains("stream"), "{error}"),
        }
    }
    drop(held);
    assert_eq!(waiting.await.unwrap().status, 200);
    // Other spellings of the same place are the same place.
    for (count, authority) in
        [format!("LOCALHOST:{port}"), format!("localhost.:{port}")].iter().enumerate()
    {
        let reply = first.send(h2_get(authority, "/same")).await;
        assert_eq!(reply.status, 200, "{authority}");
        let heard = upstream.wait_heard(3 + count).await;
        assert_eq!(heard[2 + count].authority, to, "{authority}");
    }
    let heard = upstream.heard();
    assert_eq!(heard.len(), 4);
    assert!(heard.iter().all(|heard| heard.target != "/wrong" && heard.authority == to));
    let refused = world.events_of("call.refused");
    assert!(refused.len() >= wrong.len() - 1, "{}", refused.len());
}

#[tokio::test]
async fn every_call_of_a_tunnel_names_its_place() {
    let upstream = upstream(false).await;
    let port = upstream.address().port();
    let world = opened(&[port]).start().await;
    let to = format!("localhost:{port}");
    let wrong = |line: &str, host: &str| format!("GET {line} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let cases = [
        (wrong("/wrong", "other.test"), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("other.test:{port}")), "HOST_MISMATCH"),
        (wrong("/wrong", "localhost"), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("127.1:{port}")), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("localhost:0{}", u32::from(port) + 65_536)), "HOST_MISMATCH"),
        (wrong("/wrong", "localhost:"), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("localhost:+{port}")), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("user@localhost:{port}")), ""),
        (wrong("/wrong", &format!("user:word@localhost:{port}")), ""),
        (wrong("/wrong", &format!("localhost\0.other.test:{port}")), ""),
        (wrong("/wrong", &format!("localhost%00.other.test:{port}")), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("localhost..:{port}")), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("bücher.example:{port}")), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("xn--bcher-kva.example:{port}")), "HOST_MISMATCH"),
        (wrong("/wrong", &format!("xn--\u{fffd}:{port}")), "HOST_MISMATCH"),
        (wrong(&format!("https://other.test:{port}/wrong"), &to), "HOST_MISMATCH"),
        (wrong(&format!("http://{to}/wrong"), &to), "HOST_MISMATCH"),
        (wrong(&format!("https://{to}/wrong"), "other.test"), "HOST_MISMATCH"),
        (wrong(&format!("https://user@{to}/wrong"), &to), ""),
        (format!("GET /wrong HTTP/1.1\r\nhost: {to}\r\nhost: other.test\r\n\r\n"), ""),
        ("GET /wrong HTTP/1.1\r\n\r\n".to_owned(), ""),
    ];
    for (number, (request, expect)) in cases.iter().enumerate() {
        let mut client = RawClient::over(inside(&world, &to, "http/1.1").await);
        assert_eq!(client.call(get("/right", &to, "")).await.status, 200);
        let before = world.events_of("call.refused").len();
        client.send(request).await;
        let answer = client.try_answer().await;
        let answer = answer.unwrap_or_else(|error| panic!("{request:?}: {error}"));
        assert_eq!(answer.status, 400, "{request}");
        assert!(expect.is_empty() || answer.code() == *expect, "{request}: {}", answer.code());
        until("a record", async || {
            (world.events_of("call.refused").len() == before + 1).then_some(())
        })
        .await;
        assert_eq!(upstream.wait_heard(number + 1).await.len(), number + 1, "{request}");
    }
    // What names the same place is heard under one name, and the connection goes on.
    let mut client = RawClient::over(inside(&world, &to, "http/1.1").await);
    upstream.take_heard();
    let same = [
        wrong("/same", &format!("LocalHost:{port}")),
        wrong("/same", &format!("localhost.:{port}")),
        wrong("/same", &format!("localhost:0{port}")),
        wrong("/same", &format!("\u{ff4c}ocalhost:{port}")),
        wrong(&format!("https://{to}/same"), &to),
        wrong("/same", &to),
        wrong("/wrong", "other.test"),
    ];
    for request in &same {
        client.send(request).await;
        let answer = client.try_answer().await;
        let answer = answer.unwrap_or_else(|error| panic!("{request:?}: {error}"));
        let status = if request.contains("/wrong") { 400 } else { 200 };
        assert_eq!(answer.status, status, "{request}");
    }
    // Whoever tries gets no further call on this connection.
    assert_eq!(client.rest().await.0, b"");
    let heard = upstream.wait_heard(6).await;
    assert!(heard.iter().all(|h| h.authority == to && h.target == "/same"), "{heard:?}");
    assert_eq!(heard.len(), 6);

    // Two calls at once: the second is never read, whatever it names.
    upstream.take_heard();
    let mut client = RawClient::over(inside(&world, &to, "http/1.1").await);
    let both = get("/one", &to, "") + &wrong("/wrong", "other.test") + &get("/two", &to, "");
    assert_eq!(client.call(both).await.status, 200);
    assert_eq!(client.rest().await.0, b"");
    assert_eq!(upstream.heard().len(), 1);
}

/// A name in another script is the name that it is spelled as in the DNS, at every step.
#[tokio::test]
async fn a_name_in_another_script_is_one_name() {
    let certificate = Certificates::shared().authority.server(&["xn--bcher-kva.test"]);
    let upstream = HttpUpstream::tls(&certificate, false, None).await;
    let port = upstream.address().port();
    let server = DnsServer::udp().await;
    server.say("xn--bcher-kva.test", &["127.0.0.1"]);
    let world = opened(&[port])
        .set("/forward_proxy/hosts", json!(["b\u{fc}cher.test"]))
        .set("/resolver/servers", json!([server.address().to_string()]))
        .start()
        .await;
    let ascii = format!("xn--bcher-kva.test:{port}");
    for target in [ascii.clone(), ascii.to_uppercase(), format!("xn--bcher-kva.test.:{port}")] {
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(connect(&mut client, &target).await, 200, "{target}");
        let connector = TlsConnector::from(Arc::new(trusting(&world, &[])));
        let name = ServerName::try_from("xn--bcher-kva.test").unwrap();
        let io = within("a handshake", connector.connect(name, client.into_socket())).await;
        let mut client = RawClient::over(io.unwrap());
        for host in [ascii.clone(), format!("b\u{fc}cher.test:{port}"), target.clone()] {
            assert_eq!(client.call(get("/x", &host, "")).await.status, 200, "{host}");
        }
        // What only looks alike is another.
        let answer = client.call(get("/wrong", &format!("bucher.test:{port}"), "")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "HOST_MISMATCH"));
    }
    let heard = upstream.heard();
    assert_eq!(heard.len(), 9);
    assert!(heard.iter().all(|heard| heard.authority == ascii && heard.target == "/x"));
    for (target, expect) in [
        (format!("bucher.test:{port}"), 403),
        (format!("b\u{fc}cher.test\0:{port}"), 400),
        (format!("xn--bcher-kva.test%00.localhost:{port}"), 400),
        (format!("xn--bcher-kva.test..:{port}"), 400),
        (format!("xn--bcher-kva.test:0{port}:"), 400),
        (format!("xn--bcher-kva.test:{}", u32::from(port) + 65_536), 400),
        (format!("a:b@xn--bcher-kva.test:{port}"), 400),
        (format!("xn--zzzzzzzzz-:{port}"), 400),
    ] {
        let mut client = RawClient::connect(world.plain()).await;
        let answer = client.call(format!("CONNECT {target} HTTP/1.1\r\n\r\n")).await;
        assert_eq!(answer.status, expect, "{target}: {answer:?}");
    }
}

/// CONNECT as a stream of HTTP/2 opens nothing, and the streams beside it go on.
#[tokio::test]
async fn no_stream_of_http2_is_a_tunnel() {
    let plain = Upstream::start().await;
    let port = plain.address().port();
    let world = opened(&[port]).route("up", "/up", &plain.url()).start().await;
    let to = format!("localhost:{port}");
    let cleartext = {
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(connect(&mut client, &to).await, 200);
        HttpClient::over(client.into_socket(), true).await
    };
    for (mut client, path) in [
        (HttpClient::plain(world.plain(), true).await, "http://localhost/up/a".to_owned()),
        (cleartext, format!("http://{to}/a")),
    ] {
        let call = || Request::get(&path).body(full("")).unwrap();
        assert_eq!(client.send(call()).await.status, 200);
        let tunnel = Request::connect(&to).body(full("GET / HTTP/1.1\r\n\r\n")).unwrap();
        // Refused in words, or by a reset.
        if let Ok(reply) = client.try_send(tunnel).await {
            assert!(reply.status.is_client_error(), "{reply:?}");
        }
        assert_eq!(client.send(call()).await.status, 200);
    }
    assert!(plain.seen().iter().all(|seen| seen.line().ends_with("/a")));
}
