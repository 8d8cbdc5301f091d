//! `tollgate run`.
use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::{EXIT_CONFIG, EXIT_FAULT, complain, runtime};
use crate::run::StartFault;
use crate::snapshot::{SnapshotFault, Source};
use crate::watch::log;

/// Runs until a signal asks it to stop.
pub(super) fn run(config: &Path) -> ExitCode {
    let source = Source::new(config);
    let settings = match source.settings(super::check::wants_colour()) {
        Ok((settings, _)) => settings,
        Err(fault) => return refuse(&fault),
    };
    log::start(&settings.log);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return complain(error, EXIT_FAULT),
    };
    runtime.block_on(async {
        let running = match crate::run::start(source).await {
            Ok(running) => running,
            Err(StartFault::Snapshot(fault)) => return refuse(&fault),
            Err(StartFault::Ledger(fault)) if fault.is_mistake() => {
                return complain(fault, EXIT_CONFIG);
            }
            Err(fault) => return complain(fault, EXIT_FAULT),
        };
        if let Err(error) = asked_to_stop().await {
            return complain(error, EXIT_FAULT);
        }
        match running.stop().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(fault) => complain(fault, EXIT_FAULT),
        }
    })
}

fn refuse(fault: &SnapshotFault) -> ExitCode {
    complain(fault, EXIT_CONFIG)
}

/// Resolves when SIGTERM or SIGINT arrives.
pub(crate) async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
