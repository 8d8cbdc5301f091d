//! Connecting and sending, with failures sorted into codes.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pingora_core::connectors::ConnectorOptions;
use pingora_core::connectors::http::Connector;
use tollgate_config::settings::{Settings, Upstreams};
use tollgate_rules::{AgentId, Code};

use super::exchange::{Upstream, sort};
use super::places::{Counters, Place, Places, Standing};
use super::race::race;
use super::{Destination, OwnAddresses, Resolved, Resolver, Unreachable, peer};
use crate::clear::Permit;

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
    pub(super) connector: Connector<()>,
    resolver: Resolver,
    own: OwnAddresses,
    places: Places,
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

    /// Connects to the first of these addresses that takes it. Nothing is sent yet.
    pub(super) async fn open(
        &self,
        to: &Destination,
        addresses: &[SocketAddr],
        agent: &AgentId,
        settings: &Settings,
    ) -> Result<Upstream<'_>, Failure> {
        let connect = async |address: SocketAddr| {
            let peer = peer::peer(to, address, agent, settings)
                .ok_or_else(|| Failure::new(Code::UpstreamTls, "no name to verify"))?;
            let (session, reused) =
                self.connector.get_http_session(&peer).await.map_err(|error| sort(&error))?;
            let route = Arc::clone(&to.route);
            Ok(Upstream { egress: self, session, peer, reused, place: None, address, route })
        };
        let stagger = Duration::from_millis(settings.upstreams.stagger_ms);
        // Another address of the same name would have to say the same of TLS.
        let is_final = |failure: &Failure| failure.code != Code::UpstreamConnect;
        race(addresses.iter().copied(), stagger, connect, is_final).await.map_err(|last| {
            last.unwrap_or_else(|| Failure::new(Code::UpstreamConnect, "no address"))
        })
    }
}
