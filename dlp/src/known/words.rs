//! Where values may begin and end: words, and runs of words.
use crate::engine::boundary::{Side, tag_after, tag_before};
use crate::engine::{Span, Window};

use super::form::VALUE_BYTES;

/// How many bytes may stand between two words of one value.
pub(super) const GAP_BYTES: usize = 3;

/// A run of letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it has a digit, and whether it has nothing else.
    pub(super) digit: bool,
    pub(super) digits: bool,
}

impl Word {
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }
}

/// What comes after a place.
pub(super) enum Next {
    Word(Word),
    /// No word within the bounds.
    Nothing,
    /// The text ran out, and more may come.
    Dry,
}

/// The part of a window between two private key blocks.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'t> {
    pub(super) window: Window<'t>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'t> Stretch<'t> {
    /// Whether more may come right behind it.
    pub(super) fn goes_on(&self) -> bool {
        self.end == self.window.len() && !self.window.ended
    }

    pub(super) fn part(&self, start: usize, end: usize) -> &'t [u8] {
        self.window.part(start, end.min(self.end))
    }

    /// The first word that begins at or after `from`.
    #[inline]
    pub(super) fn word(&self, from: usize) -> Option<Word> {
        let mut start = from;
        loop {
            let rest = self.part(start, self.end);
            start += rest.iter().position(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)?;
            match self.letter(start) {
                0 => start += 1,
                _ => return Some(self.run(start)),
            }
        }
    }

    /// The next word behind one that ends at `end`, close enough to belong to the same value.
    pub(super) fn next(&self, end: usize) -> Next {
        let near = Self { end: self.end.min(end + GAP_BYTES + 4), ..*self };
        match near.word(end) {
            Some(word) if word.start <= end + GAP_BYTES => Next::Word(self.run(word.start)),
            None if self.goes_on() && self.end < end + GAP_BYTES + 4 => Next::Dry,
            _ => Next::Nothing,
        }
    }

    /// Whether a word that ends here might be longer.
    pub(super) fn is_open(&self, end: usize) -> bool {
        self.goes_on() && (end == self.end || self.cut(end))
    }

    /// Whether a value may begin here: a tag before it counts as a letter.
    pub(super) fn may_begin(&self, start: usize) -> bool {
        self.window.before(start) != Some(b']') || !tag_before(&self.window, start)
    }

    /// What stands where a value ends.
    pub(super) fn side(&self, end: usize) -> Side {
        match self.window.byte(end) {
            Some(b'[') => tag_after(&self.window, end),
            _ => Side::Free,
        }
    }

    /// Where the tag that `word` stands in ends; `None` when it stands in none.
    pub(super) fn tag_around(&self, word: Word) -> Option<usize> {
        let opens = self.window.before(word.start) == Some(b'[')
            && self.part(word.start, word.end) == b"REDACTED";
        let rest = opens.then(|| self.part(word.end, word.end + 48))?;
        Some(word.end + rest.iter().position(|byte| *byte == b']').unwrap_or(0))
    }

    /// The word that begins with the letter at `start`, as far as it matters.
    #[inline]
    fn run(&self, start: usize) -> Word {
        let (mut digit, mut digits) = (false, true);
        let mut end = start;
        loop {
            let rest = self.part(end, self.end);
            let mut length = 0;
            for byte in rest {
                if !byte.is_ascii_alphanumeric() {
                    break;
                }
                let is_digit = byte.is_ascii_digit();
                digit |= is_digit;
                digits &= is_digit;
                length += 1;
            }
            end += length;
            match rest.get(length) {
                Some(byte) if *byte >= 0x80 => {}
                _ => break,
            }
            match self.letter(end) {
                0 => break,
                letter => end += letter,
            }
            digits = false;
        }
        Word { start, end, digit, digits }
    }

    /// How many bytes the letter or digit has that stands here; 0 when it is none.
    fn letter(&self, at: usize) -> usize {
        let rest = self.part(at, at + 4);
        match rest.first() {
            Some(byte) if byte.is_ascii_alphanumeric() => 1,
            Some(0xC2..=0xF4) => {
                let known = (2..=rest.len()).find_map(|length| {
                    let text = std::str::from_utf8(rest.get(..length)?).ok()?;
                    text.chars().next()
                });
                known.filter(|letter| letter.is_alphanumeric()).map_or(0, char::len_utf8)
            }
            _ => 0,
        }
    }

    /// Where the text ends with the beginning of a character.
    pub(super) fn cut_from(&self) -> Option<usize> {
        let last = (1..4).filter_map(|back| self.end.checked_sub(back));
        last.filter(|at| *at >= self.start && self.goes_on()).find(|at| self.cut(*at))
    }

    /// Whether nothing but the beginning of a character follows.
    fn cut(&self, at: usize) -> bool {
        let rest = self.part(at, self.end);
        rest.len() < 4
            && rest.first().is_some_and(|byte| *byte >= 0xC2)
            && std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none())
    }
}

/// The stretches of a window that are looked at: what is left between the blocks.
pub(super) fn stretches<'t>(
    window: &Window<'t>,
    blocks: &[Span],
    mut visit: impl FnMut(Stretch<'t>),
) {
    let mut start = window.floor.max(window.value.unwrap_or(0));
    for block in blocks {
        if block.start > start {
            visit(Stretch { window: *window, start, end: block.start });
        }
        start = start.max(block.end);
    }
    if start < window.len() {
        visit(Stretch { window: *window, start, end: window.len() });
    }
}

/// Longer words are no values.
pub(super) const WORD_BYTES: usize = VALUE_BYTES;
