//! The answer: inspected as it streams, redacted, held or cut.
//!
//! [`relay`] picks the way by what the answer is: JSON is held whole and re-serialised, event
//! streams go event by event and lines line by line, other text is scanned in a stream, and what
//! cannot be read passes unread (and is recorded so) or is refused where a protocol is expected.
mod client;
mod events;
mod json;
mod legible;
mod links;
mod plain;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};
use pingora_core::protocols::http::ServerSession;
use tollgate_dlp::documents::{Header, Kind as Form, MediaType};
use tollgate_dlp::{Acted, Action, Direction, Scanner};
use tollgate_rules::Code;

pub(crate) use client::put_receipt;
pub use client::{client_gone, client_gone_or_early, refuse};
pub use links::Led;
pub(crate) use links::Links;

use self::events::Framing;

use crate::body::{Holder, Share};
use crate::coding::{self, Decoder};
use crate::decode::head::{strip_answer_headers, strip_cookies};
use crate::decode::mcp::{self, Handle};
use crate::decode::media::media_type;
use crate::desks::Desks;
use crate::egress::Upstream;
use crate::flight::Flight;
use crate::gate::Gate;
use crate::handles::Handles;
use crate::heard::Heard;
use crate::outcome::{Answered, Ending, Outcome};
use crate::record::Found;
use crate::refuse::Refusal;
use crate::words;

/// The header that names the record of a call, on every answer that has one.
pub(crate) const RECEIPT: &str = "tollgate-receipt";

/// What an answer is, as far as inspection goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Empty,
    Events,
    Json,
    Lines,
    Opaque,
    Text,
}

/// One answer on its way back.
pub(crate) struct Answer<'a, 'e> {
    session: &'a mut ServerSession,
    upstream: Upstream<'e>,
    flight: &'a Flight,
    heard: &'a Heard,
    receipt: &'a str,
    decoder: Option<Decoder>,
    share: Share,
    desks: &'a Desks,
    handles: &'a Handles,
    status: StatusCode,
    headers: HeaderMap,
    /// What the record will say of it, whenever it ends.
    so_far: &'a mut Answered,
    /// The connection to the upstream is in no order to be used again.
    spoilt: bool,
}

/// Relays the answer and tells how it ended.
pub(crate) async fn relay(
    session: &mut ServerSession,
    upstream: Upstream<'_>,
    flight: &Flight,
    heard: &Heard,
    outcome: &mut Outcome,
    gate: &Gate,
) -> Ending {
    let (destination, route) = (upstream.address, std::sync::Arc::clone(&upstream.route));
    let (status, headers) = match upstream.head() {
        Some(head) => (head.status, head.headers.clone()),
        None => (StatusCode::BAD_GATEWAY, HeaderMap::new()),
    };
    let (receipt, so_far) = outcome.answering(Answered {
        status: Some(status.as_u16()),
        destination,
        bytes_in: 0,
        unread: false,
        found: Vec::new(),
        led: Led::default(),
    });
    let mut answer = Answer {
        session,
        upstream,
        flight,
        heard,
        receipt,
        decoder: None,
        share: gate.held_answers.share(Holder::Route(Arc::clone(&route))),
        desks: &gate.desks,
        handles: &gate.handles,
        status,
        headers,
        so_far,
        spoilt: false,
    };
    let sessions = answer.headers.get_all(mcp::SESSION).iter();
    answer.given(sessions.map(|id| Handle::Session(id.as_bytes())));
    let ending = match answer.prepare() {
        Ok(kind) => {
            answer.so_far.unread = kind == Kind::Opaque;
            answer.pass(kind).await
        }
        Err(refusal) => Ending::Refused(refusal),
    };
    let so_far = &*answer.so_far;
    gate.count_answer(&route, &ending, so_far.unread, &so_far.found);
    answer.close(&ending).await;
    ending
}

impl<'e> Answer<'_, 'e> {
    /// Whose the room and the desks are that it takes.
    fn holder(&self) -> Holder {
        Holder::Route(Arc::clone(&self.upstream.route))
    }

    /// The server gives the agent what it may name again.
    fn given<'h>(&self, handles: impl Iterator<Item = Handle<'h>>) {
        if let Some(agent) = self.flight.agent.as_ref().filter(|_| self.heard.is_mcp()) {
            handles.for_each(|handle| self.handles.give(&self.upstream.route, handle, &agent.id));
        }
    }

    /// Looks at the head: what kind of answer it is, and whether it can be read.
    fn prepare(&mut self) -> Result<Kind, Refusal> {
        let unreadable = || Refusal::new(Code::UpstreamProtocol, words::ANSWER_UNREADABLE);
        // No part was asked for, and what is in one cannot be told from it.
        let partial = self.status == StatusCode::PARTIAL_CONTENT;
        if self.status == StatusCode::SWITCHING_PROTOCOLS
            || self.status.is_informational()
            || partial
            || !is_plainly_chunked(&self.headers)
        {
            return Err(unreadable());
        }
        let codings = coding::codings(&self.headers).map_err(|_| unreadable())?;
        let kind = self.kind().ok_or_else(unreadable)?;
        let is_read = match kind {
            Kind::Empty => false,
            Kind::Opaque => self.guard().is_some(),
            Kind::Events | Kind::Json | Kind::Lines | Kind::Text => true,
        };
        if is_read && !codings.is_empty() {
            let bounds = &self.flight.snapshot.settings.bounds;
            // Streams have no end to their size; what is held whole is bounded where it is held.
            let limits =
                coding::Limits { limit_bytes: u64::MAX, ratio: bounds.decompression_ratio };
            self.decoder = Some(Decoder::new(&codings, limits).map_err(|_| unreadable())?);
            self.headers.remove(header::CONTENT_ENCODING);
        }
        strip_answer_headers(&mut self.headers);
        if !self.flight.allow_cookies {
            strip_cookies(&mut self.headers);
        }
        if is_read {
            // Lengths and ranges no longer hold for what inspection makes of the body.
            self.headers.remove(header::CONTENT_LENGTH);
            self.headers.remove(header::ETAG);
        }
        self.lead()?;
        self.redact_headers()?;
        client::put_receipt(&mut self.headers, self.receipt);
        let deadlines = &self.flight.snapshot.settings.deadlines;
        let idle = match kind {
            Kind::Events | Kind::Lines => deadlines.stream_idle_ms,
            _ => deadlines.idle_ms,
        };
        self.upstream.set_idle(Duration::from_millis(idle));
        Ok(kind)
    }

    fn kind(&self) -> Option<Kind> {
        let empty = self.heard.is_head_request()
            || matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || self.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0");
        if empty {
            return Some(Kind::Empty);
        }
        let media = media_type(&self.headers).ok()?;
        let kind = match &media {
            None => Kind::Text,
            // Only UTF-8 can be inspected.
            Some(media) if !media.is_utf8() => Kind::Opaque,
            Some(media) => kind_of(media),
        };
        // A JSON-RPC call is answered in JSON or events; an error page may be text.
        let rpc = self.heard.is_mcp() && self.status.is_success();
        let accepted = self.status == StatusCode::ACCEPTED;
        match kind {
            Kind::Opaque if self.heard.is_mcp() => None,
            Kind::Lines | Kind::Text if rpc && !accepted => None,
            kind => Some(kind),
        }
    }

    /// What looks for the credential that the call got, in an answer that nothing else looks at.
    fn guard(&self) -> Option<Arc<Scanner>> {
        self.flight.granted.as_ref()?;
        self.flight.snapshot.credentials.guard().map(Arc::clone)
    }

    /// Whether a text may say where its upstream is.
    fn describes(&self) -> bool {
        let media = || media_type(&self.headers).ok().flatten();
        self.flight.links.is_some() && media().is_some_and(|media| links::is_yaml(&media))
    }

    /// Makes what leads below the route's upstream the route's own address.
    fn lead(&mut self) -> Result<(), Refusal> {
        let Some(links) = &self.flight.links else { return Ok(()) };
        let redirects = self.status.is_redirection();
        match links.head(&mut self.headers, &mut self.so_far.led, redirects) {
            true => Ok(()),
            false => Err(Refusal::new(Code::EgressBlocked, words::LEADS_ELSEWHERE)),
        }
    }

    fn redact_headers(&mut self) -> Result<(), Refusal> {
        let snapshot = &self.flight.snapshot;
        let guard = self.guard();
        if let Some(guard) = &guard {
            let tells = |name: &&HeaderName| !guard.scan(name.as_str().as_bytes()).is_empty();
            let gone: Vec<HeaderName> = self.headers.keys().filter(tells).cloned().collect();
            gone.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        let mut blocked = false;
        for (name, value) in &mut self.headers {
            // Challenges are credentials by design, made for this client.
            let scanner = match (*name == header::WWW_AUTHENTICATE, &guard) {
                (false, _) => &snapshot.scanner,
                (true, Some(guard)) => guard,
                (true, None) => continue,
            };
            // A byte beyond ASCII is legal here (RFC 9110 section 5.5) and must not hide the rest.
            let text = String::from_utf8_lossy(value.as_bytes());
            let header = Header { name: name.as_str(), value: &text };
            let judge = &self.flight.judge;
            let (clean, found) = scanner.redact_header(header, judge, Direction::Answer);
            if let Some(clean) = clean {
                match http::HeaderValue::from_bytes(clean.as_bytes()) {
                    Ok(clean) => *value = clean,
                    Err(_) => blocked = true,
                }
            }
            blocked |= found.acted.iter().any(|acted| acted.action == Action::Block);
            let part = "header";
            self.so_far.found.extend(found.acted.into_iter().map(|acted| Found { part, acted }));
        }
        if blocked {
            return Err(Refusal::new(Code::DlpBlocked, words::ANSWER_BLOCKED));
        }
        Ok(())
    }

    async fn pass(&mut self, kind: Kind) -> Ending {
        match kind {
            Kind::Empty => self.pass_empty().await,
            Kind::Events => self.pass_events(Framing::Events).await,
            Kind::Lines => self.pass_events(Framing::Lines).await,
            Kind::Json => self.pass_json().await,
            Kind::Opaque => match self.guard() {
                Some(guard) => self.pass_text(guard).await,
                None => self.pass_opaque().await,
            },
            Kind::Text if self.describes() => self.pass_described().await,
            Kind::Text => self.pass_text(Arc::clone(&self.flight.snapshot.scanner)).await,
        }
    }

    /// The next decoded piece; `Ok(None)` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Ending> {
        let piece = tokio::select! {
            biased;
            piece = self.upstream.next() => piece,
            () = client_gone(self.session) => return Err(Ending::Abandoned),
        };
        let raw = match piece {
            Err(failure) => return Err(Ending::Cut(failure.code)),
            Ok(None) => return self.finish_decoding(),
            Ok(Some(raw)) => raw,
        };
        self.so_far.bytes_in = self.so_far.bytes_in.saturating_add(raw.len() as u64);
        let Some(decoder) = &mut self.decoder else { return Ok(Some(raw)) };
        let mut plain = Vec::new();
        match decoder.push(&raw, &mut plain) {
            Ok(()) => Ok(Some(plain.into())),
            Err(_) => Err(Ending::Cut(Code::UpstreamProtocol)),
        }
    }

    fn finish_decoding(&mut self) -> Result<Option<Bytes>, Ending> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(None) };
        match decoder.finish() {
            Ok(()) => Ok(None),
            Err(_) => Err(Ending::Cut(Code::UpstreamProtocol)),
        }
    }

    /// Notes what was found; whether any of it blocks.
    fn note(&mut self, acted: Vec<Acted>, part: &'static str) -> bool {
        let blocks = acted.iter().any(|acted| acted.action == Action::Block);
        self.so_far.found.extend(acted.into_iter().map(|acted| Found { part, acted }));
        blocks
    }

    /// Leaves both sides in order: a whole answer's connection goes back to the pool, anything
    /// else ends here.
    async fn close(self, ending: &Ending) {
        match ending {
            Ending::Answered if !self.spoilt => self.upstream.release().await,
            _ => self.upstream.cancel().await,
        }
    }
}

/// Another transfer-coding would stay on the body, and what is below it would pass as what it is not.
fn is_plainly_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next().is_none_or(|coding| {
        coding.to_str().is_ok_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
    });
    first && codings.next().is_none()
}

fn kind_of(media: &MediaType) -> Kind {
    match Form::of(media) {
        Form::Events => Kind::Events,
        Form::Json => Kind::Json,
        Form::Lines => Kind::Lines,
        Form::Form | Form::Text | Form::Xml => Kind::Text,
        _ if links::is_yaml(media) => Kind::Text,
        Form::Any | Form::Grpc(_) | Form::Multipart(_) | Form::Protobuf | Form::Strange => {
            Kind::Opaque
        }
    }
}
