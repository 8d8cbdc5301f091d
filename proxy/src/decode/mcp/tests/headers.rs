//! Headers that mirror the body.
use super::super::super::RPC_HEADER_MISMATCH;
use super::*;

const MODERN: Lines = &[
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "get_weather"),
];

#[test]
fn headers_that_disagree_are_refused_in_every_generation() {
    let ping = json!({"jsonrpc": "2.0", "id": 4, "method": "ping"});
    let odd = modern("zwölf");
    let weather = modern("get_weather");
    let old = legacy("get_weather");
    let cases: Vec<(&str, Lines, &Value, bool)> = vec![
        ("all agree", MODERN, &weather, true),
        ("none there", &[], &weather, true),
        ("legacy, none there", &[], &old, true),
        ("legacy, agree", &[("mcp-method", "tools/call"), ("mcp-name", "get_weather")], &old, true),
        ("white space around", &[("mcp-name", "  get_weather\t")], &weather, true),
        ("method differs", &[("mcp-method", "tools/list")], &weather, false),
        ("method differs in case", &[("mcp-method", "TOOLS/CALL")], &weather, false),
        ("method is not decoded", &[("mcp-method", "=?base64?cGluZw==?=")], &ping, false),
        ("name differs", &[("mcp-name", "delete_branch")], &weather, false),
        ("legacy name differs", &[("mcp-name", "delete_branch")], &old, false),
        ("legacy method differs", &[("mcp-method", "ping")], &old, false),
        ("name differs in case", &[("mcp-name", "Get_Weather")], &weather, false),
        (
            "two names",
            &[("mcp-name", "get_weather"), ("mcp-name", "delete_branch")],
            &weather,
            false,
        ),
        (
            "one name twice",
            &[("mcp-name", "get_weather"), ("mcp-name", "get_weather")],
            &weather,
            false,
        ),
        (
            "two methods",
            &[("mcp-method", "tools/call"), ("mcp-method", "tools/call")],
            &weather,
            false,
        ),
        (
            "two versions",
            &[("mcp-protocol-version", "2026-07-28"), ("mcp-protocol-version", "2026-07-28")],
            &weather,
            false,
        ),
        ("two of an unknown header", &[("mcp-x", "a"), ("mcp-x", "a")], &weather, false),
        ("base64", &[("mcp-name", "=?base64?Z2V0X3dlYXRoZXI=?=")], &weather, true),
        ("base64 of another", &[("mcp-name", "=?base64?ZGVsZXRl?=")], &weather, false),
        ("base64 beyond ascii", &[("mcp-name", "=?base64?enfDtmxm?=")], &odd, true),
        ("raw beyond ascii", &[("mcp-name", "zwölf")], &odd, false),
        (
            "sentinel in upper case is literal",
            &[("mcp-name", "=?BASE64?Z2V0X3dlYXRoZXI=?=")],
            &weather,
            false,
        ),
        ("base64 without padding", &[("mcp-name", "=?base64?Z2V0X3dlYXRoZXI?=")], &weather, false),
        (
            "base64 with bits after the end",
            &[("mcp-name", "=?base64?Z2V0X3dlYXRoZXJ=?=")],
            &weather,
            false,
        ),
        (
            "base64 with other letters",
            &[("mcp-name", "=?base64?Z2V0X3dl!!!XRoZXI=?=")],
            &weather,
            false,
        ),
        ("base64 of no utf-8", &[("mcp-name", "=?base64?/w==?=")], &weather, false),
        ("name where none is", &[("mcp-name", "x")], &ping, false),
        ("empty name where none is", &[("mcp-name", "")], &ping, false),
        ("version differs", &[("mcp-protocol-version", "2025-11-25")], &weather, false),
        ("version beyond ascii", &[("mcp-protocol-version", "2026-07-28é")], &old, false),
        (
            "unsupported version is the upstream's",
            &[("mcp-protocol-version", "1900-01-01")],
            &old,
            true,
        ),
        (
            "param",
            &[("mcp-param-region", "eu"), ("mcp-param-note", "=?base64?SGVsbG8=?=")],
            &weather,
            true,
        ),
        (
            "param that only looks wrapped",
            &[("mcp-param-note", "=?base64?SGVsbG8=")],
            &weather,
            true,
        ),
        ("param twice", &[("mcp-param-a", "1"), ("mcp-param-a", "1")], &weather, false),
        ("param without padding", &[("mcp-param-a", "=?base64?SGVsbG8?=")], &weather, false),
        ("param with other letters", &[("mcp-param-a", "=?base64?SGVs!!!bG8=?=")], &weather, false),
        ("param beyond ascii", &[("mcp-param-a", "é")], &weather, false),
        ("legacy param without padding", &[("mcp-param-a", "=?base64?SGVsbG8?=")], &old, false),
    ];
    for (name, lines, body, passes) in cases {
        let result = post(lines, body.to_string().as_bytes());
        assert_eq!(result.is_ok(), passes, "{name}");
        if let Err(refusal) = result {
            assert_eq!(refusal.code, Code::HeaderBodyMismatch, "{name}");
            assert_eq!(refusal.rpc, RPC_HEADER_MISMATCH, "{name}");
            assert_eq!(refusal.id, Some(RpcId::Integer(4)), "{name}");
        }
    }
    let response = json!({"jsonrpc": "2.0", "id": 4, "result": {}});
    for method in ["tools/call", RESPONSE_METHOD] {
        let result = post(&[("mcp-method", method)], response.to_string().as_bytes());
        assert_eq!(result.unwrap_err().code, Code::HeaderBodyMismatch);
    }
}

#[test]
fn names_come_from_the_member_that_the_method_defines() {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    for (method, member) in [
        ("tools/call", "name"),
        ("prompts/get", "name"),
        ("resources/read", "uri"),
        ("resources/subscribe", "uri"),
        ("resources/unsubscribe", "uri"),
        ("tasks/get", "taskId"),
        ("tasks/update", "taskId"),
        ("tasks/cancel", "taskId"),
    ] {
        let body = json!({"jsonrpc": "2.0", "id": 4, "method": method,
            "params": {"_meta": meta, member: "right", "task": "wrong"}});
        assert!(post(&[("mcp-name", "right")], body.to_string().as_bytes()).is_ok(), "{method}");
        assert!(post(&[("mcp-name", "wrong")], body.to_string().as_bytes()).is_err(), "{method}");
    }
}

fn rebuilt(lines: &[(&str, &str)], body: &Value) -> Vec<(String, String)> {
    let mut all = vec![JSON];
    all.extend_from_slice(lines);
    let mut headers = header_map(&all);
    let call = decode(&Method::POST, &headers, body.to_string().as_bytes(), DEPTH).unwrap();
    rebuild_headers(&call, &mut headers);
    let mut left: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    left.sort();
    left
}

#[test]
fn headers_are_written_from_the_body() {
    let own = |lines: &[(&str, &str)]| -> Vec<(String, String)> {
        lines.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    };
    let cases: Vec<(&str, Lines, Value, Lines)> = vec![
        (
            "stateless",
            &[
                ("mcp-protocol-version", " 2026-07-28 "),
                ("mcp-method", "tools/call"),
                ("mcp-name", "=?base64?Z2V0X3dlYXRoZXI=?="),
                ("mcp-param-region", "eu"),
                ("mcp-other", "x"),
                ("content-length", "7"),
                ("content-encoding", "gzip"),
                ("accept", "*/*"),
            ],
            modern("get_weather"),
            &[
                ("accept", "*/*"),
                JSON,
                ("mcp-method", "tools/call"),
                ("mcp-name", "get_weather"),
                ("mcp-param-region", "eu"),
                ("mcp-protocol-version", "2026-07-28"),
            ],
        ),
        ("what is missing stays missing", &[], modern("get_weather"), &[JSON]),
        (
            "a name that no header can carry",
            &[("mcp-name", "=?base64?enfDtmxm?=")],
            modern("zwölf"),
            &[JSON, ("mcp-name", "=?base64?enfDtmxm?=")],
        ),
        (
            "a name that looks wrapped",
            &[("mcp-name", "=?base64?PT9iYXNlNjQ/YT89?=")],
            modern("=?base64?a?="),
            &[JSON, ("mcp-name", "=?base64?PT9iYXNlNjQ/YT89?=")],
        ),
        (
            "session",
            &[
                ("mcp-session-id", "s"),
                ("mcp-protocol-version", "2025-11-25"),
                ("mcp-param-a", "1"),
            ],
            legacy("x"),
            &[JSON, ("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", "s")],
        ),
    ];
    for (name, lines, body, expect) in cases {
        assert_eq!(rebuilt(lines, &body), own(expect), "{name}");
    }
    let mut get =
        header_map(&[JSON, ("mcp-name", "x"), ("mcp-session-id", "s"), ("content-length", "0")]);
    rebuild_headers(&McpCall::Listen, &mut get);
    assert_eq!(get, header_map(&[("mcp-session-id", "s")]));
}

#[test]
fn a_redaction_reaches_the_headers_that_mirror_it() {
    let before =
        json!({"key": "AKIA-secret", "deep": [{"n": 7, "same": "eu"}], "note": "AKIA-secret!"});
    let after =
        json!({"key": "[redacted]", "deep": [{"n": 8, "same": "eu"}], "note": "[rédacted]"});
    let mut map = header_map(&[
        ("mcp-param-key", "AKIA-secret"),
        ("mcp-param-wrapped", "=?base64?QUtJQS1zZWNyZXQh?="),
        ("mcp-param-n", "7"),
        ("mcp-param-same", "eu"),
        ("mcp-param-unknown", "else"),
        ("x-other", "AKIA-secret"),
    ]);
    remirror(&mut map, &before, &after);
    assert_eq!(
        map,
        header_map(&[
            ("mcp-param-key", "[redacted]"),
            ("mcp-param-wrapped", "=?base64?W3LDqWRhY3RlZF0=?="),
            ("mcp-param-n", "8"),
            ("mcp-param-same", "eu"),
            ("mcp-param-unknown", "else"),
            ("x-other", "AKIA-secret"),
        ])
    );
    let values: Vec<String> = params(&map).into_iter().map(|param| param.value).collect();
    assert_eq!(values, ["[redacted]", "[rédacted]", "8", "eu", "else"]);
}
