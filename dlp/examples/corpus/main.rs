//! Measures the detectors on labelled samples:
//! `cargo run --release -p tollgate-dlp --example corpus -- FILE [--missed ENTITY] [--flagged]`.
//! `tollgate dlp bench` does the same and more.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a tool reads files and says how it went"
)]
use std::path::Path;

use tollgate_dlp::bench::Verdict;

mod read;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: corpus FILE [--missed ENTITY] [--flagged]");
        std::process::exit(2);
    };
    let shown = arguments.next();
    let entity = arguments.next().unwrap_or_default();
    let (missed, flagged) =
        (shown.as_deref() == Some("--missed"), shown.as_deref() == Some("--flagged"));
    let (figures, scanning) = read::measure(Path::new(&file), |sample, verdict| match verdict {
        Verdict::Missed if missed && sample.name().contains(&entity) => {
            println!("{}", sample.show());
        }
        Verdict::Flagged(wrong) if flagged => {
            wrong.iter().for_each(|finding| println!("{}", sample.show_flagged(finding)));
        }
        _ => {}
    })?;
    if shown.is_none() {
        print!("{}", figures.to_text(scanning));
    }
    Ok(())
}
