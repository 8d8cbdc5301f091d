//! A call in the language it was spoken in, from its decoding to its re-serialisation.
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tollgate_config::settings::{RouteProtocol, Settings};
use tollgate_dlp::DocumentPart;
use tollgate_rules::{Action, Arguments, Call, Protocol, Target};

use crate::clear::Way;
use crate::decode::Malformed;
use crate::decode::http::{self as rest, HttpBody, HttpCall};
use crate::decode::json::Reading;
use crate::decode::mcp::{self, END_METHOD, LISTEN_METHOD, McpCall, Message};
use crate::flight::Flight;
use crate::head::{Request, sentence};
use crate::heard::Heard;
use crate::refuse::Caller;
use crate::stop::Stop;

/// What was said, and how its answer is to be read.
#[derive(Debug)]
pub struct Spoken {
    /// What was said.
    pub said: Said,
    caller: Caller,
    is_head: bool,
    /// How many bytes it had.
    bytes: usize,
    /// The call that lists this provider's tools: what filtering asks the rulebook about.
    lister: Option<Call>,
}

/// What was said.
#[derive(Debug)]
pub enum Said {
    /// Plain HTTP.
    Http(HttpCall),
    /// MCP.
    Mcp(McpCall),
}

impl Spoken {
    /// Decodes a body on its way, and sharpens the form of a refusal as soon as it is known.
    pub fn decode(
        way: &Way,
        request: &Request,
        body: Bytes,
        caller: &mut Caller,
        settings: &Settings,
    ) -> Result<Self, Stop> {
        let (method, bytes) = (request.head.method(), body.len());
        let bounds = &settings.bounds;
        let said = match way.to.protocol {
            RouteProtocol::Http => rest::decode(&request.headers, &body, bounds).map(Said::Http),
            RouteProtocol::Mcp => {
                mcp::decode(method, &request.headers, &body, bounds.json_depth).map(Said::Mcp)
            }
        };
        let said = said.map_err(|malformed| {
            if way.to.protocol == RouteProtocol::Mcp {
                *caller = Caller::of_malformed(&malformed);
            }
            refuse(&malformed)
        })?;
        if let Said::Mcp(call) = &said {
            *caller = Caller::of(call, &request.headers);
        }
        let is_head = *method == Method::HEAD;
        Ok(Self { said, caller: caller.clone(), is_head, bytes, lister: None })
    }

    fn is_mcp(&self) -> bool {
        matches!(self.said, Said::Mcp(_))
    }

    /// The messages of MCP, in order.
    pub fn messages(&self) -> &[Message] {
        match &self.said {
            Said::Http(_) => &[],
            Said::Mcp(call) => call.messages(),
        }
    }

    /// What is left to know once it is on its way: the document is let go.
    pub fn heard(self) -> Heard {
        let is_mcp = self.is_mcp();
        Heard { caller: self.caller, is_head: self.is_head, is_mcp, lister: self.lister }
    }

    /// The calls that rules decide: one, or one for each message of a batch.
    pub fn calls(
        &mut self,
        flight: &Flight,
        way: &Way,
        request: &Request,
        body_bytes: u64,
    ) -> Vec<Call> {
        let Some(agent) = &flight.agent else { return Vec::new() };
        let call = |protocol, action, arguments| Call {
            agent: Arc::clone(agent),
            target: Target {
                scheme: way.to.scheme,
                host: way.to.host.clone(),
                port: way.to.port,
                method: request.head.method().as_str().to_owned(),
                path: way.path.clone(),
                route: way.to.route.to_string(),
            },
            protocol,
            action,
            arguments,
            body_bytes,
        };
        let provider = || Some(way.to.route.to_string());
        self.lister = self
            .is_mcp()
            .then(|| call(Protocol::Mcp, named("tools/list", provider()), Arguments::NONE));
        match &self.said {
            Said::Http(http) => {
                let action = Action { provider: provider(), ..Action::default() };
                vec![call(Protocol::Http, action, http_arguments(&http.body, request))]
            }
            Said::Mcp(McpCall::Listen) => {
                vec![call(Protocol::Mcp, named(LISTEN_METHOD, provider()), Arguments::NONE)]
            }
            Said::Mcp(McpCall::End) => {
                vec![call(Protocol::Mcp, named(END_METHOD, provider()), Arguments::NONE)]
            }
            Said::Mcp(said) => said
                .messages()
                .iter()
                .map(|message| {
                    call(Protocol::Mcp, message.action(provider()), message_arguments(message))
                })
                .collect(),
        }
    }

    /// What each call says, as it was read, and which part of it are its words; nothing of what is no
    /// document of JSON.
    pub fn documents(&self) -> Vec<Option<(&Reading, Option<DocumentPart>)>> {
        match &self.said {
            Said::Http(http) => vec![http.body.document()],
            Said::Mcp(call) if call.messages().is_empty() => vec![None],
            Said::Mcp(call) => {
                let messages = call.messages().iter();
                messages.map(|message| Some((message.reading(), message.words_part()))).collect()
            }
        }
    }

    /// The body as it travels.
    pub fn encode(&self) -> Bytes {
        match &self.said {
            Said::Http(http) => http.encode(self.bytes),
            Said::Mcp(call) => mcp::encode(call, self.bytes),
        }
    }

    /// Writes the headers that depend on the body.
    pub fn rebuild_headers(&self, headers: &mut HeaderMap) {
        if let Said::Mcp(call) = &self.said {
            mcp::rebuild_headers(call, headers);
        }
    }
}

fn refuse(malformed: &Malformed) -> Stop {
    Stop::refuse(malformed.code, sentence(&malformed.sentence))
}

fn named(method: &str, provider: Option<String>) -> Action {
    Action { method: method.to_owned(), provider, ..Action::default() }
}

/// What rules see as arguments of an MCP message: a tool's own arguments, else all parameters.
fn message_arguments(message: &Message) -> Arguments {
    Arguments::within(Arc::clone(message.document()), message.words())
}

/// What rules see as arguments of plain HTTP: the body's members and the query's.
fn http_arguments(body: &HttpBody, request: &Request) -> Arguments {
    let query = request.head.query().map(|_| request.head.query_pairs());
    let query = query.into_iter().flatten().map(|(name, text)| (name, text.into()));
    let arguments = body_arguments(body);
    let pairs = arguments.pairs().iter().cloned().chain(query).collect();
    arguments.beside(pairs)
}

/// A body's members; nothing of no body.
pub(crate) fn body_arguments(body: &HttpBody) -> Arguments {
    match body {
        HttpBody::Json(read) => Arc::clone(&read.json).into(),
        HttpBody::Text(text) => Arguments::from(json!({ "text": text })).as_view(),
        HttpBody::Document(document) => match document.pairs() {
            Some(pairs) => Arguments::NONE.beside(pairs),
            None => Arguments::from(match document.view() {
                Value::String(text) => json!({ "text": text }),
                view => view,
            })
            .as_view(),
        },
        HttpBody::Empty => Arguments::NONE,
    }
}
