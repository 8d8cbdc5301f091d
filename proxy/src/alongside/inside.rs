//! The helper that makes a command's network, and becomes the command.
//!
//! It runs before the process has a second thread, which a user namespace asks for.
use std::ffi::OsString;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use nix::sched::{CloneFlags, unshare};
use rustix::process::{getegid, geteuid};

use super::sockets::Sockets;
use super::{OURS, calls, network, split, unstarted};
use crate::say;

/// Bounds what is read from the gate.
const VARIABLES_BYTES: u64 = 1 << 20;

/// Variables that lead programs to unix sockets, where somebody acts for them outside the network.
/// Without them nobody goes there unasked; who looks for the files finds them.
const DOORS: [&str; 7] = [
    "CONTAINER_HOST",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DOCKER_HOST",
    "GPG_AGENT_INFO",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
];

/// What the gate tells the helper.
#[derive(Debug, Args)]
pub struct Inside {
    /// Where to meet
    #[arg(long)]
    socket: PathBuf,
    /// Where the gate is to listen in the new network
    #[arg(long)]
    bind: SocketAddr,
    /// Ports on loopback that lead to the gate as well
    #[arg(long = "port")]
    ports: Vec<u16>,
    /// What to become
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Makes the network, hands its listening socket out, and becomes the command.
pub fn enter(inside: &Inside) -> ExitCode {
    let variables = match prepare(inside) {
        Ok(variables) => variables,
        Err(reason) => {
            say::aside(format_args!("tollgate: --contain: {reason}"));
            return ExitCode::from(OURS);
        }
    };
    let (program, arguments) = split(&inside.command);
    let mut command = std::process::Command::new(&program);
    for name in DOORS {
        command.env_remove(name);
    }
    let error = command.args(arguments).envs(variables).exec();
    say::aside(format_args!("tollgate: `{}` cannot be started: {error}", program.display()));
    ExitCode::from(unstarted(&error))
}

fn prepare(inside: &Inside) -> Result<Vec<(String, String)>, String> {
    close_inherited().map_err(|error| format!("open files cannot be closed: {error}"))?;
    // The meeting place is a file, so it is reached from any network.
    let mut talk = UnixStream::connect(&inside.socket).map_err(|error| error.to_string())?;
    isolate()?;
    network::loopback_up().map_err(|error| {
        format!("the new network's loopback cannot be switched on: {error}{HELP}")
    })?;
    let bind = match inside.bind.ip().is_loopback() {
        true => inside.bind,
        false => SocketAddr::from(([127, 0, 0, 1], inside.bind.port())),
    };
    let gate = TcpListener::bind(bind)
        .map_err(|error| format!("{bind} cannot be listened on in the new network: {error}"))?;
    let mut sockets = Sockets { gate, redirected: Vec::new(), names: Vec::new() };
    if let Err(why) = network::lead(&mut sockets, &inside.ports) {
        // Held it is in any case: what is not led to the gate leads nowhere.
        say::aside(format_args!(
            "tollgate: --contain: programs that obey no variable reach nothing: {why}"
        ));
        (sockets.redirected, sockets.names) = (Vec::new(), Vec::new());
    }
    sockets.send(&talk).map_err(|error| error.to_string())?;
    drop(sockets);
    let mut variables = Vec::new();
    let mut told = (&mut talk).take(VARIABLES_BYTES);
    told.read_to_end(&mut variables).map_err(|error| error.to_string())?;
    if variables.is_empty() {
        return Err("the gate did not start".to_owned());
    }
    // No program of another user's rights comes out of this.
    rustix::thread::set_no_new_privs(true).map_err(|error| error.to_string())?;
    calls::forgo().map_err(|error| format!("system calls cannot be filtered: {error}"))?;
    serde_json::from_slice(&variables).map_err(|error| error.to_string())
}

/// A socket that was open before would be a way out.
fn close_inherited() -> std::io::Result<()> {
    let open = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|number| *number > 2)
        .collect::<Vec<_>>();
    for number in open {
        // The one that listed them is among them, and closed already.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

const HELP: &str = "\n  The command was not started: without a network of its own it could go around \
     the gate. What helps:\n  - kernel.unprivileged_userns_clone=1 or user.max_user_namespaces > 0\n  \
     - on Ubuntu, an AppArmor profile for tollgate that allows `userns`, or \
     kernel.apparmor_restrict_unprivileged_userns=0\n  - in a container, a seccomp profile that \
     allows `unshare`; or contain the whole container by its network (deploy/README.md)";

/// Users and networks of its own; the user keeps the name that it has.
fn isolate() -> Result<(), String> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("no namespaces can be made: {}{HELP}", error.desc()))?;
    for (file, text) in [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("{user} {user} 1")),
        ("/proc/self/gid_map", format!("{group} {group} 1")),
    ] {
        std::fs::write(file, text)
            .map_err(|error| format!("`{file}` cannot be written: {error}{HELP}"))?;
    }
    Ok(())
}
