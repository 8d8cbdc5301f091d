//! The configuration that a world starts from.
use serde_json::{Value, json};

/// The agent that everybody on the plain listener is.
pub const AGENT: &str = "spiffe://acme.test/agents/coder";
/// Another agent, known by a client certificate with its SPIFFE ID or the common name `reader`.
pub const OTHER_AGENT: &str = "spiffe://acme.test/agents/reader";

/// Settings without routes: a plain listener for [`AGENT`], a TLS listener, ports that the system
/// chooses, the spool beside the file, limits that a test does not meet by accident.
pub fn base_settings() -> Value {
    json!({
        "version": 1,
        "listeners": [
            { "type": "plain", "name": "plain", "bind": "127.0.0.1:0", "agent": AGENT },
            {
                "type": "tls", "name": "tls", "bind": "127.0.0.1:0",
                "certificate": "server.pem", "key": "server.key", "client_ca": "ca.pem",
            },
        ],
        "agents": [
            { "id": AGENT, "trust": "basic", "environment": "test" },
            {
                "id": OTHER_AGENT, "trust": "basic", "environment": "test",
                "certificate": { "common_name": "reader" },
            },
        ],
        "routes": [],
        "policy": { "bundle": "policy.yaml" },
        "audit": { "spool": "spool", "durability": "process" },
        "admin": { "bind": "127.0.0.1:0" },
        "limits": {
            "agent_per_minute": 100_000, "agent_tool_per_minute": 100_000, "agent_concurrency": 1000,
        },
        "deadlines": { "drain_ms": 10_000 },
    })
}

/// A route for plain HTTP to an upstream on loopback.
pub fn http_route(name: &str, prefix: &str, url: &str) -> Value {
    json!({
        "name": name,
        "match": { "prefix": prefix },
        "upstream": { "url": url, "allow_addresses": ["127.0.0.1"] },
    })
}

/// A route for MCP to an upstream on loopback.
pub fn mcp_route(name: &str, prefix: &str, url: &str) -> Value {
    let mut route = http_route(name, prefix, url);
    route["protocol"] = "mcp".into();
    route
}
