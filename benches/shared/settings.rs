//! How the measured gates are set up.
use std::net::SocketAddr;

use serde_json::{Value, json};

pub(crate) const AGENT: &str = "spiffe://bench.test/agents/reader";

/// What is on in a gate.
#[derive(Clone, Copy)]
pub(crate) struct Guards {
    pub(crate) name: &'static str,
    pub(crate) durability: &'static str,
    pub(crate) rules: usize,
    pub(crate) mtls: bool,
}

/// Rules, limits, inspection and the record cannot be turned off: the least is one rule, and a
/// record that is written when there is time.
pub(crate) const GATES: [Guards; 5] = [
    Guards { name: "gate_least", durability: "memory", rules: 1, mtls: false },
    Guards { name: "gate_rules", durability: "memory", rules: 1000, mtls: false },
    Guards { name: "gate_disk", durability: "disk", rules: 1, mtls: false },
    Guards { name: "gate_mtls", durability: "memory", rules: 1, mtls: true },
    Guards { name: "gate_all", durability: "disk", rules: 1000, mtls: true },
];

/// The settings of a gate.
pub(crate) fn settings(mcp: bool, upstream: SocketAddr, guards: &Guards) -> Value {
    let listener = match guards.mtls {
        false => json!({ "type": "plain", "name": "in", "bind": "127.0.0.1:0", "agent": AGENT }),
        true => json!({
            "type": "tls", "name": "in", "bind": "127.0.0.1:0",
            "certificate": "gate.pem", "key": "gate.key", "client_ca": "ca.pem",
        }),
    };
    json!({
        "version": 1,
        "listeners": [listener],
        "agents": [{ "id": AGENT, "trust": "basic", "environment": "bench" }],
        "routes": [{
            "name": "up",
            "match": { "prefix": "/up" },
            "protocol": if mcp { "mcp" } else { "http" },
            "upstream": { "url": format!("http://{upstream}"), "allow_addresses": ["127.0.0.1"] },
        }],
        "policy": { "bundle": "policy.yaml" },
        "audit": { "spool": "spool", "durability": guards.durability },
        "admin": { "bind": "127.0.0.1:0" },
        "limits": { "agent_per_minute": 1_000_000, "agent_tool_per_minute": 1_000_000 },
    })
}

/// A rulebook in which the last rule allows everything, and the others are about other tools.
pub(crate) fn rules(count: usize) -> String {
    let mut text = "version: bench\ngenerated_at: 2026-01-01T00:00:00Z\n\
        expires_at: 2126-01-01T00:00:00Z\ndefaults: { outcome: DENY }\nrules:\n"
        .to_owned();
    for nth in 1..count {
        text.push_str(&format!(
            "- {{ id: other-{nth}, match: {{ protocol: [mcp], tool_name: tool-{nth} }}, outcome: DENY }}\n"
        ));
    }
    text.push_str("- { id: everything, match: { protocol: [http, mcp] }, outcome: ALLOW }\n");
    text
}
