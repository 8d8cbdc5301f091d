//! Requests that two readers could take for different ones: each is refused, or passed on in one
//! plain form that has one reading only. Whatever hides behind them never arrives.
use serde_json::json;
use tollgate_tests::{HttpClient, RawClient, Upstream, World, full};

/// What the tool server may see of a probe.
enum Passes {
    /// Nothing at all.
    Nothing,
    /// One request with this line and body.
    One(&'static str, &'static str),
}
use Passes::{Nothing, One};

struct Probe {
    name: &'static str,
    bytes: Vec<u8>,
    status: u16,
    code: &'static str,
    passes: Passes,
}

fn probe(
    name: &'static str,
    bytes: impl Into<Vec<u8>>,
    status: u16,
    code: &'static str,
    passes: Passes,
) -> Probe {
    Probe { name, bytes: bytes.into(), status, code, passes }
}

/// A POST with these header lines, and this behind its head.
fn post(lines: &str, rest: &str) -> String {
    format!(
        "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n{lines}\r\n\r\n{rest}"
    )
}

const HIDDEN: &str = "GET /up/smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn lengths() -> Vec<Probe> {
    let bad = |name, lines: &str, rest: &str| {
        probe(name, post(lines, &format!("{rest}{HIDDEN}")), 400, "MALFORMED_HEAD", Nothing)
    };
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    vec![
        bad("length and chunks", "content-length: 5\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
        bad("chunks and length", "transfer-encoding: chunked\r\ncontent-length: 5", chunks),
        bad("two lengths", "content-length: 5\r\ncontent-length: 6", "hello"),
        bad("one length twice", "content-length: 5\r\ncontent-length: 5", "hello"),
        bad("a list of lengths", "content-length: 5, 5", "hello"),
        bad("a signed length", "content-length: +5", "hello"),
        bad("a negative length", "content-length: -1", "hello"),
        bad("a hexadecimal length", "content-length: 0x5", "hello"),
        bad("a length with a space in it", "content-length: 5 5", "hello"),
        bad("an empty length", "content-length:", "hello"),
        bad("a length beyond counting", "content-length: 99999999999999999999", "hello"),
        bad("a length with a zero byte", "content-length: 5\0", "hello"),
        bad("an unknown coding", "transfer-encoding: xchunked", chunks),
        bad("chunks, then another coding", "transfer-encoding: chunked, identity", chunks),
        bad("another coding, then chunks", "transfer-encoding: gzip, chunked", chunks),
        bad("chunks twice", "transfer-encoding: chunked\r\ntransfer-encoding: chunked", chunks),
        bad("chunks twice in one line", "transfer-encoding: chunked, chunked", chunks),
        bad("identity", "transfer-encoding: identity", chunks),
        bad("an empty coding", "transfer-encoding:", chunks),
        bad("a coding with a tab", "transfer-encoding:\tchunked\x0b", chunks),
        bad("a quoted coding", "transfer-encoding: \"chunked\"", chunks),
        bad("a space before the colon", "content-length : 5", "hello"),
        bad("a space before the coding's colon", "transfer-encoding : chunked", chunks),
        bad("a folded line", "x-a: b\r\n transfer-encoding: chunked", chunks),
        bad("a folded coding", "transfer-encoding:\r\n chunked", chunks),
        bad("an underscored length", "content_length: 5", "hello"),
        bad("an underscored coding", "transfer_encoding: chunked", chunks),
        bad("a bare line feed before a header", "x-a: b\ntransfer-encoding: chunked", chunks),
        bad("a bare carriage return in a value", "x-a: b\rtransfer-encoding: chunked", chunks),
        bad("a zero byte in a value", "x-a: b\0c", ""),
        bad("a header without a name", ": b", ""),
        bad("a header without a colon", "nonsense", ""),
        bad("a length nominated away", "connection: content-length\r\ncontent-length: 5", "hello"),
        bad("the host nominated away", "connection: host\r\ncontent-length: 5", "hello"),
        bad(
            "authorization nominated away",
            "connection: close, Authorization\r\nauthorization: Bearer x",
            "",
        ),
        probe(
            "chunks in the old version",
            format!(
                "POST /up/ok HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{HIDDEN}"
            ),
            400,
            "MALFORMED_HEAD",
            Nothing,
        ),
    ]
}

fn chunks() -> Vec<Probe> {
    let lines = "transfer-encoding: chunked";
    let bad = |name, body: &str| {
        probe(name, post(lines, &format!("{body}{HIDDEN}")), 400, "MALFORMED_BODY", Nothing)
    };
    let good = |name, body: &str| probe(name, post(lines, body), 200, "", One("POST /ok", "hello"));
    vec![
        good("plain chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        good("upper case coding is the same coding", "05\r\nhello\r\n0\r\n\r\n"),
        good("extensions go no further", "5;name=value\r\nhello\r\n0;x=\"y\"\r\n\r\n"),
        // The library takes it for the last chunk: the body is empty, and the rest goes nowhere.
        probe(
            "a size of nothing",
            post(lines, &format!("\r\nhello\r\n0\r\n\r\n{HIDDEN}")),
            200,
            "",
            One("POST /ok", ""),
        ),
        good(
            "trailers go no further",
            "5\r\nhello\r\n0\r\ncontent-length: 99\r\nx-admin: yes\r\n\r\n",
        ),
        bad("a prefix of the size", "0x5\r\nhello\r\n0\r\n\r\n"),
        bad("a signed size", "+5\r\nhello\r\n0\r\n\r\n"),
        bad("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
        bad("a size beyond counting", "fffffffffffffffff5\r\nhello\r\n0\r\n\r\n"),
        bad("a size that is a word", "five\r\nhello\r\n0\r\n\r\n"),
        bad("a chunk longer than it says", "5\r\nhello!\r\n0\r\n\r\n"),
        bad("a chunk that does not end", "5\r\nhello0\r\n\r\n"),
        bad("line feeds alone", "5\nhello\n0\n\n"),
    ]
}

fn heads() -> Vec<Probe> {
    let bad = |name, bytes: &str| probe(name, bytes, 400, "MALFORMED_HEAD", Nothing);
    let get = |line: &str| format!("{line}\r\nhost: localhost\r\n\r\n{HIDDEN}");
    let long =
        format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(70_000));
    let many =
        format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x-a: b\r\n".repeat(200));
    vec![
        bad("no version", "GET /up/ok\r\nhost: localhost\r\n\r\n"),
        bad("version nought", "GET /up/ok HTTP/0.9\r\nhost: localhost\r\n\r\n"),
        bad("version one point two", &get("GET /up/ok HTTP/1.2")),
        bad("version two in text", &get("GET /up/ok HTTP/2.0")),
        bad("two spaces", &get("GET  /up/ok HTTP/1.1")),
        bad("a tab for a space", &get("GET\t/up/ok HTTP/1.1")),
        bad("a zero byte in the target", &get("GET /up/o\0k HTTP/1.1")),
        bad("a byte outside ASCII in the target", &get("GET /up/\u{e9} HTTP/1.1")),
        bad("a fragment", &get("GET /up/ok#x HTTP/1.1")),
        bad("an asterisk", &get("OPTIONS * HTTP/1.1")),
        bad("a target without a slash", &get("GET up/ok HTTP/1.1")),
        bad("a backslash", &get("GET /up/..\\ok HTTP/1.1")),
        bad("an encoded slash", &get("GET /up/a%2fok HTTP/1.1")),
        bad("an encoded zero byte", &get("GET /up/ok%00 HTTP/1.1")),
        bad("half an escape", &get("GET /up/ok%4 HTTP/1.1")),
        bad("no host", "GET /up/ok HTTP/1.1\r\nx: y\r\n\r\n"),
        bad("two hosts", "GET /up/ok HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n"),
        bad("a head beyond the limit", &long),
        bad("headers beyond the limit", &many),
        bad("a space before the first header", "GET /up/ok HTTP/1.1\r\n host: localhost\r\n\r\n"),
        probe(
            "a host that is none",
            "GET /up/ok HTTP/1.1\r\nhost: a, b\r\n\r\n",
            400,
            "HOST_MISMATCH",
            Nothing,
        ),
        probe(
            "a host with a user",
            "GET /up/ok HTTP/1.1\r\nhost: x@localhost\r\n\r\n",
            400,
            "MALFORMED_HEAD",
            Nothing,
        ),
        probe(
            "another host in the target",
            get("GET http://other.test/up/ok HTTP/1.1"),
            400,
            "HOST_MISMATCH",
            Nothing,
        ),
        probe(
            "the absolute form without a proxy",
            get("GET http://localhost/up/ok HTTP/1.1"),
            403,
            "EGRESS_BLOCKED",
            Nothing,
        ),
        probe("a method in lower case", get("get /up/ok HTTP/1.1"), 400, "METHOD_UNKNOWN", Nothing),
        probe("TRACE", get("TRACE /up/ok HTTP/1.1"), 400, "METHOD_UNKNOWN", Nothing),
        probe("out of the route", get("GET /up/../admin HTTP/1.1"), 403, "EGRESS_BLOCKED", Nothing),
        probe(
            "out of the route in escapes",
            get("GET /up/%2e%2e/admin HTTP/1.1"),
            400,
            "MALFORMED_HEAD",
            Nothing,
        ),
        probe("beside the route", get("GET /upper/ok HTTP/1.1"), 403, "EGRESS_BLOCKED", Nothing),
        // The library escapes it, and so it has one reading from there on.
        probe("a space in the target", get("GET /up/o k HTTP/1.1"), 200, "", One("GET /o%20k", "")),
        probe(
            "an empty line before it",
            format!("\r\n{}", get("GET /up/ok HTTP/1.1")),
            200,
            "",
            One("GET /ok", ""),
        ),
        probe(
            "dots and escapes",
            "GET /up/./a/../%6f%6B?q=%2f HTTP/1.1\r\nhost: LocalHost:80\r\n\r\n",
            200,
            "",
            One("GET /ok?q=%2f", ""),
        ),
    ]
}

fn hidden() -> Vec<Probe> {
    let with =
        |lines: &str| format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n{HIDDEN}");
    vec![
        // A second request before the first is answered: the first is, and the connection ends.
        probe("a request behind a request", with(""), 200, "", One("GET /ok", "")),
        probe(
            "an upgrade nobody knows",
            with("connection: upgrade\r\nupgrade: foo\r\n"),
            200,
            "",
            One("GET /ok", ""),
        ),
        probe(
            "an upgrade to h2c",
            with(
                "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
            ),
            200,
            "",
            One("GET /ok", ""),
        ),
        probe(
            "a websocket",
            with(
                "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n",
            ),
            403,
            "CAPABILITY_DENIED",
            Nothing,
        ),
        probe(
            "behind a body",
            post("content-length: 5", &format!("hello{HIDDEN}")),
            200,
            "",
            One("POST /ok", "hello"),
        ),
        probe(
            "behind chunks",
            post("transfer-encoding: chunked", &format!("5\r\nhello\r\n0\r\n\r\n{HIDDEN}")),
            200,
            "",
            One("POST /ok", "hello"),
        ),
        probe(
            "in a body of GET",
            format!(
                "GET /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{HIDDEN}",
                HIDDEN.len()
            ),
            200,
            "",
            One("GET /ok", HIDDEN),
        ),
    ]
}

#[tokio::test]
async fn probes() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let host = upstream.address().to_string();
    let wrong = judge(&world, &upstream, &host, None).await;
    assert!(wrong.is_empty(), "{} probes:\n{}", wrong.len(), wrong.join("\n"));
    // After all of this, the gate still does its work.
    let mut client = RawClient::connect(world.plain()).await;
    assert_eq!(client.call("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n").await.status, 200);
    assert_eq!(world.metric("tollgate_bugs_total").await, 0.0);
    assert!(!world.log().contains("fault of the gate's own"), "{}", world.log());
}

/// The same in a tunnel: whatever hides in it is looked at as anywhere else.
#[tokio::test]
async fn probes_in_a_tunnel() {
    let upstream = Upstream::start().await;
    let port = upstream.address().port();
    let world = World::builder().set(
        "/forward_proxy",
        json!({
            "hosts": ["localhost"],
            "ports": [port],
            "allow_addresses": ["127.0.0.0/8", "::1"],
            "intercept": { "certificate": "made/intercept-ca.pem" },
        }),
    );
    let world = world.start().await;
    let host = format!("localhost:{port}");
    let wrong = judge(&world, &upstream, &host, Some(&host)).await;
    assert!(wrong.is_empty(), "{} probes:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(world.metric("tollgate_bugs_total").await, 0.0);
    assert!(!world.log().contains("fault of the gate's own"), "{}", world.log());
}

/// These are about routes, which a tunnel has none of, and one has a length that another host
/// changes.
const OUTSIDE: [&str; 6] = [
    "in a body of GET",
    "out of the route",
    "out of the route in escapes",
    "beside the route",
    "the absolute form without a proxy",
    "another host in the target",
];

/// These begin with no method, so that nobody knows what would come through the tunnel.
const UNSPOKEN: [&str; 3] =
    ["a tab for a space", "a method in lower case", "an empty line before it"];

/// Sends every probe, in a tunnel of its own if one is named, and tells what went wrong.
async fn judge(
    world: &World,
    upstream: &Upstream,
    host: &str,
    tunnel: Option<&str>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for probe in [lengths(), chunks(), heads(), hidden()].concat_all() {
        if tunnel.is_some() && OUTSIDE.contains(&probe.name) {
            continue;
        }
        let before = upstream.wire().iter().map(Vec::len).sum::<usize>();
        let mut client = RawClient::connect(world.plain()).await;
        match tunnel {
            None => client.send(&probe.bytes).await,
            Some(target) => {
                client.send(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n")).await;
                assert_eq!(client.read_head().await.unwrap().0, 200, "{}", probe.name);
                client.send(inside(&probe.bytes, target)).await;
            }
        }
        let answer = match client.try_answer().await {
            Ok(answer) => answer,
            Err(error) => {
                let silent = tunnel.is_some() && UNSPOKEN.contains(&probe.name);
                if !silent || !upstream.take_seen().is_empty() {
                    wrong.push(format!("{}: no answer ({error})", probe.name));
                }
                continue;
            }
        };
        let told = (answer.status, answer.code());
        if told != (probe.status, probe.code.to_owned()) {
            wrong.push(format!("{}: {told:?} for {:?}", probe.name, (probe.status, probe.code)));
        }
        // Nothing more comes: neither an answer to what was hidden nor anything else.
        let half = client.socket();
        let _ = tokio::io::AsyncWriteExt::shutdown(half).await;
        let rest = client.rest().await.0;
        if !rest.is_empty() {
            wrong.push(format!("{}: then {}", probe.name, String::from_utf8_lossy(&rest)));
        }
        let seen = upstream.take_seen();
        let wire = upstream.wire().iter().map(Vec::len).sum::<usize>() - before;
        match probe.passes {
            Nothing if wire == 0 => {}
            Nothing => wrong.push(format!("{}: passed {wire} bytes", probe.name)),
            One(line, body) => match seen.as_slice() {
                [one] => {
                    let whole = one.head.len() + one.raw_body.len();
                    if one.line() != line || one.body != body.as_bytes() || whole != wire {
                        wrong.push(format!(
                            "{}: passed as {:?} {:?}",
                            probe.name, one.head, one.body
                        ));
                    }
                    for name in [
                        "connection",
                        "upgrade",
                        "http2-settings",
                        "transfer-encoding",
                        "trailer",
                        "x-admin",
                    ] {
                        if !one.header(name).is_empty() {
                            wrong.push(format!("{}: passed {name}", probe.name));
                        }
                    }
                    if one.header("host") != [host] {
                        wrong.push(format!("{}: passed host {:?}", probe.name, one.header("host")));
                    }
                }
                all => wrong.push(format!("{}: passed {} requests", probe.name, all.len())),
            },
        }
    }
    wrong
}

/// A probe as it is sent in a tunnel to `target`: without the route before its path, and for that
/// host.
fn inside(bytes: &[u8], target: &str) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut replace = |from: &str, to: &str| {
        let mut at = 0;
        while let Some(found) = out
            .get(at..)
            .and_then(|rest| rest.windows(from.len()).position(|p| p == from.as_bytes()))
        {
            let start = at + found;
            out.splice(start..start + from.len(), to.bytes());
            at = start + to.len();
        }
    };
    replace("/up/", "/");
    replace("LocalHost:80", "localhost");
    replace("localhost\r\n", &format!("{target}\r\n"));
    out
}

trait ConcatAll {
    fn concat_all(self) -> Vec<Probe>;
}

impl<const N: usize> ConcatAll for [Vec<Probe>; N] {
    fn concat_all(self) -> Vec<Probe> {
        self.into_iter().flatten().collect()
    }
}

/// What a client says of itself, of its way here or of another method goes no further.
#[tokio::test]
async fn claims_are_stripped() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let claims = [
        "Forwarded: for=1.2.3.4",
        "X-Forwarded-For: 1.2.3.4",
        "X_Forwarded_Proto: https",
        "X-Forwarded-Host: other.test",
        "X-Real-IP: 1.2.3.4",
        "X-HTTP-Method-Override: DELETE",
        "X-Original-URL: /admin",
        "X-Rewrite-URL: /admin",
        "X-Agent-Id: somebody",
        "X-Client-Cert: abc",
        "Via: 1.1 other",
        "TE: trailers",
        "Keep-Alive: timeout=5",
        "Proxy-Authorization: Basic abc",
        "Proxy-Connection: keep-alive",
        "X-Mine: goes",
        "Connection: x-nominated",
        "X-Nominated: goes not",
        "Accept-Encoding: gzip",
        "X-Yours: goes too",
    ];
    let mut client = RawClient::connect(world.plain()).await;
    let request =
        format!("GET /up/ok HTTP/1.1\r\nHost: localhost\r\n{}\r\n\r\n", claims.join("\r\n"));
    assert_eq!(client.call(request).await.status, 200);
    let seen = upstream.take_seen().remove(0);
    let mut names = seen
        .head
        .trim_end()
        .split("\r\n")
        .skip(1)
        .map(|line| line.split(':').next().unwrap().to_ascii_lowercase())
        .collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["accept-encoding", "host", "x-mine", "x-yours"], "{}", seen.head);
    assert_eq!(seen.header("accept-encoding"), ["identity"]);
}

/// The same in HTTP/2, where a client can say as much.
#[tokio::test]
async fn probes_in_h2() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let mut client = HttpClient::plain(world.plain(), true).await;
    let cases: Vec<(&str, http::request::Builder, u16, &str)> = vec![
        // The library answers these two by itself, and in fewer words.
        ("another host", client.request("GET", "/up/ok").header("host", "other.test"), 400, ""),
        ("the same host", client.request("GET", "/up/ok").header("host", "localhost"), 200, ""),
        (
            "two hosts",
            client.request("GET", "/up/ok").header("host", "localhost").header("host", "localhost"),
            400,
            "",
        ),
        ("TRACE", client.request("TRACE", "/up/ok"), 400, "METHOD_UNKNOWN"),
        ("a backslash", client.request("GET", "/up/a\\ok"), 400, "MALFORMED_HEAD"),
        ("an encoded slash", client.request("GET", "/up/a%2fok"), 400, "MALFORMED_HEAD"),
        (
            "an underscored length",
            client.request("GET", "/up/ok").header("content_length", "5"),
            400,
            "MALFORMED_HEAD",
        ),
        ("beside the route", client.request("GET", "/upper/ok"), 403, "EGRESS_BLOCKED"),
    ];
    for (name, request, status, code) in cases {
        let Ok(request) = request.body(full("")) else { continue };
        let reply = client.send(request).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{name}");
    }
    assert_eq!(upstream.seen().len(), 1);
}
