//! What can be asked of settings.
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

use std::path::Path;

use common::{file, minimal_with};
use serde_json::Value;
use tollgate_config::{Settings, read, schema};

fn example() -> Settings {
    read(&file("example.yaml"), "example.yaml", &[]).unwrap()
}

/// Calls `visit` with each text of `value` whose schema says it is a path.
fn paths(schema: &Value, value: &Value, visit: &mut impl FnMut(&str)) {
    if schema["format"] == "path"
        && let Some(path) = value.as_str()
    {
        visit(path);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        paths(property, &value[name], visit);
    }
    for branch in schema["oneOf"].as_array().into_iter().flatten() {
        let kind = &branch["properties"]["type"]["const"];
        if kind.is_null() || *kind == value["type"] {
            paths(branch, value, visit);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        paths(&schema["items"], item, visit);
    }
}

#[test]
fn every_path_is_resolved() {
    let mut settings = example();
    settings.resolve(Path::new("/etc/tollgate"));
    let mut seen = Vec::new();
    paths(&schema(), &serde_json::to_value(&settings).unwrap(), &mut |path| {
        assert!(path.starts_with('/'), "{path} is still relative");
        seen.push(path.to_owned());
    });
    for path in [
        "/etc/tollgate/tls/gate.pem",
        "/etc/tollgate/tls/gate-client-key.pem",
        "/etc/tollgate/policy.yaml",
        "/etc/tollgate/secrets/bundle-hmac",
        "/var/lib/tollgate/spool",
        "/etc/tollgate/tls/lake-ca.pem",
        "/etc/tollgate/tls/siem-ca.pem",
        "/var/lib/tollgate/archive",
        "/etc/tollgate/tls/batch-key.pem",
        "/etc/tollgate/secrets/gate-1.nk",
        "/etc/tollgate/tls/nats-ca.pem",
        "/etc/tollgate/tls/otel-ca.pem",
        "/etc/tollgate/secrets/db-password",
        "/etc/tollgate/tls/db-ca.pem",
    ] {
        assert!(seen.iter().any(|seen| seen == path), "{path} is not among {seen:?}");
    }
}

#[test]
fn warnings_name_what_is_dangerous() {
    for (old, new, expect) in [
        ("version: 1", "version: 1\nmode: observe", Some("`mode` is `observe`")),
        (
            "bind: 127.0.0.1:8080",
            "bind: 0.0.0.0:8080\n    danger_allow_remote: true",
            Some("whoever reaches 0.0.0.0:8080 is agent `coder`"),
        ),
        ("  - id: coder", "  - id: coder\n  - id: lost", Some("caller is agent `lost`")),
        ("https://tools", "http://tools", Some("route `tools` speaks clear text")),
        ("https://tools.example.org", "http://127.0.0.1:9", Some("its calls will be refused")),
        ("/spool", "/spool\n  durability: process", Some("power cut")),
        (
            "/spool",
            "/spool\n  sinks: [{ type: syslog, name: s, address: '192.0.2.1:601' }]",
            Some("sink `s` sends the record in clear text"),
        ),
        (
            "/spool",
            "/spool\n  sinks: [{ type: syslog, name: s, address: '192.0.2.1:6514', tls: { server_name: siem } }]",
            None,
        ),
        (
            "/spool",
            "/spool\n  sinks: [{ type: nats, name: n, host: nats.example.org, stream: S, subject: s }]",
            Some("sink `n` sends the record in clear text"),
        ),
        (
            "/spool",
            "/spool\n  sinks: [{ type: postgres, name: p, host: 127.0.0.1, database: d, user: u }]",
            None,
        ),
        (
            "version: 1",
            "version: 1\ndlp: { rules: [{ classes: ['*'], action: alert }] }",
            Some("lets secrets that were found pass both ways"),
        ),
        (
            "version: 1",
            "version: 1\nforward_proxy: { hosts: ['*.com'], allow_addresses: ['0.0.0.0/0'] }",
            Some("very wide range 0.0.0.0/0"),
        ),
        ("policy.yaml", "policy.yaml\n  secret: { env: HMAC }", None),
        ("https://tools.example.org", "http://localhost:9", None),
    ] {
        let settings = match read(&minimal_with(old, new), "t.yaml", &[]) {
            Ok(settings) => settings,
            Err(mistakes) => panic!("{new}: {}", mistakes.render(false)),
        };
        let warnings = settings.warnings();
        let always = ["`policy.secret` is not set", "`audit.signer.key` is not set"];
        let found: Vec<_> = warnings
            .iter()
            .filter(|warning| !always.iter().any(|it| warning.starts_with(it)))
            .collect();
        match expect {
            Some(expect) => {
                assert!(found.iter().any(|it| it.contains(expect)), "{new}: {warnings:?}");
            }
            None => assert!(found.is_empty(), "{new}: {warnings:?}"),
        }
    }
}

#[test]
fn a_single_address_is_a_range_of_one() {
    let ranges = &example().routes[0].upstream.allow_addresses;
    let words: Vec<_> = ranges.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["10.20.0.0/16", "192.0.2.10/32"]);
}

#[test]
fn settings_survive_a_round_trip() {
    let first = serde_json::to_value(example()).unwrap();
    let again: Settings = serde_json::from_value(first.clone()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), first);
}
