//! Where the part of a record that begins at a time begins.
use std::path::PathBuf;

use jiff::Timestamp;
use tollgate_audit::{cef, read_json};

use super::input::each_of;
use super::verify::{VerifyArgs, VerifyFrom};

/// The number, counted from 1 over all files, of the line to begin with; 0 when no line is before
/// the part.
///
/// It is the last line before the part, not the part's first. Times only rise, so when that one
/// verifies, none of the part was dated back to be left out.
pub(super) fn last_before(args: &VerifyArgs, files: &[PathBuf]) -> Result<u64, String> {
    let Some(since) = args.since else { return Ok(0) };
    let mut before = 0;
    let found = each_of(files, args.from.framing(), |_, _, line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        // A line without a time is not known to be later; as the last before, it is verified.
        if time(args.from, line).is_some_and(|time| time >= since) {
            return Err(());
        }
        before += 1;
        Ok(())
    });
    match found.map_err(|e| e.to_string())? {
        Err(()) => Ok(before),
        Ok(()) => Err("there is no event at or after that time in it".to_owned()),
    }
}

fn time(from: VerifyFrom, line: &[u8]) -> Option<Timestamp> {
    match from {
        VerifyFrom::Cef => cef::read_cef(line).ok().map(|entry| entry.ts()),
        VerifyFrom::Jsonl | VerifyFrom::Postgres => {
            let row = read_json(line).ok()?;
            let ts = row.get("ts").or_else(|| row.get("payload")?.get("ts"))?;
            ts.as_str().and_then(|text| text.parse().ok())
        }
    }
}
