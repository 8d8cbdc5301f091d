//! The registry of agents: from a folder that is watched, and what it gives them.
use std::fs;

use serde_json::{Value, json};
use tollgate_tests::{AGENT, Builder, HttpClient, RawClient, Upstream, World, json_answer, until};

use crate::kit::{POLICY_NO_DELETE, ask, messages, post, refusal_code, request, swap, tool_call};

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A gate with a unix socket, whose only agent of the configuration is that of the plain listener.
fn builder(upstream: &Upstream) -> Builder {
    let folder = json!("agents.d");
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/agents", json!([{ "id": AGENT, "environment": "test" }]))
        .set("/listeners/1", json!({ "type": "unix", "name": "unix", "path": "gate.sock" }))
        .set("/agents_folder", folder)
}

/// A world whose folder has a file already.
async fn world(upstream: &Upstream) -> World {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("none.yaml"), "agents:\n  - { id: nobody }\n").unwrap();
    let mut world =
        builder(upstream).set("/agents_folder", dir.path().to_str().unwrap()).start().await;
    fs::create_dir(world.path("agents.d")).unwrap();
    world.set("/agents_folder", "agents.d");
    assert!(world.reload().await);
    world
}

fn agent(id: &str, rest: &str) -> String {
    format!("agents:\n  - id: {id}\n    uids: [{}]\n{rest}", uid())
}

fn put(world: &World, name: &str, text: &str) {
    swap(&world.path("agents.d").join(name), text);
}

/// Who the caller on the unix socket is; a code when it is nobody.
async fn who(client: &mut HttpClient, world: &World) -> String {
    let before = world.events_of("call.intent").len();
    let reply = client.get("/up/ok").await;
    match reply.status.as_u16() {
        200 => world.events_of("call.intent")[before]["actor"].as_str().unwrap().to_owned(),
        _ => refusal_code(&reply.body),
    }
}

async fn until_who(client: &mut HttpClient, world: &World, expect: &str) {
    until(expect, async || (who(client, world).await == expect).then_some(())).await;
}

/// Nobody signals: the gate finds out by itself, and a living connection is what it is now.
#[tokio::test]
async fn files_come_change_and_go() {
    let upstream = Upstream::start().await;
    let world = world(&upstream).await;
    let mut client = HttpClient::unix(&world.path("gate.sock"), false).await;
    assert_eq!(who(&mut client, &world).await, "IDENTITY_UNKNOWN");
    put(&world, "one.yaml", &agent("one", ""));
    until_who(&mut client, &world, "one").await;
    put(&world, "one.yaml", &agent("two", ""));
    until_who(&mut client, &world, "two").await;
    fs::remove_file(world.path("agents.d/one.yaml")).unwrap();
    until_who(&mut client, &world, "IDENTITY_UNKNOWN").await;
    // JSON, more than one in a file, and files that are none of agents.
    put(&world, "notes.txt", "no agents");
    put(&world, ".hidden.yaml", "no agents");
    fs::create_dir(world.path("agents.d/below.yaml")).unwrap();
    let json = json!({ "agents": [{ "id": "other" }, { "id": "three", "uids": [uid()] }] });
    put(&world, "three.json", &json.to_string());
    until_who(&mut client, &world, "three").await;
    fs::rename(world.path("agents.d/three.json"), world.path("agents.d/three.off")).unwrap();
    until_who(&mut client, &world, "IDENTITY_UNKNOWN").await;
    crate::kit::verify(&world.spool()).await;
}

#[tokio::test]
async fn a_broken_file_keeps_the_last_good_set() {
    let upstream = Upstream::start().await;
    let world = world(&upstream).await;
    put(&world, "one.yaml", &agent("one", ""));
    let mut client = HttpClient::unix(&world.path("gate.sock"), true).await;
    until_who(&mut client, &world, "one").await;
    let failures = "policy_reload_failure_total";
    for (name, text, said) in [
        ("one.yaml", "agents: [".to_owned(), "one.yaml"),
        ("one.yaml", String::new(), "the file is empty"),
        ("one.yaml", agent("one", "    trsut: basic\n"), "did you mean `trust`"),
        ("one.yaml", agent("one", "    tools: ['[']\n"), "not a pattern"),
        ("two.yaml", agent("one", ""), "stands in"),
        ("two.yaml", format!("agents:\n  - id: {AGENT}\n"), "the configuration"),
        ("two.yaml", agent("two", ""), "stands twice"),
    ] {
        let before = world.metric(failures).await;
        put(&world, name, &text);
        until(said, async || (world.metric(failures).await > before).then_some(())).await;
        assert!(world.log().contains(said), "{said}: {}", world.log());
        assert_eq!(who(&mut client, &world).await, "one", "{said}");
        let successes = world.metric("policy_reload_success_total").await;
        let _ = fs::remove_file(world.path("agents.d/two.yaml"));
        put(&world, "one.yaml", &agent("one", "    environment: test\n"));
        until("good files", async || {
            let now = world.metric("policy_reload_success_total").await;
            (now > successes).then_some(())
        })
        .await;
        assert_eq!(who(&mut client, &world).await, "one", "{said}");
    }
    let refused = world.events_of("policy.reload");
    assert!(refused.iter().any(|event| event["payload"]["data"]["outcome"] == "refused"));
}

/// A start with a broken file, or without the folder, is none.
#[tokio::test]
async fn a_start_needs_good_files() {
    let upstream = Upstream::start().await;
    let not = builder(&upstream).try_start().await.unwrap_err();
    assert!(not.stderr.contains("cannot read `agents_folder`"), "{}", not.stderr);
    assert_eq!(not.status.code(), Some(78));
    let mut world = world(&upstream).await;
    put(&world, "one.yaml", "agents: 5");
    assert!(world.stop().await.success());
    let not = world.restart().await.unwrap_err();
    assert_eq!(not.status.code(), Some(78));
    assert!(not.stderr.contains("one.yaml"), "{}", not.stderr);
}

#[tokio::test]
async fn the_record_says_who_answers_for_an_agent() {
    let upstream = Upstream::start().await;
    let world = world(&upstream).await;
    put(&world, "one.yaml", &agent("one", "    owner: team-payments\n"));
    let mut client = HttpClient::unix(&world.path("gate.sock"), false).await;
    until_who(&mut client, &world, "one").await;
    let owner = |event: &Value| event["payload"]["data"]["agent_owner"].clone();
    assert_eq!(owner(&world.events_of("call.intent").pop().unwrap()), "team-payments");
    assert_eq!(client.get("/nowhere").await.status, 403);
    assert_eq!(owner(&world.events_of("call.refused").pop().unwrap()), "team-payments");
    assert_eq!(ask(world.plain(), request("GET", "/up/ok", &[], "")).await.status, 200);
    assert_eq!(owner(&world.events_of("call.intent").pop().unwrap()), Value::Null);
}

#[tokio::test]
async fn a_list_of_tools_holds_whatever_the_rules_say() {
    let tools = json!([
        { "name": "search", "inputSchema": { "type": "object" } },
        { "name": "send", "inputSchema": { "type": "object" } },
        { "name": "delete_branch", "inputSchema": { "type": "object" } },
    ]);
    let listed = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": tools } }).to_string();
    let upstream = Upstream::start().await;
    upstream.on("/mcp", json_answer(&listed));
    for observe in [false, true] {
        let world = World::builder()
            .route("up", "/up", &upstream.url())
            .mcp("mcp", "/mcp", &format!("{}/mcp", upstream.url()))
            .policy(POLICY_NO_DELETE)
            .set("/mode", if observe { "observe" } else { "enforce" })
            .set("/agents/0/tools", json!(["search", "delete_*", "GET /ok"]))
            .start()
            .await;
        let mut client = RawClient::connect(world.plain()).await;
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
        let headers = [crate::kit::SESSIONS];
        let answer = client.call(post(&headers, &list)).await;
        let shown = &messages(&answer)[0]["result"]["tools"];
        let shown = shown.as_array().unwrap().iter().map(|tool| tool["name"].clone());
        let shown = shown.collect::<Vec<_>>();
        // A rule that only watches shows what it would refuse; the registry never does.
        match observe {
            false => assert_eq!(shown, ["search"]),
            true => assert_eq!(shown, ["search", "delete_branch"]),
        }
        let answer =
            client.call(post(&headers, tool_call(json!(2), "send", json!({})).to_string())).await;
        assert_eq!(answer.status, 200);
        assert_eq!(refusal_code(&answer.body), "TOOL_UNREGISTERED", "{}", answer.text());
        let answer = client.call(request("GET", "/up/ok", &[], "")).await;
        assert_eq!(answer.status, 200);
        let answer =
            client.call(request("POST", "/up/ok", &[("content-type", "text/plain")], "x")).await;
        assert_eq!((answer.status, answer.code()), (403, "TOOL_UNREGISTERED".to_owned()));
        let refused = world.events_of("call.refused");
        assert_eq!(refused.len(), 2);
        assert!(
            refused.iter().all(|event| event["payload"]["data"]["code"] == "TOOL_UNREGISTERED")
        );
        crate::kit::verify(&world.spool()).await;
    }
}

/// What an agent hands down is bounded, in depth and in what it is.
#[tokio::test]
async fn what_is_delegated_is_bounded() {
    let upstream = Upstream::start().await;
    upstream.on("/mcp", json_answer(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#));
    let rules = r#"
version: "test"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: DENY }
rules:
  - id: first-hand-only
    match: { method: PUT, delegation_depth_min: 2 }
    outcome: DENY
  - id: of-the-team
    match: { owner: team-payments, protocol: [http, mcp] }
    outcome: ALLOW
"#;
    let agents = |depth: u32| {
        json!([
            { "id": "top", "trust": "basic", "delegation_depth": depth, "tools": ["* /ok", "search"] },
            { "id": "middle", "trust": "system", "delegation_depth": 1, "delegated_by": "top" },
            {
                "id": AGENT, "environment": "test", "delegated_by": "middle", "trust": "verified",
                "owner": "team-payments",
            },
        ])
    };
    for mode in ["enforce", "observe"] {
        let mut world = World::builder()
            .route("up", "/up", &upstream.url())
            .mcp("mcp", "/mcp", &format!("{}/mcp", upstream.url()))
            .policy(rules)
            .set("/mode", mode)
            .set("/agents", agents(2))
            .start()
            .await;
        let mut client = RawClient::connect(world.plain()).await;
        assert_eq!(client.call(request("GET", "/up/ok", &[], "")).await.status, 200);
        let intent = world.events_of("call.intent").pop().unwrap();
        let data = &intent["payload"]["data"];
        assert_eq!(data["delegated_by"], json!(["middle", "top"]), "{intent}");
        assert_eq!(data["agent_owner"], "team-payments");
        // A rule asks how far down it is.
        let answer = client.call(request("PUT", "/up/ok", &[], "")).await;
        assert_eq!(answer.status, if mode == "enforce" { 403 } else { 200 });
        // What one above it may not use, it may not either.
        let answer = client.call(request("GET", "/up/other", &[], "")).await;
        assert_eq!((answer.status, answer.code()), (403, "TOOL_UNREGISTERED".to_owned()));

        world.set("/agents", agents(1));
        assert!(world.reload().await);
        let answer = client.call(request("GET", "/up/ok", &[], "")).await;
        let expect = (403, "DELEGATION_DEPTH_EXCEEDED".to_owned());
        assert_eq!((answer.status, answer.code()), expect);
        let headers = [crate::kit::SESSIONS];
        let call = tool_call(json!(2), "search", json!({})).to_string();
        let answer = client.call(post(&headers, call)).await;
        assert_eq!((answer.status, refusal_code(&answer.body)), (200, expect.1));
        let refused = world.events_of("call.refused").pop().unwrap();
        assert!(refused.to_string().contains("DELEGATION_DEPTH_EXCEEDED"), "{refused}");
        assert_eq!(refused["actor"], AGENT);

        // A circle, or somebody unknown, is no registry.
        for by in [AGENT, "nobody"] {
            let mut circle = agents(2);
            circle[0]["delegated_by"] = by.into();
            world.set("/agents", circle);
            assert!(!world.reload().await, "{by}");
        }
    }
}
