//! Detectors that settings bring, and what they change about the built-in ones.
use std::collections::HashMap;

use super::boundary::{Side, after, free_before};
use super::checks;
use super::context;
use super::hit::Rank;
use super::shape::Shape;
use super::{Hit, Open, Outcome, Span, Window};
use crate::class::Class;
use crate::finding::Grade;
use crate::name::Name;
use crate::settings::Validator;

/// The longest value of such a detector, and the longest that may stand kept in front of it.
pub(crate) const LONGEST: usize = 512;
const LEAD_BYTES: usize = 96;

/// A detector of the settings, compiled.
pub(crate) struct Custom {
    pub(crate) name: Name,
    pub(crate) class: Class,
    pub(crate) tag: Name,
    pub(crate) grade: Grade,
    /// What begins with the literal and is kept.
    pub(crate) lead: Option<Shape>,
    pub(crate) body: Shape,
    pub(crate) validator: Option<Validator>,
    /// One of these words stands shortly before, when there are any.
    pub(crate) context: Vec<String>,
}

impl Custom {
    /// Looks whether a value begins with the literal at `at`, or behind what it begins.
    pub(crate) fn check(&self, window: &Window<'_>, at: usize) -> Outcome {
        if !free_before(window, at, |byte| byte.is_ascii_alphanumeric()) {
            return Outcome::Nothing;
        }
        let start = match &self.lead {
            None => at,
            Some(lead) => {
                let walk = lead.walk(window, at, LEAD_BYTES);
                if walk.open {
                    return Outcome::Open(Open { from: window.len(), serious: false });
                }
                let Some(end) = walk.end else { return Outcome::Nothing };
                end
            }
        };
        let open = Outcome::Open(Open { from: start, serious: window.len() > start });
        let walk = self.body.walk(window, start, LONGEST);
        if walk.open {
            return open;
        }
        let Some(end) = walk.end.filter(|end| *end > start) else { return Outcome::Nothing };
        match after(window, end, |byte| byte.is_ascii_alphanumeric()) {
            Side::Taken => return Outcome::Nothing,
            Side::Unknown => return open,
            Side::Free => {}
        }
        let value = window.part(start, end);
        let valid = self.validator.is_none_or(|validator| passes(validator, value));
        if !valid || !self.is_said(window, at) {
            return Outcome::Nothing;
        }
        Outcome::Hit(Hit::new(
            (self.name.clone(), self.class.clone()),
            self.grade,
            Span::new(start, end),
            (self.tag.clone(), Rank::Token),
        ))
    }

    fn is_said(&self, window: &Window<'_>, at: usize) -> bool {
        let before = context::before(window, at);
        self.context.is_empty()
            || self
                .context
                .iter()
                .map(String::as_bytes)
                .any(|word| before.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
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
    let mut rest = 0_u32;
    for byte in value {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A') + 10,
            b'a'..=b'z' => rest * 100 + u32::from(byte - b'a') + 10,
            _ => rest,
        } % 97;
    }
    rest == 1
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
