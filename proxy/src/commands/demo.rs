//! `tollgate demo` and `tollgate demo-tools`.
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{EXIT_FAULT, complain, runtime};
use crate::demo::{self, Plan};

/// Show the gate at work.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Show, verify and exit; 0 only if everything went as the table says
    #[arg(long)]
    once: bool,
    /// Where the gate listens; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    bind: SocketAddr,
    /// Where configuration, policy and record are written; made anew each time when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Run the demo's tool server alone.
#[derive(Debug, Args)]
pub(super) struct DemoTools {
    /// Where it listens; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4300")]
    bind: SocketAddr,
}

pub(super) fn run(args: &Demo) -> ExitCode {
    let plan = Plan { bind: args.bind, dir: args.dir.clone(), once: args.once };
    match runtime() {
        Err(error) => complain(error, EXIT_FAULT),
        Ok(runtime) => match runtime.block_on(demo::show(&plan)) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => complain("not everything went as the table should say", EXIT_FAULT),
            Err(fault) => complain(fault, EXIT_FAULT),
        },
    }
}

pub(super) fn tools(args: &DemoTools) -> ExitCode {
    let served = runtime().map(|runtime| {
        runtime.block_on(async {
            let stop = CancellationToken::new();
            let (address, task) = demo::tools::serve(args.bind, stop.clone()).await?;
            let mut out = std::io::stdout();
            // Whoever started this may wait for the line, or not read it at all.
            let _ = writeln!(out, "listening on {address}").and_then(|()| out.flush());
            if let Err(error) = super::run::asked_to_stop().await {
                tracing::warn!(%error, "cannot wait for a signal; stopping");
            }
            stop.cancel();
            let _ = task.await;
            Ok::<(), demo::tools::ServeError>(())
        })
    });
    match served {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(fault)) => complain(fault, EXIT_FAULT),
        Err(error) => complain(error, EXIT_FAULT),
    }
}
