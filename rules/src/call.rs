//! One call, as the decoders understood it.
use std::sync::Arc;

use crate::{Agent, Arguments, Host};

/// The language the call speaks above HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// Plain HTTP or REST.
    Http,
    /// The Model Context Protocol over Streamable HTTP.
    Mcp,
}

impl Protocol {
    /// The word used in bundles, metrics and audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Mcp => "mcp",
        }
    }
}

/// `http` or `https` on the way out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    /// Cleartext.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// The scheme as a URL writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port when the URL names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Where the call goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Cleartext or TLS.
    pub scheme: Scheme,
    /// The upstream's host, normalised.
    pub host: Host,
    /// The upstream's port.
    pub port: u16,
    /// The HTTP method, as sent (methods are case-sensitive, RFC 9110 section 9.1).
    pub method: String,
    /// The path that is forwarded, percent-decoded once where that is unambiguous, with dot
    /// segments removed. Never the query.
    pub path: String,
    /// The configured route that caught the call, or `forward` for absolute-form proxying.
    pub route: String,
}

/// What is asked for, in the protocol's own words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Action {
    /// The protocol's method: `tools/call` in MCP, empty for plain HTTP.
    pub method: String,
    /// The tool's name for MCP `tools/call`; for plain HTTP, `<METHOD> <path>` is used when rules
    /// ask for a tool name.
    pub tool: Option<String>,
    /// The resource's URI or the prompt's name, for methods that name one.
    pub resource: Option<String>,
    /// Who provides the tool: the configured name of the upstream, never its own claim.
    pub provider: Option<String>,
}

/// One call. The only thing the rulebook sees, and exactly what is forwarded when allowed.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// Who calls, from the registry.
    pub agent: Arc<Agent>,
    /// Where to.
    pub target: Target,
    /// In which language.
    pub protocol: Protocol,
    /// To do what.
    pub action: Action,
    /// With which arguments: an object for MCP `tools/call` and for REST with a JSON object body,
    /// the parsed body for other JSON, `Null` otherwise.
    pub arguments: Arguments,
    /// The request's body in bytes, after content decoding.
    pub body_bytes: u64,
}

impl Call {
    /// The same without what it says: who made it and where it goes is left.
    #[must_use]
    pub fn without_words(self) -> Self {
        Self { arguments: Arguments::NONE, ..self }
    }

    /// The name that `match.tool_name` is compared with: the tool, else the protocol's method,
    /// else `METHOD path`.
    pub fn tool_name(&self) -> std::borrow::Cow<'_, str> {
        match (&self.action.tool, self.action.method.is_empty()) {
            (Some(tool), _) => tool.as_str().into(),
            (None, false) => self.action.method.as_str().into(),
            (None, true) => format!("{} {}", self.target.method, self.target.path).into(),
        }
    }
}
