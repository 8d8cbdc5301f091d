//! The Model Context Protocol over Streamable HTTP, generations 2025-03-26 to 2026-07-28.
//!
//! Decisions are made on the body; headers that mirror it must agree with it, and travel only as
//! this module writes them. Nothing that is well-formed is repaired or judged here: a missing
//! header, an unsupported version or an unknown method is the upstream's to answer.
mod era;
mod handle;
mod headers;
mod message;
mod methods;
mod names;
mod twins;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use tollgate_rules::Code;

pub use self::era::Era;
pub use self::handle::{Handle, SESSION};
pub use self::headers::{rebuild_headers, remirror};
#[cfg(test)]
pub use self::message::RESPONSE_METHOD;
pub use self::message::{Message, RpcId, RpcKind};
use super::media::media_type;
use super::{Malformed, json};

/// Messages in one batch.
pub const BATCH_MAX: usize = 64;

/// What stands for the method of a `GET`, which opens the stream of a session.
pub const LISTEN_METHOD: &str = "rpc.listen";
/// What stands for the method of a `DELETE`, which ends a session.
pub const END_METHOD: &str = "rpc.end";

/// What one HTTP request asks of an MCP server.
#[derive(Clone, PartialEq, Debug)]
pub enum McpCall {
    /// `POST` with one message.
    Message(Box<Message>),
    /// `POST` with several (2025-03-26 only).
    Batch(Vec<Message>),
    /// `GET`: the server's own stream.
    Listen,
    /// `DELETE`: the end of a session.
    End,
}

impl McpCall {
    /// The messages, in order; none for `GET` and `DELETE`.
    pub fn messages(&self) -> &[Message] {
        match self {
            Self::Message(message) => std::slice::from_ref(message),
            Self::Batch(messages) => messages,
            Self::Listen | Self::End => &[],
        }
    }

    /// The messages, for redaction.
    pub fn messages_mut(&mut self) -> &mut [Message] {
        match self {
            Self::Message(message) => std::slice::from_mut(message),
            Self::Batch(messages) => messages,
            Self::Listen | Self::End => &mut [],
        }
    }
}

/// Reads a request whose content coding has been undone.
pub fn decode(
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
    depth_max: usize,
) -> Result<McpCall, Malformed> {
    match *method {
        Method::POST => read_post(headers, body, depth_max),
        Method::GET => bodiless(body, McpCall::Listen),
        Method::DELETE => bodiless(body, McpCall::End),
        _ => Err(Malformed::new(
            Code::MethodUnknown,
            "MCP is spoken with POST, GET and DELETE; send the message with POST",
        )),
    }
}

/// Writes the body again from what was read; the only form that is forwarded. `room` is about how
/// many bytes it will have.
pub fn encode(call: &McpCall, room: usize) -> Bytes {
    match call {
        McpCall::Message(message) => message.reading().write(room),
        McpCall::Batch(messages) => {
            let documents = messages.iter().map(|message| message.document().tree());
            json::write(&documents.collect::<Vec<_>>(), room)
        }
        McpCall::Listen | McpCall::End => Bytes::new(),
    }
}

fn bodiless(body: &[u8], call: McpCall) -> Result<McpCall, Malformed> {
    if body.is_empty() {
        return Ok(call);
    }
    Err(Malformed::new(Code::MalformedBody, "a body is sent with POST only"))
}

fn read_post(headers: &HeaderMap, body: &[u8], depth_max: usize) -> Result<McpCall, Malformed> {
    check_content_type(headers)?;
    let read = json::read(body, depth_max)?;
    let version = headers::version(headers);
    if read.tape.root().is_list() {
        return read_batch(read.json.tree(), headers, version);
    }
    let message = Message::read(read, version)?;
    headers::check(&message, headers)
        .map_err(|refusal| refusal.with_caller(message.id().cloned(), message.era()))?;
    Ok(McpCall::Message(Box::new(message)))
}

/// SDKs read `application/jsonx`, UTF-7 or the last of two content types; only the one form that
/// all of them read alike passes.
fn check_content_type(headers: &HeaderMap) -> Result<(), Malformed> {
    let is_json = media_type(headers)?.is_some_and(|media| {
        media.essence == "application/json"
            && media.parameters.iter().all(|(name, _)| name == "charset")
            && media.is_utf8()
    });
    if is_json {
        return Ok(());
    }
    Err(Malformed::new(
        Code::EncodingUnsupported,
        "the content-type is not `application/json` in UTF-8",
    ))
}

fn read_batch(
    batch: &Value,
    headers: &HeaderMap,
    version: Option<&str>,
) -> Result<McpCall, Malformed> {
    let refuse = |sentence: &str| Err(Malformed::new(Code::BatchRefused, sentence));
    if !matches!(version, None | Some("2025-03-26")) {
        return refuse("batches exist in MCP 2025-03-26 only; send one message at a time");
    }
    let items = batch.as_array().map_or(&[][..], Vec::as_slice);
    if items.is_empty() || items.len() > BATCH_MAX {
        return refuse("a batch holds between 1 and 64 messages");
    }
    let mut messages: Vec<Message> = Vec::with_capacity(items.len());
    for item in items {
        let message = Message::read(item.clone().into(), version).map_err(|mut malformed| {
            malformed.id = None;
            malformed
        })?;
        if message.method() == "initialize" || message.era() == Era::Stateless {
            return refuse("initialize and messages of stateless MCP are never part of a batch");
        }
        if message.id().is_some() && messages.iter().any(|other| other.id() == message.id()) {
            return refuse("two requests of the batch have the same id");
        }
        messages.push(message);
    }
    headers::check_batch(headers)?;
    Ok(McpCall::Batch(messages))
}

#[cfg(test)]
mod tests;
