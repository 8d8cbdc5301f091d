//! What `tollgate scan` tells a code scanning service, before two judges: the published schema of
//! SARIF 2.1.0, and the validator of those who wrote the kit, which knows rules beyond it.
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::gate::binary;
use crate::peer;

/// Made up; see `formats.rs`.
const SECRET: &str = concat!("ghp", "_", "q7Zt2LmX9bWc4Rf8Kd1Hs6Jn3Gv5Yp0TaUeE");

/// What is in the kit.
fn kit(name: &str) -> PathBuf {
    peer::package(&format!("@microsoft/sarif-multitool-linux/{name}"))
}

/// What the schema says of a log.
async fn by_schema(file: &Path) -> String {
    let mut judge = Command::new(peer::python("formats"));
    let script = peer::root().join("tests/peers/judges/sarif.py");
    judge.env("PYTHONUTF8", "1").arg(script).arg(kit("sarif-2.1.0.json")).arg(file);
    let said = peer::run(&mut judge, peer::DEADLINE).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    said.stdout
}

/// What the validator says of it.
async fn by_rules(file: &Path) -> String {
    let mut judge = Command::new(kit("Sarif.Multitool"));
    // Its runtime wants tables of languages otherwise.
    judge.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1").arg("validate").arg(file);
    let said = peer::run(&mut judge, peer::DEADLINE).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("1 files scanned"), "{}", said.stdout);
    said.stdout
}

/// Scans a folder; the log, and the file it is in.
async fn scan(dir: &Path, more: &[&str]) -> (String, PathBuf) {
    let mut command = Command::new(binary());
    command.current_dir(dir).args(["scan", "--format", "sarif"]).args(more);
    let log = peer::run(&mut command, peer::DEADLINE).await.stdout;
    let file = dir.join("log.sarif");
    fs::write(&file, &log).unwrap();
    (log, file)
}

#[tokio::test]
async fn both_find_no_mistake() {
    let dir = TempDir::new().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("a b/ü#%41?")).unwrap();
    let text = format!("é 日本 {SECRET}\r\npassword = \"hunter2-zz9\" 4111 1111 1111 1111\n");
    for name in ["plain.txt", "a b/ü#%41?/\"quoted\" & <x>.env", "a b/new\nline.json"] {
        fs::write(tree.join(name), &text).unwrap();
    }
    fs::write(tree.join("quiet.txt"), "nothing\n").unwrap();

    for (more, results) in
        [(&["tree"][..], 9), (&["tree", "not there"], 9), (&["tree/quiet.txt"], 0)]
    {
        let (log, file) = scan(dir.path(), more).await;
        assert_eq!(by_schema(&file).await, format!("{results} results, 0 mistakes\n"), "{log}");
        let said = by_rules(&file).await;
        assert!(!said.contains(": error "), "{said}");
    }

    // Both find mistakes.
    let (log, file) = scan(dir.path(), &["tree"]).await;
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut wrong: Value = serde_json::from_str(&log).unwrap();
        change(&mut wrong["runs"][0]["results"][0]);
        fs::write(&file, wrong.to_string()).unwrap();
    };
    wrong(&|result| result["level"] = "terrible".into());
    let said = by_schema(&file).await;
    assert!(said.contains("'terrible' is not one of"), "{said}");
    assert!(said.ends_with("9 results, 1 mistakes\n"), "{said}");
    // That it ends before it begins is beyond the schema.
    wrong(&|result| {
        result["locations"][0]["physicalLocation"]["region"]["startLine"] = 7.into();
    });
    assert!(by_schema(&file).await.ends_with("9 results, 0 mistakes\n"));
    let said = by_rules(&file).await;
    assert!(said.contains(": error SARIF1007"), "{said}");
}
