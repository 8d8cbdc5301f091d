//! What is in force changes whole, at once, and only when it is sound.
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use rustix::process::Signal;
use serde_json::{Value, json};
use tollgate_tests::{
    AGENT, Certificates, POLICY_ALLOW, RawClient, Upstream, World, base_settings, fixed,
    http_route, until, within,
};

use crate::kit::{ask, request, swap, tollgate};

fn deny() -> String {
    POLICY_ALLOW.replace("outcome: ALLOW", "outcome: DENY")
}

async fn code(world: &World) -> String {
    ask(world.plain(), request("GET", "/up/ok", &[], "")).await.code()
}

async fn until_code(world: &World, expect: &str) {
    until(expect, async || (code(world).await == expect).then_some(())).await;
}

#[tokio::test]
async fn by_signal_and_by_file() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    assert_eq!(code(&world).await, "");
    world.rewrite_policy(&deny());
    assert!(world.reload().await);
    assert_eq!(code(&world).await, "POLICY_DENIED");
    // Nobody signals from here on.
    world.rewrite_policy(POLICY_ALLOW);
    until_code(&world, "").await;
    world.set("/routes/0/match/prefix", "/elsewhere");
    until_code(&world, "EGRESS_BLOCKED").await;
    let applied = world.events_of("policy.reload");
    assert!(applied.len() >= 3, "{applied:?}");
    let data = |event: &Value, key: &str| event["payload"]["data"][key].clone();
    assert!(applied.iter().all(|event| data(event, "outcome") == "applied"), "{applied:?}");
    let changes = applied.iter().map(|event| data(event, "revision_after").to_string());
    assert_eq!(changes.collect::<BTreeSet<_>>().len(), 3, "{applied:?}");
}

/// A mounted ConfigMap: files are links into `..data`, which is a link that is swapped.
#[tokio::test]
async fn by_a_swapped_link() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    let mount = world.path("mount");
    let place = |revision: &str, policy: &str| {
        std::fs::create_dir_all(mount.join(revision)).unwrap();
        std::fs::write(mount.join(revision).join("policy.yaml"), policy).unwrap();
    };
    place("..one", POLICY_ALLOW);
    place("..two", &deny());
    place("..three", POLICY_ALLOW);
    symlink("..one", mount.join("..data")).unwrap();
    symlink("..data/policy.yaml", mount.join("policy.yaml")).unwrap();
    world.set("/policy/bundle", "mount/policy.yaml");
    assert!(world.reload().await);
    assert_eq!(code(&world).await, "");
    for (target, expect) in [("..two", "POLICY_DENIED"), ("..three", "")] {
        symlink(target, mount.join("..data_tmp")).unwrap();
        std::fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
        until_code(&world, expect).await;
    }
}

/// A name, and what breaks a sound world.
type Break = (&'static str, Box<dyn Fn(&World)>);

#[tokio::test]
async fn what_is_unsound_changes_nothing() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    let config = std::fs::read_to_string(world.config_path()).unwrap();
    let expired = POLICY_ALLOW
        .replace("2099", "2026")
        .replace("2026-01-01T00:00:00Z\ndef", "2026-02-01T00:00:00Z\ndef");
    let breaks: Vec<Break> = vec![
        ("a bundle that is no YAML", Box::new(|world| world.rewrite_policy("rules: ["))),
        ("an empty bundle", Box::new(|world| world.rewrite_policy(""))),
        ("an expired bundle", Box::new(move |world| world.rewrite_policy(&expired))),
        (
            "an unknown outcome",
            Box::new(|world| world.rewrite_policy(&POLICY_ALLOW.replace("ALLOW", "PASS"))),
        ),
        (
            "an unknown key",
            Box::new(|world| world.rewrite_policy(&POLICY_ALLOW.replace("match", "macht"))),
        ),
        (
            "a bundle that is gone",
            Box::new(|world| std::fs::remove_file(world.path("policy.yaml")).unwrap()),
        ),
        ("a configuration that is no YAML", Box::new(|world| world.rewrite_config("{"))),
        ("an empty configuration", Box::new(|world| world.rewrite_config(""))),
        (
            "an unknown setting",
            Box::new(|world| world.rewrite_config("version: 1\nlisteners_: []\n")),
        ),
        ("a certificate that is none", Box::new(|world| swap(&world.path("server.pem"), "x"))),
        ("an authority that is none", Box::new(|world| swap(&world.path("ca.pem"), ""))),
    ];
    // The watcher reloads as well, so that one reload more or less says nothing: counters do.
    let count = async |world: &World, which: &str| {
        world.metric(&format!("policy_reload_{which}_total")).await
    };
    for (nth, (name, break_it)) in breaks.iter().enumerate() {
        let before = count(&world, "failure").await;
        break_it(&world);
        world.signal(Signal::HUP);
        until(name, async || (count(&world, "failure").await > before).then_some(())).await;
        assert_eq!(code(&world).await, "", "{name}");
        world.says("reload refused").await;
        let refused = until(name, async || {
            let mut events = world.events_of("policy.reload");
            events.retain(|event| event["payload"]["data"]["outcome"] == "refused");
            (events.len() > nth).then_some(events)
        });
        for event in refused.await {
            let data = &event["payload"]["data"];
            assert_eq!(data["policy_hash_before"], data["policy_hash_after"], "{name}: {event}");
        }
        let before = count(&world, "success").await;
        world.rewrite_policy(POLICY_ALLOW);
        world.rewrite_config(&config);
        let certificates = Certificates::shared();
        swap(&world.path("server.pem"), &certificates.server.certificate);
        swap(&world.path("ca.pem"), &certificates.authority.certificate);
        world.signal(Signal::HUP);
        until(name, async || (count(&world, "success").await > before).then_some(())).await;
    }
    // It does not come back from a restart with what is unsound, either.
    world.rewrite_policy("rules: [");
    world.kill9().await;
    let not = world.restart().await.unwrap_err();
    assert_eq!(not.status.code(), Some(78), "{}", not.stderr);
}

#[tokio::test]
async fn a_call_is_judged_by_one_snapshot() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let head = "POST /up/ok HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n";
    // The head is read under rules that allow; the body comes under rules that do not.
    let mut early = RawClient::connect(world.plain()).await;
    early.send(format!("{head}{{\"a\"")).await;
    until("the call in flight", async || {
        (world.metric("tollgate_calls_in_flight").await >= 1.0).then_some(())
    })
    .await;
    world.rewrite_policy(&deny());
    assert!(world.reload().await);
    let mut late = RawClient::connect(world.plain()).await;
    late.send(format!("{head}{{\"b\"")).await;
    until("both calls in flight", async || {
        (world.metric("tollgate_calls_in_flight").await >= 2.0).then_some(())
    })
    .await;
    world.rewrite_policy(POLICY_ALLOW);
    assert!(world.reload().await);
    late.send(": 2}").await;
    assert_eq!(late.answer().await.code(), "POLICY_DENIED");
    early.send(": 1}").await;
    assert_eq!(early.answer().await.status, 200);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body, br#"{"a":1}"#);
    // Its events say under which revision it was judged, both of them the same.
    let outcome = world.wait_event("the outcome", |e| e["event_type"] == "call.outcome").await;
    let intent = world.events_of("call.intent").remove(0);
    assert_eq!(intent["payload"]["revision"], outcome["payload"]["revision"]);
    let refused = world.events_of("call.refused").remove(0);
    assert_ne!(intent["payload"]["revision"], refused["payload"]["revision"]);
}

/// An answer that streams goes on across a reload.
#[tokio::test]
async fn a_stream_lives_on() {
    let upstream = Upstream::start().await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let mut script = fixed(200, "text/plain", "one two");
    if let tollgate_tests::Step::Send(bytes) = &mut script[0] {
        bytes.truncate(bytes.len() - 4);
    }
    script.extend([
        tollgate_tests::Step::Gate(std::sync::Arc::clone(&gate)),
        tollgate_tests::Step::Send(b" two".to_vec()),
    ]);
    upstream.on("/ok", script);
    let world = World::to(&upstream.url()).await;
    let mut client = RawClient::connect(world.plain()).await;
    client.send(request("GET", "/up/ok", &[], "")).await;
    upstream.wait_seen("/ok").await;
    world.rewrite_policy(&deny());
    assert!(world.reload().await);
    gate.add_permits(1);
    assert_eq!(client.answer().await.text(), "one two");
    assert_eq!(client.call(request("GET", "/up/ok", &[], "")).await.code(), "POLICY_DENIED");
}

#[tokio::test]
async fn check_says_whether_it_would_start_and_opens_no_port() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // Taken, so that whoever opened it would fail.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = base_settings();
    settings["listeners"] = json!([
        { "type": "plain", "name": "plain", "bind": taken.local_addr().unwrap().to_string(), "agent": AGENT },
    ]);
    settings["admin"]["bind"] = admin.local_addr().unwrap().to_string().into();
    settings["routes"] = json!([http_route("up", "/up", "http://127.0.0.1:9")]);
    std::fs::write(at("policy.yaml"), POLICY_ALLOW).unwrap();
    std::fs::write(at("good.yaml"), settings.to_string()).unwrap();
    let good = at("good.yaml");
    let good = good.to_str().unwrap();
    let (code, out, err) = tollgate(&["check", "--config", good], &[]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("good (1 listeners, 2 agents, 1 routes, 1 rules)"), "{out}");
    assert!(!at("spool").exists(), "check wrote a spool");
    let (code, _, err) = tollgate(&["run", "--config", good], &[]).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("cannot listen"), "{err}");

    for (name, pointer, value) in [
        ("an unknown listener's agent", "/listeners/0/agent", json!("nobody")),
        ("a wrong address", "/listeners/0/bind", json!("here")),
        ("a bundle that is not there", "/policy/bundle", json!("none.yaml")),
        ("an unknown mode", "/mode", json!("strict")),
        ("remote and plain", "/listeners/0/bind", json!("0.0.0.0:0")),
    ] {
        let mut bad = settings.clone();
        match bad.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => bad[pointer.trim_start_matches('/')] = value,
        }
        std::fs::write(at("bad.yaml"), bad.to_string()).unwrap();
        let bad = at("bad.yaml");
        let (code, out, err) = tollgate(&["check", "--config", bad.to_str().unwrap()], &[]).await;
        assert_eq!(code, Some(78), "{name}: {out}{err}");
        assert!(!err.is_empty(), "{name}");
    }
    let (code, ..) = tollgate(&["check", "--config", "/nowhere.yaml"], &[]).await;
    assert_eq!(code, Some(78));
}

#[tokio::test]
async fn the_environment_overrides_the_file() {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .policy(deny())
        .variable("TOLLGATE__MODE", "observe")
        .variable("TOLLGATE__BOUNDS__REQUEST_BODY_BYTES", "1024")
        .start()
        .await;
    // Observing, a denied call passes; and it still has bounds.
    let json = [("content-type", "application/json")];
    let asked = async |body: &str| ask(world.plain(), request("POST", "/up/ok", &json, body)).await;
    assert_eq!(asked("{}").await.status, 200);
    assert_eq!(asked(&"1".repeat(1025)).await.code(), "BODY_TOO_LARGE");
    let intent = world.events_of("call.intent").remove(0);
    assert_eq!(intent["payload"]["data"]["observed"], true, "{intent}");

    for (name, value) in [("TOLLGATE__MODUS", "observe"), ("TOLLGATE__MODE", "lax")] {
        let started = World::builder()
            .route("up", "/up", &upstream.url())
            .variable(name, value)
            .try_start()
            .await;
        let not = started.unwrap_err();
        assert_eq!(not.status.code(), Some(78), "{name}: {}", not.stderr);
        assert!(not.stderr.contains(name), "{}", not.stderr);
    }
}

/// The example that shows every key is a configuration that starts.
#[tokio::test]
async fn the_example_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/example.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let config = dir.path().join("tollgate.yaml");
    std::fs::write(&config, &text).unwrap();
    let config = config.to_str().unwrap();
    let (code, _, err) = tollgate(&["check", "--config", config], &[]).await;
    assert_eq!(code, Some(78), "what it names is missing: {err}");

    std::fs::create_dir(dir.path().join("tls")).unwrap();
    std::fs::create_dir(dir.path().join("secrets")).unwrap();
    let certificates = Certificates::shared();
    for name in ["gate", "gate-client"] {
        certificates.server.write(&dir.path().join("tls"), name);
        let key = dir.path().join(format!("tls/{name}-key.pem"));
        std::fs::write(key, &certificates.server.key).unwrap();
    }
    for name in ["agents-ca", "tools-ca", "lake-ca", "login-ca", "proxy-ca", "partner-bundle"] {
        let file = dir.path().join(format!("tls/{name}.pem"));
        std::fs::write(file, &certificates.authority.certificate).unwrap();
    }
    for name in ["agents", "partner"] {
        let list = crate::tls::Issuing::new(name).revoke(&[8], 2099);
        std::fs::write(dir.path().join(format!("tls/{name}.crl")), list.der()).unwrap();
    }
    std::fs::create_dir(dir.path().join("agents.d")).unwrap();
    let more = "agents:\n  - { id: another, owner: team, tools: [search] }\n";
    std::fs::write(dir.path().join("agents.d/more.yaml"), more).unwrap();
    for name in [
        "github-token",
        "proxy-password",
        "maps",
        "wiki",
        "aws-id",
        "aws-key",
        "aws-session",
        "login",
        "user-token",
        "agent.jwt",
    ] {
        let file = dir.path().join("secrets").join(name);
        std::fs::write(file, format!("the-Value-of-77-{name}")).unwrap();
    }
    std::fs::write(dir.path().join("secrets/bundle-hmac"), format!("{SECRET}\n")).unwrap();
    std::fs::write(dir.path().join("policy.yaml"), SIGNED).unwrap();
    write_known(dir.path()).await;
    let environment = [
        ("KNOWN_KEY", KNOWN_KEY),
        ("DATABASE_PASSWORD", "correct-horse-battery"),
        ("PACKAGES_TOKEN", "the-Value-of-77-packages"),
    ];
    let (code, out, err) = tollgate(&["check", "--config", config], &environment).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("good (4 listeners, 4 agents, 2 routes, 1 rules)"), "{out}");
    // The signature is looked at.
    std::fs::write(dir.path().join("policy.yaml"), SIGNED.replace("DENY", "ALLOW")).unwrap();
    let (code, _, err) = tollgate(&["check", "--config", config], &environment).await;
    assert_eq!(code, Some(78));
    assert!(err.contains("signature"), "{err}");
}

const KNOWN_KEY: &str = "a-key-of-thirty-two-bytes-or-more-for-this-test";

/// What the example knows and looks for: indexes with their key, a canary, secrets of others.
async fn write_known(dir: &std::path::Path) {
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for folder in ["known", "papers", "secrets/app"] {
        std::fs::create_dir(dir.join(folder)).unwrap();
    }
    let files = [
        ("secrets/known.key", KNOWN_KEY),
        ("secrets/tokens.key", "another-key-of-thirty-two-bytes-or-more-here"),
        ("secrets/canary", "canary-5ac1f0e2b7"),
        ("secrets/app/password", "tr0ub4dor-and-three"),
        ("app.env", "API_VALUE=q7Xw2Rb9Kd4Ts6Vn\n"),
        ("rows.csv", "email,name,card\nada@customers.example,Ada Lovelace,9000111122223333\n"),
        ("papers/plan.txt", PLAN),
    ];
    for (name, text) in files {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let (key, rows, papers) = (path("secrets/known.key"), path("rows.csv"), path("papers"));
    let columns = "email:email,name:words,card:digits";
    let records = ["dlp", "index", "--key-file", &key, "--columns", columns, &rows];
    let documents = ["dlp", "index", "--key-file", &key, "--documents", &papers];
    for (arguments, out) in
        [(&records[..], path("known/customers.idx")), (&documents[..], path("known/papers.idx"))]
    {
        let (code, _, err) = tollgate(&[arguments, &[out.as_str()]].concat(), &[]).await;
        assert_eq!(code, Some(0), "{err}");
    }
}

const PLAN: &str = "The quorum of the board meets in closed session on the second Monday of the \
    quarter, hears the treasurer on the tender, and decides by a show of hands whether the \
    covenant with the northern harbour is to be kept, amended or given up before the winter.";

const SECRET: &str = "a-secret-for-this-test-alone";
/// HMAC-SHA256 under [`SECRET`] of the RFC 8785 form without `signature`, made with Python's hmac.
const SIGNED: &str = r#"{"defaults":{"outcome":"DENY"},"expires_at":"2099-01-01T00:00:00Z","generated_at":"2026-01-01T00:00:00Z","rules":[{"id":"a","match":{"tool_name":"*"},"outcome":"DENY"}],"signature":"b36c313c873c1a623336e36ccf3afe452de995046de35c48886b935d3541c0cd","version":"1"}"#;

/// What stands in a file's place and never answers, or never ends, keeps nobody waiting.
#[tokio::test]
async fn what_is_no_file_is_not_waited_for() {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    let bundle = world.path("policy.yaml");
    assert!(bundle.is_file());
    let fifo = |path: &std::path::Path| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
    };
    for put in [&fifo as &dyn Fn(&std::path::Path), &|path| symlink("/dev/zero", path).unwrap()] {
        std::fs::remove_file(&bundle).unwrap();
        put(&bundle);
        assert!(!world.reload().await);
        assert_eq!(code(&world).await, "");
    }
    std::fs::remove_file(&bundle).unwrap();
    std::fs::write(&bundle, deny()).unwrap();
    assert!(world.reload().await);
    assert_eq!(code(&world).await, "POLICY_DENIED");
}

#[tokio::test]
async fn a_hangup_during_the_start_ends_no_gate() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("api.sock");
    // Takes the gate's connection and says nothing, so that the start lasts.
    let silent = tokio::net::UnixListener::bind(&socket).unwrap();
    let mut settings = base_settings();
    settings["routes"] = json!([http_route("up", "/up", "http://127.0.0.1:9")]);
    settings["workload_api"] = json!({ "socket": socket, "start_ms": 1000 });
    std::fs::write(dir.path().join("policy.yaml"), POLICY_ALLOW).unwrap();
    std::fs::write(dir.path().join("gate.yaml"), settings.to_string()).unwrap();
    let child = tokio::process::Command::new(tollgate_tests::binary())
        .args(["run", "--config", "gate.yaml"])
        .current_dir(dir.path())
        .env_clear()
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let connection = within("the start", silent.accept()).await.unwrap();
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    let output = within("the end of the start", child.wait_with_output()).await.unwrap();
    drop(connection);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("api.sock"), "it ended for another reason ({}): {said}", output.status);
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[tokio::test]
async fn what_waits_for_the_next_start_is_said_until_it_does_not() {
    let mut world = World::builder().start().await;
    let waiting = async |world: &World| {
        let (_, ready) = world.admin("/ready").await.unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let warnings = ready["warnings"].as_array().unwrap().iter().filter_map(Value::as_str);
        warnings
            .filter_map(|said| said.strip_prefix("takes effect at the next start only: "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(waiting(&world).await.is_empty());
    world.set("/bounds", json!({ "held_bytes_total": 1 << 30, "connections": 99 }));
    assert!(world.reload().await);
    assert_eq!(waiting(&world).await, ["bounds.connections, bounds.held_bytes_total"]);
    world.says("next start only: bounds.connections").await;
    // What can change at once is nothing to wait for.
    world.set("/bounds", json!({ "json_depth": 12 }));
    assert!(world.reload().await);
    assert!(waiting(&world).await.is_empty());
}
