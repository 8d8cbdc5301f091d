//! Mistakes in what is recorded and what is looked for.
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

use common::{check, minimal_with};
use tollgate_config::read;

const TOP: &str = "version: 1";

/// `minimal.yaml` with `old` replaced by `new`.
fn check_all(cases: &[(&str, &str, &str, &str, &str)]) {
    for (old, new, path, message, help) in cases {
        check(&minimal_with(old, new), path, message, help);
    }
}

#[test]
fn record_and_inspection() {
    let sink = |rest: &str| {
        minimal_with("/spool", &format!("/spool\n  sinks: [{{ type: http, name: s, {rest} }}]"))
    };
    check(&sink("url: ftp://a"), "audit.sinks[0].url", "neither", "");
    check(&sink("url: 'https://u:p@a'"), "audit.sinks[0].url", "user or password", "");
    check(&sink("url: http://a, token: { env: T }"), "audit.sinks[0].url", "clear text", "https");
    check(&sink("url: http://a, ca: c"), "audit.sinks[0].ca", "`http://`", "");
    check(&sink("url: https://a, token: {}"), "audit.sinks[0].token", "exactly one of", "");
    let both = "url: https://a, token: { env: T, file: f }";
    check(&sink(both), "audit.sinks[0].token", "exactly one of `file` and `env`", "");
    let misspelt = "url: https://a, token: { env: T, fil: f }";
    check(&sink(misspelt), "audit.sinks[0].token.fil", "not known", "");
    check(&sink("url: https://a, token: { env: a-b }"), "audit.sinks[0].token.env", "name of", "");
    check(
        &sink("url: https://a, token: abc"),
        "audit.sinks[0].token",
        "place of a secret",
        "never stands in this file",
    );
    check(&sink("url: https://a, batch_events: 0"), "audit.sinks[0].batch_events", "less", "");
    check_all(&[
        (
            "/spool",
            "/spool\n  sinks: [{ type: kafka, name: k }]",
            "audit.sinks[0].type",
            "`kafka`",
            "",
        ),
        ("/spool", "/spool\n  durability: disc", "audit.durability", "none of", "`disk`?"),
        (
            "/spool",
            "/spool\n  spool_bytes_max: 1",
            "audit.spool_bytes_max",
            "less than `65536`",
            "",
        ),
        ("policy.yaml", "policy.yaml\n  secret: abc", "policy.secret", "place of a secret", ""),
        (
            TOP,
            "version: 1\nbounds: { held_bytes_total: 16777216, request_body_bytes: 16777217 }",
            "bounds.request_body_bytes",
            "more than `bounds.held_bytes_total`",
            "fit",
        ),
    ]);
    let twice = "/spool\n  sinks:\n    - { type: syslog, name: s, address: '127.0.0.1:1' }\n    - { type: syslog, name: s, address: '127.0.0.1:2' }";
    check(&minimal_with("/spool", twice), "audit.sinks[1].name", "also `audit.sinks[0].name`", "");
    other_sinks();
    for class in ["secret", "Secret.aws", "secret.", ".aws", "*.aws", "secret.*.x", "secret aws"] {
        let new =
            format!("version: 1\ndlp: {{ rules: [{{ classes: ['{class}'], action: block }}] }}");
        check(&minimal_with(TOP, &new), "dlp.rules[0].classes[0]", "not a class", "secret.*");
    }
}

#[test]
fn what_is_looked_for() {
    let detector = |changes: &str| {
        let whole = "name: employee, class: acme.employee, literals: [employee], lead: 'employee[ #]{1,3}', pattern: '[0-9]{6}', examples: ['employee 123456']";
        let mut keys: Vec<&str> = whole.split(", ").collect();
        for change in changes.split("; ") {
            let name = change.split_once(':').map_or(change, |(name, _)| name);
            keys.retain(|key| !key.starts_with(&format!("{name}:")));
            keys.push(change);
        }
        format!("detectors: [{{ {} }}]", keys.join(", "))
    };
    let rule = |rest: &str| format!("rules: [{{ classes: ['*'], {rest} }}]");
    for (dlp, path, message, help) in [
        (rule("action: hide"), "rules[0].action", "none of", ""),
        (
            "rules: [{ classes: [secret.githb], action: block }]".to_owned(),
            "rules[0].classes[0]",
            "not a class",
            "did you mean `secret.github`?",
        ),
        (
            "rules: [{ classes: ['secrets.*'], action: block }]".to_owned(),
            "rules[0].classes[0]",
            "not a class",
            "a family",
        ),
        (
            rule("action: allow, allowed_destinations: [a.test]"),
            "rules[0].allowed_destinations",
            "lets pass",
            "`destinations`",
        ),
        (
            rule("action: block, blocked_destinations: ['[']"),
            "rules[0].blocked_destinations[0]",
            "not a pattern",
            "*.example.org",
        ),
        (rule("action: block, channels: [mail]"), "rules[0].channels[0]", "none of", "`email`?"),
        ("off: [emial]".to_owned(), "off[0]", "no detector", "did you mean `email`?"),
        (
            "grades: [{ detector: us_ssn, grade: likely }]".to_owned(),
            "grades[0].detector",
            "no detector",
            "did you mean `us-ssn`?",
        ),
        ("tokens: { key: abc }".to_owned(), "tokens.key", "place of a secret", ""),
        (detector("name: email"), "detectors[0].name", "built-in", "`off`"),
        (detector("class: Employee"), "detectors[0].class", "not a class", "identifier.employee"),
        (detector("literals: [em]"), "detectors[0].literals[0]", "3 to 48", ""),
        (detector("pattern: '[0-9'"), "detectors[0].pattern", "cannot be used", "bounded"),
        (detector("pattern: '[0-9]*'"), "detectors[0].pattern", "empty text", ""),
        (
            detector("validator: entropy>=9"),
            "detectors[0].validator",
            "not a check",
            "entropy>=3.5",
        ),
        (
            detector("examples: [nothing]"),
            "detectors[0].examples[0]",
            "nothing is found",
            "literal",
        ),
        (
            detector("counter_examples: ['employee 654321']"),
            "detectors[0].counter_examples[0]",
            "something is found",
            "narrower",
        ),
    ] {
        let new = format!("version: 1\ndlp: {{ {dlp} }}");
        check(&minimal_with(TOP, &new), &format!("dlp.{path}"), message, help);
    }
    let own = format!(
        "version: 1\ndlp: {{ {}, rules: [{{ classes: [acme.employee], action: block }}] }}",
        detector("grade: certain")
    );
    assert!(read(&minimal_with(TOP, &own), "t.yaml", &[]).is_ok());
}

fn other_sinks() {
    let sinks = |list: &str| minimal_with("/spool", &format!("/spool\n  sinks: [{list}]"));
    let syslog = |rest: &str| {
        sinks(&format!("{{ type: syslog, name: s, address: '192.0.2.1:6514', {rest} }}"))
    };
    for (text, path, expect) in [
        (syslog("format: xml"), "audit.sinks[0].format", "none of"),
        (syslog("tls: {}"), "audit.sinks[0].tls", "`server_name` is missing"),
        (syslog("tls: { server_name: 'a b' }"), "audit.sinks[0].tls.server_name", ""),
        (
            syslog("tls: { server_name: a, client_key: k }"),
            "audit.sinks[0].tls.client_key",
            "needs `client_certificate`",
        ),
        (
            syslog("tls: { server_name: a, verify: false }"),
            "audit.sinks[0].tls.verify",
            "not known",
        ),
        (sinks("{ type: folder, name: f }"), "audit.sinks[0]", "`directory` is missing"),
        (
            sinks("{ type: folder, name: f, directory: /var/lib/tollgate/spool }"),
            "audit.sinks[0].directory",
            "`audit.spool` itself",
        ),
        (
            sinks("{ type: folder, name: f, directory: a, file_events: 0 }"),
            "audit.sinks[0].file_events",
            "less",
        ),
        (
            sinks(
                "{ type: folder, name: f, directory: a }, { type: folder, name: g, directory: a }",
            ),
            "audit.sinks[1].directory",
            "also `audit.sinks[0].directory`",
        ),
        (
            sinks("{ type: stdout, name: a }, { type: stdout, name: b }"),
            "audit.sinks[1].type",
            "standard output already",
        ),
    ] {
        check(&text, path, expect, "");
    }
}
