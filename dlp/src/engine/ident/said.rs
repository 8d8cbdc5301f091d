//! What the words around an identifier say about it.
use std::collections::{HashMap, HashSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::super::boundary::{Side, tag_after};
use super::super::context::{CONTEXT_BYTES, before};
use super::super::{Window, context};
use crate::detectors::{Ident, TOPICS, Topics};

/// How far behind an identifier a word may say what it is.
const AFTER_BYTES: usize = 32;
/// Twice what is looked at: a blank may go before every letter.
const PLAIN_BYTES: usize = CONTEXT_BYTES * 2;
/// A word at least this long may stand within a longer one: `Reisepassnummer`.
const LONG_WORD: usize = 6;
/// So many sets of 64 detectors.
const SETS: usize = 8;

/// What was said: kinds of number, and detectors by their own words.
#[derive(Clone, Copy, Default)]
pub(crate) struct Said {
    topics: Topics,
    idents: [u64; SETS],
    /// A name was said that only one kind of number has.
    proper: bool,
}

impl Said {
    pub(crate) fn names(&self, number: usize) -> bool {
        let set = self.idents.get(number / 64).copied().unwrap_or(0);
        set & (1 << (number % 64)) != 0
    }

    /// Whether any is called by a name that no other has.
    pub(crate) fn names_one(&self) -> bool {
        self.proper
    }

    pub(crate) fn tells(&self, number: usize, ident: &Ident) -> bool {
        self.topics & ident.topics != 0 || self.names(number)
    }

    fn add(&mut self, word: &Word) {
        self.topics |= word.topics;
        self.proper |= word.proper;
        for number in &word.idents {
            if let Some(set) = self.idents.get_mut(number / 64) {
                *set |= 1 << (number % 64);
            }
        }
    }
}

/// What a word says.
#[derive(Default)]
struct Word {
    topics: Topics,
    idents: Vec<usize>,
    proper: bool,
}

/// All words of all detectors in one automaton.
pub(crate) struct Words {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

impl Words {
    pub(crate) fn new<'i>(idents: impl Iterator<Item = &'i Ident>) -> Result<Self, BuildError> {
        let mut texts: Vec<String> = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut word = |text: &str, add: &mut dyn FnMut(&mut Word)| {
            for text in cases(text) {
                let known = texts.iter().position(|known| *known == text).unwrap_or_else(|| {
                    texts.push(text);
                    words.push(Word::default());
                    texts.len() - 1
                });
                if let Some(word) = words.get_mut(known) {
                    add(word);
                }
            }
        };
        for (topic, list) in TOPICS {
            for text in *list {
                word(text, &mut |word| word.topics |= topic);
            }
        }
        let idents: Vec<&Ident> = idents.collect();
        let proper = proper(&idents);
        for (number, ident) in idents.iter().enumerate() {
            for text in ident.words {
                let proper = proper.contains(text);
                word(text, &mut |word| {
                    word.idents.push(number);
                    word.proper |= proper;
                });
            }
        }
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(&texts)?;
        Ok(Self { automaton, words })
    }

    /// What is said shortly before `start`.
    pub(crate) fn before(&self, window: &Window<'_>, start: usize) -> Said {
        self.read(before(window, start))
    }

    /// What is said in the same line, string or clause shortly behind `end`; `None` when only
    /// bytes still to come can tell.
    pub(crate) fn after(&self, window: &Window<'_>, end: usize) -> Option<Said> {
        let stop = window.run(end, AFTER_BYTES, |byte| !b"\r\n\"{}[];|<>,".contains(&byte));
        if window.dry(stop) && stop < end + AFTER_BYTES {
            return None;
        }
        if window.byte(stop) == Some(b'[') && tag_after(window, stop) == Side::Unknown {
            return None;
        }
        Some(self.read(window.part(end, stop)))
    }

    fn read(&self, text: &[u8]) -> Said {
        let mut plain = [0_u8; PLAIN_BYTES];
        let plain = context::plain(text, &mut plain);
        let mut said = Said::default();
        for found in self.automaton.find_overlapping_iter(plain) {
            let Some(word) = self.words.get(found.pattern().as_usize()) else { continue };
            if found.len() >= LONG_WORD || stands_alone(plain, found.start(), found.end()) {
                said.add(word);
            }
        }
        said
    }
}

/// The names that numbers of one class alone have. A word of every day is none.
fn proper(idents: &[&Ident]) -> HashSet<&'static str> {
    const USUAL: [&str; 28] = [
        "plates",
        "bike",
        "saudi",
        "reg",
        "car",
        "provider",
        "certificate",
        "dmv",
        "account",
        "praxis",
        "transit",
        "routing",
        "voter",
        "bangladeshi",
        "arzt",
        "perso",
        "ausweis",
        "matricule",
        "epic",
        "pan",
        "acct",
        "prescriber",
        "run",
        "sin",
        "fin",
        "tic",
        "sim",
        "uid",
    ];
    let mut classes: HashMap<&'static str, &str> = HashMap::new();
    let mut shared: HashSet<&'static str> = HashSet::new();
    for ident in idents {
        for word in ident.words {
            if classes.insert(word, ident.class).is_some_and(|class| class != ident.class) {
                shared.insert(word);
            }
        }
    }
    let name = |word: &&str| word.len() >= 3 && !word.contains(' ') && !USUAL.contains(word);
    classes.into_keys().filter(name).filter(|word| !shared.contains(word)).collect()
}

/// The word as it is, all in capitals and with one, with ASCII in lower case as in what is read.
fn cases(word: &str) -> Vec<String> {
    let capital = |letter: char| letter.to_uppercase().collect::<String>();
    let first = word.chars().next().map(capital).unwrap_or_default();
    let rest: String = word.chars().skip(1).collect();
    let mut cases = vec![word.to_owned(), word.to_uppercase(), first + &rest];
    cases.iter_mut().for_each(|case| case.make_ascii_lowercase());
    cases.sort_unstable();
    cases.dedup();
    cases
}

/// Whether the word at this place is no part of a longer one; a plural is the same word.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let is_letter = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let plural = text.get(end) == Some(&b's') && !is_letter(end + 1);
    !start.checked_sub(1).is_some_and(is_letter) && (plural || !is_letter(end))
}
