//! Event streams: parsed event by event (WHATWG HTML section 9.2), inspected, written again. Lines
//! of JSON are events that have nothing but data.
//!
//! Events go on at once unless one of their strings may be the beginning of something that the
//! next event completes; such an event is held until nothing has come for [`HOLD`], and never longer
//! than [`HOLD_MAX`].
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;
use tollgate_dlp::{Acted, Deltas, Direction};
use tollgate_rules::Code;

use super::{Answer, client};
use crate::decode::json;
use crate::decode::mcp::Handle;
use crate::desks::LARGE_BYTES;
use crate::lines::LineReader;
use crate::outcome::Ending;
use crate::refuse::Refusal;
use crate::sse::{Event, Item, Parser};
use crate::words;

/// An hour, in milliseconds: a client waits no longer, and no longer number is a time.
const RETRY_MAX: u64 = 3_600_000;

/// How long an event may be held for the next one to come. Longer than the gap between two pieces
/// of one message, shorter than a person's patience.
const HOLD: Duration = Duration::from_secs(1);
/// How long at most, however many events come: a model writes a thousand characters in less.
const HOLD_MAX: Duration = Duration::from_secs(10);

/// How events are told apart on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// `data: …` and an empty line.
    Events,
    /// A line each.
    Lines,
}

impl Framing {
    /// Writes an event, with a document in the place of its data if there is one.
    fn write(self, event: Event, document: Option<&Value>, out: &mut Vec<u8>) {
        match (self, document) {
            (Self::Events, Some(document)) => event.encode_json(document, out),
            (Self::Events, None) => Item::Event(event).encode(out),
            (Self::Lines, Some(document)) => {
                // A vector takes all that is written to it.
                _ = serde_json::to_writer(&mut *out, document);
                out.push(b'\n');
            }
            (Self::Lines, None) => {
                out.extend_from_slice(event.data.unwrap_or_default().as_bytes());
                out.push(b'\n');
            }
        }
    }
}

/// Reads events out of a stream.
enum Reader {
    Events(Parser),
    Lines(LineReader),
}

impl Reader {
    fn push(&mut self, piece: &[u8], items: &mut Vec<Item>) -> Result<(), Ending> {
        match self {
            Self::Events(parser) => parser.push(piece, items).map_err(|_| BROKEN),
            Self::Lines(reader) => {
                let mut lines = Vec::new();
                let read = reader.push(piece, &mut lines);
                items.extend(lines.into_iter().map(of_line));
                read.map_err(|_| BROKEN)
            }
        }
    }

    /// Bytes of what is not complete.
    fn held(&self) -> usize {
        match self {
            Self::Events(parser) => parser.held(),
            Self::Lines(reader) => reader.held(),
        }
    }

    fn finish(self) -> Result<Option<Item>, Ending> {
        match self {
            Self::Events(parser) => {
                parser.finish().map(|last| last.map(Item::Event)).map_err(|_| BROKEN)
            }
            Self::Lines(reader) => {
                reader.finish().map(|last| last.map(of_line)).map_err(|_| BROKEN)
            }
        }
    }
}

const BROKEN: Ending = Ending::Cut(Code::UpstreamProtocol);

fn of_line(line: String) -> Item {
    Item::Event(Event { data: Some(line), ..Event::default() })
}

/// Events between the upstream and the client.
struct Passage {
    framing: Framing,
    /// Gone once the stream has ended.
    reader: Option<Reader>,
    deltas: Deltas,
    /// What goes around the documents that `deltas` holds, in the same order.
    wrappers: VecDeque<Wrapper>,
}

/// An event without its data.
struct Wrapper {
    event: Event,
    body: Body,
    taken: Instant,
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
        match (piece, self.reader.take()) {
            (Some(piece), Some(mut reader)) => {
                reader.push(&piece, &mut items)?;
                self.reader = Some(reader);
            }
            (None, Some(reader)) => items.extend(reader.finish()?),
            (_, None) => {}
        }
        Ok(items)
    }
}

impl Answer<'_, '_> {
    pub(super) async fn pass_events(&mut self, framing: Framing) -> Ending {
        let headers = std::mem::take(&mut self.headers);
        if !client::write_head(self.session, self.status, &headers, None).await {
            return Ending::Abandoned;
        }
        let snapshot = &self.flight.snapshot;
        let limit = snapshot.settings.bounds.answer_body_bytes;
        let reader = match framing {
            Framing::Events => Reader::Events(Parser::new(limit)),
            Framing::Lines => Reader::Lines(LineReader::new(limit)),
        };
        let mut passage = Passage {
            framing,
            reader: Some(reader),
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
            let silence = Instant::now() + HOLD;
            let oldest = passage.wrappers.front();
            let until = oldest.map_or(silence, |oldest| silence.min(oldest.taken + HOLD_MAX));
            match tokio::time::timeout_at(until, self.next()).await {
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
        let going = piece.is_some();
        let items = passage.read(piece)?;
        self.charge(passage).await?;
        let bytes = items.iter().map(Item::len).sum();
        let (desks, patience) = (self.desks, self.flight.patience());
        let holder = self.holder();
        let look = || self.look_at(passage, items, going);
        let looked = desks.at(&holder, bytes, patience, look).await;
        let out = looked.map_err(Ending::Cut).flatten()?;
        self.send(out).await?;
        Ok(going)
    }

    /// What the items become. Nothing is waited for here.
    fn look_at(
        &mut self,
        passage: &mut Passage,
        items: Vec<Item>,
        going: bool,
    ) -> Result<Vec<u8>, Ending> {
        let mut out = Vec::new();
        for item in items {
            self.take(passage, item, &mut out)?;
        }
        if !going {
            let released = passage.deltas.flush();
            self.emit(passage, released, &mut out)?;
        }
        Ok(out)
    }

    /// Counts what has come of an event that is not complete against what answers may hold, once it is
    /// large: most are not.
    async fn charge(&mut self, passage: &Passage) -> Result<(), Ending> {
        let held = passage.reader.as_ref().map_or(0, Reader::held);
        let held = if held < LARGE_BYTES { 0 } else { held };
        let deadline = Instant::now() + self.flight.patience();
        self.share.resize(held, deadline).await.map_err(Ending::Cut)
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
        event.retry = event.retry.map(|wait| wait.min(RETRY_MAX));
        let data = event.data.take();
        let bounds = &self.flight.snapshot.settings.bounds;
        let (mut document, body) = match data {
            None => (Value::Null, Body::Missing),
            Some(data) if data.is_empty() => (Value::Null, Body::Empty),
            Some(data) => match json::parse(data.as_bytes(), bounds.json_depth) {
                Ok(document) => (document, Body::Json),
                // On a JSON-RPC stream every event is a message; what cannot be read goes no
                // further.
                Err(_) if self.heard.is_mcp() && is_message(&event) => {
                    return Err(Ending::Cut(Code::UpstreamProtocol));
                }
                Err(_) => (Value::String(data), Body::Text),
            },
        };
        if let Some(links) = &self.flight.links {
            let name = event.event.as_deref();
            links.event(name, &mut document, self.heard.is_mcp(), &mut self.so_far.led);
        }
        if body == Body::Json {
            self.heard.filter_lists(&mut document, self.flight);
            let within =
                |path: &[&str]| path.iter().try_fold(&document, |value, name| value.get(name));
            self.given(Handle::given(|path| within(path)?.as_str()));
        }
        let last = document.get("result").is_some() || document.get("error").is_some();
        passage.wrappers.push_back(Wrapper { event, body, taken: Instant::now() });
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
            let Some(Wrapper { mut event, body, .. }) = passage.wrappers.pop_front() else {
                return Err(Ending::Cut(Code::GateBug));
            };
            let (data, document) = match (body, document) {
                (Body::Missing, _) => (None, None),
                (Body::Empty, _) => (Some(String::new()), None),
                (Body::Text, Value::String(text)) => (Some(text), None),
                (Body::Json | Body::Text, document) => (None, Some(document)),
            };
            event.data = data;
            passage.framing.write(event, document.as_ref(), out);
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
        if let Some(event) = self.heard.last_event(&refusal) {
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
