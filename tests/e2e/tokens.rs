//! Credentials that are made for a call: tokens that a server gives, and signatures of AWS.
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tollgate_tests::{
    Builder, HttpUpstream, RawClient, Seen, Upstream, World, fixed, http_route, serve, until,
};

use crate::credentials::entry;
use crate::kit::{refusal_code, request, swap};

const CLIENT_SECRET: &str = "cl13nt/Secret+of:ours";

/// One request for a token.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    authorization: String,
    form: BTreeMap<String, String>,
}

/// An authorization server on loopback. It gives tokens with numbers, or what it was told to say.
struct TokenServer {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    asked: Mutex<Vec<Asked>>,
    answers: Mutex<BTreeMap<String, VecDeque<(u16, String)>>>,
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TokenServer {
    async fn start() -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let serving = serve(socket, move |request| answer(request, Arc::clone(&shared)));
        let serving = tokio::spawn(serving);
        Self { address, state, serving }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    fn say(&self, path: &str, status: u16, body: impl Into<String>) {
        let mut answers = self.state.answers.lock().unwrap();
        answers.entry(path.to_owned()).or_default().push_back((status, body.into()));
    }

    fn server(&self, path: &str) -> Value {
        json!({
            "url": self.url(path), "client_id": "gate 1", "client_secret": { "file": "client" },
            "allow_addresses": ["127.0.0.1"],
        })
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(head.method, "POST");
    assert_eq!(head.headers["content-type"], "application/x-www-form-urlencoded");
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let count = form.len();
    let form: BTreeMap<String, String> = form.into_iter().collect();
    assert_eq!(form.len(), count, "a field stands twice");
    let path = head.uri.path().to_owned();
    let mut asked = state.asked.lock().unwrap();
    let authorization = header("authorization").unwrap_or_default().to_owned();
    asked.push(Asked { path: path.clone(), authorization, form });
    let told = state.answers.lock().unwrap().get_mut(&path).and_then(VecDeque::pop_front);
    let (status, body) = told.unwrap_or_else(|| (200, token(asked.len(), 300).to_string()));
    let answer = Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(Full::from(body)).unwrap())
}

fn token_text(nth: usize) -> String {
    format!("tok-{nth}.Plumbago-Harbour.x9Q")
}

fn token(nth: usize, lasts: u64) -> Value {
    json!({ "access_token": token_text(nth), "token_type": "Bearer", "expires_in": lasts })
}

fn world(upstream: &Upstream, credentials: Value) -> Builder {
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/credentials", credentials)
        .file("client", CLIENT_SECRET)
}

fn bearer_of(seen: &Seen) -> String {
    let values = seen.header("authorization");
    assert_eq!(values.len(), 1, "{}", seen.head);
    values[0].strip_prefix("Bearer ").unwrap().to_owned()
}

fn nowhere(world: &World, secrets: &[&str]) {
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    for secret in secrets {
        assert!(!written.contains(secret), "{secret} is written down");
    }
}

async fn call(world: &World, path: &str, headers: &[(&str, &str)]) -> tollgate_tests::Answer {
    RawClient::connect(world.plain()).await.call(request("GET", path, headers, "")).await
}

#[tokio::test]
async fn one_token_serves_many_calls() {
    let (upstream, server) = (Upstream::start().await, TokenServer::start().await);
    let give = json!({
        "type": "oauth_client", "server": server.server("/token"), "scope": "tools:read a",
        "audience": "tools", "resource": "https://tools.test/mcp",
    });
    let mut world =
        world(&upstream, json!([entry("idp", &upstream, json!({}), give)])).start().await;
    upstream.on("/echo", fixed(200, "text/plain", format!("you sent {}", token_text(1))));
    let calls =
        (0..24).map(|_| call(&world, "/up/ok", &[("authorization", "Bearer tollgate-idp")]));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(upstream.take_seen().iter().all(|seen| bearer_of(seen) == token_text(1)));
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "one request for all");
    assert_eq!(asked[0].path, "/token");
    let pair = STANDARD.encode("gate+1:cl13nt%2FSecret%2Bof%3Aours");
    assert_eq!(asked[0].authorization, format!("Basic {pair}"));
    let form = [
        ("audience", "tools"),
        ("grant_type", "client_credentials"),
        ("resource", "https://tools.test/mcp"),
        ("scope", "tools:read a"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(asked[0].form, BTreeMap::from(form));

    // What was fetched is known like what was configured.
    let answer = call(&world, "/up/echo", &[]).await;
    assert_eq!(answer.text(), "you sent [REDACTED:CREDENTIAL]");
    let text = token_text(1);
    let sent = call(&world, &format!("/up/ok?a={text}"), &[]).await;
    assert_eq!(refusal_code(&sent.body), "DLP_BLOCKED");

    // A reload that changes nothing of it keeps it; another secret does not.
    world.set("/limits/agent_concurrency", 900);
    assert!(world.reload().await);
    assert_eq!(call(&world, "/up/ok", &[]).await.status, 200);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(refusal_code(&call(&world, &format!("/up/{text}"), &[]).await.body), "DLP_BLOCKED");
    swap(&world.path("client"), "another-Secret-77");
    assert!(world.reload().await);
    assert_eq!(call(&world, "/up/ok", &[]).await.status, 200);
    assert_eq!(bearer_of(upstream.seen().last().unwrap()), token_text(2));
    let intent = world.events_of("call.intent");
    assert!(intent.iter().all(|event| event["payload"]["data"]["credential"] == "idp"));
    nowhere(&world, &[CLIENT_SECRET, &token_text(1), &token_text(2), &pair]);
}

#[tokio::test]
async fn a_token_at_its_end_is_fetched_again() {
    let (upstream, server) = (Upstream::start().await, TokenServer::start().await);
    let mut form = server.server("/token");
    form["client_auth"] = "form".into();
    let give = json!({ "type": "oauth_client", "server": form });
    let world = world(&upstream, json!([entry("idp", &upstream, json!({}), give)])).start().await;
    for nth in 1..=3 {
        server.say("/token", 200, token(nth, 0).to_string());
        assert_eq!(call(&world, "/up/ok", &[]).await.status, 200);
        assert_eq!(bearer_of(upstream.seen().last().unwrap()), token_text(nth));
    }
    let asked = server.asked().remove(0);
    assert_eq!((asked.authorization.as_str(), server.asked().len()), ("", 3));
    assert_eq!(asked.form["client_id"], "gate 1");
    assert_eq!(asked.form["client_secret"], CLIENT_SECRET);
}

#[tokio::test]
async fn a_server_that_gives_none_is_a_refusal() {
    let (upstream, server) = (Upstream::start().await, TokenServer::start().await);
    let dead = tollgate_tests::Nobody::here();
    let long = "x".repeat(70_000);
    let said = [
        ("/status", 401, r#"{"error":"invalid_client","hint":"hunter2"}"#.to_owned(), "status 401"),
        ("/moved", 302, "{}".to_owned(), "status 302"),
        ("/words", 200, "hunter2".to_owned(), "holds no token"),
        ("/mac", 200, token(1, 9).to_string().replace("Bearer", "mac"), "no bearer token"),
        ("/split", 200, token(1, 9).to_string().replace("tok-", r"a\r\nb"), "no bearer token"),
        ("/short", 200, token(1, 9).to_string().replace(&token_text(1), "abc"), "known again"),
        ("/long", 200, format!(r#"{{"access_token":"{long}"}}"#), "too long"),
    ];
    let give = |server: Value| json!({ "type": "oauth_client", "server": server });
    let mut credentials = Vec::new();
    let mut cases = Vec::new();
    for (path, status, body, detail) in &said {
        server.say(path, *status, body.clone());
        let place = json!({ "path": path });
        let id = path.trim_start_matches('/');
        credentials.push(entry(id, &upstream, place, give(server.server(path))));
        cases.push((*path, *detail));
    }
    let mut nobody = server.server("/token");
    nobody["url"] = format!("http://{dead}/token").into();
    let mut forbidden = server.server("/token");
    forbidden["allow_addresses"] = json!([]);
    for (path, server, detail) in [
        ("/nobody", nobody, "UPSTREAM_CONNECT"),
        ("/forbidden", forbidden, "ADDRESS_FORBIDDEN loopback"),
    ] {
        let id = path.trim_start_matches('/');
        credentials.push(entry(id, &upstream, json!({ "path": path }), give(server)));
        cases.push((path, detail));
    }
    let world = world(&upstream, credentials.into()).start().await;
    for (path, detail) in &cases {
        let answer = call(&world, &format!("/up{path}"), &[]).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.text());
        assert_eq!(refusal_code(&answer.body), "CREDENTIAL_UNAVAILABLE", "{path}");
        let receipt = answer.json()["receipt"].clone();
        let outcome = world
            .wait_event("the outcome", |event| event["payload"]["data"]["intent"] == receipt)
            .await;
        let data = &outcome["payload"]["data"];
        assert_eq!(data["code"], "CREDENTIAL_UNAVAILABLE");
        assert!(data["detail"].as_str().unwrap().contains(detail), "{path}: {data}");
        let id = path.trim_start_matches('/');
        let failed = format!("tollgate_credentials_total{{credential=\"{id}\",event=\"failed\"}}");
        assert_eq!(world.metric(&failed).await, 1.0);
    }
    assert!(upstream.seen().is_empty(), "nothing left without its credential");
    nowhere(&world, &[CLIENT_SECRET, "hunter2"]);
}

fn jwt(claims: Value) -> String {
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn a_users_token_is_exchanged() {
    let (upstream, server) = (Upstream::start().await, TokenServer::start().await);
    let actor = "spiffe://acme.test/agents/coder";
    let exchange = |path: &str, more: Value| {
        let mut give = json!({
            "type": "token_exchange", "server": server.server(path),
            "actor_token": { "file": "actor" }, "scope": "tools:read", "audience": "tools",
            "resource": "https://tools.test/mcp", "expect_actor": actor,
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        });
        for (key, value) in more.as_object().unwrap() {
            give[key] = value.clone();
        }
        entry(path.trim_start_matches('/'), &upstream, json!({ "path": path }), give)
    };
    let from_file = json!({ "subject_token": { "env": "SUBJECT" } });
    let credentials = json!([
        exchange("/file", from_file.clone()),
        exchange("/sent", json!({})),
        exchange("/other", from_file),
        exchange("/deep", json!({ "subject_token": { "env": "SUBJECT" }, "actors_max": 1 })),
    ]);
    let given = |who: &str, acts: &str| {
        let token = jwt(json!({ "sub": who, "aud": "tools", "act": { "sub": acts } }));
        json!({
            "access_token": token, "token_type": "Bearer", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        })
        .to_string()
    };
    for who in ["amy", "bob"] {
        server.say("/sent", 200, given(who, actor));
    }
    server.say("/file", 200, given("zoe", actor));
    server.say("/other", 200, given("zoe", "spiffe://acme.test/agents/mallory"));
    let before = json!({ "sub": actor, "act": { "sub": "spiffe://acme.test/agents/first" } });
    let deep = jwt(json!({ "sub": "zoe", "act": before }));
    let deep = json!({ "access_token": deep, "token_type": "Bearer", "expires_in": 300 });
    server.say("/deep", 200, deep.to_string());
    let world = world(&upstream, credentials)
        .file("actor", "agents.own.Svid-77")
        .variable("SUBJECT", "zoes-Token-0077")
        .start()
        .await;
    let sub = |seen: &Seen| {
        let token = bearer_of(seen);
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["sub"].as_str().unwrap().to_owned()
    };
    assert_eq!(call(&world, "/up/file", &[("authorization", "Bearer x")]).await.status, 200);
    assert_eq!(sub(&upstream.take_seen()[0]), "zoe");
    let asked = server.asked().remove(0);
    let kind = |word: &str| format!("urn:ietf:params:oauth:token-type:{word}");
    let form = [
        ("actor_token", "agents.own.Svid-77"),
        ("actor_token_type", &kind("jwt")),
        ("audience", "tools"),
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", &kind("access_token")),
        ("resource", "https://tools.test/mcp"),
        ("scope", "tools:read"),
        ("subject_token", "zoes-Token-0077"),
        ("subject_token_type", &kind("access_token")),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(asked.form, BTreeMap::from(form));

    // Each user gets their own, however calls are mixed.
    for who in ["amy", "bob", "amy", "bob", "amy"] {
        let own = format!("Bearer {who}-Token+0077");
        assert_eq!(call(&world, "/up/sent", &[("authorization", &own)]).await.status, 200);
        assert_eq!(sub(&upstream.take_seen()[0]), who);
    }
    let subjects = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path == "/sent")
        .map(|asked| asked.form["subject_token"].clone());
    assert_eq!(subjects.collect::<Vec<_>>(), ["amy-Token+0077", "bob-Token+0077"]);

    // Whoever brings no token, or a placeholder, gets none; nor does another actor's serve.
    for (path, headers) in [
        ("/up/sent", &[][..]),
        ("/up/sent", &[("authorization", "Bearer tollgate-sent")]),
        ("/up/sent", &[("authorization", "Basic amy")]),
        ("/up/other", &[]),
    ] {
        let answer = call(&world, path, headers).await;
        assert_eq!(refusal_code(&answer.body), "CREDENTIAL_UNAVAILABLE", "{}", answer.text());
    }
    // Nor one behind which more agents stand than may.
    let answer = call(&world, "/up/deep", &[]).await;
    assert_eq!(answer.status, 403);
    assert_eq!(refusal_code(&answer.body), "DELEGATION_DEPTH_EXCEEDED", "{}", answer.text());
    assert!(upstream.seen().is_empty());
    nowhere(&world, &["zoes-Token-0077", "agents.own.Svid-77", "amy-Token", CLIENT_SECRET]);
}

const ACCESS_KEY_ID: &str = "AKIDTOLLGATEAGENT";
const SECRET_ACCESS_KEY: &str = "wJalr/Plumbago+HARBOUR77key";
const SESSION_TOKEN: &str = "IQoJb3-session/Token+of=ours77";

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// URI-encoding as the signature's description has it.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// Computes the signature of what came, from the text of the description alone.
fn signature(seen: &Seen, service: &str) -> (String, String) {
    let authorization = seen.header("authorization")[0];
    let part = |name: &str| {
        let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ").unwrap().split(", ");
        parts.filter_map(|part| part.strip_prefix(name)).next().unwrap()
    };
    let (method, target) = seen.line().split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match service {
        "s3" => path.to_owned(),
        _ => path.split('/').map(encoded).collect::<Vec<_>>().join("/"),
    };
    let mut pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let names = part("SignedHeaders=");
    let headers: String =
        names.split(';').map(|name| format!("{name}:{}\n", seen.header(name).join(","))).collect();
    for needed in ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"] {
        assert!(names.split(';').any(|name| name == needed), "{needed} is not signed: {names}");
    }
    let hash = hex(digest(&SHA256, &seen.body));
    let query = pairs.collect::<Vec<_>>().join("&");
    let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{hash}");
    let stamp = seen.header("x-amz-date")[0];
    let scope = format!("{}/eu-central-1/{service}/aws4_request", &stamp[..8]);
    assert_eq!(part("Credential="), format!("{ACCESS_KEY_ID}/{scope}"));
    let text = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
        hex(digest(&SHA256, canonical.as_bytes()))
    );
    let mac = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let mut key = format!("AWS4{SECRET_ACCESS_KEY}").into_bytes();
    for word in [&stamp[..8], "eu-central-1", service, "aws4_request"] {
        key = mac(&key, word);
    }
    (part("Signature=").to_owned(), hex(mac(&key, &text)))
}

#[tokio::test]
async fn requests_to_aws_are_signed() {
    let upstream = Upstream::start().await;
    let give = |service: &str, keys: bool| {
        let mut give = json!({
            "type": "aws_sigv4", "service": service, "region": "eu-central-1",
        });
        if keys {
            give["access_key_id"] = json!({ "file": "id" });
            give["secret_access_key"] = json!({ "file": "key" });
            give["session_token"] = json!({ "file": "session" });
        }
        entry(
            &format!("{service}-{keys}"),
            &upstream,
            json!({ "path": format!("/{service}") }),
            give,
        )
    };
    let credentials = json!([give("bedrock", true), give("s3", true), give("sqs", false)]);
    let world = world(&upstream, credentials)
        .file("id", ACCESS_KEY_ID)
        .file("key", SECRET_ACCESS_KEY)
        .file("session", SESSION_TOKEN)
        // Where every AWS client looks.
        .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .variable("AWS_SESSION_TOKEN", SESSION_TOKEN)
        .start()
        .await;
    let own = [
        ("content-type", "application/json"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=agents-own/x, SignedHeaders=host"),
        ("x-amz-date", "20000101T000000Z"),
        ("x-amz-security-token", "agents-own"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-target", "Thing.Do"),
        ("x-note", "not signed"),
    ];
    for (service, path) in [
        ("bedrock", "/bedrock/model/anthropic.x-v1:0/invoke"),
        ("bedrock", "/bedrock/a%20b/%C3%BC?b=2&a=1&a=%2F&X-Amz-Signature=agents-own"),
        ("bedrock", "/bedrock?X-Amz-Credential=agents-own"),
        ("s3", "/s3/bucket/a%20b/k%3D1?list-type=2&prefix=x%2Fy"),
        ("sqs", "/sqs/"),
    ] {
        for (method, body) in [("POST", r#"{"prompt":"hi"}"#), ("GET", "")] {
            let call = request(method, &format!("/up{path}"), &own, body);
            let answer = RawClient::connect(world.plain()).await.call(call).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let seen = upstream.take_seen().remove(0);
            assert!(!seen.head.contains("agents-own"), "{}", seen.head);
            assert_eq!(seen.header("x-amz-security-token"), [SESSION_TOKEN]);
            assert_ne!(seen.header("x-amz-date"), ["20000101T000000Z"]);
            let (sent, computed) = signature(&seen, service);
            assert_eq!(sent, computed, "{method} {path}\n{}", seen.head);
            let hash = seen.header("x-amz-content-sha256");
            let wanted = (service == "s3").then(|| hex(digest(&SHA256, &seen.body)));
            assert_eq!(hash, wanted.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    // AWS repeats what was sent when a signature does not fit.
    upstream.on("/sqs/no", fixed(403, "text/plain", format!("token {SESSION_TOKEN}!")));
    let answer = call(&world, "/up/sqs/no", &[]).await;
    assert!(!answer.text().contains(SESSION_TOKEN), "{}", answer.text());
    nowhere(&world, &[SECRET_ACCESS_KEY, SESSION_TOKEN]);
}

/// Over TLS to both, HTTP/2 to the upstream: the same, and a name that is not the server's ends it.
#[tokio::test]
async fn tokens_and_calls_over_tls() {
    let certificates = tollgate_tests::Certificates::shared();
    let upstream = HttpUpstream::tls(&certificates.server, true, None).await;
    let server = HttpUpstream::tls(&certificates.server, false, None).await;
    let port = upstream.address().port();
    let give = |host: &str| {
        json!({
            "type": "oauth_client",
            "server": {
                "url": format!("https://{host}:{}/token", server.address().port()),
                "client_id": "gate", "client_secret": { "file": "client" },
                "allow_addresses": ["127.0.0.1", "::1"], "tls": { "ca": "ca.pem" },
            },
        })
    };
    let fixed = json!({ "type": "header", "name": "x-api-key", "secret": { "file": "client" } });
    let one = |id: &str, path: &str, give: Value| {
        let bound = json!({ "host": "localhost", "port": port, "path": path });
        json!({ "id": id, "for": bound, "give": give })
    };
    let mut route = http_route("up", "/up", &format!("https://localhost:{port}"));
    route["upstream"]["tls"] = json!({ "ca": "ca.pem" });
    route["upstream"]["http2"] = true.into();
    route["upstream"]["allow_addresses"] = json!(["127.0.0.1", "::1"]);
    let world = World::builder()
        .add_route(route)
        .set(
            "/credentials",
            json!([one("key", "/key", fixed), one("idp", "/idp", give("localhost"))]),
        )
        .file("client", CLIENT_SECRET)
        .start()
        .await;
    assert_eq!(call(&world, "/up/key", &[("x-api-key", "agents-own")]).await.status, 200);
    let heard = upstream.take_heard().remove(0);
    assert_eq!(heard.version, http::Version::HTTP_2);
    assert_eq!(heard.headers["x-api-key"], CLIENT_SECRET);
    // This server says something else than a token; what counts is that it was asked.
    let answer = call(&world, "/up/idp", &[]).await;
    assert_eq!(refusal_code(&answer.body), "CREDENTIAL_UNAVAILABLE");
    let asked = server.take_heard().remove(0);
    assert_eq!(
        (asked.target.as_str(), asked.body.as_ref()),
        ("/token", &b"grant_type=client_credentials"[..])
    );
    assert!(upstream.take_heard().is_empty());
    nowhere(&world, &[CLIENT_SECRET]);
}

/// Whoever gives tokens is an upstream: it has so many places, and a circuit.
#[tokio::test]
async fn a_server_of_tokens_has_places_and_a_circuit() {
    let (upstream, server) = (Upstream::start().await, TokenServer::start().await);
    for _ in 0..2 {
        server.say("/token", 503, "{}");
    }
    let give = json!({ "type": "oauth_client", "server": server.server("/token") });
    let breaker = json!({ "failures": 2, "share_percent": 0, "open_ms": 1500, "trials": 1 });
    let world = world(&upstream, json!([entry("idp", &upstream, json!({}), give)]))
        .set("/upstreams/breaker", breaker)
        .start()
        .await;
    let metric = |of: &str| format!("{of}{{route=\"credential:idp\"");
    let mut refused = Vec::new();
    until("an open circuit", async || {
        let answer = call(&world, "/up/x", &[]).await;
        assert_eq!(refusal_code(&answer.body), "CREDENTIAL_UNAVAILABLE");
        let receipt = answer.json()["receipt"].clone();
        let outcome = world
            .wait_event("the outcome", |event| event["payload"]["data"]["intent"] == receipt)
            .await;
        refused.push(outcome["payload"]["data"]["detail"].as_str().unwrap().to_owned());
        refused.last().unwrap().contains("UPSTREAM_CIRCUIT_OPEN").then_some(())
    })
    .await;
    assert_eq!(server.asked().len(), 2, "{refused:?}");
    let open = world.metric(&format!("{}}}", metric("tollgate_upstream_circuits_open"))).await;
    assert_eq!(open, 1.0);
    // Its upstream's own circuit is not touched.
    let up = world.metric("tollgate_upstream_circuits_open{route=\"up\"}").await;
    assert_eq!(up, 0.0);
    until("a token", async || (call(&world, "/up/x", &[]).await.status == 200).then_some(())).await;
    assert_eq!(server.asked().len(), 3);
    assert_eq!(bearer_of(&upstream.seen()[0]), token_text(3));
}
