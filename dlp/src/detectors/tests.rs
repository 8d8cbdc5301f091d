//! Every entry's examples and counter-examples, as tests.
use super::*;
use crate::{Scanner, Trial};

#[test]
fn examples_are_found_and_counter_examples_are_not() {
    let scanner = Scanner::new().unwrap();
    let mut wrong = String::new();
    for entry in catalogue() {
        assert!(!entry.examples.is_empty(), "{} has no example", entry.name);
        for failure in Trial::from(&entry).run(&scanner) {
            let texts = if failure.example { entry.examples } else { entry.counter_examples };
            let text = expand(texts[failure.number - 1]);
            wrong += &format!("{}: `{text}` gave {:?}\n", entry.name, failure.found);
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn entries_are_well_formed() {
    let mut names: Vec<&str> = catalogue().map(|entry| entry.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two detectors have one name");
    for shape in SHAPES.iter().copied().flatten() {
        assert!(!shape.about.is_empty() && !shape.source.is_empty(), "{}", shape.name);
    }
    for detector in DETECTORS.iter().copied().flatten() {
        let tag = detector.tag.strip_prefix("[REDACTED").and_then(|tag| tag.strip_suffix(']'));
        let tag = tag.unwrap_or_else(|| panic!("{}: {}", detector.name, detector.tag));
        assert!(
            tag.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-:".contains(&b))
        );
        assert!(!detector.about.is_empty(), "{} says not what it is", detector.name);
        assert!(
            !detector.class.starts_with("secret.") || detector.source.starts_with("https://"),
            "{} says not where its form is published",
            detector.name
        );
        assert!(detector.literals.iter().all(|literal| literal.len() >= 3), "{}", detector.name);
    }
}
