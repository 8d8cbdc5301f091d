use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::json;
use tollgate_rules::Arguments;

use super::super::RPC_INVALID_REQUEST;
use super::headers::{params, set_param};
use super::*;

mod bodies;
mod headers;

type Lines = &'static [(&'static str, &'static str)];

const JSON: (&str, &str) = ("content-type", "application/json");
const DEPTH: usize = 64;

fn header_map(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

fn post(lines: &[(&str, &str)], body: &[u8]) -> Result<McpCall, Malformed> {
    let mut all = vec![JSON];
    all.extend_from_slice(lines);
    decode(&Method::POST, &header_map(&all), body, DEPTH)
}

fn one(lines: &[(&str, &str)], body: &Value) -> Message {
    match post(lines, body.to_string().as_bytes()) {
        Ok(McpCall::Message(message)) => *message,
        other => panic!("{body}: {other:?}"),
    }
}

/// What rules see as arguments.
fn words(message: &Message) -> Value {
    let words = Arguments::within(Arc::clone(message.document()), message.words());
    Value::clone(&words)
}

/// A `tools/call` of the stateless generation.
fn modern(name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {
        "name": name, "arguments": {"n": 3},
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}})
}

fn legacy(name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call",
        "params": {"name": name, "arguments": {"n": 3}}})
}

#[test]
fn generations() {
    use Era::*;
    let initialize = |version: &str| {
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {"protocolVersion": version}})
    };
    let list = json!({"jsonrpc": "2.0", "id": 0, "method": "tools/list"});
    let cases: Vec<(&str, Option<&str>, Value, Era)> = vec![
        ("nothing said", None, list.clone(), Session2025_03_26),
        ("2025-03-26", Some("2025-03-26"), list.clone(), Session2025_03_26),
        ("2025-06-18", Some("2025-06-18"), list.clone(), Session2025_06_18),
        ("2025-11-25", Some("2025-11-25"), list.clone(), Session2025_11_25),
        ("header alone", Some("2026-07-28"), list.clone(), Stateless),
        ("later", Some("2027-01-01"), list.clone(), Stateless),
        ("earlier", Some("2024-11-05"), list.clone(), Session2025_11_25),
        ("nonsense", Some("zzz"), list.clone(), Session2025_11_25),
        ("empty", Some(""), list, Session2025_11_25),
        ("body", Some("2026-07-28"), modern("x"), Stateless),
        ("body without header", None, modern("x"), Stateless),
        ("initialize", None, initialize("2025-11-25"), Session2025_11_25),
        ("initialize 2025-06-18", None, initialize("2025-06-18"), Session2025_06_18),
        ("initialize is never stateless", None, initialize("2026-07-28"), Session2025_11_25),
    ];
    for (name, version, body, era) in cases {
        let lines: Vec<_> = version.map(|v| ("mcp-protocol-version", v)).into_iter().collect();
        assert_eq!(one(&lines, &body).era(), era, "{name}");
    }
}

#[test]
fn messages_are_understood() {
    let tool = |name: &str| (Some(name.to_owned()), None);
    let resource = |name: &str| (None, Some(name.to_owned()));
    let none = || (None, None);
    let request = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params});
    let cases = [
        (legacy("x"), "tools/call", tool("x")),
        (request("tools/call", json!({"name": ""})), "tools/call", tool("")),
        (request("prompts/get", json!({"name": "p"})), "prompts/get", resource("p")),
        (
            request("resources/read", json!({"uri": "file:///a"})),
            "resources/read",
            resource("file:///a"),
        ),
        (request("resources/subscribe", json!({"uri": "u"})), "resources/subscribe", resource("u")),
        (
            request(
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": "p", "uri": "u"}}),
            ),
            "completion/complete",
            resource("p"),
        ),
        (
            request(
                "completion/complete",
                json!({"ref": {"type": "ref/resource", "name": "p", "uri": "u"}}),
            ),
            "completion/complete",
            resource("u"),
        ),
        (request("tasks/get", json!({"taskId": "t"})), "tasks/get", none()),
        (request("server/discover", json!({})), "server/discover", none()),
        (request("subscriptions/listen", json!({})), "subscriptions/listen", none()),
        (request("tools/destroy", json!({"name": "x"})), "tools/destroy", none()),
        (
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            "notifications/initialized",
            none(),
        ),
        (json!({"jsonrpc": "2.0", "id": 1, "result": {}}), RESPONSE_METHOD, none()),
        (
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": ""}}),
            RESPONSE_METHOD,
            none(),
        ),
    ];
    for (body, method, named) in cases {
        let message = one(&[], &body);
        let action = message.action(Some("upstream".to_owned()));
        assert_eq!(action.method, method);
        assert_eq!((action.tool, action.resource), named, "{body}");
        assert_eq!(message.is_tools_call(), method == "tools/call");
        assert_eq!(message.document().tree(), &body);
    }
    assert_eq!(words(&one(&[], &legacy("x"))), json!({"n": 3}));
    let ping = |params: Value| {
        one(&[], &json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": params}))
    };
    // Only what has arguments by the specification has a part of its own for them: beside anything
    // else they hide nothing.
    for params in [json!({"a": 1}), json!({"arguments": null}), json!({"a": 1, "arguments": {}})] {
        assert_eq!(words(&ping(params.clone())), params);
    }
    let alone = one(&[], &json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}));
    assert_eq!((words(&alone), alone.words_part()), (Value::Null, None));
}

#[test]
fn what_rules_do_not_see_is_not_said() {
    let params = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params}}}}}"#)
    };
    let code = |body: String| post(&[], body.as_bytes()).err().map(|malformed| malformed.code);
    for (given, expect) in [
        (r#""name":"x","arguments":{"n":1},"_meta":{},"task":{}"#, None),
        (r#""name":"x","args":{"n":1}"#, Some(Code::MalformedBody)),
        (r#""name":"x","Name":"y""#, Some(Code::MalformedBody)),
        (r#""name":"x","Arguments":{"n":1}"#, Some(Code::MalformedBody)),
        (r#""name":"x","arguments":{"amount":1,"Amount":9}"#, Some(Code::DuplicateKey)),
        (r#""name":"x","arguments":{"task":1,"ta\u017fk":9}"#, Some(Code::DuplicateKey)),
        (r#""name":"x","arguments":{"a":{"b":1,"B":2}}"#, None),
    ] {
        assert_eq!(code(params(given)), expect, "{given}");
    }
    let read = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{{{params}}}}}"#)
    };
    assert_eq!(code(read(r#""uri":"file:///a","URI":"file:///b""#)), Some(Code::DuplicateKey));
    assert_eq!(code(read(r#""uri":"file:///a","URL":"file:///b""#)), None);
}

#[test]
fn ids() {
    let ping = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    for (id, expect) in [
        ("0", RpcId::Integer(0)),
        ("-1", RpcId::Integer(-1)),
        ("9007199254740991", RpcId::Integer(9_007_199_254_740_991)),
        ("-9007199254740991", RpcId::Integer(-9_007_199_254_740_991)),
        ("\"\"", RpcId::Text(String::new())),
        ("\"listen-1\"", RpcId::Text("listen-1".to_owned())),
        ("\"1\"", RpcId::Text("1".to_owned())),
    ] {
        let Ok(McpCall::Message(message)) = post(&[], ping(id).as_bytes()) else { panic!("{id}") };
        assert_eq!(message.id(), Some(&expect), "{id}");
        assert_eq!(expect.to_value().to_string(), id);
    }
    let long = format!("\"{}\"", "x".repeat(1025));
    for id in [
        "null",
        "true",
        "{}",
        "[]",
        "1.0",
        "1.5",
        "-0",
        "1e2",
        "9007199254740992",
        "9007199254740993",
        "-9007199254740992",
        "18446744073709551615",
        long.as_str(),
    ] {
        let refusal = post(&[], ping(id).as_bytes()).unwrap_err();
        assert_eq!((refusal.code, refusal.rpc), (Code::MalformedBody, RPC_INVALID_REQUEST), "{id}");
        assert_eq!(refusal.id, None);
    }
}

#[test]
fn an_escaped_name_is_the_name() {
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/c\u0061ll","params":{"n\u0061me":"\u0064elete_branch"}}"#;
    let Ok(call) = post(&[], body) else { panic!() };
    let action = call.messages()[0].action(None);
    assert_eq!(
        (action.method.as_str(), action.tool.as_deref()),
        ("tools/call", Some("delete_branch"))
    );
    assert_eq!(
        encode(&call, 0),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_branch"}}"#
    );
}

#[test]
fn content_types() {
    let body = legacy("x").to_string();
    for (lines, passes) in [
        (&["application/json"][..], true),
        (&["Application/JSON; charset=UTF-8"], true),
        (&["application/json;charset=\"utf-8\""], true),
        (&[], false),
        (&["application/json", "text/plain"], false),
        (&["application/json", "application/json"], false),
        (&["application/json, text/plain"], false),
        (&["application/jsonx"], false),
        (&["application/json-rpc"], false),
        (&["application/vnd.api+json"], false),
        (&["text/plain"], false),
        (&["text/json"], false),
        (&["application/json; charset=utf-7"], false),
        (&["application/json; charset=utf-16le"], false),
        (&["application/json; charset=utf-8; charset=utf-7"], false),
        (&["application/json; profile=x"], false),
        (&["application/json;"], false),
        (&["application/x-www-form-urlencoded"], false),
    ] {
        let lines: Vec<_> = lines.iter().map(|value| ("content-type", *value)).collect();
        let result = decode(&Method::POST, &header_map(&lines), body.as_bytes(), DEPTH);
        assert_eq!(result.is_ok(), passes, "{lines:?}");
        if let Err(refusal) = result {
            assert!(
                matches!(refusal.code, Code::EncodingUnsupported | Code::MalformedHead),
                "{lines:?}"
            );
        }
    }
}

#[test]
fn methods_of_http() {
    let lines = header_map(&[JSON]);
    let read = |method: &Method, body: &[u8]| decode(method, &lines, body, DEPTH);
    assert_eq!(read(&Method::GET, b""), Ok(McpCall::Listen));
    assert_eq!(read(&Method::DELETE, b""), Ok(McpCall::End));
    for method in [Method::GET, Method::DELETE] {
        let refusal = read(&method, legacy("x").to_string().as_bytes()).unwrap_err();
        assert_eq!(refusal.code, Code::MalformedBody);
    }
    for method in [Method::PUT, Method::PATCH, Method::HEAD, Method::OPTIONS] {
        assert_eq!(read(&method, b"").unwrap_err().code, Code::MethodUnknown, "{method}");
    }
}

#[test]
fn batches() {
    let ping = |id: u64| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let init = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}});
    let many = |count: u64| Value::Array((0..count).map(ping).collect());
    let cases: Vec<(&str, Lines, Value, Option<Code>)> = vec![
        ("no version", &[], json!([ping(1), legacy("x"), note]), None),
        ("2025-03-26", &[("mcp-protocol-version", "2025-03-26")], json!([ping(1)]), None),
        ("64", &[], many(64), None),
        ("65", &[], many(65), Some(Code::BatchRefused)),
        ("empty", &[], json!([]), Some(Code::BatchRefused)),
        (
            "2025-06-18",
            &[("mcp-protocol-version", "2025-06-18")],
            json!([ping(1)]),
            Some(Code::BatchRefused),
        ),
        (
            "2025-11-25",
            &[("mcp-protocol-version", "2025-11-25")],
            json!([ping(1)]),
            Some(Code::BatchRefused),
        ),
        (
            "2026-07-28",
            &[("mcp-protocol-version", "2026-07-28")],
            json!([ping(1)]),
            Some(Code::BatchRefused),
        ),
        (
            "2024-11-05",
            &[("mcp-protocol-version", "2024-11-05")],
            json!([ping(1)]),
            Some(Code::BatchRefused),
        ),
        (
            "empty version",
            &[("mcp-protocol-version", "")],
            json!([ping(1)]),
            Some(Code::BatchRefused),
        ),
        (
            "version beyond ascii",
            &[("mcp-protocol-version", "é")],
            json!([ping(1)]),
            Some(Code::HeaderBodyMismatch),
        ),
        ("stateless inside", &[], json!([ping(1), modern("x")]), Some(Code::BatchRefused)),
        ("initialize inside", &[], json!([ping(2), init]), Some(Code::BatchRefused)),
        ("same id", &[], json!([ping(1), ping(1)]), Some(Code::BatchRefused)),
        ("nested", &[], json!([[ping(1)]]), Some(Code::MalformedBody)),
        (
            "broken inside",
            &[],
            json!([ping(1), {"jsonrpc": "2.0", "id": 2}]),
            Some(Code::MalformedBody),
        ),
        (
            "method header",
            &[("mcp-method", "ping")],
            json!([ping(1)]),
            Some(Code::HeaderBodyMismatch),
        ),
        ("name header", &[("mcp-name", "x")], json!([legacy("x")]), Some(Code::HeaderBodyMismatch)),
        (
            "two versions",
            &[("mcp-protocol-version", "2025-03-26"), ("mcp-protocol-version", "2025-06-18")],
            json!([ping(1)]),
            Some(Code::HeaderBodyMismatch),
        ),
    ];
    for (name, lines, body, code) in cases {
        let result = post(lines, body.to_string().as_bytes());
        match (&result, code) {
            (Ok(call), None) => assert_eq!(encode(call, 0), body.to_string(), "{name}"),
            (Err(refusal), Some(code)) => {
                assert_eq!((refusal.code, &refusal.id), (code, &None), "{name}");
            }
            _ => panic!("{name}: {result:?}"),
        }
    }
}

#[test]
fn a_redacted_message_is_the_same_call_or_none() {
    let original = modern("get_weather");
    let change = |pointer: &str, value: Value| {
        let mut document = original.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    for (name, document, passes) in [
        ("argument", change("/params/arguments/n", json!("[redacted]")), true),
        ("id", change("/id", json!(5)), false),
        ("method", change("/method", json!("ping")), false),
        ("tool", change("/params/name", json!("[redacted]")), false),
        ("arguments", change("/params/arguments", json!("[redacted]")), false),
        ("message", json!("[redacted]"), false),
    ] {
        let mut message = one(&[], &original);
        assert_eq!(message.redact(document.clone()).is_ok(), passes, "{name}");
        let expect = if passes { &document } else { &original };
        assert_eq!(message.document().tree(), expect, "{name}");
    }
}

fn pieces() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!("2.0")),
        Just(json!("tools/call")),
        Just(json!("get_weather")),
        Just(json!("2026-07-28")),
        any::<i64>().prop_map(Value::from),
        Just(json!([])),
    ];
    leaf.prop_recursive(3, 16, 5, |inner| {
        let key = prop::sample::select(vec![
            "jsonrpc",
            "id",
            "method",
            "params",
            "result",
            "error",
            "name",
            "arguments",
            "_meta",
            "io.modelcontextprotocol/protocolVersion",
            "uri",
        ]);
        prop_oneof![
            prop::collection::hash_map(key, inner.clone(), 0..6).prop_map(|map| {
                map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
            prop::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

proptest! {
    /// Whatever passes once passes again unchanged: what is forwarded means what was decided.
    #[test]
    fn what_is_written_is_read_again(body in pieces(), version in prop::option::of("20[0-9]{2}-0[0-9]-28")) {
        let lines: Vec<_> = version.iter().map(|v| ("mcp-protocol-version", v.as_str())).collect();
        if let Ok(call) = post(&lines, body.to_string().as_bytes()) {
            let written = encode(&call, 0);
            prop_assert_eq!(post(&lines, &written), Ok(call));
        }
    }

    #[test]
    fn no_bytes_panic(
        body in prop::collection::vec(any::<u8>(), 0..64),
        value in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut map = header_map(&[JSON]);
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            map.insert("mcp-name", value.clone());
            map.insert("mcp-param-a", value);
        }
        let _ = decode(&Method::POST, &map, &body, DEPTH);
        let _ = decode(&Method::POST, &map, modern("x").to_string().as_bytes(), DEPTH);
        let _ = params(&map);
    }

    /// Any name survives the way into a header and out of it.
    #[test]
    fn any_name_can_be_mirrored(name in any::<String>()) {
        let param = HeaderName::from_static("mcp-param-a");
        let mut map = HeaderMap::new();
        set_param(&mut map, &param, &name);
        let read = params(&map);
        prop_assert_eq!(read.first().map(|p| p.value.as_str()), Some(name.as_str()));
    }
}
