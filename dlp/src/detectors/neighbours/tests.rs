//! Every provider is found in every form of assignment, and is well described.
use super::*;
use crate::Scanner;
use crate::detectors::expand;
use crate::finding::Grade;

#[test]
fn the_tables_are_well_formed() {
    let lines = |table: &'static str| with_source(table).count();
    let shaped: Vec<_> = with_source(SHAPES).filter_map(|(s, line)| shaped(s, line)).collect();
    assert_eq!(shaped.len(), lines(SHAPES), "a line has not four columns");
    let mut keywords = Vec::new();
    for neighbour in neighbours() {
        let class = neighbour.class;
        assert!(neighbour.source.starts_with("https://"), "{class}");
        assert!(class.starts_with("secret."), "{class}");
        for keyword in &neighbour.keywords {
            assert!(keyword.len() >= 4, "{class}: `{keyword}` is short");
            assert!(!keyword.bytes().any(|byte| byte.is_ascii_uppercase()), "{class}: {keyword}");
            keywords.push(*keyword);
        }
    }
    keywords.sort_unstable();
    let count = keywords.len();
    assert!(count > 900);
    keywords.dedup();
    assert_eq!(count, keywords.len(), "a name stands twice");
}

#[test]
fn every_provider_is_found() {
    let scanner = Scanner::new().unwrap();
    let mut missed = String::new();
    for neighbour in neighbours() {
        let Some(keyword) = neighbour.keywords.first() else { continue };
        let name = keyword.trim_end_matches(['_', '-', '.', ' ', '=', ':']);
        for form in ["NAME_API_KEY=<32>", "nameSecret = \"<32>\"", "NAME TOKEN <32>"] {
            let form = form.replace("NAME", &name.to_ascii_uppercase()).replace("name", name);
            let findings = scanner.scan(expand(&form).as_bytes());
            if !findings.iter().any(|finding| finding.grade >= Grade::Likely) {
                missed.push_str(&format!("{form}\n"));
            }
        }
    }
    assert_eq!(missed, "");
}

#[test]
fn forms() {
    let scanner = Scanner::new().unwrap();
    let found = [
        "adafruit => '<32a>'",
        "\"adafruitKey\": \"<32a>\"",
        "<adafruit_key>\n  <32a>\n</adafruit_key>",
        "setProperty(\"ADAFRUIT\", \"<32a>\")",
        "var adafruitToken string = \"<32a>\"",
        "adafruit_key ?= \"<32a>\"",
        "-H 'X-Adafruit-Token: <32a>'",
        "clockify ACCESS <48a>",
        "heroku_key := 3f2a9c17-e08b-4d52-9a6c-0e02b2c3d479",
        "blazemeter 3f2a9c17-e08b-4d52-9a6c-0e02b2c3d479",
        "browshot-secret-<28a>",
    ];
    let left = [
        "adafruit makes boards and parts for electronics of all kinds",
        "\"adafruit-circuitpython\": \"7.3.0\", \"resolved\": \"https://example.com/<32x>\"",
        "linear algebra 3f2a9c17-e08b-4d52-9a6c-0e02b2c3d479",
        "frontend_token_count=12",
        "heroku request id 3f2a9c17-e08b-4d52-9a6c-0e02b2c3d479",
        "heroku commit: 3fa9c17e08bd52463fa9c17e08bd52463fa9c17e",
        "box: <32x>-<32x>",
        "adafruit_key = [REDACTED]",
        "[REDACTED-ADAFRUIT-KEY] <32a>",
    ];
    let ours = |text: &str| {
        let findings = scanner.scan(expand(text).as_bytes());
        findings.iter().any(|finding| finding.detector.as_str() == "provider-secret")
    };
    for text in found {
        assert!(ours(text), "{text} is not found");
    }
    for text in left {
        assert!(!ours(text), "{text} is found");
    }
}
