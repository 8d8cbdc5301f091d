//! Mistakes while they are collected, and what must not be shown of the source.
use std::collections::BTreeSet;
use std::ops::Range;

use crate::mistakes::{Mistake, Mistakes};
use crate::tree::{Entry, Kind, Node, Place};
use crate::words;

/// How many mistakes are told. A file with more is not the file that was meant.
const MISTAKES_MAX: usize = 200;

/// Collects mistakes and what must not be shown.
#[derive(Default)]
pub(crate) struct Errata {
    drafts: Vec<Draft>,
    /// The latest of those that are only counted, so that `help` has a home.
    beyond: Option<Draft>,
    more: usize,
    hidden: Vec<(Range<usize>, Cover)>,
    syntax: bool,
}

/// A mistake before it is sealed with its source.
pub(crate) struct Draft {
    pub(crate) place: Place,
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Draft {
    /// Says what would be right.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

/// How some bytes are kept from the reader of a mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cover {
    /// Blanks in their place: comments.
    Blanks,
    /// Stars in their place: values of keys that nobody knows.
    Stars,
    /// Their lines are not shown at all: what may be a secret.
    Lines,
}

impl Errata {
    /// Adds a mistake.
    pub(crate) fn add(
        &mut self,
        place: Place,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Draft {
        let draft = Draft { place, path: path.into(), message: message.into(), help: None };
        if self.is_full() {
            self.more += 1;
            return self.beyond.insert(draft);
        }
        self.drafts.push_mut(draft)
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Whether more mistakes are only counted. What is costly to say need not be said then.
    pub(crate) fn is_full(&self) -> bool {
        self.drafts.len() >= MISTAKES_MAX
    }

    /// Keeps bytes from the reader.
    pub(crate) fn conceal(&mut self, bytes: Range<usize>, cover: Cover) {
        if !bytes.is_empty() {
            self.hidden.push((bytes, cover));
        }
    }

    /// Says that there is no tree, so that nothing is known about which words may be secret.
    pub(crate) fn broken_syntax(&mut self) {
        self.syntax = true;
    }

    /// Keeps from the reader what may be secret by its key or by its looks.
    pub(crate) fn conceal_secrets(&mut self, node: &Node) {
        for entry in node.entries() {
            if words::looks_secret(&entry.key) {
                self.conceal(entry.extent.clone(), Cover::Lines);
            }
            if words::names_secret(&entry.key) && !is_section(entry) {
                entry.value.extents(&mut |bytes| self.conceal(bytes, Cover::Lines));
            } else {
                self.conceal_secrets(&entry.value);
            }
        }
        match &node.kind {
            Kind::List(items) => {
                items.iter().for_each(|item| self.conceal_secrets(item));
            }
            Kind::Text(text) if words::looks_secret(text) => {
                self.conceal(node.extent.clone(), Cover::Lines);
            }
            _ => {}
        }
    }

    /// Seals the mistakes with what may be shown of the source. `known` are the words that keys
    /// are made of.
    pub(crate) fn seal(
        mut self,
        file_name: &str,
        text: &str,
        known: &BTreeSet<String>,
    ) -> Mistakes {
        if self.more > 0 {
            let message = format!("{} more mistakes are not shown", self.more);
            self.drafts.push(Draft {
                place: Place::Whole,
                path: String::new(),
                message,
                help: None,
            });
        }
        let (shown, dark) = if self.syntax {
            (skeleton(text, known), dark_words(text))
        } else {
            (masked(text, &self.hidden), dark_lines(text, &self.hidden))
        };
        self.drafts.sort_by_key(|draft| match &draft.place {
            Place::File { bytes, .. } => (0, bytes.start),
            Place::Variable(_) => (1, 0),
            Place::Whole => (2, 0),
        });
        Mistakes::new(
            file_name,
            shown,
            self.drafts.into_iter().map(|draft| {
                let dark = matches!(draft.place, Place::File { line, .. } if dark.contains(&line));
                Mistake::new(draft, dark)
            }),
        )
    }
}

/// Whether a key that sounds like a secret is that of a list of settings, `credentials`.
fn is_section(entry: &Entry) -> bool {
    let is_map = |item: &Node| matches!(item.kind, Kind::Map(_));
    let Kind::List(items) = &entry.value.kind else { return false };
    entry.key == "credentials" && !items.is_empty() && items.iter().all(is_map)
}

/// The text with every concealed byte covered; all offsets and lines stay what they were.
fn masked(text: &str, hidden: &[(Range<usize>, Cover)]) -> String {
    let mut covers: Vec<Option<u8>> = vec![None; text.len()];
    for (bytes, cover) in hidden {
        let Some(covers) = covers.get_mut(bytes.clone()) else { continue };
        // Three stars whatever the length: a secret's length is nobody's business either.
        let stars = if *cover == Cover::Blanks { 0 } else { 3 };
        for (nth, byte) in covers.iter_mut().enumerate() {
            *byte = Some(if nth < stars { b'*' } else { b' ' });
        }
    }
    let mut shown = String::with_capacity(text.len());
    for (start, char) in text.char_indices() {
        match covers.get(start).copied().flatten() {
            Some(byte) if char != '\n' && char != '\r' => {
                for _ in 0..char.len_utf8() {
                    shown.push(char::from(byte));
                }
            }
            _ => shown.push(char),
        }
    }
    shown
}

/// The lines, from 1, that touch something that may be secret.
fn dark_lines(text: &str, hidden: &[(Range<usize>, Cover)]) -> BTreeSet<usize> {
    let breaks: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |byte: usize| breaks.partition_point(|at| *at < byte) + 1;
    hidden
        .iter()
        .filter(|(_, cover)| *cover == Cover::Lines)
        .flat_map(|(bytes, _)| line(bytes.start)..=line(bytes.end.saturating_sub(1)))
        .collect()
}

/// The text with only its punctuation and the known keys: without a tree nobody can say which
/// word is a secret, and punctuation is what a syntax mistake is about.
fn skeleton(text: &str, known: &BTreeSet<String>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut word = String::new();
    for char in text.chars().chain(std::iter::once('\0')) {
        if char.is_alphanumeric() || char == '_' {
            word.push(char);
            continue;
        }
        if char == ':' && known.contains(&word) {
            shown.push_str(&word);
        } else {
            word.bytes().for_each(|_| shown.push('*'));
        }
        word.clear();
        if char != '\0' {
            shown.push(char);
        }
    }
    shown
}

/// The lines, from 1, that speak of a secret.
fn dark_words(text: &str) -> BTreeSet<usize> {
    let speaks = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(words::names_secret)
            || words::looks_secret(line)
    };
    text.lines().enumerate().filter(|(_, line)| speaks(line)).map(|(nth, _)| nth + 1).collect()
}
