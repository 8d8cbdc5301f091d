//! Every entry's examples and counter-examples, as tests.
use super::*;
use crate::Scanner;

/// `<36>` becomes 36 letters and digits, `<32x>` hexadecimal ones, `<16A>` upper-case letters and
/// digits, `<20a>` lower-case letters and digits, `<10d>` digits: no token is written out in this
/// repository, and none is a real one.
pub(crate) fn expand(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('<') {
        out.push_str(before);
        let spec = tail.split_once('>').and_then(|(spec, tail)| {
            let digits = spec.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let alphabet: &[u8] = match spec.strip_prefix(digits)? {
                "" => b"q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc",
                "x" => b"3fa9c17e08bd5246",
                "A" => b"Q7XW2RB4KDTS6VNZHGJ3LPFMYC5",
                "a" => b"q7xw2rb9kd4ts6vn1zh8gj3lp5fm0yc",
                "d" => b"7294016385",
                _ => return None,
            };
            Some((digits.parse::<usize>().ok()?, alphabet, tail))
        });
        match spec {
            Some((count, alphabet, tail)) => {
                out.extend(alphabet.iter().cycle().take(count).map(|byte| char::from(*byte)));
                rest = tail;
            }
            None => {
                out.push('<');
                rest = tail;
            }
        }
    }
    out + rest
}

fn check(scanner: &Scanner, name: &str, class: &str, text: &str, expect: bool) -> Option<String> {
    let text = expand(text);
    let findings = scanner.scan(text.as_bytes());
    let found = findings
        .iter()
        .any(|finding| finding.class.as_str() == class && finding.grade >= Grade::Likely);
    (found != expect).then(|| format!("{name}: `{text}` gave {findings:?}\n"))
}

#[test]
fn examples_are_found_and_counter_examples_are_not() {
    let scanner = Scanner::new().unwrap();
    let tokens = DETECTORS.iter().copied().flatten();
    let tokens = tokens.map(|t| (t.name, t.class, t.examples, t.counter_examples));
    let shapes = payment::SHAPES.iter().chain(personal::SHAPES).chain(secrets::SHAPES);
    let shapes = shapes.map(|s| (s.name, s.class, s.examples, s.counter_examples));
    let mut wrong = String::new();
    for (name, class, examples, counter_examples) in tokens.chain(shapes) {
        assert!(!examples.is_empty(), "{name} has no example");
        wrong.extend(examples.iter().filter_map(|t| check(&scanner, name, class, t, true)));
        wrong
            .extend(counter_examples.iter().filter_map(|t| check(&scanner, name, class, t, false)));
    }
    assert_eq!(wrong, "");
}

#[test]
fn entries_are_well_formed() {
    let mut names: Vec<&str> = catalogue().map(|(name, _)| name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two detectors have one name");
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
