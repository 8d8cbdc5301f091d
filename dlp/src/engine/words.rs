//! Words: runs of ASCII letters and digits that hold a digit. What has no literal of its own
//! (cards, accounts, ids, numbers of telephones, addresses of machines) is looked for where one
//! begins.
use super::Span;
use super::bits::{BLOCK, Block, below, digits, letters};
use super::window::ends_escape;

/// The words of a text in order: each is a maximal run and holds a digit. The letter of an escaped line
/// end before one is none of its own.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = Span> {
    let words = Words { text, base: 0, next: 0, signs: Signs::default(), open: None };
    words.map(|Span { start, end }| {
        let escape = usize::from(ends_escape(text, start + 1));
        Span::new(start + escape, end)
    })
}

/// 64 bytes at a time: which are letters or digits, and which are digits.
struct Words<'t> {
    text: &'t [u8],
    /// Where the block at hand begins, and the one behind it.
    base: usize,
    next: usize,
    /// Of the block at hand; digits that were looked at are gone.
    signs: Signs,
    /// The run that reaches to the end of the block at hand.
    open: Option<Run>,
}

struct Run {
    start: usize,
    digit: bool,
}

#[derive(Default)]
struct Signs {
    alphanumeric: u64,
    digit: u64,
}

impl Signs {
    #[inline(always)]
    fn of(block: Block) -> Self {
        let digit = block.bits(digits);
        Self { alphanumeric: block.bits(letters) | digit, digit }
    }
}

impl Iterator for Words<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            if self.signs.digit != 0 {
                if let Some(word) = self.inside() {
                    return Some(word);
                }
            } else if self.next < self.text.len() {
                if let Some(word) = self.load() {
                    return Some(word);
                }
            } else {
                let run = self.open.take().filter(|run| run.digit)?;
                return Some(Span::new(run.start, self.text.len()));
            }
        }
    }
}

impl Words<'_> {
    /// The word around the first digit, unless it goes on behind the block.
    fn inside(&mut self) -> Option<Span> {
        let before = below(self.signs.digit.trailing_zeros());
        let others = !self.signs.alphanumeric;
        let start = self.base + (u64::BITS - (others & before).leading_zeros()) as usize;
        let end = (others & !before).trailing_zeros();
        if end == u64::BITS {
            self.signs.digit = 0;
            self.open = Some(Run { start, digit: true });
            return None;
        }
        self.signs.digit &= !below(end);
        Some(Span::new(start, self.base + end as usize))
    }

    /// Takes the next block. Gives the word that went on into it and ends there.
    fn load(&mut self) -> Option<Span> {
        self.keep();
        let rest = self.text.get(self.next..)?;
        self.signs = Signs::of(Block::of(rest));
        self.base = self.next;
        self.next += BLOCK;
        let run = self.open.as_mut()?;
        let end = self.signs.alphanumeric.trailing_ones();
        run.digit |= self.signs.digit & below(end) != 0;
        self.signs.digit &= !below(end);
        if end == u64::BITS {
            return None;
        }
        let run = self.open.take().filter(|run| run.digit)?;
        Some(Span::new(run.start, self.base + end as usize))
    }

    /// Remembers the run without a digit that reaches to the end of the block.
    fn keep(&mut self) {
        let length = self.signs.alphanumeric.leading_ones();
        if self.open.is_none() && length > 0 {
            self.open = Some(Run { start: self.next - length as usize, digit: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, byte by byte.
    fn plain(text: &[u8]) -> Vec<(usize, usize)> {
        let mut words = Vec::new();
        let mut start = 0;
        for end in 0..=text.len() {
            if text.get(end).is_some_and(u8::is_ascii_alphanumeric) {
                continue;
            }
            if text[start..end].iter().any(u8::is_ascii_digit) {
                let escape = text[..end].get(..=start).is_some_and(|head| {
                    [b"\\n", b"\\r", b"\\t"].iter().any(|escape| head.ends_with(*escape))
                });
                words.push((start + usize::from(escape), end));
            }
            start = end + 1;
        }
        words
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn words_are_those_found_byte_by_byte(
            pieces in prop::collection::vec(
                prop_oneof![
                    3 => "[a-z ]{0,20}",
                    2 => "[ -~é]{0,9}",
                    2 => "[0-9]{1,4}",
                    1 => "[a-zA-Z0-9]{50,200}",
                    1 => "\\\\[nrta][0-9a-z]{0,9}",
                    1 => "[a-zA-Z]{50,200}",
                ],
                0..12,
            ),
        ) {
            let text = pieces.concat();
            let found: Vec<_> =
                words(text.as_bytes()).map(|word| (word.start, word.end)).collect();
            prop_assert_eq!(found, plain(text.as_bytes()));
        }
    }
}
