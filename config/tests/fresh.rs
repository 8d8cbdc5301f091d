//! What is generated from the types is up to date, and the shipped files load.
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

use common::{file, fresh};
use serde_json::Value;
use tollgate_config::{read, reference, schema};

#[test]
fn schema_file_is_fresh() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    fresh("schema.json", &text);
}

#[test]
fn reference_is_fresh() {
    fresh("README.md", &reference());
}

#[test]
fn shipped_files_load() {
    for name in ["example.yaml", "minimal.yaml"] {
        if let Err(mistakes) = read(&file(name), name, &[]) {
            panic!("{}", mistakes.render(false));
        }
    }
}

/// Calls `visit` with the path and the schema of every property.
fn properties(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        visit(&path, property);
        properties(property, &path, visit);
    }
    for branch in schema["oneOf"].as_array().into_iter().flatten() {
        properties(branch, path, visit);
    }
    if let Some(items) = schema.get("items") {
        properties(items, &format!("{path}[]"), visit);
    }
}

#[test]
fn every_key_is_documented() {
    let mut count = 0;
    properties(&schema(), "", &mut |path, property| {
        count += 1;
        let description = property["description"].as_str().unwrap_or_default();
        assert!(description.len() > 8, "{path} has no description");
        assert!(!description.contains("[`"), "{path} speaks of Rust: {description}");
        let has = |key: &str| property.get(key).is_some();
        assert!(
            ["default", "examples", "minimum", "enum", "oneOf", "const", "properties", "items"]
                .into_iter()
                .any(has),
            "{path} has neither default nor limits nor example"
        );
        assert!(!property.to_string().contains("null"), "{path} may be null: {property}");
    });
    assert!(count > 90, "only {count} keys were seen");
}

#[test]
fn the_example_shows_every_key() {
    let example = file("example.yaml");
    let words: Vec<&str> = example.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    properties(&schema(), "", &mut |path, _| {
        // Names of the two places of a secret are shown once each, in different sections.
        let name = path.rsplit('.').next().unwrap();
        assert!(words.contains(&name), "example.yaml does not show {path}");
    });
}

#[test]
fn the_example_shows_the_defaults() {
    let example = read(&file("example.yaml"), "example.yaml", &[]).unwrap();
    let minimal = read(&file("minimal.yaml"), "minimal.yaml", &[]).unwrap();
    assert_eq!(example.bounds, minimal.bounds);
    assert_eq!(example.deadlines, minimal.deadlines);
    assert_eq!(example.limits, minimal.limits);
    assert_eq!(example.admin, minimal.admin);
    assert_eq!(example.log, minimal.log);
    assert_eq!(example.audit.checkpoints, minimal.audit.checkpoints);
    assert_eq!(example.audit.spool_bytes_max, minimal.audit.spool_bytes_max);
    assert_eq!(example.audit.delivery_secs, minimal.audit.delivery_secs);
    assert_eq!(example.policy.rules_max, minimal.policy.rules_max);
    assert_eq!(example.dlp.memory, minimal.dlp.memory);
    assert_eq!(example.dlp.mask, minimal.dlp.mask);
}
