//! What the pages say is so.
use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use tollgate_rules::{Code, LoadOptions, Rulebook};

use super::alerts::metrics;
use super::house::{fenced, files, read, root};

/// A day on which the bundles of the pages are in force.
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

#[test]
fn the_table_of_codes_is_that_of_the_code() {
    let rows = table(&read("README.md"), "codes");
    let expect = Code::ALL
        .iter()
        .map(|code| (format!("`{code}`"), code.http_status().to_string()))
        .collect::<Vec<_>>();
    let found = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect::<Vec<_>>();
    assert_eq!(found, expect, "README.md's table of codes is not that of rules/src/code.rs");
    for row in rows {
        assert!(row.len() == 4 && !row[2].is_empty() && !row[3].is_empty(), "{row:?} says too little");
    }
}

#[test]
fn the_table_of_metrics_is_that_of_the_code() {
    let rows = table(&read("README.md"), "metrics");
    let found = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found, metrics(), "README.md's metrics are not those of proxy/src/watch/metrics.rs");
}

#[test]
fn configurations_shown_can_be_read() {
    let mut shown = 0;
    for file in ["README.md", "deploy/README.md"] {
        for text in fenced(&read(file), "yaml").iter().filter(|text| text.starts_with("version: 1\n")) {
            reads(file, text);
            shown += 1;
        }
    }
    for map in config_maps() {
        reads("deploy/kubernetes/sidecar.yaml", &map.0);
        shown += 1;
    }
    assert!(shown >= 2, "no configuration was found: this search is broken");
}

#[test]
fn bundles_shown_can_be_loaded() {
    let mut shown = 0;
    let page = read("README.md");
    let bundles = fenced(&page, "yaml").into_iter().filter(|text| text.contains("generated_at:"));
    for text in bundles.chain(config_maps().into_iter().map(|map| map.1)) {
        let book = Rulebook::load(&text, &LoadOptions::default(), NOW);
        assert!(book.is_ok(), "{}:\n{text}", book.unwrap_err());
        shown += 1;
    }
    assert!(shown >= 2, "no bundle was found: this search is broken");
}

#[test]
fn links_lead_somewhere() {
    for file in files(".md") {
        let folder = root().join(&file).parent().unwrap().to_owned();
        for link in links(&read(&file)) {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(folder.join(Path::new(target)).exists(), "`{file}` links to `{target}`");
        }
    }
}

fn reads(file: &str, text: &str) {
    let settings = tollgate_config::read(text, file, &[]);
    assert!(settings.is_ok(), "{}", settings.unwrap_err().render(false));
}

/// Configuration and bundle of each ConfigMap that holds both.
fn config_maps() -> Vec<(String, String)> {
    let file = read("deploy/kubernetes/sidecar.yaml");
    let documents = file.split("\n---\n").map(|text| {
        let document: serde_json::Value = serde_saphyr::from_str(text).expect("a document");
        document
    });
    let text = |map: &serde_json::Value, name: &str| Some(map["data"][name].as_str()?.to_owned());
    documents
        .filter_map(|map| Some((text(&map, "tollgate.yaml")?, text(&map, "policy.yaml")?)))
        .collect()
}

/// The rows of the table between `<!-- name -->` and `<!-- /name -->`, without its two heads.
fn table(page: &str, name: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(&format!("<!-- {name} -->")).expect("the table's beginning");
    let (table, _) = rest.split_once(&format!("<!-- /{name} -->")).expect("the table's end");
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The targets of `[text](target)`, outside code.
fn links(page: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for piece in line.split("](").skip(1) {
            found.extend(piece.split(')').next().map(str::to_owned));
        }
    }
    found
}
