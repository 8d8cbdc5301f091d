//! `tollgate env`: the variables that make programs use the gate.
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use tollgate_config::settings::{Intercept, Settings};

use super::{ConfigFile, EXIT_CONFIG, EXIT_FAULT, EXIT_WELL, answered, complain};
use crate::outfit::{self, Outfit, Shell, TrustFiles, Unfit};
use crate::say;
use crate::snapshot::Source;

/// Print the variables that make programs send their calls through the gate and trust it
///
/// The proxy is the first plain listener; what to trust is the certificate of
/// `forward_proxy.intercept`, which the gate writes when it starts. Beside it are written a bundle
/// of the system's roots and that certificate, and the same as a PKCS#12 store for Java, since most
/// variables replace a program's roots. The system's trust store is not touched.
///
/// Variables are a convenience: some programs obey none (`tollgate doctor` says which). What brings
/// them all to the gate is `tollgate run --contain`, or the network.
///
/// Exits 78 when the configuration offers nothing to such programs, with what to add.
#[derive(Debug, Args)]
pub(super) struct Env {
    #[command(flatten)]
    file: ConfigFile,
    /// Who reads them
    #[arg(long, value_enum, default_value_t = Shell::Sh)]
    shell: Shell,
    /// Only what makes programs trust the gate: for an agent whose connections the kernel redirects
    /// to it (`tollgate redirect`), which is to know of no proxy
    #[arg(long)]
    redirected: bool,
}

pub(super) fn run(args: &Env) -> ExitCode {
    let settings = match Source::new(&args.file.config).settings(super::check::wants_colour()) {
        Ok((settings, _)) => settings,
        Err(fault) => return complain(fault, EXIT_CONFIG),
    };
    let (gate, intercept) = match way_in(&settings, args.redirected) {
        Ok(found) => found,
        Err(unfit) => return complain(unfit, EXIT_CONFIG),
    };
    let trust = match TrustFiles::write(&intercept.certificate, None) {
        Ok(trust) => trust,
        Err(fault) => return complain(fault, EXIT_FAULT),
    };
    if intercept.key.is_none() {
        say::aside(
            "tollgate: `forward_proxy.intercept` keeps no key, so the gate makes another authority \
             at each start: ask again after it, or set `key`",
        );
    }
    let outfit = Outfit::new(gate, trust);
    answered(args.shell.write(&outfit.variables()), EXIT_WELL)
}

/// Where programs are to go, and what they are to trust.
fn way_in(
    settings: &Settings,
    redirected: bool,
) -> Result<(Option<SocketAddr>, &Intercept), Unfit> {
    if redirected {
        return Ok((None, outfit::interception(settings)?));
    }
    let (name, bind, intercept) = outfit::ways_in(settings)?;
    if bind.port() == 0 {
        return Err(Unfit::AnyPort(name.to_owned()));
    }
    Ok((Some(outfit::reachable(bind)), intercept))
}
