//! What a gate weighs before the first call: how long it takes to be ready, what it holds then, and
//! how large its program is.
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tollgate_benches::{Unit, keep, keep_table, median, target};

use crate::peers::free_port;
use crate::seats::{memory, with};
use crate::settings::{GATES, rules, settings};
use crate::{itself, pin};

const STARTS: usize = 7;
/// How long a start may take.
const START: Duration = Duration::from_secs(30);
/// Memory is looked at when nothing that a start begins is still at work.
const SETTLE: Duration = Duration::from_secs(1);

/// Starts a gate again and again, on the spool that it has from the first time.
pub(crate) fn bench(dir: &Path) -> Value {
    let home = tempfile::Builder::new().prefix("weight-").tempdir_in(dir).expect("a directory");
    let least = GATES.first().expect("there is one");
    let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let settings = settings(false, SocketAddr::from(([127, 0, 0, 1], 9)), least);
    let settings = with(settings, json!({ "admin": { "bind": admin.to_string() } }));
    let file = home.path().join("tollgate.yaml");
    std::fs::write(&file, settings.to_string()).expect("it is written");
    std::fs::write(home.path().join("policy.yaml"), rules(1_000)).expect("it is written");
    let mut starts = Vec::new();
    let mut held = Vec::new();
    for nth in 0..=STARTS {
        let (child, took) = start(&file, admin);
        if nth == 0 {
            stop(child);
            continue;
        }
        starts.push(took.as_secs_f64() * 1e9);
        std::thread::sleep(SETTLE);
        held.extend(memory(child.id(), "VmRSS:"));
        stop(child);
    }
    let (start, held) = (median(starts), median(held));
    println!("\nstart to ready, 1,000 rules  {}", Unit::Nanos.shown(start));
    println!("idle, in memory              {}", Unit::Bytes.shown(held));
    keep(&[("weight/start".to_owned(), start)], Unit::Nanos);
    let mut sizes = vec![("weight/idle", held)];
    sizes.extend(program(home.path()));
    for (name, bytes) in sizes.iter().skip(1) {
        println!("{name:<28} {}", Unit::Bytes.shown(*bytes));
    }
    let sizes: Vec<_> = sizes.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    keep(&sizes, Unit::Bytes);
    let sizes: serde_json::Map<_, Value> =
        sizes.into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
    let table = json!({ "start_ms": start / 1e6, "bytes": sizes });
    keep_table("weight", table.clone());
    table
}

/// One that is ready, and how long that took.
fn start(file: &Path, admin: SocketAddr) -> (Child, Duration) {
    let mut command = pin::proxy(&itself::tollgate());
    let log = file.with_extension("log");
    let command = command.args(["run", "--config"]).arg(file).stdin(Stdio::null());
    let command = command.stdout(Stdio::null()).stderr(File::create(&log).expect("a log"));
    let began = Instant::now();
    let child = command.spawn().expect("a gate");
    while ready(admin).is_none() {
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(began.elapsed() < START, "the gate is not ready:\n{}", said());
        std::thread::sleep(Duration::from_millis(1));
    }
    (child, began.elapsed())
}

fn ready(admin: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(admin).ok()?;
    stream
        .write_all(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(())
}

fn stop(mut child: Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, Signal::TERM).expect("it lives");
    assert!(child.wait().is_ok_and(|status| status.success()), "it stops in order");
}

/// The shipped program as it was built last, and without its symbols; nothing where it was not.
fn program(dir: &Path) -> Vec<(&'static str, f64)> {
    let built = target().join("release/tollgate");
    let stripped = dir.join("stripped");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(&built).status();
    let size = |path: &Path| Some(path.metadata().ok()?.len() as f64);
    let whole = size(&built).map(|bytes| ("weight/program", bytes));
    let least = strip.is_ok_and(|status| status.success()).then(|| size(&stripped)).flatten();
    whole.into_iter().chain(least.map(|bytes| ("weight/program_stripped", bytes))).collect()
}
