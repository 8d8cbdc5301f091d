//! `tollgate scan`.
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tollgate_dlp::{Grade, Judge, Scanner, scan_line, scan_text};

use super::{EXIT_FAULT, EXIT_USAGE, complain, policy::lines};

/// How large a plain file may be.
const FILE_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Args)]
pub(super) struct Scan {
    /// Read one JSON object a line with `id` and `text`, and print one result a line
    #[arg(long)]
    jsonl: bool,
    /// The file; `-` or nothing is standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(scan: &Scan) -> ExitCode {
    let judge = Judge::new(Grade::Possible, Vec::new());
    let (scanner, judge) = match (Scanner::new(), judge) {
        (Ok(scanner), Ok(judge)) => (scanner, judge),
        _ => return complain("the detectors cannot be built", EXIT_FAULT),
    };
    let name = scan.file.as_ref().filter(|file| file.as_os_str() != "-");
    let input: Box<dyn Read> = match name {
        None => Box::new(std::io::stdin()),
        Some(path) => match std::fs::File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                return complain(format!("cannot read `{}`: {error}", path.display()), EXIT_USAGE);
            }
        },
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let scanned = if scan.jsonl {
        lines(BufReader::new(input)).try_for_each(|line| {
            let line = line?;
            if line.trim().is_empty() {
                return Ok(());
            }
            writeln!(out, "{}", scan_line(&scanner, &judge, &line))
        })
    } else {
        let id = name.map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        whole(input).and_then(|text| writeln!(out, "{}", scan_text(&scanner, &judge, &id, &text)))
    };
    match scanned.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => complain(error, EXIT_FAULT),
    }
}

fn whole(input: Box<dyn Read>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    input.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other("the file is larger than 1 GiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
