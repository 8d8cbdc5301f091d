//! How much one body may make of itself, and why something in it stays unread.
use std::fmt;
use std::io::Read;

use serde::Serialize;

/// Bounds for one body and everything that is opened in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Containers within containers: an archive in a part of a form is two.
    pub depth: usize,
    /// Form fields, parts and files.
    pub entries: usize,
    /// XML elements, lines, events, JSON values and protobuf fields.
    pub nodes: usize,
    /// Bytes that decompression makes, all together.
    pub expanded_bytes: usize,
    /// Bytes that decompression makes of one byte. Small texts may exceed it.
    pub ratio: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A document in an archive in a message with parts, and as much again.
            depth: 8,
            entries: 10_000,
            // A node takes about a hundred bytes, so that this is 50 MB at most.
            nodes: 500_000,
            expanded_bytes: 64 << 20,
            // Deflate can make 1,032 bytes of one; office documents stay below 100.
            ratio: 200,
        }
    }
}

/// Texts below this size may be compressed as well as they like.
const SMALL_BYTES: usize = 1 << 20;

/// Why something stays unread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Text in another encoding than UTF-8.
    Charset,
    /// A compression or transfer coding that is not undone here.
    Coding,
    /// It needs a key.
    Encrypted,
    /// A kind that nothing here opens: images, PDF, programs.
    Kind,
    /// It breaks the rules of its kind, or two readers may understand it differently.
    Malformed(&'static str),
    /// It expands more than [`Limits::ratio`] allows.
    Ratio,
    /// Deeper than [`Limits::depth`], or than its kind is followed.
    TooDeep,
    /// It expands to more than [`Limits::expanded_bytes`].
    TooLarge,
    /// More entries or nodes than the limits allow.
    TooMany,
}

impl Why {
    /// One word, stable: the detector's name of the finding that tells of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Charset => "unread-charset",
            Self::Coding => "unread-coding",
            Self::Encrypted => "unread-encrypted",
            Self::Kind => "unread-kind",
            Self::Malformed(_) => "unread-malformed",
            Self::Ratio => "unread-ratio",
            Self::TooDeep => "unread-too-deep",
            Self::TooLarge => "unread-too-large",
            Self::TooMany => "unread-too-many",
        }
    }
}

/// What is wrong, as the middle of a sentence: "the body …".
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Charset => "it is text, but not in UTF-8",
            Self::Coding => "it is compressed or coded in a way that is not undone here",
            Self::Encrypted => "it is encrypted",
            Self::Kind => "its kind cannot be opened here",
            Self::Malformed(what) => what,
            Self::Ratio => "it expands far more than documents do",
            Self::TooDeep => "it is nested deeper than the limit",
            Self::TooLarge => "it expands to more bytes than the limit",
            Self::TooMany => "it has more parts than the limit",
        })
    }
}

/// What is left of the limits while one body is opened.
pub(crate) struct Budget {
    depth: usize,
    entries: usize,
    nodes: usize,
    bytes: usize,
    ratio: usize,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { depth, entries, nodes, expanded_bytes, ratio } = limits;
        Self { depth, entries, nodes, bytes: expanded_bytes, ratio }
    }

    pub(crate) fn entry(&mut self) -> Result<(), Why> {
        self.entries = self.entries.checked_sub(1).ok_or(Why::TooMany)?;
        Ok(())
    }

    pub(crate) fn node(&mut self) -> Result<(), Why> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Why::TooMany)?;
        Ok(())
    }

    pub(crate) fn descend(&mut self) -> Result<(), Why> {
        self.depth = self.depth.checked_sub(1).ok_or(Why::TooDeep)?;
        Ok(())
    }

    pub(crate) fn ascend(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }

    /// Reads a decompressor to its end, which was given `packed` bytes.
    pub(crate) fn expand(&mut self, reader: &mut impl Read, packed: usize) -> Result<Vec<u8>, Why> {
        let fair = packed.saturating_mul(self.ratio).max(SMALL_BYTES);
        let most = self.bytes.min(fair);
        let mut plain = Vec::new();
        let read = reader.take(most as u64 + 1).read_to_end(&mut plain);
        // What was made counts, whatever becomes of it.
        self.bytes = self.bytes.saturating_sub(plain.len());
        read.map_err(|_| Why::Malformed("its compression is broken"))?;
        match plain.len() > most {
            true if most < fair => Err(Why::TooLarge),
            true => Err(Why::Ratio),
            false => Ok(plain),
        }
    }
}
