//! `tollgate probe`: asks a gate how it is, from the machine it runs on.
//!
//! The admin listener is on loopback alone, so a container's probe has to run inside it; this
//! command is that probe and needs nothing else in the image.
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::admin::{self, ask};
use super::{EXIT_FAULT, EXIT_WELL, answered, complain};

/// Long enough for a busy gate, shorter than any probe's own patience.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Probe {
    /// What to ask
    #[arg(value_enum, default_value_t = Question::Ready)]
    question: Question,
    /// The gate's admin listener
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Question {
    /// Whether the process answers
    Live,
    /// Whether it would let an allowed call pass
    Ready,
}

/// Prints the answer; exits 0 when it is yes.
pub(super) fn run(probe: &Probe) -> ExitCode {
    let path = match probe.question {
        Question::Live => "/live",
        Question::Ready => "/ready",
    };
    match ask(probe.admin, PATIENCE, &admin::Question { method: "GET", path, head: "", body: "" }) {
        Ok((200, answer)) => answered(format_args!("{answer}\n"), EXIT_WELL),
        Ok((_, answer)) => complain(answer, EXIT_FAULT),
        Err(error) => complain(format!("no answer from {}: {error}", probe.admin), EXIT_FAULT),
    }
}
