//! `tollgate keys`: who signs the record, since when, and until when.
mod registry;
mod revoke;
mod rotate;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;
use rustix::process::{Pid, Signal, kill_process};
use tollgate_audit::Registry;
use tollgate_config::Settings;

use super::{ConfigFile, EXIT_CONFIG, EXIT_FAULT, complain};
use crate::ledger::signers::register::REGISTRY_FILE;
use crate::say;
use crate::snapshot::Source;

/// How long a running gate may take to do what it was asked.
const GATE_WAIT: Duration = Duration::from_secs(15);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What `tollgate keys` does.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a new local signing key and let it take over, now or at the next start
    ///
    /// The old key signs that it is replaced, the new one that it took over, and the old private
    /// key is gone from the disk. A key in a key service is made there: name it in the
    /// configuration and send SIGHUP.
    Rotate(ConfigFile),
    /// Stop believing a key that may be in other hands
    ///
    /// Rotate first: the key that signs cannot be revoked. The record says that it happened, and
    /// from then on nothing by that key verifies.
    Revoke(revoke::Revoke),
    /// List the keys that ever signed the record
    Registry(registry::List),
}

impl Keys {
    /// Does it.
    pub(super) fn run(&self) -> ExitCode {
        let done = match self {
            Self::Rotate(args) => rotate::rotate(args),
            Self::Revoke(args) => args.run(),
            Self::Registry(args) => args.run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(Trouble::Settings(reason)) => complain(reason, EXIT_CONFIG),
            Err(Trouble::Fault(reason)) => complain(reason, EXIT_FAULT),
        }
    }
}

/// Why it was not done.
enum Trouble {
    Settings(String),
    Fault(String),
}

impl Trouble {
    fn fault(error: impl std::fmt::Display) -> Self {
        Self::Fault(error.to_string())
    }
}

/// Says how it went.
fn tell(text: impl std::fmt::Display) -> Result<(), Trouble> {
    say::answer(text).map_err(Trouble::fault)
}

/// The settings of the gate whose record it is.
fn settings(file: &ConfigFile) -> Result<Settings, Trouble> {
    let read = Source::new(&file.config).settings(super::check::wants_colour());
    read.map(|(settings, _)| settings).map_err(|fault| Trouble::Settings(fault.to_string()))
}

fn read_registry(spool: &Path) -> Result<Registry, Trouble> {
    let path = spool.join(REGISTRY_FILE);
    let named = |e: &dyn std::fmt::Display| Trouble::Fault(format!("`{}`: {e}", path.display()));
    let text = std::fs::read(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            let path = path.display();
            Trouble::Fault(format!("there is no registry `{path}` yet: the gate's start makes it"))
        }
        _ => named(&e),
    })?;
    Registry::parse(&text).map_err(|e| named(&e))
}

/// Wakes the gate that uses the spool and waits until it has done what was asked. `false` when no
/// gate runs: the next start does it.
fn wake_gate(spool: &Path, done: impl Fn() -> bool) -> Result<bool, Trouble> {
    let Some(pid) = crate::ledger::holder(spool).map_err(Trouble::fault)? else {
        return Ok(false);
    };
    let pid = Pid::from_raw(pid).ok_or_else(|| Trouble::fault("the spool's lock names no gate"))?;
    kill_process(pid, Signal::HUP)
        .map_err(|e| Trouble::Fault(format!("the gate (process {pid:?}) cannot be woken: {e}")))?;
    let deadline = Instant::now() + GATE_WAIT;
    while !done() {
        if Instant::now() >= deadline {
            let reason = "the gate has not done it; its log says why";
            return Err(Trouble::Fault(format!("{reason} (process {})", pid.as_raw_nonzero())));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(true)
}
