//! Tokens: a literal, perhaps something kept in front, and a body with a shape of its own.
use super::hit::Rank;
use super::shape::{Form, Limits, Shape};
use super::{Hit, Outcome, Window};
use crate::detectors::Detector;

/// A detector of the table with its patterns compiled.
pub(crate) struct Token {
    detector: &'static Detector,
    form: Form,
}

/// What may be kept in front of a secret: a scheme, quotes, blanks.
const LEAD_BYTES: usize = 256;

impl Token {
    /// `None` when a pattern of the detector does not compile.
    pub(crate) fn new(detector: &'static Detector) -> Option<Self> {
        let lead = match detector.lead {
            "" => None,
            pattern => Some(Box::new(Shape::new(pattern)?)),
        };
        Some(Self { detector, form: Form { lead, body: Shape::new(detector.body)? } })
    }

    /// The bytes that may follow this literal.
    pub(crate) fn next(&self, literal: &str) -> [bool; 256] {
        self.form.lead.as_deref().unwrap_or(&self.form.body).next(literal)
    }

    /// Whether what begins with the literal is such a token or none at all.
    pub(crate) fn owns(&self, literal: &[u8]) -> bool {
        const SHORT_BYTES: usize = 4;
        !self.detector.shared
            && self.form.lead.is_none()
            && literal.len() >= SHORT_BYTES
            && literal.iter().any(|byte| b"_-.".contains(byte))
    }

    /// Whether it may begin behind this byte.
    pub(crate) fn stands_behind(&self, byte: u8) -> bool {
        !self.detector.before.takes(byte)
    }

    /// Looks whether a token begins with the literal at `at`.
    pub(crate) fn check(&self, window: &Window<'_>, at: usize) -> Outcome {
        let Detector { name, class, tag, longest, before, after, .. } = *self.detector;
        let limits = Limits { lead: LEAD_BYTES, body: longest, before, after };
        let secret = match self.form.find(window, at, limits) {
            Ok(secret) => secret,
            Err(open) => return open.map_or(Outcome::Nothing, Outcome::Open),
        };
        let body = window.part(secret.start, secret.end);
        if is_filler(body) || is_digest(window, secret.start) {
            return Outcome::Nothing;
        }
        let Some(grade) = (self.detector.check)(body, self.detector.grade) else {
            return Outcome::Nothing;
        };
        let rank = if self.detector.yields { Rank::Shape } else { Rank::Token };
        Outcome::Hit(Hit::new((name, class), grade, secret, (tag, rank)))
    }
}

/// Whether what begins here is a digest that says so and is as long as one: `sha256=r8_…` (PEP 376),
/// `sha512-…` (SRI), `h1:…` (Go).
fn is_digest(window: &Window<'_>, start: usize) -> bool {
    const SIGNS: [(&[u8], usize); 5] =
        [(b"sha256=", 43), (b"sha256-", 43), (b"sha384-", 64), (b"sha512-", 86), (b"h1:", 43)];
    SIGNS.iter().any(|(sign, letters)| {
        let run = || {
            let end = window.run(start, letters + 1, |byte| {
                byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
            });
            end - start
        };
        window.part(start.saturating_sub(sign.len()), start) == *sign && run() == *letters
    })
}

/// `ghp_xxxxxxxxxxxx`, `sk-YOUR_KEY_HERE`: a form to fill in.
fn is_filler(body: &[u8]) -> bool {
    const WORDS: [&[u8]; 5] = [b"YOUR_", b"_HERE", b"your_", b"_here", b"your-"];
    let crosses = body.iter().filter(|byte| matches!(byte, b'x' | b'X' | b'*')).count();
    crosses * 2 > body.len()
        || body.ends_with(b"Here")
        || WORDS.iter().any(|word| memchr::memmem::find(body, word).is_some())
}
