//! What an agent hides beside what is looked at: in the other half of a call, in a word that nobody
//! reads, in parts, in another case.
use serde_json::json;
use tollgate_tests::{Step, Upstream, World};

use crate::kit::{ask, post, refusal_code, request, tool_call};

const POLICY: &str = "
version: '1'
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: ALLOW }
rules:
  - id: no-forbidden-words
    description: Some words do not leave
    match: { tool_name: \"*\" }
    when: { contains_any: [forbidden-word] }
    outcome: DENY
";

const CANARY: &str = "cnry-7730-Gentian-Mooring";

async fn world(upstream: &Upstream) -> World {
    World::builder()
        .route("up", "/up", &upstream.url())
        .mcp("mcp", "/mcp", &upstream.url())
        .policy(POLICY)
        .file("bait", CANARY)
        .set("/dlp/known", json!({ "canaries": [{ "name": "bait", "value": { "file": "bait" } }] }))
        .start()
        .await
}

#[tokio::test]
async fn a_half_of_a_call_does_not_hide_the_other() {
    let upstream = Upstream::start().await;
    let world = world(&upstream).await;
    let json_type = [("content-type", "application/json")];
    let target = "/up/ok?q=forbidden-word";
    for (name, bytes) in [
        ("a query alone", request("GET", target, &[], "")),
        ("a query and a blank", request("GET", target, &[("content-type", "text/plain")], " ")),
        ("a query and a document", request("POST", target, &json_type, "{}")),
        (
            "a document and a query",
            request("POST", "/up/ok?q=1", &json_type, r#"{"q":"forbidden-word"}"#),
        ),
    ] {
        let answer = ask(world.plain(), bytes).await;
        assert_eq!(refusal_code(&answer.body), "POLICY_DENIED", "{name}");
    }
    let said = |method: &str, params: serde_json::Value| {
        post(
            &[],
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string(),
        )
    };
    for (name, bytes, code) in [
        (
            "arguments of what has none",
            said("resources/read", json!({ "uri": "x://forbidden-word", "arguments": {} })),
            "POLICY_DENIED",
        ),
        (
            "beside a tool's arguments",
            said("tools/call", json!({ "name": "a", "arguments": {}, "args": "forbidden-word" })),
            "MALFORMED_BODY",
        ),
        (
            "in another case",
            said("tools/call", json!({ "name": "a", "arguments": { "c": 1, "C": 2 } })),
            "DUPLICATE_KEY",
        ),
        (
            "a tool's arguments",
            post(&[], tool_call(json!(1), "a", json!({ "c": "forbidden-word" })).to_string()),
            "POLICY_DENIED",
        ),
    ] {
        let answer = ask(world.plain(), bytes).await;
        assert_eq!(refusal_code(&answer.body), code, "{name}");
    }
    assert!(upstream.take_seen().is_empty());
}

#[tokio::test]
async fn an_answer_comes_whole_or_not_at_all() {
    let upstream = Upstream::start().await;
    let world = world(&upstream).await;
    let asked = [("range", "bytes=0-17"), ("if-range", "\"a\"")];
    let answer = ask(world.plain(), request("GET", "/up/ok", &asked, "")).await;
    assert_eq!(answer.status, 200);
    let seen = upstream.take_seen();
    assert!(seen[0].header("range").is_empty() && seen[0].header("if-range").is_empty());
    let part = "HTTP/1.1 206 Partial Content\r\ncontent-type: text/plain\r\n\
                content-range: bytes 0-3/40\r\ncontent-length: 4\r\n\r\nghp_";
    upstream.on("/part", vec![Step::Send(part.into())]);
    let answer = ask(world.plain(), request("GET", "/up/part", &[], "")).await;
    assert_eq!((answer.status, refusal_code(&answer.body).as_str()), (502, "UPSTREAM_PROTOCOL"));
}

#[tokio::test]
async fn a_canary_is_no_credential_and_a_secret_no_method() {
    let upstream = Upstream::start().await;
    let world = world(&upstream).await;
    let bearer = format!("Bearer {CANARY}");
    for (name, value) in [("authorization", bearer.as_str()), ("x-api-key", CANARY)] {
        let answer = ask(world.plain(), request("GET", "/up/ok", &[(name, value)], "")).await;
        assert_eq!(refusal_code(&answer.body), "CANARY_HIT", "{name}");
    }
    let key = format!("-----BEGIN PRIVATE KEY-----{}", "MC4CAQAwBQYDK2VwBCIEIA".repeat(4));
    let signs = [("x-api-key", key.as_str())];
    let answer = ask(world.plain(), request("GET", "/up/ok", &signs, "")).await;
    assert_eq!(refusal_code(&answer.body), "DLP_BLOCKED");
    let own = [("authorization", "Bearer an-agent-s-own-credential-5521")];
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &own, "")).await.status, 200);
    let key = format!("AKIA{}", "IOSFODNN7EXAMPLQ".replace('7', "X"));
    let answer = ask(world.plain(), request(&key, "/up/ok", &[], "")).await;
    assert_eq!(refusal_code(&answer.body), "DLP_BLOCKED");
    assert_eq!(ask(world.plain(), request("PROPFIND", "/up/ok", &[], "")).await.status, 200);
    assert_eq!(upstream.take_seen().len(), 2);
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(!written.contains(CANARY) && !written.contains(&key));
}

/// One piece each: in the path, in a query beside a document, in a header, in a form, and in the query of
/// an MCP call.
#[tokio::test]
async fn pieces_beside_what_is_said_are_put_together() {
    let json_type = [("content-type", "application/json")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    // A key of AWS by its form.
    let pieces = ["AKIAQ7X", "W2RB4KD", "TS6VNZ"];
    let [one, two, three] = pieces;
    let call = tool_call(json!(1), "a", json!({ "c": 1 })).to_string();
    let mcp = String::from_utf8(post(&[], call)).unwrap();
    for (name, calls, place) in [
        (
            "path",
            pieces.map(|piece| request("GET", &format!("/up/ok/{piece}/x"), &[], "")),
            "segment 2",
        ),
        (
            "query",
            pieces.map(|piece| {
                request("POST", &format!("/up/ok?a=1&part={piece}"), &json_type, "{\"b\":1}")
            }),
            "query part",
        ),
        (
            "header",
            pieces.map(|piece| request("GET", "/up/ok", &[("x-note", piece)], "")),
            "header x-note",
        ),
        (
            "form",
            pieces.map(|piece| request("POST", "/up/ok", &form, format!("a=1&part={piece}"))),
            "query part",
        ),
        (
            "query of mcp",
            pieces.map(|piece| mcp.replacen("/mcp", &format!("/mcp?part={piece}"), 1).into()),
            "query part",
        ),
        (
            "each elsewhere",
            [
                request("GET", &format!("/up/ok/{one}"), &[], ""),
                request("POST", "/up/ok", &json_type, json!({ "part": two }).to_string()),
                request("GET", "/up/ok", &[("x-note", three)], ""),
            ],
            "header x-note",
        ),
    ] {
        let upstream = Upstream::start().await;
        let world = world(&upstream).await;
        let [first, second, third] = calls;
        for bytes in [first, second] {
            assert_eq!(ask(world.plain(), bytes).await.status, 200, "{name}");
        }
        assert_eq!(upstream.take_seen().len(), 2, "{name}");
        let answer = ask(world.plain(), third).await;
        assert_eq!(refusal_code(&answer.body), "EXFIL_FRAGMENTS", "{name}");
        assert!(upstream.take_seen().is_empty(), "{name}");
        let told = world.wait_event("the refusal", |event| {
            event["payload"]["data"]["code"] == "EXFIL_FRAGMENTS"
        });
        let told = &told.await["payload"]["data"]["findings"][0];
        assert_eq!((told["part"].as_str(), told["place"].as_str()), (Some("calls"), Some(place)));
    }
}

const AMOUNTS: &str = "
version: '1'
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: ALLOW }
rules:
  - id: no-large-amounts
    description: Large amounts need a person
    match: { tool_name: \"*\" }
    when: { tool_args_match: { amount: { gt: 1000 } } }
    outcome: DENY
  - id: no-payee
    description: Nobody is paid there
    match: { tool_name: \"*\" }
    when: { tool_args_match: { to: mallory } }
    outcome: DENY
";

/// Which of two values a server takes is not known: the first, the last, or the one in another case.
#[tokio::test]
async fn an_argument_that_is_there_twice_does_not_hide_the_other() {
    let upstream = Upstream::start().await;
    let world = World::builder().route("up", "/up", &upstream.url()).policy(AMOUNTS).start().await;
    let json_type = [("content-type", "application/json")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let parts = [("content-type", "multipart/form-data; boundary=b")];
    let in_parts = |texts: [&str; 2]| {
        let part =
            |text| format!("--b\r\ncontent-disposition: form-data; name=\"to\"\r\n\r\n{text}\r\n");
        format!("{}--b--\r\n", texts.map(part).concat())
    };
    for (name, bytes, refused) in [
        ("case", request("POST", "/up/ok", &json_type, r#"{"amount":1,"Amount":5000}"#), true),
        ("other case", request("POST", "/up/ok", &json_type, r#"{"AMOUNT":5000}"#), true),
        ("less", request("POST", "/up/ok", &json_type, r#"{"Amount":500}"#), false),
        ("query twice", request("GET", "/up/ok?to=bob&to=mallory", &[], ""), true),
        ("query once", request("GET", "/up/ok?to=bob", &[], ""), false),
        ("number in a query", request("GET", "/up/ok?amount=5e3", &[], ""), true),
        ("form twice", request("POST", "/up/ok", &form, "to=mallory&to=bob"), true),
        ("form and query", request("POST", "/up/ok?to=mallory", &form, "to=bob"), true),
        ("number in a form", request("POST", "/up/ok", &form, "Amount=5000"), true),
        ("small form", request("POST", "/up/ok", &form, "amount=50&to=bob"), false),
        ("parts", request("POST", "/up/ok", &parts, in_parts(["bob", "mallory"])), true),
        ("fine parts", request("POST", "/up/ok", &parts, in_parts(["bob", "eve"])), false),
        ("brackets", request("GET", "/up/ok?amount=1&amount[]=5000", &[], ""), true),
        ("a semicolon", request("GET", "/up/ok?x=1;amount=5000", &[], ""), true),
        ("hex", request("GET", "/up/ok?amount=0x1388", &[], ""), true),
    ] {
        let answer = ask(world.plain(), bytes).await;
        let status = if refused { 403 } else { 200 };
        assert_eq!(answer.status, status, "{name}");
        if refused {
            assert_eq!(refusal_code(&answer.body), "POLICY_DENIED", "{name}");
        }
    }
}

#[tokio::test]
async fn parameters_in_a_path_do_not_hide_it() {
    let upstream = Upstream::start().await;
    let rule = "    match: { path: \"/admin*\" }\n    outcome: DENY";
    let asks = "    match: { tool_name: \"*\" }\n    when: { contains_any: [forbidden-word] }\n    outcome: DENY";
    let policy = POLICY.replace(asks, rule);
    assert_ne!(policy, POLICY);
    let world = World::builder().route("up", "/up", &upstream.url()).policy(policy).start().await;
    for path in ["/admin/users", "/admin;x/users", "/admin;jsessionid=1", "/admin%3bx/users"] {
        let answer = ask(world.plain(), request("GET", &format!("/up{path}"), &[], "")).await;
        assert_eq!(answer.code(), "POLICY_DENIED", "{path}: {}", answer.text());
    }
    let answer = ask(world.plain(), request("GET", "/up/users;x", &[], "")).await;
    assert_eq!((answer.status, answer.code().as_str()), (200, ""));
}
