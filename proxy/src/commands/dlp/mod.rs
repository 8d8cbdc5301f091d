//! `tollgate dlp`: what is looked for.
mod index;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Dlp {
    Index(index::Index),
}

pub(super) fn run(dlp: &Dlp) -> ExitCode {
    match dlp {
        Dlp::Index(index) => index.run(),
    }
}
