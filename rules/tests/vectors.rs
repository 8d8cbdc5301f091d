//! The shared vectors: what other readers of the same bundles decide.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests read the vectors, and what is missing must fail loudly"
)]
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use tollgate_rules::{LoadOptions, Rulebook, evaluate_line};

fn vectors(name: &str) -> Value {
    let shared = match std::env::var_os("TOLLGATE_SHARED") {
        Some(shared) => PathBuf::from(shared),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let path = shared.join("vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{} cannot be read ({error}); set TOLLGATE_SHARED to the folder that holds `vectors`",
            path.display()
        )
    });
    serde_json::from_str(&text).unwrap()
}

fn now() -> Timestamp {
    "2026-02-01T00:00:00Z".parse().unwrap()
}

fn load(bundle: &Value, secret: Option<&str>) -> Result<Rulebook, tollgate_rules::LoadError> {
    let options = LoadOptions { secret: secret.map(str::as_bytes), ..LoadOptions::default() };
    Rulebook::load(&bundle.to_string(), &options, now())
}

/// Patterns that the source of the vectors skips, so that the rule never matches. Here such a
/// bundle does not load, as the contract says.
const UNSAFE: [&str; 5] = ["(a|b)+", "(a*)*", ".*.*", "(a+){2,}", "(foo|bar)*x"];

#[test]
fn every_question_gets_the_expected_answer() {
    let file = vectors("agent_spm_policy_eval.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 98);
    let mut refused = 0;
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let pattern = case["bundle"]["rules"][0]["when"]["matches_regex"].as_str();
        let book = load(&case["bundle"], None);
        if case.get("sidecar_stricter").is_some() || pattern.is_some_and(|p| UNSAFE.contains(&p)) {
            assert!(book.is_err(), "{name}: must not load");
            refused += 1;
            continue;
        }
        let book = book.unwrap_or_else(|error| panic!("{name}: {error}"));
        let answer = evaluate_line(&book, &case["request"].to_string(), now());
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        let answer = answer.as_object_mut().unwrap();
        assert_eq!(answer.remove("request_id"), Some(json!("req-1")), "{name}");
        let rule = answer.remove("rule").unwrap();
        let code = &case["upstream"]["reasons"][0]["code"];
        let default = code.as_str().unwrap().starts_with("DEFAULT_");
        assert_eq!(&rule, if default { &Value::Null } else { code }, "{name}");
        assert_eq!(json!(answer), case["upstream"], "{name}");
    }
    assert_eq!(refused, 9);
}

/// Bundles that the file describes instead of writing them out.
fn bundle(case: &Value) -> Value {
    let count = match case["bundle"].as_str() {
        None => return case["bundle"].clone(),
        Some("<1000 rules>") => 1000,
        Some("<1001 rules>") => 1001,
        Some(other) => panic!("unknown bundle {other}"),
    };
    let rule =
        |n| json!({ "id": format!("R{n}"), "match": { "tool_name": "*" }, "outcome": "DENY" });
    json!({
        "version": "0.1.0",
        "generated_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2099-01-01T00:00:00.000Z",
        "rules": (0..count).map(rule).collect::<Vec<_>>(),
        "defaults": { "outcome": "ALLOW" },
    })
}

#[test]
fn every_bundle_loads_or_not_as_expected() {
    let file = vectors("agent_spm_policy_load.json");
    let flawed = &file["upstream_signature"];
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 24);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let mut bundle = bundle(case);
        let secret = case["secret"].as_str();
        let accept = case["sidecar_expected"] == "accept";
        if accept && bundle.get("signature") == Some(flawed) {
            // Signed over the top-level keys alone: the contract says that it must not verify.
            assert!(load(&bundle, secret).is_err(), "{name}: the flawed signature verifies");
            bundle["signature"] = vectors("policy_bundle_signature_jcs.json")["signature"].clone();
        }
        match load(&bundle, secret) {
            Ok(_) => assert!(accept, "{name}: loads"),
            Err(error) => assert!(!accept, "{name}: {error}"),
        }
    }
}

#[test]
fn the_signature_is_over_the_canonical_form() {
    let file = vectors("policy_bundle_signature_jcs.json");
    let secret = file["secret"].as_str();
    let mut bundle = file["bundle"].clone();
    assert!(load(&bundle, secret).is_err());
    bundle["signature"] = file["signature"].clone();
    assert_eq!(load(&bundle, secret).unwrap().rules_count(), 1);

    // The order of the keys and the language of the text do not matter.
    let sorted: std::collections::BTreeMap<String, Value> =
        bundle.as_object().unwrap().clone().into_iter().collect();
    assert!(load(&json!(sorted), secret).is_ok());
    let yaml = format!("# Flow style\n{bundle}");
    let options = LoadOptions { secret: secret.map(str::as_bytes), ..LoadOptions::default() };
    assert!(!yaml.starts_with('{'));
    Rulebook::load(&yaml, &options, now()).unwrap();

    // The description is nested; a signature over top-level keys would not notice.
    bundle["rules"][0]["description"] = json!("changed");
    assert!(load(&bundle, secret).is_err());
}
