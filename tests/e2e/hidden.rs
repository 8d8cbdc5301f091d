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
