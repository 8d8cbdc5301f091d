//! The engine: one pass for literals and one for digits, and at each candidate the detector's own
//! bounded check. Cost follows candidates, not detectors.
//!
//! Every check answers [`Outcome`]: nothing, a hit, or *open* when only bytes that have not come
//! yet can tell. A check looks at no more than [`LOOK_BEHIND`] bytes before its candidate, so that
//! the same text gives the same answer however it was cut.
pub(crate) mod assign;
pub(crate) mod begins;
pub(crate) mod bic;
pub(crate) mod bits;
pub(crate) mod boundary;
mod chain;
pub(crate) mod check_digits;
pub(crate) mod checks;
pub(crate) mod codes;
pub(crate) mod context;
pub(crate) mod crypto;
pub(crate) mod custom;
pub(crate) mod digits;
pub(crate) mod email;
pub(crate) mod everyday;
pub(crate) mod glance;
pub(crate) mod hidden;
pub(crate) mod hit;
pub(crate) mod iban;
pub(crate) mod ident;
pub(crate) mod ip;
pub(crate) mod key;
pub(crate) mod letters;
pub(crate) mod literals;
pub(crate) mod mac;
pub(crate) mod neighbour;
pub(crate) mod paired;
mod pairs;
pub(crate) mod pem;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod phone;
pub(crate) mod place;
pub(crate) mod postcode;
pub(crate) mod ranges;
pub(crate) mod seams;
pub(crate) mod seed;
pub(crate) mod shape;
mod sieve;
pub(crate) mod survey;
pub(crate) mod token;
pub(crate) mod track;
pub(crate) mod url;
pub(crate) mod value;
pub(crate) mod window;
pub(crate) mod words;
pub(crate) mod written;

pub(crate) use hit::{Hit, Open, Outcome, Span};
pub(crate) use window::Window;

/// How far before a candidate a check may look: a URL's user information (256) and its scheme, or
/// a key's name and its quotes.
pub(crate) const LOOK_BEHIND: usize = 320;
