//! Whether a literal may stand over a seam, where one text ends and the next begins.
//!
//! A literal that stands in neither of two texts but in both together has a few of its bytes right
//! before the seam and a few right behind it. Whether such bytes occur in any literal is looked up
//! in a table of 8 KiB, which tells most seams off, and for the others in a list; where they do, the
//! seam is looked at in full.

use super::pairs::Pairs;

/// So many bytes of a literal stand around the seam; shorter literals are looked up whole.
const WINDOW: usize = 4;
const TABLE_BITS: u32 = 16;

/// Parts of literals, built once.
pub(crate) struct Seams {
    table: Vec<u64>,
    /// Bytes that stand beside each other in any literal.
    pairs: Pairs,
    /// All of them by their length, sorted.
    parts: Vec<(usize, u32)>,
    /// How long what is looked up may be.
    lengths: Vec<usize>,
    longest: usize,
}

impl Seams {
    /// Of literals in lower case.
    pub(crate) fn new<'l>(literals: impl Iterator<Item = &'l [u8]>) -> Self {
        let mut seams = Self {
            table: vec![0; 1 << (TABLE_BITS - 6)],
            pairs: Pairs::default(),
            parts: Vec::new(),
            lengths: Vec::new(),
            longest: 0,
        };
        for literal in literals {
            seams.longest = seams.longest.max(literal.len());
            let length = WINDOW.min(literal.len().max(1));
            if !seams.lengths.contains(&length) {
                seams.lengths.push(length);
            }
            literal.array_windows().for_each(|pair| seams.pairs.add(*pair));
            for part in literal.windows(length) {
                let folded = folded(part);
                let (slot, bit) = place(folded);
                if let Some(slot) = seams.table.get_mut(slot) {
                    *slot |= bit;
                }
                seams.parts.push((length, folded));
            }
        }
        seams.parts.sort_unstable();
        seams.parts.dedup();
        seams
    }

    /// Whether a literal may stand over the seam at `at`; [`WINDOW`] bytes on both sides tell.
    fn may_hold(&self, text: &[u8], at: usize) -> bool {
        let pair = at.checked_sub(1).and_then(|from| text.get(from..)?.first_chunk());
        if !pair.is_some_and(|pair| self.pairs.holds(*pair)) {
            return false;
        }
        self.lengths.iter().any(|length| self.crosses(text, at, *length))
    }

    /// Whether a part of this length stands over the seam at `at`.
    fn crosses(&self, text: &[u8], at: usize, length: usize) -> bool {
        (1..length).any(|before| {
            let from = at.checked_sub(before);
            let part = from.and_then(|from| text.get(from..from + length));
            part.is_some_and(|part| self.holds(folded(part), length))
        })
    }

    #[inline]
    fn holds(&self, folded: u32, length: usize) -> bool {
        let (slot, bit) = place(folded);
        self.table.get(slot).is_some_and(|slot| slot & bit != 0)
            && self.parts.binary_search(&(length, folded)).is_ok()
    }

    /// Whether a literal may stand over the seam between two texts. What is shorter than a literal's
    /// part does not tell.
    pub(crate) fn may_sew(&self, one: &[u8], two: &[u8]) -> bool {
        const SIDE: usize = WINDOW - 1;
        let (Some(last), Some(first)) = (one.last(), two.first()) else { return true };
        if !self.pairs.holds([*last, *first]) {
            return false;
        }
        match (one.last_chunk::<SIDE>(), two.first_chunk::<SIDE>()) {
            (Some([a, b, c]), Some([d, e, f])) => {
                let around = [*a, *b, *c, *d, *e, *f];
                let mut shorter = self.lengths.iter().filter(|length| **length < WINDOW);
                around.array_windows::<WINDOW>().any(|part| self.holds(folded(part), WINDOW))
                    || shorter.any(|length| self.crosses(&around, SIDE, *length))
            }
            _ => true,
        }
    }

    /// The stretch of a text in which a literal may stand over the seam at `at`.
    pub(crate) fn around<'t>(&self, text: &'t [u8], at: usize) -> Option<&'t [u8]> {
        self.may_hold(text, at).then(|| {
            let end = text.len().min(at + self.longest);
            text.get(at.saturating_sub(self.longest)..end).unwrap_or_default()
        })
    }
}

/// Letters lose their case. Some signs become others: what counts is that no literal is missed.
fn folded(part: &[u8]) -> u32 {
    match *part {
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) | 0x2020_2020,
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]) | 0x0020_2020,
        _ => part.iter().fold(0, |all: u32, byte| all << 8 | u32::from(byte | 0x20)),
    }
}

fn place(folded: u32) -> (usize, u64) {
    let hash = folded.wrapping_mul(0x9E37_79B1) >> (u32::BITS - TABLE_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_over_a_seam_is_not_missed() {
        let literals = ["sk", "ghp", "akia", "github_pat_"];
        let seams = Seams::new(literals.iter().map(|text| text.as_bytes()));
        for literal in literals {
            for at in 1..literal.len() {
                let text = format!("of {}", literal.to_uppercase());
                assert!(seams.around(text.as_bytes(), at + 3).is_some(), "{literal} at {at}");
                let (one, two) = text.as_bytes().split_at(at + 3);
                assert!(seams.may_sew(one, two), "{literal} at {at}");
            }
        }
        let text = b"one of two things that are not the same";
        assert!((1..text.len()).all(|at| seams.around(text, at).is_none()));
        assert!((3..text.len() - 3).all(|at| !seams.may_sew(&text[..at], &text[at..])));
    }
}
