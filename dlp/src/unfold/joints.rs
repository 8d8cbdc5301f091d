//! One text in several strings, or with something between its characters: `"gh" + "p_…"`,
//! `["gh", "p_…"]`, members of one object, groups with blanks, lines.
use std::cell::RefCell;

use super::escapes;
use super::quotes::{self, PIECE_BYTES};
use super::spaces::{self, GROUP_BYTES};
use super::view::View;
use crate::engine::hit::Rank;
use crate::engine::{Hit, Span, Window, digits};
use crate::finding::Grade;

/// How much the way in which the pieces stand together says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bond {
    /// They are one text: joined by an operator, items of one list, members of like names.
    Strong,
    /// They are neighbours.
    Weak,
    /// There is something between the characters that a reader would leave out.
    Spaced,
    /// They are lines.
    Lines,
    /// There is one piece, which is written in another way throughout.
    Whole,
}

impl Bond {
    /// Whether a find in the joined text is to be believed. Two harmless neighbours make something
    /// by chance the sooner, the less a detector asks for.
    pub(crate) fn accepts(self, hit: &Hit) -> bool {
        if hit.grade < Grade::Likely {
            return false;
        }
        let secret = matches!(hit.class.family(), "secret" | "hash");
        let numbers = matches!(hit.class.family(), "pci" | "financial" | "gov_id" | "health");
        match self {
            Self::Strong => secret || numbers || hit.class.family() == "contact",
            Self::Weak => secret && hit.rank != Rank::Assignment,
            // A key that is named a key in its first line is found with its lines.
            Self::Spaced | Self::Lines if hit.rank == Rank::Block => false,
            // Nine digits in other groups than its own are another number: it has no check digit.
            Self::Spaced if hit.class.as_str() == digits::SSN => false,
            Self::Spaced => secret || numbers || hit.class.as_str() == "contact.email",
            Self::Lines => secret || numbers && hit.grade == Grade::Certain,
            Self::Whole => numbers,
        }
    }
}

/// What stands behind the last piece.
#[derive(Clone, Copy)]
pub(crate) enum Close {
    /// The sign that closes the string.
    Sign(u8),
    /// The text as it goes on.
    Source(Span),
}

/// Pieces of one text and what tells what it is.
pub(crate) struct Chain {
    pub(crate) pieces: Vec<Span>,
    pub(crate) bond: Bond,
    /// What stands before the text, as far as it may tell: it ends where the text belongs.
    pub(crate) context: Span,
    /// What ends the text.
    pub(crate) close: Close,
}

impl Chain {
    /// The pieces as one text, behind their context.
    pub(crate) fn view(&self, text: &[u8], coding: crate::coding::Coding) -> View {
        let mut view = View::default();
        escapes::copy(&mut view, text, self.context);
        if let Close::Sign(_) = self.close {
            // What tells stands in another string.
            let ends = |byte: &u8| byte.is_ascii_alphanumeric() || b".,;!?)".contains(byte);
            let word = view.text.last().is_some_and(ends);
            view.add(if word { b" " } else { b"" });
        }
        let mut end = None;
        for piece in &self.pieces {
            if let Some(end) = end {
                view.join(Span::new(end, piece.start), coding);
            }
            view.copy(text, *piece);
            end = Some(piece.end);
        }
        match self.close {
            Close::Sign(sign) => view.add(&[sign]),
            Close::Source(rest) => view.copy(text, rest),
        }
        view
    }

    pub(crate) fn span(&self) -> Span {
        let start = self.pieces.first().map_or(0, |piece| piece.start);
        Span::new(start, self.pieces.last().map_or(start, |piece| piece.end))
    }
}

/// Whether a word may stand in a piece of something: it ends a string, a group or a line, or
/// begins one. Most words end before a comma, a bracket or a full stop.
pub(crate) fn may_join(window: &Window<'_>, word: Span) -> bool {
    let stop = window.run(word.end, PIECE_BYTES, quotes::in_piece);
    let ends = match window.byte(stop) {
        None | Some(b'"' | b'\'' | b'`' | b'\\' | b'\n' | b'\r') => true,
        Some(b' ') => stop - word.end <= GROUP_BYTES,
        Some(_) => false,
    };
    // One of single characters with signs between them.
    let single = word.len() == 1 && spaces::singles(window.text, word.start).is_some();
    let line = match word.start.checked_sub(1).and_then(|at| window.byte(at)) {
        Some(b'\n') => true,
        Some(b'n') => word.start > 1 && window.byte(word.start - 2) == Some(b'\\'),
        _ => false,
    };
    ends || line || single
}

/// Whether a word stands in no chain that anything can come of, whatever its pieces hold; `tells` as
/// for [`find`].
pub(crate) fn is_alone(text: &[u8], word: Span, tells: impl Fn(&[u8]) -> bool) -> bool {
    let mut alone = true;
    find(text, [word], &[], (|_: &[u8], _: &[usize]| true, tells), |_, _, _| alone = false);
    alone
}

/// Room for a joined text and its seams, used again for the next.
#[derive(Default)]
struct Room {
    text: Vec<u8>,
    seams: Vec<usize>,
}

/// What may be put together in a text.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    /// Words that may be pieces of something, in order.
    pub(crate) pieces: &'p [Span],
    /// Where literals stand that tokens are told by, in order.
    pub(crate) tokens: &'p [usize],
}

/// Calls `sink` with every chain as one text that one of the words stands in, which come in order.
/// Neighbours that are only beside each other must hold a token together: the literal of one stands
/// in them, or over one of their seams, which `sews` tells of a text and its seams. Groups that are
/// words and a number are a chain where `tells` says that a literal stands in them or beside them.
pub(crate) fn find(
    text: &[u8],
    words: impl IntoIterator<Item = Span>,
    tokens: &[usize],
    (sews, tells): (impl Fn(&[u8], &[usize]) -> bool, impl Fn(&[u8]) -> bool),
    mut sink: impl FnMut(&View, Span, Bond),
) {
    let mut scratch = quotes::Scratch::default();
    let room = RefCell::default();
    let sews = |pieces: &mut dyn Iterator<Item = Span>| {
        let Room { text: joined, seams } = &mut *room.borrow_mut();
        joined.clear();
        seams.clear();
        for piece in pieces {
            let from = tokens.partition_point(|token| *token < piece.start);
            if tokens.get(from).is_some_and(|token| *token < piece.end) {
                return true;
            }
            seams.push(joined.len());
            joined.extend_from_slice(text.get(piece.start..piece.end).unwrap_or_default());
        }
        sews(joined, seams)
    };
    let mut quoted = 0;
    let mut spaced = 0;
    let mut lined = 0;
    for word in words {
        if word.start >= quoted {
            quoted = quotes::chains(text, word, &mut scratch, &sews, |chain| {
                let view = chain.view(text, crate::coding::Coding::Joined);
                sink(&view, chain.span(), chain.bond);
            });
        }
        if word.start >= spaced
            && let Some(chain) = spaces::groups(text, word, spaced)
        {
            spaced = chain.span().end;
            let view = chain.view(text, crate::coding::Coding::Spaced);
            if !spaces::are_words(text, &chain.pieces) || tells(&view.text) {
                sink(&view, chain.span(), chain.bond);
            }
        }
        if word.start >= lined
            && let Some(chain) = spaces::lines(text, word)
        {
            lined = chain.span().end;
            sink(&chain.view(text, crate::coding::Coding::Spaced), chain.span(), chain.bond);
        }
    }
}
