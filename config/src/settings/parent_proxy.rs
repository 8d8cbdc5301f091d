//! The proxy that the gate itself must use.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretRef, formats};

/// The proxy of the network that the gate stands in. Every upstream, tunnel and token server is
/// reached through it by CONNECT, clear text as well as TLS, and so are the record's collectors, key
/// services and DNS servers, unless they are on loopback.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParentProxy {
    /// `http://` or `https://`, host and port; nothing more. It may have a private address. In TLS its
    /// certificate must have this host, and what goes through it is inside that TLS.
    #[schemars(with = "formats::Url", length(min = 1, max = 2048), extend("examples" = ["http://proxy.example.org:3128"]))]
    pub url: String,
    /// Authorities that may vouch for it in TLS (PEM); those of the system when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// What it is shown, if it wants to know who asks.
    #[serde(default)]
    pub credentials: Option<ProxyCredentials>,
    /// Hosts that are reached without it: exact names, `*.suffix`, or addresses.
    #[serde(default)]
    #[schemars(with = "Vec<formats::HostPattern>", length(max = 10_000))]
    pub no_proxy: Vec<String>,
    /// Who finds the address of a name.
    #[serde(default)]
    pub connect_by: ConnectBy,
    /// Whether the record's sinks (`http`, `otlp`, `s3`, `syslog`) and key services (`aws_kms`,
    /// `signing_proxy`) are reached through it as well. Sinks of NATS and PostgreSQL, and whoever gives
    /// AWS credentials, are not.
    #[serde(default = "yes")]
    pub record: bool,
    /// Whether the DNS servers of `resolver.encrypted` are reached through it as well; it has to lead to
    /// their ports. Those that are asked in clear text are not.
    #[serde(default = "yes")]
    pub resolver: bool,
}

fn yes() -> bool {
    true
}

/// See [`ParentProxy::credentials`]; sent as `Proxy-Authorization: Basic`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyCredentials {
    /// The user.
    #[schemars(with = "formats::Word", length(min = 1, max = 255), extend("examples" = ["gate"]))]
    pub user: String,
    /// Where the password is.
    pub secret: SecretRef,
}

/// See [`ParentProxy::connect_by`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectBy {
    /// The gate: it resolves the name, checks every address, and asks the proxy for exactly one.
    #[default]
    Address,
    /// The proxy: it is asked for the name. The gate knows no address and checks none, so the proxy
    /// must keep its callers from inner ones.
    Name,
}
