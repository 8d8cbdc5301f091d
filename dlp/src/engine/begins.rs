//! What texts end in, and whether a secret may begin with it.
use super::literals::{BETWEEN, Role};
use super::survey::{Surveyor, is_between};
use super::{LOOK_BEHIND, Span, crypto, everyday, url};

/// Whether a text ends in what a secret may begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Begins {
    /// No.
    No,
    /// It ends in so many bytes of a literal.
    Literal(usize),
    /// Only a look can tell.
    Perhaps,
}

impl Surveyor {
    /// Whether more text could make a secret of what each of the texts ends in. All are looked at in
    /// one pass: most are short, and to begin costs more than their bytes do.
    pub(crate) fn begin_secrets(&self, texts: &[&[u8]]) -> Vec<Begins> {
        let mut sheet = Vec::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
        let mut told = Vec::with_capacity(texts.len());
        let mut ends = Vec::with_capacity(texts.len());
        for text in texts {
            sheet.extend_from_slice(text);
            ends.push(sheet.len());
            sheet.push(BETWEEN);
            told.push(self.ends_in(text));
        }
        let mut nth = 0;
        for (at, length, roles) in self.literals.find(&sheet) {
            while ends.get(nth).is_some_and(|end| *end <= at) {
                nth += 1;
            }
            let (Some(end), Some(told)) = (ends.get(nth), told.get_mut(nth)) else { continue };
            let length_of = texts.get(nth).map_or(0, |text| text.len());
            let text = Span::new(end - length_of, *end);
            if *told != Begins::Perhaps && at_literal(&sheet, text, at + length, roles) {
                *told = Begins::Perhaps;
            }
        }
        told
    }

    /// What the last bytes of a text alone tell.
    pub(crate) fn ends_in(&self, text: &[u8]) -> Begins {
        if crypto::may_begin_key(text) && !everyday::ends_in_uuid(text) {
            return Begins::Perhaps;
        }
        match self.literals.tail_alone(text) {
            0 | 1 => Begins::No,
            known => Begins::Literal(known),
        }
    }

    /// Whether a literal that a secret may begin with stands over a seam, or could with more text.
    pub(crate) fn sews_secret(&self, text: &[u8], seam: usize) -> bool {
        let mut found = self.literals.find(text);
        let over = |at: usize, length: usize| at < seam && at + length > seam;
        found.any(|(at, length, roles)| over(at, length) && roles.iter().any(Role::begins_secret))
            || self.literals.tail(text) > text.len() - seam
    }
}

/// Whether a secret may begin with a literal that ends at a place in a text, or behind it, and go on
/// in more text. `sheet` is where the text stands.
pub(crate) fn at_literal(sheet: &[u8], text: Span, end: usize, roles: &[Role]) -> bool {
    // Over the end of a text stands nothing, and of a long one only the end counts.
    let from = text.start.max(text.end.saturating_sub(LOOK_BEHIND));
    let part = |from: usize| sheet.get(from..text.end).unwrap_or_default();
    end > from
        && end <= text.end
        && roles.iter().any(|role| goes_on(*role, part(end)))
        && !everyday::ends_in_uuid(part(text.start))
}

/// Whether what a literal begins may go on behind the rest of its text.
fn goes_on(role: Role, rest: &[u8]) -> bool {
    match role {
        Role::Token(_) | Role::Turned(..) => rest.iter().all(|byte| !is_between(*byte)),
        Role::Url => url::goes_on(rest),
        role => role.begins_secret(),
    }
}
