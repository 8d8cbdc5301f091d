//! The seal beside a closed segment: what its bytes were when it was closed.
//!
//! A seal is under no signature. It is a second witness against a disk that forgets and a hand
//! that slips, and it holds the tree's edge, with which the tree goes on after older segments are
//! gone. Who can write seals can write segments, too; against those stand the signatures.
use std::fs;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_audit::{Digest, Entry, Frontier};

use super::LedgerError;
use super::files::replace;
use super::lines::{Line, Lines};
use super::segment::{FilePrint, Segment};

/// A segment's seal.
pub(super) fn seal_path(dir: &Path, ordinal: u64) -> PathBuf {
    dir.join(format!("events-{ordinal:012}.seal"))
}

/// What a closed segment is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Seal {
    pub(super) ordinal: u64,
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) last_hash: Digest,
    pub(super) prev_hash: Option<Digest>,
    /// The CRC-32 of zlib and gzip, of all its bytes.
    pub(super) crc32: u32,
    /// The tree with its last event in it; none when the chain's beginning was released by a gate
    /// that kept no tree.
    pub(super) tree: Option<Frontier>,
}

/// As it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ordinal: u64,
    events: u64,
    bytes: u64,
    first_seq: u64,
    last_seq: u64,
    last_hash: String,
    #[serde(default)]
    prev_hash: Option<String>,
    crc32: String,
    #[serde(default)]
    tree_edge: Option<Vec<String>>,
}

impl Seal {
    /// Reads a seal; none when there is none. One that cannot be read is damage, for it was
    /// written whole.
    pub(super) fn read(dir: &Path, ordinal: u64) -> Result<Option<Self>, LedgerError> {
        let path = seal_path(dir, ordinal);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(LedgerError::file("read", &path, e)),
        };
        let seal = serde_json::from_slice::<Written>(&text).ok().and_then(Written::into_seal);
        match seal.filter(|seal| seal.ordinal == ordinal) {
            Some(seal) => Ok(Some(seal)),
            None => Err(LedgerError::damaged(&path, 1, "it is no seal of this segment")),
        }
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, dir: &Path) -> Result<(), LedgerError> {
        let hex = |hashes: &Frontier| hashes.edge().iter().map(Digest::to_string).collect();
        let written = Written {
            ordinal: self.ordinal,
            events: self.events,
            bytes: self.bytes,
            first_seq: self.first_seq,
            last_seq: self.last_seq,
            last_hash: self.last_hash.to_string(),
            prev_hash: self.prev_hash.as_ref().map(Digest::to_string),
            crc32: format!("{:08x}", self.crc32),
            tree_edge: self.tree.as_ref().map(hex),
        };
        let mut text = serde_json::to_vec(&written).unwrap_or_default();
        text.push(b'\n');
        replace(&seal_path(dir, self.ordinal), &text)
    }

    /// What of a segment, as it is read now, differs from its seal.
    pub(super) fn difference(&self, now: &Self) -> Option<String> {
        let facts = [
            ("bytes", self.bytes.to_string(), now.bytes.to_string()),
            ("events", self.events.to_string(), now.events.to_string()),
            ("crc32", format!("{:08x}", self.crc32), format!("{:08x}", now.crc32)),
            ("first_seq", self.first_seq.to_string(), now.first_seq.to_string()),
            ("last_seq", self.last_seq.to_string(), now.last_seq.to_string()),
            ("last_hash", self.last_hash.to_string(), now.last_hash.to_string()),
            ("prev_hash", shown(self.prev_hash.as_ref()), shown(now.prev_hash.as_ref())),
            ("tree", root(&self.tree), root(now.tree.as_ref().map_or(&self.tree, |_| &now.tree))),
        ];
        let differs = facts.into_iter().find(|(_, sealed, found)| sealed != found);
        differs.map(|(what, sealed, found)| {
            format!("its seal says `{what}` {sealed}, but it has {found}")
        })
    }
}

fn shown(hash: Option<&Digest>) -> String {
    hash.map_or_else(|| "none".to_owned(), Digest::to_string)
}

fn root(tree: &Option<Frontier>) -> String {
    shown(tree.as_ref().map(Frontier::root).as_ref())
}

impl Written {
    fn into_seal(self) -> Option<Seal> {
        let tree = match self.tree_edge {
            None => None,
            Some(edge) => {
                let edge = edge.iter().map(|hash| Digest::parse(hash)).collect::<Option<_>>()?;
                Some(Frontier::from_edge(self.last_seq.checked_add(1)?, edge)?)
            }
        };
        let prev_hash = match self.prev_hash {
            None => None,
            Some(hash) => Some(Digest::parse(&hash)?),
        };
        Some(Seal {
            ordinal: self.ordinal,
            events: self.events,
            bytes: self.bytes,
            first_seq: self.first_seq,
            last_seq: self.last_seq,
            last_hash: Digest::parse(&self.last_hash)?,
            prev_hash,
            crc32: u32::from_str_radix(&self.crc32, 16).ok()?,
            tree,
        })
    }
}

/// What is counted of a segment while its lines come.
#[derive(Clone)]
pub(super) struct Tally {
    crc: crc32fast::Hasher,
    events: u64,
    tree: Option<Frontier>,
}

impl Tally {
    /// Before a segment's first line, with the tree of all before it.
    pub(super) fn begin(tree: Option<Frontier>) -> Self {
        Self { crc: crc32fast::Hasher::new(), events: 0, tree }
    }

    /// Counts whole lines, each with its newline.
    pub(super) fn add(&mut self, lines: &[u8]) {
        self.crc.update(lines);
        for line in lines.split_inclusive(|b| *b == b'\n') {
            self.events += 1;
            if let Some(tree) = &mut self.tree {
                tree.push(line.strip_suffix(b"\n").unwrap_or(line));
            }
        }
    }

    /// The tree of all events so far.
    pub(super) fn tree(&self) -> Option<&Frontier> {
        self.tree.as_ref()
    }

    /// The seal of a segment whose lines these were; `last_hash` is that of its last event.
    pub(super) fn seal(&self, segment: &Segment, last_hash: Digest) -> Seal {
        Seal {
            ordinal: segment.ordinal,
            events: self.events,
            bytes: segment.bytes,
            first_seq: segment.first_seq,
            last_seq: (segment.first_seq + self.events).saturating_sub(1),
            last_hash,
            prev_hash: segment.prev_hash,
            crc32: self.crc.clone().finalize(),
            tree: self.tree.clone(),
        }
    }
}

/// A closed segment as it was read.
pub(super) struct Closed {
    pub(super) segment: Segment,
    pub(super) seal: Seal,
    pub(super) last: Entry,
}

/// Reads a closed segment once, in bounded memory. `each` sees every line, without its newline and
/// with the tree behind it, and says what is wrong with it; the first and the last are parsed here.
pub(super) fn read_closed(
    path: &Path,
    ordinal: u64,
    tree: Option<Frontier>,
    mut each: impl FnMut(u64, &[u8], Option<&Frontier>) -> Result<(), LedgerError>,
) -> Result<Closed, LedgerError> {
    let fault = |e| LedgerError::file("read", path, e);
    let file = fs::File::open(path).map_err(fault)?;
    let facts = file.metadata().map_err(fault)?;
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file), 0);
    let mut tally = Tally::begin(tree);
    let (mut first, mut last, mut number) = (None, Vec::new(), 0);
    while let Some(line) = lines.next().map_err(fault)? {
        number += 1;
        let Line::Whole(line) = line else {
            return Err(LedgerError::damaged(path, number, "it is no whole line"));
        };
        tally.add(line);
        each(number, line.strip_suffix(b"\n").unwrap_or(line), tally.tree())?;
        if first.is_none() {
            first = Some(parse(path, number, line)?);
        }
        last.clear();
        last.extend_from_slice(line);
    }
    let first = first.ok_or_else(|| LedgerError::damaged(path, 1, "it has no whole first line"))?;
    let last = parse(path, number, &last)?;
    let mut segment = Segment::starting(ordinal, facts.len(), &first);
    segment.last_ts = Some(last.ts());
    segment.print = Some(FilePrint::of(&facts));
    let seal = tally.seal(&segment, *last.hash());
    Ok(Closed { segment, seal, last })
}

pub(super) fn parse(path: &Path, number: u64, line: &[u8]) -> Result<Entry, LedgerError> {
    Entry::parse(line).map_err(|e| LedgerError::damaged(path, number, &e.to_string()))
}
