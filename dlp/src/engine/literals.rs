//! The one pass for literals.
use std::collections::HashMap;

use super::boundary::is_word;
use super::pairs::{Pairs, Triples};
use super::people;
use super::seams::Seams;
use super::sieve::{Next, Sieve};

use crate::unfold::turned::Turn;

/// Stands between texts that are looked at in one pass: no literal holds it.
pub(crate) const BETWEEN: u8 = 0;

/// What is looked at where a literal stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// The token with this number.
    Token(usize),
    /// The same, looked for in one piece alone.
    Whole(usize),
    /// The detector of the settings with this number.
    Custom(usize),
    /// A token or a print that this crate made.
    Mark,
    /// The token with this number, turned.
    Turned(usize, Turn),
    PrivateKey,
    Url,
    /// A word that a bank's code stands behind.
    Bic,
    Email,
    /// A word that tells of a person, a place or a machine.
    People(people::Kind),
    /// A root of a telling name.
    Name,
    /// A word of the quiet identifier with this number.
    Ident(usize),
    /// A word that tells of a postcode.
    Postcode,
    /// The name of the provider with this number.
    Provider(usize),
}

impl Role {
    /// Whether a token is told by it, of ours or of the settings.
    pub(crate) fn is_token(&self) -> bool {
        matches!(self, Self::Token(_) | Self::Custom(_))
    }

    /// Whether it says what words with digits are, and nothing else.
    pub(crate) fn says_of_digits(&self) -> bool {
        matches!(self, Self::Ident(_) | Self::Postcode)
    }

    /// Whether it says which words are pieces of something, and which are not.
    pub(crate) fn cuts(&self) -> bool {
        matches!(self, Self::Token(_) | Self::Mark | Self::PrivateKey)
    }

    /// Whether a secret may begin with it, or behind it.
    pub(crate) fn begins_secret(&self) -> bool {
        let other = matches!(self, Self::Turned(..) | Self::PrivateKey | Self::Url);
        self.is_token()
            || other
            || matches!(self, Self::Provider(_) | Self::People(people::Kind::Seed))
    }
}

/// All literals in one sieve, whatever their case.
pub(crate) struct Literals {
    sieve: Sieve,
    roles: Vec<Vec<Role>>,
    /// Proper beginnings of the literals that belong to the secret, lower case, sorted.
    beginnings: Vec<Vec<u8>>,
    ends: Ends,
    /// The first bytes of those that have two, those with two alone, and the last bytes of the others.
    first: Pairs,
    twos: Pairs,
    last: Triples,
    /// Of those literals and their beginnings.
    heads: Ends,
    longest: usize,
    /// Of those that tokens are told by.
    seams: Seams,
}

impl Literals {
    /// Builds the pass. Each entry has a literal, what it is for, and whether it is part of what is
    /// hidden. `next` tells which bytes may follow, if not any: a short literal stands everywhere,
    /// and is not worth a look where nothing can come of it.
    pub(crate) fn new(entries: &[(&str, Role, bool)], next: impl Fn(&str, Role) -> Next) -> Self {
        let mut texts: Vec<(Vec<u8>, Next)> = Vec::new();
        let mut roles: Vec<Vec<Role>> = Vec::new();
        let mut beginnings = Vec::new();
        let mut heads = Ends::default();
        let mut numbers: HashMap<Vec<u8>, usize> = HashMap::new();
        for (text, role, claimed) in entries {
            let next = next(text, *role);
            let text = text.to_ascii_lowercase().into_bytes();
            if *claimed {
                (1..=text.len()).filter_map(|n| text.get(..n)).for_each(|head| heads.add(head));
                beginnings.extend((1..text.len()).filter_map(|n| text.get(..n)).map(Vec::from));
            }
            let known = numbers.get(&text).copied();
            match known.and_then(|known| texts.get_mut(known).zip(roles.get_mut(known))) {
                Some(((_, known), roles)) => {
                    roles.push(*role);
                    *known = either(*known, next);
                }
                None => {
                    numbers.insert(text.clone(), texts.len());
                    texts.push((text, next));
                    roles.push(vec![*role]);
                }
            }
        }
        beginnings.sort_unstable();
        beginnings.dedup();
        let longest = beginnings.iter().map(Vec::len).max().unwrap_or(0);
        let of_token =
            texts.iter().zip(&roles).filter(|(_, roles)| roles.iter().any(Role::is_token));
        let seams = Seams::new(of_token.map(|((text, _), _)| text.as_slice()));
        let mut ends = Ends::default();
        let (mut first, mut twos, mut last) = <(Pairs, Pairs, Triples)>::default();
        for text in &beginnings {
            ends.add(text);
            text.first_chunk().into_iter().for_each(|pair| first.add(*pair));
            match text.last_chunk() {
                Some(triple) => last.add(*triple),
                None => text.first_chunk().into_iter().for_each(|pair| twos.add(*pair)),
            }
        }
        let sieve = Sieve::new(texts);
        Self { sieve, roles, beginnings, ends, first, twos, last, heads, longest, seams }
    }

    /// Where literals stand in the text and how long they are, by their beginning, with what to
    /// look at.
    pub(crate) fn find(&self, text: &[u8]) -> impl Iterator<Item = (usize, usize, &[Role])> {
        self.sieve.find(text).map(|(at, literal)| {
            let roles = self.roles.get(literal).map(Vec::as_slice).unwrap_or_default();
            (at, self.sieve.length(literal), roles)
        })
    }

    /// Those that a text begins with.
    pub(crate) fn leading(&self, text: &[u8]) -> impl Iterator<Item = (usize, &[Role])> {
        let found = self.find(text).take_while(|(at, _, _)| *at == 0);
        found.map(|(_, length, roles)| (length, roles))
    }

    /// Whether the literal of a token stands over one of the seams of a text.
    pub(crate) fn are_sewn(&self, text: &[u8], seams: &[usize]) -> bool {
        let mut around = seams.iter().filter_map(|at| self.seams.around(text, *at));
        around.any(|part| self.find(part).any(|(_, _, roles)| roles.iter().any(Role::is_token)))
    }

    /// Whether the literal of a token may stand over the seam between two texts.
    pub(crate) fn may_sew(&self, one: &[u8], two: &[u8]) -> bool {
        self.seams.may_sew(one, two)
    }

    /// Whether a text with one more byte may be a literal that belongs to a secret, or the beginning
    /// of one.
    fn may_go_on(&self, text: &[u8], next: u8) -> bool {
        let mut hash = Reversed::default();
        let bytes = text.iter().chain([&next]);
        bytes.rev().for_each(|byte| hash.add(byte.to_ascii_lowercase()));
        self.heads.holds(hash)
    }

    /// With which bytes it may.
    pub(crate) fn goes_on_with(&self, text: &[u8]) -> Bytes {
        let may = (0..=u8::MAX).filter(|next| self.may_go_on(text, *next));
        may.fold(Bytes::default(), Bytes::with)
    }

    /// How many of the text's last bytes are the beginning of a literal.
    pub(crate) fn tail(&self, text: &[u8]) -> usize {
        let mut hash = Reversed::default();
        let mut found = 0;
        let bytes = text.iter().rev().take(self.longest);
        for (length, byte) in (1..).zip(bytes) {
            hash.add(byte.to_ascii_lowercase());
            if self.ends.holds(hash) && self.is_beginning(ending(text, length)) {
                found = length;
            }
        }
        found
    }

    /// The same for beginnings of two bytes or more with nothing of a word before them: few places
    /// of a text are any.
    pub(crate) fn tail_alone(&self, text: &[u8]) -> usize {
        let longest = match text.last_chunk() {
            Some(triple) if self.last.holds(*triple) => self.longest,
            _ if text.last_chunk().is_some_and(|pair| self.twos.holds(*pair)) => 2,
            _ => return 0,
        };
        let may_begin = |length: &usize| {
            let part = ending(text, *length);
            let before = (text.len() - length).checked_sub(1).and_then(|at| text.get(at));
            !before.is_some_and(|byte| is_word(*byte))
                && part.first_chunk().is_some_and(|pair| self.first.holds(*pair))
        };
        let lengths = (2..=longest.min(text.len())).rev();
        let mut may = lengths.filter(may_begin);
        may.find(|length| self.is_beginning(ending(text, *length))).unwrap_or(0)
    }

    fn is_beginning(&self, part: &[u8]) -> bool {
        let lower = || part.iter().map(u8::to_ascii_lowercase);
        let is = |known: &Vec<u8>| known.iter().copied().cmp(lower());
        self.beginnings.binary_search_by(is).is_ok()
    }
}

/// So many of a text's last bytes.
fn ending(text: &[u8], length: usize) -> &[u8] {
    text.get(text.len() - length..).unwrap_or_default()
}

/// A set of bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bytes([u128; 2]);

impl Bytes {
    pub(crate) fn one(byte: u8) -> Self {
        Self::default().with(byte)
    }

    /// Whether the two have a byte in common.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(one, two)| one & two != 0)
    }

    pub(crate) fn with(mut self, byte: u8) -> Self {
        if let Some(half) = self.0.get_mut(usize::from(byte >> 7)) {
            *half |= 1 << (byte & 127);
        }
        self
    }

    pub(crate) fn has(self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 7)).is_some_and(|half| half & (1 << (byte & 127)) != 0)
    }
}

/// The hash of a text that is read from its end, byte by byte.
#[derive(Clone, Copy, Default)]
struct Reversed(u64);

impl Reversed {
    fn of(text: &[u8]) -> Self {
        let mut hash = Self::default();
        text.iter().rev().for_each(|byte| hash.add(*byte));
        hash
    }

    #[inline]
    fn add(&mut self, byte: u8) {
        self.0 =
            (self.0 ^ u64::from(byte) ^ 0x80).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
    }

    /// A slot and a bit of it.
    #[inline]
    fn place(self) -> (usize, u64) {
        let hash = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - ENDS_BITS);
        ((hash >> 6) as usize, 1 << (hash & 63))
    }
}

const ENDS_BITS: u32 = 19;

/// The hashes of some texts, a bit each: tells most others off.
struct Ends(Vec<u64>);

impl Default for Ends {
    fn default() -> Self {
        Self(vec![0; 1 << (ENDS_BITS - 6)])
    }
}

impl Ends {
    fn add(&mut self, text: &[u8]) {
        let (slot, bit) = Reversed::of(text).place();
        if let Some(slot) = self.0.get_mut(slot) {
            *slot |= bit;
        }
    }

    #[inline]
    fn holds(&self, hash: Reversed) -> bool {
        let (slot, bit) = hash.place();
        self.0.get(slot).is_some_and(|slot| slot & bit != 0)
    }
}

/// What may follow one or the other.
fn either(one: Next, other: Next) -> Next {
    let (mut one, other) = (one?, other?);
    one.iter_mut().zip(other).for_each(|(one, other)| *one |= other);
    Some(one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quiet::tests::{SCANNER, begun, cases, text};

    #[test]
    fn the_longest_beginning_at_the_end() {
        let entry = |text| (text, Role::Token(0), true);
        let literals =
            Literals::new(&[entry("ghp_"), entry("github_pat_"), entry("sk-ant-")], |_, _| None);
        for (text, length) in [
            ("", 0),
            ("none", 0),
            ("g", 1),
            ("a GH", 2),
            ("ghp_", 0),
            ("xghp", 3),
            ("github_pat", 10),
            ("gith sk-an", 5),
            ("a text that is longer than any literal and then gith", 4),
        ] {
            assert_eq!(literals.tail(text.as_bytes()), length, "{text}");
        }
    }

    proptest! {
        #![proptest_config(cases(2000))]

        #[test]
        fn what_stands_alone_at_the_end_is_found(
            words in prop::collection::vec(prop_oneof![begun(), text()], 1..3),
            between in prop::sample::select(vec!["", " ", "/", "-", "_"]),
        ) {
            let text = words.join(between).into_bytes();
            SCANNER.with(|scanner| {
                let literals = &scanner.surveyor.literals;
                let alone = |length: &usize| {
                    let before = (text.len() - length).checked_sub(1).map(|at| text[at]);
                    literals.is_beginning(ending(&text, *length)) && !before.is_some_and(is_word)
                };
                let naive = (2..=text.len()).rev().find(alone).unwrap_or(0);
                prop_assert_eq!(literals.tail_alone(&text), naive);
                Ok(())
            })?;
        }
    }
}
