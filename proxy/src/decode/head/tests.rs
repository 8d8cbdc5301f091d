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
    assert_eq!(head.target(), "/a/b?q=[1]&x=%41+b");
    assert_eq!(head.content_length(), Some(12));
    assert_eq!(head.content_type().unwrap().essence, "application/json");
    assert_eq!(
        head.query_pairs(),
        [("q".to_owned(), "[1]".to_owned()), ("x".to_owned(), "A b".to_owned())]
    );
    let bare = Head::read(&Method::GET, b"?a", &HeaderMap::new()).unwrap();
    assert_eq!(bare.target(), "/?a");
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
            let target = head.target();
            let again = Head::read(&Method::GET, target.as_bytes(), &HeaderMap::new()).unwrap();
            prop_assert_eq!(again, head);
        }
    }
}
