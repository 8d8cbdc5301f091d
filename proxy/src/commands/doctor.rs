//! `tollgate doctor`.
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tollgate_config::settings::{Intercept, Settings};

use super::{EXIT_CONFIG, EXIT_FAULT, EXIT_FOUND, EXIT_WELL, answered, complain, runtime};
use crate::doctor::{self, Format, Row, Standing};
use crate::outfit::{Unfit, reachable, ways_in};
use crate::say;
use crate::snapshot::Source;

/// How long a gate on this machine may take to accept.
const PATIENCE: Duration = Duration::from_secs(2);

/// Run each HTTP client that is found on this machine through a gate, and say which uses the proxy,
/// which trusts the gate, and which goes around
///
/// Looked for on the PATH: curl, wget, Python (urllib, requests, httpx, aiohttp), Node.js (fetch,
/// https), deno, bun, git, cargo, npm, pip, java, go; every version of each. Each really makes a
/// call, with the variables that `tollgate env` prints, to a server on loopback of this command's
/// own; nothing leaves the machine. The table also says what becomes of it in `run --contain`, where
/// those who go around are really run, too, and where the kernel redirects it (`tollgate redirect`),
/// for which it is asked to trust a server without a proxy.
///
/// With --config each that uses the proxy is also led before that gate, which has to run: its CONNECT
/// and its handshake reach the gate, for a host that the gate lets be reached, and nothing that follows,
/// so that no call is made. Those who would go around are not asked.
///
/// Exits 0 when all of them use the gate, 3 when one does not (the table says what helps), 78 when
/// the configuration given offers nothing to them.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Also lead clients before the gate of this configuration, which has to run
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the table is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(args: &Doctor) -> ExitCode {
    let standing = match args.config.as_deref().map(standing).transpose() {
        Ok(standing) => standing,
        Err((what, code)) => return complain(what, code),
    };
    let told = |name: &str| say::aside(format_args!("tollgate: trying {name}"));
    let examined = runtime().map(|runtime| runtime.block_on(doctor::examine(standing, told)));
    let rows = match examined {
        Ok(Ok(rows)) => rows,
        Ok(Err(fault)) => return complain(fault, EXIT_FAULT),
        Err(error) => return complain(error, EXIT_FAULT),
    };
    let code = if rows.iter().all(Row::is_good) { EXIT_WELL } else { EXIT_FOUND };
    answered(doctor::write(&rows, args.format), code)
}

/// The running gate of a configuration, if it serves clients of proxy variables.
fn standing(config: &Path) -> Result<Standing, (String, u8)> {
    let mistake = |what: String| (what, EXIT_CONFIG);
    let (settings, _) = Source::new(config)
        .settings(super::check::wants_colour())
        .map_err(|fault| mistake(fault.to_string()))?;
    let (name, bind, intercept) = ways_in(&settings).map_err(|fault| mistake(fault.to_string()))?;
    if bind.port() == 0 {
        return Err(mistake(Unfit::AnyPort(name.to_owned()).to_string()));
    }
    let place = place(&settings, intercept).ok_or_else(|| {
        mistake(
            "`forward_proxy.hosts` names no host itself (all are patterns, or passed through), so \
             there is none that clients could be asked to reach"
                .to_owned(),
        )
    })?;
    let gate = reachable(bind);
    TcpStream::connect_timeout(&gate, PATIENCE).map_err(|error| {
        (format!("no gate answers at {gate} ({error}): start it with `tollgate run`"), EXIT_FAULT)
    })?;
    std::fs::metadata(&intercept.certificate).map_err(|error| {
        let place = intercept.certificate.display();
        (format!("the gate's certificate `{place}` cannot be read: {error}"), EXIT_FAULT)
    })?;
    Ok(Standing { gate, certificate: intercept.certificate.clone(), place })
}

/// A host that is looked into, and a port of it.
fn place(settings: &Settings, intercept: &Intercept) -> Option<(String, u16)> {
    let forward = settings.forward_proxy.as_ref()?;
    let passed = |host: &str| {
        intercept.pass_through.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(end) => host.ends_with(end),
            None => host == pattern,
        })
    };
    let host = forward.hosts.iter().find(|host| !host.starts_with('*') && !passed(host))?;
    let port = forward.ports.iter().find(|port| **port == 443).or_else(|| forward.ports.first())?;
    Some((host.clone(), *port))
}
