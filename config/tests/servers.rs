//! Mistakes in sinks that are brokers, databases and telemetry collectors.
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

#[test]
fn what_would_travel_in_clear_text_or_end_a_name_early_is_refused() {
    let sinks = |list: &str| minimal_with("/spool", &format!("/spool\n  sinks: [{list}]"));
    for (text, path, expect) in [
        (
            sinks(
                "{ type: nats, name: n, host: nats.example.org, stream: S, subject: s, auth: { token: { env: T } } }",
            ),
            "audit.sinks[0].auth",
            "clear text",
        ),
        (
            sinks("{ type: nats, name: n, host: localhost, stream: S, subject: 's.>' }"),
            "audit.sinks[0].subject",
            "cannot be a name",
        ),
        (
            sinks("{ type: nats, name: n, host: 'u:p@a', stream: S, subject: s }"),
            "audit.sinks[0].host",
            "not a host",
        ),
        (
            sinks(
                "{ type: postgres, name: p, host: db.example.org, database: d, user: u, password: { env: P } }",
            ),
            "audit.sinks[0].password",
            "clear text",
        ),
        (
            sinks(
                "{ type: postgres, name: p, host: localhost, database: d, user: u, table: 'a; drop' }",
            ),
            "audit.sinks[0].table",
            "cannot be a name in SQL",
        ),
        (
            sinks(
                "{ type: postgres, name: p, host: localhost, database: d, user: u, password: pa55 }",
            ),
            "audit.sinks[0].password",
            "place of a secret",
        ),
        (
            sinks(
                "{ type: otlp, name: o, url: 'http://otel.example.org/v1/logs', headers: [{ name: k, value: { env: K } }] }",
            ),
            "audit.sinks[0].url",
            "clear text",
        ),
    ] {
        check(&text, path, expect, "");
    }
}
