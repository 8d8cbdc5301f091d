//! What may not leave does not leave, with bodies of every framing and version.
use serde_json::json;
use tollgate_tests::{
    HttpClient, HttpUpstream, RawClient, Step, Upstream, World, chunked, full, http_route, streamed,
};

use crate::kit::request;

/// A GitHub token as GitHub makes them: the last six characters are the CRC-32 of the thirty
/// before, in base 62. It is made here and opens nothing.
fn github_token() -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let random = "q7Zr2LkV9xTnB4mWc8YpD1sHf6GjKa";
    let mut crc = flate2::Crc::new();
    crc.update(random.as_bytes());
    let (mut rest, mut check) = (crc.sum(), Vec::new());
    for _ in 0..6 {
        check.insert(0, DIGITS[(rest % 62) as usize]);
        rest /= 62;
    }
    format!("ghp_{random}{}", String::from_utf8(check).unwrap())
}

/// What of a token may stand nowhere.
fn secret(token: &str) -> &str {
    token.strip_prefix("ghp_").unwrap()
}

#[tokio::test]
async fn tokens_are_taken_out_of_requests() {
    let token = github_token();
    let h1 = Upstream::start().await;
    let h2 = HttpUpstream::h2().await;
    let mut h2_route = http_route("h2", "/h2", &h2.url());
    h2_route["upstream"]["http2"] = true.into();
    let world = World::builder().route("h1", "/h1", &h1.url()).add_route(h2_route).start().await;
    for down_h2 in [false, true] {
        let mut client = HttpClient::plain(world.plain(), down_h2).await;
        for chunked in [false, true] {
            for padding in [0, 100_000] {
                let case = format!("padding {padding}, chunked {chunked}, from h2 {down_h2}");
                let filler = "word ".repeat(padding / 5);
                let body =
                    json!({ "before": filler, "note": format!("use {token} now"), "after": 7 });
                let body = body.to_string();
                for (route, is_h2) in [("/h1/ok", false), ("/h2/ok", true)] {
                    let stream = if chunked {
                        let (sender, stream) = streamed();
                        // The token is cut in two by the pieces.
                        let middle = body.find(&token).unwrap() + 10;
                        assert!(sender.send(body.as_bytes()[..middle].to_vec()));
                        assert!(sender.send(body.as_bytes()[middle..].to_vec()));
                        stream
                    } else {
                        full(body.clone())
                    };
                    let reply = client.post(route, "application/json", stream).await;
                    assert_eq!(reply.status, 200, "{case} {route}");
                    let came = match is_h2 {
                        false => h1.take_seen().remove(0).body,
                        true => h2.take_heard().remove(0).body.to_vec(),
                    };
                    let came = serde_json::from_slice::<serde_json::Value>(&came).unwrap();
                    let note = came["note"].as_str().unwrap();
                    assert!(!came.to_string().contains(secret(&token)), "{case} {route}: {note}");
                    assert!(note.starts_with("use ") && note.ends_with(" now"), "{case}: {note}");
                    assert_eq!(came["before"], filler, "{case} {route}");
                    assert_eq!(came["after"], 7, "{case} {route}");
                }
            }
        }
    }
    let written = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(!written.contains(secret(&token)), "the token is written down");
    let intents = world.events_of("call.intent");
    assert!(intents.iter().all(|event| !event["payload"]["data"]["findings"].is_null()));
}

#[tokio::test]
async fn private_keys_are_refused() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let key = rcgen_key();
    let mut client = HttpClient::plain(world.plain(), false).await;
    let body = json!({ "key": key }).to_string();
    let reply = client.post("/up/ok", "application/json", full(body)).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "DLP_BLOCKED"));
    assert_eq!(upstream.connections(), 0);
    let secret = key.lines().nth(1).unwrap();
    assert!(!String::from_utf8_lossy(&reply.body).contains(secret));
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(secret));
}

fn rcgen_key() -> String {
    tollgate_tests::Certificates::shared().server.key.clone()
}

#[tokio::test]
async fn tokens_are_taken_out_of_answers() {
    let token = github_token();
    let upstream = Upstream::start().await;
    upstream.on("/json", tollgate_tests::json_answer(json!({ "t": token }).to_string()));
    upstream.on("/text", tollgate_tests::fixed(200, "text/plain", format!("a {token} b")));
    upstream.on(
        "/events",
        tollgate_tests::fixed(200, "text/event-stream", format!("data: {{\"t\":\"{token}\"}}\n\n")),
    );
    let world = World::to(&upstream.url()).await;
    let mut client = HttpClient::plain(world.plain(), true).await;
    for path in ["/up/json", "/up/text", "/up/events"] {
        let reply = client.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(!text.is_empty() && !text.contains(secret(&token)), "{path}: {text}");
    }
}

/// What was found by then is known, and the agent has the answer's beginning.
#[tokio::test]
async fn an_answer_that_a_stop_interrupts_keeps_what_was_found() {
    let upstream = Upstream::start().await;
    let mut world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/deadlines/drain_ms", 300)
        .start()
        .await;
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = format!("data: {}\n\n", github_token());
    let script = vec![Step::Send(head.as_bytes().to_vec()), chunked(&event), Step::Stall];
    upstream.on("/events", script);
    let mut client = RawClient::connect(world.plain()).await;
    client.send(request("GET", "/up/events", &[], "")).await;
    assert_eq!(client.read_head().await.unwrap().0, 200);
    let came = String::from_utf8(client.read_chunk().await.unwrap()).unwrap();
    assert!(came.contains("REDACTED"), "{came}");
    assert!(world.stop().await.success());
    let outcome = world.events_of("call.outcome").remove(0);
    let data = &outcome["payload"]["data"];
    assert_eq!(data["outcome"], "interrupted", "{data}");
    assert_eq!((&data["status"], &data["bytes_in"]), (&json!(200), &json!(event.len())), "{data}");
    assert_eq!(data["destination"], upstream.address().to_string(), "{data}");
    assert_eq!(data["findings"].as_array().map(Vec::len), Some(1), "{data}");
}
