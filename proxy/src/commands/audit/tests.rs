//! The commands over a real spool.
mod cef;
mod export;
mod reading;
mod spread;

use std::fs;
use std::path::Path;

use clap::Parser;
use tempfile::TempDir;
use tollgate_audit::{EventType, Facts};

use super::*;
use crate::ledger::{Ledger, LedgerOptions};

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: AuditCommand,
}

pub(super) async fn spool(dir: &TempDir) -> std::path::PathBuf {
    let mut options = LedgerOptions::new(dir.path().join("spool"));
    options.segment_bytes = 2048;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for tool in ["alpha", "beta", "gamma", "\u{1b}[31mred"] {
        let facts = Facts::new(EventType::CallIntent, "spiffe://acme/agents/reader");
        ledger.append(facts.text("tool", tool)).await.unwrap();
    }
    ledger.stop().await.unwrap();
    options.spool
}

/// Runs a command line; `{dir}` stands for the spool.
pub(super) fn run(spool: &Path, line: &str) -> (u8, String) {
    let line = line.replace("{dir}", spool.to_str().unwrap());
    let line = Line::try_parse_from(std::iter::once("audit").chain(line.split(' '))).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = match &line.command {
        AuditCommand::Verify(args) => verify(args, &mut out, &mut err),
        AuditCommand::Prove(args) => prove(args, &mut out, &mut err),
        AuditCommand::Consistency(args) => consistency(args, &mut out, &mut err),
        AuditCommand::Tail(args) => tail(args, &mut out, &mut err),
        AuditCommand::Show(args) => show(args, &mut out, &mut err),
        AuditCommand::Grep(args) => grep(args, &mut out, &mut err),
        AuditCommand::Export(args) => export(args, &mut out, &mut err),
        AuditCommand::Stats(args) => stats(args, &mut out, &mut err),
    };
    out.extend(err);
    let text = String::from_utf8(out).unwrap();
    (code, anstream::adapter::strip_str(&text).to_string())
}

#[track_caller]
pub(super) fn check(spool: &Path, line: &str, code: u8, expect: &str) {
    let (found, text) = run(spool, line);
    assert_eq!(found, code, "{line}: {text}");
    assert!(text.contains(expect), "{line}: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_record() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    let first = "{dir}/events-000000000001.jsonl";
    let second = "{dir}/events-000000000002.jsonl";
    check(&spool, "verify {dir}", SOUND, "sound: 5 events, numbers 0 to 4");
    check(&spool, "verify {dir}", SOUND, "agrees with 1 checkpoints, up to its end");
    check(&spool, "verify --json {dir}", SOUND, "\"sound\":true");
    check(&spool, &format!("verify {first}"), UNUSABLE, "--signers");
    let signers = "--signers {dir}/signers.json";
    check(&spool, &format!("verify {signers} {first}"), SOUND, "no checkpoint");
    check(&spool, &format!("verify {signers} {second}"), BROKEN, "are not here");
    check(&spool, &format!("verify {signers} {second} --part"), SOUND, "only a part");
    let anchored = format!("verify {signers} --checkpoints {{dir}}/checkpoints.jsonl {first}");
    check(&spool, &anchored, BROKEN, "there were 5 events, but the chain ends after");
    check(&spool, "verify {dir}/nothing --signers {dir}/signers.json", UNUSABLE, "nothing");
    check(&spool, "verify {dir} --signers {dir}/lock", UNUSABLE, "not a registry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_record() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    let path = spool.join("events-000000000001.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("beta", "zeta")).unwrap();
    check(&spool, "verify {dir}", BROKEN, "events-000000000001.jsonl:2: event ");
    check(&spool, "verify {dir}", BROKEN, "the payload was changed");
    check(&spool, "verify --json {dir}", BROKEN, "\"sound\":false");
    check(&spool, "tail {dir}", BROKEN, "!! not an entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_lines() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    check(
        &spool,
        "tail {dir}",
        SOUND,
        "   call.intent          spiffe://acme/agents/reader      tool=beta",
    );
    let (_, all) = run(&spool, "tail {dir}");
    assert_eq!(all.lines().count(), 5);
    assert!(!all.contains('\u{1b}'));
    let (_, two) = run(&spool, "tail {dir} -n 2");
    assert_eq!(two.lines().collect::<Vec<_>>(), all.lines().skip(3).collect::<Vec<_>>());
    check(&spool, "tail {dir}/nothing", UNUSABLE, "nothing");
    let (_, lines) = run(&spool, "tail --json {dir}");
    let read = |line: &str| tollgate_audit::Entry::parse(line.as_bytes()).is_ok();
    assert!(lines.lines().count() == 5 && lines.lines().all(read), "{lines}");
}

/// A reader that goes away when it has seen enough.
struct Until(Vec<u8>, &'static str);

impl std::io::Write for Until {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if String::from_utf8_lossy(&self.0).contains(self.1) {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if String::from_utf8_lossy(&self.0).contains(self.1) {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn following_goes_on_into_new_segments() {
    let dir = TempDir::new().unwrap();
    let mut options = LedgerOptions::new(dir.path().join("spool"));
    options.segment_bytes = 2048;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let facts = |n: u32| Facts::new(EventType::CallIntent, "a").text("tool", &format!("tool-{n}"));
    ledger.append(facts(0)).await.unwrap();
    let path = options.spool.clone();
    let reader = tokio::task::spawn_blocking(move || {
        let args = TailArgs { path, follow: true, lines: 20, json: false };
        let mut out = Until(Vec::new(), "tool-7\n");
        assert_eq!(tail(&args, &mut out, &mut Vec::new()), SOUND);
        String::from_utf8(out.0).unwrap()
    });
    for n in 1..8 {
        ledger.append(facts(n)).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let shown = reader.await.unwrap();
    let tools: Vec<&str> = shown.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    let expect: Vec<String> = (0..8).map(|n| format!("tool=tool-{n}")).collect();
    assert_eq!(tools, expect);
    ledger.stop().await.unwrap();
}

#[test]
fn exit_codes_are_what_scripts_know() {
    assert_eq!([SOUND, BROKEN, FOUND, NOT_FOUND, UNUSABLE], [0, 1, 0, 1, 2]);
    let wrong = Line::try_parse_from(["audit", "verify"]).err().unwrap();
    assert_eq!(wrong.exit_code(), i32::from(UNUSABLE));
}

/// Columns stand below one another, and a refusal is seen without reading.
#[test]
fn a_refusal_stands_out() {
    use tollgate_audit::{Chain, LocalKey};
    let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
    let mut chain = Chain::new();
    let mut line = |kind, fact, value: &str| {
        let facts = Facts::new(kind, "spiffe://acme/agents/reader").text(fact, value);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let draft = chain.draft(facts, uuid::Uuid::nil(), now, key.kid()).unwrap();
        let signature = key.sign(draft.hash()).unwrap();
        words::describe(&draft.close(signature).unwrap())
    };
    let mut places = Vec::new();
    for (kind, fact, value, mark, red) in [
        (EventType::CallIntent, "effect", "allow", " ", false),
        (EventType::CallRefused, "code", "POLICY_DENIED", "!", true),
        (EventType::CallOutcome, "outcome", "failed", "!", true),
        (EventType::CallOutcome, "outcome", "answered", " ", false),
        (EventType::LimitExceeded, "reason", "agent", "?", false),
        (EventType::AuditReconciliation, "reason", "torn_tail", " ", false),
    ] {
        let text = line(kind, fact, value);
        assert_eq!(text.contains("\u{1b}[31m"), red, "{text:?}");
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(plain.contains(&format!(" {mark} {}", kind.as_str())), "{plain}");
        places.push(plain.find("spiffe").unwrap());
    }
    places.dedup();
    assert_eq!(places.len(), 1, "the actors do not stand below one another");
}
