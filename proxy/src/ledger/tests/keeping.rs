//! What is kept and what may go: holds, the cap, age, and calls whose end nobody knows.
use std::net::SocketAddr;

use jiff::SignedDuration;
use tollgate_config::settings::{AtCap, Durability, FolderSink, HttpSink, Sink};

use super::disks::{Hand, WRITE_FAILS};
use super::*;

fn hold(id: &str, from: u64, until: u64) -> Hold {
    let (from, until) = (Some(Bound::Seq(from)), Some(Bound::Seq(until)));
    Hold { id: id.to_owned(), matter: "Müller v. Acme, 7 O 12/26".to_owned(), from, until }
}

fn archive(dir: &TempDir) -> Sink {
    let directory = dir.path().join("archive");
    Sink::Folder(FolderSink { name: "archive".to_owned(), directory, file_events: 5 })
}

fn nobody() -> Sink {
    let address: SocketAddr = ([127, 0, 0, 1], 9).into();
    Sink::Http(HttpSink {
        signature: None,
        format: tollgate_config::settings::HttpFormat::Jsonl,
        name: "nobody".to_owned(),
        url: format!("http://{address}/"),
        token: None,
        ca: None,
        batch_events: 10,
        gzip: false,
    })
}

fn events_of(spool: &Path, word: &str) -> Vec<serde_json::Value> {
    let all = lines(spool).into_iter().map(|line| serde_json::from_str(&line).unwrap());
    all.filter(|event: &serde_json::Value| event["event_type"] == word)
        .map(|event| event["payload"]["data"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_set_once_told_and_kept() {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    let set = |hold: Hold| ledger.change_hold(HoldChange::Set(hold));
    assert_eq!(set(hold("h1", 0, 9)).await, Ok(true));
    assert_eq!(set(hold("h1", 0, 9)).await, Ok(false));
    assert_eq!(set(hold("h1", 0, 8)).await, Err(HoldFault::Other("h1".to_owned())));
    assert!(matches!(set(hold("h 2", 0, 9)).await, Err(HoldFault::Form(_))));
    assert!(matches!(set(hold("h2", 9, 0)).await, Err(HoldFault::Form(_))));
    let time = Hold {
        from: Some("2026-01-01".parse().unwrap()),
        until: Some("2026-12-31T23:59:59.5Z".parse().unwrap()),
        ..hold("h3", 0, 0)
    };
    assert_eq!(set(time.clone()).await, Ok(true));
    assert_eq!(ledger.change_hold(HoldChange::Clear("h9".to_owned())).await, Ok(false));
    let crashed = dir.path().join("crashed");
    copy(&options.spool, &crashed);
    ledger.stop().await.unwrap();
    let told = events_of(&options.spool, "legal_hold.set");
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["matter"], "Müller v. Acme, 7 O 12/26");
    // A crash between event and file: the chain knows.
    fs::write(crashed.join("holds.json"), "[]").unwrap();
    for spool in [options.spool.clone(), crashed] {
        let options = LedgerOptions { spool, ..options.clone() };
        let ledger = Ledger::open(options.clone()).await.unwrap();
        assert_eq!(&*ledger.holds(), [hold("h1", 0, 9), time.clone()]);
        assert_eq!(ledger.change_hold(HoldChange::Clear("h1".to_owned())).await, Ok(true));
        assert_eq!(ledger.holds().len(), 1);
        ledger.stop().await.unwrap();
        assert_eq!(events_of(&options.spool, "legal_hold.cleared").len(), 1);
        verify(&options.spool).unwrap();
    }
}

/// Appends until so many are in, or the spool stays full.
async fn fill(ledger: &Ledger, count: usize) -> usize {
    let (mut written, mut refused) = (0, 0);
    while written < count && refused < 100 {
        match ledger.append(facts("a")).await {
            Ok(_) => (written, refused) = (written + 1, 0),
            Err(_) => {
                refused += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_stays_at_the_cap_whatever_the_settings_say() {
    for at_cap in [AtCap::Refuse, AtCap::DangerReleaseUndelivered] {
        let dir = TempDir::new().unwrap();
        let mut options = options(&dir);
        options.set_bytes_max(65_536);
        options.retention.max = Some(SignedDuration::ZERO);
        options.at_cap = at_cap;
        options.sinks = vec![archive(&dir)];
        let ledger = Ledger::open(options.clone()).await.unwrap();
        ledger.change_hold(HoldChange::Set(hold("h1", 0, 2))).await.unwrap();
        assert!(fill(&ledger, 200).await < 120);
        assert!(options.spool.join("events-000000000001.jsonl").exists());
        let full = events_of(&options.spool, "audit.reconciliation");
        assert!(full.iter().any(|told| told["reason"] == "spool_full"), "{full:?}");
        assert!(ledger.change_hold(HoldChange::Clear("h1".to_owned())).await.unwrap());
        assert_eq!(fill(&ledger, 60).await, 60);
        ledger.stop().await.unwrap();
        assert!(!options.spool.join("events-000000000001.jsonl").exists());
        assert!(verify(&options.spool).unwrap().first_seq > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undelivered_events_go_only_when_the_settings_say_so_and_it_is_told() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.set_bytes_max(65_536);
    options.sinks = vec![nobody()];
    let ledger = Ledger::open(options.clone()).await.unwrap();
    assert!(fill(&ledger, 200).await < 120);
    assert_eq!(ledger.health().sinks[0].missed, 0);
    let _ = ledger.stop().await;
    options.at_cap = AtCap::DangerReleaseUndelivered;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    assert_eq!(fill(&ledger, 100).await, 100);
    let missed = ledger.health().sinks[0].missed;
    let _ = ledger.stop().await;
    assert!(missed > 20, "{missed}");
    let summary = verify(&options.spool).unwrap();
    assert_eq!(summary.first_seq, missed);
    let told = events_of(&options.spool, "audit.reconciliation");
    let told: Vec<_> = told.iter().filter(|told| told["undelivered"] == true).collect();
    assert_eq!(told.last().unwrap()["missed"][0]["sink"], "nobody");
    // The tree goes on without them, and so does the next start.
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let _ = ledger.stop().await;
    let registry = Registry::parse(&fs::read(options.spool.join("signers.json")).unwrap());
    let notes = read_notes(&options.spool, &registry.unwrap()).unwrap();
    assert!(notes.last().unwrap().1.size > summary.first_seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_segments_go_when_they_are_delivered_and_not_before() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.segment_age = SignedDuration::from_millis(1);
    options.retention.max = Some(SignedDuration::ZERO);
    options.sinks = vec![nobody(), archive(&dir)];
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for _ in 0..3 {
        ledger.append(facts("a")).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // Age closes segments even when nothing more comes.
    until("a closed segment", || options.spool.join("events-000000000003.seal").exists()).await;
    assert!(options.spool.join("events-000000000001.jsonl").exists());
    let _ = ledger.stop().await;
    options.sinks = vec![archive(&dir)];
    options.retention.min = SignedDuration::from_hours(1);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("b")).await.unwrap();
    until("a look", || ledger.health().sinks[0].lag == 0).await;
    ledger.stop().await.unwrap();
    assert!(options.spool.join("events-000000000001.jsonl").exists());
    options.retention.min = SignedDuration::ZERO;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    until("the release", || !options.spool.join("events-000000000001.jsonl").exists()).await;
    ledger.stop().await.unwrap();
    verify(&options.spool).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_end_nobody_knows_are_told_once() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.segment_bytes = 2_000;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let begin = |tool: &str| {
        let facts = Facts::new(EventType::CallIntent, "coder").text(keys::TOOL, tool);
        ledger.append(facts)
    };
    let (told, open) = (begin("told").await.unwrap(), begin("open").await.unwrap());
    let outcome = Facts::new(EventType::CallOutcome, "coder");
    ledger.append(outcome.text(keys::INTENT, &told.id().to_string())).await.unwrap();
    // The open one is some segments back when the gate dies.
    for n in 0..10 {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    assert!(options.spool.join("events-000000000004.jsonl").exists());
    let crashed = dir.path().join("crashed");
    copy(&options.spool, &crashed);
    ledger.stop().await.unwrap();
    let options = LedgerOptions { spool: crashed, ..options };
    for _ in 0..2 {
        Ledger::open(options.clone()).await.unwrap().stop().await.unwrap();
        let told = events_of(&options.spool, "audit.reconciliation");
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["reason"], "outcome_unknown");
        assert_eq!(told[0]["intents"], serde_json::json!([open.id().to_string()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_durability_writes_soon_and_says_what_was_lost() {
    let dir = TempDir::new().unwrap();
    let hand = Hand::default();
    let mut options = options(&dir);
    options.durability = Durability::Memory;
    let ledger = Ledger::open_on(options.clone(), hand.opener()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    until("the write", || lines(&options.spool).len() == 1).await;
    assert_eq!(hand.syncs(), 0);
    hand.set(WRITE_FAILS);
    ledger.append(facts("b")).await.unwrap();
    until("the failure", || ledger.health().failed).await;
    assert_eq!(ledger.health().lost, 1);
    assert!(ledger.stop().await.is_err());
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for n in 0..1000 {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    ledger.stop().await.unwrap();
    assert_eq!(verify(&options.spool).unwrap().events, 1002);
}
