//! A call that says something in its body and in its query: which of them its server takes is not
//! known, so what is hidden in one of them is not hidden.
#![expect(clippy::unwrap_used, reason = "tests say loudly what is wrong")]
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_rules::*;

fn call(body: Value, query: &[(&str, &str)]) -> Call {
    let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    Call {
        agent: Arc::new(Agent {
            id: AgentId::new("a"),
            agent_type: None,
            environment: "prod".into(),
            trust: Trust::Basic,
            roles: vec![],
            owner: None,
            tools: vec![],
            delegation_depth: 0,
        }),
        target: Target {
            scheme: Scheme::Https,
            host: Host::parse("api.example.com").unwrap(),
            port: 443,
            method: "POST".into(),
            path: "/x".into(),
            route: "api".into(),
        },
        protocol: Protocol::Http,
        action: Action::default(),
        arguments: Arguments::from(body).beside(pairs.collect()),
        body_bytes: 1,
    }
}

fn effect(rules: &str, call: &Call) -> Effect {
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let bundle = format!(
        "version: '1'\ngenerated_at: 2026-01-01T00:00:00Z\nexpires_at: 2027-01-01T00:00:00Z\n{rules}"
    );
    Rulebook::load(&bundle, &LoadOptions::default(), now).unwrap().decide(call, now).effect
}

#[test]
fn a_rule_that_refuses_sees_either() {
    let rules = "defaults: { outcome: ALLOW }\nrules:\n  - id: no\n    description: no\n    match: { tool_name: \"*\" }\n    when: WHEN\n    outcome: DENY\n";
    for when in [
        "{ contains_any: [forbidden] }",
        "{ matches_regex: 'forb.dden' }",
        "{ tool_args_match: { q: { eq: forbidden } } }",
    ] {
        let rules = rules.replace("WHEN", when);
        for (body, query, expect) in [
            (json!({}), &[("q", "forbidden")][..], Effect::Deny),
            (json!({ "q": "fine" }), &[("q", "forbidden")], Effect::Deny),
            (json!({ "q": "forbidden" }), &[("q", "fine")], Effect::Deny),
            (json!({ "q": "fine" }), &[("q", "fine"), ("q", "forbidden")], Effect::Deny),
            (json!([1]), &[("q", "forbidden")], Effect::Deny),
            (json!(null), &[("q", "fine"), ("q", "forbidden")], Effect::Deny),
            (json!({ "q": "fine" }), &[("q", "fine")], Effect::Allow),
        ] {
            assert_eq!(
                effect(&rules, &call(body.clone(), query)),
                expect,
                "{when} {body} {query:?}"
            );
        }
    }
}

#[test]
fn a_rule_that_lets_pass_asks_both() {
    let rules = "defaults: { outcome: DENY }\nrules:\n  - id: yes\n    description: yes\n    match: { tool_name: \"*\" }\n    when: { tool_args_match: { to: { eq: me } } }\n    outcome: ALLOW\n";
    for (body, query, expect) in [
        (json!({ "to": "me" }), &[][..], Effect::Allow),
        (json!({ "to": "me" }), &[("to", "me")], Effect::Allow),
        (json!({}), &[("to", "me")], Effect::Allow),
        (json!({ "to": "me" }), &[("to", "you")], Effect::Deny),
        (json!({ "to": "you" }), &[("to", "me")], Effect::Deny),
        (json!({}), &[("to", "me"), ("to", "you")], Effect::Deny),
        (json!({ "to": "me", "To": "you" }), &[], Effect::Deny),
        (json!({ "to": "me", "TO": "me" }), &[], Effect::Allow),
        (json!({ "To": "me" }), &[], Effect::Deny),
        (json!({ "to": "me" }), &[("To", "you")], Effect::Deny),
        (json!({}), &[], Effect::Deny),
    ] {
        assert_eq!(effect(rules, &call(body.clone(), query)), expect, "{body} {query:?}");
    }
}

#[test]
fn a_name_in_another_case_is_the_same_argument_to_who_ignores_case() {
    let rules = "defaults: { outcome: ALLOW }\nrules:\n  - id: no\n    description: no\n    match: { tool_name: \"*\" }\n    when: { tool_args_match: { amount: { gt: 1000 } } }\n    outcome: DENY\n";
    for (body, query, expect) in [
        (json!({ "amount": 1, "Amount": 5000 }), &[][..], Effect::Deny),
        (json!({ "AMOUNT": 5000 }), &[], Effect::Deny),
        (json!({ "amount": 1, "Amounts": 5000 }), &[], Effect::Allow),
        (json!({ "amount": 1 }), &[("Amount", "5000")], Effect::Deny),
    ] {
        assert_eq!(effect(rules, &call(body.clone(), query)), expect, "{body} {query:?}");
    }
}

#[test]
fn what_has_no_type_is_read_as_what_it_is_compared_with() {
    let refuses = "defaults: { outcome: ALLOW }\nrules:\n  - id: no\n    description: no\n    match: { tool_name: \"*\" }\n    when: { tool_args_match: { amount: { gt: 1000 } } }\n    outcome: DENY\n";
    let passes = "defaults: { outcome: DENY }\nrules:\n  - id: yes\n    description: yes\n    match: { tool_name: \"*\" }\n    when: { tool_args_match: { amount: { lte: 1000 }, dry: true } }\n    outcome: ALLOW\n";
    for (amount, refused, passed) in [
        ("5000", true, false),
        ("5e3", true, false),
        ("+5000", true, false),
        ("1e999", true, false),
        ("50", false, true),
        ("+50", false, false),
        ("fifty", false, false),
    ] {
        let pairs = [("amount", amount), ("dry", "true")];
        let effects = |rules| effect(rules, &call(json!(null), &pairs));
        assert_eq!(effects(refuses) == Effect::Deny, refused, "{amount}");
        assert_eq!(effects(passes) == Effect::Allow, passed, "{amount}");
    }
    // A text in a document is a text.
    assert_eq!(effect(refuses, &call(json!({ "amount": "5000" }), &[])), Effect::Allow);
}

#[test]
fn what_no_rule_can_read_is_no_place_to_hide_beside_a_query() {
    let rules = "defaults: { outcome: DENY }\nrules:\n  - id: yes\n    description: yes\n    match: { tool_name: \"*\" }\n    when: { tool_args_match: { amount: { lte: 1000 } } }\n    outcome: ALLOW\n";
    let small = [("amount", "1")];
    let told = |body: Value, view: bool| {
        let call = call(body.clone(), &small);
        let arguments = Arguments::from(body);
        let arguments = if view { arguments.as_view() } else { arguments };
        let arguments = arguments.beside(call.arguments.pairs().to_vec());
        effect(rules, &Call { arguments, ..call })
    };
    assert_eq!(told(json!(null), false), Effect::Allow);
    assert_eq!(told(json!({ "note": "x" }), false), Effect::Allow);
    assert_eq!(told(json!([{ "amount": 5000 }]), false), Effect::Deny);
    assert_eq!(told(json!({ "text": "amount: 5000" }), true), Effect::Deny);
    for name in ["amount[]", "amount[0]", " amount", "amount\0", "AMOUNT", "a;amount", ";Amount[]"]
    {
        let pairs = [("amount", "1"), (name, "5000")];
        assert_eq!(effect(rules, &call(json!(null), &pairs)), Effect::Deny, "{name}");
    }
    for (note, expect) in [("a;amount=5000", Effect::Deny), ("a; b", Effect::Allow)] {
        let pairs = [("amount", "1"), ("note", note)];
        assert_eq!(effect(rules, &call(json!(null), &pairs)), expect, "{note}");
    }
}

#[test]
fn a_resource_in_another_spelling_is_the_same() {
    let rules = |outcome: &str, pattern: &str, default: &str| {
        format!(
            "defaults: {{ outcome: {default} }}\nrules:\n  - id: r\n    description: r\n    match: {{ resource: \"{pattern}\" }}\n    outcome: {outcome}\n"
        )
    };
    let read = |uri: &str| {
        let action = Action { resource: Some(uri.to_owned()), ..Action::default() };
        Call { action, ..call(json!(null), &[]) }
    };
    for pattern in ["file:///etc/*", "file:///etc/passwd"] {
        let denies = rules("DENY", pattern, "ALLOW");
        for uri in ["file:///etc/passwd", "FILE:////etc/passwd", "file://localhost/%65tc/./passwd"]
        {
            assert_eq!(effect(&denies, &read(uri)), Effect::Deny, "{uri}");
        }
        assert_eq!(effect(&denies, &read("file:///work/a")), Effect::Allow);
    }
    let allows = rules("ALLOW", "file:///work/*", "DENY");
    assert_eq!(effect(&allows, &read("file:///work/a")), Effect::Allow);
    for uri in ["file:///work/../etc/passwd", "file:///work/%2e%2e/etc/passwd", "file:////work/a"] {
        assert_eq!(effect(&allows, &read(uri)), Effect::Deny, "{uri}");
    }
}

#[test]
fn parameters_in_a_path_hide_nothing() {
    let rules = |outcome: &str, key: &str, pattern: &str, default: &str| {
        format!(
            "defaults: {{ outcome: {default} }}\nrules:\n  - id: r\n    description: r\n    match: {{ {key}: \"{pattern}\" }}\n    outcome: {outcome}\n"
        )
    };
    let at = |path: &str| {
        let call = call(json!(null), &[]);
        Call { target: Target { path: path.into(), ..call.target }, ..call }
    };
    for (key, pattern) in [
        ("path", "/api/admin*"),
        ("path", "/api/admin"),
        ("path", "/*/admin"),
        ("tool_name", "POST /api/admin*"),
        ("tool_name", "POST /api/admin"),
    ] {
        let denies = rules("DENY", key, pattern, "ALLOW");
        for path in
            ["/api/admin", "/api;x/admin", "/api/admin;a=b", "/api;/admin", "/api%3Bx/admin"]
        {
            assert_eq!(effect(&denies, &at(path)), Effect::Deny, "{key} {pattern} {path}");
        }
        assert_eq!(effect(&denies, &at("/api/adm;in")), Effect::Allow);
    }
    for (key, start) in [("path", ""), ("tool_name", "POST ")] {
        let allows = rules("ALLOW", key, &format!("{start}/api;v=1/*"), "DENY");
        assert_eq!(effect(&allows, &at("/api;v=1/x")), Effect::Deny, "its server may see `/api/x`");
        let allows = rules("ALLOW", key, &format!("{start}/api/*"), "DENY");
        assert_eq!(effect(&allows, &at("/api/x;v=1")), Effect::Allow);
        assert_eq!(effect(&allows, &at("/api;v=1/x")), Effect::Deny, "it may see it as it is");
    }
}
