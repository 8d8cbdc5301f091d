//! A line of ours read back, as a SIEM kept it.
use super::{DELIMITER, write_as};
use crate::Entry;
use crate::copy::{self, CopyError, PRODUCT, Pairs, is_version};

/// The fields of the header, in their order.
const NAMES: [&str; 6] = ["LEEF", "vendor", "product", "version", "event id", "delimiter"];
const ATTRIBUTES: &str = "LEEF attributes";

/// Rebuilds the entry from a line as [`super::write_leef`] wrote it, with or without an RFC 5424
/// header. Its hash and every field are checked, but not its signature and not its place: that is
/// [`crate::Verifier`]'s work. What no signature covers is the syslog header and the version in the
/// LEEF header; of that only the form is checked.
pub fn read_leef(line: &[u8]) -> Result<Entry, CopyError> {
    let text = std::str::from_utf8(line).map_err(|_| CopyError::Text)?;
    let text = copy::message(text, "LEEF:").ok_or(CopyError::Other("LEEF"))?;
    let (fields, attributes) = split(text).ok_or(CopyError::Header("LEEF"))?;
    let version = version(&fields).ok_or(CopyError::Header("LEEF"))?;
    let pairs = read_pairs(attributes)?;
    let entry = pairs.rebuild()?;
    let expected = write_as(&entry, version);
    if expected == text {
        return Ok(entry);
    }
    let (due, attributes) = split(&expected).ok_or(CopyError::Header("LEEF"))?;
    Err(pairs.difference(&read_pairs(attributes)?, NAMES.iter().zip(fields.iter().zip(&due))))
}

/// The six fields of the header, and the attributes.
fn split(text: &str) -> Option<(Vec<String>, &str)> {
    let mut parts = text.splitn(NAMES.len() + 1, '|');
    let fields: Vec<String> = parts.by_ref().take(NAMES.len()).map(str::to_owned).collect();
    Some((fields, parts.next()?))
}

fn version(fields: &[String]) -> Option<&str> {
    let [leef, vendor, product, version, _, delimiter] = fields else { return None };
    let ours = leef == "LEEF:2.0" && vendor == PRODUCT && product == PRODUCT;
    (ours && is_version(version) && delimiter.chars().eq([DELIMITER])).then_some(version)
}

/// A key is the word before the first `=`.
fn read_pairs(text: &str) -> Result<Pairs, CopyError> {
    let mut pairs = Pairs::of(ATTRIBUTES);
    for attribute in text.split(DELIMITER) {
        let (key, value) = attribute.split_once('=').ok_or(CopyError::Pair(ATTRIBUTES))?;
        pairs.add(key, value)?;
    }
    Ok(pairs)
}
