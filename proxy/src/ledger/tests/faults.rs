//! Full, broken and slow disks, the cap, and many at once.
use std::time::Duration;

use tollgate_config::settings::Durability;

use super::disks::{FULL, Hand, LIES, SYNC_FAILS, WORKS, WRITE_FAILS};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn many_share_one_sync() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
    let all = (0..100).map(|n| {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.append(facts(&n.to_string())).await.unwrap().seq() })
    });
    let mut seqs = Vec::new();
    for one in all.collect::<Vec<_>>() {
        seqs.push(one.await.unwrap());
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (0..100).collect::<Vec<_>>());
    assert!(hand.syncs() <= 50, "{} syncs for 100 events", hand.syncs());
    assert_eq!(ledger.health().commits, hand.syncs());
    ledger.stop().await.unwrap();
    assert_eq!(verify(&options(&dir).spool).unwrap().events, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn process_durability_syncs_only_checkpoints() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let mut options = options(&dir);
    options.durability = Durability::Process;
    let ledger = Ledger::open_on(options, hand.opener()).await.unwrap();
    for _ in 0..5 {
        ledger.append(facts("a")).await.unwrap();
    }
    assert_eq!(hand.syncs(), 0);
    ledger.stop().await.unwrap();
    assert_eq!(hand.syncs(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_comes_back_without_a_gap() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    hand.set(FULL);
    assert_eq!(ledger.append(facts("b")).await, Err(LedgerRefusal::Full));
    assert_eq!(LedgerRefusal::Full.code().as_str(), "SPOOL_FULL");
    // An outcome is kept until there is room.
    ledger.note(facts("outcome"));
    assert_eq!(ledger.append(facts("c")).await, Err(LedgerRefusal::Full));
    assert!(!ledger.health().failed);
    hand.set(WORKS);
    ledger.append(facts("d")).await.unwrap();
    ledger.stop().await.unwrap();
    let spool = options(&dir).spool;
    verify(&spool).unwrap();
    let all = lines(&spool).join("\n");
    for (tool, there) in [("a", true), ("b", false), ("outcome", true), ("c", false), ("d", true)] {
        assert_eq!(all.contains(&format!("\"tool\":\"{tool}\"")), there, "for {tool}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_found_free_again_without_a_call() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
    hand.set(FULL);
    assert_eq!(ledger.append(facts("a")).await, Err(LedgerRefusal::Full));
    hand.set(WORKS);
    tokio::time::timeout(Duration::from_secs(10), async {
        while !ledger.health().writable {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it stays unready");
    ledger.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_stop_is_told() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
    hand.set(FULL);
    ledger.note(facts("outcome"));
    let error = ledger.stop().await.unwrap_err();
    assert!(matches!(error, LedgerError::Unwritten { lost: 1 }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_disk_fails_closed_until_a_start() {
    for mode in [SYNC_FAILS, WRITE_FAILS, LIES] {
        let dir = TempDir::new().unwrap();
        let hand = Hand::default();
        let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
        ledger.append(facts("a")).await.unwrap();
        hand.set(mode);
        assert_eq!(ledger.append(facts("b")).await, Err(LedgerRefusal::Unavailable));
        let syncs = hand.syncs();
        hand.set(WORKS);
        // It works again, but nobody knows what it has: no second try.
        assert_eq!(ledger.append(facts("c")).await, Err(LedgerRefusal::Unavailable));
        assert_eq!(hand.syncs(), syncs);
        assert!(ledger.health().failed && !ledger.health().writable);
        assert!(ledger.stop().await.is_err());
        let ledger = Ledger::open(options(&dir)).await.unwrap();
        ledger.append(facts("d")).await.unwrap();
        ledger.stop().await.unwrap();
        verify(&options(&dir).spool).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_cap_intents_are_refused_and_outcomes_are_not() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.set_bytes_max(65_536);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let mut written = 0;
    let refusal = loop {
        match ledger.append(facts("a")).await {
            Ok(_) => written += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal, LedgerRefusal::Full);
    assert!(written > 40, "{written}");
    assert!(!ledger.health().writable);
    ledger.note(facts("outcome"));
    ledger.stop().await.unwrap();
    verify(&options.spool).unwrap();
    assert!(lines(&options.spool).iter().any(|line| line.contains("\"outcome\"")));
    // Nothing was deleted, and a larger cap is all it takes.
    options.set_bytes_max(131_072);
    let ledger = Ledger::open(options).await.unwrap();
    ledger.append(facts("b")).await.unwrap();
    ledger.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_is_soon_on_the_disk() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    let before = hand.syncs();
    ledger.note(facts("outcome"));
    until("a sync for the outcome", || hand.syncs() == before + 1).await;
    // With nothing behind there is nothing to be synced again.
    ledger.append(facts("b")).await.unwrap();
    assert_eq!(hand.syncs(), before + 2);
    ledger.stop().await.unwrap();
    assert_eq!(verify(&options(&dir).spool).unwrap().events, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_breaks_before_it_has_an_outcome_is_told() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    hand.set(SYNC_FAILS);
    ledger.note(facts("outcome"));
    until("the sync that fails", || ledger.health().failed).await;
    let size = ledger.health().size;
    hand.set(WORKS);
    for _ in 0..3 {
        assert_eq!(ledger.append(facts("b")).await, Err(LedgerRefusal::Unavailable));
    }
    // Refused calls count as nothing.
    assert_eq!((ledger.health().lost, ledger.health().size), (1, size));
    assert!(ledger.stop().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_a_disk_broke_is_on_it() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let ledger = Ledger::open_on(options(&dir), hand.opener()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    ledger.note(facts("outcome"));
    until("the outcome", || ledger.health().written == 2).await;
    hand.set(WRITE_FAILS);
    assert_eq!(ledger.append(facts("b")).await, Err(LedgerRefusal::Unavailable));
    assert_eq!(ledger.health().lost, 0);
    assert!(hand.syncs() >= 2, "the outcome was not synced");
    assert!(ledger.stop().await.is_err());
}
