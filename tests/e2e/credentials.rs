//! Credentials: the agent has none, the upstream gets the right one, and it never comes back.
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tollgate_tests::{
    HttpClient, OTHER_AGENT, RawClient, Seen, Step, Upstream, World, fixed, full, http_route,
};

use crate::kit::{refusal_code, request, swap};

/// What must be nowhere but at the upstream.
pub(crate) const SECRET: &str = "Zq7/harbour+K2x9-vTn4";

/// A credential for an upstream on loopback.
pub(crate) fn entry(id: &str, upstream: &Upstream, place: Value, give: Value) -> Value {
    let mut bound = json!({ "host": "127.0.0.1", "port": upstream.address().port() });
    for (key, value) in place.as_object().into_iter().flatten() {
        bound[key] = value.clone();
    }
    json!({ "id": id, "for": bound, "give": give })
}

pub(crate) fn secret() -> Value {
    json!({ "file": "secret" })
}

pub(crate) fn bearer() -> Value {
    json!({ "type": "header", "prefix": "Bearer ", "secret": secret() })
}

fn kinds(upstream: &Upstream) -> Value {
    let at = |path: &str| json!({ "path": path });
    json!([
        entry("in-header", upstream, at("/header"), bearer()),
        entry(
            "in-key",
            upstream,
            at("/key"),
            json!({ "type": "header", "name": "X-Api-Key", "secret": secret() }),
        ),
        entry(
            "in-basic",
            upstream,
            at("/basic"),
            json!({ "type": "basic", "user": "x-access-token", "secret": secret() }),
        ),
        entry(
            "in-query",
            upstream,
            at("/query"),
            json!({ "type": "query", "parameter": "key", "secret": secret() }),
        ),
        entry(
            "in-cookie",
            upstream,
            at("/cookie"),
            json!({ "type": "cookie", "name": "session", "secret": { "env": "COOKIE" } }),
        ),
    ])
}

const COOKIE: &str = "c00kie-Value-of-9-Gentians";

/// Whatever an agent might send in a credential's place.
const OWN: &[(&str, &str)] = &[
    ("authorization", "Bearer tollgate-in-header"),
    ("x-api-key", "agents-own"),
    ("api-key", "agents-own"),
    ("x-goog-api-key", "agents-own"),
    ("proxy-authorization", "Basic agents-own"),
    ("x-kept", "kept"),
];

fn own_left(seen: &Seen) -> bool {
    String::from_utf8_lossy(&seen.body).contains("agents-own")
        || seen.head.contains("agents-own")
        || seen.head.contains("tollgate-in")
}

#[tokio::test]
async fn each_kind_stands_in_its_place() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/credentials", kinds(&upstream))
        .file("secret", format!("{SECRET}\n"))
        .variable("COOKIE", COOKIE)
        .start()
        .await;
    let mut client = RawClient::connect(world.plain()).await;
    let basic = STANDARD.encode(format!("x-access-token:{SECRET}"));
    for (path, header, value) in [
        ("/header", "authorization", format!("Bearer {SECRET}")),
        ("/key", "x-api-key", SECRET.to_owned()),
        ("/basic", "authorization", format!("Basic {basic}")),
        ("/query/a", "x-kept", "kept".to_owned()),
        ("/cookie", "cookie", format!("session={COOKIE}")),
    ] {
        let target = format!("/up{path}?key=agents-own&a=1&%6Bey=agents-own;KEY=agents-own&b=2");
        let own = [OWN, &[("cookie", "session=agents-own; session = agents-own")]].concat();
        let answer = client.call(request("GET", &target, &own, "")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let seen = upstream.take_seen().remove(0);
        assert!(!own_left(&seen), "{path}: {}", seen.head);
        assert_eq!(seen.header(header), [value], "{path}: {}", seen.head);
        assert_eq!(seen.header("x-kept"), ["kept"]);
        let query =
            if path == "/query/a" { "?a=1&b=2&key=Zq7%2Fharbour%2BK2x9-vTn4" } else { "?a=1&b=2" };
        assert_eq!(seen.line(), format!("GET {path}{query}"));
        let ones = ["authorization", "x-api-key", "cookie"].map(|name| seen.header(name).len());
        let wanted = usize::from(path != "/query/a");
        assert_eq!(ones.iter().sum::<usize>(), wanted, "{path}: {}", seen.head);
    }
    let intents = world.events_of("call.intent");
    let data = |event: &Value| event["payload"]["data"]["credential"].clone();
    let named: Vec<_> = intents.iter().map(data).collect();
    assert_eq!(named, ["in-header", "in-key", "in-basic", "in-query", "in-cookie"]);
    let given = "tollgate_credentials_total{credential=\"in-basic\",event=\"given\"}";
    assert_eq!(world.metric(given).await, 1.0);
    nowhere(&world, &[SECRET, COOKIE, &basic]);
}

/// None of these is in what the gate wrote.
fn nowhere(world: &World, secrets: &[&str]) {
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    for secret in secrets {
        assert!(!written.contains(secret), "{secret} is written down");
    }
}

#[tokio::test]
async fn only_the_calls_it_is_for_get_it() {
    let (upstream, other) = (Upstream::start().await, Upstream::start().await);
    let place = json!({
        "path": "/repos", "methods": ["GET"], "agents": ["spiffe://acme.test/agents/cod*"],
    });
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .route("other", "/other", &other.url())
        .set("/credentials", json!([entry("one", &upstream, place, bearer())]))
        .file("secret", SECRET)
        .start()
        .await;
    let mut client = HttpClient::plain(world.plain(), false).await;
    let identity = tollgate_tests::Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut reader = HttpClient::tls(world.tls(), Some(&identity), true).await.unwrap();
    for (method, path, gets) in [
        ("GET", "/up/repos", true),
        ("GET", "/up/repos/a", true),
        ("GET", "/up/x/../repos/a", true),
        ("GET", "/up/repository", false),
        ("GET", "/up/REPOS", false),
        ("GET", "/up/repos/../x", false),
        ("GET", "/up/", false),
        ("POST", "/up/repos", false),
        ("DELETE", "/up/repos/a", false),
        ("GET", "/other/repos", false),
    ] {
        let own = client.request(method, path).header("authorization", "Bearer agents-own");
        assert_eq!(client.send(own.body(full("")).unwrap()).await.status, 200, "{path}");
        let seen = [upstream.take_seen(), other.take_seen()].concat().remove(0);
        let authorization = seen.header("authorization");
        let expect: &[&str] = if gets { &["Bearer Zq7/harbour+K2x9-vTn4"] } else { &[] };
        assert_eq!(authorization, expect, "{method} {path}");
    }
    assert_eq!(reader.get("/up/repos").await.status, 200);
    assert!(upstream.take_seen().remove(0).header("authorization").is_empty());
    // Refused calls get nothing, and leave nothing.
    let climbing = client.get("/up/repos/..%2fx").await;
    assert_eq!(climbing.code(), "MALFORMED_HEAD");
    assert!(upstream.take_seen().is_empty());
}

#[tokio::test]
async fn placeholders_go_nowhere_else() {
    let (upstream, other) = (Upstream::start().await, Upstream::start().await);
    let far = json!({
        "id": "far", "for": { "host": "api.far.test" }, "placeholder": "sk-ant-standin-0123456789",
        "give": bearer(),
    });
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .mcp("mcp", "/mcp", &upstream.url())
        .add_route(with_cookies("other", &other))
        .set("/credentials", json!([far, entry("near", &upstream, json!({}), bearer())]))
        .set("/mode", "observe")
        .file("secret", SECRET)
        .start()
        .await;
    let near = "tollgate-near";
    let far = "sk-ant-standin-0123456789";
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{near}")));
    let json_type = ("content-type", "application/json");
    let body = |text: &str| json!({ "token": text, "n": 1 }).to_string();
    let tool = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "fetch", "arguments": { "token": far } },
    });
    let hex: String = near.bytes().map(|byte| format!("{byte:02x}")).collect();
    let calls = [
        request("GET", "/other/a?x=tollgate-near", &[], ""),
        request("GET", "/other/a?x=tollgate%2Dnear", &[], ""),
        request("GET", "/other/tollgate-near", &[], ""),
        request("GET", "/other/a", &[("x-note", &format!("Bearer {near}"))], ""),
        request("GET", "/other/a", &[("x-basic", &basic)], ""),
        request("GET", "/other/a", &[("cookie", &format!("a={far}"))], ""),
        request("POST", "/other/a", &[json_type], body(near)),
        request("POST", "/other/a", &[json_type], body(&STANDARD.encode(near))),
        request("POST", "/other/a", &[json_type], body(&hex)),
        request("POST", "/up/a", &[json_type], body(far)),
        request(
            "POST",
            "/mcp",
            &[json_type, ("accept", "application/json"), ("mcp-protocol-version", "2025-11-25")],
            tool.to_string(),
        ),
    ];
    let count = calls.len();
    for call in calls {
        let said = String::from_utf8_lossy(&call).into_owned();
        let answer = RawClient::connect(world.plain()).await.call(call).await;
        assert_eq!(refusal_code(&answer.body), "CANARY_HIT", "{said}\n{}", answer.text());
        assert!(!answer.text().contains(near) && !answer.text().contains(far));
    }
    assert!(upstream.seen().is_empty() && other.seen().is_empty());
    let leaked = async |id: &str| {
        let name = "tollgate_credentials_total{credential=\"ID\",event=\"placeholder\"}";
        world.metric(&name.replace("ID", id)).await
    };
    assert_eq!(leaked("near").await + leaked("far").await, count as f64);
    world.says("about to leave for another host").await;
    let refused = world.events_of("call.refused");
    assert!(refused.iter().all(|event| event.to_string().contains("known.placeholder")));
    // At home it may stand anywhere.
    let fine = request("POST", "/up/a?x=tollgate-near", &[json_type], body(near));
    assert_eq!(RawClient::connect(world.plain()).await.call(fine).await.status, 200);
    assert_eq!(upstream.seen()[0].header("authorization"), [format!("Bearer {SECRET}")]);
}

fn with_cookies(name: &str, upstream: &Upstream) -> Value {
    let mut route = http_route(name, &format!("/{name}"), &upstream.url());
    route["allow_cookies"] = true.into();
    route
}

/// In a header that carries credentials, too, where nothing else is looked at.
#[tokio::test]
async fn placeholders_in_credential_headers_go_nowhere_else() {
    let upstream = Upstream::start().await;
    let far = json!({ "id": "far", "for": { "host": "*.far.test" }, "give": bearer() });
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/credentials", json!([far]))
        .file("secret", SECRET)
        .start()
        .await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(format!("user:{text}")));
    for (name, value, code) in [
        ("authorization", "Bearer tollgate-far".to_owned(), "CANARY_HIT"),
        ("authorization", basic("tollgate-far"), "CANARY_HIT"),
        ("x-api-key", "tollgate-far".to_owned(), "CANARY_HIT"),
        ("private-token", "tollgate-far".to_owned(), "CANARY_HIT"),
        ("authorization", format!("Bearer {SECRET}"), "DLP_BLOCKED"),
        ("authorization", basic(SECRET), "DLP_BLOCKED"),
        ("authorization", "Bearer agents-own".to_owned(), ""),
    ] {
        let call = request("GET", "/up/a", &[(name, &value)], "");
        let answer = RawClient::connect(world.plain()).await.call(call).await;
        assert_eq!(refusal_code(&answer.body), code, "{name}: {value}");
    }
    assert_eq!(upstream.seen().len(), 1);
    nowhere(&world, &[SECRET]);
}

/// Every way in which an upstream may tell it.
fn forms() -> Vec<(&'static str, String)> {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = SECRET.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    vec![
        ("plain", SECRET.to_owned()),
        ("within", format!("you sent Bearer {SECRET}, did you?")),
        ("base64", STANDARD.encode(SECRET)),
        ("base64 within", STANDARD.encode(format!("x:{SECRET}"))),
        ("base64url", URL_SAFE_NO_PAD.encode(format!("xy{SECRET}zz"))),
        ("hex", hex),
        ("percent", percent),
        ("query", "?key=Zq7%2Fharbour%2BK2x9-vTn4&a=1".to_owned()),
        ("escaped", escaped),
        ("slashes", SECRET.replace('/', "\\/")),
    ]
}

async fn echoes(mode: &str, rules: Value) {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .add_route(with_cookies("up", &upstream))
        .set("/credentials", json!([entry("one", &upstream, json!({}), bearer())]))
        .set("/mode", mode)
        .set("/dlp/rules", rules)
        .set("/dlp/known", json!({ "secrets": { "gate": false } }))
        .file("secret", SECRET)
        .start()
        .await;
    let mut client = RawClient::connect(world.plain()).await;
    for (nth, (form, text)) in forms().into_iter().enumerate() {
        let object = json!({ "a": { "b": text }, "c": 1 }).to_string();
        let raw = format!("{{\"a\": \"{}\"}}", text.replace("\\\"", ""));
        let head = |header: &str| {
            let head = format!("HTTP/1.1 302 Found\r\n{header}: ");
            vec![Step::Send(format!("{head}x{text}\r\ncontent-length: 0\r\n\r\n").into_bytes())]
        };
        let events = format!("data: {object}\n\ndata: {text}\n\n");
        for (kind, script) in [
            ("json", fixed(200, "application/json", &object)),
            ("error", fixed(401, "application/json", &raw)),
            ("text", fixed(200, "text/plain", &text)),
            ("html", fixed(403, "text/html", format!("<p>{text}</p>"))),
            ("events", fixed(200, "text/event-stream", &events)),
            (
                "opaque",
                fixed(
                    200,
                    "application/octet-stream",
                    [&[0xff, 0, 1][..], text.as_bytes()].concat(),
                ),
            ),
            ("location", head("location")),
            ("cookie", head("set-cookie")),
            ("challenge", head("www-authenticate")),
            ("other", head("x-echo")),
        ] {
            let path = format!("/{nth}-{kind}");
            upstream.on(&path, script);
            let answer = client.call(request("GET", &format!("/up{path}"), &[], "")).await;
            let shown = format!("{:?} {}", answer, answer.text());
            assert!(!shown.contains(&text), "{form} in {kind} ({mode}):\n{shown}");
            assert!(!shown.contains(SECRET), "{form} in {kind} ({mode}):\n{shown}");
        }
    }
    // The redirects were passed on, and nobody followed them.
    assert_eq!(upstream.seen().len(), forms().len() * 10);
    nowhere(&world, &[SECRET]);
    assert!(world.events().iter().any(|event| event.to_string().contains("known.credential")));
}

#[tokio::test]
async fn what_an_upstream_repeats_is_redacted() {
    echoes("enforce", json!([])).await;
}

#[tokio::test]
async fn also_where_rules_let_everything_pass() {
    echoes("observe", json!([{ "classes": ["*"], "action": "allow" }])).await;
}

#[tokio::test]
async fn a_new_secret_is_used_at_once_and_a_bad_one_never() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/credentials", json!([entry("one", &upstream, json!({}), bearer())]))
        .file("secret", SECRET)
        .start()
        .await;
    let mut client = RawClient::connect(world.plain()).await;
    let mut sent = async || {
        let answer = client.call(request("GET", "/up/ok", &[], "")).await;
        assert_eq!(answer.status, 200);
        upstream.take_seen().remove(0).header("authorization")[0].to_owned()
    };
    assert_eq!(sent().await, format!("Bearer {SECRET}"));
    // The file is watched; a gate that has just started may not do so yet.
    let mut looks = 0;
    tollgate_tests::until("the new secret", async || {
        if looks % 100 == 0 {
            let end = if looks % 200 == 0 { "\n" } else { "" };
            swap(&world.path("secret"), format!("another-Secret-77-of-Ours{end}"));
        }
        looks += 1;
        (world.metric("policy_reload_success_total").await >= 1.0).then_some(())
    })
    .await;
    assert_eq!(sent().await, "Bearer another-Secret-77-of-Ours");
    swap(&world.path("secret"), "short");
    assert!(!world.reload().await);
    world.says("could not be redacted").await;
    assert_eq!(sent().await, "Bearer another-Secret-77-of-Ours");
}

#[tokio::test]
async fn what_cannot_be_given_is_no_start() {
    let upstream = Upstream::start().await;
    for (name, content, reason) in [
        ("other", SECRET.to_owned(), "cannot read the secret file"),
        ("secret", "short12".to_owned(), "it has 7 bytes, and needs 8"),
        ("secret", "-----------------".to_owned(), "too easily guessed"),
        ("secret", "one-Line-of-77\nand another".to_owned(), "does not bear"),
    ] {
        let not = World::builder()
            .route("up", "/up", &upstream.url())
            .set("/credentials", json!([entry("one", &upstream, json!({}), bearer())]))
            .file(name, content)
            .try_start()
            .await
            .unwrap_err();
        assert!(not.stderr.contains(reason), "{}", not.stderr);
        assert!(!not.stderr.contains("one-Line-of-77"), "{}", not.stderr);
    }
}

#[tokio::test]
async fn cookies_pass_where_a_route_says_so() {
    let upstream = Upstream::start().await;
    let set = "HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n";
    upstream.on("/set", vec![Step::Send(set.as_bytes().to_vec())]);
    let give = json!({ "type": "cookie", "name": "session", "secret": secret() });
    let cookies = SECRET.replace('/', "-");
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .add_route(with_cookies("kept", &upstream))
        .set("/credentials", json!([entry("one", &upstream, json!({ "path": "/set" }), give)]))
        .file("secret", cookies.as_str())
        .start()
        .await;
    let own = [("cookie", "a=1; session=agents-own; b=2")];
    for (path, sent, set) in [
        ("/up/x", vec![], 0),
        ("/up/set", vec![format!("session={cookies}")], 0),
        ("/kept/x", vec!["a=1; b=2".to_owned()], 0),
        ("/kept/set", vec![format!("a=1; b=2; session={cookies}")], 2),
    ] {
        let answer =
            RawClient::connect(world.plain()).await.call(request("GET", path, &own, "")).await;
        assert_eq!(upstream.take_seen()[0].header("cookie"), sent, "{path}");
        let got = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        assert_eq!(got.count(), set, "{path}");
    }
}
