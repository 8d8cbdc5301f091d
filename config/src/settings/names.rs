//! The gate as the agent's DNS server.
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::formats;

/// The gate as the agent's DNS server, over UDP and TCP. Only addresses (A, AAAA) are answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// Address and port; loopback only. Read at the start.
    #[schemars(with = "formats::Socket", extend("examples" = ["127.0.0.1:53"]))]
    pub listen: SocketAddr,
    /// The id of the agent that everybody who asks here is.
    #[schemars(with = "formats::AgentName", length(min = 1, max = 2048))]
    pub agent: String,
    /// Names that are answered: exact names, or `*.suffix` for everything below a name. When empty,
    /// the hosts of `forward_proxy` and those of the routes.
    #[serde(default)]
    #[schemars(with = "Vec<formats::HostPattern>", length(max = 10_000))]
    pub allow: Vec<String>,
    /// Names that are refused, whatever else says; the same patterns.
    #[serde(default)]
    #[schemars(with = "Vec<formats::HostPattern>", length(max = 10_000))]
    pub block: Vec<String>,
    /// What a name may look like, and how often one is asked for: a name is a way out, too.
    #[serde(default)]
    pub limits: NameLimits,
    /// How many addresses of one name are given.
    #[serde(default = "addresses")]
    #[schemars(range(min = 1, max = 64))]
    pub addresses: usize,
    /// Bytes of an answer over UDP; a longer one is marked as cut, and asked for again over TCP.
    #[serde(default = "answer_bytes")]
    #[schemars(range(min = 512, max = 4096))]
    pub answer_bytes: usize,
    /// What the address that a redirected connection was going to must have to do with its name.
    #[serde(default)]
    pub binding: Binding,
    /// How many given addresses are remembered with their names.
    #[serde(default = "remember")]
    #[schemars(range(min = 16, max = 1_000_000))]
    pub remember: usize,
}

impl Dns {
    /// What holds where nothing is written, for an agent's questions on any free port.
    pub fn of(agent: &str) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            agent: agent.to_owned(),
            allow: Vec::new(),
            block: Vec::new(),
            limits: NameLimits::default(),
            addresses: addresses(),
            answer_bytes: answer_bytes(),
            binding: Binding::default(),
            remember: remember(),
        }
    }
}

/// See [`Dns::binding`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// An address that was given is only for the names that it was given for; one that never was is
    /// for any name that may be reached.
    #[default]
    Known,
    /// Only addresses that were given for that name, and those that the connection's host is
    /// written as.
    Given,
    /// Nothing.
    None,
}

fn addresses() -> usize {
    16
}

fn answer_bytes() -> usize {
    // What passes everywhere in one piece.
    1_232
}

fn remember() -> usize {
    4_096
}

/// What a name may look like. Names that the lists write out carry nothing that the agent chose:
/// for them only the lengths count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NameLimits {
    /// Queries a minute; also the burst.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_minute: u32,
    /// Bytes of a name.
    #[schemars(range(min = 1, max = 253))]
    pub name_bytes: usize,
    /// Bytes of one label.
    #[schemars(range(min = 1, max = 63))]
    pub label_bytes: usize,
    /// Labels of a name.
    #[schemars(range(min = 1, max = 127))]
    pub labels: usize,
    /// Bytes of what `*` stands for: the labels that the agent chooses.
    #[schemars(range(min = 1, max = 253))]
    pub chosen_bytes: usize,
    /// Tenths of a bit of entropy for each character of what `*` stands for, from 16 characters on.
    /// Words have less than 38, random letters and digits more.
    #[schemars(range(min = 10, max = 60))]
    pub entropy_tenths: u32,
}

impl Default for NameLimits {
    fn default() -> Self {
        Self {
            per_minute: 600,
            name_bytes: 128,
            label_bytes: 40,
            labels: 8,
            chosen_bytes: 48,
            entropy_tenths: 38,
        }
    }
}
