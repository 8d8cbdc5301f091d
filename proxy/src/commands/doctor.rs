//! `tollgate doctor`.
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{EXIT_CONFIG, EXIT_FAULT, EXIT_FOUND, complain, runtime};
use crate::doctor::{self, Format, Verdict};
use crate::outfit::{Unfit, reachable, ways_in};
use crate::snapshot::Source;

/// How long a gate on this machine may take to accept.
const PATIENCE: Duration = Duration::from_secs(2);

/// Run each HTTP client that is found on this machine through a gate, and say which uses the proxy,
/// which trusts the gate, and which goes around
///
/// Looked for on the PATH: curl, wget, Python (urllib, requests, httpx, aiohttp), Node.js (fetch,
/// https), deno, bun, git, cargo, npm, pip, java, go; every version of each. Each really makes a
/// call, with the variables that `tollgate env` prints, to a server on loopback of this command's
/// own; nothing leaves the machine.
///
/// Exits 0 when all of them use the gate, 3 when one does not (the table says what helps), 78 when
/// the configuration given offers nothing to them.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Also look whether this configuration serves clients of proxy variables, and its gate runs
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the table is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(args: &Doctor) -> ExitCode {
    if let Some(config) = &args.config
        && let Err((what, code)) = serves(config)
    {
        return complain(what, code);
    }
    let examined = runtime().map(|runtime| {
        runtime.block_on(doctor::examine(|name| eprintln!("tollgate: trying {name}")))
    });
    let rows = match examined {
        Ok(Ok(rows)) => rows,
        Ok(Err(fault)) => return complain(fault, EXIT_FAULT),
        Err(error) => return complain(error, EXIT_FAULT),
    };
    print!("{}", doctor::write(&rows, args.format));
    match rows.iter().all(|row| row.verdict == Verdict::Good) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_FOUND),
    }
}

/// Whether a configuration and its running gate serve clients of proxy variables.
fn serves(config: &Path) -> Result<(), (String, u8)> {
    let mistake = |what: String| (what, EXIT_CONFIG);
    let (settings, _) = Source::new(config)
        .settings(super::check::wants_colour())
        .map_err(|fault| mistake(fault.to_string()))?;
    let (name, bind, intercept) = ways_in(&settings).map_err(|fault| mistake(fault.to_string()))?;
    if bind.port() == 0 {
        return Err(mistake(Unfit::AnyPort(name.to_owned()).to_string()));
    }
    let gate = reachable(bind);
    TcpStream::connect_timeout(&gate, PATIENCE).map_err(|error| {
        (format!("no gate answers at {gate} ({error}): start it with `tollgate run`"), EXIT_FAULT)
    })?;
    std::fs::metadata(&intercept.certificate).map_err(|error| {
        let place = intercept.certificate.display();
        (format!("the gate's certificate `{place}` cannot be read: {error}"), EXIT_FAULT)
    })?;
    Ok(())
}
