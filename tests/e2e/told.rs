//! What commands do when nobody takes what they say: a reader that has gone, a disk that is full.
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::process::Command;
use tollgate_tests::{RawClient, World, base_settings, until, within};

/// Commands that say something.
const COMMANDS: [&str; 16] = [
    "schema",
    "check -c other.json",
    "env -c other.json",
    "redirect -c other.json --user 1000 --print",
    "keys registry -c other.json",
    "keys registry -c other.json --json",
    "keys registry -c other.json --roots",
    "policy eval --bundle policy.yaml",
    "dlp detectors",
    "dlp test",
    "scan policy.yaml",
    "audit tail spool",
    "audit stats spool",
    "audit export --to cef spool",
    "audit verify spool",
    "probe live --admin ADMIN",
];

/// A gate's directory, with another configuration that all of them can use.
async fn world() -> World {
    let world = World::builder().start().await;
    let mut other = base_settings();
    other["listeners"] = json!([
        { "type": "plain", "name": "plain", "bind": "127.0.0.1:8080",
          "agent": "spiffe://acme.test/agents/coder" },
        { "type": "transparent", "name": "redirected", "bind": "127.0.0.1:15001",
          "agent": "spiffe://acme.test/agents/coder" },
    ]);
    other["forward_proxy"] =
        json!({ "hosts": ["api.example.org"], "intercept": { "certificate": "ca.pem" } });
    fs::write(world.path("other.json"), other.to_string()).unwrap();
    world
}

/// How a command ends and what it says on standard error, where it is heard there.
async fn ended(world: &World, line: &str, out: Stdio, err: Stdio) -> (Option<i32>, String) {
    let admin = world.admin_address().to_string();
    let question = r#"{"agent":{"agent_id":"a","environment":"e"},"action":{"tool_name":"t"}}"#;
    fs::write(world.path("questions"), format!("{question}\n").repeat(10_000)).unwrap();
    let mut command = Command::new(tollgate_tests::binary());
    command.args(line.split(' ').map(|word| if word == "ADMIN" { &admin } else { word }));
    command.stdin(File::open(world.path("questions")).unwrap()).stdout(out).stderr(err);
    let run = command.current_dir(world.dir()).kill_on_drop(true).spawn().unwrap();
    let ended = within(line, run.wait_with_output()).await.unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

fn gone() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[tokio::test]
async fn a_reader_that_has_gone_and_a_full_disk_are_no_fault_of_the_gates() {
    let world = world().await;
    for line in COMMANDS {
        let (well, _) = ended(&world, line, Stdio::null(), Stdio::piped()).await;
        assert_eq!(well, Some(0), "{line}");
        // An answer to verifying that nobody could read is none.
        let (code, told) = ended(&world, line, gone(), Stdio::piped()).await;
        assert_eq!(
            code,
            Some(if line.starts_with("audit verify") { 2 } else { 0 }),
            "{line}: {told}"
        );
        let (code, told) = ended(&world, line, full(), Stdio::piped()).await;
        assert!(matches!(code, Some(1 | 2)), "{line} ended with {code:?}: {told}");
        assert!(told.contains("No space left on device"), "{line}: {told}");
        // What goes to standard error need not arrive anywhere.
        for err in [gone(), full()] {
            assert_eq!(ended(&world, line, Stdio::null(), err).await.0, Some(0), "{line}");
        }
    }
}

#[tokio::test]
async fn a_variable_that_is_no_text_is_a_mistake_and_not_passed_over() {
    let world = world().await;
    for name in ["TOLLGATE__MODE", "REQUIRE_KMS"] {
        let mut command = Command::new(tollgate_tests::binary());
        command.args(["check", "-c", "other.json"]).env(name, OsStr::from_bytes(b"enforce\xff"));
        let run = command.current_dir(world.dir()).kill_on_drop(true).output();
        let ended = within(name, run).await.unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(78), "{told}");
        assert!(told.contains(&format!("`{name}`: what it says is not UTF-8")), "{told}");
    }
}

/// How often a gate has reloaded.
async fn reloads(admin: SocketAddr) -> u64 {
    let mut client = RawClient::connect(admin).await;
    client.send("GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    let text = client.answer().await.text();
    let count = text.lines().find_map(|line| line.strip_prefix("policy_reload_success_total "));
    count.unwrap().parse().unwrap()
}

#[tokio::test]
async fn who_does_not_read_the_log_keeps_no_gate_from_its_work() {
    let mut world = World::builder().start().await;
    assert!(world.stop().await.success());
    let (reader, writer) = std::io::pipe().unwrap();
    // A page; some twenty lines.
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    let mut command = Command::new(tollgate_tests::binary());
    command.args(["run", "--config"]).arg(world.config_path()).current_dir(world.dir());
    let mut gate = command.stderr(writer).kill_on_drop(true).spawn().unwrap();
    drop(command);
    let mut lines = BufReader::new(&reader).lines().map(|line| line.unwrap());
    let told = lines.find(|line| line.contains("admin listening")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let admin = told["address"].as_str().unwrap().parse().unwrap();
    // From here on nobody reads.
    let pid = Pid::from_raw(gate.id().unwrap().try_into().unwrap()).unwrap();
    for _ in 0..60 {
        let before = reloads(admin).await;
        kill_process(pid, Signal::HUP).unwrap();
        until("a reload", async || (reloads(admin).await > before).then_some(())).await;
    }
    kill_process(pid, Signal::TERM).unwrap();
    assert!(within("the stop", gate.wait()).await.unwrap().success());
}
