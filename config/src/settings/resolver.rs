//! How the gate itself finds addresses.
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::formats;

/// How names are resolved. Read at the start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resolver {
    /// DNS servers to ask in cleartext, each an address with or without a port (53); the system's
    /// when there are none of either kind.
    #[schemars(with = "Vec<formats::DnsServer>", length(max = 16))]
    pub servers: Vec<DnsServer>,
    /// DNS servers to ask over TLS or HTTPS. Then none is asked in cleartext.
    #[schemars(length(max = 16))]
    pub encrypted: Vec<EncryptedServer>,
    /// Authorities to trust for these instead of the system's, PEM.
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// How long one look-up may take.
    #[schemars(range(min = 100, max = 60_000))]
    pub timeout_ms: u64,
    /// How many answers are kept.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub cache_entries: u64,
    /// How long an answer is kept at most, whatever it says itself; one that says that there is no
    /// such name for 30 s at most. 0 keeps none.
    #[schemars(range(min = 0, max = 86_400))]
    pub cache_seconds: u64,
}

impl Default for Resolver {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            encrypted: Vec::new(),
            ca: None,
            timeout_ms: 3_000,
            cache_entries: 1_024,
            cache_seconds: 300,
        }
    }
}

/// A DNS server that is asked over an encrypted connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptedServer {
    /// `tls` (RFC 7858) or `https` (RFC 8484, HTTP/2).
    pub over: Encryption,
    /// Its address, with or without a port (853, or 443 for `https`).
    #[schemars(with = "formats::DnsServer")]
    pub address: DnsServer,
    /// The name in its certificate, which is verified.
    #[schemars(with = "formats::HostName", length(min = 1, max = 253), extend("examples" = ["dns.example.org"]))]
    pub name: String,
    /// The path of `https`.
    #[serde(default = "path")]
    #[schemars(with = "formats::Prefix", length(min = 2, max = 255), extend("examples" = ["/dns-query"]))]
    pub path: String,
}

fn path() -> String {
    "/dns-query".to_owned()
}

/// See [`EncryptedServer::over`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// DNS over TLS.
    Tls,
    /// DNS over HTTPS.
    Https,
}

/// An address, with or without a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DnsServer {
    /// The address.
    pub ip: IpAddr,
    /// The port, when it is not the usual one.
    pub port: Option<u16>,
}

impl FromStr for DnsServer {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<SocketAddr>() {
            Ok(socket) => Ok(Self { ip: socket.ip(), port: Some(socket.port()) }),
            Err(_) => Ok(Self { ip: text.parse()?, port: None }),
        }
    }
}

impl TryFrom<String> for DnsServer {
    type Error = std::net::AddrParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DnsServer> for String {
    fn from(server: DnsServer) -> Self {
        server.to_string()
    }
}

impl fmt::Display for DnsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}
