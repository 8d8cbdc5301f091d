//! A gate whose allocations are counted while it is told to: this very program, over the system's
//! allocator. How many there are, and how large, does not depend on whose allocator serves them.
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, ExitCode};

use dhat::{Alloc, HeapStats, Profiler};
use serde_json::{Value, json};

/// Set in a gate to the socket on which it is told when to count.
const ASKED: &str = "TOLLGATE_BENCH_COUNTED_AT";
/// Calls on the way to an allocation that are kept.
const FRAMES: usize = 40;

#[global_allocator]
static ALLOCATOR: Alloc = Alloc;

/// `tollgate`, to be given its arguments; told at this socket when to count.
pub(crate) fn tollgate(socket: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows its path"));
    command.env_clear().env(ASKED, socket);
    command
}

/// Does what `tollgate` does, when this process is one.
pub(crate) fn if_asked() -> Option<ExitCode> {
    let socket = UnixListener::bind(std::env::var_os(ASKED)?).expect("a socket");
    std::thread::spawn(move || while count(&socket).is_some() {});
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first provider");
    Some(tollgate::commands::run())
}

/// Counts from one connection to the next, and tells the second one.
fn count(socket: &UnixListener) -> Option<()> {
    let (asked, _) = socket.accept().ok()?;
    let mut counting = Profiler::builder().trim_backtraces(Some(FRAMES)).build();
    drop(asked);
    let (mut asked, _) = socket.accept().ok()?;
    let stats = HeapStats::get();
    let places = counting.drop_and_get_memory_output();
    // Only then, or its fall would write a file of its own.
    std::mem::forget(counting);
    let places: Value = serde_json::from_str(&places).ok()?;
    let told = json!({
        "blocks": stats.total_blocks, "bytes": stats.total_bytes, "places": places,
    });
    asked.write_all(told.to_string().as_bytes()).ok()
}

/// Tells the gate at this socket to begin.
pub(crate) fn begin(socket: &Path) {
    ask(socket);
}

/// Tells it to end; what it counted.
pub(crate) fn end(socket: &Path) -> Value {
    serde_json::from_str(&ask(socket)).expect("the gate counted")
}

fn ask(socket: &Path) -> String {
    let mut stream = UnixStream::connect(socket).expect("the gate can be asked");
    let mut told = String::new();
    stream.read_to_string(&mut told).expect("it answers");
    told
}
