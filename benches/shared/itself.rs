//! This very program as `tollgate`, in a process of its own: what is measured is the gate with its
//! own command line and allocator, built in the same profile, and nothing has to be built before.
use std::process::{Command, ExitCode};

const ASKED: &str = "TOLLGATE_BENCH_AS_TOLLGATE";

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// `tollgate`, to be given its arguments.
pub(crate) fn tollgate() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows its path"));
    command.env_clear().env(ASKED, "yes");
    command
}

/// Does what `tollgate` does, when this process is one.
pub(crate) fn if_asked() -> Option<ExitCode> {
    std::env::var_os(ASKED)?;
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first provider");
    Some(tollgate::commands::run())
}
