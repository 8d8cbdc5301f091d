//! What an allowed tool call leaves.
use tollgate_audit::{EventType, Facts, keys};

/// An intent, with as many facts as a real one has.
pub(crate) fn facts() -> Facts {
    Facts::new(EventType::CallIntent, "spiffe://bench.test/agents/reader")
        .revision("0123456789abcdef")
        .text(keys::SOURCE, "127.0.0.1")
        .text("listener", "local")
        .text(keys::EFFECT, "allow")
        .text(keys::ROUTE, "tools")
        .text(keys::PROTOCOL, "mcp")
        .text("http_method", "POST")
        .text(keys::HOST, "tools.bench.test")
        .number(keys::PORT, 443)
        .text(keys::PATH, "/mcp")
        .text("path_print", "00112233445566778899aabbccddeeff")
        .text(keys::METHOD, "tools/call")
        .text(keys::TOOL, "search")
        .number("request_bytes", 160)
        .text("ruling", "ALLOW")
        .text(keys::RULE, "search")
        .texts("reasons", ["search"])
        .number(keys::BYTES_OUT, 160)
}
