//! The detectors as data: one table per family, each entry with what it is for, what it finds and
//! what it must not.
//!
//! Tokens have a prefix of their own and stand in the tables. Shapes that have none (cards,
//! accounts, addresses, URLs, values behind telling names, private key blocks) have a file each in
//! `engine` and are described here.
use serde::Serialize;

use crate::class::family;
use crate::engine::{assign, boundary, checks, digits, iban, pem, url, value};
use crate::finding::Grade;
use crate::known;

mod cloud;
mod code;
mod contact;
mod content;
mod crypto;
mod ids;
mod models;
pub(crate) mod neighbours;
mod network;
mod notation;
mod page;
mod payment;
mod person;
mod personal;
mod secrets;
mod services;
mod tokens;

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
    tokens::agents::TOKENS,
    tokens::builds::TOKENS,
    tokens::commands::TOKENS,
    tokens::customers::TOKENS,
    tokens::guards::TOKENS,
    tokens::hashes::TOKENS,
    tokens::ids::TOKENS,
    tokens::money::TOKENS,
    tokens::plain::TOKENS,
    tokens::platforms::TOKENS,
    tokens::products::TOKENS,
    tokens::shops::TOKENS,
    tokens::stacks::TOKENS,
    tokens::studios::TOKENS,
    tokens::talk::TOKENS,
    tokens::watchers::TOKENS,
];

/// The tables of shapes.
const SHAPES: &[&[ShapeEntry]] = &[
    contact::SHAPES,
    content::SHAPES,
    crypto::SHAPES,
    network::SHAPES,
    payment::SHAPES,
    person::SHAPES,
    personal::SHAPES,
    secrets::SHAPES,
];

/// Public rule sets that publish the shapes of tokens whose makers do not.
pub(crate) const BETTERLEAKS: &str =
    "https://github.com/betterleaks/betterleaks/blob/main/config/betterleaks.toml";
pub(crate) const CREDSWEEPER: &str =
    "https://github.com/Samsung/CredSweeper/blob/main/credsweeper/rules/config.yaml";
pub(crate) const KINGFISHER: &str =
    "https://github.com/mongodb/kingfisher/tree/main/crates/kingfisher-rules/data";
pub(crate) const TRUFFLEHOG: &str =
    "https://github.com/trufflesecurity/trufflehog/tree/main/pkg/detectors";

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
    /// Whether others use the prefix as well: what begins so and is no such token may be another.
    pub(crate) shared: bool,
    /// Whether it is looked for in one piece alone: its literal is short, and many an id that goes on
    /// in the next string would be one.
    pub(crate) whole: bool,
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
    shared: false,
    whole: false,
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

/// A token of whose maker's shape only public rule sets tell.
pub(crate) const fn listed(
    name: &'static str,
    class: &'static str,
    tag: &'static str,
    literals: &'static [&'static str],
    body: &'static str,
    about: &'static str,
    examples: &'static [&'static str],
) -> Detector {
    let token = token(name, class, tag, literals, body, about, examples);
    Detector { source: KINGFISHER, check: lively, ..token }
}

/// The same with a literal so short that names and ids begin with it.
pub(crate) const fn short(
    name: &'static str,
    class: &'static str,
    tag: &'static str,
    literals: &'static [&'static str],
    body: &'static str,
    about: &'static str,
    examples: &'static [&'static str],
) -> Detector {
    let listed = listed(name, class, tag, literals, body, about, examples);
    Detector { before: Edge::Name, after: Edge::Name, check: varied, whole: true, ..listed }
}

/// The shape says it all.
pub(crate) fn always(_: &[u8], grade: Grade) -> Option<Grade> {
    Some(grade)
}

/// Not one character over and over, as in a form to fill in.
pub(crate) fn lively(body: &[u8], grade: Grade) -> Option<Grade> {
    const LONG_BYTES: usize = 20;
    const FEWEST_BITS: f64 = 1.3;
    let tail = body.get(body.len() / 2..).unwrap_or_default();
    (body.len() < LONG_BYTES || checks::entropy(tail) >= FEWEST_BITS).then_some(grade)
}

/// A letter and a digit at least, so that no name in words is taken for a token.
pub(crate) fn mixed(body: &[u8], grade: Grade) -> Option<Grade> {
    let digit = body.iter().any(u8::is_ascii_digit);
    (digit && body.iter().any(u8::is_ascii_alphabetic)).then_some(grade)
}

/// Small and great letters and digits: a short token that is no name.
pub(crate) fn varied(body: &[u8], grade: Grade) -> Option<Grade> {
    let any = |is: fn(&u8) -> bool| body.iter().any(is);
    let all = any(u8::is_ascii_digit) && any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase);
    all.then_some(grade)
}

/// A value that somebody has chosen, and no place for one.
pub(crate) fn chosen(body: &[u8], grade: Grade) -> Option<Grade> {
    (!value::is_stand_in(body) && !boundary::has_tag(body)).then_some(grade)
}

/// The same where prose may stand: a word in small letters is only possible.
pub(crate) fn stated(body: &[u8], grade: Grade) -> Option<Grade> {
    let prose = body.iter().all(|byte| byte.is_ascii_lowercase() || b".,:?!".contains(byte));
    chosen(body, if prose { grade.min(Grade::Possible) } else { grade })
}

/// Made by a machine: not one character over and over, and no words.
pub(crate) fn made(body: &[u8], grade: Grade) -> Option<Grade> {
    lively(body, grade).filter(|_| !checks::is_wordy(body))
}

/// A value that somebody has chosen, and no word of a sentence: a digit or a sign is in it.
pub(crate) fn typed(body: &[u8], grade: Grade) -> Option<Grade> {
    let telling = |byte: &u8| !byte.is_ascii_alphabetic() && !b"-_.,:;".contains(byte);
    chosen(body, grade).filter(|_| body.iter().any(telling))
}

fn shapes() -> impl Iterator<Item = &'static ShapeEntry> {
    SHAPES.iter().copied().flatten()
}

/// The classes of all detectors, not sorted.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    let tokens = DETECTORS.iter().copied().flatten().map(|detector| detector.class);
    let shapes = shapes().map(|shape| shape.class).chain(idents().map(|ident| ident.class));
    let named = neighbours::classes().chain([assign::AWS_CLASS]);
    tokens.chain(shapes).chain(named).chain(known::CLASSES)
}

/// All detectors.
pub(crate) fn catalogue() -> impl Iterator<Item = CatalogueEntry> {
    let tokens = DETECTORS.iter().copied().flatten();
    let shapes = shapes().map(CatalogueEntry::from);
    tokens.map(CatalogueEntry::from).chain(shapes).chain(idents().map(CatalogueEntry::from))
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

impl From<&'static Ident> for CatalogueEntry {
    fn from(ident: &'static Ident) -> Self {
        let &Ident { name, class, about, source, examples, counter_examples, .. } = ident;
        let (grade, literals) = (ident.told.said, &[][..]);
        Self { name, class, about, source, grade, literals, examples, counter_examples }
    }
}

/// A detector without a literal prefix, described here and checked in `engine`.
pub(crate) struct ShapeEntry {
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    pub(crate) about: &'static str,
    /// Where its form is laid down, or who describes it in public.
    pub(crate) source: &'static str,
    pub(crate) examples: &'static [&'static str],
    pub(crate) counter_examples: &'static [&'static str],
}

pub(crate) use contact::plans;
pub(crate) use content::INJECTION;
pub(crate) use ids::{Ident, TOPICS, Topics, all as idents};
pub(crate) use {
    assign::CLASS as GENERIC, digits::PAN, digits::SSN, iban::CLASS as IBAN,
    pem::CLASS as PRIVATE_KEY, url::CLASS as URL_CREDENTIALS,
};

#[cfg(test)]
mod tests;
