//! Listeners and the registry of agents.
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ways_out::ranges;
use super::{SecretRef, TlsListener, formats};

/// Where agents connect.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Listener {
    /// Cleartext HTTP/1.1 and HTTP/2 by prior knowledge, bound to one agent.
    Plain(PlainListener),
    /// TLS with a required client certificate.
    Tls(TlsListener),
    /// Connections that the kernel redirected here (`tollgate redirect`), bound to one agent.
    Transparent(TransparentListener),
    /// A unix socket; the kernel says which user's process connects.
    Unix(UnixListener),
}

impl Listener {
    /// Its name in logs and metrics.
    pub fn name(&self) -> &str {
        match self {
            Self::Plain(listener) => &listener.name,
            Self::Tls(listener) => &listener.name,
            Self::Transparent(listener) => &listener.name,
            Self::Unix(listener) => &listener.name,
        }
    }

    /// Its address; a unix socket has none.
    pub fn bind(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(listener) => Some(listener.bind),
            Self::Tls(listener) => Some(listener.bind),
            Self::Transparent(listener) => Some(listener.bind),
            Self::Unix(_) => None,
        }
    }

    /// The agent that everybody who connects is, where the listener says so.
    pub fn agent(&self) -> Option<&str> {
        match self {
            Self::Plain(listener) => Some(&listener.agent),
            Self::Transparent(listener) => Some(&listener.agent),
            Self::Unix(listener) => listener.agent.as_deref(),
            Self::Tls(_) => None,
        }
    }

    /// The load balancers that alone connect to it, where it says so.
    pub fn proxy_protocol(&self) -> Option<&ProxyProtocol> {
        match self {
            Self::Plain(listener) => listener.proxy_protocol.as_ref(),
            Self::Tls(listener) => listener.proxy_protocol.as_ref(),
            Self::Transparent(_) | Self::Unix(_) => None,
        }
    }
}

/// A cleartext listener: whoever can connect is the named agent, so it belongs on loopback.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlainListener {
    /// Its name in logs and metrics; unique. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// Address and port. An address that is not loopback needs `danger_allow_remote`.
    #[schemars(with = "formats::Socket")]
    pub bind: SocketAddr,
    /// The id of the agent that everybody who connects here is.
    #[schemars(with = "formats::AgentName", length(min = 1, max = 2048))]
    pub agent: String,
    /// Allow an address other than loopback, although nobody proves who they are.
    #[serde(default)]
    pub danger_allow_remote: bool,
    /// Take connections from load balancers that tell whom they speak for.
    #[serde(default)]
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// A listener that only load balancers connect to: each connection begins with a header of the PROXY
/// protocol, version 2, that tells who connected to the balancer. The record has that address. One
/// without the header, or from another address, is closed and recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyProtocol {
    /// The balancers' addresses: whoever has one of them is believed.
    #[serde(deserialize_with = "ranges")]
    #[schemars(with = "Vec<formats::AddressRange>", length(min = 1, max = 256))]
    pub from: Vec<IpNet>,
}

/// A listener for connections that were made to somewhere else and redirected here. Where they were
/// going to is told by the name in the TLS handshake, or by the host of each call in clear text;
/// `forward_proxy` says what may be reached, and its `intercept` is needed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransparentListener {
    /// Its name in logs and metrics; unique. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// Address and port; loopback only, where the kernel redirects to.
    #[schemars(with = "formats::Socket")]
    pub bind: SocketAddr,
    /// The id of the agent whose connections are redirected here.
    #[schemars(with = "formats::AgentName", length(min = 1, max = 2048))]
    pub agent: String,
}

/// A unix socket. Who connects is what the kernel says of the process: its user (`agents[].uids`), or,
/// with `agent`, one of the users and groups that are listed here. Everybody else is refused.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnixListener {
    /// Its name in logs and metrics; unique. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The socket's file, at most 107 bytes long; relative to the configuration file. One that a dead
    /// gate left is replaced, and it is removed at stop.
    #[schemars(with = "formats::FilePath", extend("examples" = ["/run/tollgate/agents.sock"]))]
    pub path: PathBuf,
    /// The file's permissions, in octal digits: who may connect at all.
    #[serde(default = "socket_mode")]
    #[schemars(with = "formats::FileMode")]
    pub mode: String,
    /// The number of the group that the file is given to; the gate must be a member.
    #[serde(default)]
    #[schemars(range(max = 4_294_967_294_u32), extend("examples" = [1000]))]
    pub group: Option<u32>,
    /// The id of the agent that users and groups below are, unless an agent has the user's number
    /// itself.
    #[serde(default)]
    #[schemars(with = "Option<formats::AgentName>", length(min = 1, max = 2048))]
    pub agent: Option<String>,
    /// Numbers of the users that are `agent`.
    #[serde(default)]
    #[schemars(inner(range(max = 4_294_967_294_u32)))]
    pub uids: Vec<u32>,
    /// Numbers of the groups whose processes are `agent`; a process' first group counts.
    #[serde(default)]
    #[schemars(inner(range(max = 4_294_967_294_u32)))]
    pub gids: Vec<u32>,
}

impl UnixListener {
    /// The permissions as a number.
    pub fn mode_bits(&self) -> Option<u32> {
        u32::from_str_radix(&self.mode, 8).ok()
    }
}

fn socket_mode() -> String {
    "0600".to_owned()
}

/// One agent of the registry.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentEntry {
    /// Unique. A SPIFFE ID (`spiffe://domain/path`, up to 2048 bytes) is matched with the
    /// certificate's URI SAN; any other word has up to 255 bytes.
    #[schemars(with = "formats::AgentName", length(min = 1, max = 2048))]
    pub id: String,
    /// Names in a client certificate without a SPIFFE ID that mean this agent.
    #[serde(default)]
    pub certificate: CertificateNames,
    /// Numbers of the users whose processes are this agent on a unix socket.
    #[serde(default)]
    #[schemars(inner(range(max = 4_294_967_294_u32)))]
    pub uids: Vec<u32>,
    /// How far it is trusted; rules compare it.
    #[serde(default)]
    pub trust: TrustWord,
    /// What kind of agent it is, for rules to match.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 255), extend("examples" = ["coding"]))]
    pub agent_type: Option<String>,
    /// Where it runs, for rules to match.
    #[serde(default = "environment")]
    #[schemars(with = "formats::Word", length(min = 1, max = 255), extend("examples" = ["prod"]))]
    pub environment: String,
    /// The roles it holds, for rules to match.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Word>")]
    pub roles: Vec<String>,
    /// Who answers for it; stands in the record of its calls.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 255), extend("examples" = ["team-payments"]))]
    pub owner: Option<String>,
    /// The tools that it may call, and no others: names, or patterns in which `*` stands for anything but
    /// a slash. A call of plain HTTP is its method and path (`GET /v1/orders`). Rules decide about all
    /// tools when absent, and about these when not.
    #[serde(default)]
    #[schemars(with = "Option<Vec<formats::Pattern>>", length(max = 1_000), extend("examples" = [["get_weather", "GET /v1/**"]]))]
    pub tools: Option<Vec<String>>,
    /// The agent that delegates to this one: it is trusted no further than that one is, and uses no tool
    /// that one may not.
    #[serde(default)]
    #[schemars(with = "Option<formats::AgentName>", length(min = 1, max = 2048), extend("examples" = ["coder"]))]
    pub delegated_by: Option<String>,
    /// Through how many agents it may delegate: 1 for agents that name it in `delegated_by`, 2 for those
    /// that name one of these, too. Calls of agents further down are refused.
    #[serde(default)]
    #[schemars(range(max = 16))]
    pub delegation_depth: u32,
    /// Limits of its own, in place of those of `limits`.
    #[serde(default)]
    pub limits: Option<AgentLimits>,
}

/// Limits of one agent. What is absent is as `limits` says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentLimits {
    /// Calls a minute; also the burst.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [60]))]
    pub per_minute: Option<u32>,
    /// Calls of one tool (or one `METHOD path` of plain HTTP) a minute.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [30]))]
    pub tool_per_minute: Option<u32>,
    /// Calls in flight at once.
    #[schemars(range(min = 1, max = 100_000), extend("examples" = [4]))]
    pub concurrency: Option<u32>,
}

fn environment() -> String {
    "dev".to_owned()
}

/// Names in a client certificate that mean an agent; compared exactly.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CertificateNames {
    /// The subject's common name.
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 255), extend("examples" = ["coder"]))]
    pub common_name: Option<String>,
    /// A DNS name among the subject alternative names.
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 253), extend("examples" = ["coder.example.org"]))]
    pub dns_name: Option<String>,
}

/// A trust level, lowest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented on tollgate_rules::Trust")]
pub enum TrustWord {
    #[default]
    Untrusted,
    Basic,
    Verified,
    Privileged,
    System,
}

impl From<TrustWord> for tollgate_rules::Trust {
    fn from(word: TrustWord) -> Self {
        match word {
            TrustWord::Untrusted => Self::Untrusted,
            TrustWord::Basic => Self::Basic,
            TrustWord::Verified => Self::Verified,
            TrustWord::Privileged => Self::Privileged,
            TrustWord::System => Self::System,
        }
    }
}

/// The operators' listener: `/live`, `/ready`, `/metrics`, `/version`, `/v1/holds`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and port; loopback only.
    #[schemars(with = "formats::Socket")]
    pub bind: SocketAddr,
    /// Where the bearer token of whoever may set and clear legal holds is; when absent, nobody may.
    pub token: Option<SecretRef>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { bind: SocketAddr::from(([127, 0, 0, 1], 9901)), token: None }
    }
}
