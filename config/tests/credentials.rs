//! Credentials: what is wrong with them is told with its place, and nothing secret of it.
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

use common::{check, file, minimal_with};
use tollgate_config::read;
use tollgate_config::settings::{OwnSecret, SecretRef};

const FOR: &str = "for: { host: api.example.org }";
const HEADER: &str = "give: { type: header, secret: { file: s } }";

/// `minimal.yaml` with these credentials.
fn with(credentials: &[String]) -> String {
    let list: String = credentials.iter().map(|one| format!("  - {{ {one} }}\n")).collect();
    minimal_with("version: 1\n", &format!("version: 1\ncredentials:\n{list}"))
}

fn one(rest: &str) -> String {
    with(&[format!("id: a, {rest}")])
}

#[test]
fn mistakes() {
    let give = |give: &str| one(&format!("{FOR}, give: {{ {give} }}"));
    let at = |place: &str| one(&format!("for: {{ {place} }}, {HEADER}"));
    let oauth = |server: &str| give(&format!("type: oauth_client, server: {{ {server} }}"));
    let client = "client_id: g, client_secret: { env: S }";
    for (text, path, message, help) in [
        (one(FOR), "credentials[0]", "key `give` is missing", ""),
        (one(HEADER), "credentials[0]", "key `for` is missing", ""),
        (give("type: header"), "credentials[0].give", "key `secret` is missing", ""),
        (give("type: header, secret: { file: s, env: E }"), "credentials[0].give.secret", "", ""),
        (give("type: bearer, secret: { file: s }"), "credentials[0].give.type", "none of", ""),
        (
            give("type: header, name: Host, secret: { file: s }"),
            "credentials[0].give.name",
            "may not be set",
            "x-api-key",
        ),
        (
            give("type: header, name: mcp-session-id, secret: { file: s }"),
            "credentials[0].give.name",
            "may not be set",
            "",
        ),
        (
            give("type: header, name: cookie, secret: { file: s }"),
            "credentials[0].give.name",
            "not given as a header",
            "type: cookie",
        ),
        (
            give("type: header, prefix: 'Bärer ', secret: { file: s }"),
            "credentials[0].give.prefix",
            "no header bears",
            "",
        ),
        (
            give("type: basic, user: 'a:b', secret: { file: s }"),
            "credentials[0].give.user",
            "no `:`",
            "",
        ),
        (
            give("type: aws_sigv4, service: s3, region: r, access_key_id: { env: A }"),
            "credentials[0].give.access_key_id",
            "needs `secret_access_key`",
            "or neither",
        ),
        (at("host: 'https://x'"), "credentials[0].for.host", "neither a host", ""),
        (at("host: x, port: 0"), "credentials[0].for.port", "less than `1`", ""),
        (at("host: x, path: a/b"), "credentials[0].for.path", "begin with `/`", ""),
        (at("host: x, methods: [get]"), "credentials[0].for.methods[0]", "is no method", "upper"),
        (
            at("host: x, agents: [codr]"),
            "credentials[0].for.agents[0]",
            "no agent of the registry",
            "did you mean `coder`?",
        ),
        (
            one(&format!("placeholder: short, {FOR}, {HEADER}")),
            "credentials[0].placeholder",
            "it has 5 characters",
            "8 to 255",
        ),
        (
            one(&format!("placeholder: 'with a space', {FOR}, {HEADER}")),
            "credentials[0].placeholder",
            "no header bears",
            "",
        ),
        (
            oauth(&format!("url: 'http://login.example.org/token', {client}")),
            "credentials[0].give.server.url",
            "in clear text",
            "https://",
        ),
        (
            oauth("url: 'https://login.example.org/token'"),
            "credentials[0].give.server",
            "key `client_id` is missing",
            "",
        ),
        (
            oauth("url: 'https://login.example.org/token', client_id: g"),
            "credentials[0].give.server.client_id",
            "needs `client_secret`",
            "",
        ),
        (
            oauth(&format!("url: 'https://l.example.org/t', {client}, tls: {{ client_key: k }}")),
            "credentials[0].give.server.tls.client_key",
            "needs `client_certificate`",
            "",
        ),
    ] {
        check(&text, path, message, help);
    }
}

#[test]
fn one_credential_for_each_place() {
    let pair = |first: &str, second: &str| {
        with(&[
            format!("id: a, for: {{ {first} }}, {HEADER}"),
            format!("id: b, for: {{ {second} }}, {HEADER}"),
        ])
    };
    for (first, second) in [
        ("host: api.example.org", "host: API.example.org."),
        ("host: '*.example.org'", "host: api.example.org"),
        ("host: '*.example.org'", "host: '*.api.example.org'"),
        ("host: x", "host: x, path: /a"),
        ("host: x, path: /a", "host: x, path: /a/b"),
        ("host: x", "host: x, methods: [GET]"),
        ("host: x, methods: [GET, POST]", "host: x, methods: [POST]"),
        ("host: x", "host: x, agents: [coder]"),
    ] {
        let text = pair(first, second);
        check(&text, "credentials[1].for", "`credentials[0]` is for all", "narrower one first");
    }
    for (first, second) in [
        ("host: example.org", "host: '*.example.org'"),
        ("host: x, path: /a", "host: x, path: /ab"),
        ("host: x, path: /a", "host: x"),
        ("host: x, port: 8443", "host: x"),
        ("host: x, methods: [GET]", "host: x"),
        ("host: x, agents: [coder]", "host: x"),
    ] {
        if let Err(mistakes) = read(&pair(first, second), "t.yaml", &[]) {
            panic!("{}", mistakes.render(false));
        }
    }
    let same = |rest: &str| {
        with(&[
            format!("id: a, {FOR}, {HEADER}"),
            format!("{rest}, for: {{ host: other.example.org }}, {HEADER}"),
        ])
    };
    check(&same("id: b, placeholder: tollgate-a"), "credentials[1].placeholder", "also the", "");
    let text = same("id: a, placeholder: tollgate-b");
    check(&text, "credentials[1].id", "is also `credentials[0].id`", "");
}

#[test]
fn a_secret_in_its_place_is_not_shown() {
    for give in [
        "type: header, secret: hunter2",
        "type: header, secret: { value: hunter2 }",
        "type: header, secret: { env: 'hunter2 hunter2' }",
        "type: basic, user: u, password: hunter2",
        "type: oauth_client, server: { url: 'https://me:hunter2@x', client_secret: hunter2 }",
    ] {
        let mistakes =
            read(&one(&format!("{FOR}, give: {{ {give} }}")), "t.yaml", &[]).unwrap_err();
        let said = format!("{}{:?}", mistakes.render(true), mistakes);
        assert!(!said.contains("hunter2"), "{said}");
    }
    let text = minimal_with("version: 1", "version: 2\ncredentials: [hunter2]");
    let said = read(&text, "t.yaml", &[]).unwrap_err().render(false);
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn their_secrets_are_the_gates_own() {
    let mut settings = read(&file("example.yaml"), "example.yaml", &[]).unwrap();
    settings.resolve("/etc/tollgate".as_ref());
    let found = settings.own_secrets();
    let file = |path: &str| SecretRef::File(path.into());
    for (name, place) in [
        ("credentials[0].give.secret", file("/etc/tollgate/secrets/github-token")),
        ("credentials[1].give.secret", SecretRef::Env("PACKAGES_TOKEN".to_owned())),
        ("credentials[4].give.session_token", file("/etc/tollgate/secrets/aws-session")),
        ("credentials[5].give.server.client_secret", file("/etc/tollgate/secrets/login")),
        ("credentials[6].give.actor_token", file("/etc/tollgate/secrets/agent.jwt")),
    ] {
        let wanted = OwnSecret::Secret(name.to_owned(), place);
        assert!(found.contains(&wanted), "{wanted:?} is not in {found:?}");
    }
    let counted: usize = settings.credentials.iter().map(|one| one.give.secrets().len()).sum();
    let named = |secret: &&OwnSecret| matches!(secret, OwnSecret::Secret(name, _) if name.starts_with("credentials["));
    assert_eq!(found.iter().filter(named).count(), counted);
    assert_eq!(settings.credentials[1].placeholder(), "tollgate-packages");
}
