//! `tollgate check` and `tollgate schema`.
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use super::{EXIT_CONFIG, EXIT_FAULT, complain};
use crate::snapshot::{Snapshot, Source};

/// Builds everything a start would build, and opens no port.
pub(super) fn check(config: &Path) -> ExitCode {
    match Snapshot::build(&Source::new(config), None, wants_colour()) {
        Ok(snapshot) => {
            for warning in snapshot.settings.warnings() {
                eprintln!("warning: {warning}");
            }
            println!(
                "{}: good ({} listeners, {} agents, {} routes, {} rules)",
                config.display(),
                snapshot.settings.listeners.len(),
                snapshot.registry.len(),
                snapshot.settings.routes.len(),
                snapshot.rulebook.rules_count(),
            );
            ExitCode::SUCCESS
        }
        Err(fault) => complain(fault, EXIT_CONFIG),
    }
}

/// Whether a person reads standard error on a terminal that shows colour.
pub(super) fn wants_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Prints the schema.
pub(super) fn schema() -> ExitCode {
    match serde_json::to_string_pretty(&tollgate_config::schema()) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => complain(error, EXIT_FAULT),
    }
}
