//! Mistakes in who is known on a listener.
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

/// `minimal.yaml` with one more listener.
fn with_listener(listener: &str) -> String {
    minimal_with("listeners:\n", &format!("listeners:\n  - {{ {listener} }}\n"))
}

#[test]
fn whoever_is_let_in_on_a_unix_socket_is_named() {
    const UNIX: &str = "type: unix, name: u, path: run/u.sock";
    for (rest, path, message, help) in [
        ("", "listeners[0]", "nobody could be known here", "agents[].uids"),
        (", agent: coder", "listeners[0]", "whose processes", "`uids`"),
        (", uids: [1000]", "listeners[0]", "which agent", "`agent`"),
        (", agent: coda, uids: [1]", "listeners[0].agent", "no agent of", "did you mean"),
        (", agent: coder, uids: [65534]", "listeners[0].uids", "other user namespaces", ""),
        (", agent: coder, gids: [65534]", "listeners[0].gids", "other user namespaces", ""),
        (", agent: coder, uids: [-1]", "listeners[0].uids[0]", "less than `0`", ""),
        (", agent: coder, uids: [4294967295]", "listeners[0].uids[0]", "more than", ""),
        (", agent: coder, uids: [1], mode: 0600", "listeners[0].mode", "text is needed", "quotes"),
        (", agent: coder, uids: [1], mode: '0999'", "listeners[0].mode", "permissions", "octal"),
        (", agent: coder, uids: [1], mode: '+600'", "listeners[0].mode", "permissions", "octal"),
        (", agent: coder, uids: [1], mode: '4600'", "listeners[0].mode", "permissions", "octal"),
    ] {
        check(&with_listener(&format!("{UNIX}{rest}")), path, message, help);
    }
    let good = with_listener(&format!("{UNIX}, agent: coder, uids: [1000], mode: '0660'"));
    assert!(read(&good, "t.yaml", &[]).is_ok());
    let two =
        format!("{UNIX}, agent: coder, uids: [1] }}\n  - {{ {}", UNIX.replace(": u,", ": v,"));
    let two = with_listener(&format!("{two}, agent: coder, uids: [1]"));
    check(&two, "listeners[1].path", "is taken by `listeners[0].path`", "own file");
}

#[test]
fn a_user_means_one_agent() {
    let agents = |first: &str, second: &str| {
        let list =
            format!("id: coder\n  - {{ id: a, uids: {first} }}\n  - {{ id: b, uids: {second} }}");
        minimal_with("id: coder", &list)
    };
    check(&agents("[1, 2]", "[2]"), "agents[2].uids", "already means `agents[1]`", "one agent");
    check(&agents("[65534]", "[2]"), "agents[1].uids", "other user namespaces", "");
}

#[test]
fn somebody_vouches_for_the_clients() {
    const TLS: &str = "type: tls, name: t, bind: '0.0.0.0:1', certificate: c, key: k";
    const BARE: &str = "type: tls, name: t, bind: '0.0.0.0:1', client_ca: a";
    for (rest, path, message, help) in [
        ("", "listeners[0]", "nobody vouches", "`client_ca`"),
        (
            ", trust_domains: [{ name: a.test, bundle: b }], revocation: { files: [r] }",
            "listeners[0].revocation",
            "no `client_ca`",
            "below the trust domain",
        ),
        (
            ", trust_domains: [{ name: a.test, bundle: b }, { name: a.test, bundle: c }]",
            "listeners[0].trust_domains[1].name",
            "is also",
            "own",
        ),
        (
            ", trust_domains: [{ name: 'spiffe://a.test', bundle: b }]",
            "listeners[0].trust_domains[0].name",
            "not a trust domain",
            "small letters",
        ),
        (", client_ca: a, revocation: { files: [] }", "listeners[0].revocation.files", "", ""),
    ] {
        check(&with_listener(&format!("{TLS}{rest}")), path, message, help);
    }
    for (rest, path, message, help) in [
        (", certificate: c", "listeners[0]", "key `key` is missing", "`svid: true`"),
        (", svid: true", "listeners[0].svid", "no `workload_api`", "workload_api.socket"),
        (
            ", certificate: c, key: k, trust_domains: [{ name: a.test }]",
            "listeners[0].trust_domains[0]",
            "no `bundle`",
            "workload_api.socket",
        ),
    ] {
        check(&with_listener(&format!("{BARE}{rest}")), path, message, help);
    }
    let api = |rest: &str| {
        with_listener(&format!("{BARE}{rest}")).replacen(
            "version: 1",
            "version: 1\nworkload_api: { socket: s }",
            1,
        )
    };
    check(&api(", svid: true, key: k"), "listeners[0].key", "`svid` is set, too", "one of the two");
    assert!(read(&api(", svid: true, trust_domains: [{ name: a.test }]"), "t.yaml", &[]).is_ok());
    let danger = ", client_ca: a, revocation: { files: [r], danger_allow_expired: true }";
    let settings = read(&with_listener(&format!("{TLS}{danger}")), "t.yaml", &[]).unwrap();
    assert!(settings.warnings().iter().any(|warning| warning.contains("danger_allow_expired")));
}

#[test]
fn whoever_delegates_is_registered_and_stands_above() {
    let agents = |first: &str, second: &str| {
        let list = format!("id: coder\n  - {{ id: a, {first} }}\n  - {{ id: b, {second} }}");
        minimal_with("id: coder", &list)
    };
    let circle = "leads in a circle";
    check(&agents("delegated_by: c", "trust: basic"), "agents[1].delegated_by", "`c`", "add it");
    check(&agents("delegated_by: a", "trust: basic"), "agents[1].delegated_by", circle, "nobody");
    let both = agents("delegated_by: b", "delegated_by: a");
    assert_eq!(read(&both, "t.yaml", &[]).unwrap_err().render(false).matches(circle).count(), 2);
    check(&agents("delegation_depth: 17", "trust: basic"), "agents[1].delegation_depth", "17", "");
    let good = agents("delegated_by: coder, delegation_depth: 1", "delegated_by: a");
    assert!(read(&good, "t.yaml", &[]).is_ok());
    let elsewhere = agents("delegated_by: c", "trust: basic") + "\nagents_folder: agents.d\n";
    assert!(read(&elsewhere, "t.yaml", &[]).is_ok());
}

#[test]
fn an_svid_is_shown_where_there_is_one() {
    let route = |tls: &str, rest: &str| {
        let to = format!("https://tools.example.org/mcp, tls: {{ {tls} }}");
        minimal_with("https://tools.example.org/mcp", &to) + rest
    };
    let api = "\nworkload_api: { socket: /run/api.sock }\n";
    let at = "routes[0].upstream.tls";
    check(&route("svid: true", ""), &format!("{at}.svid"), "no `workload_api`", "socket");
    let both = "svid: true, client_certificate: a.pem, client_key: b.pem";
    let both = read(&route(both, api), "t.yaml", &[]).unwrap_err().render(false);
    assert_eq!(both.matches("`svid` is set, too").count(), 2, "{both}");
    assert!(read(&route("svid: true", api), "t.yaml", &[]).is_ok());
}
