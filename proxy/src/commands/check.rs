//! `tollgate check` and `tollgate schema`.
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use super::{EXIT_CONFIG, EXIT_FAULT, EXIT_WELL, answered, complain};
use crate::say;
use crate::snapshot::{Snapshot, Source};

/// Builds everything a start would build, and opens no port.
pub(super) fn check(config: &Path) -> ExitCode {
    match Snapshot::build(&Source::new(config), None, wants_colour()) {
        Ok(snapshot) => {
            for warning in snapshot.settings.warnings() {
                say::aside(format_args!("warning: {warning}"));
            }
            let text = format!(
                "{}: good ({} listeners, {} agents, {} routes, {} rules)\n",
                config.display(),
                snapshot.settings.listeners.len(),
                snapshot.registry.len(),
                snapshot.settings.routes.len(),
                snapshot.rulebook.rules_count(),
            );
            answered(text, EXIT_WELL)
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
        Ok(text) => answered(format_args!("{text}\n"), EXIT_WELL),
        Err(error) => complain(error, EXIT_FAULT),
    }
}
