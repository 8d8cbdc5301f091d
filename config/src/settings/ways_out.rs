//! Routes, the forward proxy and name resolution.
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Handshakes, Health, Intercept, formats};

/// A base-URL route: calls that match go to its upstream.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Unique; also the tool provider's name in rules, audit and metrics. Letters, digits, `-`, `_`
    /// and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// Which calls it takes. Both conditions hold when both are given; one is required.
    #[serde(rename = "match")]
    pub matches: RouteMatch,
    /// The language spoken behind it. Anything else is refused.
    #[serde(default)]
    pub protocol: RouteProtocol,
    /// Let request bodies pass that cannot be inspected, or something in which cannot (images, PDF,
    /// encrypted archives). They are refused otherwise.
    #[serde(default)]
    pub allow_unread_requests: bool,
    /// Let cookies pass, both ways. They are dropped otherwise: a session is a credential.
    #[serde(default)]
    pub allow_cookies: bool,
    /// What is done with WebSocket handshakes. Only for `protocol: http`.
    #[serde(default)]
    pub websocket: Handshakes,
    /// What is done with a redirect to another place than below `upstream.url`.
    #[serde(default)]
    pub redirects_elsewhere: Elsewhere,
    /// What is done with the card of an A2A agent that is signed, and names addresses below
    /// `upstream.url`.
    #[serde(default)]
    pub signed_cards: SignedCards,
    /// Where the calls go.
    pub upstream: Upstream,
}

/// See [`Route::matches`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteMatch {
    /// A path prefix of whole segments, such as `/tools`; it is cut off before forwarding.
    #[schemars(with = "Option<formats::Prefix>", length(min = 2, max = 255))]
    pub prefix: Option<String>,
    /// The Host that the client addressed, without port.
    #[schemars(with = "Option<formats::HostName>", length(min = 1, max = 253))]
    pub host: Option<String>,
}

/// See [`Route::protocol`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteProtocol {
    /// Plain HTTP and REST.
    #[default]
    Http,
    /// MCP over Streamable HTTP. Every POST must be JSON-RPC.
    Mcp,
}

/// See [`Route::redirects_elsewhere`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Elsewhere {
    /// It is passed on, and the record says where it leads.
    #[default]
    Pass,
    /// It is refused.
    Refuse,
}

/// See [`Route::signed_cards`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedCards {
    /// It is rewritten as every card, and loses its signature, which would not hold any more.
    #[default]
    Rewrite,
    /// It is left as it is, and leads its readers past the gate.
    Leave,
}

/// Where a route's calls go.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `http://` or `https://`, host, optional port and base path; no query, no userinfo.
    #[schemars(with = "formats::Url", length(min = 1, max = 2048))]
    pub url: String,
    /// Ranges of addresses that are refused by default (loopback, private, link-local …) and are
    /// wanted here. Metadata addresses must be named as single addresses.
    #[serde(default, deserialize_with = "ranges")]
    #[schemars(with = "Vec<formats::AddressRange>", length(max = 256))]
    pub allow_addresses: Vec<IpNet>,
    /// TLS towards the upstream. The name is verified always; there is no switch.
    #[serde(default)]
    pub tls: UpstreamTls,
    /// Speak HTTP/2 to an upstream that offers it (ALPN), or by prior knowledge on `http://`.
    #[serde(default)]
    pub http2: bool,
    /// Calls in flight to it at once, in place of `upstreams.concurrency`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrency: Option<u32>,
    /// How the gate looks after it between calls. Not at all when absent.
    #[serde(default)]
    pub health: Option<Health>,
}

/// TLS towards an upstream.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTls {
    /// Authorities to trust for this route instead of the system's, PEM.
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// The gate's client certificate chain for this route, PEM. Needs `client_key`.
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_certificate: Option<PathBuf>,
    /// The gate's client key for this route, PEM. Needs `client_certificate`.
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_key: Option<PathBuf>,
    /// The gate shows its own SVID there, in place of a certificate and key from files. Needs
    /// `workload_api`.
    pub svid: bool,
}

/// Proxying for clients that use proxy variables: absolute-form targets, and CONNECT.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardProxy {
    /// Hosts that may be reached: exact names, or `*.suffix` for everything below a name.
    #[schemars(with = "Vec<formats::HostPattern>", length(min = 1, max = 10_000))]
    pub hosts: Vec<String>,
    /// Ports that may be reached.
    #[serde(default = "ports")]
    #[schemars(length(min = 1, max = 256), inner(range(min = 1)))]
    pub ports: Vec<u16>,
    /// Let cookies pass, both ways. They are dropped otherwise.
    #[serde(default)]
    pub allow_cookies: bool,
    /// What is done with WebSocket handshakes, but those to hosts of MCP, which are refused.
    #[serde(default)]
    pub websocket: Handshakes,
    /// Ranges of addresses that are refused by default and are wanted here.
    #[serde(default, deserialize_with = "ranges")]
    #[schemars(with = "Vec<formats::AddressRange>", length(max = 256))]
    pub allow_addresses: Vec<IpNet>,
    /// Hosts behind which MCP is spoken, each with a path prefix of whole segments or without:
    /// `tools.example.org`, `api.example.org/mcp`. What else is reached is plain HTTP.
    #[serde(default)]
    #[schemars(with = "Vec<formats::HostPath>", length(max = 1_000))]
    pub mcp: Vec<String>,
    /// TLS towards these hosts. The name is verified always; there is no switch.
    #[serde(default)]
    pub tls: UpstreamTls,
    /// Speak HTTP/2 to hosts that offer it.
    #[serde(default = "yes")]
    pub http2: bool,
    /// What is done inside CONNECT. CONNECT is refused when absent.
    #[serde(default)]
    pub intercept: Option<Intercept>,
}

/// Reads ranges of addresses; a single address is a range of one.
pub(super) fn ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    let read = |word: &String| match word.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => word.parse::<IpNet>().map_err(serde::de::Error::custom),
    };
    words.iter().map(read).collect()
}

fn ports() -> Vec<u16> {
    vec![80, 443]
}

fn yes() -> bool {
    true
}
