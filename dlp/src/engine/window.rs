//! The stretch of text that a survey looks at.
use std::cell::Cell;

/// What counts in a text; nothing else needs to be looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heed {
    All,
    /// Secrets that are told by what they are.
    Secrets,
    /// What may be a piece of something.
    Pieces,
}

/// A text, which part of it may still be claimed, and whether more may come.
#[derive(Clone, Copy)]
pub(crate) struct Window<'t> {
    pub(crate) text: &'t [u8],
    /// Candidates that begin before this are not looked at: a private key block ended here.
    pub(crate) floor: usize,
    /// Nothing follows the text.
    pub(crate) ended: bool,
    /// Where the value begins that reaches to the end of the text: a JSON string behind the name
    /// of its member.
    pub(crate) value: Option<usize>,
    /// The rows of known records that the document around the text holds, by index.
    pub(crate) rows: &'t [Vec<u32>],
    /// Where pieces were put together: what stands on one side of such a place is no part of what
    /// begins or ends on the other, unless it reaches over it.
    pub(crate) joints: &'t [usize],
    /// What counts in it.
    pub(crate) heed: Heed,
    /// What may be made of all texts of a document together, beyond what each may by its length.
    pub(crate) spare: Option<&'t Cell<usize>>,
    /// More of the text came before, or comes after: texts in several strings are not put
    /// together, since how many are at hand would depend on how it was cut.
    pub(crate) streamed: bool,
}

/// Whether the letter before a place is that of an escaped line end or tab: `\n`, `\r`, `\t` (RFC 8259
/// section 7), as a document in a document has them.
#[inline]
pub(crate) fn ends_escape(text: &[u8], at: usize) -> bool {
    let escape = at.checked_sub(2).and_then(|from| text.get(from..at));
    matches!(escape, Some([b'\\', b'n' | b'r' | b't']))
}

impl<'t> Window<'t> {
    pub(crate) fn whole(text: &'t [u8]) -> Self {
        Self {
            text,
            floor: 0,
            ended: true,
            value: None,
            rows: &[],
            joints: &[],
            heed: Heed::All,
            spare: None,
            streamed: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// What stands before a place. The letter of an escaped line end or tab stands for what it means.
    pub(crate) fn before(&self, at: usize) -> Option<u8> {
        if self.joints.binary_search(&at).is_ok() {
            return None;
        }
        let byte = at.checked_sub(1).and_then(|at| self.byte(at))?;
        Some(if ends_escape(self.text, at) { b'\n' } else { byte })
    }

    /// The bytes from `start` to `end`, as far as they exist.
    pub(crate) fn part(&self, start: usize, end: usize) -> &'t [u8] {
        let end = end.min(self.len());
        self.text.get(start..end).unwrap_or_default()
    }

    /// The end of the run of such bytes that begins at `start`, `limit` bytes at most.
    pub(crate) fn run(&self, start: usize, limit: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let part = self.part(start, start.saturating_add(limit));
        start + part.iter().position(|byte| !belongs(*byte)).unwrap_or(part.len())
    }

    /// The beginning of the run of such bytes that ends before `end`.
    pub(crate) fn run_back(&self, end: usize, limit: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let part = self.part(end.saturating_sub(limit), end);
        let length = part.iter().rev().position(|byte| !belongs(*byte)).unwrap_or(part.len());
        end - length
    }

    /// Whether the text has no byte here, but might get one.
    pub(crate) fn dry(&self, at: usize) -> bool {
        at >= self.len() && !self.ended
    }
}
