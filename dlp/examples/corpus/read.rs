//! Reads files of samples.
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use tollgate_dlp::Scanner;
use tollgate_dlp::bench::{Figures, Sample, Verdict};

/// Reads samples, one JSON object a line, packed or not, scans them, and tells of each.
pub(crate) fn measure(
    path: &Path,
    mut tell: impl FnMut(&Sample, &Verdict<'_>),
) -> io::Result<(Figures, Duration)> {
    let scanner = Scanner::new().map_err(io::Error::other)?;
    let file = File::open(path)?;
    let lines: Box<dyn BufRead> = if path.extension().is_some_and(|end| end == "gz") {
        Box::new(BufReader::new(GzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let (mut figures, mut scanning) = (Figures::default(), Duration::ZERO);
    for line in lines.lines() {
        let sample = Sample::parse(&line?).map_err(io::Error::other)?;
        let begun = Instant::now();
        let findings = scanner.scan(sample.text().as_bytes());
        scanning += begun.elapsed();
        tell(&sample, &figures.take(&sample, &findings));
    }
    Ok((figures, scanning))
}
