use serde_json::json;
use tollgate_dlp::Tape;

use super::*;

fn links(base_path: &str, prefix: &str, signed_cards: SignedCards) -> Links {
    let base =
        Base { prefix: prefix.to_owned(), redirects_elsewhere: Elsewhere::Refuse, signed_cards };
    let host = Host::parse("api.test").unwrap();
    let to = Destination::strict("r", Scheme::Https, host, 443);
    let to = Destination { base_path: base_path.to_owned(), ..to };
    let path = format!("{base_path}/a/b");
    Links::between(base.into(), to.into(), &path, "http://gate:1".to_owned()).unwrap()
}

fn here(url: &str) -> Option<Lead> {
    Some(Lead::Here(url.to_owned()))
}

#[test]
fn what_leads_below_the_upstream() {
    let links = links("/v1", "/api", SignedCards::Rewrite);
    for (text, expect) in [
        ("https://api.test/v1/x?y=1#z", "http://gate:1/api/x?y=1#z"),
        ("https://API.test:443/v1", "http://gate:1/api"),
        ("https://api.test./v1/", "http://gate:1/api/"),
        ("//api.test/v1/x", "http://gate:1/api/x"),
        ("/v1/x", "http://gate:1/api/x"),
        ("c", "http://gate:1/api/a/c"),
        ("../c", "http://gate:1/api/c"),
        ("?page=2", "http://gate:1/api/a/b?page=2"),
        ("", "http://gate:1/api/a/b"),
        ("https://api.test/v1//evil.test", "http://gate:1/api//evil.test"),
        ("https://api.test/other/../v1/x", "http://gate:1/api/x"),
    ] {
        assert_eq!(links.lead(text), here(expect), "{text}");
    }
    for text in [
        "https://api.test/v10/x",
        "https://api.test/",
        "/login",
        "https://api.test/v1/../x",
        "https://api.test/v1/%2e%2e/x",
        "http://api.test/v1/x",
        "https://api.test:8443/v1/x",
        "https://u@api.test/v1/x",
        "https://u:p@api.test/v1/x",
        "https://evil.test/v1/x",
        "//evil.test/v1",
        "\\\\evil.test/v1",
        "https://api.test.evil.test/v1/x",
        "https://api.test@evil.test/v1/x",
        "cursor://callback",
    ] {
        let lead = links.lead(text).unwrap();
        let Lead::There(url, _) = lead else { panic!("{text}: {lead:?}") };
        assert!(url.contains("://"), "{text}: {url} is still relative");
    }
    assert_eq!(links.lead("https://["), None);
}

#[test]
fn routes_without_prefix_or_path() {
    let links = links("", "", SignedCards::Rewrite);
    assert_eq!(links.lead("https://api.test"), here("http://gate:1/"));
    assert_eq!(links.lead("https://api.test//evil.test/x"), here("http://gate:1//evil.test/x"));
}

#[test]
fn heads() {
    let links = links("/v1", "/api", SignedCards::Rewrite);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("location", "https://evil.test/x"),
        ("content-location", "/v1/x"),
        (
            "link",
            "<https://api.test/v1/x?page=2>; rel=\"next\", </v1/y>; rel=prev, <https://cdn.test/>",
        ),
        ("link", "nothing"),
        (
            "www-authenticate",
            "Bearer realm=\"x\", resource_metadata=\"https://api.test/v1/.well-known/r\", scope=\"s\"",
        ),
    ] {
        headers.append(name, value.parse().unwrap());
    }
    let mut led = Led::default();
    assert!(!links.head(&mut headers, &mut led, true), "a redirect to elsewhere is not wanted");
    assert_eq!(led.foreign, [Host::parse("evil.test").unwrap()]);
    assert_eq!(led.rewritten, 4);
    assert_eq!(headers["content-location"], "http://gate:1/api/x");
    let all = headers.get_all("link").iter().collect::<Vec<_>>();
    assert_eq!(
        all,
        [
            "<http://gate:1/api/x?page=2>; rel=\"next\", <http://gate:1/api/y>; rel=prev, <https://cdn.test/>",
            "nothing"
        ]
    );
    assert_eq!(
        headers["www-authenticate"],
        "Bearer realm=\"x\", resource_metadata=\"http://gate:1/api/.well-known/r\", scope=\"s\""
    );
    let mut headers = HeaderMap::from_iter([(header::LOCATION, "https://[".parse().unwrap())]);
    assert!(links.head(&mut headers, &mut led, true));
    assert!(headers.is_empty());
}

#[test]
fn cards() {
    let card = json!({
        "name": "n", "url": "https://api.test/v1/a2a", "skills": [], "capabilities": {},
        "additionalInterfaces": [
            { "url": "https://api.test/v1/grpc", "transport": "GRPC" },
            { "url": "https://elsewhere.test/" },
        ],
        "documentationUrl": "https://api.test/v1/docs",
    });
    let mut signed = card.clone();
    signed["signatures"] = json!([{ "protected": "e30", "signature": "AA" }]);
    for (document, terms, rewritten, signature) in [
        (card.clone(), SignedCards::Rewrite, 2, None),
        (json!({ "jsonrpc": "2.0", "id": 1, "result": card }), SignedCards::Rewrite, 2, None),
        (signed.clone(), SignedCards::Rewrite, 2, Some("dropped")),
        (signed.clone(), SignedCards::Leave, 0, Some("left")),
    ] {
        let links = links("/v1", "/api", terms);
        let (mut after, mut led) = (document.clone(), Led::default());
        links.document(&mut after, &mut led);
        assert!(links.concern(Tape::of(&document).root()));
        assert_eq!((led.rewritten, led.signature), (rewritten, signature));
        let after = after.get("result").unwrap_or(&after);
        if rewritten == 0 {
            assert_eq!(*after, document);
            continue;
        }
        assert_eq!(after["url"], "http://gate:1/api/a2a");
        assert_eq!(after["additionalInterfaces"][0]["url"], "http://gate:1/api/grpc");
        assert_eq!(after["additionalInterfaces"][1]["url"], "https://elsewhere.test/");
        assert_eq!(after["documentationUrl"], "https://api.test/v1/docs");
        assert!(after.get("signatures").is_none());
    }
    // What leads elsewhere anyway keeps its signature, and what is no card is left alone.
    for document in [
        json!({ "url": "https://b.test", "skills": [], "capabilities": {}, "signatures": [{}] }),
        json!({ "url": "https://api.test/v1/a2a", "skills": "many" }),
        json!([{ "url": "https://api.test/v1/a2a", "skills": [], "capabilities": {} }]),
    ] {
        let (mut after, mut led) = (document.clone(), Led::default());
        links("/v1", "/api", SignedCards::Rewrite).document(&mut after, &mut led);
        assert_eq!((after, led), (document, Led::default()));
    }
}

#[test]
fn descriptions_of_apis() {
    for (base_path, document, expect) in [
        (
            "/v1",
            json!({ "openapi": "3.1.0", "paths": { "/x": { "servers": [{ "url": "." }], "get": { "servers": [{ "url": "https://api.test/v1" }] } } },
                "servers": [{ "url": "/v1" }, { "url": "https://{where}.test/v1" }, { "url": "https://b.test" }] }),
            json!({ "openapi": "3.1.0", "paths": { "/x": { "servers": [{ "url": "http://gate:1/api/a/" }], "get": { "servers": [{ "url": "http://gate:1/api" }] } } },
                "servers": [{ "url": "http://gate:1/api" }, { "url": "https://{where}.test/v1" }, { "url": "https://b.test" }] }),
        ),
        (
            "",
            json!({ "openapi": "3.0.0", "paths": {} }),
            json!({ "openapi": "3.0.0", "paths": {}, "servers": [{ "url": "http://gate:1/api" }] }),
        ),
        (
            "/v1",
            json!({ "openapi": "3.0.0", "paths": {} }),
            json!({ "openapi": "3.0.0", "paths": {} }),
        ),
        (
            "",
            json!({ "swagger": "2.0", "paths": {}, "host": "api.test", "basePath": "/v2", "schemes": ["https"] }),
            json!({ "swagger": "2.0", "paths": {}, "host": "gate:1", "basePath": "/api/v2", "schemes": ["http"] }),
        ),
        (
            "",
            json!({ "swagger": "2.0", "paths": {} }),
            json!({ "swagger": "2.0", "paths": {}, "host": "gate:1", "basePath": "/api/", "schemes": ["http"] }),
        ),
        (
            "",
            json!({ "swagger": "2.0", "paths": {}, "host": "b.test" }),
            json!({ "swagger": "2.0", "paths": {}, "host": "b.test" }),
        ),
    ] {
        let links = links(base_path, "/api", SignedCards::Rewrite);
        assert!(links.concern(Tape::of(&document).root()));
        let mut after = document;
        links.document(&mut after, &mut Led::default());
        assert_eq!(after, expect);
    }
}

#[test]
fn cookies_are_the_routes_own() {
    let set = |links: &Links, text: &str| {
        let mut headers = HeaderMap::new();
        headers.append(header::SET_COOKIE, HeaderValue::from_str(text).unwrap());
        let mut led = Led::default();
        assert!(links.head(&mut headers, &mut led, false));
        let own = headers.get(header::SET_COOKIE).map(|own| own.to_str().unwrap().to_owned());
        assert_eq!(led.cookies_dropped, u64::from(own.is_none()), "{text}");
        own
    };
    // The upstream was asked for `/v1/a/b`.
    let below = links("/v1", "/api", SignedCards::Rewrite);
    for (text, expect) in [
        ("a=1", Some("a=1; Path=/api/a")),
        ("a=1; Path=/", Some("a=1; Path=/api")),
        ("a=1; path=/v1", Some("a=1; Path=/api")),
        ("a=1;Path=/v1/", Some("a=1; Path=/api")),
        ("a=1; Path=/v1/x/y", Some("a=1; Path=/api/x/y")),
        ("a=1; Path=/x; Path=/v1/y", Some("a=1; Path=/api/y")),
        ("a=1; Path=v1", Some("a=1; Path=/api/a")),
        ("a=1; Path", Some("a=1; Path=/api/a")),
        // Nothing of this route is there.
        ("a=1; Path=/v10", None),
        ("a=1; Path=/v", None),
        ("a=1; Path=/login", None),
        // The gate's host is no part of the upstream's domain.
        ("a=1; Domain=api.test; Path=/", Some("a=1; Path=/api")),
        ("a=1; domain=.API.test", Some("a=1; Path=/api/a")),
        ("a=1; Domain=test; Path=/", Some("a=1; Path=/api")),
        ("a=1; Domain=; Path=/", Some("a=1; Path=/api")),
        ("a=1; Domain=evil.test; Path=/", None),
        ("a=1; Domain=pi.test; Path=/", None),
        ("a=1; Domain=x.api.test; Path=/", None),
        (
            "a=\"x=y\"; HttpOnly; Max-Age=5; SameSite=Lax; Secure; Path=/",
            Some("a=\"x=y\"; HttpOnly; Max-Age=5; SameSite=Lax; Path=/api"),
        ),
        ("__Secure-a=1; Secure", Some("__Secure-a=1; Secure; Path=/api/a")),
    ] {
        assert_eq!(set(&below, text).as_deref(), expect, "{text}");
    }
    let all = links("", "", SignedCards::Rewrite);
    for (text, expect) in
        [("a=1", "a=1; Path=/a"), ("a=1; Path=/", "a=1; Path=/"), ("a=1; Path=/x", "a=1; Path=/x")]
    {
        assert_eq!(set(&all, text).as_deref(), Some(expect), "{text}");
    }
}

#[test]
fn servers_in_yaml_are_rewritten_where_they_stand() {
    let links = links("/v1", "/api", SignedCards::Rewrite);
    let read = |text: &str| {
        let mut led = Led::default();
        (links.yaml(text, &mut led), led.rewritten)
    };
    let api = |servers: &str| format!("openapi: 3.1.0  # kept\npaths: {{}}\n{servers}");
    for (written, expect) in [
        ("servers:\n- url: https://api.test/v1\n", "servers:\n- url: \"http://gate:1/api\"\n"),
        (
            "servers:\n  - description: it # and this\n    url: 'https://api.test/v1/x' # kept\n",
            "servers:\n  - description: it # and this\n    url: \"http://gate:1/api/x\" # kept\n",
        ),
        (
            "servers: [ {url: \"https://api.test/v1\", x: 1}, {url: https://evil.test/v1} ]\n",
            "servers: [ {url: \"http://gate:1/api\", x: 1}, {url: https://evil.test/v1} ]\n",
        ),
        ("servers:\r\n- url: /v1/ö\r\n", "servers:\r\n- url: \"http://gate:1/api/%C3%B6\"\r\n"),
    ] {
        assert_eq!(read(&api(written)), (Some(api(expect)), 1), "{written}");
    }
    let deep = "openapi: 3.1.0\npaths:\n  /x:\n    servers: [{url: /v1/a}]\n    get:\n      servers:\n      \
                - url: /v1/b\n      x: {servers: [{url: /v1/c}]}\n";
    let (text, rewritten) = read(deep);
    let text = text.unwrap();
    assert_eq!(rewritten, 2);
    for part in ["\"http://gate:1/api/a\"", "\"http://gate:1/api/b\"", "/v1/c"] {
        assert!(text.contains(part), "{text}");
    }
    // Nothing to rewrite, nobody's description, or nothing that is sure.
    for text in [
        api("servers:\n- url: https://evil.test/v1\n").as_str(),
        &api("servers:\n- url: https://{host}.test/v1\n"),
        &api("servers:\n- url: https://api.test/v1/{base}\n"),
        &api("x: &s https://api.test/v1\nservers:\n- url: *s\n"),
        &api("servers:\n- url: &s https://api.test/v1\n"),
        &api("servers:\n- url: !!str https://api.test/v1\n"),
        &api("servers:\n- url: >-\n    https://api.test/v1\n"),
        &api("servers:\n- url: \"https://api.test\\u002fv1\"\n"),
        &api("servers:\n- ? [url]\n  : https://api.test/v1\n"),
        &api("servers:\n- url: https://api.test/v1\n---\nb: 1\n"),
        &api("servers:\n- url: https://api.test/v1\n\0"),
        &api("servers:\n- url: https://api.test/v1\n  bad: [\n"),
        "servers:\n- url: https://api.test/v1\n",
        "openapi: 3.1.0\nservers:\n- url: https://api.test/v1\n",
        "swagger: '2.0'\npaths: {}\nhost: api.test\nbasePath: /v1\n",
        "",
    ] {
        assert_eq!(read(text), (None, 0), "{text}");
    }
    let nested = format!("openapi: 3.1.0\npaths: {}\n", "[".repeat(100_000));
    assert_eq!(read(&nested), (None, 0));
}

#[test]
fn the_endpoint_of_a_stream_is_the_routes() {
    let links = links("/v1", "/api", SignedCards::Rewrite);
    let read = |name: Option<&str>, data: serde_json::Value, is_mcp: bool| {
        let (mut led, mut data) = (Led::default(), data);
        links.event(name, &mut data, is_mcp, &mut led);
        (data, led.rewritten, led.foreign.len())
    };
    for (text, expect, counts) in [
        ("/v1/messages?session=a%2fb", "http://gate:1/api/messages?session=a%2fb", (1, 0)),
        ("https://api.test/v1/messages", "http://gate:1/api/messages", (1, 0)),
        ("messages", "http://gate:1/api/a/messages", (1, 0)),
        ("https://evil.test/messages", "https://evil.test/messages", (0, 1)),
        ("/messages", "https://api.test/messages", (0, 1)),
        ("https://[", "https://[", (0, 0)),
    ] {
        let expect = (json!(expect), counts.0, counts.1);
        assert_eq!(read(Some("endpoint"), json!(text), true), expect, "{text}");
    }
    // Elsewhere it is a word like others.
    for (name, is_mcp) in [(Some("endpoint"), false), (Some("message"), true), (None, true)] {
        assert_eq!(read(name, json!("/v1/x"), is_mcp), (json!("/v1/x"), 0, 0));
    }
    let api = json!({ "openapi": "3.1.0", "paths": {}, "servers": [{ "url": "/v1" }] });
    let (told, rewritten, _) = read(None, api, false);
    assert_eq!((told["servers"][0]["url"].as_str(), rewritten), (Some("http://gate:1/api"), 1));
}
