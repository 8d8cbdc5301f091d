//! tar: files one behind the other.
use std::io::Read;

use tar::{Archive, EntryType};

use super::Opening;
use super::kind::Kind;
use super::limits::Why;
use super::pack::{Entry, Pack};

const BROKEN: Why = Why::Malformed("it is not a well-formed tar archive");

pub(crate) fn open(bytes: &[u8], opening: &mut Opening<'_>) -> Result<Pack, Why> {
    let mut archive = Archive::new(bytes);
    let mut entries = Vec::new();
    let mut beside = Vec::new();
    let mut end = 0;
    for entry in archive.entries().map_err(|_| BROKEN)? {
        opening.budget.entry()?;
        let mut entry = entry.map_err(|_| BROKEN)?;
        if entry.header().entry_type() == EntryType::GNUSparse {
            // Its holes are made when it is read, as large as it says.
            return Err(Why::Coding);
        }
        let start = usize::try_from(entry.raw_file_position()).map_err(|_| BROKEN)?;
        // Headers, long names and extensions: plain bytes.
        beside.extend(bytes.get(end..start).map(<[u8]>::to_vec));
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut plain = Vec::new();
        // A size may be said that is not there.
        let there = bytes.len() as u64;
        entry.by_ref().take(there).read_to_end(&mut plain).map_err(|_| BROKEN)?;
        end = start.checked_add(plain.len()).ok_or(BROKEN)?;
        let body = opening.inner(&Kind::Any, &plain);
        entries.push(Entry { name, body });
    }
    let rest = bytes.get(end..).unwrap_or_default();
    match rest.iter().all(|byte| *byte == 0) {
        true => Ok(Pack { raw: bytes.to_vec(), entries, beside }),
        // Some readers go on behind the end.
        false => Err(Why::Malformed("something stands behind its end")),
    }
}
