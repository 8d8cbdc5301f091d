//! The way out: resolve, check the address, connect to exactly that address, send.
//!
//! [`forward`](Egress::forward) takes a [`Permit`](crate::clear::Permit) and nothing else makes
//! one, so nothing leaves that was not ruled, inspected and recorded.
mod again;
mod breaker;
mod carry;
mod connect;
mod errand;
mod exchange;
mod forward;
mod gathered;
mod health;
mod onward;
mod parent;
mod peer;
mod places;
mod race;
pub mod ranges;
mod resolve;
mod secured;
mod toward;

use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use tollgate_config::settings::RouteProtocol;
use tollgate_rules::{Host, Scheme};

pub use again::{Attempt, Trail};
pub use connect::{Egress, Failure};
pub use errand::Errand;
pub use exchange::{Line, Upstream};
pub use onward::Onward;
pub(crate) use onward::Purpose;
pub use parent::Parent;
pub use peer::{ClientIdentity, ClientTls};
pub use places::Counters;
pub use resolve::{Resolved, Resolver, ResolverFault, Unreachable};

/// Where a call goes, as the operator configured or allowed it.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The route's name, or `forward`.
    pub route: Arc<str>,
    /// The language spoken behind it.
    pub protocol: RouteProtocol,
    /// Cleartext or TLS.
    pub scheme: Scheme,
    /// The name or address.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// What is put before the path; empty or `/…` without a trailing slash.
    pub base_path: String,
    /// Ranges that are refused by default and wanted here.
    pub allow_addresses: Vec<IpNet>,
    /// The TLS material, for `https`.
    pub tls: Option<Arc<ClientTls>>,
    /// Whether HTTP/2 is spoken.
    pub http2: bool,
    /// Calls in flight at once, when this route has a number of its own.
    pub concurrency: Option<u32>,
    /// Whether request bodies that cannot be inspected may pass.
    pub allow_unread_requests: bool,
    /// Whether cookies pass, both ways.
    pub allow_cookies: bool,
    /// The proxy that the gate must use, for all hosts that it takes.
    pub parent: Option<Arc<Parent>>,
    /// Whether WebSocket handshakes pass.
    pub allow_websocket: bool,
}

impl Destination {
    /// A place over HTTP/1 of which nothing more is said: whatever may be allowed is not.
    pub fn strict(route: &str, scheme: Scheme, host: Host, port: u16) -> Self {
        Self {
            route: route.into(),
            protocol: RouteProtocol::Http,
            scheme,
            host,
            port,
            base_path: String::new(),
            allow_addresses: Vec::new(),
            tls: None,
            http2: false,
            concurrency: None,
            allow_unread_requests: false,
            allow_cookies: false,
            parent: None,
            allow_websocket: false,
        }
    }

    /// The authority for the Host header: without the port when it is the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// What the way out needs to know of the gate itself.
#[derive(Clone, Debug, Default)]
pub struct OwnAddresses(pub Arc<[SocketAddr]>);
