//! The one pass for literals.
use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use crate::unfold::turned::Turn;

/// What is looked at where a literal stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// The token with this number.
    Token(usize),
    /// The detector of the settings with this number.
    Custom(usize),
    /// A token or a print that this crate made.
    Mark,
    /// The token with this number, turned.
    Turned(usize, Turn),
    PrivateKey,
    Url,
    Email,
    /// A root of a telling name.
    Name,
}

/// All literals in one automaton, whatever their case.
pub(crate) struct Literals {
    automaton: AhoCorasick,
    roles: Vec<Vec<Role>>,
    /// Proper beginnings of the literals that belong to the secret, lower case, sorted.
    beginnings: Vec<Vec<u8>>,
    longest: usize,
}

impl Literals {
    /// Builds the pass. `claimed` tells whether the literal is part of what is hidden.
    pub(crate) fn new(entries: &[(&str, Role, bool)]) -> Result<Self, BuildError> {
        let mut texts: Vec<String> = Vec::new();
        let mut roles: Vec<Vec<Role>> = Vec::new();
        let mut beginnings = Vec::new();
        for (text, role, claimed) in entries {
            let text = text.to_ascii_lowercase();
            if *claimed {
                let bytes = text.as_bytes();
                beginnings.extend((1..bytes.len()).filter_map(|n| bytes.get(..n)).map(Vec::from));
            }
            let known = texts.iter().position(|known| *known == text);
            match known.and_then(|known| roles.get_mut(known)) {
                Some(roles) => roles.push(*role),
                None => {
                    texts.push(text);
                    roles.push(vec![*role]);
                }
            }
        }
        beginnings.sort_unstable();
        beginnings.dedup();
        let longest = beginnings.iter().map(Vec::len).max().unwrap_or(0);
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            // Overlapping search needs this kind.
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(&texts)?;
        Ok(Self { automaton, roles, beginnings, longest })
    }

    /// Where literals stand in the text, by their end, with what to look at.
    pub(crate) fn find(&self, text: &[u8]) -> impl Iterator<Item = (usize, usize, &[Role])> {
        self.automaton.find_overlapping_iter(text).map(|found| {
            let roles = self.roles.get(found.pattern().as_usize());
            (found.start(), found.len(), roles.map(Vec::as_slice).unwrap_or_default())
        })
    }

    /// How many of the text's last bytes are the beginning of a literal.
    pub(crate) fn tail(&self, text: &[u8]) -> usize {
        let mut lower = [0_u8; 64];
        let longest = self.longest.min(lower.len()).min(text.len());
        let Some(last) = text.len().checked_sub(longest).and_then(|at| text.get(at..)) else {
            return 0;
        };
        let Some(lower) = lower.get_mut(..longest) else { return 0 };
        lower.copy_from_slice(last);
        lower.make_ascii_lowercase();
        let is_beginning = |length: &usize| {
            lower.get(longest - length..).is_some_and(|part| {
                self.beginnings.binary_search_by(|known| known.as_slice().cmp(part)).is_ok()
            })
        };
        (1..=longest).rev().find(is_beginning).unwrap_or(0)
    }
}
