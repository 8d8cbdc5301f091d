//! The command line.
mod admin;
pub mod audit;
mod check;
mod demo;
mod dlp;
mod doctor;
mod env;
mod hold;
mod keys;
mod policy;
mod probe;
mod redirect;
mod run;
mod scan;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::watch::log;
use crate::{alongside, say};

/// sysexits.h EX_CONFIG: the configuration has mistakes.
pub const EXIT_CONFIG: u8 = 78;
/// All went well.
pub const EXIT_WELL: u8 = 0;
/// Something else went wrong.
pub const EXIT_FAULT: u8 = 1;
/// Something was found that should not be there.
pub const EXIT_FOUND: u8 = 3;
/// What was asked for cannot be done with what was given.
pub const EXIT_USAGE: u8 = 2;

/// Where the configuration is when nothing else is said.
const CONFIG: &str = "/etc/tollgate/tollgate.yaml";

/// The gate beside an AI agent: every outbound tool call and API call leaves through it, or does
/// not leave.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, about, long_about = None, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    /// Read the configuration and everything it names, open no port, and say every mistake
    ///
    /// Exits 0 when the gate would start, 78 when the configuration has mistakes.
    Check(ConfigFile),
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Work with policy bundles
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Ask a running gate on this machine whether it is live or ready; exits 0 when it is
    Probe(probe::Probe),
    Redirect(redirect::Redirect),
    Env(env::Env),
    Doctor(doctor::Doctor),
    Scan(scan::Scan),
    /// Work with the detectors and what is known: list, try, measure, index
    #[command(subcommand)]
    Dlp(dlp::Dlp),
    /// Work with the record
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Keep events of a running gate's record from being deleted
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    /// Say who signs the record: rotate, revoke, list
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Show the gate at work: a tool server, the gate and a scripted agent
    Demo(demo::Demo),
    /// Run the demo's tool server alone
    DemoTools(demo::DemoTools),
    /// Make the network of `run --contain`; not for people
    #[command(hide = true)]
    InternalContain(alongside::Inside),
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file (YAML)
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "TOLLGATE_CONFIG",
        default_value = CONFIG
    )]
    config: PathBuf,
}

/// Parses the command line and does what it says.
pub fn run() -> ExitCode {
    let code = dispatch(Cli::parse().command);
    log::finish();
    code
}

fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Check(file) => check::check(&file.config),
        Command::Schema => check::schema(),
        Command::Policy(policy) => policy::run(&policy),
        Command::Env(env) => env::run(&env),
        Command::Doctor(doctor) => doctor::run(&doctor),
        Command::Probe(probe) => probe::run(&probe),
        Command::Redirect(redirect) => redirect::run(&redirect),
        Command::Scan(scan) => scan::run(&scan),
        Command::Dlp(dlp) => dlp::run(&dlp),
        Command::Audit(audit) => ExitCode::from(audit.run()),
        Command::Hold(hold) => hold::run(&hold),
        Command::Keys(keys) => keys.run(),
        Command::Demo(demo) => demo::run(&demo),
        Command::DemoTools(tools) => demo::tools(&tools),
        Command::InternalContain(inside) => alongside::enter(&inside),
    }
}

/// Says what went wrong, on standard error.
pub(crate) fn complain(what: impl std::fmt::Display, code: u8) -> ExitCode {
    say::aside(format_args!("tollgate: {what}"));
    ExitCode::from(code)
}

/// Says the answer on standard output and ends with `code`, or says why it could not be said.
pub(crate) fn answered(text: impl std::fmt::Display, code: u8) -> ExitCode {
    match say::answer(text) {
        Ok(()) => ExitCode::from(code),
        Err(error) => complain(error, EXIT_FAULT),
    }
}

pub(crate) use run::asked_to_stop;

/// A runtime for commands that serve.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("tollgate").build()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
