//! Environment variables over the file.
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

use common::{file, minimal_with};
use tollgate_config::settings::{LogLevel, Mode, SecretRef};
use tollgate_config::{Mistakes, Settings, read};

fn with(variables: &[(&str, &str)]) -> Result<Settings, Mistakes> {
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(&file("minimal.yaml"), "minimal.yaml", &variables)
}

#[test]
fn variables_override_the_file() {
    let settings = with(&[
        ("TOLLGATE__ADMIN__BIND", "127.0.0.1:9000"),
        ("TOLLGATE__LOG__LEVEL", "debug"),
        ("TOLLGATE__BOUNDS__JSON_DEPTH", "32"),
        ("TOLLGATE__MODE", "observe"),
        ("TOLLGATE__POLICY__BUNDLE", "/other.yaml"),
        ("TOLLGATE__POLICY__SECRET__ENV", "HMAC"),
        ("TOLLGATE__AUDIT__CHECKPOINTS__EVERY_SECS", "5"),
        ("TOLLGATE__AUDIT__SIGNER__KID", "12"),
        ("TOLLGATE_CONFIG", "not ours"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(settings.admin.bind.port(), 9000);
    assert_eq!(settings.log.level, LogLevel::Debug);
    assert_eq!(settings.bounds.json_depth, 32);
    assert_eq!(settings.mode, Mode::Observe);
    assert_eq!(settings.policy.bundle.to_str(), Some("/other.yaml"));
    assert_eq!(settings.policy.secret, Some(SecretRef::Env("HMAC".to_owned())));
    assert_eq!(settings.audit.checkpoints.every_secs, 5);
    assert_eq!(settings.audit.signer.kid.as_deref(), Some("12"));
}

#[test]
fn a_variable_can_give_what_the_file_lacks() {
    let text = minimal_with("  bundle: policy.yaml", "  rules_max: 10");
    let variables = [("TOLLGATE__POLICY__BUNDLE".to_owned(), "p.yaml".to_owned())];
    assert!(read(&text, "t.yaml", &variables).is_ok());
}

#[test]
fn wrong_variables_are_mistakes_that_name_them() {
    for (name, value, message, help) in [
        ("TOLLGATE__ADMIN__BIN", "x", "no setting", Some("did you mean `TOLLGATE__ADMIN__BIND`?")),
        ("TOLLGATE__admin__bind", "x", "no setting", Some("did you mean `TOLLGATE__ADMIN__BIND`?")),
        ("TOLLGATE__LISTENERS", "x", "no setting", None),
        ("TOLLGATE__LISTENERS__0__BIND", "127.0.0.1:1", "no setting", None),
        ("TOLLGATE__", "x", "no setting", None),
        ("TOLLGATE__ADMIN__BIND", "0.0.0.0:1", "not a loopback", None),
        ("TOLLGATE__ADMIN__BIND", "127.0.0.1:8080", "`admin.bind`", None),
        ("TOLLGATE__BOUNDS__JSON_DEPTH", "many", "whole number is needed", None),
        ("TOLLGATE__BOUNDS__JSON_DEPTH", "129", "`129` is more than `128`", None),
        ("TOLLGATE__BOUNDS__REQUEST_BODY_BYTES", "1073741824", "`bounds.held_bytes_total`", None),
        ("TOLLGATE__LOG__LEVEL", "loud", "`loud` is none of", None),
        ("TOLLGATE__LOG__LEVEL", "", "is none of", None),
        ("TOLLGATE__POLICY__BUNDLE", "", "empty", None),
        ("TOLLGATE__POLICY__SECRET", "hunter2", "no setting", None),
        ("TOLLGATE__POLICY__SECRET__ENV", "hunter2 and more", "not the name", None),
        ("TOLLGATE__POLICY__SECRET__FILE", "line\nbreak", "control character", None),
        ("TOLLGATE__POLICY__SECRET__FILE", "hunter2\u{fffd}", "not UTF-8", None),
        ("REQUIRE_KMS", "tru\u{fffd}", "not UTF-8", None),
    ] {
        let Err(mistakes) = with(&[(name, value)]) else { panic!("{name}={value} is read") };
        assert_eq!(mistakes.iter().count(), 1, "{name}={value}: {}", mistakes.render(false));
        let mistake = mistakes.iter().next().unwrap();
        // Two addresses that collide are told at the listener.
        if message != "`admin.bind`" {
            assert_eq!(mistake.variable(), Some(name), "{name}={value}");
            assert_eq!((mistake.line(), mistake.column()), (None, None));
        }
        assert!(mistake.message().contains(message), "{name}={value}: {mistake}");
        if help.is_some() {
            assert_eq!(mistake.help(), help, "{name}={value}");
        }
        assert!(!mistakes.render(false).contains("hunter2"), "{}", mistakes.render(false));
    }
}

#[test]
fn a_value_without_end_is_refused() {
    let long = "x".repeat(20_000);
    let mistakes = with(&[("TOLLGATE__POLICY__BUNDLE", &long)]).unwrap_err();
    assert!(mistakes.iter().next().unwrap().message().contains("20000 bytes"));
}
