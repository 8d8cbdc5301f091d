//! One exchange with an upstream: writing the call, reading the answer.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http::StatusCode;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::{Error, ErrorType};
use pingora_http::{RequestHeader, ResponseHeader};
use tollgate_rules::Code;

use super::Destination;
use super::connect::{Egress, Failure};
use super::gathered::{Gathered, Hold};
use super::parent::Parent;
use super::places::Place;
use super::toward::Toward;
use crate::clear::Permit;
use crate::credentials::Given;
use crate::listen::Io;

/// More is not taken from an upstream before the client knows that it switched.
const SEEN_BYTES_MAX: usize = 1 << 20;

/// A connection to an upstream on which HTTP has ended.
pub struct Line {
    /// The connection.
    pub io: Box<dyn Io>,
    /// What was read from it already.
    pub seen: Bytes,
    /// The address that was connected to.
    pub address: SocketAddr,
    /// The route that led here, for the metrics.
    pub route: Arc<str>,
    /// The place at the upstream, given back when the line is dropped.
    _place: Option<Place>,
}

/// An upstream that is answering.
pub struct Upstream<'e> {
    pub(super) egress: &'e Egress,
    pub(super) session: HttpSession<()>,
    pub(super) peer: Toward,
    /// Whether the connection was used before.
    pub(super) reused: bool,
    /// The call's place at the upstream; errands of the gate's own have none.
    pub(super) place: Option<Place>,
    /// The address that was connected to, for the record.
    pub address: SocketAddr,
    /// The parent proxy that led there.
    pub(super) parent: Option<Arc<Parent>>,
    /// The route that led here, for the metrics.
    pub route: Arc<str>,
}

impl Upstream<'_> {
    /// Sends a permitted call.
    pub(super) async fn write(
        &mut self,
        permit: &Permit,
        given: Option<&Given>,
    ) -> pingora_core::Result<()> {
        let head = request_head(permit, given)?;
        // Head and body leave together.
        let hold = Gathered::hold(&self.session).filter(|_| !permit.body().is_empty());
        hold.iter().for_each(Hold::begin);
        let written = self.session.write_request_header(Box::new(head)).await;
        hold.iter().for_each(Hold::end);
        written?;
        if !permit.body().is_empty() {
            self.session.write_request_body(permit.body().clone(), true).await?;
        }
        self.session.finish_request_body().await
    }

    /// Sends an errand's head and body, and reads the head of its answer.
    pub(super) async fn post(&mut self, head: RequestHeader, body: Bytes) -> Result<(), Failure> {
        let asked = async {
            self.session.write_request_header(Box::new(head)).await?;
            self.session.write_request_body(body, true).await?;
            self.session.finish_request_body().await?;
            self.read_head().await
        };
        asked.await.map_err(|error| sort(&error))
    }

    /// Sends a head without a body, and reads the head of its answer.
    pub(super) async fn ask_head(&mut self, head: RequestHeader) -> pingora_core::Result<()> {
        self.session.write_request_header(Box::new(head)).await?;
        self.session.finish_request_body().await?;
        self.read_head().await
    }

    /// Reads up to the final head; informational ones (RFC 9110 section 15.2) are left behind.
    pub(super) async fn read_head(&mut self) -> pingora_core::Result<()> {
        // A server that sends more than a few of them is not going to answer.
        for _ in 0..16 {
            self.session.read_response_header().await?;
            match self.session.response_header() {
                Some(head)
                    if head.status.is_informational()
                        && head.status != StatusCode::SWITCHING_PROTOCOLS => {}
                Some(_) => return Ok(()),
                None => break,
            }
        }
        Error::e_explain(ErrorType::InvalidHTTPHeader, "no final head")
    }

    /// The answer's head.
    pub fn head(&self) -> Option<&ResponseHeader> {
        self.session.response_header()
    }

    /// Whether it speaks another protocol from here on.
    pub fn has_switched(&self) -> bool {
        self.head().is_some_and(|head| head.status == StatusCode::SWITCHING_PROTOCOLS)
    }

    /// How long to wait for each piece from here on.
    pub fn set_idle(&mut self, idle: Duration) {
        self.session.set_read_timeout(Some(idle));
    }

    /// The next piece of the body; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let piece = self.session.read_response_body().await;
        if piece.is_err()
            && let Some(place) = &mut self.place
        {
            place.failed();
        }
        piece.map_err(|error| sort(&error))
    }

    /// Gives a connection whose answer was read to its end back to the pool.
    pub async fn release(self) {
        let idle = self.peer.peer.options.idle_timeout;
        self.egress.connector.release_http_session(self.session, &self.peer, idle).await;
    }

    /// Takes the connection over after a 101 (RFC 9110 section 15.2.2): nothing of HTTP follows.
    pub async fn switch(mut self) -> Result<Line, Failure> {
        let mut seen = BytesMut::new();
        // What came with the head is in pingora's hands; the rest is still on the line.
        while let Some(piece) = self.session.read_response_body().now_or_never() {
            match piece.map_err(|error| sort(&error))? {
                Some(piece) if seen.len() < SEEN_BYTES_MAX => seen.extend_from_slice(&piece),
                Some(_) => return Err(Failure::new(Code::UpstreamProtocol, "too much at once")),
                None => break,
            }
        }
        let HttpSession::H1(session) = self.session else {
            return Err(Failure::new(Code::UpstreamProtocol, "not HTTP/1.1"));
        };
        Ok(Line {
            io: Box::new(session.into_inner()),
            seen: seen.freeze(),
            address: self.address,
            route: self.route,
            _place: self.place,
        })
    }

    /// Ends the exchange now: the upstream sees the call cancelled.
    pub async fn cancel(mut self) {
        self.session.shutdown().await;
    }
}

fn request_head(permit: &Permit, given: Option<&Given>) -> pingora_core::Result<RequestHeader> {
    let target = given.and_then(|given| given.path_and_query.as_ref());
    let target = target.map_or(permit.path_and_query(), |target| target.as_str());
    let mut head = RequestHeader::build_no_case(
        permit.method().as_str(),
        target.as_bytes(),
        Some(permit.headers().len() + 3),
    )?;
    for (name, value) in permit.headers() {
        head.append_header(name.clone(), value.clone())?;
    }
    let to: &Arc<Destination> = permit.destination();
    head.insert_header(http::header::HOST, to.authority())?;
    // Inspection needs to read the answer, so no coding is offered.
    head.insert_header(http::header::ACCEPT_ENCODING, "identity")?;
    // The length is always known here: bodies are held whole.
    let wants_length = !permit.body().is_empty()
        || matches!(*permit.method(), http::Method::POST | http::Method::PUT | http::Method::PATCH);
    if wants_length {
        head.insert_header(http::header::CONTENT_LENGTH, permit.body().len().to_string())?;
    }
    if let Some(key) = permit.socket() {
        head.insert_header(http::header::CONNECTION, "Upgrade")?;
        head.insert_header(http::header::UPGRADE, "websocket")?;
        head.insert_header(http::header::SEC_WEBSOCKET_VERSION, "13")?;
        head.insert_header(http::header::SEC_WEBSOCKET_KEY, key)?;
    }
    // Last, so that nothing of the agent's stands in a credential's place.
    for (name, value) in given.iter().flat_map(|given| &given.headers) {
        head.insert_header(name.clone(), value.clone())?;
    }
    Ok(head)
}

/// Sorts pingora's errors into codes.
pub(super) fn sort(error: &Error) -> Failure {
    use ErrorType as E;
    if let Some(denied) = super::parent::denied(error) {
        return denied.into();
    }
    let code = match error.etype() {
        E::ConnectTimedout
        | E::ConnectRefused
        | E::ConnectNoRoute
        | E::ConnectError
        | E::BindError
        | E::SocketError
        | E::ConnectProxyFailure => Code::UpstreamConnect,
        E::TLSHandshakeFailure
        | E::TLSHandshakeTimedout
        | E::TLSWantX509Lookup
        | E::InvalidCert
        | E::HandshakeError => Code::UpstreamTls,
        E::ReadTimedout | E::WriteTimedout => Code::UpstreamTimeout,
        _ => Code::UpstreamProtocol,
    };
    Failure::new(code, error.etype().as_str())
}
