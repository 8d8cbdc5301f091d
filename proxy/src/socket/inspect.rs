//! Messages, whole, before they go on.
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use tollgate_dlp::{Acted, Action, Deltas, Direction, TextStream};
use tollgate_rules::{Call, Code};

use super::frames::Kind;
use crate::clear::{Outgoing, Permit};
use crate::decode::http::{self as rest, HttpBody};
use crate::decode::json;
use crate::flight::Flight;
use crate::gate::Gate;
use crate::inspect;
use crate::record::Found;
use crate::spoken::body_arguments;

/// A message as it may go, or the code of why not; and what was found in it.
pub type Looked = (Result<Bytes, Code>, Vec<Found>);

/// Inspects a message of the client: read as a body without a type is, written again from what was
/// read, and judged as a part of the call that the handshake was.
pub fn outward(gate: &Gate, flight: &Flight, of: (&Call, &Permit), payload: &Bytes) -> Looked {
    let (call, permit) = of;
    let (snapshot, to) = (&flight.snapshot, permit.destination());
    let read = rest::decode(&HeaderMap::new(), payload, &snapshot.settings.bounds);
    let mut body = match read {
        Ok(read) => read,
        Err(malformed) => return (Err(malformed.code), Vec::new()),
    };
    let call = Call {
        arguments: body_arguments(&body.body),
        body_bytes: payload.len() as u64,
        ..call.clone()
    };
    let unread = to.allow_unread_requests;
    let (verdict, mut found, forgotten) = inspect::message(snapshot, &call, unread, &mut body.body);
    gate.metrics.dlp_forgotten.inc_by(forgotten);
    gate.count_findings(&found, "request");
    if let Err(refusal) = verdict {
        return (Err(refusal.code), found);
    }
    let outgoing = Outgoing {
        agent: permit.agent().clone(),
        to: Arc::clone(to),
        method: permit.method().clone(),
        path_and_query: String::new(),
        headers: HeaderMap::new(),
        body: body.encode(payload.len()),
        granted: None,
        socket: None,
    };
    match gate.leaking(flight, &outgoing) {
        None => (Ok(outgoing.body), found),
        Some((refusal, leaks)) => {
            found.extend(leaks);
            (Err(refusal.code), found)
        }
    }
}

/// Messages of the upstream that may go, or the code of why not; what was found; how many of them
/// were not read.
#[derive(Default)]
pub struct Inward {
    /// In order.
    pub messages: Vec<(Kind, Bytes)>,
    /// Why nothing more goes.
    pub refused: Option<Code>,
    /// What was found.
    pub found: Vec<Found>,
    /// Messages that nobody could read.
    pub unread: u64,
}

/// Inspects what the upstream sends. Texts that come in pieces, a message each, are looked at as the
/// one text that their reader will see, as those of an event stream are.
pub struct Inspector<'f> {
    flight: &'f Flight,
    deltas: Deltas,
    /// What the documents are that `deltas` holds, in the same order.
    shapes: VecDeque<(Kind, Shape)>,
}

#[derive(Clone, Copy)]
enum Shape {
    Json,
    Text,
}

impl<'f> Inspector<'f> {
    /// An inspector for one connection.
    pub fn new(flight: &'f Flight) -> Self {
        let scanner = Arc::clone(&flight.snapshot.scanner);
        let deltas = Deltas::new(scanner, Arc::clone(&flight.judge), Direction::Answer);
        Self { flight, deltas, shapes: VecDeque::new() }
    }

    /// Whether anything is held for what follows it.
    pub fn holding(&self) -> bool {
        self.deltas.holding()
    }

    /// Takes a message.
    pub fn push(&mut self, kind: Kind, payload: Bytes) -> Inward {
        let Ok(text) = std::str::from_utf8(&payload) else { return self.push_bytes(payload) };
        let bounds = &self.flight.snapshot.settings.bounds;
        let (document, shape) = match json::parse(text.as_bytes(), bounds.json_depth) {
            Ok(document) => (document, Shape::Json),
            Err(_) => (Value::String(text.to_owned()), Shape::Text),
        };
        self.shapes.push_back((kind, shape));
        let mut inward = Inward::default();
        let released = self.deltas.push(document, false);
        self.emit(released, &mut inward);
        inward
    }

    /// Gives all that is held.
    pub fn flush(&mut self) -> Inward {
        let mut inward = Inward::default();
        let released = self.deltas.flush();
        self.emit(released, &mut inward);
        inward
    }

    fn emit(&mut self, released: Vec<(Value, Vec<Acted>)>, inward: &mut Inward) {
        for (document, acted) in released {
            if note(acted, inward) {
                return;
            }
            let Some((kind, shape)) = self.shapes.pop_front() else {
                inward.refused = Some(Code::GateBug);
                return;
            };
            let text = match (shape, document) {
                (Shape::Text, Value::String(text)) => text,
                (_, document) => document.to_string(),
            };
            inward.messages.push((kind, text.into()));
        }
    }

    /// What is not text: a document, or something that cannot be read, which passes as an answer of
    /// that kind does. The credential that the call got is looked for in any case.
    fn push_bytes(&mut self, payload: Bytes) -> Inward {
        let mut inward = self.flush();
        if inward.refused.is_some() {
            return inward;
        }
        let (snapshot, judge) = (&self.flight.snapshot, &self.flight.judge);
        let read = rest::decode(&HeaderMap::new(), &payload, &snapshot.settings.bounds);
        let document = match read.map(|read| read.body) {
            Ok(HttpBody::Document(document)) => Some(document),
            _ => None,
        };
        let mut clean = payload;
        let mut is_read = false;
        if let Some(mut document) = document {
            let looked = snapshot.scanner.redact_document(&mut document, judge, Direction::Answer);
            is_read = looked.unread.is_empty();
            let edits = looked.acted.iter().any(|acted| acted.action.edits());
            if note(looked.acted, &mut inward) {
                return inward;
            }
            if edits {
                clean = document.write().into();
            }
        }
        inward.unread += u64::from(!is_read);
        if let (Some(_), Some(guard)) = (&self.flight.granted, snapshot.credentials.guard()) {
            let mut stream =
                TextStream::new(Arc::clone(guard), Arc::clone(judge), Direction::Answer);
            let mut guarded = Vec::new();
            let mut acted = stream.push(&clean, &mut guarded);
            acted.extend(stream.finish(&mut guarded));
            if note(acted, &mut inward) {
                return inward;
            }
            clean = guarded.into();
        }
        inward.messages.push((Kind::Binary, clean));
        inward
    }
}

/// Notes what was found; whether any of it blocks.
fn note(acted: Vec<Acted>, inward: &mut Inward) -> bool {
    let blocks = acted.iter().any(|acted| acted.action == Action::Block);
    inward.found.extend(acted.into_iter().map(|acted| Found { part: "answer", acted }));
    if blocks {
        inward.refused = Some(Code::DlpBlocked);
    }
    blocks
}
