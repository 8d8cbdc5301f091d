//! The ledger over real directories, with disks that fail where a real one would have to be broken.
mod archives;
mod dead;
mod disks;
mod faults;
mod formats;
mod keeping;
mod record;
mod seals;
mod signers;
mod sinks;

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tollgate_audit::{Break, keys};
use tollgate_audit::{EventType, Facts, Profile, Registry, SignedCheckpoint, Summary, Verifier};

use super::*;

fn facts(tool: &str) -> Facts {
    Facts::new(EventType::CallRefused, "spiffe://acme/agents/reader").text(keys::TOOL, tool)
}

fn options(dir: &TempDir) -> LedgerOptions {
    LedgerOptions::new(dir.path().join("spool"))
}

/// All lines of all segments.
fn lines(spool: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(spool)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("events-"))
        .collect();
    names.sort();
    let text: String = names.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(str::to_owned).collect()
}

/// Verifies the whole spool with its checkpoints.
fn verify(spool: &Path) -> Result<Summary, Break> {
    let registry = Registry::parse(&fs::read(spool.join("signers.json")).unwrap()).unwrap();
    let mut verifier = Verifier::new(Profile::Tollgate, &registry);
    for line in fs::read_to_string(spool.join("checkpoints.jsonl")).unwrap().lines() {
        verifier.checkpoint(&SignedCheckpoint::parse(line.as_bytes()).unwrap())?;
    }
    for line in lines(spool) {
        verifier.push(line.as_bytes())?;
    }
    verifier.finish()
}

/// Waits for something that comes by itself.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !is_so() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} did not come"));
}

/// The spool as a crash at this moment would leave it.
fn copy(spool: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(spool).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
