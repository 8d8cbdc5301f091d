//! Identifiers that only their shape, their check digits and the words around them tell.
//!
//! Facts are from what the issuers publish, mostly as gathered by the OECD's and the European
//! Commission's pages on tax identification numbers, the VIES rules and national statutes; each
//! entry names its source.
use crate::finding::Grade;

mod africa;
mod americas;
mod asia_east;
mod asia_south;
mod asia_west;
mod documents;
mod europe_east;
mod europe_north;
mod europe_south;
mod europe_west;
mod health;
mod north_america;
mod topics;
mod vat;
mod world;

pub(crate) use topics::{TOPICS, Topics, topic};

/// The tables.
pub(crate) const IDENTS: &[&[Ident]] = &[
    africa::IDENTS,
    americas::IDENTS,
    asia_east::IDENTS,
    asia_south::IDENTS,
    asia_west::IDENTS,
    documents::IDENTS,
    europe_east::IDENTS,
    europe_north::IDENTS,
    europe_south::IDENTS,
    europe_west::IDENTS,
    health::IDENTS,
    north_america::IDENTS,
    vat::IDENTS,
    world::IDENTS,
];

/// What most have in common.
pub(crate) const IDENT: Ident = Ident {
    name: "",
    class: "",
    tag: NATIONAL,
    about: "",
    source: "",
    shapes: &[],
    check: crate::engine::check_digits::any,
    topics: topic::NONE,
    words: &[],
    fillers: false,
    told: CHECKED,
    examples: &[],
    counter_examples: &[],
};

/// An identifier.
pub(crate) struct Ident {
    /// A stable name.
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    /// What replaces it.
    pub(crate) tag: &'static str,
    /// What it is, for the documentation.
    pub(crate) about: &'static str,
    /// Where its shape and its check digits are described.
    pub(crate) source: &'static str,
    /// How it is written, in the notation of `engine::ident::notation`.
    pub(crate) shapes: &'static [&'static str],
    /// Whether letters (upper case) and digits, without what joins them, are right.
    pub(crate) check: fn(&[u8]) -> bool,
    /// What kinds of number it is: the words for these tell it.
    pub(crate) topics: Topics,
    /// Words of its own, lower case, with blanks for what joins them.
    pub(crate) words: &'static [&'static str],
    /// Digits in a row are taken for a number, too.
    pub(crate) fillers: bool,
    pub(crate) told: Told,
    pub(crate) examples: &'static [&'static str],
    pub(crate) counter_examples: &'static [&'static str],
}

/// How sure it is, by what stands around it. `None` is no finding.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    /// Anywhere, without groups.
    pub(crate) bare: Option<Grade>,
    /// Anywhere, in the groups that it is written in.
    pub(crate) grouped: Option<Grade>,
    /// When it is all that a text says.
    pub(crate) alone: Option<Grade>,
    /// Where a word says what it is.
    pub(crate) said: Option<Grade>,
}

/// Hardly any other text looks like it: several check digits, a date, letters at their places.
pub(crate) const STRONG: Told = Told {
    bare: Some(Grade::Likely),
    grouped: Some(Grade::Likely),
    alone: Some(Grade::Likely),
    said: Some(Grade::Certain),
};

/// One number in ten or eleven passes, and fewer when it is written in groups.
pub(crate) const CHECKED: Told = Told {
    bare: Some(Grade::Possible),
    grouped: Some(Grade::Possible),
    alone: Some(Grade::Likely),
    said: Some(Grade::Certain),
};

/// As [`CHECKED`], with groups that nothing else is written in.
pub(crate) const GROUPED: Told = Told { grouped: Some(Grade::Likely), ..CHECKED };

/// No check digit, but a shape of letters and digits that is its own.
pub(crate) const FORMED: Told = Told {
    bare: Some(Grade::Possible),
    grouped: Some(Grade::Possible),
    alone: Some(Grade::Likely),
    said: Some(Grade::Likely),
};

/// No check digit, but groups that nothing else is written in.
pub(crate) const WRITTEN: Told = Told { grouped: Some(Grade::Likely), ..FORMED };

/// No check digit, and groups or a word: by themselves the digits are too common.
pub(crate) const WRITTEN_ONLY: Told = Told { bare: None, alone: None, ..WRITTEN };

/// A check digit, and groups or a word: by themselves the digits are too common.
pub(crate) const GROUPED_ONLY: Told = Told { bare: None, alone: None, ..GROUPED };

/// Only a word tells.
pub(crate) const SAID: Told =
    Told { bare: None, grouped: None, alone: None, said: Some(Grade::Likely) };

/// Only a word tells, and a check digit makes it sure.
pub(crate) const SAID_CHECKED: Told = Told { said: Some(Grade::Certain), ..SAID };

pub(crate) const NATIONAL: &str = "[REDACTED:NATIONAL-ID]";
pub(crate) const TAX: &str = "[REDACTED:TAX-ID]";
pub(crate) const PASSPORT: &str = "[REDACTED:PASSPORT]";
pub(crate) const LICENCE: &str = "[REDACTED:DRIVING-LICENCE]";
pub(crate) const SOCIAL: &str = "[REDACTED:SOCIAL-SECURITY]";
pub(crate) const PLATE: &str = "[REDACTED:VEHICLE-PLATE]";
pub(crate) const COMPANY: &str = "[REDACTED:COMPANY-ID]";
pub(crate) const HEALTH: &str = "[REDACTED:HEALTH-ID]";
pub(crate) const BANK: &str = "[REDACTED:BANK-ACCOUNT]";
pub(crate) const DEVICE: &str = "[REDACTED:DEVICE-ID]";
pub(crate) const CVV: &str = "[REDACTED:CVV]";
pub(crate) const VOTER: &str = "[REDACTED:VOTER-ID]";

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Ident> {
    IDENTS.iter().copied().flatten()
}
