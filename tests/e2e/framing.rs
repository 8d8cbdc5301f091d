//! Differences beside the body: content types, codings, mirrored headers, paths and framing.
use std::time::Duration;

use tollgate_tests::{RawClient, Upstream, World};

use crate::differential::{Case, DELETE, Draft, Fate, WEATHER, call, check, gzip, zlib};
use crate::kit::POLICY_NO_DELETE;
use Fate::{Passes, Refused};

/// Long enough for a gate that wants to say more.
const SILENCE: Duration = Duration::from_secs(1);

fn case(name: impl Into<String>, draft: &Draft, fate: Fate) -> Case {
    Case { name: name.into(), request: draft.bytes(), fate }
}

#[tokio::test]
async fn content_types_have_one_reading() {
    let coding = Refused("ENCODING_UNSUPPORTED");
    let head = Refused("MALFORMED_HEAD");
    let mut cases = Vec::new();
    for (content_type, fate) in [
        ("application/json", Passes),
        ("Application/JSON", Passes),
        ("application/json; charset=utf-8", Passes),
        ("application/json;charset=\"UTF-8\"", Passes),
        ("application/json; charset=utf-16", coding),
        ("application/json; charset=utf-16le", coding),
        ("application/json; charset=utf-32", coding),
        ("application/json; charset=utf-7", coding),
        ("application/json; charset=iso-8859-1", coding),
        ("application/json; charset=utf-8; charset=utf-7", coding),
        ("application/json; charset=\"utf-8\\\"; charset=utf-7\"", coding),
        ("application/json; profile=x", coding),
        ("application/json, text/plain", coding),
        ("application/jsonx", coding),
        ("application/json-rpc", coding),
        ("application/x-json", coding),
        ("application/vnd.api+json", coding),
        ("text/json", coding),
        ("text/plain", coding),
        ("application/x-www-form-urlencoded", coding),
        ("multipart/form-data; boundary=x", coding),
        ("*/*", coding),
        ("", coding),
    ] {
        let draft = Draft::new(call(WEATHER)).instead("content-type", content_type);
        cases.push(case(format!("allowed as `{content_type}`"), &draft, fate));
        let denied = if fate == Passes { Refused("POLICY_DENIED") } else { fate };
        let draft = Draft::new(call(DELETE)).instead("content-type", content_type);
        cases.push(case(format!("denied as `{content_type}`"), &draft, denied));
    }
    let mut none = Draft::new(call(DELETE));
    none.headers.clear();
    cases.push(case("no content type", &none, coding));
    let two = Draft::new(call(WEATHER)).with("content-type", "text/plain");
    cases.push(case("two content types", &two, head));
    let same = Draft::new(call(WEATHER)).with("content-type", "application/json");
    cases.push(case("the same content type twice", &same, head));
    let utf7 = call(r#"{"name":"+AGQ-elete_branch","arguments":{}}"#);
    let draft = Draft::new(utf7).instead("content-type", "application/json; charset=utf-7");
    cases.push(case("UTF-7 inside", &draft, coding));
    check(cases).await;
}

#[tokio::test]
async fn codings_are_undone_before_anybody_decides() {
    let unsupported = Refused("ENCODING_UNSUPPORTED");
    let malformed = Refused("MALFORMED_BODY");
    let denied = Refused("POLICY_DENIED");
    let (weather, delete) = (call(WEATHER).into_bytes(), call(DELETE).into_bytes());
    let mut cases = Vec::new();
    for (name, coding, body, fate) in [
        ("gzip", "gzip", gzip(&weather), Passes),
        ("gzip, denied", "gzip", gzip(&delete), denied),
        ("x-gzip, denied", "x-gzip", gzip(&delete), denied),
        ("GZIP, denied", "GZIP", gzip(&delete), denied),
        ("deflate", "deflate", zlib(&weather), Passes),
        ("deflate, denied", "deflate", zlib(&delete), denied),
        ("gzip twice, denied", "gzip, gzip", gzip(&gzip(&delete)), denied),
        ("gzip and deflate, denied", "deflate, gzip", gzip(&zlib(&delete)), denied),
        ("said gzip, is not", "gzip", weather.clone(), malformed),
        ("said nothing, is gzip", "identity", gzip(&delete), malformed),
        ("cut short", "gzip", gzip(&weather)[..20].to_vec(), malformed),
        ("two members", "gzip", [gzip(&weather), gzip(&delete)].concat(), malformed),
        ("bytes behind it", "gzip", [gzip(&weather), delete.clone()].concat(), malformed),
        ("unknown", "compress", weather.clone(), unsupported),
        ("a word of nobody", "x", weather.clone(), unsupported),
        ("a list of nothing", ",", weather.clone(), Passes),
    ] {
        let draft = Draft::new(body).with("content-encoding", coding);
        cases.push(case(name, &draft, fate));
    }
    let twice = Draft::new(gzip(&gzip(&delete)))
        .with("content-encoding", "gzip")
        .with("content-encoding", "gzip");
    cases.push(case("gzip in two lines, denied", &twice, denied));
    check(cases).await;
}

#[tokio::test]
async fn mirrored_headers_say_what_the_body_says() {
    let wrong = Refused("HEADER_BODY_MISMATCH");
    let denied = Refused("POLICY_DENIED");
    let stateless = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
    let modern = |params: &str| call(&(params.strip_suffix('}').unwrap().to_owned() + stateless));
    let mut cases = Vec::new();
    for (name, params, headers, fate) in [
        ("none", WEATHER, vec![], Passes),
        ("both", WEATHER, vec![("mcp-method", "tools/call"), ("mcp-name", "get_weather")], Passes),
        (
            "both, denied",
            DELETE,
            vec![("mcp-method", "tools/call"), ("mcp-name", "delete_branch")],
            denied,
        ),
        ("another name", DELETE, vec![("mcp-name", "get_weather")], wrong),
        ("a denied name", WEATHER, vec![("mcp-name", "delete_branch")], wrong),
        ("another case", WEATHER, vec![("mcp-name", "Get_Weather")], wrong),
        ("an empty name", WEATHER, vec![("mcp-name", "")], wrong),
        (
            "names in two lines",
            DELETE,
            vec![("mcp-name", "delete_branch"), ("mcp-name", "get_weather")],
            wrong,
        ),
        (
            "the same name in two lines",
            WEATHER,
            vec![("mcp-name", "get_weather"), ("mcp-name", "get_weather")],
            wrong,
        ),
        ("names in one line", DELETE, vec![("mcp-name", "get_weather, delete_branch")], wrong),
        ("another method", DELETE, vec![("mcp-method", "ping")], wrong),
        ("a method of another case", WEATHER, vec![("mcp-method", "Tools/Call")], wrong),
        (
            "methods in two lines",
            WEATHER,
            vec![("mcp-method", "tools/call"), ("mcp-method", "ping")],
            wrong,
        ),
        ("wrapped in Base64", WEATHER, vec![("mcp-name", "=?base64?Z2V0X3dlYXRoZXI=?=")], Passes),
        ("wrapped, denied", DELETE, vec![("mcp-name", "=?base64?ZGVsZXRlX2JyYW5jaA==?=")], denied),
        (
            "wrapped, without padding",
            DELETE,
            vec![("mcp-name", "=?base64?ZGVsZXRlX2JyYW5jaA?=")],
            wrong,
        ),
        (
            "wrapped, bits in the padding",
            DELETE,
            vec![("mcp-name", "=?base64?ZGVsZXRlX2JyYW5jaB==?=")],
            wrong,
        ),
        (
            "wrapped by another word",
            WEATHER,
            vec![("mcp-name", "=?BASE64?Z2V0X3dlYXRoZXI=?=")],
            wrong,
        ),
        (
            "wrapped, of another name",
            DELETE,
            vec![("mcp-name", "=?base64?Z2V0X3dlYXRoZXI=?=")],
            wrong,
        ),
        (
            "an underscore for the dash",
            DELETE,
            vec![("mcp_name", "get_weather")],
            Refused("MALFORMED_HEAD"),
        ),
        ("a version twice", WEATHER, vec![("mcp-protocol-version", "2025-03-26")], wrong),
        ("param twice", WEATHER, vec![("mcp-param-city", "a"), ("mcp-param-city", "b")], wrong),
        ("param that cannot be decoded", WEATHER, vec![("mcp-param-city", "=?base64?%%?=")], wrong),
    ] {
        let dressed = |draft: Draft| {
            headers.iter().fold(draft, |draft, (name, value)| draft.with(name, value))
        };
        let draft = dressed(Draft::new(modern(params)).with("mcp-protocol-version", "2026-07-28"));
        cases.push(case(format!("2026-07-28: {name}"), &draft, fate));
        let draft = dressed(Draft::new(call(params)).with("mcp-protocol-version", "2025-11-25"));
        cases.push(case(format!("2025-11-25: {name}"), &draft, fate));
    }
    let draft = Draft::new(modern(DELETE)).with("mcp-protocol-version", "2025-11-25");
    cases.push(case("header and `_meta` of two generations", &draft, wrong));
    check(cases).await;
}

#[tokio::test]
async fn paths_have_one_spelling() {
    let nowhere = Refused("EGRESS_BLOCKED");
    let head = Refused("MALFORMED_HEAD");
    let denied = Refused("POLICY_DENIED");
    let mut cases = Vec::new();
    for (line, fate) in [
        ("POST /mcp HTTP/1.1", denied),
        ("POST /mcp/ HTTP/1.1", denied),
        ("POST /%6dcp HTTP/1.1", denied),
        ("POST /%6Dcp HTTP/1.1", denied),
        ("POST /x/../mcp HTTP/1.1", denied),
        ("POST /./mcp HTTP/1.1", denied),
        ("POST /mcp?name=get_weather HTTP/1.1", denied),
        ("POST /MCP HTTP/1.1", nowhere),
        ("POST /mcpx HTTP/1.1", nowhere),
        ("POST //mcp HTTP/1.1", head),
        ("POST /mcp// HTTP/1.1", head),
        ("POST /x/..%2fmcp HTTP/1.1", head),
        ("POST /%2e/mcp HTTP/1.1", head),
        ("POST /..;/mcp HTTP/1.1", head),
        ("POST /%256dcp HTTP/1.1", head),
        ("POST /mcp%00 HTTP/1.1", head),
        ("POST /mcp\\ HTTP/1.1", head),
        ("POST /mcp#x HTTP/1.1", Refused("MALFORMED_HEAD")),
        ("POST mcp HTTP/1.1", head),
        ("POST http://localhost/mcp HTTP/1.1", nowhere),
        ("POST http://user@localhost/mcp HTTP/1.1", head),
        ("post /mcp HTTP/1.1", Refused("METHOD_UNKNOWN")),
        ("PUT /mcp HTTP/1.1", Refused("METHOD_UNKNOWN")),
        ("PATCH /mcp HTTP/1.1", Refused("METHOD_UNKNOWN")),
        ("GET /mcp HTTP/1.1", Refused("MALFORMED_BODY")),
        ("DELETE /mcp HTTP/1.1", Refused("MALFORMED_BODY")),
        ("POST /mcp HTTP/1.2", head),
        ("POST /mcp HTTP/0.9", head),
        ("POST  /mcp HTTP/1.1", head),
        ("POST /mcp  HTTP/1.1", nowhere),
    ] {
        cases.push(case(line, &Draft::new(call(DELETE)).line(line), fate));
    }
    for header in ["x-http-method-override", "x-original-url", "x-rewrite-url", "x-forwarded-for"] {
        let draft = Draft::new(call(WEATHER)).with(header, "/mcp");
        cases.push(case(header, &draft, Passes));
    }
    check(cases).await;
}

fn framed(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

fn chunks(body: &str, end: &str) -> String {
    format!("{:x}\r\n{body}\r\n{end}", body.len())
}

#[tokio::test]
async fn framing_has_one_reading() {
    let head = Refused("MALFORMED_HEAD");
    let denied = Refused("POLICY_DENIED");
    let (weather, delete) = (call(WEATHER), call(DELETE));
    let length = |body: &str| format!("content-length: {}\r\n", body.len());
    let chunked = "transfer-encoding: chunked\r\n".to_owned();
    let plain = chunks(&weather, "0\r\n\r\n");
    let extended = format!("{:x};name=delete_branch\r\n{weather}\r\n0;x=y\r\n\r\n", weather.len());
    let trailers = chunks(&weather, "0\r\nmcp-name: delete_branch\r\nx: y\r\n\r\n");
    let cases = [
        ("a length", framed(&length(&weather), &weather), Passes),
        ("chunks", framed(&chunked, &plain), Passes),
        ("chunks, denied", framed(&chunked, &chunks(&delete, "0\r\n\r\n")), denied),
        ("length and chunks", framed(&format!("{}{chunked}", length(&weather)), &plain), head),
        ("chunks and length", framed(&format!("{chunked}content-length: 4\r\n"), &plain), head),
        ("equal lengths twice", framed(&length(&weather).repeat(2), &weather), head),
        (
            "two lengths",
            framed(&format!("{}content-length: 5\r\n", length(&weather)), &weather),
            head,
        ),
        (
            "a list of lengths",
            framed(&format!("content-length: {0}, {0}\r\n", weather.len()), &weather),
            head,
        ),
        (
            "a signed length",
            framed(&format!("content-length: +{}\r\n", weather.len()), &weather),
            head,
        ),
        ("a hexadecimal length", framed("content-length: 0x20\r\n", &weather), head),
        ("chunked twice", framed(&chunked.repeat(2), &plain), head),
        ("chunked, identity", framed("transfer-encoding: chunked, identity\r\n", &plain), head),
        ("xchunked", framed("transfer-encoding: xchunked\r\n", &plain), head),
        ("a tab before chunked", framed("transfer-encoding:\tchunked\r\n", &plain), Passes),
        ("a blank before the colon", framed("transfer-encoding : chunked\r\n", &plain), head),
        (
            "a folded header",
            framed(&format!("x-a: b\r\n c: d\r\n{}", length(&weather)), &weather),
            head,
        ),
        ("a bare line feed", framed(&format!("x-a: b\n{}", length(&weather)), &weather), head),
        (
            "a bare carriage return",
            framed(&format!("x-a: b\rc: d\r\n{}", length(&weather)), &weather),
            head,
        ),
        ("NUL in a header", framed(&format!("x-a: b\0c\r\n{}", length(&weather)), &weather), head),
        ("chunk extensions", framed(&chunked, &extended), Passes),
        ("trailers", framed(&chunked, &trailers), Passes),
        ("no host", weather_without_host(), head),
    ];
    let cases = cases.map(|(name, request, fate)| Case { name: name.to_owned(), request, fate });
    check(cases.into()).await;
}

fn weather_without_host() -> Vec<u8> {
    let body = call(WEATHER);
    format!(
        "POST /mcp HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads answers until the gate closes the connection or has nothing more to say.
async fn answers(client: &mut RawClient) -> usize {
    let mut answers = 0;
    while let Ok(Ok(_)) = tokio::time::timeout(SILENCE, client.try_answer()).await {
        answers += 1;
    }
    answers
}

/// What follows a request on its connection is never a part of it, and never runs unseen.
#[tokio::test]
async fn nothing_rides_behind_a_request() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .mcp("tools", "/mcp", &format!("{}/mcp", upstream.url()))
        .policy(POLICY_NO_DELETE)
        .start()
        .await;
    upstream.on("/mcp", tollgate_tests::json_answer(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#));
    let hidden = String::from_utf8(Draft::new(call(DELETE)).bytes()).unwrap();
    let (weather, length) = (call(WEATHER), call(WEATHER).len());
    let carriers = [
        ("behind a length", framed(&format!("content-length: {length}\r\n"), &format!("{weather}{hidden}"))),
        ("behind both framings", framed(&format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", 5 + hidden.len()), &format!("0\r\n\r\n{hidden}"))),
        ("behind a declined upgrade", framed(&format!("connection: upgrade\r\nupgrade: x\r\ncontent-length: {length}\r\n"), &format!("{weather}{hidden}"))),
        ("behind trailers", framed("transfer-encoding: chunked\r\n", &format!("{}{hidden}", chunks(&weather, "0\r\nx: y\r\n\r\n")))),
        ("behind a body of GET", format!("GET /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n{hidden}").into_bytes()),
        ("behind a refusal", [Draft::new(call(DELETE)).bytes(), hidden.clone().into_bytes()].concat()),
        ("behind HTTP/1.0", format!("POST /mcp HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{weather}{hidden}").into_bytes()),
    ];
    for (name, request) in carriers {
        let mut client = RawClient::connect(world.plain()).await;
        client.send(&request).await;
        let answers = answers(&mut client).await;
        assert!(answers > 0, "{name}");
        for seen in upstream.take_seen() {
            let text = String::from_utf8_lossy(&seen.body).into_owned() + &seen.head;
            assert!(!text.contains("delete_branch"), "{name}: {text}");
        }
    }
    for bytes in upstream.wire() {
        assert!(!String::from_utf8_lossy(&bytes).contains("delete_branch"));
    }
}
