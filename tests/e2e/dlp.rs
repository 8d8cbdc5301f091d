//! `tollgate dlp`: the list of detectors, their examples, and how good they are.
use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::kit::tollgate;

async fn dlp(arguments: &[&str]) -> (Option<i32>, String, String) {
    tollgate(&[&["dlp"], arguments].concat(), &[]).await
}

#[tokio::test]
async fn detectors_are_listed_and_shown() {
    let (code, all, _) = dlp(&["detectors"]).await;
    assert_eq!(code, Some(0));
    assert!(all.lines().any(|line| line.starts_with("github-token ")), "{all}");
    let (_, json, _) = dlp(&["detectors", "--format", "json"]).await;
    let entries: Vec<Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), all.lines().count());
    for entry in &entries {
        assert!(!entry["about"].as_str().unwrap().is_empty(), "{entry}");
        assert!(!entry["examples"].as_array().unwrap().is_empty(), "{entry}");
    }
    let (_, page, _) = dlp(&["detectors", "--format", "markdown"]).await;
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../dlp/DETECTORS.md");
    assert!(page == fs::read_to_string(kept).unwrap(), "dlp/DETECTORS.md is of another time");

    let (code, page, _) = dlp(&["detectors", "github-token"]).await;
    assert_eq!(code, Some(0));
    for part in ["class    secret.github\n", "is found in\n  ghp_<36>\n", "is not found in\n"] {
        assert!(page.contains(part), "{page}");
    }
    let (_, some, _) = dlp(&["detectors", "--class", "gov_id.*"]).await;
    assert!(!some.is_empty() && some.lines().all(|line| line.contains(" gov_id.")), "{some}");
    for nothing in [["detectors", "git"], ["detectors", "--class=secret.githb"]] {
        let (code, out, err) = dlp(&nothing).await;
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains("`tollgate dlp detectors` lists them"), "{err}");
    }
}

#[tokio::test]
async fn detectors_are_as_they_say() {
    let (code, out, err) = dlp(&["test"]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.ends_with(": 0 failed\n"), "{out}");
    let (code, out, _) = dlp(&["test", "--detector", "github-token"]).await;
    assert!(out.starts_with("1 detectors, "), "{out}");
    assert_eq!(code, Some(0));
    assert_eq!(dlp(&["test", "--detector", "none"]).await.0, Some(2));
    assert_eq!(dlp(&["test", "--policy", "/missing.yaml"]).await.0, Some(78));
}

fn sample(entity: &str, label: &str, scope: &str, text: &str, span: Value) -> Value {
    let family = entity.split('.').next().unwrap();
    json!({
        "id": "1", "text": text, "label": label, "entity": entity, "family": family,
        "span": span, "scope": scope, "kind": "fixture",
    })
}

#[tokio::test]
async fn samples_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let ssn = |label, text, span| sample("gov_id.us_ssn", label, "entity", text, span);
    let samples = [
        // Spans count characters.
        ssn("positive", "größe 123-45-6789", json!([6, 17])),
        // Another of its family is as good; something else in the same place is not.
        sample("gov_id.other", "positive", "entity", "ssn 123-45-6789", Value::Null),
        sample("pci.pan", "positive", "entity", "ssn 123-45-6789", Value::Null),
        ssn("positive", "123-45-6789 and none", json!([12, 20])),
        ssn("negative", "000-12-3456", Value::Null),
        ssn("negative", "123-45-6789", Value::Null),
        sample("none", "negative", "secrets", "123-45-6789", Value::Null),
        sample("none", "negative", "all", "123-45-6789", Value::Null),
    ];
    let text: String = samples.iter().map(|sample| format!("{sample}\n")).collect();
    let (plain, packed) = (dir.path().join("a.jsonl"), dir.path().join("a.gz"));
    fs::write(&plain, &text).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    fs::write(&packed, gzip.finish().unwrap()).unwrap();
    let (plain, packed) = (plain.to_str().unwrap(), packed.to_str().unwrap());

    for (files, times) in [(&[plain][..], 1), (&[packed], 1), (&[plain, packed], 2)] {
        let (code, out, err) = dlp(&[&["bench", "--format", "json"], files].concat()).await;
        assert_eq!(code, Some(0), "{err}");
        let figures: Value = serde_json::from_str(&out).unwrap();
        let count = |pointer: &str| {
            let count = &figures.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: {out}"));
            (count["hits"].as_u64().unwrap() / times, count["of"].as_u64().unwrap() / times)
        };
        assert_eq!(count("/found/class/gov_id"), (2, 3));
        assert_eq!(count("/found/class/pci"), (0, 1));
        assert_eq!(count("/overall/recall"), (2, 4));
        // Two of its family where it is wrong: the twin and the harmless document.
        assert_eq!(count("/overall/precision"), (2, 4));
        assert_eq!(figures["precision"]["gov_id"], 0.5);
        assert_eq!(count("/twins_flagged/entity/gov_id.us_ssn"), (1, 2));
        assert_eq!(count("/harmless_flagged/secrets"), (0, 1));
        assert_eq!(count("/harmless_flagged/all"), (1, 1));
    }
    let (_, out, _) = dlp(&["bench", plain]).await;
    assert!(out.contains("all classes: recall 50.0 %, precision 50.0 %"), "{out}");
    let (_, out, _) = dlp(&["bench", "--format", "markdown", plain]).await;
    assert!(out.contains("| `gov_id` | 2 | 3 | 66.7 | 2 | 50.0 |"), "{out}");
    let (_, out, _) = dlp(&["bench", "--missed", "gov_id", plain]).await;
    assert_eq!(out, "gov_id.us_ssn  | 123-45-6789 and none\n");
    let (_, out, _) = dlp(&["bench", "--flagged", plain]).await;
    assert_eq!(out.lines().count(), 2, "{out}");
}

#[tokio::test]
async fn a_line_that_is_no_sample_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a");
    fs::write(&file, "\n{\"text\": \"hunter2hunter2\"}\n").unwrap();
    let (code, out, err) = dlp(&["bench", file.to_str().unwrap()]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("line 2: not a labelled sample"), "{err}");
    assert!(!err.contains("hunter2"), "{err}");
    fs::write(&file, [0x1f, 0x8b, 8, 0, 1, 2]).unwrap();
    assert_eq!(dlp(&["bench", file.to_str().unwrap()]).await.0, Some(1));
    assert_eq!(dlp(&["bench", "/missing"]).await.0, Some(2));
    assert_eq!(dlp(&["bench"]).await.0, Some(2));
}
