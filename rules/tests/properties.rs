//! What holds for every call and every text.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, what is wrong must fail loudly"
)]
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollgate_rules::{
    Action, Agent, AgentId, Call, Code, Effect, Host, LoadOptions, Outcome, Protocol, Rulebook,
    Scheme, Target, Trust, evaluate_line,
};

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn load(rules: Value, default: &str) -> Rulebook {
    let bundle = json!({
        "version": "1",
        "generated_at": "2026-01-01T00:00:00Z",
        "expires_at": "2027-01-01T00:00:00Z",
        "rules": rules,
        "defaults": { "outcome": default },
    });
    let options = LoadOptions { rules_max: 20_000, ..LoadOptions::default() };
    Rulebook::load(&bundle.to_string(), &options, now()).unwrap()
}

fn call(tool: &str, path: &str, arguments: Value) -> Call {
    Call {
        agent: Arc::new(Agent {
            id: AgentId::new("a/b"),
            agent_type: None,
            environment: "prod".into(),
            trust: Trust::Basic,
            roles: vec!["r".into()],
            owner: None,
            tools: Vec::new(),
            delegation_depth: 0,
        }),
        target: Target {
            scheme: Scheme::Https,
            host: Host::parse("api.example.com").unwrap(),
            port: 443,
            method: "POST".into(),
            path: path.into(),
            route: "r".into(),
        },
        protocol: Protocol::Mcp,
        action: Action {
            method: "tools/call".into(),
            tool: Some(tool.into()),
            ..Action::default()
        },
        arguments: arguments.into(),
        body_bytes: 0,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,3}|.{0,5}", inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A rule out of a small world, so that calls often match.
fn any_rule() -> impl Strategy<Value = Value> {
    let tool = prop_oneof![
        Just(json!("*")),
        Just(json!("a")),
        Just(json!("a*")),
        Just(json!("ab*")),
        Just(json!(["a", "b", "ab"])),
    ];
    let extra = prop_oneof![
        Just(json!({})),
        Just(json!({ "path": "/x" })),
        Just(json!({ "path": ["/x*", "/x/*"] })),
        Just(json!({ "path": "/*/y" })),
        Just(json!({ "host": "api.example.com" })),
        Just(json!({ "host": "*.example.com" })),
        Just(json!({ "agents": "a/*" })),
        Just(json!({ "agents": ["a/b", "c"] })),
        Just(json!({ "mcp_method": "tools/*", "agent_roles_any": ["r"] })),
    ];
    let when = prop_oneof![
        3 => Just(Value::Null),
        1 => Just(json!({ "contains_any": ["q"] })),
        1 => Just(json!({ "not_contains": ["q"] })),
        1 => Just(json!({ "matches_regex": "q|z" })),
        1 => Just(json!({ "tool_args_match": { "k": { "gt": 3 } } })),
    ];
    let outcome = prop_oneof![Just("ALLOW"), Just("DENY"), Just("STEP_UP")];
    let observe = prop::bool::weighted(0.2);
    (tool, extra, when, outcome, observe).prop_map(|(tool, extra, when, outcome, observe)| {
        let mut matcher = json!({ "tool_name": tool });
        matcher.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let mut rule = json!({ "match": matcher, "outcome": outcome });
        if !when.is_null() {
            rule["when"] = when;
        }
        if observe {
            rule["mode"] = json!("observe");
        }
        rule
    })
}

fn numbered(rules: Vec<Value>) -> Vec<Value> {
    let number = |(n, mut rule): (usize, Value)| {
        rule["id"] = json!(format!("r{n}"));
        rule
    };
    rules.into_iter().enumerate().map(number).collect()
}

proptest! {
    #[test]
    fn every_call_gets_a_ruling_that_says_nothing_of_it(
        rules in prop::collection::vec(any_rule(), 0..12),
        tool in "[ab]{1,3}",
        arguments in any_json(),
    ) {
        let book = load(numbered(rules).into(), "DENY");
        let ruling = book.decide(&call(&tool, "/x/y", arguments), now());
        prop_assert!(!ruling.reasons.is_empty());
        prop_assert_eq!(ruling.code.is_none(), ruling.effect == Effect::Allow);
        if let Some(rule) = &ruling.rule {
            prop_assert_eq!(&ruling.reasons[0].code, rule.as_str());
        }
    }

    /// The index must find the rule that asking each rule alone, in order, would find.
    #[test]
    fn the_first_match_wins(
        rules in prop::collection::vec(any_rule(), 0..12),
        tool in "[ab]{1,3}",
        path in prop_oneof![Just("/x"), Just("/x/y"), Just("/z")],
        arguments in prop_oneof![Just(json!({})), Just(json!({ "k": 5, "s": "q" }))],
    ) {
        let rules = numbered(rules);
        let call = call(&tool, path, arguments);
        let alone = |rule: &&Value| load(json!([rule]), "DENY").decide(&call, now()).rule.is_some();
        let expect = rules.iter().find(alone).map(|rule| rule["id"].as_str().unwrap().to_owned());
        let ruling = load(rules.clone().into(), "DENY").decide(&call, now());
        prop_assert_eq!(ruling.rule.map(|rule| rule.to_string()), expect);
    }

    /// A tool that is hidden never passes.
    #[test]
    fn hidden_tools_are_refused(
        rules in prop::collection::vec(any_rule(), 0..12),
        tool in "[ab]{1,3}",
        arguments in any_json(),
    ) {
        let book = load(numbered(rules).into(), "DENY");
        let call = call(&tool, "/x/y", arguments);
        let mut list = call.clone();
        list.action = Action { method: "tools/list".into(), ..Action::default() };
        list.arguments = Value::Null.into();
        if !book.visible(&list, &tool, now()) {
            prop_assert_eq!(book.decide(&call, now()).effect, Effect::Deny);
        }
    }

    #[test]
    fn any_text_is_a_bundle_or_has_mistakes(text in "(?s).{0,200}") {
        if let Err(error) = Rulebook::load(&text, &LoadOptions::default(), now()) {
            prop_assert!(!error.mistakes.is_empty());
        }
    }

    #[test]
    fn any_json_is_a_bundle_or_has_mistakes(value in any_json()) {
        if let Err(error) = Rulebook::load(&value.to_string(), &LoadOptions::default(), now()) {
            prop_assert!(!error.mistakes.is_empty());
        }
    }

    #[test]
    fn any_line_gets_an_answer(line in "(?s).{0,200}") {
        let book = load(json!([]), "ALLOW");
        let answer: Value = serde_json::from_str(&evaluate_line(&book, &line, now())).unwrap();
        prop_assert_eq!(&answer["outcome"], "DENY");
    }
}

#[test]
fn arguments_of_any_depth_are_read() {
    let book = load(
        json!([{ "id": "deep", "match": { "tool_name": "*" }, "when": { "contains_any": ["q"] },
                 "outcome": "DENY" }]),
        "ALLOW",
    );
    let mut arguments = json!("q");
    for _ in 0..10_000 {
        arguments = Value::Array(vec![arguments]);
    }
    let call = call("a", "/", arguments);
    assert_eq!(book.decide(&call, now()).effect, Effect::Deny);
    // Dropping a value this deep would recurse; the decoders never build one.
    std::mem::forget(call);
}

#[test]
fn a_refusing_rulebook_refuses() {
    for code in [Code::PolicyMissing, Code::PolicyExpired, Code::GateBug] {
        let book = Rulebook::refuse_all(code);
        let call = call("a", "/", Value::Null);
        let ruling = book.decide(&call, now());
        assert_eq!((ruling.effect, ruling.outcome), (Effect::Deny, Outcome::Deny));
        assert_eq!(ruling.code, Some(code));
        assert_eq!(ruling.reasons[0].code, code.as_str());
        assert!(!book.visible(&call, "a", now()));
        assert_eq!((book.hash().len(), book.rules_count()), (64, 0));
    }
}

#[test]
fn the_hash_is_of_the_bundle_in_its_own_order() {
    let text = r#"{"version":"1","generated_at":"2026-01-01T00:00:00Z",
        "expires_at":"2027-01-01T00:00:00Z","rules":[],"defaults":{"outcome":"DENY"}}"#;
    let yaml = "version: '1'\ngenerated_at: 2026-01-01T00:00:00Z\n\
                expires_at: 2027-01-01T00:00:00Z\nrules: []\ndefaults: { outcome: DENY }\n";
    let load = |text| Rulebook::load(text, &LoadOptions::default(), now()).unwrap();
    assert_eq!(load(text).hash(), load(yaml).hash());
    // printf '{"version":"1",…}' | sha256sum
    assert_eq!(
        load(text).hash(),
        "c26727f08ef1f85f4505fb877feed94d5361eef1536c5b3410b64f01f02f62b8"
    );
    let moved = "rules: []\nversion: '1'\ngenerated_at: 2026-01-01T00:00:00Z\n\
                 expires_at: 2027-01-01T00:00:00Z\ndefaults: { outcome: DENY }\n";
    assert_ne!(load(text).hash(), load(moved).hash());
}

#[test]
fn a_bundle_beyond_the_limit_is_refused() {
    let text = format!("# {}\nversion: '1'\n", "x".repeat(1 << 20));
    let error = Rulebook::load(&text, &LoadOptions::default(), now()).unwrap_err();
    assert!(error.to_string().contains("1048576 are allowed"), "{error}");
}

#[test]
fn aliases_cannot_grow_a_bundle() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..9 {
        let last = n - 1;
        let list = vec![format!("*a{last}"); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    assert!(Rulebook::load(&text, &LoadOptions::default(), now()).is_err());
}

#[test]
fn a_rulebook_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Rulebook>();
}
