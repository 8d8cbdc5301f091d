//! Where a text is written in another way than it is meant, and what it means there.
use super::{base, escapes, fold, runs};
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
}

impl Atoms {
    /// Finds them all, and unpacks no more than `room` bytes. A text without any costs no allocation.
    pub(crate) fn of(text: &[u8], ended: bool, room: usize) -> Self {
        let mut atoms = Self { room, ..Self::default() };
        escapes::find(text, ended, &mut atoms);
        if !text.is_ascii() {
            fold::find(text, &mut atoms);
            if !ended && let Some(from) = fold::unfinished(text) {
                atoms.hold(from);
            }
        }
        runs::find(text, ended, |run| {
            if run.end == text.len() && !ended {
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

    /// Something may go on behind the end of the text: from where.
    pub(crate) fn hold(&mut self, from: usize) {
        self.open = Some(self.open.map_or(from, |open| open.min(from)));
    }

    pub(crate) fn push(&mut self, span: Span, coding: Coding, meaning: &[u8], telling: bool) {
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
