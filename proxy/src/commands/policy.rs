//! `tollgate policy`.
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tollgate_config::settings::{self, SecretRef};
use tollgate_rules::evaluate_line;

use super::{EXIT_CONFIG, EXIT_FAULT, complain};
use crate::snapshot::load_rulebook;

/// How long one request line may be.
const LINE_BYTES_MAX: usize = 16 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// Decide requests from standard input, one JSON object a line, and print one ruling a line
    Eval(Eval),
}

#[derive(Debug, Args)]
pub(super) struct Eval {
    /// The bundle, YAML or JSON
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The file with the secret of the bundle's signature
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How many rules the bundle may have
    #[arg(long, value_name = "N", default_value_t = 1000)]
    rules_max: usize,
}

pub(super) fn run(policy: &Policy) -> ExitCode {
    match policy {
        Policy::Eval(eval) => evaluate(eval),
    }
}

fn evaluate(eval: &Eval) -> ExitCode {
    let policy = settings::Policy {
        bundle: eval.bundle.clone(),
        secret: eval.secret_file.clone().map(SecretRef::File),
        rules_max: eval.rules_max,
    };
    let book = match load_rulebook(&policy) {
        Ok((book, _)) => book,
        Err(fault) => return complain(fault, EXIT_CONFIG),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in lines(std::io::stdin().lock()) {
        let line = match line {
            Ok(line) => line,
            Err(error) => return complain(error, EXIT_FAULT),
        };
        if line.trim().is_empty() {
            continue;
        }
        let ruling = evaluate_line(&book, &line, crate::clock::timestamp());
        if let Err(error) = writeln!(out, "{ruling}") {
            return unsaid(&error);
        }
    }
    match out.flush() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => unsaid(&error),
    }
}

/// Whoever read the output may have seen enough; all else is a fault.
fn unsaid(error: &std::io::Error) -> ExitCode {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        _ => complain(format!("the answer cannot be written: {error}"), EXIT_FAULT),
    }
}

/// Lines of bounded length; bytes that are no UTF-8 are replaced, and the line then fails to parse
/// by itself.
pub(super) fn lines(mut input: impl BufRead) -> impl Iterator<Item = std::io::Result<String>> {
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        match std::io::Read::take(&mut input, limit).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) if line.len() > LINE_BYTES_MAX => {
                Some(Err(std::io::Error::other("a line is longer than 16 MiB")))
            }
            Ok(_) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Some(Ok(String::from_utf8_lossy(&line).into_owned()))
            }
            Err(error) => Some(Err(error)),
        }
    })
}
