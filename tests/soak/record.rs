//! The record of it, line by line: it may be larger than what fits into memory.
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use tollgate_tests::binary;

use crate::agents::Made;

#[derive(Default)]
pub(crate) struct Record {
    pub(crate) events: usize,
    intents: HashSet<String>,
    refused: HashSet<String>,
    /// Intents with an outcome; twice when there are two.
    outcomes: Vec<String>,
}

/// Reads a spool.
pub(crate) fn read(spool: &Path) -> Record {
    let mut record = Record::default();
    each(spool, |event| {
        record.events += 1;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match event["event_type"].as_str() {
            Some("call.intent") => drop(record.intents.insert(word(&event["id"]))),
            Some("call.refused") => drop(record.refused.insert(word(&event["id"]))),
            Some("call.outcome") => record.outcomes.push(word(&event["payload"]["data"]["intent"])),
            _ => {}
        }
    });
    record
}

/// The number of the last event.
pub(crate) fn last(spool: &Path) -> u64 {
    let mut last = 0;
    each(spool, |event| last = event["seq"].as_u64().unwrap());
    last
}

fn each(spool: &Path, mut look: impl FnMut(Value)) {
    let entries = std::fs::read_dir(spool).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> = entries
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("events-") && name.ends_with(".jsonl")
        })
        .collect();
    segments.sort();
    for segment in segments {
        for line in BufReader::new(File::open(segment).unwrap()).lines() {
            look(serde_json::from_str(&line.unwrap()).unwrap());
        }
    }
}

impl Record {
    /// Everything that agents were told is in it, every call has one end, and there is no call in
    /// it that nobody made.
    pub(crate) fn assert_whole(&self, made: &Made, left: usize) {
        assert!(made.receipts.is_subset(&self.intents), "receipts without a call's intent");
        assert!(made.refused.is_subset(&self.refused), "receipts without a refusal");
        let ended: HashSet<String> = self.outcomes.iter().cloned().collect();
        assert_eq!(ended.len(), self.outcomes.len(), "a call with two outcomes");
        assert_eq!(ended, self.intents, "an intent without its outcome, or the other way round");
        let others = self.intents.len() - made.receipts.len();
        assert!(others <= left, "{others} calls beside those that were answered, and {left} left");
    }
}

/// As an auditor would.
pub(crate) async fn verify(spool: &Path) {
    let mut command = Command::new(binary());
    let command = command.args(["audit", "verify"]).arg(spool).env_clear().stdin(Stdio::null());
    let ended = command.output().await.unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&said));
}
