use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

#[test]
fn a_plain_head_is_read() {
    let lines = headers(&[
        ("host", "x"),
        ("content-type", "Application/JSON; charset=UTF-8"),
        ("content-length", "12"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("openai_organization", "x"),
    ]);
    let head = Head::read(&Method::POST, b"/a/%62?q=[1]&x=%41+b", &lines).unwrap();
    assert_eq!(head.method(), Method::POST);
    assert_eq!(head.path(), "/a/b");
    assert_eq!(head.query(), Some("q=[1]&x=%41+b"));
    assert_eq!(head.content_length(), Some(12));
    assert_eq!(
        head.query_pairs(),
        [("q".to_owned(), "[1]".to_owned()), ("x".to_owned(), "A b".to_owned())]
    );
    let bare = Head::read(&Method::GET, b"?a", &HeaderMap::new()).unwrap();
    assert_eq!((bare.path(), bare.query()), ("/", Some("a")));
}

#[test]
fn targets_with_two_readings_are_refused() {
    let long = format!("/{}", "a".repeat(TARGET_BYTES_MAX));
    for target in [
        &b"/a b"[..],
        b"/a\tb",
        b"/a#b",
        b"/a?b#c",
        b"/a?\xc3\xa9",
        b"/\xc3\xa9",
        b"*",
        b"a",
        b"http://x/",
        b"/a?%",
        b"/a?%4",
        b"/a?b=%zz",
        b"/a\r\nX: y",
        b"/\0",
        long.as_bytes(),
    ] {
        let refusal = Head::read(&Method::GET, target, &HeaderMap::new()).unwrap_err();
        assert_eq!(refusal.code, Code::MalformedHead, "{}", String::from_utf8_lossy(target));
    }
}

#[test]
fn methods() {
    for (method, passes) in [
        ("GET", true),
        ("POST", true),
        ("PROPFIND", true),
        ("M-SEARCH", true),
        ("get", false),
        ("Post", false),
        ("TRACE", false),
        ("CONNECT", false),
        ("X1", false),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let result = Head::read(&method, b"/", &HeaderMap::new());
        assert_eq!(result.is_ok(), passes, "{method}");
        if let Err(refusal) = result {
            assert_eq!(refusal.code, Code::MethodUnknown);
        }
    }
}

#[test]
fn headers_with_two_readings_are_refused() {
    for lines in [
        &[("content-type", "application/json"), ("content-type", "text/plain")][..],
        &[("content-length", "1"), ("content-length", "1")],
        &[("content-length", "1"), ("transfer-encoding", "chunked")],
        &[("content-length", "+1")],
        &[("content-length", "-1")],
        &[("content-length", "1, 1")],
        &[("content-length", "")],
        &[("content-length", "99999999999999999999")],
        &[("transfer-encoding", "xchunked")],
        &[("transfer-encoding", "chunked, identity")],
        &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        &[("host", "a"), ("host", "b")],
        &[("authorization", "a"), ("authorization", "b")],
        &[("mcp-session-id", "a"), ("mcp-session-id", "b")],
        &[("last-event-id", "a"), ("last-event-id", "b")],
        &[("content_length", "1")],
        &[("mcp_name", "x")],
        &[("x-a", "1"), ("x_a", "2")],
        &[("connection", "authorization")],
        &[("connection", "close, Mcp-Name")],
        &[("connection", "content_type")],
    ] {
        let refusal = Head::read(&Method::POST, b"/", &headers(lines)).expect_err("refused");
        assert_eq!(refusal.code, Code::MalformedHead, "{lines:?}");
    }
    let refusal = Head::read(&Method::POST, b"/", &headers(&[("content-type", "x")])).unwrap_err();
    assert_eq!(refusal.code, Code::EncodingUnsupported);
    let mut many = HeaderMap::new();
    for number in 0..=HEADERS_MAX {
        many.insert(
            HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap(),
            HeaderValue::from_static("1"),
        );
    }
    let refusal = Head::read(&Method::GET, b"/", &many).unwrap_err();
    assert_eq!(refusal.code, Code::MalformedHead);
}

#[test]
fn what_ends_here_or_claims_something_is_stripped() {
    let kept = [
        "accept",
        "authorization",
        "content-type",
        "cookie",
        "host",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "origin",
        "traceparent",
        "user-agent",
        "x-api-key",
        "x-forward",
        "x-custom",
    ];
    let stripped = [
        "accept-encoding",
        "client-ip",
        "connection",
        "expect",
        "forwarded",
        "http2-settings",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-agent-id",
        "x-forwarded-client-cert",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-nominated",
        "x-original-url",
        "x-real-ip",
        "x-rewrite-url",
        "x-sentinel-roles",
        "x-spiffe-id",
        "x_forwarded_for",
    ];
    let mut map = headers(&[("connection", "close, X-Nominated, cookie")]);
    for name in kept.iter().chain(&stripped).filter(|name| **name != "connection") {
        map.append(*name, HeaderValue::from_static("1"));
        map.append(*name, HeaderValue::from_static("2"));
    }
    strip_request_headers(&mut map);
    let mut left: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        kept.iter()
            .copied()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
}

/// What is said of strips towards upstreams, line by line: each header, and whether it goes.
#[test]
fn strips_towards_upstreams() {
    for (line, names, goes) in [
        (
            "hop by hop",
            "connection keep-alive te trailer transfer-encoding upgrade http2-settings",
            true,
        ),
        ("nominated by connection", "x-nominated", true),
        (
            "of proxies",
            "proxy-authorization proxy-connection proxy-authenticate proxy-anything",
            true,
        ),
        (
            "where it came from",
            "forwarded x-forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-prefix x-forwarded-user x-forwarded-email x-forwarded-client-cert x-real-ip via x-client-ip client-ip true-client-ip cf-connecting-ip x-remote-ip x-originating-ip wl-proxy-client-ip x-original-forwarded-for",
            true,
        ),
        (
            "another method",
            "x-http-method x-http-method-override x-method-override x-original-method",
            true,
        ),
        (
            "another place",
            "x-original-url x-original-uri x-rewrite-url x-host x-original-host x-envoy-original-path",
            true,
        ),
        (
            "who calls",
            "x-agent-id x-spiffe-id x-spiffe-trust-domain x-client-cert x-client-cert-chain ssl-client-verify x-ssl-client-cert x-sentinel-agent remote-user x-remote-user x-auth-request-user x-goog-iap-jwt-assertion x-goog-authenticated-user-email x-amzn-oidc-identity x-amzn-mtls-clientcert-leaf cf-access-jwt-assertion tailscale-user-login x-ms-client-principal",
            true,
        ),
        ("handled here", "expect accept-encoding max-forwards", true),
        (
            "with underscores",
            "x_forwarded_for x_http_method_override proxy_authorization remote_user",
            true,
        ),
        (
            "of the protocol",
            "mcp-protocol-version mcp-session-id mcp-method mcp-name mcp-param-a last-event-id",
            false,
        ),
        (
            "of other protocols",
            "accept a2a-version a2a-extensions content-type origin traceparent tracestate",
            false,
        ),
        (
            "the agent's own",
            "authorization x-api-key user-agent idempotency-key x-request-id x-forward",
            false,
        ),
    ] {
        for name in names.split(' ') {
            let mut map =
                headers(&[("connection", "close, x-nominated"), (name, "1"), ("x-stays", "1")]);
            strip_request_headers(&mut map);
            assert_eq!(!map.contains_key(name), goes, "{line}: {name}");
            assert!(map.contains_key("x-stays"));
        }
    }
    for name in ["authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization"] {
        let twice = headers(&[(name, "a"), (name, "b")]);
        let refusal = Head::read(&Method::GET, b"/", &twice).unwrap_err();
        assert_eq!(refusal.code, Code::MalformedHead, "{name}");
    }
    let mut map = headers(&[("cookie", "a=1"), ("set-cookie", "a=1"), ("x-stays", "1")]);
    strip_cookies(&mut map);
    assert_eq!(map.len(), 1);
}

#[test]
fn answers_lose_what_ends_here_and_the_way_around() {
    let mut map = headers(&[
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "1"),
        ("alt-svc", "h3"),
        ("proxy-authenticate", "x"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("content-type", "text/html"),
        ("content-length", "1"),
        ("set-cookie", "a=1"),
    ]);
    strip_answer_headers(&mut map);
    let mut left: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["content-length", "content-type", "set-cookie"]);
}

proptest! {
    #[test]
    fn no_bytes_panic(target in prop::collection::vec(any::<u8>(), 0..48)) {
        if let Ok(head) = Head::read(&Method::GET, &target, &HeaderMap::new()) {
            let query = head.query().map(|query| format!("?{query}")).unwrap_or_default();
            let target = format!("{}{query}", head.path());
            let again = Head::read(&Method::GET, target.as_bytes(), &HeaderMap::new()).unwrap();
            prop_assert_eq!(again, head);
        }
    }
}
