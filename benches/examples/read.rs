//! How fast a record is read: `audit verify` with one thread and with two, `grep` and `stats`, as
//! processor time an event, time on the wall and memory at its most.
//!
//! `cargo run --release -p tollgate-benches --example read -- [EVENTS] [DIR]`: a million events
//! unless it is said, made once in DIR (the temporary directory) and removed at the end.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose stage cannot be set measures nothing, and says so by stopping"
)]
#[path = "../shared/facts.rs"]
mod facts;
#[path = "../shared/itself.rs"]
mod itself;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tollgate_audit::{Chain, LocalKey, Registry};
use tollgate_benches::Used;
use uuid::Uuid;

/// Bytes of a segment, as the gate makes them.
const SEGMENT_BYTES: usize = 64 << 20;
const SEED: [u8; 32] = [7; 32];
const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// What one command cost.
struct Cost {
    wall: Duration,
    cpu: Duration,
    /// Resident memory at its most in the first quarter of the time, and in all of it.
    early_kib: u64,
    peak_kib: u64,
}

fn main() -> ExitCode {
    if let Some(code) = itself::if_asked() {
        return code;
    }
    let mut args = std::env::args().skip(1);
    let events: u64 = args.next().map_or(1_000_000, |events| events.parse().expect("a number"));
    let dir = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::Builder::new().prefix("read-").tempdir_in(dir).expect("a directory");
    let (bytes, sealing) = generate(dir.path(), events);
    println!("{events} events, {} MB", bytes / 1_000_000);
    println!("sealed and written in {:.1} us of CPU an event", micros(sealing, events));
    println!("command                     wall s  CPU us/event  peak MiB: early     all");
    let mut told = Vec::new();
    for command in [
        &["verify", "--threads", "1"][..],
        &["verify", "--threads", "2"],
        &["grep", "--code", "POLICY_DENIED"],
        &["stats"],
    ] {
        let cost = measure(command, dir.path());
        let name = command.join(" ");
        println!(
            "{name:<25} {:>8.1}  {:>12.2}  {:>15.1}  {:>6.1}",
            cost.wall.as_secs_f64(),
            micros(cost.cpu, events),
            cost.early_kib as f64 / 1024.0,
            cost.peak_kib as f64 / 1024.0
        );
        told.push(json!({
            "command": name,
            "events": events,
            "wall_seconds": cost.wall.as_secs_f64(),
            "cpu_micros_per_event": micros(cost.cpu, events),
            "early_kib": cost.early_kib,
            "peak_kib": cost.peak_kib,
        }));
    }
    println!("\n{}", serde_json::Value::from(told));
    ExitCode::SUCCESS
}

fn micros(cpu: Duration, events: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / events as f64
}

/// A spool as a gate leaves it, made without a disk's pace. Bytes, and the time it took.
fn generate(dir: &Path, events: u64) -> (u64, Duration) {
    let key = LocalKey::from_pem(LocalKey::pem_from_seed(&SEED).as_bytes(), None).expect("a key");
    let mut registry = Registry::new();
    registry.add(key.kid().clone(), key.public().clone(), None, "").expect("one key");
    fs::write(dir.join("signers.json"), registry.to_json()).expect("it is written");
    let mut chain = Chain::new();
    let (mut bytes, mut ordinal, mut room) = (0, 0, 0);
    let mut segment = BufWriter::new(tempfile::tempfile().expect("a file"));
    let began = used();
    for number in 0..events {
        let at = START + SignedDuration::from_micros(i64::try_from(number).expect("small"));
        let id = Uuid::from_u128(u128::from(number));
        let draft = chain.draft(facts::facts(), id, at, key.kid()).expect("the facts fit");
        let signature = key.sign(draft.hash()).expect("a local key signs");
        let line = draft.close(signature).expect("a signature of this key").to_line();
        if line.len() > room {
            (ordinal, room) = (ordinal + 1, SEGMENT_BYTES);
            let path = dir.join(format!("events-{ordinal:012}.jsonl"));
            segment.flush().expect("it is written");
            segment = BufWriter::new(File::create(path).expect("a segment"));
        }
        room -= line.len();
        bytes += line.len() as u64;
        segment.write_all(line.as_bytes()).expect("it is written");
    }
    segment.flush().expect("it is written");
    (bytes, used() - began)
}

/// What this process has used.
fn used() -> Duration {
    Used::of(std::process::id(), "").expect("Linux").all()
}

/// `tollgate audit` over the record, as a process of its own.
fn measure(command: &[&str], dir: &Path) -> Cost {
    let (began, before) = (Instant::now(), children());
    let mut child = itself::tollgate()
        .arg("audit")
        .args(command)
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut resident = Vec::new();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        resident.extend(memory(child.id()));
        std::thread::sleep(Duration::from_millis(20));
    };
    // `grep` says 1 when nothing was found, which is right here.
    assert!(status.code().is_some_and(|code| code < 2), "{command:?}: {status}");
    let quarter = resident.len().div_ceil(4);
    Cost {
        wall: began.elapsed(),
        cpu: children() - before,
        early_kib: resident.iter().take(quarter).copied().max().unwrap_or(0),
        peak_kib: resident.iter().copied().max().unwrap_or(0),
    }
}

/// Resident memory of a process, in KiB; none when it has just ended.
fn memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// What ended children have used, in hundredths of a second as Linux counts it.
fn children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(") ").expect("its form");
    let ticks = fields.split(' ').skip(13).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}
