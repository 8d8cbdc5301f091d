//! Event streams: parsed event by event (WHATWG HTML section 9.2), inspected, written again.
//!
//! Events go on at once unless one of their strings may be the beginning of something that the
//! next event completes; such an event is held for at most [`HOLD`].
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tollgate_dlp::{Acted, Deltas, Direction};
use tollgate_rules::Code;

use super::{Answer, client};
use crate::decode::json;
use crate::outcome::Ending;
use crate::refuse::Refusal;
use crate::sse::{Event, Item, Parser};
use crate::words;

/// How long an event may be held for the next one to come. Longer than the gap between two pieces
/// of one message, shorter than a person's patience.
const HOLD: Duration = Duration::from_secs(1);

/// Events between the upstream and the client.
struct Passage {
    /// Gone once the stream has ended.
    parser: Option<Parser>,
    deltas: Deltas,
    /// What goes around the documents that `deltas` holds, in the same order.
    wrappers: VecDeque<Wrapper>,
}

/// An event without its data.
struct Wrapper {
    event: Event,
    body: Body,
}

/// What an event's data was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Empty,
    Json,
    Missing,
    Text,
}

impl Passage {
    /// The items that a piece completes. What an upstream left unfinished at its end is read as an
    /// event all the same, since some clients do.
    fn read(&mut self, piece: Option<Bytes>) -> Result<Vec<Item>, Ending> {
        let mut items = Vec::new();
        let read = match (piece, self.parser.take()) {
            (Some(piece), Some(mut parser)) => {
                let read = parser.push(&piece, &mut items);
                self.parser = Some(parser);
                read
            }
            (None, Some(parser)) => parser.finish().map(|last| items.extend(last.map(Item::Event))),
            (_, None) => Ok(()),
        };
        match read {
            Ok(()) => Ok(items),
            Err(_) => Err(Ending::Cut(Code::UpstreamProtocol)),
        }
    }
}

impl Answer<'_, '_> {
    pub(super) async fn pass_events(&mut self) -> Ending {
        let headers = std::mem::take(&mut self.headers);
        if !client::write_head(self.session, self.status, &headers, None).await {
            return Ending::Abandoned;
        }
        let snapshot = &self.flight.snapshot;
        let mut passage = Passage {
            parser: Some(Parser::new(snapshot.settings.bounds.answer_body_bytes)),
            deltas: Deltas::new(
                Arc::clone(&snapshot.scanner),
                Arc::clone(&self.flight.judge),
                Direction::Answer,
            ),
            wrappers: VecDeque::new(),
        };
        loop {
            match self.step(&mut passage).await {
                Ok(true) => {}
                Ok(false) => return self.end_events().await,
                Err(ending) => return self.cut_events(ending).await,
            }
        }
    }

    /// One piece of the stream; `Ok(false)` at its end.
    async fn step(&mut self, passage: &mut Passage) -> Result<bool, Ending> {
        let piece = if passage.deltas.holding() {
            match tokio::time::timeout(HOLD, self.next()).await {
                Ok(piece) => piece?,
                Err(_) => {
                    let mut out = Vec::new();
                    let released = passage.deltas.flush();
                    self.emit(passage, released, &mut out)?;
                    return self.send(out).await.map(|()| true);
                }
            }
        } else {
            self.next().await?
        };
        let mut out = Vec::new();
        let going = piece.is_some();
        for item in passage.read(piece)? {
            self.take(passage, item, &mut out)?;
        }
        if !going {
            let released = passage.deltas.flush();
            self.emit(passage, released, &mut out)?;
        }
        self.send(out).await?;
        Ok(going)
    }

    async fn send(&mut self, out: Vec<u8>) -> Result<(), Ending> {
        match client::write(self.session, out.into()).await {
            true => Ok(()),
            false => Err(Ending::Abandoned),
        }
    }

    fn take(&mut self, passage: &mut Passage, item: Item, out: &mut Vec<u8>) -> Result<(), Ending> {
        let mut event = match item {
            // A comment is a heartbeat: it may hold anything, so only its beat is passed on.
            Item::Comment(_) => {
                out.extend_from_slice(b":\n");
                return Ok(());
            }
            Item::Event(event) => event,
        };
        // Neither an id nor a name is a place for data; what would be changed there does not travel.
        let (scanner, judge) = (&self.flight.snapshot.scanner, &self.flight.judge);
        for field in [&mut event.id, &mut event.event] {
            field.take_if(|text| {
                let redaction = scanner.redact(text, judge, Direction::Answer);
                redaction.acted.iter().any(|acted| acted.action.edits())
            });
        }
        let data = event.data.take();
        let bounds = &self.flight.snapshot.settings.bounds;
        let (mut document, body) = match data {
            None => (Value::Null, Body::Missing),
            Some(data) if data.is_empty() => (Value::Null, Body::Empty),
            Some(data) => match json::parse(data.as_bytes(), bounds.json_depth) {
                Ok(document) => (document, Body::Json),
                // On a JSON-RPC stream every event is a message; what cannot be read goes no
                // further.
                Err(_) if self.spoken.is_mcp() && is_message(&event) => {
                    return Err(Ending::Cut(Code::UpstreamProtocol));
                }
                Err(_) => (Value::String(data), Body::Text),
            },
        };
        if body == Body::Json {
            self.spoken.filter_lists(&mut document, self.flight);
        }
        let last = document.get("result").is_some() || document.get("error").is_some();
        passage.wrappers.push_back(Wrapper { event, body });
        let released = passage.deltas.push(document, last);
        self.emit(passage, released, out)
    }

    /// Writes events that may go, each in the wrapper it came in.
    fn emit(
        &mut self,
        passage: &mut Passage,
        released: Vec<(Value, Vec<Acted>)>,
        out: &mut Vec<u8>,
    ) -> Result<(), Ending> {
        for (document, acted) in released {
            if self.note(acted, "answer") {
                return Err(Ending::Cut(Code::DlpBlocked));
            }
            let Some(Wrapper { mut event, body }) = passage.wrappers.pop_front() else {
                return Err(Ending::Cut(Code::GateBug));
            };
            event.data = match (body, document) {
                (Body::Missing, _) => None,
                (Body::Empty, _) => Some(String::new()),
                (Body::Text, Value::String(text)) => Some(text),
                (Body::Json | Body::Text, document) => Some(document.to_string()),
            };
            Item::Event(event).encode(out);
        }
        Ok(())
    }

    async fn end_events(&mut self) -> Ending {
        if client::write_end(self.session, Bytes::new()).await {
            Ending::Answered
        } else {
            Ending::Abandoned
        }
    }

    /// Cuts a stream: a JSON-RPC caller is told in a last event, so that its session lives on.
    async fn cut_events(&mut self, ending: Ending) -> Ending {
        let Ending::Cut(code) = ending else { return ending };
        let sentence = match code {
            Code::DlpBlocked => words::ANSWER_BLOCKED,
            code => words::failed(code),
        };
        let refusal = Refusal::new(code, sentence);
        if let Some(event) = self.spoken.last_event(&refusal) {
            let told = client::write(self.session, event).await
                && client::write_end(self.session, Bytes::new()).await;
            if !told {
                return Ending::Abandoned;
            }
            return Ending::CutInWords(code);
        }
        Ending::Cut(code)
    }
}

/// Whether a client takes the event for a message: unnamed or named so (WHATWG HTML 9.2.6).
fn is_message(event: &Event) -> bool {
    event.event.as_deref().is_none_or(|name| name.is_empty() || name == "message")
}
