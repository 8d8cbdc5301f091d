//! Any number of threads gives the same answer, and what is told is the first break.
use std::path::PathBuf;

use tollgate_audit::{Chain, Checkpoint, Entry, LocalKey, Profile, Registry, Verifier};
use uuid::Uuid;

use super::*;

/// Some batches for each of some threads.
const EVENTS: u64 = 1500;

struct Record {
    dir: TempDir,
    registry: Registry,
    lines: Vec<String>,
}

fn record() -> Record {
    let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
    let mut registry = Registry::new();
    registry.add(key.kid().clone(), key.public().clone(), None, "").unwrap();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("signers.json"), registry.to_json()).unwrap();
    let (mut chain, mut lines) = (Chain::new(), Vec::new());
    for n in 0..EVENTS {
        let facts = Facts::new(EventType::CallIntent, "a").text("tool", "send").number("n", n);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let draft = chain.draft(facts, Uuid::from_u128(n.into()), now, key.kid()).unwrap();
        let signature = key.sign(draft.hash()).unwrap();
        lines.push(draft.close(signature).unwrap().to_line());
    }
    let (size, head_hash, ts) = (chain.size(), *chain.head().unwrap(), chain.last_ts());
    let checkpoint = Checkpoint { origin: "tollgate/test".to_owned(), size, head_hash, ts };
    let signature = key.sign(&checkpoint.hash()).unwrap();
    let line = checkpoint.close(&signature).unwrap().to_line();
    fs::write(dir.path().join("checkpoints.jsonl"), line).unwrap();
    Record { dir, registry, lines }
}

impl Record {
    /// Three segments.
    fn write(&self, lines: &[String]) {
        let third = lines.len().div_ceil(3).max(1);
        for n in 1..=3 {
            let from = ((n - 1) * third).min(lines.len());
            let to = (n * third).min(lines.len());
            let name: PathBuf = self.dir.path().join(format!("events-{n:012}.jsonl"));
            fs::write(name, lines[from..to].concat()).unwrap();
        }
    }

    /// What one thread said before there were more: the sentence of the first break.
    fn one_by_one(&self, lines: &[String]) -> Option<String> {
        let mut verifier = Verifier::new(Profile::Tollgate, &self.registry);
        let broken = lines.iter().find_map(|line| verifier.push(line.trim_end().as_bytes()).err());
        broken.map(|broken| format!("event {}: {}", broken.event().unwrap_or("?"), broken.flaw()))
    }

    #[track_caller]
    fn check(&self, lines: &[String], code: u8, expect: &str) {
        self.write(lines);
        let answers: Vec<_> = [1, 2, 3, 16, 255]
            .map(|threads| run(self.dir.path(), &format!("verify {{dir}} --threads {threads}")))
            .into();
        for (found, text) in &answers {
            assert_eq!(*found, code, "{text}");
            assert!(text.contains(expect), "{text}");
            assert_eq!(*text, answers[0].1);
        }
        if let Some(sentence) = self.one_by_one(lines).filter(|_| code == BROKEN) {
            assert!(answers[0].1.contains(&sentence), "{}, not {sentence}", answers[0].1);
        }
    }
}

#[test]
fn the_first_break_is_told_by_any_number_of_threads() {
    let record = record();
    let lines = &record.lines;
    record.check(lines, SOUND, "sound: 1500 events, numbers 0 to 1499");
    let changed = |changes: &[(usize, &str, &str)]| {
        let mut lines = lines.clone();
        for (line, from, to) in changes {
            lines[*line] = lines[*line].replacen(from, to, 1);
            assert_ne!(lines[*line], record.lines[*line]);
        }
        lines
    };
    // The later break is found sooner where its batch is examined first.
    for first in [0, 127, 128, 499, 500, 501, 1023] {
        let lines = changed(&[(1499, "send", "read"), (first, "send", "read"), (1200, "{", "[")]);
        let place = format!("events-{:012}.jsonl:{}: ", first / 500 + 1, first % 500 + 1);
        record.check(&lines, BROKEN, &place);
    }
    let mut lines = record.lines.clone();
    lines.swap(700, 701);
    record.check(&lines, BROKEN, "events 700 to 700 are missing");
    lines.truncate(600);
    record.check(&lines, BROKEN, "there were 1500 events, but the chain ends after 600");
    record.check(&[], BROKEN, "there were 1500 events, but the chain ends after 0");
}

#[test]
fn a_break_before_what_cannot_be_read_is_told_first() {
    let record = record();
    let mut lines = record.lines.clone();
    lines[900] = format!("{}\n", "x".repeat(5 << 20));
    record.check(&lines, UNUSABLE, "events-000000000002.jsonl`: line 401: a line is longer");
    lines[800] = lines[800].replacen("send", "read", 1);
    record.check(&lines, BROKEN, "events-000000000002.jsonl:301: event");
}

#[test]
fn the_count_of_threads_has_bounds() {
    for bad in ["0", "256", "-1", "many"] {
        assert!(Line::try_parse_from(["audit", "verify", "--threads", bad, "x"]).is_err(), "{bad}");
    }
}

#[test]
fn since_passes_over_without_verifying_and_reads_once() {
    let record = record();
    let entry = Entry::parse(record.lines[1000].as_bytes()).unwrap();
    let since = tollgate_audit::write_stamp(entry.ts());
    let mut lines = record.lines.clone();
    lines[998] = lines[998].replacen("send", "read", 1);
    record.write(&lines);
    let line = format!("verify {{dir}} --since {since}");
    check(record.dir.path(), &line, SOUND, "sound: 501 events, numbers 999 to 1499");
    lines[999] = lines[999].replacen("send", "read", 1);
    record.write(&lines);
    check(record.dir.path(), &line, BROKEN, "events-000000000002.jsonl:500: event ");
}
