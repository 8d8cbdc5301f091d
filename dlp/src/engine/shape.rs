//! A detector's pattern, run anchored at a candidate.
use regex_automata::dfa::{Automaton, StartKind, dense, sparse};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};

use super::boundary::{Side, after, free_before};
use super::chain::Chains;
use super::{Open, Span, Window};
use crate::detectors::Edge;

/// What `{uuid}` in a pattern stands for (RFC 9562, section 4).
const UUID: &str = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";

/// The pattern with what its short words stand for.
pub(crate) fn spelled(pattern: &str) -> String {
    pattern.replace("{uuid}", UUID)
}

/// A compiled pattern: the longest match from a place on, found in one walk without going back.
pub(crate) enum Shape {
    /// Bytes of some kinds one behind the other.
    Chains(Chains),
    /// Anything else.
    Automaton(Box<Automata>),
}

/// An automaton, and where it begins.
pub(crate) struct Automata {
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
                    // The value may begin where the lead ends so far.
                    let (from, serious) = walk.end.map_or((window.len(), false), |end| (end, true));
                    return Err(Some(Open { from, serious }));
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
        let pattern = spelled(pattern);
        let hir = syntax::parse_with(&pattern, &bytes()).ok()?;
        match Chains::of(&hir) {
            Some(chains) => Some(Self::Chains(chains)),
            None => Automata::new(&pattern).map(Box::new).map(Self::Automaton),
        }
    }

    /// Walks from `at`, `longest` bytes at most.
    pub(crate) fn walk(&self, window: &Window<'_>, at: usize, longest: usize) -> Walk {
        match self {
            Self::Chains(chains) => chains.walk(window, at, longest),
            Self::Automaton(automaton) => automaton.walk(window, at, longest),
        }
    }

    /// The bytes that may follow this literal, whatever its case, where the pattern matches.
    pub(crate) fn next(&self, literal: &str) -> [bool; 256] {
        match self {
            Self::Chains(chains) => chains.next(literal),
            Self::Automaton(automaton) => automaton.next(literal),
        }
    }
}

/// How patterns are read: over bytes, and a full stop is any of them.
fn bytes() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true)
}

impl Automata {
    fn new(pattern: &str) -> Option<Self> {
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
            .syntax(bytes())
            .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
            .build(pattern)
            .ok()?;
        // Most states go on with few ranges of bytes: a third of the memory, for about the same time.
        let dfa = dfa.to_sparse().ok()?;
        let start = dfa.universal_start_state(Anchored::Yes)?;
        Some(Self { dfa, start })
    }

    fn walk(&self, window: &Window<'_>, at: usize, longest: usize) -> Walk {
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

    fn next(&self, literal: &str) -> [bool; 256] {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

    use super::*;
    use crate::detectors::DETECTORS;

    /// All patterns of the detectors, and some of other forms.
    fn patterns() -> Vec<String> {
        let made = [
            "a{3}",
            "a{2,4}b",
            "a?b?c",
            "(?:ab|cd)e{1,}",
            "(?:ab){2,3}c",
            "",
            "x[0-9]{2,}(?:-y)?",
            "a{0,2}",
            "[ab]{1,3}c?d{2}",
            "(?:a|ab)c",
            "[0-9]{2,4}[a-z]?-",
            "[a-z]{2,4}end",
            "a{1,3}ab",
            "(?:ab?)?b",
        ];
        let tokens = DETECTORS.iter().copied().flatten();
        let parts = tokens.flat_map(|token| [token.lead, token.body]);
        parts.chain(made).map(spelled).collect()
    }

    fn both(pattern: &str) -> (Option<Chains>, Automata) {
        let hir = syntax::parse_with(pattern, &bytes()).unwrap();
        (Chains::of(&hir), Automata::new(pattern).unwrap())
    }

    /// Texts that the pattern matches, or nearly.
    fn near(pattern: &str) -> impl Strategy<Value = Vec<u8>> {
        let strategy = proptest::string::bytes_regex(&format!("(?s-u:{pattern})")).unwrap();
        let more = prop_oneof![
            3 => Just(Vec::new()),
            1 => "[ -~]{1,3}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 1..3),
        ];
        (strategy, more, any::<prop::sample::Index>(), prop::option::of(any::<u8>())).prop_map(
            |(mut text, more, at, other)| {
                text.extend(more);
                if let Some(other) = other.filter(|_| !text.is_empty()) {
                    let at = at.index(text.len());
                    text[at] = other;
                }
                text
            },
        )
    }

    #[test]
    fn chains_find_what_automata_do() {
        let (all, mut chained) = (patterns(), 0);
        for pattern in &all {
            let (Some(chains), automaton) = both(pattern) else { continue };
            chained += 1;
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            let config =
                ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) };
            TestRunner::new_with_rng(config, rng)
                .run(&(near(pattern), any::<bool>(), 0_usize..80), |(text, ended, longest)| {
                    let window = Window { ended, ..Window::whole(&text) };
                    for longest in [longest, 4096] {
                        let walk = |walk: Walk| (walk.end, walk.open);
                        let one = walk(chains.walk(&window, 0, longest));
                        let two = walk(automaton.walk(&window, 0, longest));
                        prop_assert_eq!(one, two, "{} {:?} {}", pattern, &text, longest);
                    }
                    Ok(())
                })
                .unwrap();
        }
        assert!(chained * 10 > all.len() * 8, "{} of {}", chained, all.len());
    }

    #[test]
    fn the_same_bytes_follow_a_literal() {
        for token in DETECTORS.iter().copied().flatten() {
            let begins = if token.lead.is_empty() { token.body } else { token.lead };
            let pattern = spelled(begins);
            let (Some(chains), automaton) = both(&pattern) else { continue };
            for literal in token.literals.iter().copied().chain(["", "a", "zz"]) {
                assert!(chains.next(literal) == automaton.next(literal), "{pattern} {literal}");
            }
        }
    }
}
