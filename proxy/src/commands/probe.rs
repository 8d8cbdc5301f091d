//! `tollgate probe`: asks a gate how it is, from the machine it runs on.
//!
//! The admin listener is on loopback alone, so a container's probe has to run inside it; this
//! command is that probe and needs nothing else in the image.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{EXIT_FAULT, complain};

/// Long enough for a busy gate, shorter than any probe's own patience.
const PATIENCE: Duration = Duration::from_secs(2);
/// An answer that is larger is none of ours.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

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
    match ask(probe.admin, path) {
        Ok((true, answer)) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Ok((false, answer)) => complain(answer, EXIT_FAULT),
        Err(error) => complain(format!("no answer from {}: {error}", probe.admin), EXIT_FAULT),
    }
}

fn ask(admin: SocketAddr, path: &str) -> std::io::Result<(bool, String)> {
    let mut io = TcpStream::connect_timeout(&admin, PATIENCE)?;
    io.set_read_timeout(Some(PATIENCE))?;
    io.set_write_timeout(Some(PATIENCE))?;
    write!(io, "GET {path} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    io.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let yes = head.starts_with("HTTP/1.1 200 ");
    Ok((yes, body.trim().to_owned()))
}
