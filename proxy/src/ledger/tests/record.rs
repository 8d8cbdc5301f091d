//! Append, stop, start again, and what may not be started on.
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_continues_the_chain() {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let receipt = ledger.append(facts("a")).await.unwrap();
    assert_eq!((receipt.seq(), receipt.id().get_version_num()), (0, 7));
    ledger.note(facts("b"));
    ledger.stop().await.unwrap();
    let ledger = Ledger::open(options.clone()).await.unwrap();
    // 0 and 1 the two above, 2 the closing checkpoint.
    assert_eq!(ledger.append(facts("c")).await.unwrap().seq(), 3);
    ledger.stop().await.unwrap();
    let summary = verify(&options.spool).unwrap();
    assert_eq!((summary.events, summary.anchored, summary.checkpoints), (5, 5, 2));
    let all = lines(&options.spool);
    assert!(all[0].contains(&receipt.hash().to_string()));
    assert!(all[2].contains("audit.checkpoint"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_private_and_the_key_must_be() {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    Ledger::open(options.clone()).await.unwrap().stop().await.unwrap();
    let mode = |name: &str| fs::metadata(options.spool.join(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("."), 0o700);
    for name in ["signing-key.pem", "signers.json", "events-000000000001.jsonl", "lock"] {
        assert_eq!(mode(name), 0o600, "for {name}");
    }
    let key = options.spool.join("signing-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Ledger::open(options).await.err().unwrap().to_string();
    assert!(error.contains(&format!("chmod 600 {}", key.display())), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_ones_own_is_not_made() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.signer.key = Some(dir.path().join("audit.pem"));
    assert!(matches!(Ledger::open(options).await, Err(LedgerError::File { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_has_one_gate() {
    let dir = TempDir::new().unwrap();
    let first = Ledger::open(options(&dir)).await.unwrap();
    assert!(matches!(Ledger::open(options(&dir)).await, Err(LedgerError::Locked(_))));
    first.stop().await.unwrap();
    Ledger::open(options(&dir)).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_stop_every_clone_refuses() {
    let dir = TempDir::new().unwrap();
    let ledger = Ledger::open(options(&dir)).await.unwrap();
    let clone = ledger.clone();
    ledger.stop().await.unwrap();
    assert_eq!(clone.append(facts("a")).await, Err(LedgerRefusal::Unavailable));
    clone.note(facts("b"));
    assert_eq!(clone.health().lost, 1);
    assert!(!clone.health().writable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_end_is_cut_and_recorded() {
    for torn in [&b"{\"actor\":\"spif"[..], b"\0\0\0\0", b"\0\0\0\n\0\0", b"{\"a\n"] {
        let dir = TempDir::new().unwrap();
        let options = options(&dir);
        let ledger = Ledger::open(options.clone()).await.unwrap();
        ledger.append(facts("a")).await.unwrap();
        ledger.stop().await.unwrap();
        let path = options.spool.join("events-000000000001.jsonl");
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(torn);
        fs::write(&path, bytes).unwrap();
        let ledger = Ledger::open(options.clone()).await.unwrap();
        ledger.append(facts("b")).await.unwrap();
        ledger.stop().await.unwrap();
        verify(&options.spool).unwrap();
        let cut = lines(&options.spool)[2].clone();
        let sha256 = Digest::of(&[torn]).to_string();
        for part in ["audit.reconciliation", "torn_tail", &sha256] {
            assert!(cut.contains(part), "{part} in {cut}");
        }
        assert!(cut.contains(&format!("\"cut_bytes\":{}", torn.len())));
    }
}

/// Damages a spool of four events and a checkpoint and expects that it does not start.
async fn refused(damage: impl FnOnce(&Path, Vec<String>), expect: &str) {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for tool in ["a", "b", "c", "d"] {
        ledger.append(facts(tool)).await.unwrap();
    }
    ledger.stop().await.unwrap();
    let path = options.spool.join("events-000000000001.jsonl");
    damage(&path, lines(&options.spool));
    let before = fs::read(&path).ok();
    let error = Ledger::open(options).await.err().expect("it started").to_string();
    assert!(error.contains(expect), "{error}");
    assert_eq!(fs::read(&path).ok(), before, "a damaged record was written to");
}

fn write(path: &Path, lines: &[String]) {
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_crash_does_is_not_started_on() {
    refused(
        |path, mut lines| {
            lines[1] = "garbage".to_owned();
            write(path, &lines);
        },
        "line 2",
    )
    .await;
    refused(
        |path, mut lines| {
            lines[2] = lines[2].replace("\"tool\":\"c\"", "\"tool\":\"x\"");
            write(path, &lines);
        },
        "line 3",
    )
    .await;
    refused(
        |path, mut lines| {
            lines.remove(1);
            write(path, &lines);
        },
        "does not follow",
    )
    .await;
    refused(
        |path, mut lines| {
            lines.pop();
            write(path, &lines);
        },
        "there were 5 events, but there are 4",
    )
    .await;
    refused(|path, _| fs::remove_file(path).unwrap(), "there were 5 events, but there are 0").await;
    refused(
        |path, mut lines| {
            let last = lines.pop().unwrap();
            let (head, tail) = last.split_once("\"signature\":\"").unwrap();
            let (first, rest) = tail.split_at(1);
            let other = if first == "A" { "B" } else { "A" };
            lines.push(format!("{head}\"signature\":\"{other}{rest}"));
            write(path, &lines);
        },
        "signature",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_rotate_and_open_again() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.segment_bytes = 4096;
    for round in 0..3 {
        let ledger = Ledger::open(options.clone()).await.unwrap();
        for n in 0..10 {
            ledger.append(facts(&format!("{round}-{n}"))).await.unwrap();
        }
        ledger.stop().await.unwrap();
    }
    assert!(options.spool.join("events-000000000004.jsonl").exists());
    assert_eq!(verify(&options.spool).unwrap().events, 33);
    fs::remove_file(options.spool.join("events-000000000002.jsonl")).unwrap();
    let error = Ledger::open(options).await.err().unwrap().to_string();
    assert!(error.contains("events-000000000002.jsonl"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_come_by_count_and_by_time() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.checkpoint_events = 3;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for _ in 0..6 {
        ledger.append(facts("a")).await.unwrap();
    }
    ledger.stop().await.unwrap();
    let summary = verify(&options.spool).unwrap();
    assert_eq!((summary.events, summary.checkpoints), (8, 2));

    options.checkpoint_events = 1_000_000;
    options.checkpoint_every = std::time::Duration::from_millis(20);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    while ledger.health().size < 10 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    ledger.stop().await.unwrap();
    assert_eq!(verify(&options.spool).unwrap().checkpoints, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_facts_are_refused_and_leave_no_gap() {
    let dir = TempDir::new().unwrap();
    let ledger = Ledger::open(options(&dir)).await.unwrap();
    let wrong = facts("a").flag("tool", true);
    assert_eq!(ledger.append(wrong).await, Err(LedgerRefusal::Unavailable));
    assert_eq!(ledger.append(facts("b")).await.unwrap().seq(), 0);
    ledger.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_overlaps() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("a")).await.unwrap();
    ledger.stop().await.unwrap();
    let key = dir.path().join("audit.pem");
    fs::write(&key, tollgate_audit::LocalKey::pem_from_seed(&[9; 32]).as_bytes()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    options.signer.key = Some(key);
    options.signer.kid = Some("audit-2".to_owned());
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("b")).await.unwrap();
    ledger.stop().await.unwrap();
    let signers = verify(&options.spool).unwrap().signers;
    assert_eq!(signers.len(), 2);
    assert!(signers.contains("audit-2"));
    let rotation = lines(&options.spool)[2].clone();
    assert!(rotation.contains("signer.rotation.applied"), "{rotation}");
    assert!(rotation.contains("\"new_signer_kid\":\"audit-2\""), "{rotation}");
    // A key that was replaced does not come back, and the same name for a third is a mistake.
    let third = dir.path().join("third.pem");
    fs::write(&third, tollgate_audit::LocalKey::pem_from_seed(&[8; 32]).as_bytes()).unwrap();
    fs::set_permissions(&third, fs::Permissions::from_mode(0o600)).unwrap();
    for (key, expect) in [(None, "may not sign again"), (Some(third), "another public key")] {
        options.signer.key = key;
        let error = Ledger::open(options.clone()).await.err().unwrap().to_string();
        assert!(error.contains(expect), "{error}");
    }
}
