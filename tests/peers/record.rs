//! What the tests of sinks share: a gate with one sink, calls through it, its record.
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;
use tollgate_tests::{Builder, RawClient, Upstream, World, binary, until, within};

/// A gate with one sink.
pub(crate) fn builder(upstream: &Upstream, sink: Value) -> Builder {
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/sinks", json!([sink]))
        .set("/audit/delivery_secs", 5)
}

/// Makes calls, some with odd words in them; none may be refused because of a sink.
pub(crate) async fn call(world: &World, times: usize) {
    let mut client = RawClient::connect(world.plain()).await;
    for nth in 0..times {
        let target = match nth % 4 {
            0 => "/up/plain".to_owned(),
            1 => format!("/up/%E2%82%AC%3Ctag%3E%7Cpipe%3Dequals/{nth}"),
            2 => "/up/a%22b%27c/%F0%9F%98%80".to_owned(),
            _ => format!("/up/{}", "long-".repeat(200)),
        };
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(client.call(request).await.status, 200, "{target}");
    }
}

/// How many events the sink lacks.
pub(crate) async fn lag(world: &World, sink: &str) -> f64 {
    world.metric(&format!("tollgate_sink_lag_events{{sink=\"{sink}\"}}")).await
}

/// Waits until the sink has every event.
pub(crate) async fn no_lag(world: &World, sink: &str) {
    until("no lag", async || (lag(world, sink).await == 0.0).then_some(())).await;
}

/// Waits until the gate's log has a line with these words.
pub(crate) async fn logged(world: &World, words: &str) {
    let what = format!("`{words}` in the log");
    until(&what, async || world.log().contains(words).then_some(())).await;
}

/// `tollgate audit verify` with these arguments: its exit code and what it said.
pub(crate) async fn verify(
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.args(["audit", "verify"]).args(arguments).env_clear();
    command.envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let ended = within("the command's end", command.output()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.code(), text(&ended.stdout) + &text(&ended.stderr))
}

/// Asserts that lines are the whole record, and that they verify without it.
pub(crate) async fn is_the_record(world: &World, lines: &[String], file: &str) {
    let kept = world.events();
    assert_eq!(lines.len(), kept.len());
    for (line, event) in lines.iter().zip(&kept) {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap(), *event);
    }
    let path = world.path(file);
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    sound(&path, world, &[]).await;
}

/// Asserts that a file verifies with the gate's registry and checkpoints.
pub(crate) async fn sound(path: &Path, world: &World, more: &[&str]) {
    let (signers, checkpoints) =
        (world.spool().join("signers.json"), world.spool().join("checkpoints.jsonl"));
    let mut arguments = vec![path.to_str().unwrap(), "--signers", signers.to_str().unwrap()];
    if checkpoints.exists() {
        arguments.extend(["--checkpoints", checkpoints.to_str().unwrap()]);
    }
    arguments.extend(more);
    let (code, said) = verify(&arguments, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{} events", world.events().len())), "{said}");
}
