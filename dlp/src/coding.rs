//! How something was written where it was found.
use std::fmt;

use serde::{Serialize, Serializer};

/// One way of writing that was looked through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Coding {
    /// `%41` (RFC 3986 section 2.1), and `+` for a blank beside it.
    Percent,
    /// `\u0041`, `\x41`, `\"` and their kin of JSON and source code.
    Escape,
    /// `&#65;`, `&#x41;`, `&quot;` (HTML 5 section 13.5).
    Entity,
    /// `=41` (RFC 2045 section 6.7).
    QuotedPrintable,
    /// Base64, of either alphabet, wrapped or not (RFC 4648 sections 4 and 5).
    Base64,
    /// Base32 (RFC 4648 section 6).
    Base32,
    /// Hexadecimal digits (RFC 4648 section 8), in one piece or as labels of a host name.
    Hex,
    /// gzip, zlib, deflate, brotli or zstd.
    Compressed,
    /// Letters that look like others, full-width forms, and characters that are not seen.
    Unicode,
    /// Pieces in neighbouring strings: `"gh" + "p_…"`, `["gh", "p_…"]`, members of one object.
    Joined,
    /// Blanks, hyphens or line ends between the characters.
    Spaced,
    /// From the end to the beginning.
    Reversed,
    /// Letters moved by thirteen.
    Rot13,
    /// Pieces in consecutive events of a stream.
    Events,
}

impl Coding {
    /// The name in records: `base64`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Escape => "escape",
            Self::Entity => "entity",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
            Self::Base32 => "base32",
            Self::Hex => "hex",
            Self::Compressed => "compressed",
            Self::Unicode => "unicode",
            Self::Joined => "joined",
            Self::Spaced => "spaced",
            Self::Reversed => "reversed",
            Self::Rot13 => "rot13",
            Self::Events => "events",
        }
    }
}

/// The codings that led to a finding, from the outside in.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Codings([Option<Coding>; Codings::DEPTH]);

impl Codings {
    /// No more are looked through.
    pub const DEPTH: usize = 6;

    /// Whether it stood in the open.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// From the outside in.
    pub fn iter(&self) -> impl Iterator<Item = Coding> {
        self.0.iter().flatten().copied()
    }

    /// These, then one more inside. The same twice in a row is told once.
    pub(crate) fn then(mut self, coding: Coding) -> Self {
        if self.iter().last() != Some(coding)
            && let Some(slot) = self.0.iter_mut().find(|slot| slot.is_none())
        {
            *slot = Some(coding);
        }
        self
    }
}

impl From<Coding> for Codings {
    fn from(coding: Coding) -> Self {
        Self([Some(coding), None, None, None, None, None])
    }
}

impl fmt::Debug for Codings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// As records show it: `percent>base64`.
impl fmt::Display for Codings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, coding) in self.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ">" })?;
            f.write_str(coding.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for Codings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Coding::as_str))
    }
}
