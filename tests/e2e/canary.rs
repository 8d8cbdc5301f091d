//! Secrets planted everywhere: whatever the gate writes, none of them is in it, in any form.
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tollgate_tests::{HttpClient, RawClient, Step, Upstream, World, chunked, fixed, full};

use crate::collectors::{Collector, Syslog};
use crate::differential::gzip;
use crate::kit::{POLICY_NO_DELETE, STATELESS, post, request, stateless, tool_call};
use crate::secrets::{Secret, around, contains, secrets};
use crate::tls::{Hand, Issuing};

/// Requests that carry a secret.
fn requests(secret: &Secret) -> Vec<(&'static str, Vec<u8>)> {
    let (text, line, percent, token) =
        (secret.text.as_str(), secret.line(), secret.percent(), secret.token());
    let json_type = ("content-type", "application/json");
    let modern = |body: Value| post(&[STATELESS], stateless(body).to_string());
    let params = |method: &str, params: Value| {
        modern(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    };
    let up = |headers: &[(&str, &str)], body: &str| request("POST", "/up/ok", headers, body);
    let get = |target: &str, headers: &[(&str, &str)]| request("GET", target, headers, "");
    let object = json!({ "text": text });
    let mut keyed = serde_json::Map::new();
    keyed.insert(text.to_owned(), json!("value"));
    keyed.insert("deep".into(), json!({ text: { text: [text] } }));
    let mut named = tool_call(json!(1), "echo", json!({}));
    named["params"][text] = json!(1);
    let mut member = tool_call(json!(1), "echo", json!({}));
    member[text] = json!(1);
    let multipart = format!(
        "--x\r\ncontent-disposition: form-data; name=\"{token}\"\r\n\r\n{text}\r\n--x--\r\n"
    );
    let raw = |text: String| text.into_bytes();
    vec![
        ("an argument", modern(tool_call(json!(1), "echo", object.clone()))),
        ("an argument's name", modern(tool_call(json!(1), "echo", Value::Object(keyed.clone())))),
        (
            "a denied tool's argument",
            modern(tool_call(json!(1), "delete_branch", Value::Object(keyed))),
        ),
        ("a tool's name", modern(tool_call(json!(1), text, object.clone()))),
        (
            "a tool's name with a mirror",
            post(
                &[STATELESS, ("mcp-method", "tools/call"), ("mcp-name", &line)],
                stateless(tool_call(json!(1), &line, json!({}))).to_string(),
            ),
        ),
        (
            "another mirror",
            post(
                &[STATELESS, ("mcp-name", &line)],
                stateless(tool_call(json!(1), "echo", json!({}))).to_string(),
            ),
        ),
        (
            "a mirrored argument",
            post(
                &[STATELESS, ("mcp-param-text", &line)],
                stateless(tool_call(json!(1), "echo", json!({ "text": line }))).to_string(),
            ),
        ),
        (
            "a mirrored argument's name",
            post(
                &[STATELESS, (&format!("mcp-param-{token}"), "x")],
                stateless(tool_call(json!(1), "echo", json!({}))).to_string(),
            ),
        ),
        ("a parameter's name", modern(named)),
        ("a message's member", modern(member)),
        ("a message's id", modern(tool_call(json!(text), "echo", object.clone()))),
        ("a denied message's id", modern(tool_call(json!(text), "delete_branch", object.clone()))),
        ("a method", params(text, json!({}))),
        ("a resource", params("resources/read", json!({ "uri": format!("file:///{line}") }))),
        ("a prompt", params("prompts/get", json!({ "name": text, "arguments": { text: text } }))),
        ("a task", params("tasks/get", json!({ "taskId": text }))),
        ("a cursor", params("tools/list", json!({ "cursor": text }))),
        (
            "a version",
            post(
                &[("mcp-protocol-version", &line)],
                tool_call(json!(1), "echo", json!({})).to_string(),
            ),
        ),
        (
            "a session",
            post(&[("mcp-session-id", &line)], tool_call(json!(1), "echo", json!({})).to_string()),
        ),
        (
            "a batch's ids",
            post(&[], json!([tool_call(json!(text), text, object.clone())]).to_string()),
        ),
        ("a key that stands twice", post(&[], format!("{{{0}:1,{0}:2}}", json!(text)))),
        ("broken JSON", post(&[], format!("{{\"a\": {text}"))),
        ("JSON for nobody", post(&[], json!(text).to_string())),
        ("a body as JSON", up(&[json_type], &json!({ "a": [object, { text: 1 }] }).to_string())),
        ("broken JSON as REST", up(&[json_type], &format!("{{\"a\": {text}"))),
        (
            "a form",
            up(
                &[("content-type", "application/x-www-form-urlencoded")],
                &format!("a={percent}&{percent}=b"),
            ),
        ),
        ("text", up(&[("content-type", "text/plain")], text)),
        ("no type", up(&[], text)),
        ("multipart", up(&[("content-type", "multipart/form-data; boundary=x")], &multipart)),
        (
            "a boundary",
            up(&[("content-type", &format!("multipart/form-data; boundary={token}"))], &multipart),
        ),
        ("a header", get("/up/ok", &[("x-note", &line)])),
        ("a header's name", get("/up/ok", &[(&format!("x-{token}"), "1")])),
        ("a credential", get("/up/ok", &[("authorization", &format!("Bearer {line}"))])),
        (
            "a basic credential",
            get(
                "/up/ok",
                &[(
                    "authorization",
                    &format!(
                        "Basic {}",
                        base64::engine::general_purpose::STANDARD.encode(format!("user:{text}"))
                    ),
                )],
            ),
        ),
        ("two credentials", get("/up/ok", &[("authorization", &line), ("authorization", &line)])),
        ("a proxy's credential", get("/up/ok", &[("proxy-authorization", &line)])),
        ("a cookie", get("/up/ok", &[("cookie", &format!("s={line}; {token}=1"))])),
        ("an API key", get("/up/ok", &[("x-api-key", &line), ("private-token", &line)])),
        ("a referrer", get("/up/ok", &[("referer", &format!("https://x.test/{line}"))])),
        ("an origin", get("/up/ok", &[("origin", &format!("https://{token}.test"))])),
        ("an agent", get("/up/ok", &[("user-agent", &line), ("x-agent-id", &line)])),
        ("a trace", get("/up/ok", &[("traceparent", &line), ("tracestate", &format!("a={line}"))])),
        ("a connection's option", get("/up/ok", &[("connection", &token), (&token, "x")])),
        ("an upgrade", get("/up/ok", &[("connection", "upgrade"), ("upgrade", &token)])),
        (
            "a websocket",
            get(
                "/up/ok",
                &[
                    ("connection", "upgrade"),
                    ("upgrade", "websocket"),
                    ("sec-websocket-key", &line),
                ],
            ),
        ),
        (
            "a sub-protocol",
            get(
                "/up/ok",
                &[
                    ("connection", "upgrade"),
                    ("upgrade", "websocket"),
                    ("sec-websocket-version", "13"),
                    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
                    ("sec-websocket-protocol", &token),
                ],
            ),
        ),
        (
            "bytes that nobody can read",
            request("POST", "/up/ok", &[], [b"\xff\xfe\0", text.as_bytes()].concat()),
        ),
        ("a coding", up(&[json_type, ("content-encoding", &token)], "{}")),
        (
            "a transfer coding",
            raw(format!(
                "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: {token}\r\n\r\n"
            )),
        ),
        (
            "a length",
            raw(format!(
                "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-length: {token}\r\n\r\n"
            )),
        ),
        ("a type", up(&[("content-type", &line)], "{}")),
        (
            "a type's parameter",
            post(&[("content-type", &format!("application/json; x={token}"))], "{}"),
        ),
        ("a path", get(&format!("/up/{percent}/x"), &[])),
        ("a plain path", get(&format!("/up/{token}"), &[])),
        ("a path to nowhere", get(&format!("/{token}"), &[])),
        ("a path of MCP", request("POST", &format!("/mcp/{token}"), &[json_type], "{}")),
        ("a bad path", get(&format!("/up//{token}"), &[])),
        ("a query", get(&format!("/up/ok?q={percent}&{percent}=1"), &[])),
        ("a telling query", get(&format!("/up/ok?password={token}"), &[])),
        ("a bad query", get(&format!("/up/ok?q={token}%zz"), &[])),
        ("a fragment", get(&format!("/up/ok#{token}"), &[])),
        ("a HTTP method", request(&token, "/up/ok", &[], "")),
        (
            "a HTTP method in capitals",
            request(&token.to_ascii_uppercase().replace(['_', '.'], "-"), "/up/ok", &[], ""),
        ),
        ("a host", raw(format!("GET /up/ok HTTP/1.1\r\nhost: {token}\r\n\r\n"))),
        ("a bad host", raw(format!("GET /up/ok HTTP/1.1\r\nhost: user:{line}@localhost\r\n\r\n"))),
        (
            "two hosts",
            raw(format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\nhost: {token}\r\n\r\n")),
        ),
        (
            "a proxied URL",
            raw(format!("GET http://{token}.test/{token} HTTP/1.1\r\nhost: {token}.test\r\n\r\n")),
        ),
        (
            "a proxied URL's user",
            raw(format!("GET http://u:{token}@localhost/ HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ),
        (
            "a CONNECT",
            raw(format!("CONNECT {token}.test:443 HTTP/1.1\r\nhost: {token}.test:443\r\n\r\n")),
        ),
        ("no HTTP at all", raw(format!("{text}\r\n\r\n"))),
        ("a version of HTTP", raw(format!("GET /up/ok HTTP/{token}\r\nhost: localhost\r\n\r\n"))),
        (
            "a header without a colon",
            raw(format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n{line}\r\n\r\n")),
        ),
        (
            "a header with a blank in its name",
            raw(format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\nx {token}: 1\r\n\r\n")),
        ),
        (
            "a folded header",
            raw(format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\nx-a: b\r\n {line}\r\n\r\n")),
        ),
        (
            "a bare line feed",
            raw(format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\nx-a: {line}\nx-b: c\r\n\r\n")),
        ),
        (
            "a control character",
            raw(format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\nx-a: {line}\u{1}\r\n\r\n")),
        ),
        (
            "a head without an end",
            raw(format!("GET /up/ok HTTP/1.1\r\nhost: localhost\r\nx-a: {}", line.repeat(4000))),
        ),
        (
            "a bad chunk",
            raw(format!(
                "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{token}\r\n{token}\r\n0\r\n\r\n"
            )),
        ),
        (
            "a chunk's extension and a trailer",
            raw(format!(
                "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n1;x={token}\r\na\r\n0\r\nx-t: {line}\r\n\r\n"
            )),
        ),
        (
            "half a body",
            raw(format!(
                "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 9999\r\n\r\n{text}"
            )),
        ),
        (
            "the cleartext preface with rubbish",
            raw(format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{text}")),
        ),
        (
            "an upstream that is down",
            request(
                "POST",
                "/down/ok",
                &[json_type, ("x-note", &line)],
                json!({ "a": text }).to_string(),
            ),
        ),
        (
            "an upstream without an address",
            request(
                "POST",
                &format!("/lost/{token}"),
                &[json_type],
                json!({ "a": text }).to_string(),
            ),
        ),
        (
            "an upstream that may not be reached",
            request(
                "POST",
                &format!("/forbidden/{token}"),
                &[json_type],
                json!({ "a": text }).to_string(),
            ),
        ),
    ]
}

/// Answers that carry a secret, each with the path that is asked for it.
fn answers(secret: &Secret) -> Vec<(&'static str, Vec<Step>)> {
    let (text, line, token) = (secret.text.as_str(), secret.line(), secret.token());
    let object = json!({ "a": text, text: [text] }).to_string();
    let rpc = |member: &str, value: Value| {
        let mut answer = json!({ "jsonrpc": "2.0", "id": 1 });
        answer[member] = value;
        fixed(200, "application/json", answer.to_string())
    };
    let send = |text: String| vec![Step::Send(text.into_bytes()), Step::Close];
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
    let zipped = gzip(object.as_bytes());
    let mut coded = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", zipped.len()).into_bytes();
    coded.extend(&zipped);
    let events = format!(
        "event: {line}\nid: {line}\ndata: {object}\n\n: {line}\n{line}: {line}\ndata: {line}\n\n"
    );
    let mut pieces =
        vec![Step::Send(format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes())];
    pieces.extend(text.as_bytes().chunks(5).map(chunked));
    pieces.push(Step::Close);
    vec![
        ("JSON", fixed(200, "application/json", &object)),
        ("broken JSON", fixed(200, "application/json", format!("{{{text}"))),
        ("text", fixed(200, "text/plain", text)),
        ("an error page", fixed(500, "text/html", text)),
        ("events", fixed(200, "text/event-stream", events)),
        ("rubbish", fixed(200, "application/octet-stream", text)),
        ("gzip", vec![Step::Send(coded)]),
        (
            "gzip that is none",
            send(format!(
                "{head}content-encoding: gzip\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            )),
        ),
        ("text that breaks off", pieces),
        ("a result", rpc("result", json!({ "content": [{ "type": "text", "text": text }] }))),
        (
            "an error",
            rpc("error", json!({ "code": -32000, "message": text, "data": { text: text } })),
        ),
        (
            "a header",
            send(format!(
                "{head}x-note: {line}\r\nset-cookie: s={line}\r\nlocation: https://x.test/{line}\r\ncontent-length: 0\r\n\r\n"
            )),
        ),
        ("a header's name", send(format!("{head}x-{token}: 1\r\ncontent-length: 0\r\n\r\n"))),
        ("a reason", send(format!("HTTP/1.1 200 {line}\r\ncontent-length: 0\r\n\r\n"))),
        ("a status", send(format!("HTTP/1.1 {token}\r\ncontent-length: 0\r\n\r\n"))),
        ("no HTTP", send(format!("{text}\r\n\r\n"))),
        (
            "a type",
            send(format!("HTTP/1.1 200 OK\r\ncontent-type: {line}\r\ncontent-length: 2\r\n\r\nok")),
        ),
        (
            "a coding",
            send(format!("{head}content-encoding: {token}\r\ncontent-length: 2\r\n\r\nok")),
        ),
        ("a length", send(format!("{head}content-length: {token}\r\n\r\nok"))),
        ("a chunk", send(format!("{head}transfer-encoding: chunked\r\n\r\n{token}\r\n"))),
        ("a broken header", send(format!("{head}{line}\r\n\r\nok"))),
        ("more than its length", send(format!("{head}content-length: 2\r\n\r\nok{text}"))),
        (
            "an upgrade",
            send(format!(
                "HTTP/1.1 101 {line}\r\nupgrade: {token}\r\nconnection: upgrade\r\n\r\n{text}"
            )),
        ),
        (
            "a hint",
            send(format!(
                "HTTP/1.1 103 Hints\r\nlink: <{line}>\r\n\r\n{head}content-length: 2\r\n\r\nok"
            )),
        ),
    ]
}

async fn send(world: &World, request: &[u8]) -> String {
    let mut client = RawClient::connect(world.plain()).await;
    client.send(request).await;
    // No more comes: whatever the gate still waits for, it waits no longer.
    let answer = tokio::time::timeout(std::time::Duration::from_millis(400), client.try_answer());
    let answer = answer.await;
    let _ = client.socket().shutdown().await;
    match answer {
        Ok(Ok(answer)) => answer.text(),
        _ => String::new(),
    }
}

/// Handshakes and HTTP/2, with the secret wherever it fits.
async fn shake_hands(world: &World, secret: &Secret, authority: &Issuing) {
    let token = secret.token();
    let label = token.chars().filter(|c| *c != '.').take(60).collect::<String>();
    let name = format!("{label}.canary.test");
    let identity = authority.client(|params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, secret.line());
        params.distinguished_name.push(rcgen::DnType::OrganizationName, secret.line());
    });
    let uri = format!("spiffe://acme.test/{token}");
    let known = authority.client(|params| {
        params.subject_alt_names =
            vec![rcgen::SanType::URI(tollgate_tests::OTHER_AGENT.try_into().unwrap())];
        params.distinguished_name.push(rcgen::DnType::CommonName, secret.line());
    });
    let stranger = authority.client(|params| {
        params.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    });
    let outsider = Issuing::new(&secret.line());
    let outsider = outsider.client(|_| ());
    for identity in [&identity, &stranger, &known, &outsider] {
        for (tls12, h2) in [(false, true), (true, false)] {
            let hand = Hand::new(Some(identity), tls12, h2);
            let _ = hand.call(world.tls(), &format!("/up/{token}")).await;
            if let Some(hand) = hand.asking_for(&name) {
                let _ = hand.connect(world.tls()).await;
            }
        }
    }
    // No handshake at all.
    let mut client = RawClient::connect(world.tls()).await;
    client.send(&secret.text).await;
    let _ = client.rest().await;
    let mut client = HttpClient::tls(world.tls(), Some(&known), true).await.unwrap();
    for path in [format!("/up/{token}"), format!("/{token}"), format!("/up/ok?{token}={token}")] {
        let request = client
            .request("POST", &path)
            .header("x-note", secret.line())
            .header(format!("x-{}", token.to_lowercase()), "1")
            .header("authorization", secret.line())
            .header("content-type", "application/json");
        let _ = client
            .try_send(request.body(full(json!({ "a": secret.text }).to_string())).unwrap())
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_written_anywhere() {
    let (upstream, collector, syslog) =
        (Upstream::start().await, Collector::start().await, Syslog::start().await);
    let authority = Issuing::new("agents");
    let gone = tollgate_tests::Nobody::here();
    let mut forbidden = tollgate_tests::http_route("forbidden", "/forbidden", &upstream.url());
    forbidden["upstream"]["allow_addresses"] = json!([]);
    let mut world = World::builder()
        .mcp("tools", "/mcp", &upstream.url())
        .route("up", "/up", &upstream.url())
        .route("down", "/down", &format!("http://{gone}"))
        .route("lost", "/lost", "http://nowhere.invalid")
        .add_route(forbidden)
        .policy(POLICY_NO_DELETE)
        .file("ca.pem", authority.certificate.as_str())
        .set("/log", json!({ "level": "debug" }))
        .set("/deadlines/connect_ms", 500)
        .set("/resolver", json!({ "servers": ["127.0.0.1"], "timeout_ms": 100 }))
        .set(
            "/audit/sinks",
            json!([
                { "type": "http", "name": "lake", "url": collector.url() },
                { "type": "syslog", "name": "siem", "address": syslog.address.to_string() },
            ]),
        )
        .start()
        .await;
    let secrets = secrets();
    let mut sent = Vec::new();
    for mode in ["enforce", "observe"] {
        world.set("/mode", mode);
        assert!(world.reload().await);
        for secret in &secrets {
            for (place, request) in requests(secret) {
                let answer = send(&world, &request).await;
                sent.extend(&request);
                // A refusal does not say what it refuses, but for the id that it answers.
                let told =
                    answer.contains("Refused by the gate") || answer.contains("urn:tollgate");
                if told && !place.contains("id") {
                    let answer = answer.to_ascii_lowercase();
                    let found = secret.needles().into_iter().find(|needle| answer.contains(needle));
                    assert!(found.is_none(), "{} in {place} is told again: {answer}", secret.name);
                }
            }
            for (_, script) in answers(secret) {
                upstream.on("/answer", script.clone());
                upstream.on("/", script);
                send(&world, &request("GET", "/up/answer", &[], "")).await;
                let call = tool_call(json!(1), "echo", json!({}));
                send(&world, &post(&[], call.to_string())).await;
            }
            upstream
                .on("/", tollgate_tests::json_answer(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
            shake_hands(&world, secret, &authority).await;
            let _ = world.admin(&format!("/{}", secret.token())).await;
        }
    }
    let metrics = world.metrics().await + &world.admin("/ready").await.unwrap().1;
    assert!(world.stop().await.success(), "{}", world.log());
    let events = world.events();
    assert!(events.len() > 2000, "{}", events.len());
    let codes = events.iter().filter_map(|event| event["payload"]["data"]["code"].as_str());
    let codes = codes.collect::<std::collections::BTreeSet<_>>();
    for code in [
        "ADDRESS_FORBIDDEN",
        "DLP_BLOCKED",
        "DNS_FAILED",
        "DUPLICATE_KEY",
        "EGRESS_BLOCKED",
        "ENCODING_UNSUPPORTED",
        "HEADER_BODY_MISMATCH",
        "HOST_MISMATCH",
        "IDENTITY_MISSING",
        "IDENTITY_UNKNOWN",
        "MALFORMED_BODY",
        "MALFORMED_HEAD",
        "METHOD_UNKNOWN",
        "POLICY_DENIED",
        "UNREAD_REFUSED",
        "UPSTREAM_CONNECT",
        "UPSTREAM_PROTOCOL",
    ] {
        assert!(codes.contains(code), "no call ended with {code}: {codes:?}");
    }
    let came = collector.events().len();
    assert!(came >= events.len(), "{came} events came of {}", events.len());
    let delivered =
        collector.posted().iter().flat_map(|posted| posted.body.to_vec()).collect::<Vec<_>>();
    for (place, mut written) in [
        ("the spool and the logs", world.everything_written()),
        ("the metrics", metrics.into_bytes()),
        ("what the collector got", delivered),
        ("what the syslog collector got", syslog.bytes()),
    ] {
        written.make_ascii_lowercase();
        for secret in &secrets {
            for needle in secret.needles() {
                assert!(
                    !contains(&written, &needle),
                    "{} is in {place}: {}",
                    secret.name,
                    around(&written, &needle)
                );
            }
        }
    }
    // The search itself works: it finds what was sent.
    sent.make_ascii_lowercase();
    for secret in &secrets {
        assert!(secret.needles().iter().any(|needle| contains(&sent, needle)), "{}", secret.name);
    }
}
