//! Tokens: a literal, perhaps something kept in front, and a body with a shape of its own.
use super::boundary::{Side, after, free_before};
use super::hit::Rank;
use super::shape::Shape;
use super::{Hit, Open, Outcome, Span, Window};
use crate::detectors::{Detector, Edge};

/// A detector of the table with its patterns compiled.
pub(crate) struct Token {
    detector: &'static Detector,
    lead: Option<Shape>,
    body: Shape,
}

/// What may be kept in front of a secret: a scheme, quotes, blanks.
const LEAD_BYTES: usize = 256;

impl Token {
    /// `None` when a pattern of the detector does not compile.
    pub(crate) fn new(detector: &'static Detector) -> Option<Self> {
        let lead = match detector.lead {
            "" => None,
            pattern => Some(Shape::new(pattern)?),
        };
        Some(Self { detector, lead, body: Shape::new(detector.body)? })
    }

    /// The bytes that may follow this literal.
    pub(crate) fn next(&self, literal: &str) -> [bool; 256] {
        self.lead.as_ref().unwrap_or(&self.body).next(literal)
    }

    /// Whether what begins with the literal is such a token or none at all.
    pub(crate) fn owns(&self, literal: &[u8]) -> bool {
        const SHORT_BYTES: usize = 4;
        !self.detector.shared
            && self.lead.is_none()
            && literal.len() >= SHORT_BYTES
            && literal.iter().any(|byte| b"_-.".contains(byte))
    }

    /// Looks whether a token begins with the literal at `at`.
    pub(crate) fn check(&self, window: &Window<'_>, at: usize) -> Outcome {
        let detector = self.detector;
        if detector.before != Edge::Any
            && !free_before(window, at, |byte| detector.before.takes(byte))
        {
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
        self.body(window, start)
    }

    fn body(&self, window: &Window<'_>, start: usize) -> Outcome {
        let detector = self.detector;
        let open = Outcome::Open(Open { from: start, serious: window.len() > start });
        let walk = self.body.walk(window, start, detector.longest);
        if walk.open {
            return open;
        }
        let Some(end) = walk.end else { return Outcome::Nothing };
        if detector.after != Edge::Any {
            match after(window, end, |byte| detector.after.takes(byte)) {
                Side::Taken => return Outcome::Nothing,
                Side::Unknown => return open,
                Side::Free => {}
            }
        }
        if is_filler(window.part(start, end)) {
            return Outcome::Nothing;
        }
        let Some(grade) = (detector.check)(window.part(start, end), detector.grade) else {
            return Outcome::Nothing;
        };
        Outcome::Hit(Hit::new(
            (detector.name, detector.class),
            grade,
            Span::new(start, end),
            (detector.tag, if detector.yields { Rank::Shape } else { Rank::Token }),
        ))
    }
}

/// `ghp_xxxxxxxxxxxx`: a form to fill in.
fn is_filler(body: &[u8]) -> bool {
    let crosses = body.iter().filter(|byte| matches!(byte, b'x' | b'X' | b'*')).count();
    crosses * 2 > body.len()
}
