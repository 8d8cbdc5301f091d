//! Which letters a text has: most words are not in a name because a letter of theirs is not.

/// A set of letters, whatever their case. Other bytes share the bits of letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Letters(u32);

impl Letters {
    pub(crate) const fn of(text: &[u8]) -> Self {
        let mut bits = 0;
        let mut rest = text;
        while let Some((byte, more)) = rest.split_first() {
            bits |= 1 << (*byte & 31);
            rest = more;
        }
        Self(bits)
    }

    /// Whether a text with these letters may hold a word with those.
    pub(crate) const fn may_hold(self, word: Self) -> bool {
        self.0 & word.0 == word.0
    }

    /// Whether it may hold any of some words: told of all at once, since most hold none.
    pub(crate) fn may_hold_any<const N: usize>(self, words: &[Self; N]) -> bool {
        words.iter().fold(false, |any, word| any | self.may_hold(*word))
    }
}

/// The letters of each word.
pub(crate) const fn of_all<const N: usize>(words: &[&[u8]; N]) -> [Letters; N] {
    let mut all = [Letters(0); N];
    let mut slots: &mut [Letters] = &mut all;
    let mut rest: &[&[u8]] = words;
    while let (Some((slot, more)), Some((word, words))) =
        (slots.split_first_mut(), rest.split_first())
    {
        *slot = Letters::of(word);
        slots = more;
        rest = words;
    }
    all
}
