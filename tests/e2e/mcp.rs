//! The Model Context Protocol in its generations, between a client and a real tool server.
use serde_json::{Value, json};
use tollgate_tests::{Certificates, OTHER_AGENT, RawClient, Upstream, World, until};

use crate::kit::{
    DemoTools, POLICY_NO_DELETE, SESSIONS, STATELESS, ask, messages, post, refusal_code, request,
    stateless, tool_call,
};

async fn shop(tools: &DemoTools, path: &str) -> World {
    World::builder().mcp("shop", "/mcp", &tools.url(path)).policy(POLICY_NO_DELETE).start().await
}

fn initialize(version: &str) -> Value {
    let params = json!({
        "protocolVersion": version, "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

fn message(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn modern(body: Value, name: Option<&str>) -> Vec<u8> {
    let body = stateless(body);
    let method = body["method"].as_str().unwrap().to_owned();
    let mut headers = vec![STATELESS, ("mcp-method", method.as_str())];
    headers.extend(name.map(|name| ("mcp-name", name)));
    post(&headers, body.to_string())
}

/// The message that answers a request; others of its stream are passed over.
fn result(messages: Vec<Value>, id: &Value) -> Value {
    let found =
        messages.iter().find(|message| message["id"] == *id && message.get("method").is_none());
    found.unwrap_or_else(|| panic!("no answer to {id}: {messages:?}")).clone()
}

#[tokio::test]
async fn a_session_from_its_beginning_to_its_end() {
    let tools = DemoTools::start().await;
    let world = shop(&tools, "/mcp").await;
    let gate = world.plain();
    let answer = ask(gate, post(&[], initialize("2025-11-25").to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let session = answer.header("mcp-session-id").unwrap().to_owned();
    let hello = result(messages(&answer), &json!(0));
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    let headers = [SESSIONS, ("mcp-session-id", session.as_str())];

    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let answer = ask(gate, post(&headers, note.to_string())).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));

    let mut stream_headers = vec![("accept", "text/event-stream")];
    stream_headers.extend(headers);
    let mut stream = RawClient::connect(gate).await;
    stream.send(request("GET", "/mcp", &stream_headers, "")).await;
    let (status, stream_head, _) = stream.read_head().await.unwrap();
    assert_eq!(status, 200);
    assert!(stream_head.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));

    let answer = ask(gate, post(&headers, message("l", "tools/list", json!({})).to_string())).await;
    let list = result(messages(&answer), &json!("l"));
    let names = list["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap());
    let names = names.collect::<Vec<_>>();
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(!names.contains(&"delete_branch"), "{names:?}");

    let call = tool_call(json!(7), "get_weather", json!({ "city": "Lisbon" }));
    let answer = ask(gate, post(&headers, call.to_string())).await;
    let weather = result(messages(&answer), &json!(7));
    assert_eq!(weather["result"]["structuredContent"]["city"], "Lisbon");

    let call = tool_call(json!(8), "delete_branch", json!({ "branch": "main" }));
    let answer = ask(gate, post(&headers, call.to_string())).await;
    let denied = result(messages(&answer), &json!(8));
    assert_eq!((answer.status, &denied["result"]["isError"]), (200, &json!(true)));
    assert!(denied["result"].get("resultType").is_none(), "{denied}");
    let text = denied["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("no-branch-delete"), "{text}");
    // The session lives on.
    let call = tool_call(json!(9), "echo", json!({ "text": "still here" }));
    let answer = ask(gate, post(&headers, call.to_string())).await;
    let echo = result(messages(&answer), &json!(9));
    assert_eq!(echo["result"]["content"][0]["text"], "still here");

    let answer = ask(gate, request("DELETE", "/mcp", &headers, "")).await;
    assert!(answer.status < 300, "{}", answer.status);
    // The stream ends with its session.
    while !stream.read_chunk().await.unwrap().is_empty() {}
    let answer = ask(gate, post(&headers, message(10, "ping", json!({})).to_string())).await;
    assert_eq!(answer.status, 404, "the session is over");
    assert_eq!(tools.count("delete_branch").await, 0);
    assert_eq!(tools.count("get_weather").await, 1);
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(&session));
}

#[tokio::test]
async fn batches_of_2025_03_26() {
    let upstream = Upstream::start().await;
    let answers =
        r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":"b","result":{}}]"#;
    upstream.on("/mcp", tollgate_tests::json_answer(answers));
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder().mcp("shop", "/mcp", &url).policy(POLICY_NO_DELETE).start().await;
    let headers = [("mcp-protocol-version", "2025-03-26")];
    let weather = tool_call(json!(1), "get_weather", json!({}));
    let ping = message("b", "ping", json!({}));
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });

    let batch = json!([weather, ping, note]);
    let answer = ask(world.plain(), post(&headers, batch.to_string())).await;
    assert_eq!(answer.json().as_array().unwrap().len(), 2);
    let seen = upstream.take_seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(serde_json::from_slice::<Value>(&seen[0].body).unwrap(), batch);
    let intent = world.events_of("call.intent").remove(0);
    assert_eq!(intent["payload"]["data"]["batch"].as_array().unwrap().len(), 3, "{intent}");

    let delete = tool_call(json!(2), "delete_branch", json!({}));
    let batch = json!([weather, ping, delete, note]);
    let answer = ask(world.plain(), post(&headers, batch.to_string())).await;
    assert_eq!(answer.status, 200);
    let answers = answer.json();
    assert_eq!(answers.as_array().unwrap().len(), 3, "{answers}");
    for (nth, id, is_tool) in [(0, json!(1), true), (1, json!("b"), false), (2, json!(2), true)] {
        assert_eq!(answers[nth]["id"], id);
        assert_eq!(answers[nth]["result"]["isError"] == true, is_tool, "{answers}");
        assert_eq!(answers[nth]["error"]["code"].is_i64(), !is_tool, "{answers}");
    }
    assert!(upstream.seen().is_empty());
}

/// Who knows the id of another agent's session may not use it: not to call, nor to listen, nor to end
/// it.
#[tokio::test]
async fn a_session_is_used_by_its_own_agent_alone() {
    let tools = DemoTools::start().await;
    let world = shop(&tools, "/mcp").await;
    let answer = ask(world.plain(), post(&[], initialize("2025-11-25").to_string())).await;
    let session = answer.header("mcp-session-id").unwrap().to_owned();
    let headers = [SESSIONS, ("mcp-session-id", session.as_str())];
    let call = tool_call(json!(7), "get_weather", json!({ "city": "Lisbon" })).to_string();
    let listen = [headers[0], headers[1], ("accept", "text/event-stream")];
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    for bytes in [
        post(&headers, &call),
        request("GET", "/mcp", &listen, ""),
        request("DELETE", "/mcp", &headers, ""),
    ] {
        let io = tollgate_tests::tls(world.tls(), Some(&identity), "http/1.1").await.unwrap();
        let answer = RawClient::over(io).call(bytes).await;
        assert_eq!(refusal_code(&answer.body), "SESSION_FOREIGN", "{}", answer.text());
    }
    let refused = world
        .wait_event("the refusal", |event| event["payload"]["data"]["code"] == "SESSION_FOREIGN");
    assert_eq!(refused.await["actor"], OTHER_AGENT);
    // It lives on for whom it was given to.
    let answer = ask(world.plain(), post(&headers, &call)).await;
    let weather = result(messages(&answer), &json!(7));
    assert_eq!(weather["result"]["structuredContent"]["city"], "Lisbon");
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(!written.contains(&session));
}

#[tokio::test]
async fn the_stateless_generation() {
    let tools = DemoTools::start().await;
    let world = shop(&tools, "/mcp").await;
    let gate = world.plain();
    let direct: std::net::SocketAddr =
        tools.url("").strip_prefix("http://").unwrap().parse().unwrap();
    // A client that does not like this answer falls back to a generation without mirrored headers.
    let discover = modern(message(1, "server/discover", json!({})), None);
    let (ours, theirs) = (ask(gate, &discover).await, ask(direct, &discover).await);
    assert_eq!(ours.status, 200);
    assert_eq!(messages(&ours), messages(&theirs));

    let answer = ask(gate, modern(message(2, "tools/list", json!({})), None)).await;
    let list = result(messages(&answer), &json!(2));
    assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 5);
    if let Some(scope) = list["result"].get("cacheScope") {
        assert_eq!(scope, "private");
    }

    for id in [json!(0), json!("abc"), json!(9_007_199_254_740_991_i64), json!(-1), json!("ü\n\"")]
    {
        let call = tool_call(id.clone(), "delete_branch", json!({ "branch": "main" }));
        let answer = ask(gate, modern(call, Some("delete_branch"))).await;
        let denied = answer.json();
        assert_eq!((answer.status, &denied["id"]), (200, &id));
        assert_eq!(denied["result"]["isError"], true);
        assert_eq!(denied["result"]["resultType"], "complete");
        let call = tool_call(id.clone(), "echo", json!({ "text": "x" }));
        let answer = ask(gate, modern(call, Some("echo"))).await;
        let echo = result(messages(&answer), &id);
        assert_eq!(echo["result"]["content"][0]["text"], "x");
    }
    // Progress streams through, and the key that comes in two halves does not.
    let mut call = stateless(tool_call(json!(5), "stream_report", json!({ "steps": 4 })));
    call["params"]["_meta"]["progressToken"] = json!("t");
    let headers = [STATELESS, ("mcp-method", "tools/call"), ("mcp-name", "stream_report")];
    let answer = ask(gate, post(&headers, call.to_string())).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let told = messages(&answer);
    assert_eq!(told.len(), 5, "{told:?}");
    let text = told.iter().filter_map(|m| m["params"]["message"].as_str()).collect::<String>();
    assert!(!text.contains("AKIAZ7QK4WPNX2M5RTVC"), "{text}");
    assert!(!text.contains("AKIAZ7QK4W"), "{text}");
    assert_eq!(tools.count("delete_branch").await, 0);
}

#[tokio::test]
async fn lists_are_filtered_in_json_and_in_events() {
    let upstream = Upstream::start().await;
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder().mcp("shop", "/mcp", &url).policy(POLICY_NO_DELETE).start().await;
    let list = json!({ "jsonrpc": "2.0", "id": 4, "result": {
        "resultType": "complete", "cacheScope": "public", "ttlMs": 1000,
        "tools": [
            { "name": "get_weather", "inputSchema": {} }, { "name": "delete_branch" },
            { "title": "nameless" }, { "name": "echo" },
        ],
    }});
    let event = format!("event: message\nid: 1\ndata: {list}\n\n");
    for (content_type, body) in
        [("application/json", list.to_string()), ("text/event-stream", event)]
    {
        upstream.on("/mcp", tollgate_tests::fixed(200, content_type, body));
        let call = message(4, "tools/list", json!({}));
        for (headers, body) in
            [(vec![STATELESS], stateless(call.clone())), (vec![SESSIONS], call.clone())]
        {
            let answer = ask(world.plain(), post(&headers, body.to_string())).await;
            assert_eq!(answer.header("content-type"), Some(content_type));
            let told = result(messages(&answer), &json!(4));
            let names =
                told["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]);
            assert_eq!(names.collect::<Vec<_>>(), ["get_weather", "echo"], "{content_type}");
            // A list made for one agent is for no shared cache, whatever it said before.
            assert_eq!(told["result"]["cacheScope"], "private", "{content_type}");
        }
    }
}

const POLICY_NOTHING: &str = r#"
version: "nothing"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: ALLOW }
rules:
  - id: no-secrets
    match: { resource: ["file:///secrets/*", "secret-prompt"] }
    outcome: DENY
  - id: no-roots
    match: { mcp_method: [notifications/roots/list_changed, rpc.response, rpc.listen, rpc.end, ping] }
    outcome: DENY
"#;

#[tokio::test]
async fn denials_in_every_form() {
    let upstream = Upstream::start().await;
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder().mcp("shop", "/mcp", &url).policy(POLICY_NOTHING).start().await;
    let gate = world.plain();
    for version in [SESSIONS, STATELESS] {
        let dress = |body: Value| if version == STATELESS { stateless(body) } else { body };
        for (id, method, params) in [
            (json!(0), "resources/read", json!({ "uri": "file:///secrets/a" })),
            (json!("r"), "prompts/get", json!({ "name": "secret-prompt" })),
            (json!(3), "ping", json!({})),
        ] {
            let body = dress(message(id.clone(), method, params)).to_string();
            let answer = ask(gate, post(&[version], &body)).await;
            let error = answer.json();
            assert_eq!((answer.status, &error["id"]), (200, &id), "{error}");
            assert_eq!(error["error"]["data"]["code"], "POLICY_DENIED", "{error}");
            let code = error["error"]["code"].as_i64().unwrap();
            assert!(!(-32_768..=-32_000).contains(&code), "{code} is the protocol's");
            // A client that takes streams only gets one.
            let headers =
                [version, ("content-type", "application/json"), ("accept", "text/event-stream")];
            let answer = ask(gate, request("POST", "/mcp", &headers, &body)).await;
            assert_eq!(answer.header("content-type"), Some("text/event-stream"));
            assert_eq!(refusal_code(&answer.body), "POLICY_DENIED");
        }
    }
    // Nobody waits for an answer to these.
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" });
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": { "roots": [] } });
    for body in [note, response] {
        let answer = ask(gate, post(&[SESSIONS], body.to_string())).await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{body}");
    }
    for method in ["GET", "DELETE"] {
        let headers = [SESSIONS, ("mcp-session-id", "s")];
        let answer = ask(gate, request(method, "/mcp", &headers, "")).await;
        assert_eq!((answer.status, answer.code().as_str()), (405, "POLICY_DENIED"), "{method}");
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(world.events_of("call.refused").len(), 16);
}

#[tokio::test]
async fn a_tool_that_is_called_too_often_says_so_in_words() {
    let tools = DemoTools::start().await;
    let world = World::builder()
        .mcp("shop", "/mcp", &tools.url("/mcp"))
        .set("/limits/agent_tool_per_minute", 3)
        .start()
        .await;
    for nth in 0..6 {
        let call = tool_call(json!(nth), "echo", json!({ "text": "x" }));
        let answer = ask(world.plain(), modern(call, Some("echo"))).await;
        let told = result(messages(&answer), &json!(nth));
        assert_eq!(answer.status, 200);
        assert_eq!(told["result"]["isError"], nth >= 3, "{told}");
        if nth >= 3 {
            let decision = &told["result"]["_meta"]["tollgate/decision"];
            assert_eq!(decision["code"], "RATE_LIMIT_TOOL");
            assert!(decision["retry_after"].as_u64().unwrap() <= 60, "{decision}");
        }
    }
    // Another tool has a budget of its own.
    let call = tool_call(json!(9), "get_weather", json!({ "city": "Oslo" }));
    let answer = ask(world.plain(), modern(call, Some("get_weather"))).await;
    assert_eq!(result(messages(&answer), &json!(9))["result"]["isError"], false);
    assert_eq!(tools.count("echo").await, 3);
}

#[tokio::test]
async fn a_subscription_stays_open_and_ends_upstream_with_its_client() {
    let upstream = Upstream::start().await;
    let url = format!("{}/mcp", upstream.url());
    let world =
        World::builder().mcp("shop", "/mcp", &url).set("/deadlines/idle_ms", 1000).start().await;
    let beat = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let event = |n: u32| {
        format!(
            "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{{\"n\":{n}}}}}\n\n"
        )
    };
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut script =
        vec![tollgate_tests::Step::Send(head.into()), tollgate_tests::chunked(event(1))];
    script.extend([
        tollgate_tests::Step::Gate(std::sync::Arc::clone(&beat)),
        tollgate_tests::chunked(event(2)),
    ]);
    script.push(tollgate_tests::Step::Stall);
    upstream.on("/mcp", script);
    let mut client = RawClient::connect(world.plain()).await;
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    client.send(modern(message("listen-1", "subscriptions/listen", listen), None)).await;
    assert_eq!(client.read_head().await.unwrap().0, 200);
    let first = String::from_utf8(client.read_chunk().await.unwrap()).unwrap();
    assert!(first.contains("\"n\":1"), "{first}");
    // Longer than what an ordinary answer may pause.
    assert!(client.is_silent_for(std::time::Duration::from_millis(1500)).await);
    beat.add_permits(1);
    let second = String::from_utf8(client.read_chunk().await.unwrap()).unwrap();
    assert!(second.contains("\"n\":2"), "{second}");
    drop(client);
    upstream.wait_closed(1).await;
    let outcome = world.wait_event("the outcome", |e| e["event_type"] == "call.outcome").await;
    assert_eq!(outcome["payload"]["data"]["outcome"], "abandoned", "{outcome}");
    until("no call in flight", async || {
        (world.metric("tollgate_calls_in_flight").await == 0.0).then_some(())
    })
    .await;
}

const TOKEN: &str = "ghp_R8kZ2mQ7vX4nB1cT6yW9eL3pA5sD0fG8hJ2k";
const CARD: &str = "4111111111111111";

#[tokio::test]
async fn what_is_redacted_is_redacted_where_it_is_mirrored() {
    let upstream = Upstream::start().await;
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder().mcp("shop", "/mcp", &url).start().await;
    let call = stateless(tool_call(json!(1), "echo", json!({ "text": TOKEN, "city": "Lisbon" })));
    let wrapped = format!("=?base64?{}?=", base64(TOKEN));
    for mirrored in [TOKEN, wrapped.as_str()] {
        let headers = [
            STATELESS,
            ("mcp-method", "tools/call"),
            ("mcp-name", "echo"),
            ("mcp-param-text", mirrored),
            ("mcp-param-city", "Lisbon"),
        ];
        let answer = ask(world.plain(), post(&headers, call.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = upstream.take_seen().remove(0);
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        let text = body["params"]["arguments"]["text"].as_str().unwrap();
        assert!(!text.contains(TOKEN) && text.contains("REDACTED"), "{text}");
        assert_eq!(seen.header("mcp-param-text"), [text]);
        assert_eq!(seen.header("mcp-param-city"), ["Lisbon"]);
        assert_eq!(seen.header("mcp-name"), ["echo"]);
    }
    // A secret that names the call cannot be redacted without making it another call.
    let call = stateless(tool_call(json!(2), TOKEN, json!({})));
    let answer = ask(world.plain(), post(&[STATELESS], call.to_string())).await;
    assert_eq!(refusal_code(&answer.body), "DLP_BLOCKED");
    assert!(upstream.seen().is_empty());
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn both_twins_of_an_answer_are_redacted() {
    let upstream = Upstream::start().await;
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder().mcp("shop", "/mcp", &url).start().await;
    let record = json!({ "card": CARD, "nested": [{ "token": TOKEN }], "name": "Ada" });
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": {
        "content": [{ "type": "text", "text": record.to_string() }],
        "structuredContent": record, "isError": false,
        "_meta": { "note": TOKEN },
    }});
    let call = tool_call(json!(1), "read", json!({}));
    for (content_type, body) in [
        ("application/json", answer.to_string()),
        ("text/event-stream", format!("data: {answer}\n\n")),
        (
            "text/event-stream",
            format!("data:{}\r\r", answer.to_string().replacen(',', ",\rdata: ", 1)),
        ),
    ] {
        upstream.on("/mcp", tollgate_tests::fixed(200, content_type, body));
        let told = ask(world.plain(), post(&[SESSIONS], call.to_string())).await;
        let text = told.text();
        assert!(!text.contains(CARD) && !text.contains(TOKEN), "{content_type}: {text}");
        let told = result(messages(&told), &json!(1));
        let structured = &told["result"]["structuredContent"];
        let twin = told["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(twin).unwrap(), *structured);
        assert_eq!(structured["name"], "Ada");
    }
}

/// A secret that comes in pieces is one all the same.
#[tokio::test]
async fn a_secret_in_pieces_is_found() {
    let upstream = Upstream::start().await;
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder().mcp("shop", "/mcp", &url).start().await;
    let progress = |text: &str| {
        let params = json!({ "progressToken": 1, "progress": 1, "message": text });
        json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
            .to_string()
    };
    let (half, rest) = TOKEN.split_at(17);
    let done = json!({ "jsonrpc": "2.0", "id": 1, "result": { "content": [] } }).to_string();
    let event = |data: &str| format!("event: message\ndata: {data}\n\n");
    let halves = [event(&progress(half)), event(&progress(rest)), event(&done)].concat();
    let whole = [event(&progress(TOKEN)), event(&done)].concat();
    let escaped = whole.replace("ghp_", "\\u0067hp\\u005f");
    let named = event(&progress(TOKEN)).replace("message\n", "other\n") + &event(&done);
    let call = tool_call(json!(1), "read", json!({})).to_string();
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    for (name, stream) in
        [("halves", &halves), ("whole", &whole), ("escaped", &escaped), ("named", &named)]
    {
        for piece in [1, 7, 4096] {
            let mut script = vec![tollgate_tests::Step::Send(head.into())];
            script.extend(stream.as_bytes().chunks(piece).map(tollgate_tests::chunked));
            script.push(tollgate_tests::chunked(""));
            upstream.on("/mcp", script);
            let told = ask(world.plain(), post(&[SESSIONS], &call)).await;
            let messages = messages(&told);
            let text = messages.iter().filter_map(|m| m["params"]["message"].as_str());
            let text = text.collect::<String>();
            assert!(!text.contains(TOKEN), "{name} by {piece}: {text}");
            assert!(!told.text().contains(rest), "{name} by {piece}: {}", told.text());
            assert_eq!(messages.last().unwrap()["id"], 1, "{name} by {piece}");
        }
    }
}

/// Bytes beyond ASCII beside a secret do not hide it.
#[tokio::test]
async fn headers_of_answers_are_redacted_whatever_stands_in_them() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    for beside in ["plain", "\u{e9}", "\u{1f511}"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nx-note: {beside} {TOKEN}\r\nx-other: {beside}\r\ncontent-length: 0\r\n\r\n"
        );
        upstream.on("/ok", vec![tollgate_tests::Step::Send(head.into_bytes())]);
        let answer = ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
        let raw = String::from_utf8_lossy(&answer.raw).into_owned();
        assert!(!raw.contains(TOKEN), "{raw}");
        assert_eq!(answer.header("x-other"), Some(beside));
        assert_eq!(answer.status, 200, "{raw}");
    }
    // Nor do bytes that are no text at all.
    let mut head = b"HTTP/1.1 200 OK\r\nx-note: \xff ".to_vec();
    head.extend(format!("{TOKEN}\r\ncontent-length: 0\r\n\r\n").bytes());
    upstream.on("/ok", vec![tollgate_tests::Step::Send(head)]);
    let answer = ask(world.plain(), request("GET", "/up/ok", &[], "")).await;
    assert!(!String::from_utf8_lossy(&answer.raw).contains(TOKEN));
}

/// Nor may the task or the state of a request that another agent was given.
#[tokio::test]
async fn a_task_and_a_state_are_used_by_their_own_agent_alone() {
    let tools = DemoTools::start().await;
    let upstream = Upstream::start().await;
    let world = World::builder()
        .mcp("shop", "/mcp", &tools.url("/conformance"))
        .mcp("works", "/works", &format!("{}/works", upstream.url()))
        .start()
        .await;
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let other = async |bytes: Vec<u8>| {
        let io = tollgate_tests::tls(world.tls(), Some(&identity), "http/1.1").await.unwrap();
        RawClient::over(io).call(bytes).await
    };

    let tool = "test_input_required_result_request_state";
    let call = message(1, "tools/call", json!({ "name": tool, "arguments": {} }));
    let eliciting = |call: Value| {
        let mut call = stateless(call);
        let can = json!({ "elicitation": {} });
        call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = can;
        let headers = [STATELESS, ("mcp-method", "tools/call"), ("mcp-name", tool)];
        post(&headers, call.to_string())
    };
    let asked = ask(world.plain(), eliciting(call.clone())).await;
    let asked = result(messages(&asked), &json!(1));
    let state = asked["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{asked}"));
    let mut retry = call;
    let confirm = json!({ "confirm": { "action": "accept", "content": { "ok": true } } });
    retry["params"]["inputResponses"] = confirm;
    retry["params"]["requestState"] = json!(state);
    let answer = other(eliciting(retry.clone())).await;
    assert_eq!(refusal_code(&answer.body), "SESSION_FOREIGN", "{}", answer.text());
    let answer = ask(world.plain(), eliciting(retry)).await;
    let content = result(messages(&answer), &json!(1));
    assert_eq!(content["result"]["content"][0]["text"], "state-ok: true", "{content}");

    let made = |id: &str| {
        let task = json!({ "taskId": id, "status": "working" });
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "resultType": "task", "task": task } })
    };
    let event = format!("data: {}\n\n", made("task-of-a-stream"));
    upstream.on("/works", tollgate_tests::json_answer(made("task-of-a-document").to_string()));
    upstream.then("/works", tollgate_tests::fixed(200, "text/event-stream", &event));
    let begin = message(1, "tools/call", json!({ "name": "dig", "arguments": {} }));
    let at_works = |body: Value, name: Option<&str>| {
        let bytes = String::from_utf8(modern(body, name)).unwrap();
        bytes.replacen("POST /mcp", "POST /works", 1).into_bytes()
    };
    for id in ["task-of-a-document", "task-of-a-stream"] {
        let answer = ask(world.plain(), at_works(begin.clone(), Some("dig"))).await;
        assert!(answer.text().contains(id), "{}", answer.text());
        let cancel = || at_works(message(2, "tasks/cancel", json!({ "taskId": id })), Some(id));
        let answer = other(cancel()).await;
        assert_eq!(refusal_code(&answer.body), "SESSION_FOREIGN", "{}", answer.text());
        let seen = upstream.seen().len();
        ask(world.plain(), cancel()).await;
        assert_eq!(upstream.seen().len(), seen + 1);
    }
}
