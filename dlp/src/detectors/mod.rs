//! The detectors as data: one table per family, each entry with what it is for, what it finds and
//! what it must not.
//!
//! Tokens have a prefix of their own and stand in the tables. Shapes that have none (cards,
//! accounts, addresses, URLs, values behind telling names, private key blocks) have a file each in
//! `engine` and are described here.
use serde::Serialize;

use crate::class::family;
use crate::engine::{assign, digits, email, iban, pem, url};
use crate::finding::Grade;
use crate::known;

mod cloud;
mod code;
mod content;
mod models;
mod notation;
mod page;
mod payment;
mod personal;
mod secrets;
mod services;

pub use notation::expand;
pub use page::detectors_page;

/// The tables of tokens.
pub(crate) const DETECTORS: &[&[Detector]] = &[
    secrets::TOKENS,
    cloud::TOKENS,
    code::TOKENS,
    models::TOKENS,
    services::TOKENS,
    content::TOKENS,
];

/// A token with literals of its own.
///
/// Patterns are over bytes, without Unicode classes. They need no upper bound: `longest` is it.
pub(crate) struct Detector {
    /// A stable name.
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    /// What it is, for the documentation.
    pub(crate) about: &'static str,
    /// Where that is written in public.
    pub(crate) source: &'static str,
    /// What replaces it.
    pub(crate) tag: &'static str,
    /// Where to look; whatever the case. The pattern decides about case.
    pub(crate) literals: &'static [&'static str],
    /// What begins with the literal and is kept; the literal begins the body when this is empty.
    pub(crate) lead: &'static str,
    /// The secret.
    pub(crate) body: &'static str,
    /// The longest body.
    pub(crate) longest: usize,
    /// What may not stand before.
    pub(crate) before: Edge,
    /// What may not stand behind.
    pub(crate) after: Edge,
    pub(crate) grade: Grade,
    /// The last word: the grade for these bytes, or none.
    pub(crate) check: fn(&[u8], Grade) -> Option<Grade>,
    /// Whether `name=[REDACTED]` is shown when it stands behind a telling name.
    pub(crate) yields: bool,
    /// Texts in which it is found, in the notation of [`expand`].
    pub(crate) examples: &'static [&'static str],
    /// Texts in which it is not.
    pub(crate) counter_examples: &'static [&'static str],
}

/// Which bytes beside a token would make it part of something longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edge {
    /// None: whatever stands there.
    Any,
    /// Letters and digits.
    Alphanumeric,
    /// Letters, digits and `_`.
    Word,
    /// Letters, digits, `_` and `-`.
    Name,
}

impl Edge {
    pub(crate) fn takes(self, byte: u8) -> bool {
        match self {
            Self::Any => false,
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Name => byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
        }
    }
}

/// What most tokens have in common.
pub(crate) const TOKEN: Detector = Detector {
    name: "",
    class: "secret.generic",
    about: "",
    source: "",
    tag: "[REDACTED]",
    literals: &[],
    lead: "",
    body: "",
    longest: 512,
    before: Edge::Alphanumeric,
    after: Edge::Any,
    grade: Grade::Certain,
    check: always,
    yields: false,
    examples: &[],
    counter_examples: &[],
};

/// A token that its prefix and shape tell beyond doubt.
pub(crate) const fn token(
    name: &'static str,
    class: &'static str,
    tag: &'static str,
    literals: &'static [&'static str],
    body: &'static str,
    about: &'static str,
    examples: &'static [&'static str],
) -> Detector {
    Detector { name, class, about, tag, literals, body, examples, ..TOKEN }
}

/// The shape says it all.
pub(crate) fn always(_: &[u8], grade: Grade) -> Option<Grade> {
    Some(grade)
}

/// A letter and a digit at least, so that no name in words is taken for a token.
pub(crate) fn mixed(body: &[u8], grade: Grade) -> Option<Grade> {
    let digit = body.iter().any(u8::is_ascii_digit);
    (digit && body.iter().any(u8::is_ascii_alphabetic)).then_some(grade)
}

/// The tables of what has no literal of its own.
const SHAPES: &[&[ShapeEntry]] =
    &[payment::SHAPES, personal::SHAPES, secrets::SHAPES, content::SHAPES];

fn shapes() -> impl Iterator<Item = &'static ShapeEntry> {
    SHAPES.iter().copied().flatten()
}

/// The classes of all detectors, not sorted.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    let tokens = DETECTORS.iter().copied().flatten().map(|detector| detector.class);
    tokens.chain(shapes().map(|shape| shape.class)).chain([assign::AWS_CLASS]).chain(known::CLASSES)
}

/// All detectors.
pub(crate) fn catalogue() -> impl Iterator<Item = CatalogueEntry> {
    let tokens = DETECTORS.iter().copied().flatten();
    tokens.map(CatalogueEntry::from).chain(shapes().map(CatalogueEntry::from))
}

/// A detector as the documentation shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct CatalogueEntry {
    /// The stable name.
    pub name: &'static str,
    /// What it reports.
    pub class: &'static str,
    /// What that is.
    pub about: &'static str,
    /// Where it is written in public; empty when nowhere.
    pub source: &'static str,
    /// How sure it is of what it finds; none when only the surroundings tell.
    pub grade: Option<Grade>,
    /// Where it looks; none when it looks for a shape.
    pub literals: &'static [&'static str],
    /// Texts in which it is found, in the notation of [`expand`].
    pub examples: &'static [&'static str],
    /// Texts in which it is not.
    pub counter_examples: &'static [&'static str],
}

impl CatalogueEntry {
    /// What stands before the dot of its class.
    pub fn family(&self) -> &'static str {
        family(self.class)
    }
}

impl From<&'static Detector> for CatalogueEntry {
    fn from(token: &'static Detector) -> Self {
        let &Detector { name, class, about, source, literals, examples, counter_examples, .. } =
            token;
        let grade = Some(token.grade);
        Self { name, class, about, source, grade, literals, examples, counter_examples }
    }
}

impl From<&'static ShapeEntry> for CatalogueEntry {
    fn from(shape: &'static ShapeEntry) -> Self {
        let &ShapeEntry { name, class, about, source, examples, counter_examples } = shape;
        let (grade, literals) = (None, &[][..]);
        Self { name, class, about, source, grade, literals, examples, counter_examples }
    }
}

/// A detector without a literal prefix, described here and checked in `engine`.
pub(crate) struct ShapeEntry {
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    pub(crate) about: &'static str,
    pub(crate) source: &'static str,
    pub(crate) examples: &'static [&'static str],
    pub(crate) counter_examples: &'static [&'static str],
}

pub(crate) use content::INJECTION;
pub(crate) use {
    assign::CLASS as GENERIC, digits::PAN, digits::SSN, email::CLASS as EMAIL, iban::CLASS as IBAN,
    pem::CLASS as PRIVATE_KEY, url::CLASS as URL_CREDENTIALS,
};

#[cfg(test)]
pub(crate) mod tests;
