//! Measures the detectors on labelled samples:
//! `cargo run --release -p tollgate-dlp --example corpus -- FILE [--missed ENTITY] [--flagged]`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a tool reads files and says how it went"
)]
use std::path::Path;

mod measure;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: corpus FILE [--missed ENTITY] [--flagged]");
        std::process::exit(2);
    };
    let figures = measure::Figures::of(Path::new(&file))?;
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--missed"), entity) => figures.print_missed(&entity.unwrap_or_default()),
        (Some("--flagged"), _) => figures.print_flagged(),
        _ => print!("{figures}"),
    }
    Ok(())
}
