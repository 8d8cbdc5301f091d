//! MCP on the wire: a refused tool never arrives, whatever it is wrapped in, and refusals have the
//! form that sessions survive.
use serde_json::{Value, json};
use tollgate_tests::{Answer, RawClient, Upstream, World, json_answer, until};

const POLICY: &str = r#"
version: "test"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: DENY }
rules:
  - { id: no-deletion, match: { tool_name: delete_branch }, outcome: DENY }
  - { id: the-rest, match: { protocol: mcp }, outcome: ALLOW }
"#;

/// What servers of all kinds were seen to execute as a call of `delete_branch`.
fn wrappings() -> Vec<(&'static str, String, Vec<u8>)> {
    let json = "content-type: application/json\r\n";
    let call = |inner: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call",{inner}}}"#);
    let plain = call(r#""params":{"name":"delete_branch","arguments":{}}"#);
    let harmless = call(r#""params":{"name":"get_weather","arguments":{}}"#);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let deep = |levels: usize| {
        let arguments = "[".repeat(levels) + &"]".repeat(levels);
        call(&format!(r#""params":{{"name":"delete_branch","arguments":{{"a":{arguments}}}}}"#))
    };
    let text = |name, headers: &str, body: String| (name, headers.to_owned(), body.into_bytes());
    vec![
        text("as it is", json, plain.clone()),
        text("under another header", "content-type: application/json\r\nmcp-name: get_weather\r\nmcp-method: tools/call\r\n", plain.clone()),
        text("under two headers", "content-type: application/json\r\nmcp-name: get_weather\r\nmcp-name: delete_branch\r\n", plain.clone()),
        text("with two names", json, call(r#""params":{"name":"get_weather","name":"delete_branch","arguments":{}}"#)),
        text("with two params", json, call(r#""params":{"name":"get_weather"},"params":{"name":"delete_branch"}"#)),
        text("with two methods", json, r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"delete_branch"}}"#.to_owned()),
        text("in escapes", json, call(r#""params":{"n\u0061me":"\u0064elete_branch","arguments":{}}"#)),
        text("in a batch", json, format!("[{harmless},{plain}]")),
        text("in a batch of old", "content-type: application/json\r\nmcp-protocol-version: 2025-03-26\r\n", format!("[{harmless},{plain}]")),
        ("in UTF-16", json.to_owned(), utf16(&plain)),
        ("in UTF-16 that says so", "content-type: application/json; charset=utf-16le\r\n".to_owned(), utf16(&plain)),
        text("in UTF-7", "content-type: application/json; charset=utf-7\r\n", plain.replace('d', "+AGQ-")),
        text("under two content types", "content-type: application/json\r\ncontent-type: text/plain\r\n", plain.clone()),
        text("as plain text", "content-type: text/plain\r\n", plain.clone()),
        text("as jsonx", "content-type: application/jsonx\r\n", plain.clone()),
        text("without a type", "", plain.clone()),
        text("as an answer, too", json, call(r#""params":{"name":"delete_branch"},"result":{}"#)),
        text("behind a byte order mark", json, format!("\u{feff}{plain}")),
        ("with a byte that is no UTF-8", json.to_owned(), plain.replace("{}", "{\"a\":\"?\"}").replace('?', "\u{1}").into_bytes().into_iter().map(|byte| if byte == 1 { 0xff } else { byte }).collect()),
        text("with half a surrogate", json, call(r#""params":{"name":"delete_branch","arguments":{"a":"\ud800"}}"#)),
        text("deep", json, deep(60)),
        text("too deep", json, deep(5000)),
        text("with an id beyond counting", json, plain.replace("\"id\":1", "\"id\":9007199254740993")),
        text("with a null id", json, plain.replace("\"id\":1", "\"id\":null")),
        text("with a truth for an id", json, plain.replace("\"id\":1", "\"id\":true")),
        text("without an id", json, plain.replace("\"id\":1,", "")),
        text("with something behind it", json, format!("{harmless}{plain}")),
        text("with a comment", json, format!("/**/{plain}")),
    ]
}

async fn post(world: &World, headers: &str, body: &[u8]) -> Answer {
    let mut client = RawClient::connect(world.plain()).await;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    client.send(head).await;
    client.call(body).await
}

#[tokio::test]
async fn a_denied_tool_never_arrives() {
    let upstream = Upstream::start().await;
    let world = World::builder().mcp("mcp", "/mcp", &upstream.url()).policy(POLICY).start().await;
    for (name, headers, body) in wrappings() {
        let answer = post(&world, &headers, &body).await;
        assert!(answer.status < 500, "{name}: {}", answer.text());
        assert!(upstream.wire().is_empty(), "{name} arrived");
        // The body is an error in some form, or there is none (nobody waits for an answer).
        let told = answer.body.is_empty() || {
            let body = answer.json();
            let one = |body: &Value| {
                body.get("error").is_some()
                    || body["result"]["isError"] == true
                    || body.get("code").is_some()
            };
            body.as_array().map_or_else(|| one(&body), |all| all.iter().all(one))
        };
        assert!(told, "{name}: {}", answer.text());
        assert!(!answer.text().contains("delete_branch"), "{name}: {}", answer.text());
    }
    let refused = world.events_of("call.refused");
    assert_eq!(refused.len(), wrappings().len(), "each is recorded");
}

/// What every real client took without losing its session: a result with `isError` under the
/// request's own id, at 200; for other methods an error with that id, at 200.
#[tokio::test]
async fn refusals_keep_the_session() {
    let upstream = Upstream::start().await;
    upstream.on("/stall", vec![tollgate_tests::Step::Stall]);
    upstream.on("/broken", json_answer("{"));
    let world = World::builder()
        .mcp("mcp", "/mcp", &upstream.url())
        .mcp("stall", "/stalling", &format!("{}/stall", upstream.url()))
        .mcp("broken", "/breaking", &format!("{}/broken", upstream.url()))
        .set("/deadlines/first_byte_ms", 300)
        .set("/limits", json!({ "agent_per_minute": 100, "agent_tool_per_minute": 1 }))
        .policy(POLICY)
        .start()
        .await;
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    let cases = [
        ("/mcp", "delete_branch", "POLICY_DENIED"),
        ("/mcp", "allowed_once", ""),
        ("/mcp", "allowed_once", "RATE_LIMIT_TOOL"),
        ("/stalling", "search", "UPSTREAM_TIMEOUT"),
        ("/breaking", "find", "UPSTREAM_PROTOCOL"),
    ];
    for (path, tool, code) in cases {
        for (modern, id) in [(false, json!(0)), (false, json!("a-b")), (true, json!(7))] {
            let mut params = json!({ "name": tool, "arguments": {} });
            // Each its own tool, so that only what is meant meets the limit.
            if code != "RATE_LIMIT_TOOL" && tool != "delete_branch" && !code.is_empty() {
                params["name"] = format!("{tool}-{}", id.to_string().replace('"', "")).into();
            } else if code.is_empty() && id != json!(0) {
                continue;
            }
            let mut headers = "content-type: application/json\r\n".to_owned();
            if modern {
                params["_meta"] = meta.clone();
                headers += &format!(
                    "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {}\r\n",
                    params["name"].as_str().unwrap()
                );
            }
            let body =
                json!({ "method": "tools/call", "params": params, "jsonrpc": "2.0", "id": id });
            let mut client = RawClient::connect(world.plain()).await;
            let body = body.to_string();
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = client.call(request).await;
            assert_eq!(answer.status, 200, "{path} {tool}: {}", answer.text());
            let answer = answer.json();
            if code.is_empty() {
                continue;
            }
            assert_eq!(answer["id"], id, "{path} {tool}");
            let result = &answer["result"];
            assert_eq!(result["isError"], true, "{path} {tool}: {answer}");
            assert_eq!(result["_meta"]["tollgate/decision"]["code"], code, "{path} {tool}");
            let text = result["content"][0]["text"].as_str().unwrap();
            assert!(text.contains(code), "{text}");
            assert_eq!(result.get("resultType").is_some(), modern, "{path} {tool}: {answer}");
        }
    }
    // A body that is refused before its end still gets words that a client of MCP reads.
    let mut client = RawClient::connect(world.plain()).await;
    let head =
        format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", 1 << 30);
    let answer = client.call(head).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["id"]), (413, &Value::Null));
    assert_eq!(body["error"]["data"]["code"], "BODY_TOO_LARGE");
    let other =
        r#"{"jsonrpc":"2.0","id":"x","method":"resources/read","params":{"uri":"file:///a"}}"#;
    let world = World::builder()
        .mcp("mcp", "/mcp", &upstream.url())
        .policy(POLICY.replace("match: { protocol: mcp }", "match: { tool_name: none }"))
        .start()
        .await;
    let answer = post(&world, "content-type: application/json\r\n", other.as_bytes()).await;
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["id"], &body["error"]["data"]["code"]),
        (200, &json!("x"), &json!("DEFAULT_DENY"))
    );
    // Nobody waits for an answer to a notification.
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let answer = post(&world, "content-type: application/json\r\n", notification.as_bytes()).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    until("both records", async || (world.events_of("call.refused").len() == 2).then_some(()))
        .await;
}
