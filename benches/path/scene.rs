//! What is called, and what comes back: documents as agents send them (`shared/traffic.rs`).
use serde_json::{Value, json};

use crate::traffic;

/// One scenario.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// Bytes of the request's body, and of the answer's.
    bytes: usize,
    /// A call of an MCP tool; else a document over plain HTTP.
    pub(crate) mcp: bool,
    /// Calls of a round.
    pub(crate) calls: usize,
}

pub(crate) const SCENES: &[Scene] = &[
    Scene { name: "rest_1k", bytes: 1 << 10, mcp: false, calls: 2_000 },
    Scene { name: "rest_16k", bytes: 16 << 10, mcp: false, calls: 600 },
    Scene { name: "mcp_1k", bytes: 1 << 10, mcp: true, calls: 2_000 },
    Scene { name: "mcp_16k", bytes: 16 << 10, mcp: true, calls: 600 },
];

impl Scene {
    /// What an agent posts.
    pub(crate) fn request(&self) -> String {
        let document = |filling: Value| match self.mcp {
            false => filling,
            true => json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "search", "arguments": filling },
            }),
        };
        filled(self.bytes, 0, document)
    }

    /// What the tool server answers.
    pub(crate) fn answer(&self) -> String {
        let document = |filling: Value| match self.mcp {
            false => filling,
            true => json!({
                "jsonrpc": "2.0", "id": 1,
                "result": { "content": [{ "type": "text", "text": filling.to_string() }] },
            }),
        };
        filled(self.bytes, 1, document)
    }

    /// Headers of its own, each with its line's end.
    pub(crate) fn headers(&self) -> &'static str {
        match self.mcp {
            false => "",
            true => {
                "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n"
            }
        }
    }
}

/// A document of so many bytes, filled with the traffic's; `from` picks which.
fn filled(bytes: usize, from: usize, document: impl Fn(Value) -> Value) -> String {
    let traffic = traffic::clean(bytes * 4 + (8 << 10));
    let mut items = Vec::new();
    let mut last = document(json!({ "items": items })).to_string();
    for line in traffic.lines().skip(from) {
        let Ok(item) = serde_json::from_str::<Value>(line) else { continue };
        items.push(item);
        let next = document(json!({ "items": items })).to_string();
        if next.len() > bytes {
            // One that is too long; a shorter one may still fit.
            items.pop();
        } else {
            last = next;
        }
    }
    let shown = |note: &str| document(json!({ "items": items, "note": note })).to_string();
    let note = "the order is where it was and ".repeat(bytes / 30 + 1);
    let room = bytes.saturating_sub(shown("").len());
    if shown("").len() > bytes { last } else { shown(note.get(..room).unwrap_or_default()) }
}
