//! A source's lines as verifying takes them: looked at before they are taken, from a time on, in
//! batches.
use std::collections::VecDeque;
use std::io;

use jiff::Timestamp;

use super::source::{Form, Place, Source};

/// Lines of one batch. Examining them takes some milliseconds: long beside handing them over, and
/// short enough that nobody waits for a break that was found.
const BATCH_LINES: usize = 128;
/// Bytes that end a batch early, so that large events do not make it larger.
const BATCH_BYTES: usize = 512 << 10;

/// A line and where it stands.
pub(super) type Line = (Place, Vec<u8>);

/// Lines that one thread examines.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    /// How far in the source it ends.
    pub(super) bytes_read: u64,
}

/// The lines of a source.
pub(super) struct Lines {
    source: Box<dyn Source>,
    held: VecDeque<Line>,
    ended: bool,
    failed: Option<io::Error>,
}

impl Lines {
    pub(super) fn new(source: Box<dyn Source>) -> Self {
        Self { source, held: VecDeque::new(), ended: false, failed: None }
    }

    /// The first line, which stays the next. None at the end, and where it cannot be read: that is
    /// told when it is taken.
    pub(super) fn first(&mut self) -> Option<&[u8]> {
        if self.held.is_empty()
            && let Some(line) = self.read()
        {
            self.held.push_front(line);
        }
        self.held.front().map(|(_, line)| line.as_slice())
    }

    /// Passes over the lines before the part that begins at a time, but for the last of them, and
    /// says how many lines are before the part.
    ///
    /// The last before is kept because times only rise: when that one verifies, none of the part
    /// was dated back to be left out.
    pub(super) fn skip_to(&mut self, since: Timestamp, form: Form) -> Result<u64, String> {
        let (mut before, mut last) = (0, None);
        while let Some(line) = self.take() {
            // A line without a time is not known to be later; as the last before, it is verified.
            if form.time(&line.1).is_some_and(|time| time >= since) {
                self.held.push_front(line);
                last.into_iter().for_each(|line| self.held.push_front(line));
                return Ok(before);
            }
            before += 1;
            last = Some(line);
        }
        match self.failure() {
            Some(error) => Err(error.to_string()),
            None => Err("there is no event at or after that time in it".to_owned()),
        }
    }

    /// The next lines; none at the end.
    pub(super) fn batch(&mut self) -> Option<Batch> {
        let (mut batch, mut bytes) = (Batch::default(), 0);
        while batch.lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
            let Some(line) = self.take() else { break };
            bytes += line.1.len();
            batch.lines.push(line);
        }
        batch.bytes_read = self.source.bytes_read();
        (!batch.lines.is_empty()).then_some(batch)
    }

    /// Why the end came, if it is not the end.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    pub(super) fn bytes_total(&self) -> Option<u64> {
        self.source.bytes_total()
    }

    fn take(&mut self) -> Option<Line> {
        self.held.pop_front().or_else(|| self.read())
    }

    fn read(&mut self) -> Option<Line> {
        if self.ended {
            return None;
        }
        let mut line = Vec::new();
        let place = self.source.next(&mut line).unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        });
        self.ended = place.is_none();
        place.map(|place| (place, line))
    }
}
