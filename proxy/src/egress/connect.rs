//! Connecting and sending, with failures sorted into codes.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use pingora_core::connectors::ConnectorOptions;
use pingora_core::connectors::http::Connector;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType};
use pingora_http::{RequestHeader, ResponseHeader};
use tollgate_config::settings::{Deadlines, Settings, Upstreams};
use tollgate_rules::{AgentId, Code};

use super::places::{Counters, Place, Places, Standing};
use super::{Destination, OwnAddresses, Resolved, Resolver, Unreachable, peer};
use crate::clear::Permit;
use crate::credentials::Given;

/// How many addresses of a name are tried before giving up.
pub(super) const ATTEMPTS_MAX: usize = 3;

/// Why a permitted call did not get an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The refusal's or fault's code.
    pub code: Code,
    /// What the operator may know: pingora's error type, or the range's name. Never content.
    pub detail: String,
    /// When it may go better, when that is known.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure, with what the operator may know of it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None }
    }

    /// Says when to try again.
    #[must_use]
    pub(super) fn with_retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }
}

impl From<Unreachable> for Failure {
    fn from(unreachable: Unreachable) -> Self {
        Self::new(unreachable.code(), unreachable.detail())
    }
}

/// The way out: one resolver and one pool.
pub struct Egress {
    connector: Connector<()>,
    resolver: Resolver,
    own: OwnAddresses,
    places: Places,
}

/// An upstream that is answering.
pub struct Upstream<'e> {
    egress: &'e Egress,
    session: HttpSession<()>,
    peer: HttpPeer,
    /// The call's place at the upstream; errands of the gate's own have none.
    place: Option<Place>,
    /// The address that was connected to, for the record.
    pub address: SocketAddr,
    /// What the name was resolved to, for the record; nothing for an address.
    pub resolved: Resolved,
    /// The route that led here, for the metrics.
    pub route: Arc<str>,
}

impl Egress {
    /// Builds the pool. `own` are the gate's own listeners, which are never connected to.
    pub fn new(resolver: Resolver, own: OwnAddresses, counters: Counters) -> Self {
        // As many idle connections as a node's agents may have to different upstreams.
        let connector = Connector::new(Some(ConnectorOptions::new(512)));
        Self { connector, resolver, own, places: Places::new(counters) }
    }

    /// How names are resolved, for those who ask the gate instead.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// How every route stands, by its name.
    pub fn standing(&self) -> HashMap<Arc<str>, Standing> {
        self.places.standing()
    }

    /// Takes a place at the upstream that the permit names.
    pub(super) async fn enter(
        &self,
        permit: &Permit,
        addresses: &[SocketAddr],
        terms: &Upstreams,
    ) -> Result<Place, Failure> {
        self.places.enter(permit.destination(), addresses, terms).await
    }

    /// Sends a permitted call and reads the head of its answer.
    pub async fn forward(
        &self,
        permit: &Permit,
        settings: &Settings,
    ) -> Result<Upstream<'_>, Failure> {
        let deadlines = &settings.deadlines;
        let (addresses, resolved) = self.addresses(permit).await?;
        // Before a token is asked for: a call that does not leave costs none.
        let mut place = self.enter(permit, &addresses, &settings.upstreams).await?;
        let given = match permit.granted() {
            Some(granted) => Some(granted.give(permit, self, deadlines).await?),
            None => None,
        };
        let mut upstream = match self.ask(permit, given.as_ref(), &addresses, deadlines).await {
            Ok(upstream) => upstream,
            Err(failure) => {
                place.judge(&failure);
                return Err(failure);
            }
        };
        match upstream.head().map(|head| head.status) {
            Some(status) if is_failing(status) => place.failed(),
            _ => place.well(),
        }
        upstream.place = Some(place);
        if permit.destination().host.name().is_some() {
            upstream.resolved = resolved;
        }
        Ok(upstream)
    }

    /// Sends a call and reads the head of its answer.
    async fn ask(
        &self,
        permit: &Permit,
        given: Option<&Given>,
        addresses: &[SocketAddr],
        deadlines: &Deadlines,
    ) -> Result<Upstream<'_>, Failure> {
        let mut upstream = self.send(permit, given, addresses, deadlines).await?;
        let first_byte = Duration::from_millis(deadlines.first_byte_ms);
        match tokio::time::timeout(first_byte, upstream.read_head()).await {
            Ok(Ok(())) => Ok(upstream),
            Ok(Err(error)) => Err(sort(&error)),
            Err(_) => Err(Failure::new(Code::UpstreamTimeout, "no answer within the deadline")),
        }
    }

    /// The addresses of the place that the permit names, every one of them checked.
    pub(super) async fn addresses(
        &self,
        permit: &Permit,
    ) -> Result<(Vec<SocketAddr>, Resolved), Failure> {
        self.resolve(permit.destination()).await
    }

    /// The addresses of a destination, every one of them checked.
    pub(super) async fn resolve(
        &self,
        to: &Destination,
    ) -> Result<(Vec<SocketAddr>, Resolved), Failure> {
        Ok(self.resolver.resolve(to, &self.own.0).await?)
    }

    async fn send(
        &self,
        permit: &Permit,
        given: Option<&Given>,
        addresses: &[SocketAddr],
        deadlines: &Deadlines,
    ) -> Result<Upstream<'_>, Failure> {
        let mut upstream =
            self.open(permit.destination(), addresses, permit.agent(), deadlines).await?;
        let write = Duration::from_millis(deadlines.body_ms);
        match tokio::time::timeout(write, upstream.write(permit, given)).await {
            Ok(Ok(())) => Ok(upstream),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::new(Code::UpstreamTimeout, "sending took too long")),
        }
    }

    /// Connects to the first of these addresses that takes it. Nothing is sent yet.
    pub(super) async fn open(
        &self,
        to: &Destination,
        addresses: &[SocketAddr],
        agent: &AgentId,
        deadlines: &Deadlines,
    ) -> Result<Upstream<'_>, Failure> {
        let mut last = Failure::new(Code::UpstreamConnect, "no address");
        for address in addresses.iter().take(ATTEMPTS_MAX) {
            let peer = peer::peer(to, *address, agent, deadlines)
                .ok_or_else(|| Failure::new(Code::UpstreamTls, "no name to verify"))?;
            match self.connector.get_http_session(&peer).await {
                Ok((session, _reused)) => {
                    let route = Arc::clone(&to.route);
                    let resolved = Resolved::default();
                    return Ok(Upstream {
                        egress: self,
                        session,
                        peer,
                        place: None,
                        address: *address,
                        resolved,
                        route,
                    });
                }
                // Nothing was sent yet, so the next address may be tried, unless TLS said no:
                // another address of the same name would have to say the same.
                Err(error) => {
                    last = sort(&error);
                    if last.code != Code::UpstreamConnect {
                        break;
                    }
                }
            }
        }
        Err(last)
    }
}

impl Upstream<'_> {
    async fn write(&mut self, permit: &Permit, given: Option<&Given>) -> Result<(), Failure> {
        let head = request_head(permit, given).map_err(|error| sort(&error))?;
        let sent = async {
            self.session.write_request_header(Box::new(head)).await?;
            if !permit.body().is_empty() {
                self.session.write_request_body(permit.body().clone(), true).await?;
            }
            self.session.finish_request_body().await
        };
        sent.await.map_err(|error| sort(&error))
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

    /// Reads up to the final head; informational ones (RFC 9110 section 15.2) are left behind.
    async fn read_head(&mut self) -> pingora_core::Result<()> {
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
        let idle = self.peer.options.idle_timeout;
        self.egress.connector.release_http_session(self.session, &self.peer, idle).await;
    }

    /// Ends the exchange now: the upstream sees the call cancelled.
    pub async fn cancel(mut self) {
        self.session.shutdown().await;
    }
}

/// Whether a status says that the upstream does not work, rather than that this call does not.
fn is_failing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

fn request_head(permit: &Permit, given: Option<&Given>) -> pingora_core::Result<RequestHeader> {
    let target = given.and_then(|given| given.path_and_query.as_ref());
    let target = target.map_or(permit.path_and_query(), |target| target.as_str());
    let mut head = RequestHeader::build(
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
    // Last, so that nothing of the agent's stands in a credential's place.
    for (name, value) in given.iter().flat_map(|given| &given.headers) {
        head.insert_header(name.clone(), value.clone())?;
    }
    Ok(head)
}

/// Sorts pingora's errors into codes.
pub(super) fn sort(error: &Error) -> Failure {
    use ErrorType as E;
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
