//! `tollgate dlp`: what is looked for, whether that works, and how well.
mod bench;
mod detectors;
mod index;
pub(super) mod policy;
mod test;

use std::io;
use std::process::ExitCode;

use clap::Subcommand;

use super::{EXIT_FAULT, complain};

#[derive(Debug, Subcommand)]
pub(super) enum Dlp {
    Detectors(detectors::Detectors),
    Test(test::Test),
    Bench(bench::Bench),
    Index(index::Index),
}

pub(super) fn run(dlp: &Dlp) -> ExitCode {
    match dlp {
        Dlp::Detectors(detectors) => detectors.run(),
        Dlp::Test(test) => test.run(),
        Dlp::Bench(bench) => bench.run(),
        Dlp::Index(index) => index.run(),
    }
}

/// The code, unless it could not be told. Whoever reads may have seen enough.
fn told(written: io::Result<()>, code: u8) -> ExitCode {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => complain(error, EXIT_FAULT),
        _ => ExitCode::from(code),
    }
}
