//! The file of an index: a head, then sections, each with a seal.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `TGKNOWN` and a zero |
//! | 2 | the version, 1, little endian as all numbers |
//! | 1 | what it is of: 1 records, 2 documents |
//! | 1 | zero |
//! | 8 | which key |
//! | 4 | the length of the head |
//! | … | the head, JSON |
//! | 16 | the head's seal |
//! | … | the sections that the head names, one after the other, to the end |
//!
//! A seal is HMAC-SHA-256 cut to 128 bits: what reads well was written by somebody with the key,
//! and is whole.
use serde::{Deserialize, Serialize};

use super::key::{KnownKey, shown};

const MAGIC: &[u8; 8] = b"TGKNOWN\0";
const VERSION: u16 = 1;
const SEAL_BYTES: usize = 16;
/// The names of some hundred thousand documents.
const HEAD_BYTES_MAX: usize = 32 << 20;

/// What an index is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Records = 1,
    Documents = 2,
}

/// A file that is no index, or not a whole one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IndexError {
    /// Something else altogether.
    #[error("it is no index: what begins at byte 0 is something else")]
    Foreign,
    /// Written by a later version.
    #[error("byte 8 says version {0}, and only version 1 is known")]
    Version(u16),
    /// Records where documents are wanted, or the other way round.
    #[error("byte 10 says that it is not an index of {0}")]
    Kind(&'static str),
    /// Sealed with another key.
    #[error("byte 12 says that it was made with key {0}, and this is key {1}")]
    Key(String, String),
    /// Cut off.
    #[error("it ends at byte {end}, within the {part} that begins at byte {start}")]
    Short {
        /// Where it ends.
        end: usize,
        /// What is not whole.
        part: String,
        /// Where that begins.
        start: usize,
    },
    /// Changed since it was written.
    #[error("the {part} that begins at byte {start} is damaged")]
    Damaged {
        /// What.
        part: String,
        /// Where it begins.
        start: usize,
    },
    /// Longer than it says.
    #[error("it should end at byte {0}, and goes on")]
    Long(usize),
    /// Sealed well and still not what this version writes.
    #[error("the {part} that begins at byte {start} cannot be read")]
    Unread {
        /// What.
        part: &'static str,
        /// Where it begins.
        start: usize,
    },
}

/// The head: what the sections are, and what the index's own kind says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head<T> {
    sections: Vec<Section>,
    about: T,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    name: String,
    bytes: usize,
    seal: String,
}

/// Writes a file.
pub(super) fn write<T: Serialize>(
    kind: Kind,
    key: &KnownKey,
    about: &T,
    sections: &[(&str, &[u8])],
) -> Vec<u8> {
    let named = sections.iter().map(|(name, bytes)| Section {
        name: (*name).to_owned(),
        bytes: bytes.len(),
        seal: shown(&key.seal(name.as_bytes(), bytes)),
    });
    let head = Head { sections: named.collect(), about };
    // Strings and numbers: nothing in a head can fail to be written.
    let head = serde_json::to_vec(&head).unwrap_or_default();
    let body = sections.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    let mut out = Vec::with_capacity(body + head.len() + 64);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[kind as u8, 0]);
    out.extend_from_slice(&key.id_bytes());
    out.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&head);
    let seal = key.seal(b"head", &out);
    out.extend_from_slice(&seal);
    sections.iter().for_each(|(_, bytes)| out.extend_from_slice(bytes));
    out
}

/// Reads a file: its head and its sections, in the order of `names`.
pub(super) fn read<'f, T, const N: usize>(
    file: &'f [u8],
    (kind, word): (Kind, &'static str),
    key: &KnownKey,
    names: [&str; N],
) -> Result<(T, [&'f [u8]; N]), IndexError>
where
    T: for<'de> Deserialize<'de>,
{
    let mut reader = Reader { file, at: 0 };
    if reader.take("beginning", MAGIC.len()).ok() != Some(MAGIC) {
        return Err(IndexError::Foreign);
    }
    let version = u16::from_le_bytes(reader.array("version")?);
    if version != VERSION {
        return Err(IndexError::Version(version));
    }
    if reader.array("kind")? != [kind as u8, 0] {
        return Err(IndexError::Kind(word));
    }
    let id: [u8; 8] = reader.array("key's id")?;
    if id != key.id_bytes() {
        return Err(IndexError::Key(shown(&id), key.id()));
    }
    let length = usize::try_from(u32::from_le_bytes(reader.array("length of the head")?));
    let start = reader.at;
    let damaged = |part: &str, start| IndexError::Damaged { part: part.to_owned(), start };
    let length = length.ok().filter(|length| *length <= HEAD_BYTES_MAX);
    let head = reader.take("head", length.ok_or_else(|| damaged("length of the head", start))?)?;
    let sealed = file.get(..reader.at).unwrap_or_default();
    if key.seal(b"head", sealed) != reader.array::<SEAL_BYTES>("seal of the head")? {
        return Err(damaged("head", 0));
    }
    let unread = IndexError::Unread { part: "head", start };
    let head: Head<T> = serde_json::from_slice(head).map_err(|_| unread.clone())?;
    if !head.sections.iter().map(|section| section.name.as_str()).eq(names) {
        return Err(unread);
    }
    let mut sections = [&[][..]; N];
    for (slot, section) in sections.iter_mut().zip(&head.sections) {
        let start = reader.at;
        *slot = reader.take(&section.name, section.bytes)?;
        if shown(&key.seal(section.name.as_bytes(), slot)) != section.seal {
            return Err(damaged(&section.name, start));
        }
    }
    match reader.at == file.len() {
        true => Ok((head.about, sections)),
        false => Err(IndexError::Long(reader.at)),
    }
}

/// Takes one part after the other, and says where what is missing begins.
struct Reader<'f> {
    file: &'f [u8],
    at: usize,
}

impl<'f> Reader<'f> {
    fn take(&mut self, part: &str, bytes: usize) -> Result<&'f [u8], IndexError> {
        let start = self.at;
        let end = start.checked_add(bytes);
        let taken = end.and_then(|end| self.file.get(start..end)).ok_or_else(|| {
            IndexError::Short { end: self.file.len(), part: part.to_owned(), start }
        })?;
        self.at = start + bytes;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, part: &str) -> Result<[u8; N], IndexError> {
        let start = self.at;
        let taken = self.take(part, N)?;
        let damaged = |_| IndexError::Damaged { part: part.to_owned(), start };
        taken.try_into().map_err(damaged)
    }
}
