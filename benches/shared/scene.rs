//! What is called, and what comes back: documents as agents send them (`shared/traffic.rs`).
use serde_json::{Value, json};

use crate::{load, traffic};

/// One scenario.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// Bytes of the request's body, and of the answer's.
    pub(crate) bytes: usize,
    /// A call of an MCP tool; else a document over plain HTTP.
    pub(crate) mcp: bool,
    /// The answer is a stream of so many events; a document when there are none.
    pub(crate) events: usize,
    /// A new mutual handshake for each call.
    pub(crate) hands: bool,
    /// Calls of a round.
    pub(crate) calls: usize,
}

pub(crate) const SCENES: &[Scene] = &[
    Scene::KIB,
    Scene { name: "rest_16k", bytes: 16 << 10, calls: 600, ..Scene::KIB },
    Scene { name: "mcp_1k", mcp: true, ..Scene::KIB },
    Scene { name: "mcp_16k", bytes: 16 << 10, mcp: true, calls: 600, ..Scene::KIB },
    Scene { name: "sse_http", events: 200, calls: 128, ..Scene::KIB },
    Scene { name: "sse_mcp", events: 200, mcp: true, calls: 128, ..Scene::KIB },
    Scene { name: "hands_1k", hands: true, calls: 320, ..Scene::KIB },
];

impl Scene {
    /// What the others are but for what they say.
    pub(crate) const KIB: Self =
        Self { name: "rest_1k", bytes: 1 << 10, mcp: false, events: 0, hands: false, calls: 2_000 };

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

    /// What the tool server answers, in pieces that are sent one after another.
    pub(crate) fn answer(&self) -> Vec<String> {
        if self.events > 0 {
            return self.stream();
        }
        let document = |filling: Value| match self.mcp {
            false => filling,
            true => json!({
                "jsonrpc": "2.0", "id": 1,
                "result": { "content": [{ "type": "text", "text": filling.to_string() }] },
            }),
        };
        load::document(&filled(self.bytes, 1, document))
    }

    /// Words of a model as they come; with MCP, how far the tool is, and in the end its result.
    fn stream(&self) -> Vec<String> {
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
        let event = |nth: usize| match self.mcp {
            false => json!({
                "id": "made-up", "object": "chat.completion.chunk", "model": "large-2",
                "choices": [{ "index": 0, "delta": { "content": said(nth) }, "finish_reason": null }],
            }),
            true if nth + 1 == self.events => json!({
                "jsonrpc": "2.0", "id": 1,
                "result": { "content": [{ "type": "text", "text": "all is said" }] },
            }),
            true => json!({
                "jsonrpc": "2.0", "method": "notifications/message",
                "params": { "level": "info", "data": said(nth) },
            }),
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
            transfer-encoding: chunked\r\n\r\n";
        let events = (0..self.events).map(|nth| chunk(&format!("data: {}\n\n", event(nth))));
        let ends = [head.to_owned()].into_iter().chain(events);
        ends.chain(["0\r\n\r\n".to_owned()]).collect()
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

/// A few words of a sentence that does not end.
fn said(nth: usize) -> String {
    const WORDS: [&str; 8] = [
        "the order ",
        "is on ",
        "its way, ",
        "and what ",
        "is left ",
        "comes with ",
        "the next ",
        "one: ",
    ];
    (nth..nth + 4).filter_map(|nth| WORDS.get(nth % WORDS.len()).copied()).collect()
}

/// A document of so many bytes, filled with the traffic's; `from` picks which.
fn filled(bytes: usize, from: usize, document: impl Fn(Value) -> Value) -> String {
    let traffic = traffic::clean(bytes * 4 + (8 << 10));
    let length = |items: &[Value]| document(json!({ "items": items })).to_string().len();
    let mut items = Vec::new();
    let (none, mut all) = (length(&[]), length(&[]));
    for line in traffic.lines().skip(from) {
        let Ok(item) = serde_json::from_str::<Value>(line) else { continue };
        // Behind the first one there is a comma before it.
        let more = length(std::slice::from_ref(&item)) - none + usize::from(!items.is_empty());
        // One that is too long is left out; a shorter one may still fit.
        if all + more <= bytes {
            all += more;
            items.push(item);
        }
    }
    let note = "the order is where it was and ".repeat(bytes / 30 + 1);
    let shown = |note: &str| document(json!({ "items": items, "note": note })).to_string();
    let room = bytes.saturating_sub(shown("").len());
    if shown("").len() > bytes {
        document(json!({ "items": items })).to_string()
    } else {
        shown(note.get(..room).unwrap_or_default())
    }
}
