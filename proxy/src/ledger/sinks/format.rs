//! Lines of the spool in the format that a collector asked for.
use hyper::body::Bytes;
use tollgate_audit::{Entry, ocsf};
use tollgate_config::settings::HttpFormat;

use super::DeliveryError;

/// As many lines, each with its newline.
pub(super) fn in_format(format: HttpFormat, lines: &Bytes) -> Result<Bytes, DeliveryError> {
    if format == HttpFormat::Jsonl {
        return Ok(lines.clone());
    }
    let mut events = String::with_capacity(lines.len() * 2);
    for line in lines.split_inclusive(|b| *b == b'\n') {
        let entry = Entry::parse(line).map_err(|_| DeliveryError::Spool)?;
        events.push_str(&ocsf::write_ocsf(&entry));
        events.push('\n');
    }
    Ok(Bytes::from(events))
}
