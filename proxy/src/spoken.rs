//! A call in the language it was spoken in, from its decoding to its re-serialisation.
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tollgate_config::settings::{Mode, RouteProtocol, Settings};
use tollgate_rules::{Action, Arguments, Call, Protocol, Target};

use crate::clear::Way;
use crate::decode::Malformed;
use crate::decode::http::{self as rest, HttpBody, HttpCall};
use crate::decode::mcp::{self, END_METHOD, LISTEN_METHOD, McpCall, Message};
use crate::flight::Flight;
use crate::head::{Request, sentence};
use crate::refuse::{Caller, Refusal, answer};
use crate::stop::Stop;

/// What was said, and how its answer is to be read.
#[derive(Debug)]
pub struct Spoken {
    /// What was said.
    pub said: Said,
    caller: Caller,
    is_head: bool,
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
        let method = request.head.method();
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
        Ok(Self { said, caller: caller.clone(), is_head: *method == Method::HEAD, lister: None })
    }

    /// Whether JSON-RPC is spoken.
    pub fn is_mcp(&self) -> bool {
        matches!(self.said, Said::Mcp(_))
    }

    /// Whether only a head is asked for (RFC 9110 section 9.3.2).
    pub fn is_head_request(&self) -> bool {
        self.is_head
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
            .then(|| call(Protocol::Mcp, named("tools/list", provider()), Value::Null.into()));
        match &self.said {
            Said::Http(http) => {
                let action = Action { provider: provider(), ..Action::default() };
                vec![call(Protocol::Http, action, http_arguments(&http.body, request))]
            }
            Said::Mcp(McpCall::Listen) => {
                vec![call(Protocol::Mcp, named(LISTEN_METHOD, provider()), Value::Null.into())]
            }
            Said::Mcp(McpCall::End) => {
                vec![call(Protocol::Mcp, named(END_METHOD, provider()), Value::Null.into())]
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

    /// The body as it travels.
    pub fn encode(&self) -> Bytes {
        match &self.said {
            Said::Http(http) => http.encode(),
            Said::Mcp(call) => mcp::encode(call),
        }
    }

    /// Writes the headers that depend on the body.
    pub fn rebuild_headers(&self, headers: &mut HeaderMap) {
        if let Said::Mcp(call) = &self.said {
            mcp::rebuild_headers(call, headers);
        }
    }

    /// Takes tools out of every list of tools in an answer that this agent may certainly not call.
    /// A list is known by its shape: a session's stream can bring one that was asked for elsewhere.
    pub fn filter_lists(&self, document: &mut Value, flight: &Flight) {
        let Some(lister) = &self.lister else { return };
        let answers = match document {
            Value::Array(items) => items.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        for answer in answers {
            filter_tools(answer, lister, flight);
        }
    }

    /// The last event of a stream that is cut, when the caller's protocol has words for it.
    pub fn last_event(&self, refusal: &Refusal) -> Option<Bytes> {
        match &self.caller {
            Caller::McpTool { id, era, .. } => {
                let caller = Caller::McpTool { id: id.clone(), era: *era, accepts_json: false };
                Some(answer(refusal, &caller).body)
            }
            Caller::McpRequest { id, era, .. } => {
                let caller = Caller::McpRequest { id: id.clone(), era: *era, accepts_json: false };
                Some(answer(refusal, &caller).body)
            }
            _ => None,
        }
    }
}

fn refuse(malformed: &Malformed) -> Stop {
    Stop::refuse(malformed.code, sentence(&malformed.sentence))
}

/// Takes tools out of one list. The stateless generation lets shared caches keep lists, so one made
/// for one agent says that it is private.
fn filter_tools(answer: &mut Value, lister: &Call, flight: &Flight) {
    let Some(Value::Object(result)) = answer.get_mut("result") else { return };
    let Some(Value::Array(tools)) = result.get_mut("tools") else { return };
    let now = crate::clock::timestamp();
    let rulebook = &flight.snapshot.rulebook;
    let observes = flight.snapshot.settings.mode == Mode::Observe;
    tools.retain(|tool| match tool.get("name").and_then(Value::as_str) {
        Some(name) => {
            let may = flight.snapshot.registry.may_use(&lister.agent.id, name);
            may && (observes || rulebook.visible(lister, name, now))
        }
        // A tool without a name cannot be called.
        None => false,
    });
    if let Some(scope) = result.get_mut("cacheScope") {
        *scope = Value::from("private");
    }
}

fn named(method: &str, provider: Option<String>) -> Action {
    Action { method: method.to_owned(), provider, ..Action::default() }
}

/// What rules see as arguments of an MCP message: a tool's own arguments, else all parameters.
fn message_arguments(message: &Message) -> Arguments {
    let at: &[&str] = match message.arguments() {
        Value::Null => &["params"],
        _ => &["params", "arguments"],
    };
    Arguments::within(Arc::clone(message.document()), at)
}

/// What rules see as arguments of plain HTTP: the body's members, or the query's.
fn http_arguments(body: &HttpBody, request: &Request) -> Arguments {
    body_arguments(body).unwrap_or_else(|| match request.head.query() {
        Some(_) => members(&request.head.query_pairs()).into(),
        None => Value::Null.into(),
    })
}

/// A body's members; nothing of no body.
pub(crate) fn body_arguments(body: &HttpBody) -> Option<Arguments> {
    Some(match body {
        HttpBody::Json(document) => Arc::clone(document).into(),
        HttpBody::Text(text) => json!({ "text": text }).into(),
        HttpBody::Document(document) => match document.view() {
            Value::String(text) => json!({ "text": text }).into(),
            view => view.into(),
        },
        HttpBody::Empty => return None,
    })
}

/// A name that stands several times becomes a list of all its values: which of them a server takes
/// is not known, so rules see every one.
fn members(pairs: &[(String, String)]) -> Value {
    let mut members = serde_json::Map::new();
    for (name, value) in pairs {
        let value = Value::from(value.as_str());
        match members.get_mut(name) {
            None => {
                members.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(members)
}
