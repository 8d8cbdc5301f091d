//! Every kind of mistake is told, with its place, and all of them at once.
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

#[test]
fn all_mistakes_of_a_file_are_shown_at_once() {
    let variables = [
        ("TOLLGATE__ADMIN__BIN".to_owned(), "127.0.0.1:9000".to_owned()),
        ("TOLLGATE__LOG__LEVEL".to_owned(), "loud".to_owned()),
    ];
    let mistakes = read(&file("tests/files/broken.yaml"), "tollgate.yaml", &variables).unwrap_err();
    assert!(mistakes.iter().count() >= 30);
    insta::assert_snapshot!(mistakes.render(false));
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let mistakes = read("version: 2", "tollgate.yaml", &[]).unwrap_err();
    assert!(mistakes.render(true).contains('\u{1b}'));
    assert!(!mistakes.render(false).contains('\u{1b}'));
}

/// `minimal.yaml` with `old` replaced by `new`.
fn check_all(cases: &[(&str, &str, &str, &str, &str)]) {
    for (old, new, path, message, help) in cases {
        check(&minimal_with(old, new), path, message, help);
    }
}

const BIND: &str = "bind: 127.0.0.1:8080";
const TOP: &str = "version: 1";
const URL: &str = "https://tools.example.org/mcp";

#[test]
fn form() {
    check_all(&[
        (TOP, "version: 1\nmood: x", "mood", "key `mood` is not known", "did you mean `mode`?"),
        (TOP, "version: 1\nzzz: x", "zzz", "key `zzz` is not known", "known here: "),
        (TOP, "version: 1\nrules_max: 5", "rules_max", "is not known", "known here"),
        (TOP, "mode: enforce", "", "key `version` is missing", "always 1"),
        (TOP, "version: one", "version", "whole number is needed here, this is text", "digits"),
        (TOP, "version: 1.5", "version", "a number with a fraction", ""),
        (TOP, "version: '1'", "version", "this is text", "without quotes"),
        (TOP, "version: 0", "version", "`0` is less than `1`", "always `1`"),
        (TOP, "version: 99999999999999999999999999", "version", "is more than", ""),
        (TOP, "version:", "version", "it has no value", "leave the key out"),
        (TOP, "version: ~", "version", "it has no value", ""),
        (TOP, "version: []", "version", "this is a list", ""),
        (TOP, "version: 1\nversion: 1", "version", "given twice", "first on line 1"),
        (TOP, "version: 1\nmode: observed", "mode", "`observed` is none of", "`observe`?"),
        (TOP, "version: 1\nmode: off", "mode", "`off` is none of `enforce` and `observe`", ""),
        (TOP, "version: 1\nmode: true", "mode", "a word is needed here, this is true", "quotes"),
        (TOP, "version: 1\nresolver:", "resolver", "no value", ""),
        (TOP, "version: 1\nbounds: 5", "bounds", "a map is needed here", ""),
        (
            TOP,
            "version: 1\nbounds: { json_depth: 0 }",
            "bounds.json_depth",
            "less than `1`",
            "from 1 to 128",
        ),
        (
            TOP,
            "version: 1\nresolver: { servers: [192.0.2.1, 192.0.2.1] }",
            "resolver.servers[1]",
            "in the list twice",
            "",
        ),
        (
            TOP,
            "version: 1\nupstreams: { breaker: { open_ms: 70000 } }",
            "upstreams.breaker.open_ms",
            "`70000`, is more than `open_max_ms`, `60000`",
            "at most",
        ),
        (
            TOP,
            "version: 1\nupstreams: { breaker: { open_max_ms: 1000 } }",
            "upstreams.breaker.open_max_ms",
            "`5000`, is more than `open_max_ms`, `1000`",
            "at most",
        ),
        (
            TOP,
            "version: 1\nupstreams: { concurrency: 0 }",
            "upstreams.concurrency",
            "less than `1`",
            "",
        ),
        (
            TOP,
            "version: 1\nparent_proxy: { url: 'http://proxy.example.org', ca: ca.pem }",
            "parent_proxy.ca",
            "nobody is asked",
            "`https://`",
        ),
        (
            TOP,
            "version: 1\nparent_proxy: { url: 'http://proxy.example.org/x' }",
            "parent_proxy.url",
            "no path",
            "",
        ),
        (
            TOP,
            "version: 1\nparent_proxy: { url: 'http://p', credentials: { user: 'a:b', secret: { env: X } } }",
            "parent_proxy.credentials.user",
            "colon",
            "",
        ),
        (
            TOP,
            "version: 1\nresolver: { servers: [dns] }",
            "resolver.servers[0]",
            "`dns` is not the address of a DNS server",
            "",
        ),
        (
            TOP,
            "version: 1\nresolver: { servers: 192.0.2.1 }",
            "resolver.servers",
            "a list is needed",
            "- ",
        ),
        (
            "type: plain",
            "type: plane",
            "listeners[0].type",
            "`plane` is none of",
            "did you mean `plain`?",
        ),
        (
            "  - type: plain\n    name",
            "  - name",
            "listeners[0]",
            "key `type` is missing",
            "`plain`, `tls`, `transparent` or `unix`",
        ),
        ("    agent: coder\n", "", "listeners[0]", "key `agent` is missing", "for example"),
        (
            "agent: coder",
            "agent: coder\n    danger_allow_remote: yes",
            "listeners[0].danger_allow_remote",
            "`true` or `false` is needed",
            "write `true`",
        ),
        (
            "agent: coder",
            "agent: coder\n    client_ca: x",
            "listeners[0].client_ca",
            "not known",
            "",
        ),
        (
            "  - id: coder",
            "  - id: coder\n  - 5",
            "agents[1]",
            "a map is needed here, this is a whole number",
            "",
        ),
        ("name: local", "name: ''", "listeners[0].name", "empty", ""),
        ("name: local", "name: a b", "listeners[0].name", "`a b` cannot be a name", "letters"),
        ("name: local", "name: ../x", "listeners[0].name", "cannot be a name", ""),
        ("name: local", "name: \"a\\nb\"", "listeners[0].name", "control character", ""),
        (
            "name: local",
            &format!("name: {}", "n".repeat(64)),
            "listeners[0].name",
            "it has 64 characters",
            "1 to 63",
        ),
        (
            "bundle: policy.yaml",
            "bundle: { file: x }",
            "policy.bundle",
            "text is needed here, this is a map",
            "",
        ),
        ("bundle: policy.yaml", "bundle: 7", "policy.bundle", "text is needed here", "quotes"),
        ("spool: /var", "spool: &a /var", "", "an anchor", ""),
        ("spool: /var", "spool: !!str /var", "", "a tag", ""),
    ]);
}

#[test]
fn documents() {
    let minimal = file("minimal.yaml");
    for (text, message) in [
        (String::new(), "the file is empty"),
        ("# nothing\n".to_owned(), "the file is empty"),
        ("~".to_owned(), "the file is empty"),
        ("just words".to_owned(), "a map is needed here, this is text"),
        ("[1, 2]".to_owned(), "a map is needed here, this is a list"),
        ("a: [".to_owned(), "this is not YAML"),
        (format!("{minimal}\0"), "control character"),
        (format!("{minimal}# \u{1b}[31m"), "control character"),
        ("a: 'x".to_owned(), "this is not YAML"),
        ("a: b\n\tc: d".to_owned(), "this is not YAML"),
        (format!("{minimal}\n---\nversion: 1\n"), "a second document"),
        (format!("%YAML 1.2\n---\n{minimal}"), "this is not YAML"),
        (format!("{minimal}x: *y\n"), "this is not YAML"),
        ("[".repeat(100), "nested deeper than 32"),
        ("- ".repeat(100), "nested deeper than 32"),
        (format!("{minimal}#{}\n", "x".repeat(1 << 20)), "more than the 1048576"),
    ] {
        let Err(mistakes) = read(&text, "t.yaml", &[]) else { panic!("this is read:\n{text:.80}") };
        assert_eq!(mistakes.iter().count(), 1, "{}", mistakes.render(false));
        assert!(mistakes.render(false).contains(message), "{}", mistakes.render(false));
    }
}

#[test]
fn nothing_that_is_shown_moves_a_terminals_cursor() {
    let text = format!("{}mode: \u{1b}[2J\u{9b}31m\u{202e}x\n", file("minimal.yaml"));
    for name in ["t.yaml", "t\u{1b}[2J.yaml"] {
        let rendered = read(&text, name, &[]).unwrap_err().render(false);
        let moves = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!rendered.contains(moves), "{rendered:?}");
    }
}

#[test]
fn listeners_and_agents() {
    check_all(&[
        (BIND, "bind: 8080", "listeners[0].bind", "text is needed", ""),
        (
            BIND,
            "bind: localhost:80",
            "listeners[0].bind",
            "not an address with a port",
            "127.0.0.1:8080",
        ),
        (BIND, "bind: 0.0.0.0:8080", "listeners[0].bind", "not a loopback", "danger_allow_remote"),
        (BIND, "bind: '[::]:8080'", "listeners[0].bind", "not a loopback", "type: tls"),
        (BIND, "bind: 127.0.0.1:9901", "listeners[0].bind", "is also `admin.bind`", "another port"),
        (TOP, "version: 1\nadmin: { bind: '0.0.0.0:1' }", "admin.bind", "not a loopback", ""),
        (
            TOP,
            "version: 1\nadmin: { bind: '127.0.0.1:8080' }",
            "listeners[0].bind",
            "admin.bind",
            "",
        ),
        (
            "agent: coder",
            "agent: coda",
            "listeners[0].agent",
            "no agent of the registry",
            "`coder`?",
        ),
        ("agent: coder", "agent: zebra", "listeners[0].agent", "no agent", "`agents` has `coder`"),
        (
            "agents:",
            "  - { type: plain, name: local, bind: '127.0.0.1:8081', agent: coder }\nagents:",
            "listeners[1].name",
            "is also `listeners[0].name`",
            "",
        ),
        (
            "agents:",
            "  - { type: plain, name: two, bind: '127.0.0.1:8080', agent: coder }\nagents:",
            "listeners[1].bind",
            "taken by `listeners[0].bind`",
            "",
        ),
        (
            "agents:",
            "  - { type: tls, name: two, bind: '0.0.0.0:8080', certificate: c, key: k, client_ca: a }\nagents:",
            "listeners[1].bind",
            "taken by `listeners[0].bind`",
            "",
        ),
        (
            "  - id: coder",
            "  - id: coder\n  - id: coder",
            "agents[1].id",
            "is also `agents[0].id`",
            "",
        ),
        ("  - id: coder", "  - id: coder\n    trust: hi", "agents[0].trust", "`hi` is none of", ""),
        (
            "  - id: coder",
            "  - id: coder\n    certificate: { dns_name: a }\n  - id: b\n    certificate: { dns_name: a }",
            "agents[1].certificate.dns_name",
            "already means `agents[0]`",
            "",
        ),
    ]);
    for (id, message) in [
        ("spiffe://", "trust domain"),
        ("spiffe:///x", "trust domain"),
        ("spiffe://Example.org/x", "trust domain"),
        ("spiffe://example.org:80/x", "trust domain"),
        ("spiffe://a b/x", "trust domain"),
        ("SPIFFE://example.org/x", "lower case"),
        ("spiffe://example.org", "no path"),
        ("spiffe://example.org/", "no path"),
        ("spiffe://example.org/x/", "path of the SPIFFE ID"),
        ("spiffe://example.org//x", "path of the SPIFFE ID"),
        ("spiffe://example.org/../x", "path of the SPIFFE ID"),
        ("spiffe://example.org/a%20b", "path of the SPIFFE ID"),
        ("spiffe://example.org/x#f", "path of the SPIFFE ID"),
        ("spiffe://me@example.org/x", "trust domain"),
        ("spiffe://example.org/x?q", "path of the SPIFFE ID"),
        (&"a".repeat(256), "256 bytes"),
        (&format!("spiffe://example.org/{}", "a".repeat(2048)), "characters"),
    ] {
        let text = minimal_with("  - id: coder", &format!("  - id: coder\n  - id: '{id}'"));
        check(&text, "agents[1].id", message, "");
    }
}

#[test]
fn routes() {
    check_all(&[
        ("{ prefix: /tools }", "{}", "routes[0].match", "neither `prefix` nor `host`", ""),
        ("    match: { prefix: /tools }\n", "", "routes[0]", "key `match` is missing", ""),
        (
            "protocol: mcp",
            "protocol: mcp\n    websocket: allow",
            "routes[0].websocket",
            "no MCP is spoken over WebSocket",
            "`protocol: http`",
        ),
        ("protocol: mcp", "protocol: mpc", "routes[0].protocol", "none of", "did you mean `mcp`?"),
        (
            "policy:",
            "  - { name: tools, match: { host: b }, upstream: { url: 'https://b' } }\npolicy:",
            "routes[1].name",
            "also `routes[0].name`",
            "",
        ),
        (
            "policy:",
            "  - { name: b, match: { prefix: /tools }, upstream: { url: 'https://b' } }\npolicy:",
            "routes[1].match",
            "no call comes here: `routes[0]`",
            "narrower",
        ),
        (
            "policy:",
            "  - { name: b, match: { prefix: /tools/b, host: h }, upstream: { url: 'https://b' } }\npolicy:",
            "routes[1].match",
            "no call comes here",
            "",
        ),
        (
            URL,
            "https://h, tls: { client_key: k }",
            "routes[0].upstream.tls.client_key",
            "it needs `client_certificate`",
            "",
        ),
        (
            URL,
            "https://h, tls: { client_certificate: k }",
            "routes[0].upstream.tls.client_certificate",
            "it needs `client_key`",
            "",
        ),
        (
            URL,
            "http://h, tls: { ca: k }",
            "routes[0].upstream.tls.ca",
            "the upstream is `http://`",
            "https",
        ),
        (
            URL,
            "https://h, allow_addresses: [ten]",
            "routes[0].upstream.allow_addresses[0]",
            "`ten` is not a range",
            "10.20.0.0/16",
        ),
        (
            URL,
            "https://h, allow_addresses: [10.0.0.1/33]",
            "routes[0].upstream.allow_addresses[0]",
            "not a range",
            "",
        ),
        (
            URL,
            "https://h, allow_addresses: [10.0.0.1/8]",
            "routes[0].upstream.allow_addresses[0]",
            "beyond its prefix",
            "`10.0.0.0/8`",
        ),
        (TOP, "version: 1\nforward_proxy: {}", "forward_proxy", "key `hosts` is missing", ""),
        (TOP, "version: 1\nforward_proxy: { hosts: [] }", "forward_proxy.hosts", "at least 1", ""),
        (
            TOP,
            "version: 1\nforward_proxy: { hosts: [a], ports: [0] }",
            "forward_proxy.ports[0]",
            "less than `1`",
            "",
        ),
        (
            TOP,
            "version: 1\nforward_proxy: { hosts: [a], ports: [70000] }",
            "forward_proxy.ports[0]",
            "more than `65535`",
            "",
        ),
        (
            TOP,
            "version: 1\nforward_proxy: { hosts: [a], ports: [] }",
            "forward_proxy.ports",
            "at least 1",
            "",
        ),
    ]);
    for prefix in
        ["tools", "/", "/a/", "//a", "/a//b", "/a/../b", "/.", "/a%2fb", "/a b", "/a?b", "/é"]
    {
        let text = minimal_with("{ prefix: /tools }", &format!("{{ prefix: '{prefix}' }}"));
        let path = "routes[0].match.prefix";
        check(&text, path, "", if prefix == "/" { "2 to 255" } else { "such as `/tools`" });
    }
    for host in ["a b", "https://a", "a:80", "a/b", "*", "[::1"] {
        let text = minimal_with("{ prefix: /tools }", &format!("{{ host: '{host}' }}"));
        check(&text, "routes[0].match.host", "is not a host", "without scheme");
    }
    for host in ["*", "*.", "**.a", "a.*", "*.*.a", "*.10.0.0.1", "a:80", "http://a"] {
        let new = format!("version: 1\nforward_proxy: {{ hosts: ['{host}'] }}");
        check(&minimal_with(TOP, &new), "forward_proxy.hosts[0]", "neither a host nor", "");
    }
}

#[test]
fn urls() {
    for (url, message) in [
        ("tools.example.org", "not a URL"),
        ("ftp://a", "neither `http://` nor `https://`"),
        ("https://", "not a URL"),
        ("https://u@a/", "user or password"),
        ("https://u:p@a/", "user or password"),
        ("https://@a/", "user or password"),
        ("https://a/?x=1", "query"),
        ("https://a/#x", "fragment"),
        ("https://a:0/", "port 0"),
        ("https://a:99999/", "not a URL"),
        ("https://a/b/../c", "more than one way"),
        ("https://a/%2e%2e/c", "more than one way"),
        ("https://a\\\\b", "more than one way"),
        ("https:a", "more than one way"),
        ("https:///a", "more than one way"),
        ("https://a/b c", "more than one way"),
        ("https://0x7f.1/", "in disguise"),
        ("https://2130706433", "in disguise"),
    ] {
        let text = minimal_with(URL, &format!("\"{url}\""));
        check(&text, "routes[0].upstream.url", message, "");
    }
    for url in [
        "https://a",
        "HTTPS://a/",
        "https://a:8443/base/path",
        "https://10.0.0.5/",
        "https://[2001:db8::1]:443/x",
        "http://a/.well-known/x",
    ] {
        let text = minimal_with(URL, &format!("\"{url}\""));
        if let Err(mistakes) = read(&text, "t.yaml", &[]) {
            panic!("{}", mistakes.render(false));
        }
    }
}

#[test]
fn places_are_exact() {
    for (text, line, column) in [
        ("version: 2\n", 1, 10),
        ("# é\nversion: 2\n", 2, 10),
        ("\u{feff}version: 2\n", 1, 10),
        ("'version': 2\r\n", 1, 12),
        ("{mode: enforce, version: 2}", 1, 26),
        ("# é comment\n{mode: \"enforc\\u0065\", version: 2}", 2, 33),
    ] {
        let mistakes = read(text, "t.yaml", &[]).unwrap_err();
        let mistake = mistakes.iter().find(|it| it.path() == "version").unwrap();
        assert_eq!((mistake.line(), mistake.column()), (Some(line), Some(column)), "{text:?}");
        assert!(
            mistakes.render(false).contains(&format!("t.yaml:{line}:{column}")),
            "{text:?}:\n{}",
            mistakes.render(false)
        );
    }
}

#[test]
fn a_flood_of_mistakes_is_cut_and_says_so() {
    let many: String = (0..1000).map(|nth| format!("k{nth}: x\n")).collect();
    let mistakes = read(&many, "t.yaml", &[]).unwrap_err();
    assert_eq!(mistakes.iter().count(), 201);
    // 1000 unknown keys and 5 missing ones.
    let last = mistakes.iter().last().unwrap();
    assert_eq!(last.message(), "805 more mistakes are not shown");
    let line = format!("{{{}}}", many.replace('\n', ", "));
    let rendered = read(&line, "t.yaml", &[]).unwrap_err().render(false);
    assert!(rendered.len() < 200_000, "{} bytes for one long line", rendered.len());
}
