//! What may be a secret is never repeated, wherever it was written by mistake.
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
use tollgate_config::{Mistakes, read};

fn refuse_to_show(mistakes: &Mistakes, secret: &str, text: &str) {
    for rendered in [mistakes.render(false), mistakes.render(true), format!("{mistakes:?}")] {
        for part in secret.split(['\n', '\\']).filter(|part| part.trim().len() > 3) {
            assert!(!rendered.contains(part.trim()), "{part} is shown:\n{rendered}\nof\n{text}");
        }
    }
}

/// Things that look like secrets.
const LOOKS: [&str; 7] = [
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "sk-proj-4f9c2b7e8d",
    "AKIAIOSFODNN7EXAMPLE",
    "https://bot:hunter2@tools.example.org/",
    "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBg\\n-----END PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "4f9c2b7e8d1a0f3c5b6e",
];

#[test]
fn in_place_of_any_value() {
    let example = file("example.yaml");
    let mut refused = 0;
    for (nth, line) in example.lines().enumerate() {
        let Some((head, _)) = line.split_once(": ").or_else(|| line.split_once(':')) else {
            continue;
        };
        if line.trim_start().starts_with('#') {
            continue;
        }
        for secret in LOOKS {
            let changed = format!("{head}: \"{secret}\"");
            let text: String = example
                .lines()
                .enumerate()
                .map(|(at, line)| format!("{}\n", if at == nth { changed.as_str() } else { line }))
                .collect();
            if let Err(mistakes) = read(&text, "t.yaml", &[]) {
                refused += 1;
                refuse_to_show(&mistakes, secret, &text);
            }
        }
    }
    assert!(refused > 400, "only {refused} files were refused");
}

#[test]
fn short_ones_under_keys_that_hold_secrets() {
    for key in ["token", "secret", "password", "api_key", "client_key", "Authorization", "key"] {
        for section in ["", "policy:\n  ", "audit:\n  sinks:\n    - type: http\n      "] {
            for value in [
                "pa55",
                "'pa55'",
                "[pa55, pa55]",
                "{ x: pa55 }",
                "{ file: pa55, env: pa55 }",
                "&pa55 pa55",
                "!pa55 pa55",
                "*pa55",
                "|\n          pa55\n          pa55",
                "pa55\n",
                "1\n  wrong: \"pa55",
            ] {
                let text = format!("version: 2\n{section}{key}: {value}");
                let mistakes = read(&text, "t.yaml", &[]).unwrap_err();
                refuse_to_show(&mistakes, "pa55", &text);
            }
        }
    }
}

#[test]
fn as_a_key_in_a_comment_and_beside_an_unknown_key() {
    for text in [
        "version: 2 # hunter2",
        "# hunter2\nversion: 2",
        "nobody_knows: hunter2",
        "nobody_knows:\n  deep:\n    - hunter2: hunter2",
        "version: 1\nversion: hunter2",
        "version: 1\nversion: [hunter2, {x: hunter2}]",
        "ghp_hunter2: x",
        "version: { ghp_hunter2: x }",
        "? [hunter2]\n: hunter2",
        "version: 'hunter2",
        "token: \"hunter2\\q\"",
        "a: hunter2: hunter2",
        "key: |\n-----BEGIN hunter2\nhunter2",
        "listeners: [{hunter2",
        "password: hunter2\rversion: 2",
        "password: hunter2\r\nversion: 2\0",
        "x: 1\rversion: 2\r\rpassword: hunter2\nmode: x",
    ] {
        let mistakes = read(text, "t.yaml", &[]).unwrap_err();
        refuse_to_show(&mistakes, "hunter2", text);
    }
}

#[test]
fn in_variables() {
    for (name, value) in [
        ("TOLLGATE__POLICY__SECRET__ENV", "hunter2 hunter2"),
        ("TOLLGATE__POLICY__SECRET__HUNTER", "hunter2"),
        ("TOLLGATE__POLICY__TOKEN", "hunter2"),
        ("TOLLGATE__LOG__LEVEL", "ghp_hunter2"),
        ("TOLLGATE__ADMIN__BIND", "http://me:hunter2@x"),
        ("TOLLGATE__BOUNDS__JSON_DEPTH", "hunter2"),
    ] {
        let variables = [(name.to_owned(), value.to_owned())];
        let mistakes = read(&file("minimal.yaml"), "t.yaml", &variables).unwrap_err();
        refuse_to_show(&mistakes, "hunter2", name);
    }
}

#[test]
fn a_renderer_that_wants_context_gets_one_line() {
    let text = "mode: enforce\nx: secret-above\nversion: 2\npassword: secret-below\n";
    let mistakes = read(text, "t.yaml", &[]).unwrap_err();
    let mistake = mistakes.iter().find(|it| it.path() == "version").unwrap();
    let mut rendered = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
        .with_context_lines(5)
        .render_report(&mut rendered, mistake)
        .unwrap();
    assert!(rendered.contains("version: 2"), "{rendered}");
    assert!(!rendered.contains("secret"), "{rendered}");
}
