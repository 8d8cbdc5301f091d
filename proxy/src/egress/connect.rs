//! Connecting and sending, with failures sorted into codes.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use pingora_core::connectors::ConnectorOptions;
use pingora_core::connectors::http::Connector;
use tokio::net::TcpStream;
use tollgate_config::settings::{Settings, Upstreams};
use tollgate_rules::{AgentId, Code};

use super::exchange::{Upstream, sort};
use super::gathered::Gathered;
use super::parent::{Parent, Through};
use super::places::{Counters, Place, Places, Standing};
use super::race::race;
use super::secured::Near;
use super::toward::Toward;
use super::{ClientIdentity, Destination, OwnAddresses, Resolved, Resolver, Unreachable, peer};
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
    /// What is shown where the gate's own identity is.
    identity: ArcSwapOption<ClientIdentity>,
}

impl Egress {
    /// Builds the pool. `own` are the gate's own listeners, which are never connected to.
    pub fn new(resolver: Resolver, own: OwnAddresses, counters: Counters) -> Self {
        // As many idle connections as a node's agents may have to different upstreams.
        let connector = Connector::new(Some(ConnectorOptions::new(512)));
        let identity = ArcSwapOption::empty();
        Self { connector, resolver, own, places: Places::new(counters), identity }
    }

    /// From now on this is what the gate shows of itself, or it has nothing to show.
    pub fn identify_by(&self, identity: Option<Arc<ClientIdentity>>) {
        self.identity.store(identity);
    }

    /// How names are resolved, for those who ask the gate instead.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// How every route stands, by its name.
    pub fn standing(&self) -> HashMap<Arc<str>, Standing> {
        self.places.standing()
    }

    /// What its upstreams are like, for those who look after them.
    pub(super) fn places(&self) -> &Places {
        &self.places
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

    /// Where a place is, as seen from here, every address checked. A permitted call's own way tells
    /// whether a parent proxy stands before it.
    pub(super) async fn find(&self, to: &Destination, permit: &Permit) -> Result<Found, Failure> {
        self.find_past(to, permit.destination().parent.as_ref()).await
    }

    /// The same, where no call is under way.
    pub(super) async fn find_past(
        &self,
        to: &Destination,
        parent: Option<&Arc<Parent>>,
    ) -> Result<Found, Failure> {
        let parent = parent.filter(|parent| parent.takes(&to.host));
        let (addresses, resolved) = match parent {
            Some(parent) if parent.resolves(&to.host) => (Vec::new(), Resolved::default()),
            _ => self.resolver.resolve(to, &self.own.0).await?,
        };
        let parent = match parent {
            None => None,
            Some(parent) => {
                // The operator wants it wherever it stands, but never a metadata service.
                let all = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
                let at = (&parent.host, parent.port);
                let (near, _) = self.resolver.sockets(at, &all, &self.own.0).await?;
                Some((Arc::clone(parent), near))
            }
        };
        Ok(Found { addresses, resolved, parent })
    }

    /// Connects to the first of these places that takes it. Nothing is sent yet.
    pub(super) async fn open(
        &self,
        to: &Destination,
        found: &Found,
        agent: &AgentId,
        settings: &Settings,
    ) -> Result<Upstream<'_>, Failure> {
        let connect = async |spot: Spot| {
            let parent = spot.through.as_ref().map(|through| Arc::clone(&through.parent));
            let own = self.identity.load();
            let paired = spot.through.as_ref().is_some_and(|through| through.parent.is_secured());
            let peer = peer::peer(to, spot.near, agent, settings, own.as_deref(), spot.through)
                .map_err(|why| Failure::new(Code::UpstreamTls, why))?;
            drop(own);
            let peer = Toward { peer, paired };
            let (session, reused) =
                self.connector.get_http_session(&peer).await.map_err(|error| sort(&error))?;
            let session = Gathered::session(session, reused, &peer);
            let (route, address) = (Arc::clone(&to.route), spot.address);
            let place = None;
            Ok(Upstream { egress: self, session, peer, reused, place, address, parent, route })
        };
        let stagger = Duration::from_millis(settings.upstreams.stagger_ms);
        // Another address of the same name would have to say the same of TLS.
        let is_final = |failure: &Failure| failure.code != Code::UpstreamConnect;
        race(found.spots(to), stagger, connect, is_final).await.map_err(|last| {
            last.unwrap_or_else(|| Failure::new(Code::UpstreamConnect, "no address"))
        })
    }
}

/// Where a place is.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its addresses; none when the parent proxy is asked by name.
    pub(super) addresses: Vec<SocketAddr>,
    /// What its name was resolved to.
    pub(super) resolved: Resolved,
    parent: Option<(Arc<Parent>, Vec<SocketAddr>)>,
}

/// One way to get there.
#[derive(Debug)]
pub(super) struct Spot {
    /// What is connected to from here.
    pub(super) near: SocketAddr,
    /// What is told of it: the place's own address, when it is known.
    pub(super) address: SocketAddr,
    /// What a parent proxy is asked for.
    pub(super) through: Option<Through>,
}

impl Spot {
    /// Connects to it, without a word to the place itself.
    pub(super) async fn connect(&self) -> Result<Near, Failure> {
        match &self.through {
            Some(through) => Ok(through.parent.tunnel(self.near, &through.target).await?),
            None => {
                let stream = TcpStream::connect(self.near).await.map_err(|_| Found::silent())?;
                let _ = stream.set_nodelay(true);
                Ok(Near::Plain(stream))
            }
        }
    }
}

impl Found {
    /// Nothing answered at any of its addresses.
    pub(super) fn silent() -> Failure {
        Failure::new(Code::UpstreamConnect, "no address answered")
    }

    /// Every way to get there, in the order in which they are tried.
    pub(super) fn spots(&self, to: &Destination) -> Vec<Spot> {
        let Some((parent, near)) = &self.parent else {
            let direct =
                |address: &SocketAddr| Spot { near: *address, address: *address, through: None };
            return self.addresses.iter().map(direct).collect();
        };
        let spot = |near: SocketAddr, address: Option<SocketAddr>| {
            let target =
                address.map_or_else(|| format!("{}:{}", to.host, to.port), |at| at.to_string());
            let through = Some(Through { parent: Arc::clone(parent), target });
            Spot { near, address: address.unwrap_or(near), through }
        };
        let Some((first, rest)) = near.split_first() else { return Vec::new() };
        if self.addresses.is_empty() {
            return near.iter().map(|near| spot(*near, None)).collect();
        }
        let far = self.addresses.iter().map(|address| spot(*first, Some(*address)));
        far.chain(rest.iter().map(|near| spot(*near, self.addresses.first().copied()))).collect()
    }
}
