//! What is done with tunnels: TLS is ended by the gate, with a certificate of its own authority.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::formats;

/// Interception of TLS inside CONNECT.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Intercept {
    /// The certificate of the gate's own authority, PEM: what clients must trust. It is written
    /// here at the start when the authority is made, and read when it is there with its key.
    #[schemars(with = "formats::FilePath")]
    pub certificate: PathBuf,
    /// The authority's private key, PEM. When the file is missing, a key is made and kept there.
    /// Without this setting a key is made at each start and never leaves the gate's memory.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub key: Option<PathBuf>,
    /// Hosts of `forward_proxy.hosts` whose tunnels are passed on as they are, for clients that pin
    /// certificates: exact names, or `*.suffix`. What goes through them is not inspected, and the
    /// record says so.
    #[serde(default)]
    #[schemars(with = "Vec<formats::HostPattern>", length(max = 1_000))]
    pub pass_through: Vec<String>,
    /// Encrypted ClientHello (RFC 9849) hides the name that a client asks for.
    #[serde(default)]
    pub ech: Ech,
    /// Certificates of hosts that are kept, each made when its host is first asked for.
    #[serde(default = "leaves")]
    #[schemars(range(min = 1, max = 100_000))]
    pub leaves: usize,
}

fn leaves() -> usize {
    1_024
}

/// See [`Intercept::ech`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ech {
    /// A handshake that offers it is refused.
    #[default]
    Refuse,
    /// The offer is ignored (many clients offer a meaningless one to everybody), and the visible
    /// name is the one that counts.
    Ignore,
}
