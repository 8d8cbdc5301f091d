//! A text body that streams.
use std::fmt;
use std::sync::Arc;

use crate::engine::survey::Patience;
use crate::finding::{Acted, Direction};
use crate::flow::Flow;
use crate::judge::Judge;
use crate::scanner::Scanner;

/// Redacts a text that comes in chunks.
///
/// What comes out is what one push of the whole text gives, however it was cut: all that
/// [`Scanner::redact`] finds in it, but for what only strings, groups or lines beside each other
/// make. Only what an undecided candidate may claim is held back: a few bytes mostly,
/// [`Self::HOLD_BYTES`] at most. A private key block is swallowed from its first line to its last,
/// however long it is.
pub struct TextStream {
    scanner: Arc<Scanner>,
    judge: Arc<Judge>,
    direction: Direction,
    flow: Flow,
}

impl TextStream {
    /// No candidate reaches further than this, so that no more is ever held back: a run that may
    /// be encoded, and the longest token behind it.
    pub const HOLD_BYTES: usize = (1 << 16) + 8192;

    /// A stream at its beginning.
    pub fn new(scanner: Arc<Scanner>, judge: Arc<Judge>, direction: Direction) -> Self {
        Self { scanner, judge, direction, flow: Flow::new() }
    }

    /// Takes a chunk and appends to `out` what may go now.
    ///
    /// Places in the findings count from the beginning of the stream. On [`crate::Action::Block`]
    /// the caller cuts the stream; what is in `out` is redacted and may go.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Vec<Acted> {
        self.flow.push(chunk);
        self.release(false, out)
    }

    /// Ends the text and appends the rest of it.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Vec<Acted> {
        self.release(true, out)
    }

    /// Whether anything is held back.
    pub fn holding(&self) -> bool {
        self.flow.held() > 0
    }

    /// How many bytes are held back.
    pub fn held_bytes(&self) -> usize {
        self.flow.held()
    }

    fn release(&mut self, ended: bool, out: &mut Vec<u8>) -> Vec<Acted> {
        let mut copied = self.flow.end() - self.flow.held();
        let judge = (&*self.judge, self.direction);
        let settled = self.flow.settle(&self.scanner, judge, Patience::Exact, ended);
        for edit in &settled.edits {
            out.extend_from_slice(self.flow.part(copied, edit.start));
            out.extend_from_slice(edit.lead.as_bytes());
            out.extend_from_slice(edit.tag.as_bytes());
            copied = edit.end;
        }
        out.extend_from_slice(self.flow.part(copied, settled.until));
        self.flow.forget();
        settled.acted
    }
}

impl fmt::Debug for TextStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextStream")
            .field("direction", &self.direction)
            .field("held_bytes", &self.flow.held())
            .finish_non_exhaustive()
    }
}
