//! One JSON-RPC message of MCP.
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tollgate_dlp::{DocumentPart, Node};
use tollgate_rules::{Action, Code, Json};

use super::super::json::Reading;
use super::super::{Malformed, RPC_INVALID_PARAMS};
use super::era::{self, Era};
use super::handle::Handle;
use super::methods::{self, Named};
use super::{names, twins};

/// What stands for the method of a client's answer to the server. JSON-RPC 2.0 section 4 keeps
/// names that begin with `rpc.` for itself, so no request can carry it.
pub const RESPONSE_METHOD: &str = "rpc.response";

/// Integers beyond it are rounded by JavaScript, so two ids could become one.
const ID_MAX: u64 = (1 << 53) - 1;
/// Bytes of a request id that is a string.
const ID_BYTES_MAX: usize = 1024;
/// Bytes of a method's name.
const METHOD_BYTES_MAX: usize = 256;

/// What the parameters of `tools/call` are: rules see the arguments, so nothing else may say anything.
const TOOL_PARAMS: &[&str] =
    &["name", "arguments", "_meta", "task", "inputResponses", "requestState"];

/// What this gate reads in parameters, in its own case.
const PARAMS: &[&str] =
    &["name", "arguments", "_meta", "uri", "ref", "taskId", "cursor", "task", "requestState"];

const MEMBERS: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];

/// A request's id, echoed exactly.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum RpcId {
    /// An integer of at most 53 bits.
    Integer(i64),
    /// A string.
    Text(String),
}

/// A string is the client's to choose, so it stays out of logs.
impl fmt::Debug for RpcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

impl RpcId {
    /// Reads an id; `None` for what is neither string nor integer, or too large.
    pub fn read(value: Node<'_>) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return (text.len() <= ID_BYTES_MAX).then(|| Self::Text(text.to_owned()));
        }
        value.as_i64().filter(|number| number.unsigned_abs() <= ID_MAX).map(Self::Integer)
    }

    /// The id as JSON.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Integer(number) => Value::from(*number),
            Self::Text(text) => Value::from(text.as_str()),
        }
    }
}

/// What a message is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RpcKind {
    /// It waits for an answer.
    Request(RpcId),
    /// It waits for none.
    Notification,
    /// It answers a request of the server (session generations).
    Response,
}

/// Redaction changed what was decided about: who is called, how, or with which id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("what would have to be redacted is part of what names the call")]
pub struct NotTheSameCall;

/// One message that can be read in one way only.
#[derive(Clone, PartialEq)]
pub struct Message {
    era: Era,
    kind: RpcKind,
    method: String,
    named: Named,
    read: Reading,
}

/// Never what was sent.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("era", &self.era).finish_non_exhaustive()
    }
}

impl Message {
    /// Reads one parsed message. `version` is the `MCP-Protocol-Version` header.
    pub fn read(read: Reading, version: Option<&str>) -> Result<Self, Malformed> {
        let document = read.tape.root();
        let era = Era::of_message(document, version);
        match read_parts(document) {
            Ok(Parts { kind, method, named }) => Ok(Self { era, kind, method, named, read }),
            Err(malformed) => {
                Err(malformed.with_caller(document.get("id").and_then(RpcId::read), era))
            }
        }
    }

    /// The generation it speaks.
    pub fn era(&self) -> Era {
        self.era
    }

    /// Request, notification or response.
    pub fn kind(&self) -> &RpcKind {
        &self.kind
    }

    /// The id to answer with; only requests have one.
    pub fn id(&self) -> Option<&RpcId> {
        match &self.kind {
            RpcKind::Request(id) => Some(id),
            RpcKind::Notification | RpcKind::Response => None,
        }
    }

    /// The method, or [`RESPONSE_METHOD`].
    pub fn method(&self) -> &str {
        &self.method
    }

    /// It calls a tool.
    pub fn is_tools_call(&self) -> bool {
        self.named.tool.is_some()
    }

    /// What rules see. `provider` is the configured name of the upstream.
    pub fn action(&self, provider: Option<String>) -> Action {
        Action {
            method: self.method.clone(),
            tool: self.named.tool.clone(),
            resource: self.named.resource.clone(),
            provider,
        }
    }

    /// Where the words are that rules see as arguments: a tool's or prompt's own, else all
    /// parameters. What has no arguments by the specification has no part of its own for them.
    pub fn words(&self) -> &'static [&'static str] {
        const WITH_ARGUMENTS: [&str; 2] = ["tools/call", "prompts/get"];
        let own = WITH_ARGUMENTS.contains(&self.method.as_str())
            && self.within(&["params", "arguments"]).is_some_and(Node::is_object);
        if own { &["params", "arguments"] } else { &["params"] }
    }

    /// The same as a part of what is looked at; `None` when there are none.
    pub fn words_part(&self) -> Option<DocumentPart> {
        self.within(self.words()).map(Node::part)
    }

    /// What it names that a server gave.
    pub fn handles(&self) -> impl Iterator<Item = Handle<'_>> {
        let text = |name| self.within(&["params", name]).and_then(Node::as_str);
        let task = text("taskId").map(Handle::Task);
        task.into_iter().chain(text("requestState").map(Handle::State))
    }

    /// The whole message. All of it travels, so all of it is to be inspected.
    pub fn document(&self) -> &Arc<Json> {
        &self.read.json
    }

    /// The same, as it was read.
    pub fn reading(&self) -> &Reading {
        &self.read
    }

    /// Puts a redacted document in place of the one that was read; it must still be the same call.
    pub fn redact(&mut self, document: Value) -> Result<(), NotTheSameCall> {
        let read = Reading::from(document);
        let document = read.tape.root();
        let parts = read_parts(document).map_err(|_| NotTheSameCall)?;
        let same_version = Era::of_message(document, Some(self.era.as_str())) == self.era;
        if parts.kind != self.kind
            || parts.method != self.method
            || parts.named != self.named
            || !same_version
        {
            return Err(NotTheSameCall);
        }
        self.read = read;
        Ok(())
    }

    /// What `Mcp-Name` mirrors for this method.
    pub(super) fn header_name(&self) -> Option<&str> {
        self.named.header.as_deref()
    }

    /// The version that its `_meta` names.
    pub(super) fn meta_version(&self) -> Option<&str> {
        era::meta_version(self.read.tape.root())
    }

    fn within(&self, path: &[&str]) -> Option<Node<'_>> {
        self.read.tape.root().within(path)
    }
}

struct Parts {
    kind: RpcKind,
    method: String,
    named: Named,
}

fn read_parts(document: Node<'_>) -> Result<Parts, Malformed> {
    if !document.is_object() {
        return Err(refuse("the message is not a JSON object"));
    }
    if !document.members().all(|(name, _)| MEMBERS.contains(&name)) {
        return Err(refuse(
            "the message has a member besides jsonrpc, id, method, params, result and error",
        ));
    }
    if document.get("jsonrpc").and_then(Node::as_str) != Some("2.0") {
        return Err(refuse("the message does not say `\"jsonrpc\": \"2.0\"`"));
    }
    let is_answer = document.get("result").is_some() || document.get("error").is_some();
    match (document.get("method"), is_answer) {
        (Some(_), true) => Err(refuse("the message is both a request and an answer")),
        (Some(method), false) => read_request(document, method),
        (None, true) => read_response(document),
        (None, false) => Err(refuse("the message has no method")),
    }
}

fn read_request(document: Node<'_>, method: Node<'_>) -> Result<Parts, Malformed> {
    let method = method.as_str().ok_or_else(|| refuse("the method is not a string"))?;
    if method.is_empty() || method.len() > METHOD_BYTES_MAX || method.starts_with("rpc.") {
        return Err(refuse("the method's name is empty, too long or begins with `rpc.`"));
    }
    if !names::is_seen(method) {
        return Err(refuse(
            "the method's name has blanks around it or characters that are not seen",
        ));
    }
    let kind = match document.get("id") {
        None => RpcKind::Notification,
        Some(id) => RpcKind::Request(read_id(Some(id))?),
    };
    let params = document.get("params");
    if params.is_some_and(|params| !params.is_object()) {
        return Err(refuse_params("`params` is not an object"));
    }
    let named = methods::named(method, params)
        .map_err(|member| refuse_params(&format!("`params.{member}` is missing or no string")))?;
    if ![&named.tool, &named.resource].into_iter().flatten().all(|name| names::is_seen(name)) {
        return Err(refuse_params(
            "what `params` names has blanks around it or characters that are not seen",
        ));
    }
    if named.tool.is_some() {
        let strange = |(name, _): (&str, Node<'_>)| !TOOL_PARAMS.contains(&name);
        if params.is_some_and(|params| params.members().any(strange)) {
            return Err(refuse_params("`params` has a member that no tool's call has"));
        }
        let arguments = params.and_then(|params| params.get("arguments"));
        if arguments.is_some_and(|arguments| !arguments.is_object()) {
            return Err(refuse_params("`params.arguments` is not an object"));
        }
        if arguments.is_some_and(twins::among) {
            return Err(twins::refuse("params.arguments").with_rpc(RPC_INVALID_PARAMS));
        }
    }
    if params.is_some_and(twins::among) {
        return Err(twins::refuse("params").with_rpc(RPC_INVALID_PARAMS));
    }
    if let Some(name) = params.and_then(|params| twins::misspelt(params, PARAMS)) {
        return Err(refuse_params(&format!("`params.{name}` is written in another case")));
    }
    Ok(Parts { kind, method: method.to_owned(), named })
}

fn read_response(document: Node<'_>) -> Result<Parts, Malformed> {
    if document.get("result").is_some() && document.get("error").is_some() {
        return Err(refuse("the message has both result and error"));
    }
    if document.get("params").is_some() {
        return Err(refuse("the answer has params"));
    }
    read_id(document.get("id"))?;
    Ok(Parts {
        kind: RpcKind::Response,
        method: RESPONSE_METHOD.to_owned(),
        named: Named::default(),
    })
}

fn read_id(id: Option<Node<'_>>) -> Result<RpcId, Malformed> {
    id.and_then(RpcId::read).ok_or_else(|| {
        refuse("the id is neither a string of at most 1024 bytes nor an integer within 2^53-1")
    })
}

fn refuse(sentence: &str) -> Malformed {
    Malformed::new(Code::MalformedBody, sentence)
}

fn refuse_params(sentence: &str) -> Malformed {
    refuse(sentence).with_rpc(RPC_INVALID_PARAMS)
}
