//! One call against rulebooks of three sizes; the rule that allows it stands last.
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use jiff::Timestamp;
use serde_json::json;
use tollgate_rules::{
    Action, Agent, AgentId, Call, Effect, Host, LoadOptions, Protocol, Rulebook, Scheme, Target,
    Trust,
};

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    let call = call();
    for rules in [1, 1_000, 10_000] {
        let book = book(rules);
        // A benchmark of the wrong answer would be worse than none.
        assert_eq!(book.decide(&call, NOW).effect, Effect::Allow);
        group.bench_with_input(BenchmarkId::from_parameter(rules), &book, |bencher, book| {
            bencher.iter(|| book.decide(black_box(&call), NOW));
        });
    }
    group.finish();
}

/// A rulebook with so many rules, all but the last about other tools.
fn book(rules: usize) -> Rulebook {
    let mut text = String::from(
        "version: bench\ngenerated_at: 2026-01-01T00:00:00Z\nexpires_at: 2126-01-01T00:00:00Z\n\
         defaults: { outcome: DENY }\nrules:\n",
    );
    for number in 1..rules {
        let rule =
            format!("- {{ id: r{number}, match: {{ tool_name: t{number} }}, outcome: DENY }}");
        writeln!(text, "{rule}").expect("a string takes every word");
    }
    text.push_str("- id: search\n  match: { tool_name: search, agent_roles_any: [reader] }\n");
    text.push_str("  when: { tool_args_match: { limit: { lte: 100 } } }\n  outcome: ALLOW\n");
    let options = LoadOptions { rules_max: rules, ..LoadOptions::default() };
    Rulebook::load(&text, &options, NOW).expect("the bundle is well formed")
}

fn call() -> Call {
    Call {
        agent: Arc::new(Agent {
            id: AgentId::new("spiffe://bench.test/agents/reader"),
            agent_type: None,
            environment: "prod".into(),
            trust: Trust::Basic,
            roles: vec!["reader".into()],
            owner: None,
            tools: Vec::new(),
            delegation_depth: 0,
        }),
        target: Target {
            scheme: Scheme::Https,
            host: Host::parse("tools.bench.test").expect("a host"),
            port: 443,
            method: "POST".into(),
            path: "/mcp".into(),
            route: "tools".into(),
        },
        protocol: Protocol::Mcp,
        action: Action {
            method: "tools/call".into(),
            tool: Some("search".into()),
            ..Action::default()
        },
        arguments: json!({ "query": "what the weather is like in the mountains", "limit": 20 })
            .into(),
        body_bytes: 160,
    }
}
