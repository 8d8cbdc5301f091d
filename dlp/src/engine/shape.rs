//! A detector's pattern, run anchored at a candidate.
use regex_automata::dfa::{Automaton, StartKind, dense, sparse};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};

use super::boundary::{Side, after, free_before};
use super::{Open, Span, Window};
use crate::detectors::Edge;

/// What `{uuid}` in a pattern stands for (RFC 9562, section 4).
const UUID: &str = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";

/// The pattern with what its short words stand for.
pub(crate) fn spelled(pattern: &str) -> String {
    pattern.replace("{uuid}", UUID)
}

/// A compiled pattern: the longest match from a place on, found in one walk without going back.
pub(crate) struct Shape {
    dfa: sparse::DFA<Vec<u8>>,
    start: StateID,
}

/// What a detector looks for where one of its literals stands: perhaps something that is kept, and
/// a value.
pub(crate) struct Form {
    /// What begins with the literal and is kept; without it the value begins there.
    pub(crate) lead: Option<Box<Shape>>,
    pub(crate) body: Shape,
}

/// The bounds of a form, and what may not stand beside it.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) lead: usize,
    pub(crate) body: usize,
    pub(crate) before: Edge,
    pub(crate) after: Edge,
}

impl Form {
    /// The value of the form that begins at `at`; else from where on it is undecided, if it is.
    pub(crate) fn find(
        &self,
        window: &Window<'_>,
        at: usize,
        limits: Limits,
    ) -> Result<Span, Option<Open>> {
        let Limits { before, after: behind, .. } = limits;
        if before != Edge::Any && !free_before(window, at, |byte| before.takes(byte)) {
            return Err(None);
        }
        let start = match &self.lead {
            None => at,
            Some(lead) => {
                let walk = lead.walk(window, at, limits.lead);
                if walk.open {
                    return Err(Some(Open { from: window.len(), serious: false }));
                }
                walk.end.ok_or(None)?
            }
        };
        let open = Some(Open { from: start, serious: window.len() > start });
        let walk = self.body.walk(window, start, limits.body);
        if walk.open {
            return Err(open);
        }
        let end = walk.end.filter(|end| *end > start).ok_or(None)?;
        if behind != Edge::Any {
            match after(window, end, |byte| behind.takes(byte)) {
                Side::Taken => return Err(None),
                Side::Unknown => return Err(open),
                Side::Free => {}
            }
        }
        Ok(Span::new(start, end))
    }
}

/// Where a walk came to.
pub(crate) struct Walk {
    /// The end of the longest match.
    pub(crate) end: Option<usize>,
    /// The text ran out while a longer match was still possible.
    pub(crate) open: bool,
}

impl Shape {
    /// Compiles a pattern over bytes (no Unicode classes). `None` when it is no such pattern.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    .accelerate(false)
                    // A pattern that needs more states than this is not a small bounded one.
                    .dfa_size_limit(Some(1 << 20))
                    .determinize_size_limit(Some(1 << 22)),
            )
            .syntax(syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true))
            .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
            .build(&spelled(pattern))
            .ok()?;
        // Most states go on with few ranges of bytes: a third of the memory, for about the same time.
        let dfa = dfa.to_sparse().ok()?;
        let start = dfa.universal_start_state(Anchored::Yes)?;
        Some(Self { dfa, start })
    }

    /// Walks from `at`, `longest` bytes at most.
    pub(crate) fn walk(&self, window: &Window<'_>, at: usize, longest: usize) -> Walk {
        let mut state = self.start;
        let mut end = None;
        let part = window.part(at, at.saturating_add(longest));
        for (offset, byte) in part.iter().enumerate() {
            state = self.dfa.next_state(state, *byte);
            // The automaton says one byte later that it matched.
            if self.dfa.is_match_state(state) {
                end = Some(at + offset);
            } else if self.dfa.is_dead_state(state) {
                return Walk { end, open: false };
            }
        }
        let last = self.dfa.next_eoi_state(state);
        if self.dfa.is_match_state(last) {
            end = Some(at + part.len());
        }
        let out = part.len() < longest && window.dry(at + part.len());
        Walk { end, open: out && self.goes_on(state) }
    }

    /// The bytes that may follow this literal, whatever its case, where the pattern matches.
    pub(crate) fn next(&self, literal: &str) -> [bool; 256] {
        let mut states = vec![self.start];
        for byte in literal.bytes() {
            let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
            let next = |state: &StateID| cases.map(|byte| self.dfa.next_state(*state, byte));
            states = states.iter().flat_map(next).collect();
            states.retain(|state| !self.dfa.is_dead_state(*state));
            states.sort_unstable();
            states.dedup();
            if states.iter().any(|state| self.dfa.is_match_state(*state)) {
                // It matched before the literal was over.
                return [true; 256];
            }
        }
        let mut next = [false; 256];
        for (byte, next) in (0..=u8::MAX).zip(&mut next) {
            let dead = |state: &StateID| self.dfa.is_dead_state(self.dfa.next_state(*state, byte));
            *next = !states.iter().all(dead);
        }
        next
    }

    /// Whether any byte leads on from this state. The state behind the last byte of a match is not
    /// dead yet, though nothing may follow.
    fn goes_on(&self, state: StateID) -> bool {
        !self.dfa.is_match_state(state)
            || (0..=u8::MAX).any(|byte| !self.dfa.is_dead_state(self.dfa.next_state(state, byte)))
    }
}
