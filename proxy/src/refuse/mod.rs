//! A refusal, answered in the caller's own protocol.
//!
//! The forms were chosen by what real clients survive: a tool call that is refused gets a result
//! with `isError`, because an HTTP error or a closed connection ends the session of several SDKs
//! and loses the text; a `404` would say that the session is over, so it is never used.
mod mcp;
mod problem;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tollgate_rules::{Code, Group, RuleId};

use crate::decode::mcp::{Era, McpCall, Message, RpcId, RpcKind};
use crate::decode::{Malformed, RPC_INVALID_REQUEST};
use crate::sse;

/// We said no, and why.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    /// The leading code.
    pub code: Code,
    /// The rule that said so.
    pub rule: Option<RuleId>,
    /// One sentence: why, and what would pass. Never anything that was sent.
    pub sentence: String,
    /// When the same call may pass.
    pub retry_after: Option<Duration>,
    /// The record's receipt.
    pub receipt: Option<String>,
}

impl Refusal {
    /// A refusal with a code and one sentence.
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), rule: None, retry_after: None, receipt: None }
    }

    /// Names the rule.
    #[must_use]
    pub fn with_rule(mut self, rule: Option<RuleId>) -> Self {
        self.rule = rule;
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Names the record.
    #[must_use]
    pub fn with_receipt(mut self, receipt: impl Into<String>) -> Self {
        self.receipt = Some(receipt.into());
        self
    }

    /// `hold` when somebody must act first, else `deny`.
    fn effect(&self) -> &'static str {
        match self.code.group() {
            Group::Held => "hold",
            _ => "deny",
        }
    }

    /// Whole seconds, rounded up, at least one: `Retry-After` knows no fractions. Whoever met a limit
    /// and could not be told when it ends, since others' calls have to, is asked to wait, too.
    fn retry_after_secs(&self) -> Option<u64> {
        let unknown = (self.code.group() == Group::Limits).then_some(Duration::ZERO);
        let after = self.retry_after.or(unknown)?;
        Some((after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1))
    }

    /// What the caller can do about it.
    fn help(&self) -> &'static str {
        match self.code.group() {
            Group::Switch => "Try again once the gate is up.",
            Group::Identity => "Present the identity that is registered for this agent.",
            Group::Malformed => "Send the call in the form that the detail names.",
            Group::Policy | Group::Egress => {
                "Do not repeat the call. Use another way, or ask whoever keeps the rules of this \
                 gate, naming the receipt."
            }
            Group::Held => "Ask the person who can approve it, naming the receipt.",
            Group::Limits => "Wait, then send the call again.",
            Group::Dlp => {
                "Send the call without the protected data, or ask whoever keeps the rules of this \
                 gate, naming the receipt."
            }
            Group::Record | Group::Fault => {
                "Nothing is wrong with the call; try again later or tell the operator, naming the \
                 receipt."
            }
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::new(malformed.code, malformed.sentence)
    }
}

/// Who waits for the answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Caller {
    /// Plain HTTP.
    Http,
    /// An MCP `tools/call`.
    McpTool {
        /// Echoed exactly.
        id: RpcId,
        /// Decides whether the result says `resultType`.
        era: Era,
        /// Else the answer is one event of a stream.
        accepts_json: bool,
    },
    /// Any other MCP request.
    McpRequest {
        /// Echoed exactly.
        id: RpcId,
        /// The generation it speaks.
        era: Era,
        /// Else the answer is one event of a stream.
        accepts_json: bool,
    },
    /// An MCP notification, or a client's answer: nobody waits.
    McpNotification,
    /// A request to an MCP server that could not be read.
    McpUnread {
        /// Its id, when that could be read.
        id: Option<RpcId>,
        /// The JSON-RPC error code.
        rpc: i64,
    },
    /// A batch; all of it is refused.
    McpBatch(Vec<(RpcId, IsTool)>),
    /// `GET`, to open the stream of a session.
    McpStream,
    /// `DELETE`, to end a session.
    McpEnd,
}

/// Whether a request of a batch calls a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IsTool(pub bool);

impl Caller {
    /// Who sent a call that was read.
    pub fn of(call: &McpCall, headers: &HeaderMap) -> Self {
        match call {
            McpCall::Message(message) => Self::of_message(message, accepts_json(headers)),
            McpCall::Batch(messages) => Self::McpBatch(
                messages
                    .iter()
                    .filter_map(|m| Some((m.id()?.clone(), IsTool(m.is_tools_call()))))
                    .collect(),
            ),
            McpCall::Listen => Self::McpStream,
            McpCall::End => Self::McpEnd,
        }
    }

    /// Who sent a request to an MCP server that could not be read.
    pub fn of_malformed(malformed: &Malformed) -> Self {
        Self::McpUnread { id: malformed.id.clone(), rpc: malformed.rpc }
    }

    /// Who waits when nothing but the HTTP method of a request to an MCP server is known.
    pub fn of_method(method: &Method) -> Self {
        match *method {
            Method::GET => Self::McpStream,
            Method::DELETE => Self::McpEnd,
            _ => Self::McpUnread { id: None, rpc: RPC_INVALID_REQUEST },
        }
    }

    fn of_message(message: &Message, accepts_json: bool) -> Self {
        let era = message.era();
        match message.kind() {
            RpcKind::Request(id) if message.is_tools_call() => {
                Self::McpTool { id: id.clone(), era, accepts_json }
            }
            RpcKind::Request(id) => Self::McpRequest { id: id.clone(), era, accepts_json },
            RpcKind::Notification | RpcKind::Response => Self::McpNotification,
        }
    }
}

/// An answer that the gate gives itself. `Content-Length` is the caller's.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Self { status, headers, body }
    }

    fn json(status: StatusCode, document: &serde_json::Value) -> Self {
        Self::new(status, "application/json", document.to_string())
    }

    fn with_retry_after(mut self, refusal: &Refusal) -> Self {
        if let Some(seconds) = refusal.retry_after_secs() {
            self.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        self
    }

    fn stream(document: &serde_json::Value) -> Self {
        let mut body = Vec::new();
        sse::Item::Event(sse::Event::message(document.to_string())).encode(&mut body);
        let mut reply = Self::new(StatusCode::OK, "text/event-stream", body);
        reply.headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        reply
    }
}

/// Says no in the caller's own protocol.
pub fn answer(refusal: &Refusal, caller: &Caller) -> Reply {
    match caller {
        Caller::Http => problem::answer(refusal, problem::status(refusal.code)),
        Caller::McpTool { id, era, accepts_json } => {
            one(&mcp::tool_result(refusal, id, *era), *accepts_json)
        }
        Caller::McpRequest { id, accepts_json, .. } => {
            one(&mcp::error(refusal, Some(id), mcp::own_code(refusal.code)), *accepts_json)
        }
        // The transport's answer to what nobody waits for; anything else ends sessions. The record
        // says that it went no further.
        Caller::McpNotification => Reply::new(StatusCode::ACCEPTED, "", Bytes::new()),
        Caller::McpUnread { id, rpc } => {
            let status = problem::status(refusal.code);
            let rpc = if refusal.code.group() == Group::Malformed {
                *rpc
            } else {
                mcp::own_code(refusal.code)
            };
            Reply::json(status, &mcp::error(refusal, id.as_ref(), rpc)).with_retry_after(refusal)
        }
        Caller::McpBatch(requests) => mcp::batch(refusal, requests),
        // The transport lets a server have no stream and no way to end a session: clients go on.
        Caller::McpStream => not_offered(refusal, "POST, DELETE"),
        Caller::McpEnd => not_offered(refusal, "POST, GET"),
    }
}

fn one(document: &serde_json::Value, accepts_json: bool) -> Reply {
    match accepts_json {
        true => Reply::json(StatusCode::OK, document),
        false => Reply::stream(document),
    }
}

fn not_offered(refusal: &Refusal, allow: &'static str) -> Reply {
    let mut reply = problem::answer(refusal, StatusCode::METHOD_NOT_ALLOWED);
    reply.headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    reply
}

/// A client that takes event streams only is rare, but legal before 2025-03-26 was settled; one
/// that says nothing, or something unreadable, gets JSON.
pub fn accepts_json(headers: &HeaderMap) -> bool {
    let ranges = || {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter(|range| !is_zero_quality(range))
            .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    };
    ranges().any(|range| matches!(range.as_str(), "application/json" | "application/*" | "*/*"))
        || !ranges().any(|range| matches!(range.as_str(), "text/event-stream" | "text/*"))
}

fn is_zero_quality(range: &str) -> bool {
    range.split(';').skip(1).any(|parameter| {
        let parameter = parameter.trim().to_ascii_lowercase();
        parameter
            .strip_prefix("q=")
            .is_some_and(|q| q.parse::<f32>().is_ok_and(|quality| quality == 0.0))
    })
}

#[cfg(test)]
mod tests;
