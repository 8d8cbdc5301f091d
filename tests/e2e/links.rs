//! What an upstream says of its own address leads back through the gate.
use serde_json::{Value, json};
use tollgate_tests::{
    Certificates, HttpClient, OTHER_AGENT, Step, Upstream, World, fixed, http_route, json_answer,
};

use super::kit::{ask, request};

fn redirect(status: u16, headers: &str) -> Vec<Step> {
    let head = format!("HTTP/1.1 {status} Status\r\n{headers}content-length: 0\r\n\r\n");
    vec![Step::Send(head.into_bytes())]
}

struct Bench {
    upstream: Upstream,
    world: World,
    calls: usize,
}

impl Bench {
    /// Routes to one upstream: `/up` below its `/base`, `/all` to all of it, `/strict`.
    async fn new() -> Self {
        let upstream = Upstream::start().await;
        let mut strict = http_route("strict", "/strict", &upstream.url());
        strict["redirects_elsewhere"] = "refuse".into();
        strict["signed_cards"] = "leave".into();
        let world = World::builder()
            .route("up", "/up", &format!("{}/base", upstream.url()))
            .route("all", "/all", &upstream.url())
            .add_route(strict)
            .mcp("mcp", "/mcp", &upstream.url())
            .start()
            .await;
        Self { upstream, world, calls: 0 }
    }

    async fn get(&mut self, path: &str) -> tollgate_tests::Answer {
        let answer = ask(self.world.plain(), request("GET", path, &[], "")).await;
        self.calls += 1;
        answer
    }

    /// What the record says of the last call.
    async fn outcome(&self) -> Value {
        let outcomes = self.world.wait_outcomes(self.calls).await;
        outcomes.last().unwrap()["payload"]["data"].clone()
    }
}

#[tokio::test]
async fn redirects_stay_on_their_route() {
    let mut bench = Bench::new().await;
    let own = bench.upstream.url();
    for (status, location, expect) in [
        (302, format!("{own}/base/next?page=2"), "http://localhost/up/next?page=2"),
        (307, "/base/next".to_owned(), "http://localhost/up/next"),
        (308, "next".to_owned(), "http://localhost/up/next"),
        (201, format!("{own}/base/items/7#a"), "http://localhost/up/items/7#a"),
    ] {
        let headers = format!("location: {location}\r\ncontent-location: {location}\r\n");
        bench.upstream.on("/base/first", redirect(status, &headers));
        let answer = bench.get("/up/first").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("location"), Some(expect));
        assert_eq!(answer.header("content-location"), Some(expect));
        assert_eq!(bench.outcome().await["links_rewritten"], 2);
    }
    // Whoever follows it arrives.
    bench.upstream.take_seen();
    assert_eq!(bench.get("/up/next?page=2").await.status, 200);
    assert_eq!(bench.upstream.take_seen()[0].line(), "GET /base/next?page=2");

    // The pages of a list, and where a challenge leads.
    bench.upstream.on(
        "/base/first",
        redirect(
            401,
            &format!(
                "link: <{own}/base/first?page=2>; rel=\"next\"\r\n\
                 www-authenticate: Bearer resource_metadata=\"{own}/base/meta\"\r\n"
            ),
        ),
    );
    let answer = bench.get("/up/first").await;
    assert_eq!(answer.header("link"), Some("<http://localhost/up/first?page=2>; rel=\"next\""));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer resource_metadata=\"http://localhost/up/meta\"")
    );

    // By TLS, and by the name and port that the caller used.
    bench.upstream.on("/base/first", redirect(302, "location: /base/next\r\n"));
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    for h2 in [false, true] {
        let mut client = HttpClient::tls(bench.world.tls(), Some(&identity), h2).await.unwrap();
        let reply = client.get("/up/first").await;
        bench.calls += 1;
        let location = reply.headers["location"].to_str().unwrap().to_owned();
        assert!(location.starts_with("https://") && location.ends_with("/up/next"), "{location}");
    }
    let plain = "GET /up/first HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n";
    let answer = ask(bench.world.plain(), plain).await;
    assert_eq!(answer.header("location"), Some("http://127.0.0.1:8080/up/next"));
}

#[tokio::test]
async fn redirects_to_elsewhere_are_told_or_refused() {
    let mut bench = Bench::new().await;
    let own = bench.upstream.url();
    for (location, expect, host) in [
        ("https://login.example.org/x", "https://login.example.org/x", "login.example.org"),
        ("//login.example.org/x", "http://login.example.org/x", "login.example.org"),
        // Not below the route's base: told whole, or it would be taken for a path of the gate.
        ("/login", &format!("{own}/login") as &str, "127.0.0.1"),
        ("/base/../login", &format!("{own}/login"), "127.0.0.1"),
    ] {
        bench.upstream.on("/base/first", redirect(302, &format!("location: {location}\r\n")));
        let answer = bench.get("/up/first").await;
        assert_eq!((answer.status, answer.header("location")), (302, Some(expect)), "{location}");
        assert_eq!(bench.outcome().await["leads_elsewhere"], json!([host]));
        bench.upstream.on("/first", redirect(302, &format!("location: {location}\r\n")));
        let answer = bench.get("/strict/first").await;
        if host == "127.0.0.1" {
            assert_eq!(answer.status, 302, "{location}: below the strict route's base");
            // It is recorded before the next call is made, or it may come behind that one's.
            bench.outcome().await;
            continue;
        }
        assert_eq!((answer.status, answer.code().as_str()), (403, "EGRESS_BLOCKED"), "{location}");
        assert!(!answer.text().contains("login.example.org"), "{}", answer.text());
        let outcome = bench.outcome().await;
        assert_eq!(
            (&outcome["outcome"], &outcome["leads_elsewhere"]),
            (&json!("refused"), &json!([host]))
        );
    }
    // What nobody can read leads nowhere.
    bench.upstream.on("/base/first", redirect(302, "location: http://[\r\n"));
    assert_eq!(bench.get("/up/first").await.header("location"), None);
}

#[tokio::test]
async fn documents_name_the_gate() {
    let mut bench = Bench::new().await;
    let own = bench.upstream.url();
    let card = json!({
        "name": "weather", "url": format!("{own}/a2a"), "skills": [], "capabilities": {},
        "supportedInterfaces": [{ "url": format!("{own}/grpc"), "protocolBinding": "GRPC" }],
        "signatures": [{ "protected": "e30", "signature": "AA" }],
    });
    for path in ["/.well-known/agent-card.json", "/.well-known/agent.json"] {
        bench.upstream.on(path, json_answer(card.to_string()));
        let told = bench.get(&format!("/all{path}")).await.json();
        assert_eq!(told["url"], "http://localhost/all/a2a");
        assert_eq!(told["supportedInterfaces"][0]["url"], "http://localhost/all/grpc");
        assert_eq!((&told["name"], &told["signatures"]), (&json!("weather"), &Value::Null));
        let outcome = bench.outcome().await;
        assert_eq!(outcome["card_signature"], "dropped");
        assert_eq!(outcome["links_rewritten"], 2);
        let told = bench.get(&format!("/strict{path}")).await.json();
        assert_eq!(told, card);
        assert_eq!(bench.outcome().await["card_signature"], "left");
    }

    let resource = json!({ "resource": format!("{own}/"), "authorization_servers": ["https://login.example.org"] });
    bench.upstream.on("/.well-known/oauth-protected-resource", json_answer(resource.to_string()));
    let accept = [("accept", "application/json, text/event-stream")];
    for route in ["all", "mcp"] {
        let path = format!("/{route}/.well-known/oauth-protected-resource");
        let told = ask(bench.world.plain(), request("GET", &path, &accept, "")).await.json();
        assert_eq!(told["resource"], format!("http://localhost/{route}/"));
        assert_eq!(told["authorization_servers"][0], "https://login.example.org");
    }
    let api =
        json!({ "openapi": "3.1.0", "paths": {}, "servers": [{ "url": "/v1" }, { "url": own }] });
    bench.upstream.on("/openapi.json", json_answer(api.to_string()));
    let told = bench.get("/all/openapi.json").await.json();
    assert_eq!(
        told["servers"],
        json!([{ "url": "http://localhost/all/v1" }, { "url": "http://localhost/all" }])
    );
}

/// Whoever names the upstream itself is told what it says.
#[tokio::test]
async fn the_forward_proxy_changes_nothing() {
    let upstream = Upstream::start().await;
    let port = upstream.address().port();
    let world = World::builder()
        .set(
            "/forward_proxy",
            json!({ "hosts": ["127.0.0.1"], "ports": [port], "allow_addresses": ["127.0.0.1"] }),
        )
        .start()
        .await;
    let location = format!("{}/next", upstream.url());
    upstream.on("/first", redirect(302, &format!("location: {location}\r\n")));
    let first = format!("GET {}/first HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n", upstream.url());
    let answer = ask(world.plain(), first).await;
    assert_eq!((answer.status, answer.header("location")), (302, Some(location.as_str())));
}

/// Every route has the gate's host: what one upstream sets is for its own route.
#[tokio::test]
async fn cookies_stay_on_their_route() {
    let one = Upstream::start().await;
    let mut route = http_route("one", "/one", &format!("{}/base", one.url()));
    route["allow_cookies"] = true.into();
    let world = World::builder()
        .add_route(route)
        .route("bare", "/bare", &format!("{}/base", one.url()))
        .start()
        .await;
    let set = "set-cookie: session=s1; Path=/; Domain=127.0.0.1; HttpOnly\r\n\
               set-cookie: part=p1; Path=/base/a\r\nset-cookie: out=o1; Path=/elsewhere\r\n";
    one.on("/base/login", redirect(200, set));
    let answer = ask(world.plain(), request("GET", "/one/login", &[], "")).await;
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let cookies = cookies.map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    assert_eq!(cookies, ["session=s1; HttpOnly; Path=/one", "part=p1; Path=/one/a"]);
    let outcome = world.wait_outcomes(1).await.pop().unwrap();
    assert_eq!(outcome["payload"]["data"]["cookies_dropped"], 1, "{outcome}");
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains("session=s1"));
    // Without `allow_cookies` there are none.
    let answer = ask(world.plain(), request("GET", "/bare/login", &[], "")).await;
    assert_eq!(answer.header("set-cookie"), None);
}

/// The older transport of MCP begins with the place that messages are sent to.
#[tokio::test]
async fn streams_name_the_gate() {
    let bench = Bench::new().await;
    let own = bench.upstream.url();
    let api =
        json!({ "openapi": "3.1.0", "paths": {}, "servers": [{ "url": format!("{own}/v1") }] });
    let cases = [
        ("/mcp/sse", "/messages?session=7", "http://localhost/mcp/messages?session=7"),
        ("/mcp/own", &format!("{own}/messages"), "http://localhost/mcp/messages"),
        ("/mcp/far", "https://far.example.org/m", "https://far.example.org/m"),
        // Only there: of others nobody knows what their events are.
        ("/all/sse", "/messages", "/messages"),
    ];
    for (nth, (path, data, expect)) in cases.into_iter().enumerate() {
        let below = path.trim_start_matches("/mcp").trim_start_matches("/all");
        let events = format!("event: endpoint\ndata: {data}\n\n");
        bench.upstream.on(below, fixed(200, "text/event-stream", events.as_bytes()));
        let accept = [("accept", "text/event-stream")];
        let told = ask(bench.world.plain(), request("GET", path, &accept, "")).await;
        assert_eq!(told.status, 200, "{path}: {}", told.text());
        assert_eq!(told.text(), format!("event: endpoint\ndata: {expect}\n\n"), "{path}");
        bench.world.wait_outcomes(nth + 1).await;
    }
    let events = format!("event: api\ndata: {api}\n\ndata: {{\"a\":1}}\n\n");
    bench.upstream.on("/apis", fixed(200, "text/event-stream", events.as_bytes()));
    let told = ask(bench.world.plain(), request("GET", "/all/apis", &[], "")).await.text();
    assert!(told.contains("http://localhost/all/v1") && !told.contains(&own), "{told}");
    assert!(told.ends_with("data: {\"a\":1}\n\n"), "{told}");
    let outcomes = bench.world.wait_outcomes(5).await;
    let of = |at: usize, key: &str| outcomes[at]["payload"]["data"][key].clone();
    assert_eq!((of(0, "links_rewritten"), of(4, "links_rewritten")), (json!(1), json!(1)));
    assert_eq!(of(2, "leads_elsewhere"), json!(["far.example.org"]));
}

#[tokio::test]
async fn descriptions_in_yaml_name_the_gate() {
    let mut bench = Bench::new().await;
    let own = bench.upstream.url();
    let card = "4111 1111 1111 1111";
    let api = format!(
        "# The API.\nopenapi: 3.1.0\nservers:\n  - url: {own}/v1   # ours\n  - url: https://far.example.org\n\
         paths:\n  /pay: {{ get: {{ description: 'as {card}' }} }}\n"
    );
    for media in [
        "application/yaml",
        "text/yaml; charset=utf-8",
        "application/openapi+yaml",
        "application/vnd.oai.openapi",
    ] {
        bench.upstream.on("/openapi.yaml", fixed(200, media, api.as_bytes()));
        let told = bench.get("/all/openapi.yaml").await;
        let expect = api
            .replace(&format!("{own}/v1"), "\"http://localhost/all/v1\"")
            .replace(card, "[REDACTED:PAN]");
        assert_eq!(told.text(), expect, "{media}");
        assert_eq!(bench.outcome().await["links_rewritten"], 1);
    }
    // What is no description comes as it is, and so does one that cannot be read.
    for text in
        [format!("servers:\n- url: {own}/v1\n"), format!("{api}\n\tbad: [\n").replace(card, "")]
    {
        bench.upstream.on("/openapi.yaml", fixed(200, "application/yaml", text.as_bytes()));
        assert_eq!(bench.get("/all/openapi.yaml").await.text(), text);
    }
}
