//! Whatever the text, it is read or refused, and what passes the checks deserialises.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read and, when asked, write files"
)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod common;

use common::file;
use proptest::prelude::*;
use tollgate_config::read;

fn survives(text: &str) {
    if let Err(mistakes) = read(text, "t.yaml", &[]) {
        assert!(mistakes.iter().count() > 0);
        let rendered = mistakes.render(false);
        assert!(!rendered.contains("passed every check"), "{text}");
        for mistake in &mistakes {
            assert!(mistake.line().is_none_or(|line| line <= text.lines().count().max(1) + 1));
        }
    }
}

/// Words that are something to YAML or to the settings.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("~".to_owned()),
        Just("true".to_owned()),
        Just("-1".to_owned()),
        Just("1.5".to_owned()),
        Just("0x10".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("*x".to_owned()),
        Just("\"\\u00e9\\n\"".to_owned()),
        Just("https://é.example".to_owned()),
        Just("[::ffff:127.0.0.1]:80".to_owned()),
        Just("'[fe80::1%1]:80'".to_owned()),
        Just("::1/128".to_owned()),
        Just("10.0.0.0/0".to_owned()),
        (0..i64::MAX).prop_map(|number| number.to_string()),
        "[a-z0-9./:*-]{1,12}",
        "\\PC{0,10}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn arbitrary_characters(text in prop::collection::vec(any::<char>(), 0..100)) {
        survives(&text.into_iter().collect::<String>());
    }

    #[test]
    fn yaml_like_text(text in "([ \\n]{0,3}[a-z]{1,4}|: |- |\\[|\\]|\\{|\\}|&a|\\*a|!|\\||>|\"|'|#|,|\\?|\\n|\\t|%|---|é){0,60}") {
        survives(&text);
    }

    #[test]
    fn the_example_with_other_values(changes in prop::collection::vec((any::<prop::sample::Index>(), word()), 1..4)) {
        let example = file("example.yaml");
        let mut lines: Vec<String> = example
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .map(String::from)
            .collect();
        for (index, word) in changes {
            let line = index.get(&lines).clone();
            let head = line.split_once(": ").map_or(line.as_str(), |(head, _)| head).to_owned();
            let nth = lines.iter().position(|it| *it == line).unwrap();
            lines[nth] = format!("{head}: {word}");
        }
        survives(&lines.join("\n"));
    }

    #[test]
    fn the_example_with_a_piece_cut_out(start in any::<prop::sample::Index>(), length in 0_usize..40) {
        let mut chars: Vec<char> = file("example.yaml").chars().collect();
        let start = start.index(chars.len());
        let end = (start + length).min(chars.len());
        chars.drain(start..end);
        survives(&chars.into_iter().collect::<String>());
    }
}
