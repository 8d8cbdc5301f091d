//! `tollgate run`.
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{CONFIG, EXIT_CONFIG, EXIT_FAULT, EXIT_USAGE, complain, runtime};
use crate::alongside::{Authorities, CommandFault, Errand, OURS, ReadyMade, Wish, unstarted};
use crate::run::StartFault;
use crate::say;
use crate::snapshot::{SnapshotFault, Source};
use crate::watch::log;

/// Run the gate until SIGTERM or SIGINT (SIGHUP reloads), or beside a command until that ends
///
/// With a COMMAND the gate is started first; then the command runs with the variables that `tollgate
/// env` prints, gets the signals sent to this process, and its exit code becomes this one's. The
/// system's trust store is not touched, and nothing is left behind but the record. Without --config
/// the hosts that may be reached are given with --allow; the rest of the configuration is made for
/// the run. Exit codes then are the command's own, 125 for a fault of the gate's, 126 and 127 for a
/// command that cannot be run or found.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration file (YAML) [default without a COMMAND: /etc/tollgate/tollgate.yaml]
    #[arg(short, long, value_name = "FILE", env = "TOLLGATE_CONFIG")]
    config: Option<PathBuf>,
    /// A host that the command may reach: HOST, *.HOST (everything below), HOST:PORT; repeat it
    #[arg(long, value_name = "HOST", requires = "command")]
    allow: Vec<String>,
    /// Addresses that are refused by default (private, loopback, link-local) and may be reached;
    /// repeat it
    #[arg(long, value_name = "RANGE", requires = "allow", value_parser = range)]
    allow_address: Vec<IpNet>,
    /// An authority that may vouch for these hosts beside the system's (PEM), such as a company's own;
    /// repeat it
    #[arg(long, value_name = "FILE", requires = "allow")]
    upstream_ca: Vec<PathBuf>,
    /// Only tell what rules and inspection would have refused; hosts that are not allowed stay
    /// refused
    #[arg(long, requires = "allow")]
    observe: bool,
    /// Where the record of the run is kept [default: a new folder below
    /// $XDG_STATE_HOME/tollgate/runs]
    #[arg(long, value_name = "DIR", requires = "allow")]
    record: Option<PathBuf>,
    /// Give the command a network of its own in which only the gate is reachable; when that cannot be
    /// made it is not started
    ///
    /// Programs that obey no variable are served there as well: every TCP connection, to whatever
    /// address and port, comes to the gate, which goes where the name in it says and never to the
    /// address; every question for a name (port 53, UDP and TCP) comes to the gate's DNS server, with the
    /// configuration's `dns` or, without one, for the hosts that may be reached. Loopback is the
    /// command's own, but for the ports that the configuration lets the gate reach on loopback.
    /// Everything else, UDP, QUIC and ICMP, is dropped. That needs `nft` (nftables) on this machine:
    /// without it, which is told at the start, such programs reach nothing.
    ///
    /// Sockets other than of the internet and unix (vsock, packets) and io_uring are taken from it.
    /// Files are not contained: a unix socket that the command may open, such as a container
    /// engine's, is a way out; the variables that name such sockets are not handed on.
    #[arg(long, requires = "command")]
    contain: bool,
    /// The command and its arguments, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// A single address is a range of one.
fn range(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse()).map_err(|_| "it is no address and no range".to_owned())
}

/// Runs what was asked for.
pub(super) fn run(args: &Run) -> ExitCode {
    if args.command.is_empty() {
        return serve(args.config.as_deref().unwrap_or(Path::new(CONFIG)));
    }
    match (&args.config, args.allow.is_empty()) {
        (Some(_), false) => complain(
            "--allow makes a configuration for the run: give it, or --config (or TOLLGATE_CONFIG)",
            EXIT_USAGE,
        ),
        (None, true) => complain(
            "say which hosts the command may reach with --allow HOST (repeat it), or give --config \
             FILE",
            EXIT_USAGE,
        ),
        (Some(config), true) => match tempfile::Builder::new().prefix("tollgate-run-").tempdir() {
            Ok(folder) => beside(args, config, folder.path()),
            Err(error) => complain(format!("no folder for the run can be made: {error}"), OURS),
        },
        (None, false) => ready_made(args),
    }
}

fn ready_made(args: &Run) -> ExitCode {
    let wish = Wish {
        hosts: args.allow.clone(),
        addresses: args.allow_address.clone(),
        observe: args.observe,
        record: args.record.clone(),
        authorities: match args.upstream_ca.is_empty() {
            true => Authorities::System,
            false => Authorities::Beside(args.upstream_ca.clone()),
        },
    };
    let made = match ReadyMade::write(&wish) {
        Ok(made) => made,
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            return complain(error, EXIT_USAGE);
        }
        Err(error) => return complain(format!("the run cannot be prepared: {error}"), OURS),
    };
    let code = beside(args, &made.path(), made.folder());
    say::aside(format_args!("tollgate: the record of this run: {}", made.record().display()));
    code
}

/// The gate, and the command beside it.
fn beside(args: &Run, config: &Path, folder: &Path) -> ExitCode {
    let source = Source::new(config);
    match source.settings(super::check::wants_colour()) {
        Ok((settings, _)) => log::start(&settings.log),
        Err(fault) => return complain(fault, OURS),
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return complain(error, OURS),
    };
    let errand = Errand { source, folder, command: &args.command, contain: args.contain };
    match runtime.block_on(errand.run()) {
        Ok(code) => ExitCode::from(code),
        Err(CommandFault::Command { command, reason }) => {
            let code = unstarted(&reason);
            complain(CommandFault::Command { command, reason }, code)
        }
        Err(fault) => complain(fault, OURS),
    }
}

/// Runs until a signal asks it to stop.
fn serve(config: &Path) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return complain(error, EXIT_FAULT),
    };
    // Before anything else, so that one which comes during the start ends it in order.
    let listening = runtime.enter();
    let asked = match Signals::listen() {
        Ok(asked) => asked,
        Err(error) => return complain(error, EXIT_FAULT),
    };
    drop(listening);
    let source = Source::new(config);
    let settings = match source.settings(super::check::wants_colour()) {
        Ok((settings, _)) => settings,
        Err(fault) => return refuse(&fault),
    };
    log::start(&settings.log);
    take_open_files(settings.bounds.connections);
    runtime.block_on(async {
        let running = match crate::run::start(source).await {
            Ok(running) => running,
            Err(StartFault::Snapshot(fault)) => return refuse(&fault),
            Err(StartFault::Ledger(fault)) if fault.is_mistake() => {
                return complain(fault, EXIT_CONFIG);
            }
            Err(fault) => return complain(fault, EXIT_FAULT),
        };
        asked.come().await;
        match running.stop().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(fault) => complain(fault, EXIT_FAULT),
        }
    })
}

/// Takes as many open files as the system lets it have: a client is one, its upstream another. Beside
/// a command it is left alone, which would inherit it: some programs know no file beyond 1,024.
fn take_open_files(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let files = if raised.is_ok() { limit.maximum } else { limit.current };
    let wanted = (connections as u64).saturating_mul(2);
    if let Some(files) = files.filter(|files| *files < wanted) {
        tracing::warn!(
            files,
            connections,
            "fewer files may be open than `bounds.connections` and their upstreams need; raise the \
             limit of open files (`ulimit -Hn`, `LimitNOFILE=`), or lower the bound"
        );
    }
}

fn refuse(fault: &SnapshotFault) -> ExitCode {
    complain(fault, EXIT_CONFIG)
}

/// Resolves when SIGTERM or SIGINT arrives.
pub(crate) async fn asked_to_stop() -> std::io::Result<()> {
    Signals::listen()?.come().await;
    Ok(())
}

/// The signals that ask for a stop; what comes from here on is kept. One that asks for a reload would
/// end a gate that does not listen for it yet: what it asks for, a start does anyway.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        // tokio keeps its handler when the listener is dropped.
        drop(signal(SignalKind::hangup())?);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn come(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
