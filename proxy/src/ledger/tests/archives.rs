//! Archives in a directory.
use std::path::PathBuf;

use tollgate_config::settings::{FolderSink, Sink};

use super::sinks::until;
use super::*;

fn archived(dir: &TempDir) -> (LedgerOptions, PathBuf) {
    let directory = dir.path().join("archive");
    let mut options = options(dir);
    options.checkpoint_events = 1_000_000;
    options.sinks = vec![folder(&directory)];
    (options, directory)
}

fn folder(directory: &Path) -> Sink {
    Sink::Folder(FolderSink {
        name: "archive".into(),
        directory: directory.to_owned(),
        file_events: 5,
    })
}

async fn record(options: &LedgerOptions, count: usize) {
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for n in 0..count {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    ledger.stop().await.unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_the_record_in_files_of_bounded_size() {
    let dir = TempDir::new().unwrap();
    let (options, directory) = archived(&dir);
    record(&options, 11).await;
    // With the closing checkpoint there are twelve.
    let files = [
        "archive.lock",
        "checkpoints.jsonl",
        "events-000000000000.jsonl",
        "events-000000000005.jsonl",
        "events-000000000010.jsonl",
        "signers.json",
    ];
    assert_eq!(names(&directory), files);
    record(&options, 3).await;
    assert_eq!(lines(&directory), lines(&options.spool));
    assert_eq!(names(&directory).len(), 7);
    // A cursor that is lost writes nothing twice and nothing over.
    fs::remove_file(options.spool.join("cursor-archive.json")).unwrap();
    record(&options, 1).await;
    assert_eq!(lines(&directory), lines(&options.spool));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_alone_shows_that_its_end_was_cut_off() {
    let dir = TempDir::new().unwrap();
    let (options, directory) = archived(&dir);
    record(&options, 3).await;
    record(&options, 6).await;
    let copy = dir.path().join("received");
    super::copy(&directory, &copy);
    fs::remove_dir_all(&options.spool).unwrap();
    assert_eq!(verify(&copy).unwrap().events, 11);
    fs::remove_file(copy.join("events-000000000009.jsonl")).unwrap();
    verify(&copy).unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_crash_left_is_mended_and_filled_up() {
    let dir = TempDir::new().unwrap();
    let (options, directory) = archived(&dir);
    record(&options, 2).await;
    // As if the gate had died within its third line, before it noted what it wrote.
    let sealed = directory.join("events-000000000000.jsonl");
    let text = fs::read_to_string(&sealed).unwrap();
    let ends: Vec<_> = text.match_indices('\n').map(|(end, _)| end + 1).collect();
    for (left, name) in [(ends[1] + 9, "torn"), (9, "no whole line"), (0, "empty")] {
        fs::remove_file(&sealed).unwrap();
        fs::write(directory.join("filling.part"), text.get(..left).unwrap()).unwrap();
        fs::remove_file(options.spool.join("cursor-archive.json")).unwrap();
        record(&options, 0).await;
        assert_eq!(lines(&directory), lines(&options.spool), "for {name}");
        assert!(!directory.join("filling.part").exists());
        for file in names(&directory).iter().filter(|name| name.starts_with("events-")).skip(1) {
            fs::remove_file(directory.join(file)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_record_is_not_mixed_in() {
    let dir = TempDir::new().unwrap();
    let (mut options, directory) = archived(&dir);
    record(&options, 3).await;
    let before = lines(&directory);
    options.spool = dir.path().join("other");
    for count in [1, 9] {
        let ledger = Ledger::open(options.clone()).await.unwrap();
        for n in 0..count {
            ledger.append(facts(&n.to_string())).await.unwrap();
        }
        until(|| ledger.health().sinks[0].failures > 0).await;
        assert_eq!(ledger.health().sinks[0].acknowledged, 0);
        let _ = ledger.stop().await;
        assert_eq!(lines(&directory), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_is_no_archive_and_an_archive_has_one_writer() {
    let dir = TempDir::new().unwrap();
    let (mut options, directory) = archived(&dir);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let (own, taken) = (options.spool.clone(), dir.path().join("second"));
    for (spool, directory, expect) in [
        (taken.clone(), own, "is a spool"),
        (taken.clone(), taken.clone(), "is a spool"),
        (taken, directory, "another gate writes to it"),
    ] {
        options.spool = spool;
        options.sinks = vec![folder(&directory)];
        let error = Ledger::open(options.clone()).await.err().unwrap().to_string();
        assert!(error.contains(expect), "{error}");
    }
    ledger.stop().await.unwrap();
}
