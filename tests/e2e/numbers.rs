//! Numbers in documents that pass: each as it was written, and none that fools a rule.
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tollgate_tests::{
    HttpClient, Reply, SocketUpstream, Upstream, World, fixed, full, http_route, json_answer,
    within,
};

use crate::kit::{ask, post};
use crate::websockets::shake;

/// Numbers that one reader or another would write differently: amounts in wei, ids with thirty
/// digits, and what no double holds.
const NUMBERS: &str = "{\"wei\":115792089237316195423570985008687907853269984665640564039457584007913129639935,\
    \"id\":123456789012345678901234567890,\"neg\":-9223372036854775809,\"price\":1.10,\"big\":1E5,\
    \"plus\":1e+05,\"tiny\":1e-400,\"huge\":1e400,\"zero\":-0,\"zeros\":0.000,\"long\":100.0000000000000000001,\
    \"list\":[1.0,1,10e0,0.1]}";

const CARD: &str = "4111 1111 1111 1111";

fn with_card(numbers: &str, card: &str) -> String {
    format!("{},\"card\":\"{card}\"}}", numbers.strip_suffix('}').unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn send(world: &World, path: &str, content_type: &str, body: &str) -> Reply {
    let mut client = HttpClient::plain(world.plain(), false).await;
    client.post(path, content_type, full(body.to_owned())).await
}

#[tokio::test]
async fn numbers_are_sent_as_they_were_written() {
    let upstream = Upstream::start().await;
    let world = World::builder().route("up", "/up", &upstream.url()).start().await;
    let redacted = with_card(NUMBERS, "[REDACTED:PAN]");
    let with_card = with_card(NUMBERS, CARD);
    let lines = format!("{NUMBERS}\n{NUMBERS}\n");
    let (lines_card, lines_clean) =
        (format!("{lines}{with_card}\n"), format!("{lines}{redacted}\n"));
    let part = |document: &str| {
        format!(
            "--b\r\ncontent-disposition: form-data; name=\"a\"\r\ncontent-type: application/json\
             \r\n\r\n{document}\r\n--b--\r\n"
        )
    };
    for (kind, sent, comes) in [
        ("application/json", NUMBERS.to_owned(), NUMBERS.to_owned()),
        ("application/json", with_card.clone(), redacted.clone()),
        ("text/plain", NUMBERS.to_owned(), NUMBERS.to_owned()),
        ("application/x-ndjson", lines.clone(), lines),
        ("application/x-ndjson", lines_card, lines_clean),
        ("multipart/form-data; boundary=b", part(NUMBERS), part(NUMBERS)),
        ("multipart/form-data; boundary=b", part(&with_card), part(&redacted)),
    ] {
        let reply = send(&world, "/up/ok", kind, &sent).await;
        assert_eq!(reply.status, 200, "{kind}: {}", text(&reply.body));
        assert_eq!(text(&upstream.take_seen().remove(0).body), comes, "{kind}");
    }
}

#[tokio::test]
async fn numbers_come_back_as_they_were_written() {
    let upstream = Upstream::start().await;
    let world = World::builder().route("up", "/up", &upstream.url()).start().await;
    let secret = format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E");
    let redacted = with_card(NUMBERS, "[REDACTED-GITHUB-TOKEN]");
    let with_secret = with_card(NUMBERS, &secret);
    let event = |document: &str| format!("data: {document}\n\n");
    upstream.on("/plain", json_answer(NUMBERS));
    upstream.on("/secret", json_answer(&with_secret));
    upstream.on("/events", fixed(200, "text/event-stream", event(NUMBERS)));
    upstream.on("/events-secret", fixed(200, "text/event-stream", event(&with_secret)));
    let mut client = HttpClient::plain(world.plain(), false).await;
    for (path, comes) in [
        ("/up/plain", NUMBERS.to_owned()),
        ("/up/secret", redacted.clone()),
        ("/up/events", event(NUMBERS)),
        ("/up/events-secret", event(&redacted)),
    ] {
        let reply = client.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", text(&reply.body));
        assert_eq!(text(&reply.body), comes, "{path}");
    }
}

#[tokio::test]
async fn numbers_in_messages_of_a_websocket_stay_as_they_are() {
    let upstream = SocketUpstream::start(None).await;
    let mut route = http_route("up", "/up", &upstream.url());
    route["websocket"] = "allow".into();
    let world = World::builder().add_route(route).start().await;
    let stream = tokio::net::TcpStream::connect(world.plain()).await.unwrap();
    let (mut client, _) = shake(stream, "ws://localhost/up/echo", &[]).await;
    client.send(Message::Text(NUMBERS.into())).await.unwrap();
    assert_eq!(upstream.wait_heard(1).await, [format!("text {NUMBERS}")]);
    let echo = within("an echo", client.next()).await.unwrap().unwrap();
    assert!(echo.to_text().unwrap().contains(NUMBERS), "{echo}");
}

#[tokio::test]
async fn a_tool_call_keeps_its_numbers() {
    let upstream = Upstream::start().await;
    upstream.on(
        "/mcp",
        json_answer(format!(
            r#"{{"jsonrpc":"2.0","id":7,"result":{{"structuredContent":{NUMBERS}}}}}"#
        )),
    );
    let world =
        World::builder().mcp("mcp", "/mcp", &format!("{}/mcp", upstream.url())).start().await;
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"pay","arguments":{NUMBERS}}}}}"#
    );
    let answer = ask(world.plain(), post(&[crate::kit::SESSIONS], &call)).await;
    assert!(answer.text().contains(NUMBERS), "{}", answer.text());
    assert_eq!(text(&upstream.take_seen().remove(0).body), call);
}

/// One rule about an amount, and nothing else is allowed or, behind a rule that denies, everything.
fn policy(test: &Value, outcome: &str) -> String {
    let fallback = if outcome == "ALLOW" { "DENY" } else { "ALLOW" };
    json!({
        "version": "1", "generated_at": "2026-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z",
        "defaults": { "outcome": fallback },
        "rules": [{ "id": "amounts", "match": { "tool_name": "*" },
                    "when": { "tool_args_match": { "amount": test } }, "outcome": outcome }],
    })
    .to_string()
}

#[tokio::test]
async fn a_number_that_cannot_be_held_fools_no_rule() {
    let upstream = Upstream::start().await;
    let unsure = [
        "1e400",
        "-1e400",
        "100.0000000000000000001",
        "99.99999999999999999999",
        "18446744073709551617",
    ];
    for (test, outcome, passes, refused) in [
        (json!({ "lte": 100 }), "ALLOW", ["99.5", "1e2"], ["101", "100.5"]),
        (json!({ "gte": 100 }), "ALLOW", ["100", "1E5"], ["99", "1e-400"]),
        (json!({ "gt": 100 }), "DENY", ["100", "99.5"], ["101", "1e3"]),
        (json!({ "lt": 100 }), "DENY", ["100", "1.5e2"], ["99", "1e-400"]),
        (json!(100), "ALLOW", ["100", "100.0"], ["101", "99"]),
        (json!({ "neq": 100 }), "DENY", ["100", "1e2"], ["101", "99"]),
    ] {
        let world = World::builder()
            .route("up", "/up", &upstream.url())
            .policy(policy(&test, outcome))
            .start()
            .await;
        let both = [(&passes[..], 200), (&refused[..], 403), (&unsure[..], 403)];
        for (amount, status) in both.iter().flat_map(|(all, s)| all.iter().map(move |a| (a, *s))) {
            let body = format!("{{\"amount\":{amount}}}");
            let reply = send(&world, "/up/ok", "application/json", &body).await;
            assert_eq!(reply.status, status, "{test} {outcome} {amount}: {}", text(&reply.body));
        }
    }
}

#[tokio::test]
async fn cards_are_found_however_a_number_is_written() {
    let upstream = Upstream::start().await;
    let world = World::builder().route("up", "/up", &upstream.url()).start().await;
    for number in [
        "4111111111111111",
        "4111111111111111.0",
        "4111111111111111.25",
        "4111111111111111.9999",
        "4111111111111110.99999",
        "4.111111111111111e15",
        "4.111111111111111E+15",
        "41111111111111110e-1",
        "0.000004111111111111111e21",
        "4111111111111111000000e-6",
        "4111111111111111000000.00e-6",
    ] {
        let body = format!("{{\"card\":{number}}}");
        let reply = send(&world, "/up/ok", "application/json", &body).await;
        assert_eq!(reply.status, 200, "{number}: {}", text(&reply.body));
        let came = text(&upstream.take_seen().remove(0).body);
        assert!(came.contains("[REDACTED"), "{number}: {came}");
    }
}

/// Names that the gate's own JSON library keeps for itself mean something else to it.
#[tokio::test]
async fn no_name_is_read_as_anything_but_a_name() {
    let upstream = Upstream::start().await;
    let test = json!({ "lte": 100 });
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .policy(policy(&test, "ALLOW"))
        .start()
        .await;
    for body in [
        r#"{"$serde_json::private::RawValue":"{\"amount\":1}"}"#,
        r#"{"amount":{"$serde_json::private::Number":"1"}}"#,
        r#"{"amount":{"\u0024serde_json::private::Number":"1"}}"#,
        r#"{"amount":{"$serde_json::private::RawValue":"1"}}"#,
        r#"{"amount":{"$serde_json::private::RawValue":"{"}}"#,
    ] {
        let reply = send(&world, "/up/ok", "application/json", body).await;
        let status = reply.status.as_u16();
        assert!([400, 403].contains(&status), "{body}: {status} {}", text(&reply.body));
    }
}
