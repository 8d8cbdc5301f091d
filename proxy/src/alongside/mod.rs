//! `tollgate run -- COMMAND`: the gate, and beside it a command whose calls come to it.
//!
//! The gate is ready before the command starts and stops after it ended. The command gets the
//! variables of [`crate::outfit`]; contained, it also gets a network in which there is nothing but
//! the gate, and every connection that it makes comes there.
mod calls;
mod contain;
mod inside;
mod network;
mod ready_made;
mod sockets;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use rustix::process::{Pid, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tollgate_config::settings::{Listener, Settings};

pub use contain::NotContained;
pub use inside::{Inside, enter};
pub use ready_made::{Authorities, ReadyMade, Wish};

use crate::ledger::LedgerError;
use crate::listen::Given;
use crate::outfit::{Outfit, TrustFiles, Unfit, reachable, ways_in};
use crate::run::{StartFault, start_on};
use crate::snapshot::{SnapshotFault, Source};
use contain::Contained;
use sockets::Sockets;

/// As `env`, `timeout` and `docker run` tell them: a fault of ours, a program that cannot be run,
/// and one that is not there.
pub const OURS: u8 = 125;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The exit code for a program that did not start.
pub fn unstarted(error: &std::io::Error) -> u8 {
    match error.kind() {
        std::io::ErrorKind::NotFound => NOT_FOUND,
        _ => CANNOT_RUN,
    }
}

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum CommandFault {
    /// The configuration.
    #[error(transparent)]
    Snapshot(#[from] SnapshotFault),
    /// The configuration offers nothing to a command.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The gate.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// What the command is to trust.
    #[error(transparent)]
    Trust(#[from] crate::outfit::TrustFault),
    /// A network of its own cannot be made, so it was not started.
    #[error(transparent)]
    NotContained(#[from] NotContained),
    /// The command itself.
    #[error("`{}` cannot be started: {reason}", command.display())]
    Command {
        /// Its name.
        command: OsString,
        /// Why.
        reason: std::io::Error,
    },
    /// Something of the system's.
    #[error("the command cannot be watched: {0}")]
    Watch(std::io::Error),
    /// The record was not closed in order.
    #[error(transparent)]
    Stop(LedgerError),
}

/// What is to be run.
#[derive(Debug)]
pub struct Errand<'a> {
    /// The configuration.
    pub source: Source,
    /// A folder for files that go when the command ends.
    pub folder: &'a Path,
    /// The command and its arguments.
    pub command: &'a [OsString],
    /// Whether it gets a network of its own.
    pub contain: bool,
}

impl Errand<'_> {
    /// Runs it to its end and gives its exit code.
    pub async fn run(self) -> Result<u8, CommandFault> {
        let (settings, _) = self.source.settings(std::io::stderr().is_terminal())?;
        let (name, bind, intercept) = ways_in(&settings)?;
        let mut signals = Signals::listen().map_err(CommandFault::Watch)?;
        let ports = ports_on_loopback(&settings);
        let mut contained = match self.contain {
            true => Some(Contained::make(self.folder, bind, &ports, self.command).await?),
            false => None,
        };
        let sockets = contained.as_mut().and_then(Contained::sockets);
        let inside = sockets.as_ref().and_then(|sockets| sockets.gate.local_addr().ok());
        let (given, names) = match sockets {
            Some(Sockets { gate: socket, redirected, names }) => {
                (Some(Given { listener: name.to_owned(), socket, redirected }), names)
            }
            None => (None, Vec::new()),
        };
        let agent = settings.listeners.iter().find(|listener| listener.name() == name);
        let source = match agent.and_then(Listener::agent).filter(|_| !names.is_empty()) {
            Some(agent) => self.source.answering_names(agent),
            None => self.source,
        };
        let running = start_on(source, given, names).await?;
        let gate = inside.or_else(|| running.listener(name)).unwrap_or(bind);
        let started = TrustFiles::write(&intercept.certificate, Some(self.folder))
            .map_err(CommandFault::Trust)
            .map(|trust| Outfit::new(Some(reachable(gate)), trust).variables());
        let ended = match started {
            Err(fault) => Err(fault),
            Ok(variables) => {
                let child = match contained {
                    Some(contained) => contained.release(&variables).await.map_err(Into::into),
                    None => spawn(self.command, &variables),
                };
                match child {
                    Ok(child) => signals.until_ended(child).await.map_err(CommandFault::Watch),
                    Err(fault) => Err(fault),
                }
            }
        };
        // In order in any case: what the command did is in the record.
        let stopped = running.stop().await.map_err(CommandFault::Stop);
        let status = ended?;
        stopped?;
        Ok(code(status))
    }
}

/// Ports on loopback that lead a contained command to the gate. Loopback is the command's own, where
/// its programs meet; but who may have the gate reach this machine's own servers has to name them as
/// it does without a network of its own.
fn ports_on_loopback(settings: &Settings) -> Vec<u16> {
    let Some(forward) = &settings.forward_proxy else { return Vec::new() };
    let mut loopback = forward.allow_addresses.iter().map(|range| range.network());
    match loopback.any(|address| address.is_loopback()) {
        true => forward.ports.clone(),
        false => Vec::new(),
    }
}

fn spawn(command: &[OsString], variables: &[(&str, String)]) -> Result<Child, CommandFault> {
    let (program, arguments) = split(command);
    let mut child = Command::new(&program);
    child.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
    child.kill_on_drop(true);
    child.spawn().map_err(|reason| CommandFault::Command { command: program, reason })
}

/// A command's program and arguments.
fn split(command: &[OsString]) -> (OsString, &[OsString]) {
    match command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => (OsString::new(), &[]),
    }
}

/// As a shell tells it: the code, or 128 and the signal's number.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(status.signal()?.saturating_add(128)));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Signals that are the command's.
struct Signals(BTreeMap<i32, Signal>);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::hangup(),
            SignalKind::user_defined1(),
            SignalKind::user_defined2(),
        ];
        let listen = |kind: SignalKind| Ok((kind.as_raw_value(), signal(kind)?));
        Ok(Self(kinds.into_iter().map(listen).collect::<std::io::Result<_>>()?))
    }

    /// Hands each on until the command ended.
    async fn until_ended(&mut self, mut child: Child) -> std::io::Result<ExitStatus> {
        loop {
            let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            let next = futures::future::select_all(self.0.iter_mut().map(|(number, signal)| {
                Box::pin(async move {
                    signal.recv().await;
                    *number
                })
            }));
            let number = tokio::select! {
                status = child.wait() => return status,
                (number, ..) = next => number,
            };
            if from_terminal(number) {
                continue;
            }
            if let (Some(id), Some(signal)) = (id, rustix::process::Signal::from_named_raw(number))
            {
                // It may have ended just now.
                let _ = kill_process(id, signal);
            }
        }
    }
}

/// A terminal sends these to everything in the foreground, so the command has them already.
fn from_terminal(number: i32) -> bool {
    let typed = [SignalKind::interrupt().as_raw_value(), SignalKind::quit().as_raw_value()];
    typed.contains(&number) && std::io::stdin().is_terminal()
}
