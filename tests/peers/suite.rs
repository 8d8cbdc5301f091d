//! The official MCP conformance suite: each check must end through the gate as it does without.
use std::time::Duration;

use tokio::process::Command;

use crate::gate::{Gate, Tools};
use crate::peer;

/// Two runs of the suite; each takes about fifteen seconds on a free machine.
const DEADLINE: Duration = Duration::from_secs(300);

async fn check(revision: &str) {
    let tools = Tools::demo().await;
    let gate = Gate::open(&tools).await;
    let mut command = Command::new(peer::python("py2"));
    command.arg(peer::root().join("tests/peers/conformance.py"));
    command.args(["--requirements", revision]);
    command.args([tools.url("conformance"), gate.url("conformance")]);
    // The script looks for `node` below this, and finds there what the lock says.
    command.env("TOLLGATE_TOOLS", peer::home());
    let ended = peer::run(&mut command, DEADLINE).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let same = format!("{revision}: the same through the gate");
    assert!(ended.stdout.contains(&same), "no comparison was made:\n{}", ended.stdout);
}

#[tokio::test]
async fn with_sessions() {
    check("2025-11-25").await;
}

#[tokio::test]
async fn stateless() {
    check("2026-07-28").await;
}
