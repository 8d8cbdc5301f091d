//! Alerts can fire, and whoever they wake knows what to read.
use std::collections::BTreeSet;

use serde::Deserialize;
use tollgate_rules::Code;

use super::house::{files, read, root};

const ALERTS: &str = "deploy/prometheus/alerts.yaml";

#[derive(Deserialize)]
struct Alerts {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    alert: String,
    expr: String,
    labels: Labels,
    annotations: Annotations,
}

#[derive(Deserialize)]
struct Labels {
    severity: String,
}

#[derive(Deserialize)]
struct Annotations {
    summary: String,
    runbook: String,
}

fn alerts() -> Vec<Alert> {
    let alerts: Alerts = serde_saphyr::from_str(&read(ALERTS)).expect("alerts are YAML");
    let alerts = alerts.groups.into_iter().flat_map(|group| group.rules).collect::<Vec<_>>();
    assert!(!alerts.is_empty());
    alerts
}

/// The names that the gate registers.
pub(crate) fn metrics() -> BTreeSet<String> {
    let source = read("proxy/src/watch/metrics.rs");
    // Every second piece stands between quotes.
    let words = source.split('"').skip(1).step_by(2);
    let metrics = words.filter(|word| is_metric(word)).map(str::to_owned).collect::<BTreeSet<_>>();
    assert!(metrics.len() > 10, "this search for metrics is broken");
    metrics
}

fn is_metric(word: &str) -> bool {
    let ours = word.starts_with("tollgate_") || word.starts_with("policy_reload_");
    ours && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[test]
fn every_alert_has_its_runbook() {
    for alert in alerts() {
        let name = &alert.alert;
        let runbook = &alert.annotations.runbook;
        assert!(runbook.starts_with("runbooks/"), "{name}: `{runbook}` is no runbook");
        assert!(root().join(runbook).is_file(), "{name}: `{runbook}` is missing");
        assert!(read(runbook).contains(name), "`{runbook}` does not name the alert {name}");
        assert!(!alert.annotations.summary.is_empty(), "{name} says nothing");
        assert!(["page", "ticket"].contains(&alert.labels.severity.as_str()), "{name}: severity");
    }
}

#[test]
fn every_runbook_is_in_the_list_and_whole() {
    let list = read("runbooks/README.md");
    for file in files(".md").iter().filter(|file| file.starts_with("runbooks/")) {
        let name = file.strip_prefix("runbooks/").unwrap();
        if name == "README.md" {
            continue;
        }
        assert!(list.contains(&format!("]({name})")), "runbooks/README.md does not list `{name}`");
        let text = read(file);
        for heading in ["## What it means", "## Look here first", "## Fix", "## What not to do"] {
            assert!(text.contains(heading), "`{file}` lacks `{heading}`");
        }
    }
}

#[test]
fn alerts_ask_for_metrics_and_codes_that_exist() {
    let metrics = metrics();
    let codes = Code::ALL.iter().map(|code| code.as_str()).collect::<BTreeSet<_>>();
    for alert in alerts() {
        let words = alert.expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut asked = 0;
        for word in words.filter(|word| is_metric(word)) {
            assert!(metrics.contains(word), "{}: the gate has no metric `{word}`", alert.alert);
            asked += 1;
        }
        assert!(asked > 0, "{} asks for nothing of the gate", alert.alert);
        let quoted = alert.expr.split('"').skip(1).step_by(2).flat_map(|text| text.split('|'));
        for code in quoted.filter(|word| word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')) {
            assert!(codes.contains(code), "{}: there is no code `{code}`", alert.alert);
        }
    }
}
