//! The `tollgate` binary.
#![warn(clippy::print_stdout, clippy::print_stderr)]
use std::io::Write as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // First of all, before anything can pick another: one crypto provider for the process.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        let _ = writeln!(
            std::io::stderr(),
            "tollgate: a crypto provider was installed before the gate's own"
        );
        return ExitCode::from(70);
    }
    quiet_panics();
    tollgate::commands::run()
}

/// A panic's message may quote what was being read, so only its place is told. Nobody may be there to
/// read that, and a panic in here would end the process with every call in it.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        let _ = writeln!(
            std::io::stderr(),
            "{{\"level\":\"ERROR\",\"message\":\"a fault of the gate's own\",\"place\":\"{place}\"}}"
        );
    }));
}
