//! The sieve finds what an Aho-Corasick automaton finds, in any text, whatever the literals.
use aho_corasick::{AhoCorasick, MatchKind};
use proptest::prelude::*;

use super::Sieve;

fn expected(literals: &[Vec<u8>], text: &[u8]) -> Vec<(usize, usize)> {
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(literals)
        .unwrap();
    let found = automaton.find_overlapping_iter(text);
    let mut found: Vec<_> = found.map(|hit| (hit.start(), hit.pattern().as_usize())).collect();
    found.sort_by_key(|(at, literal)| (*at, usize::MAX - literals[*literal].len()));
    found
}

fn check(literals: &[Vec<u8>], text: &[u8]) -> Result<(), TestCaseError> {
    let found: Vec<_> =
        Sieve::new(literals.iter().map(|text| (text.clone(), None)).collect()).find(text).collect();
    prop_assert_eq!(found, expected(literals, text), "{:?} in {:?}", literals, text);
    Ok(())
}

fn some(literals: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::btree_set(literals, 1..40).prop_map(|all| all.into_iter().collect())
}

/// Literals that overlap and hold one another, of few letters.
fn near() -> impl Strategy<Value = Vec<Vec<u8>>> {
    some("[ab_]{1,20}".prop_map(String::into_bytes))
}

fn far() -> impl Strategy<Value = Vec<Vec<u8>>> {
    some("[a-z0-9@:/_ -]{1,24}".prop_map(String::into_bytes))
}

/// A text that is rich in these literals, in any case and at any place.
fn rich(literals: Vec<Vec<u8>>) -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>)> {
    let known = prop::sample::select(literals.clone());
    let piece = prop_oneof![
        3 => known.clone(),
        2 => known.clone().prop_map(|text| text.to_ascii_uppercase()),
        1 => (known, any::<prop::sample::Index>()).prop_map(|(mut text, cut)| {
            text.truncate(cut.index(text.len()));
            text
        }),
        1 => "[ -~]{0,9}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..70),
    ];
    let text = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
    (Just(literals), text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finds_near_literals((literals, text) in near().prop_flat_map(rich)) {
        check(&literals, &text)?;
    }

    #[test]
    fn finds_far_literals((literals, text) in far().prop_flat_map(rich)) {
        check(&literals, &text)?;
    }

    #[test]
    fn finds_in_few_letters(literals in near(), text in "[abAB_]{0,900}") {
        check(&literals, text.as_bytes())?;
    }

    #[test]
    fn finds_in_any_bytes(literals in far(), text in prop::collection::vec(any::<u8>(), 0..700)) {
        check(&literals, &text)?;
    }
}
