//! Where a text is written in another way than it is meant, and what it means there.
use super::{base, blocks, escapes, fold, runs};
use crate::coding::Coding;
use crate::engine::Span;

/// A stretch of text that means other bytes than it shows.
pub(crate) struct Atom {
    pub(crate) span: Span,
    pub(crate) coding: Coding,
    /// Where its meaning stands in [`Atoms::bytes`].
    meaning: Span,
    /// Whether it is told apart from ordinary text, where some of these stand all day: a quote
    /// that is escaped, a blank that is a plus.
    pub(crate) telling: bool,
}

/// The atoms of a text, in order, none over another.
#[derive(Default)]
pub(crate) struct Atoms {
    pub(crate) list: Vec<Atom>,
    bytes: Vec<u8>,
    /// A run that goes on behind the end of the text, or may: from where.
    pub(crate) open: Option<usize>,
    /// How many bytes at the end of the text may be the beginning of a run.
    pub(crate) tail: usize,
    /// How many bytes may still be unpacked.
    pub(crate) room: usize,
    /// Something packed that was larger than what is looked at: where.
    pub(crate) unread: Vec<Span>,
    /// The text is long and has more of them than are held at once. Not all are here.
    pub(crate) are_too_many: bool,
    most: usize,
}

impl Atoms {
    /// Finds them all, if they are not too many, and unpacks no more than `room` bytes. A text without
    /// any costs no allocation.
    pub(crate) fn of(text: &[u8], ended: bool, room: usize) -> Self {
        let most = if blocks::is_long(text) { blocks::ATOMS_MAX } else { usize::MAX };
        let mut atoms = Self { room, most, ..Self::default() };
        escapes::find(text, ended, &mut atoms);
        if !text.is_ascii() {
            fold::find(text, &mut atoms);
            if !ended && let Some(from) = fold::unfinished(text) {
                atoms.hold(from);
            }
        }
        runs::find(text, ended, |run| {
            if atoms.are_too_many {
                // Nobody will look at them.
            } else if run.end == text.len() && !ended {
                atoms.hold(run.start);
            } else {
                base::decode(text, run, &mut atoms);
            }
        });
        if !ended {
            atoms.tail = text.iter().rev().take_while(|byte| runs::in_run(**byte)).count();
        }
        atoms.tidy();
        atoms
    }

    /// The same, of a text that stands behind so many bytes of another one.
    #[must_use]
    pub(crate) fn behind(mut self, bytes: usize) -> Self {
        let move_on = |span: &mut Span| *span = Span::new(span.start + bytes, span.end + bytes);
        self.list.iter_mut().for_each(|atom| move_on(&mut atom.span));
        self.unread.iter_mut().for_each(move_on);
        self.open = self.open.map(|open| open + bytes);
        self
    }

    /// Says that there are so many more; whether there are too many.
    pub(crate) fn count(&mut self, more: usize) -> bool {
        self.are_too_many |= self.list.len() + more > self.most;
        self.are_too_many
    }

    /// Something may go on behind the end of the text: from where.
    pub(crate) fn hold(&mut self, from: usize) {
        self.open = Some(self.open.map_or(from, |open| open.min(from)));
    }

    pub(crate) fn push(&mut self, span: Span, coding: Coding, meaning: &[u8], telling: bool) {
        if self.count(1) {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(meaning);
        let meaning = Span::new(start, self.bytes.len());
        self.list.push(Atom { span, coding, meaning, telling });
    }

    pub(crate) fn meaning(&self, atom: &Atom) -> &[u8] {
        self.bytes.get(atom.meaning.start..atom.meaning.end).unwrap_or_default()
    }

    /// In order; where two overlap, the longer one stays.
    fn tidy(&mut self) {
        if self.list.is_sorted_by(|one, two| one.span.end <= two.span.start) {
            return;
        }
        self.list.sort_by_key(|atom| (atom.span.start, std::cmp::Reverse(atom.span.end)));
        let mut end = 0;
        self.list.retain(|atom| {
            let apart = atom.span.start >= end;
            if apart {
                end = atom.span.end;
            }
            apart
        });
    }
}
