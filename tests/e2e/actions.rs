//! What is done about a finding, seen from both ends of the real gate.
use base64::Engine as _;
use serde_json::{Value, json};
use tollgate_tests::{
    Certificates, HttpClient, Identity, OTHER_AGENT, Step, Upstream, World, chunked, fixed, full,
    until,
};

use crate::kit::{STATELESS, ask, post, refusal_code, stateless, tool_call};

const CARD: &str = "4111 1111 1111 1111";

/// A GitHub token by its form; it opens nothing.
fn token() -> String {
    format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8Qw3E")
}

async fn world(upstream: &Upstream, dlp: Value) -> World {
    World::builder().route("up", "/up", &upstream.url()).set("/dlp", dlp).start().await
}

async fn send(world: &World, body: Value) -> tollgate_tests::Reply {
    let mut client = HttpClient::plain(world.plain(), false).await;
    client.post("/up/ok", "application/json", full(body.to_string())).await
}

/// What came to the upstream of a body that was let through.
async fn passed(world: &World, upstream: &Upstream, body: Value) -> Value {
    let reply = send(world, body).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    serde_json::from_slice(&upstream.take_seen().remove(0).body).unwrap()
}

#[tokio::test]
async fn masks_tokens_and_prints() {
    let upstream = Upstream::start().await;
    let rules = json!([
        { "classes": ["pci.*"], "action": "mask" },
        { "classes": ["contact.email"], "action": "tokenise" },
        { "classes": ["gov_id.*"], "action": "hash" },
    ]);
    let world = world(&upstream, json!({ "rules": rules, "mask": { "cards": "luhn" } })).await;
    let body = json!({
        "card": 4_111_111_111_111_111_u64, "mail": "bob@example.com", "again": "bob@example.com",
        "ssn": "123-45-6789", "key": token(), "ip": "192.0.2.7",
    });
    let came = passed(&world, &upstream, body.clone()).await;
    let card = came["card"].as_u64().unwrap();
    assert_eq!((card % 10_000, card / 1_000_000_000_000), (1111, 9999));
    let mail = came["mail"].as_str().unwrap();
    assert!(mail.starts_with("tok_contact.email_"), "{came}");
    assert_eq!(came["again"], mail);
    assert!(came["ssn"].as_str().unwrap().starts_with("hmac_gov_id.us_ssn_"), "{came}");
    assert_eq!(came["key"], "[REDACTED-GITHUB-TOKEN]");
    // Addresses of machines are sent all day.
    assert_eq!(came["ip"], "192.0.2.7");
    // The same goes out as it is: nothing is found in it.
    assert_eq!(passed(&world, &upstream, came.clone()).await, came);
    let intent = &world.events_of("call.intent")[0]["payload"]["data"];
    let actions: Vec<_> =
        intent["findings"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
    for action in ["mask", "tokenise", "hash", "redact"] {
        assert!(actions.contains(&json!(action)), "{intent}");
    }
}

#[tokio::test]
async fn tokens_come_back_to_their_agent() {
    let upstream = Upstream::start().await;
    let rules = json!([
        { "classes": ["pci.*"], "direction": "request", "destinations": ["route:pay"], "action": "restore" },
        { "classes": ["pci.*"], "direction": "request", "destinations": ["route:pay"], "action": "allow" },
        { "classes": ["pci.*"], "direction": "request", "action": "tokenise" },
        { "classes": ["pci.*"], "direction": "answer", "action": "restore" },
        { "classes": ["pci.*"], "direction": "answer", "action": "alert" },
    ]);
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .route("pay", "/pay", &upstream.url())
        .set("/dlp", json!({ "rules": rules }))
        .start()
        .await;
    let came = passed(&world, &upstream, json!({ "card": CARD })).await;
    let stood = came["card"].as_str().unwrap().to_owned();
    assert!(stood.starts_with("tok_pci.pan_"), "{came}");

    upstream.on("/json", tollgate_tests::json_answer(json!({ "paid": stood }).to_string()));
    upstream.on("/text", fixed(200, "text/plain", format!("paid with {stood}.")));
    let event =
        format!("data: {{\"t\":\"{}\"}}\n\ndata: {{\"t\":\"{}\"}}\n\n", &stood[..9], &stood[9..]);
    upstream.on("/events", fixed(200, "text/event-stream", event));
    let mut mine = HttpClient::plain(world.plain(), false).await;
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut theirs = HttpClient::tls(world.tls(), Some(&identity), false).await.unwrap();
    for path in ["/up/json", "/up/text", "/up/events"] {
        let reply = String::from_utf8(mine.get(path).await.body.to_vec()).unwrap();
        assert!(reply.contains(CARD) && !reply.contains("tok_"), "{path}: {reply}");
        let reply = String::from_utf8(theirs.get(path).await.body.to_vec()).unwrap();
        assert!(!reply.contains("4111"), "{path}: {reply}");
    }
    upstream.take_seen();
    // A later call of the same agent, where a rule says so.
    let body = || full(json!({ "card": stood }).to_string());
    for (client, expect) in [(&mut mine, CARD), (&mut theirs, stood.as_str())] {
        assert_eq!(client.post("/pay/ok", "application/json", body()).await.status, 200);
        let came: Value = serde_json::from_slice(&upstream.take_seen().remove(0).body).unwrap();
        assert_eq!(came["card"], expect);
    }
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains("4111 1111"));
}

/// A service that says what it got tells nothing: what an agent glues to its token stays one.
#[tokio::test]
async fn a_token_that_is_a_part_of_a_value_does_not_come_back() {
    let upstream = Upstream::start().await;
    let rules = json!([
        { "classes": ["pci.*"], "direction": "request", "destinations": ["route:pay"], "action": "restore" },
        { "classes": ["pci.*"], "direction": "request", "destinations": ["route:pay"], "action": "allow" },
        { "classes": ["pci.*"], "action": "tokenise" },
    ]);
    let world = World::builder()
        .route("pay", "/pay", &upstream.url())
        .set("/dlp", json!({ "rules": rules }))
        .start()
        .await;
    upstream.on("/card", tollgate_tests::json_answer(json!({ "card": CARD }).to_string()));
    let mut client = HttpClient::plain(world.plain(), false).await;
    let told: Value = serde_json::from_slice(&client.get("/pay/card").await.body).unwrap();
    let token = told["card"].as_str().unwrap();
    assert!(token.starts_with("tok_pci.pan_"), "{told}");
    upstream.take_seen();
    for (said, restored) in [
        (token.to_owned(), true),
        (format!("x{token}x"), false),
        (format!("1{token}"), false),
        (format!("{token} {token}"), false),
        (format!("pay with {token}"), false),
    ] {
        let body = full(json!({ "memo": said }).to_string());
        assert_eq!(client.post("/pay/ok", "application/json", body).await.status, 200);
        let came: Value = serde_json::from_slice(&upstream.take_seen().remove(0).body).unwrap();
        assert_eq!(came["memo"] == CARD, restored, "{said}: {came}");
        assert!(restored || came["memo"] == said.as_str(), "{said}: {came}");
    }
}

/// With a key of one's own tokens are the same after a restart.
#[tokio::test]
async fn tokens_outlive_a_restart_with_their_key() {
    let upstream = Upstream::start().await;
    let rules = json!([{ "classes": ["pci.*"], "action": "tokenise" }]);
    for (key, same) in [(Some("tokens.key"), true), (None, false)] {
        let mut dlp = json!({ "rules": rules });
        if let Some(file) = key {
            dlp["tokens"] = json!({ "key": { "file": file } });
        }
        let mut world = World::builder()
            .route("up", "/up", &upstream.url())
            .file("tokens.key", "0f1e2d3c4b5a69788796a5b4c3d2e1f0")
            .set("/dlp", dlp)
            .start()
            .await;
        let before = passed(&world, &upstream, json!({ "card": CARD })).await;
        world.stop().await;
        world.restart().await.unwrap();
        let after = passed(&world, &upstream, json!({ "card": CARD })).await;
        assert_eq!(before == after, same, "{before} {after}");
    }
}

#[tokio::test]
async fn rules_ask_where_it_goes_and_who_calls() {
    let upstream = Upstream::start().await;
    let rules = json!([
        { "classes": ["contact.email"], "agents": [OTHER_AGENT], "action": "allow" },
        {
            "id": "papers", "classes": ["gov_id.*"], "action": "block",
            "allowed_destinations": ["route:hr"],
        },
        { "classes": ["gov_id.*"], "action": "alert" },
    ]);
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .route("hr", "/hr", &upstream.url())
        .set("/dlp", json!({ "rules": rules }))
        .start()
        .await;
    let body = json!({ "ssn": "123-45-6789" });
    let reply = send(&world, body.clone()).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "EGRESS_BLOCKED"));
    assert_eq!(reply.json()["rule"], "papers");
    assert!(upstream.seen().is_empty());
    let mut mine = HttpClient::plain(world.plain(), false).await;
    let reply = mine.post("/hr/ok", "application/json", full(body.to_string())).await;
    assert_eq!(reply.status, 200);
    assert!(String::from_utf8_lossy(&upstream.take_seen().remove(0).body).contains("123-45-6789"));

    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut theirs = HttpClient::tls(world.tls(), Some(&identity), false).await.unwrap();
    for (client, expect) in [(&mut mine, "[REDACTED:EMAIL]"), (&mut theirs, "bob@example.com")] {
        let body = full(json!({ "mail": "bob@example.com" }).to_string());
        assert_eq!(client.post("/up/ok", "application/json", body).await.status, 200);
        let came: Value = serde_json::from_slice(&upstream.take_seen().remove(0).body).unwrap();
        assert_eq!(came["mail"], expect);
    }
}

#[tokio::test]
async fn tools_have_channels_and_destinations() {
    let upstream = Upstream::start().await;
    let dlp = json!({
        "rules": [{
            "id": "mail", "classes": ["pci.*"], "channels": ["email"], "action": "block",
            "allowed_destinations": ["*@acme.test"],
        }, { "classes": ["pci.*", "contact.*"], "action": "alert" }],
        "channels": [{ "tool": "send_*", "channel": "email", "destination_field": "to" }],
    });
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder().mcp("shop", "/mcp", &url).set("/dlp", dlp).start().await;
    let call = async |tool: &str, to: Value| {
        let call = stateless(tool_call(json!(1), tool, json!({ "to": to, "text": CARD })));
        let headers = [STATELESS, ("mcp-method", "tools/call"), ("mcp-name", tool)];
        let answer = ask(world.plain(), post(&headers, call.to_string())).await;
        let passed = !upstream.take_seen().is_empty();
        (passed, if passed { String::new() } else { refusal_code(&answer.body) })
    };
    let blocked = (false, "EGRESS_BLOCKED".to_owned());
    assert_eq!(call("send_mail", json!("bob@evil.test")).await, blocked);
    assert_eq!(call("send_mail", json!("ann@acme.test, bob@evil.test")).await, blocked);
    assert_eq!(call("send_mail", Value::Null).await, blocked);
    assert!(call("send_mail", json!("ann@acme.test")).await.0);
    assert!(call("other", json!("bob@evil.test")).await.0);
}

#[tokio::test]
async fn own_detectors_come_with_a_reload() {
    let upstream = Upstream::start().await;
    let mut world = world(&upstream, json!({})).await;
    let body = json!({ "note": "ask employee #123456 or bob@example.com" });
    let came = passed(&world, &upstream, body.clone()).await;
    assert_eq!(came["note"], "ask employee #123456 or [REDACTED:EMAIL]");
    let detector = json!({
        "name": "employee", "class": "acme.employee", "literals": ["employee"],
        "lead": "(?i)employee[ #]{1,3}", "pattern": "[0-9]{6}", "examples": ["employee 123456"],
        "counter_examples": ["employee 1234567"],
    });
    world.set("/dlp", json!({ "detectors": [detector], "off": ["email"] }));
    assert!(world.reload().await);
    let came = passed(&world, &upstream, body.clone()).await;
    assert_eq!(came["note"], "ask employee #[REDACTED:EMPLOYEE] or bob@example.com");
    // One that does not find its own example is not taken, and the old ones stay.
    let mut broken = detector.clone();
    broken["examples"] = json!(["nothing"]);
    world.set("/dlp", json!({ "detectors": [broken] }));
    assert!(!world.reload().await);
    let came = passed(&world, &upstream, body).await;
    assert_eq!(came["note"], "ask employee #[REDACTED:EMPLOYEE] or bob@example.com");
}

#[tokio::test]
async fn a_secret_in_three_calls_is_refused_in_the_third() {
    let upstream = Upstream::start().await;
    let world = world(&upstream, json!({})).await;
    // A key of AWS by its form; each piece by itself is nothing.
    let pieces = ["AKIAQ7X", "W2RB4KD", "TS6VNZ"];
    for (nth, piece) in pieces[..2].iter().enumerate() {
        let body = json!({ "nth": nth, "part": piece });
        assert_eq!(passed(&world, &upstream, body.clone()).await, body);
    }
    for _ in 0..2 {
        let reply = send(&world, json!({ "nth": 2, "part": pieces[2] })).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "EXFIL_FRAGMENTS"));
    }
    assert!(upstream.seen().is_empty());
    let refused = world.wait_event("the refusal", |event| {
        let data = &event["payload"]["data"];
        data["code"] == "EXFIL_FRAGMENTS" && data["classes"] == json!(["secret.aws_access_key"])
    });
    refused.await;
    // Another agent may send the same piece.
    let identity: Identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    let mut theirs = HttpClient::tls(world.tls(), Some(&identity), false).await.unwrap();
    let body = full(json!({ "part": pieces[2] }).to_string());
    assert_eq!(theirs.post("/up/ok", "application/json", body).await.status, 200);
    // What is forgotten before its time is counted.
    let noise: Vec<String> = (0..40).map(|nth| format!("ghp_{nth}abcd")).collect();
    assert_eq!(send(&world, json!(noise)).await.status, 200);
    until("counted", async || {
        (world.metric("tollgate_dlp_forgotten_total").await > 0.0).then_some(())
    })
    .await;
}

/// A token, written as URLs escape it, in base64, in pieces of a list far inside the arguments.
#[tokio::test]
async fn a_token_written_in_another_way_is_refused_with_its_place() {
    let upstream = Upstream::start().await;
    let rules = json!([{ "classes": ["secret.*"], "direction": "request", "action": "block" }]);
    let world = world(&upstream, json!({ "rules": rules })).await;
    let escaped: String = token().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let encoded = base64::engine::general_purpose::STANDARD.encode(escaped);
    let pieces: Vec<&str> =
        encoded.as_bytes().chunks(40).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
    let body = json!({ "job": { "steps": [{ "note": "as agreed" }, { "data": pieces }] } });
    let reply = send(&world, body).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "DLP_BLOCKED"));
    let said = String::from_utf8_lossy(&reply.body);
    assert!(said.contains("/job/steps/1/data/0"), "{said}");
    assert!(upstream.seen().is_empty());
    world
        .wait_event("the refusal", |event| {
            event["payload"]["data"]["classes"] == json!(["secret.github"])
        })
        .await;
    let wrote = String::from_utf8_lossy(&world.everything_written()).into_owned();
    assert!(
        !wrote.contains(&token()[4..]) && !wrote.contains(pieces[1]),
        "it is written somewhere"
    );
}

/// A card number in pieces of an answer that streams: it streams on, and the number is masked.
#[tokio::test]
async fn an_answer_with_a_card_streams_on_masked() {
    let upstream = Upstream::start().await;
    let rules = json!([{ "classes": ["pci.*"], "direction": "answer", "action": "mask" }]);
    let world = world(&upstream, json!({ "rules": rules })).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
    let pieces = ["paid with card 4111 11", "11 1111", " 1111", ", thank you. ", "Bye."];
    let mut script = vec![Step::Send(head.as_bytes().to_vec())];
    script.extend(pieces.iter().map(chunked));
    script.push(chunked(""));
    upstream.on("/answer", script);
    let mut client = HttpClient::plain(world.plain(), false).await;
    let reply = client.get("/up/answer").await;
    assert_eq!(reply.status, 200);
    let came = String::from_utf8_lossy(&reply.body);
    assert_eq!(came, "paid with card **** **** **** 1111, thank you. Bye.");
}
