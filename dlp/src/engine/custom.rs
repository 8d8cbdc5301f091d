//! Detectors that settings bring, and what they change about the built-in ones.
use std::collections::HashMap;

use super::checks;
use super::context;
use super::hit::Rank;
use super::shape::{Form, Limits};
use super::{Hit, Outcome, Window};
use crate::class::Class;
use crate::detectors::Edge;
use crate::finding::Grade;
use crate::name::Name;
use crate::settings::Validator;

/// The longest value of such a detector, and the longest that may stand kept in front of it.
pub(crate) const LONGEST: usize = 512;
const LIMITS: Limits =
    Limits { lead: 96, body: LONGEST, before: Edge::Alphanumeric, after: Edge::Alphanumeric };

/// A detector of the settings, compiled.
pub(crate) struct Custom {
    pub(crate) name: Name,
    pub(crate) class: Class,
    pub(crate) tag: Name,
    pub(crate) grade: Grade,
    pub(crate) form: Form,
    pub(crate) validator: Option<Validator>,
    /// One of these words stands shortly before, when there are any.
    pub(crate) context: Vec<String>,
}

impl Custom {
    /// Looks whether a value begins with the literal at `at`, or behind what it begins.
    pub(crate) fn check(&self, window: &Window<'_>, at: usize) -> Outcome {
        let secret = match self.form.find(window, at, LIMITS) {
            Ok(secret) => secret,
            Err(open) => return open.map_or(Outcome::Nothing, Outcome::Open),
        };
        let value = window.part(secret.start, secret.end);
        let valid = self.validator.is_none_or(|validator| passes(validator, value));
        if !valid || !self.is_said(window, at) {
            return Outcome::Nothing;
        }
        Outcome::Hit(Hit::new(
            (self.name.clone(), self.class.clone()),
            self.grade,
            secret,
            (self.tag.clone(), Rank::Token),
        ))
    }

    fn is_said(&self, window: &Window<'_>, at: usize) -> bool {
        let before = context::before(window, at);
        self.context.is_empty()
            || self.context.iter().any(|word| context::holds(before, word.as_bytes()))
    }
}

fn passes(validator: Validator, value: &[u8]) -> bool {
    match validator {
        Validator::Luhn => {
            let digits: Vec<u8> =
                value.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect();
            digits.len() > 1 && checks::luhn(&digits)
        }
        Validator::Mod97 => mod97(value),
        Validator::Entropy(least) => checks::entropy(value) >= least.bits(),
        Validator::Mixed => {
            value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
        }
    }
}

/// ISO 7064 MOD 97-10 over letters and digits as they stand: the rest is one.
fn mod97(value: &[u8]) -> bool {
    checks::rest_97(value.iter().filter(|byte| byte.is_ascii_alphanumeric())) == Some(1)
}

/// What settings change about detectors, by name: another grade, or none.
#[derive(Default)]
pub(crate) struct Tuning(pub(crate) HashMap<String, Option<Grade>>);

impl Tuning {
    /// Takes out what is switched off and gives the rest its grade.
    pub(crate) fn apply(&self, hits: &mut Vec<Hit>) {
        if self.0.is_empty() {
            return;
        }
        hits.retain_mut(|hit| match self.0.get(hit.detector.as_str()) {
            None => true,
            Some(None) => false,
            Some(Some(grade)) => {
                hit.grade = *grade;
                true
            }
        });
    }
}
