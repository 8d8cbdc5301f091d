//! The ledger over real directories.
use tempfile::TempDir;
use tollgate_audit::{EventType, Facts, keys};

use super::*;

fn facts(tool: &str) -> Facts {
    Facts::new(EventType::CallIntent, "spiffe://acme/agents/reader").text(keys::TOOL, tool)
}

#[tokio::test(flavor = "multi_thread")]
async fn append_stop_and_go_on() {
    let dir = TempDir::new().unwrap();
    let options = LedgerOptions::new(dir.path().join("spool"));
    let ledger = Ledger::open(options.clone()).await.unwrap();
    assert_eq!(ledger.append(facts("a")).await.unwrap().seq(), 0);
    ledger.note(facts("b"));
    ledger.stop().await.unwrap();
    let ledger = Ledger::open(options).await.unwrap();
    // 0 and 1 the two above, 2 the closing checkpoint.
    assert_eq!(ledger.append(facts("c")).await.unwrap().seq(), 3);
    ledger.stop().await.unwrap();
}
