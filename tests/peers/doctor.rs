//! `tollgate doctor` on what this machine has.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tollgate_tests::World;

use crate::gate::binary;
use crate::peer;

/// A folder of programs, each a word for another.
fn programs(words: &[(&str, PathBuf)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, program) in words {
        let place = folder.path().join(name);
        fs::write(&place, format!("#!/bin/sh\nexec {} \"$@\"\n", program.display())).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

async fn examine(path: &str, words: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.arg("doctor").args(words).env("PATH", path).kill_on_drop(true);
    command.output().await.unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    let err = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).expect(&err)
}

/// A gate that runs, and its configuration with the port that it was given.
async fn running() -> World {
    let forward =
        json!({ "hosts": ["*.b.test", "a.test"], "intercept": { "certificate": "ca.pem" } });
    let world = World::builder().set("/forward_proxy", forward).start().await;
    let mut config: Value =
        serde_json::from_str(&fs::read_to_string(world.config_path()).unwrap()).unwrap();
    config["listeners"][0]["bind"] = json!(world.plain().to_string());
    fs::write(world.path("fixed.yaml"), config.to_string()).unwrap();
    world
}

#[tokio::test]
async fn each_client_is_told_apart() {
    // The tests' own stand before the machine's.
    let own = programs(&[
        ("node", peer::node()),
        ("python3", peer::python("clients")),
        ("deno", peer::installed("clients/bin/deno")),
    ]);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", own.path().display());
    let world = running().await;
    let config = world.path("fixed.yaml").display().to_string();
    let output = examine(&path, &["--format", "json", "--config", &config]).await;
    let rows = rows(&output);
    let of = |client: &str| rows.iter().filter(|row| row["client"] == client).collect::<Vec<_>>();
    for client in ["curl", "git", "python requests", "python httpx", "deno fetch"] {
        assert_eq!(of(client)[0]["verdict"], "good", "{rows:?}");
        assert_eq!(of(client)[0]["trusts_gate"], true, "{rows:?}");
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
    // Who goes around is served where the kernel leads it, and is not asked for more.
    let around = rows.iter().filter(|row| row["verdict"] == "around").collect::<Vec<_>>();
    assert!(around.iter().any(|row| row["client"] == "python aiohttp"), "{rows:?}");
    for row in around {
        assert_eq!((&row["contained"], &row["redirected"]), (&json!(true), &json!(true)), "{row}");
        assert!(row.get("trusts_gate").is_none(), "{row}");
    }
    let good = rows.iter().all(|row| row["verdict"] == "good" && row["trusts_gate"] == true);
    assert_eq!(output.status.code(), Some(if good { 0 } else { 3 }), "{rows:?}");
    // Nobody made a call there.
    assert!(
        world.events_of("call.intent").is_empty() && world.events_of("call.refused").is_empty()
    );
}

#[tokio::test]
async fn a_gate_that_shows_something_else_is_told() {
    let world = running().await;
    let other = fs::read_to_string(world.path("fixed.yaml")).unwrap().replace("ca.pem", "old.pem");
    fs::write(world.path("other.yaml"), other).unwrap();
    let old = &tollgate_tests::Certificates::shared().authority.certificate;
    fs::write(world.path("old.pem"), old).unwrap();
    let curl = programs(&[("curl", "/usr/bin/curl".into())]);
    let path = curl.path().display().to_string();
    for (config, trusts, code) in [("fixed.yaml", true, 0), ("other.yaml", false, 3)] {
        let config = world.path(config).display().to_string();
        let output = examine(&path, &["--format", "json", "--config", &config]).await;
        let rows = rows(&output);
        assert_eq!((rows.len(), &rows[0]["trusts_gate"]), (1, &json!(trusts)), "{rows:?}");
        assert_eq!(rows[0]["fix"].as_str().unwrap().contains("not this one"), !trusts, "{rows:?}");
        assert_eq!(output.status.code(), Some(code), "{rows:?}");
    }
    // There is no host to ask for.
    let patterns =
        fs::read_to_string(world.path("fixed.yaml")).unwrap().replace("\"a.test\"", "\"*.a.test\"");
    fs::write(world.path("patterns.yaml"), patterns).unwrap();
    let config = world.path("patterns.yaml").display().to_string();
    let output = examine(&path, &["--config", &config]).await;
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(78) && err.contains("names no host itself"), "{err}");
}

#[tokio::test]
async fn a_configuration_that_serves_no_such_client_is_told() {
    let output = examine("/usr/bin", &["--config", "/no/such/file.yaml"]).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/file.yaml"));
}
