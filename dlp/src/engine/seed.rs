//! Phrases of words that wallets are restored from (BIP-39), behind the word that announces one.
use sha2::{Digest, Sha256};

use super::boundary::{Side, tag_after};
use super::hit::Rank;
use super::{Hit, Open, Outcome, Span, Window};
use crate::finding::Grade;

pub(crate) const DETECTOR: &str = "seed-phrase";
pub(crate) const CLASS: &str = "secret.seed_phrase";
pub(crate) const LITERALS: [&str; 7] =
    ["mnemonic", "seed", "recovery", "bip39", "bip-39", "secret phrase", "backup phrase"];

/// The English list of BIP-39, as its repository publishes it: one word a line, sorted.
const LIST: &str = include_str!("../detectors/crypto/english.txt");
/// How far behind its name a phrase may begin.
const AHEAD: usize = 40;
const WORDS: usize = 24;
/// A number, a quote, a comma and a line's end between two words.
const GAP: usize = 6;

/// Looks behind the name at `at`.
pub(crate) fn behind(window: &Window<'_>, at: usize, length: usize) -> Outcome {
    let mut start = at + length;
    let stop = start + AHEAD;
    while start < stop {
        start = window.run(start, stop - start, |byte| !byte.is_ascii_lowercase() && byte != b'[');
        // A tag is not passed: it may be shorter than what it replaced.
        match tag_after(window, start) {
            Side::Taken => return Outcome::Nothing,
            Side::Unknown => return Outcome::Open(Open { from: start, serious: false }),
            Side::Free => {}
        }
        let end = window.run(start, 9, |byte| byte.is_ascii_lowercase());
        let alone = !window.before(start).is_some_and(|byte| byte.is_ascii_alphanumeric());
        let phrase = Phrase::read(window, start);
        if phrase.open && alone {
            return Outcome::Open(Open { from: start, serious: phrase.count > 2 });
        }
        if alone && phrase.count >= 12 {
            return phrase.hit(window, start);
        }
        start = end.max(start + 1);
    }
    Outcome::Nothing
}

struct Phrase {
    numbers: [u16; WORDS],
    ends: [usize; WORDS],
    count: usize,
    open: bool,
}

impl Phrase {
    fn read(window: &Window<'_>, start: usize) -> Self {
        let mut phrase = Self { numbers: [0; WORDS], ends: [0; WORDS], count: 0, open: false };
        let mut at = start;
        while phrase.count < WORDS {
            let end = window.run(at, 9, |byte| byte.is_ascii_lowercase());
            if window.dry(end) {
                phrase.open = end > start || phrase.count > 0;
                return phrase;
            }
            let whole =
                !window.byte(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let Some(number) = number(window.part(at, end)).filter(|_| whole) else {
                return phrase;
            };
            match tag_after(window, end) {
                Side::Free => {}
                Side::Taken => return phrase,
                Side::Unknown => {
                    phrase.open = true;
                    return phrase;
                }
            }
            if let (Some(slot), Some(stop)) =
                (phrase.numbers.get_mut(phrase.count), phrase.ends.get_mut(phrase.count))
            {
                *slot = number;
                *stop = end;
            }
            phrase.count += 1;
            at = window.run(end, GAP, |byte| !byte.is_ascii_alphabetic() && byte != b'[');
            if window.dry(at) && phrase.count < WORDS {
                phrase.open = true;
                return phrase;
            }
        }
        phrase
    }

    fn hit(&self, window: &Window<'_>, start: usize) -> Outcome {
        let right = [24, 21, 18, 15, 12].into_iter().find(|count| {
            self.numbers.get(..*count).is_some_and(|words| *count <= self.count && checked(words))
        });
        let words = right.unwrap_or(self.count);
        let Some(end) = words.checked_sub(1).and_then(|at| self.ends.get(at)) else {
            return Outcome::Nothing;
        };
        // Twelve words of a list of common ones stand in many a sentence's place; not in a row.
        let grade = if right.is_some() { Grade::Certain } else { Grade::Likely };
        if tag_after(window, *end) == Side::Taken {
            return Outcome::Nothing;
        }
        Outcome::Hit(Hit::new(
            (DETECTOR, CLASS),
            grade,
            Span::new(start, *end),
            ("[REDACTED-SEED-PHRASE]", Rank::Token),
        ))
    }
}

/// Which word of the list it is.
fn number(word: &[u8]) -> Option<u16> {
    if !(3..=8).contains(&word.len()) {
        return None;
    }
    let list = LIST.as_bytes();
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start =
            list.get(..middle)?.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let length = list.get(start..)?.iter().position(|byte| *byte == b'\n')?;
        match list.get(start..start + length)?.cmp(word) {
            std::cmp::Ordering::Equal => {
                let before = list.get(..start)?.iter().filter(|byte| **byte == b'\n').count();
                return u16::try_from(before).ok();
            }
            std::cmp::Ordering::Less => low = start + length + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// Eleven bits a word; of every 33 the last is one of the digest of all the others.
fn checked(words: &[u16]) -> bool {
    let mut bytes = [0_u8; 33];
    for (at, word) in words.iter().enumerate() {
        for bit in 0..11 {
            let place = at * 11 + bit;
            if word >> (10 - bit) & 1 == 1
                && let Some(byte) = bytes.get_mut(place / 8)
            {
                *byte |= 0x80 >> (place % 8);
            }
        }
    }
    let check = words.len() / 3;
    let entropy = (words.len() * 11 - check) / 8;
    let Some(digest) = bytes.get(..entropy).map(Sha256::digest) else { return false };
    let (Some(own), Some(right)) = (bytes.get(entropy), digest.first()) else { return false };
    (own ^ right) >> (8 - check) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_sorted() {
        let words: Vec<&str> = LIST.lines().collect();
        assert_eq!(words.len(), 2048);
        assert!(words.is_sorted());
        for (at, word) in words.iter().enumerate() {
            assert_eq!(number(word.as_bytes()), u16::try_from(at).ok(), "{word}");
        }
        assert_eq!(number(b"zzz"), None);
    }
}
