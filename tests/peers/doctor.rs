//! `tollgate doctor` on what this machine has.
use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::gate::binary;
use crate::peer;

async fn examine(words: &[&str]) -> Output {
    // The Node.js of the tests stands before the machine's own.
    let node = peer::node();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", node.parent().unwrap().display());
    let mut command = Command::new(binary());
    command.arg("doctor").args(words).env("PATH", path).kill_on_drop(true);
    command.output().await.unwrap()
}

#[tokio::test]
async fn each_client_is_told_apart() {
    let output = examine(&["--format", "json"]).await;
    let err = String::from_utf8_lossy(&output.stderr);
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect(&err);
    let of = |client: &str| rows.iter().filter(|row| row["client"] == client).collect::<Vec<_>>();
    for client in ["curl", "git"] {
        assert_eq!(of(client)[0]["verdict"], "good", "{rows:?}");
    }
    // Whether Node.js obeys depends on its version, and the fix says so.
    let fetch = of("node fetch");
    let major = |row: &Value| {
        let version = row["version"].as_str().unwrap();
        version.split('.').next().unwrap().parse::<u32>().unwrap()
    };
    assert!(major(fetch[0]) >= 24 && fetch[0]["verdict"] == "good", "{rows:?}");
    for old in fetch.iter().filter(|row| major(row) < 24) {
        assert_eq!(old["verdict"], "around", "{rows:?}");
        assert!(old["fix"].as_str().unwrap().contains("Node.js 24"), "{old}");
    }
    let good = rows.iter().all(|row| row["verdict"] == "good");
    assert_eq!(output.status.code(), Some(if good { 0 } else { 3 }), "{rows:?}");
}

#[tokio::test]
async fn a_configuration_that_serves_no_such_client_is_told() {
    let output = examine(&["--config", "/no/such/file.yaml"]).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/file.yaml"));
}
