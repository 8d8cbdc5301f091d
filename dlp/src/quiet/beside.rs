//! Which objects and lists may hold something that only their members or items make together.
//!
//! Most do not, and that is told here without writing them down as [`siblings`] does. What is told to
//! join nothing would give no hit there: it puts together what stands beside a digit, or what holds
//! the literal of a token.
use super::{Sheet, Text, Told};
use crate::engine::bits::{BLOCK, Block, below, controls, is};
use crate::engine::survey::Surveyor;
use crate::engine::{Span, paired};
use crate::siblings::{self, STRING_BYTES, TAIL_BYTES};
use crate::tape::Kind;
use crate::unfold::quotes;

/// Members or items that stand beside each other.
#[derive(Clone, Copy)]
struct Row {
    /// The first, and the one behind the last and all that it has.
    first: usize,
    end: usize,
    list: bool,
    /// The literal of a token stands in the string before the object or list.
    after_token: bool,
}

impl Sheet<'_> {
    /// What is told of the document itself, once it is told of all that it has.
    pub(super) fn whole(&mut self, surveyor: &Surveyor, root: Kind) -> Told {
        let list = root == Kind::List;
        let row = Row { first: 0, end: self.texts.len(), list, after_token: false };
        let (loud, joins) = self.settle(surveyor, row);
        // A text that stands alone is looked at.
        let alone = !matches!(root, Kind::List | Kind::Object);
        Told { loud: loud || alone, joins, ..Told::UNKNOWN }
    }

    /// Tells of each whether it is loud, and its members or items may join; and of all of them.
    fn settle(&mut self, surveyor: &Surveyor, row: Row) -> (bool, bool) {
        let (mut any, mut after_token, mut called) = (false, false, None);
        let (mut pieces, mut token, mut digit) = (0, false, false);
        let mut at = row.first;
        while let Some(text) = self.texts.get(at).filter(|_| at < row.end) {
            let (told, kind) = (text.told, text.kind);
            let (first, end) = (at + 1, at + 1 + told.inside);
            let (mut loud, mut joins) = (false, false);
            if told.inside > 0 {
                let list = kind == Kind::List;
                (loud, joins) = self.settle(surveyor, Row { first, end, list, after_token });
            }
            loud |= !told.quiet;
            let is_value = !loud && kind == Kind::Text && self.is_value(at);
            // Asked once: all members may be called values.
            if is_value && *called.get_or_insert_with(|| self.calls(row)) {
                loud = true;
                if let Some(text) = self.texts.get_mut(at) {
                    text.told.quiet = false;
                }
            }
            any |= loud;
            if let Some(text) = self.texts.get_mut(at) {
                (text.told.loud, text.told.joins) = (loud, joins);
            }
            pieces += usize::from(is_piece(kind, told));
            token |= told.token;
            digit |= told.digit && counts(kind, told);
            after_token = told.token;
            at = end;
        }
        let joins = pieces > 1 && (token || digit) && self.joins(surveyor, row, token);
        (any || joins, joins)
    }

    /// Whether another member may say what this one is.
    fn is_value(&self, at: usize) -> bool {
        self.texts.get(at).is_some_and(|text| paired::is_value(self.name_of(text)))
    }

    /// Whether a member says what another one is.
    fn calls(&self, row: Row) -> bool {
        let called = |text: &Text| {
            let value = std::str::from_utf8(self.value_of(text)).unwrap_or_default();
            text.kind == Kind::Text && paired::called(self.name_of(text), value).is_some()
        };
        self.beside(row).any(called)
    }

    fn joins(&self, surveyor: &Surveyor, row: Row, token: bool) -> bool {
        let is_token = |text: &Text| text.told.token && siblings::may_be_token(self.value_of(text));
        if token && self.beside(row).any(is_token) {
            return true;
        }
        self.is_linked(row) && (row.after_token || self.is_like(row) || self.may_sew(surveyor, row))
    }

    /// Texts that stand beside each other.
    fn beside(&self, Row { first, end, .. }: Row) -> impl Iterator<Item = &Text> {
        let mut at = first;
        std::iter::from_fn(move || {
            let text = self.texts.get(at).filter(|_| at < end)?;
            at += 1 + text.told.inside;
            Some(text)
        })
    }

    fn name_of(&self, text: &Text) -> &[u8] {
        self.bytes.get(text.name.start..text.name.end).unwrap_or_default()
    }

    fn value_of(&self, text: &Text) -> &[u8] {
        let value = text.told.value;
        self.bytes.get(value.start..value.end).unwrap_or_default()
    }

    /// Whether a word with a digit may stand in a chain ([`crate::unfold::joints`]): in a piece of
    /// something with another one beside it, or in one that has pieces itself.
    fn is_linked(&self, row: Row) -> bool {
        let mut last: Option<(&Text, bool)> = None;
        self.beside(row).any(|text| {
            let seed = self.is_seed(text);
            let linked = last.is_some_and(|(before, seed_before)| {
                seed_before && (seed || self.may_be_piece(text))
                    || seed && self.may_be_piece(before)
            });
            last = Some((text, seed));
            linked || self.may_have_pieces(text)
        })
    }

    fn is_seed(&self, text: &Text) -> bool {
        let value = self.value_of(text);
        text.told.digit && value.len() <= STRING_BYTES && quotes::may_be_seed(value)
    }

    fn may_be_piece(&self, text: &Text) -> bool {
        match text.kind {
            // Of a long one only the end is put together.
            Kind::Text if text.told.value.len() > STRING_BYTES => true,
            Kind::Text => quotes::may_be_piece(self.value_of(text)),
            kind => kind.is_number(),
        }
    }

    /// Whether a digit may stand in one of several strings, groups or lines of a text. A text that is
    /// quiet has no such word, but where words were passed by, and where it is written otherwise
    /// when it is put together: with escapes, or its end alone.
    fn may_have_pieces(&self, text: &Text) -> bool {
        let (told, kind, row) = (text.told, text.kind, text.row);
        let pieces = !told.quiet || text.pieces;
        if !told.name {
            return true;
        }
        if kind != Kind::Text || !told.digit {
            return false;
        }
        let value = self.value_of(text);
        if let Some(from) =
            value.len().checked_sub(TAIL_BYTES).filter(|_| value.len() > STRING_BYTES)
        {
            let tail = value.get(from..).unwrap_or_default();
            return pieces || tail.iter().any(u8::is_ascii_digit);
        }
        pieces || has_sign(value) || row && memchr::memchr(b' ', value).is_some()
    }

    /// Whether they are items of a list, or members of like names stand beside each other.
    fn is_like(&self, row: Row) -> bool {
        let mut last: Option<&[u8]> = None;
        row.list
            || self.beside(row).any(|text| {
                let Span { start, end } = text.name;
                let name = self.bytes.get(start..end).unwrap_or_default();
                let name = is_piece(text.kind, text.told).then_some(name);
                let before = std::mem::replace(&mut last, name);
                before.zip(name).is_some_and(|(one, two)| quotes::are_alike(one, two))
            })
    }

    /// Whether the literal of a token may stand over the seam between two pieces.
    fn may_sew(&self, surveyor: &Surveyor, row: Row) -> bool {
        let mut last: Option<&[u8]> = None;
        let mut pieces = self.beside(row).filter(|text| is_piece(text.kind, text.told));
        pieces.any(|text| {
            let value = self.value_of(text);
            let before = last.replace(value);
            before.is_some_and(|before| surveyor.literals.may_sew(before, value))
        })
    }
}

/// Whether a value may be put together with others.
fn is_piece(kind: Kind, told: Told) -> bool {
    match kind {
        Kind::Text => !told.value.is_empty() && told.value.len() <= STRING_BYTES,
        kind => kind.is_number(),
    }
}

/// Whether something stands in it that opens a string, or is written with an escape.
fn has_sign(value: &[u8]) -> bool {
    let quotes = |lane| is(lane, b'"') | is(lane, b'\'') | is(lane, b'`');
    let signs = |lane| quotes(lane) | is(lane, b'\\') | controls(lane);
    value.chunks(BLOCK).any(|part| Block::of(part).bits(signs) & below(part.len() as u32) != 0)
}

/// Whether a digit in a value counts.
fn counts(kind: Kind, told: Told) -> bool {
    kind == Kind::Count || kind == Kind::Text && told.value.len() <= STRING_BYTES
}
