//! Every setting, with its default, unit and limit. The JSON Schema is made from these types.
mod audit;
mod client_trust;
mod credentials;
mod dlp;
mod formats;
mod intercept;
mod known;
mod names;
mod parent_proxy;
mod paths;
mod resolver;
mod s3;
mod servers;
mod signers;
mod sinks;
mod upstreams;
mod warnings;
mod ways_in;
mod ways_out;
mod websocket;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use audit::{AtCap, Audit, Checkpoints, Durability, Retention};
pub use client_trust::{Revocation, TlsListener, TrustDomain, WorkloadApi};
pub use credentials::{
    ClientAuth, Credential, CredentialPlace, Give, GiveAws, GiveBasic, GiveCookie, GiveHeader,
    GiveOauthClient, GiveQuery, GiveTokenExchange, TokenServer,
};
pub use dlp::{
    CardMask, Channel, Direction, Dlp, DlpAction, DlpChannel, DlpDetector, DlpGrade, DlpMask,
    DlpMemory, DlpRule, DlpTokens, MinimumGrade,
};
pub use intercept::{Ech, Intercept};
pub use known::{Canary, Known, KnownDocuments, KnownRecords, KnownSecrets, OwnSecret};
pub use names::{Binding, Dns, NameLimits};
pub use parent_proxy::{ConnectBy, ParentProxy, ProxyCredentials};
pub use resolver::{DnsServer, EncryptedServer, Encryption, Resolver};
pub use s3::{S3Lock, S3LockMode, S3Sink};
pub use servers::{
    BatchSignature, NatsAuth, NatsSink, OtlpSink, PostgresSink, SecretHeader, ServerTls,
};
pub use signers::{AwsKms, EventSigner, KeyService, Pkcs11, ProxyForm, Signer, SigningProxy};
pub use sinks::{
    FolderSink, HttpFormat, HttpSink, Sink, StdoutSink, SyslogFormat, SyslogSink, SyslogTls,
};
pub use upstreams::{Breaker, Health, Retry, Upstreams};
pub(crate) use warnings::is_local;
pub use ways_in::{
    Admin, AgentEntry, AgentLimits, CertificateNames, Listener, PlainListener, ProxyProtocol,
    TransparentListener, TrustWord, UnixListener,
};
pub use ways_out::{
    Elsewhere, ForwardProxy, Route, RouteMatch, RouteProtocol, SignedCards, Upstream, UpstreamTls,
};
pub use websocket::{Handshakes, WebSocket};

/// The whole configuration file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Version of this file's form; always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// `enforce` refuses what rules and inspection refuse; `observe` lets those calls pass and
    /// records what would have been refused. Identity, malformed requests, egress ranges and the
    /// record are enforced in both.
    #[serde(default)]
    pub mode: Mode,
    /// `production` refuses to start with what only a test bears: a record signed by a key in a
    /// local file.
    #[serde(default)]
    pub environment: Environment,
    /// Where agents connect. At least one.
    #[schemars(length(min = 1, max = 256))]
    pub listeners: Vec<Listener>,
    /// A folder of further agents: each file in it whose name ends with `.yaml`, `.yml` or `.json` has a
    /// list `agents`. It is watched; a mistake in a file keeps the last good set in force.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>", extend("examples" = ["agents.d"]))]
    pub agents_folder: Option<PathBuf>,
    /// Where the gate's own SVID and bundles come from. Off when absent; takes effect at the next start.
    #[serde(default)]
    pub workload_api: Option<WorkloadApi>,
    /// The registry of agents: the only source of trust, roles and environment. At least one.
    #[schemars(length(min = 1, max = 10_000))]
    pub agents: Vec<AgentEntry>,
    /// Base-URL routes, tried in order; the first whose `match` fits takes the call.
    #[serde(default)]
    #[schemars(length(max = 10_000))]
    pub routes: Vec<Route>,
    /// Proxying for clients that use proxy variables. Off when absent.
    #[serde(default)]
    pub forward_proxy: Option<ForwardProxy>,
    /// Credentials that the gate puts into calls after they were allowed. What the agent sent in
    /// their place, and in `Authorization` and the like, does not reach their hosts.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub credentials: Vec<Credential>,
    /// The gate as the agent's DNS server. Off when absent.
    #[serde(default)]
    pub dns: Option<Dns>,
    /// The rulebook.
    pub policy: Policy,
    /// How names are resolved.
    #[serde(default)]
    pub resolver: Resolver,
    /// Rates and concurrency.
    #[serde(default)]
    pub limits: Limits,
    /// How many calls an upstream gets at once, and when it is left alone.
    #[serde(default)]
    pub upstreams: Upstreams,
    /// The proxy that the gate itself must use. None when absent.
    #[serde(default)]
    pub parent_proxy: Option<ParentProxy>,
    /// Bounds of every WebSocket that passes. Whether any may is said by a route, or by
    /// `forward_proxy`.
    #[serde(default)]
    pub websocket: WebSocket,
    /// What is looked for, and what is done about it.
    #[serde(default)]
    pub dlp: Dlp,
    /// Bounds on what the gate reads and holds.
    #[serde(default)]
    pub bounds: Bounds,
    /// Deadlines for each phase of a call.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// The record.
    pub audit: Audit,
    /// The operators' listener.
    #[serde(default)]
    pub admin: Admin,
    /// The gate's own log.
    #[serde(default)]
    pub log: Log,
}

/// See [`Settings::mode`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Refuse.
    #[default]
    Enforce,
    /// Let pass and say what would have been refused.
    Observe,
}

/// See [`Settings::environment`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Local keys sign; what production would refuse is a warning.
    #[default]
    Development,
    /// Keys are in a key service or in hardware.
    Production,
}

/// The rulebook.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The bundle's file, YAML or JSON; relative to the configuration file.
    #[schemars(with = "formats::FilePath", extend("examples" = ["policy.yaml"]))]
    pub bundle: PathBuf,
    /// Where the HMAC-SHA256 secret of the bundle's signature is. When set, an unsigned or wrongly
    /// signed bundle is not loaded.
    #[serde(default)]
    pub secret: Option<SecretRef>,
    /// How many rules a bundle may have.
    #[serde(default = "rules_max")]
    #[schemars(range(min = 1, max = 100_000))]
    pub rules_max: usize,
}

fn rules_max() -> usize {
    1000
}

/// Where a secret is; never the secret itself. Exactly one of the two.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretRef {
    /// A file's path, relative to the configuration file; a trailing newline is not part of it.
    File(#[schemars(with = "formats::FilePath")] PathBuf),
    /// The name of an environment variable.
    Env(#[schemars(with = "formats::Variable")] String),
}

/// Rates and concurrency. Counted after rules allowed the call, so that a denied call costs no
/// budget.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls each agent may make a minute; also the burst.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub agent_per_minute: u32,
    /// Calls each agent may make to one tool (or one `METHOD path` of plain HTTP) a minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub agent_tool_per_minute: u32,
    /// Calls of one agent in flight at once; long-lived streams count.
    #[schemars(range(min = 1, max = 100_000))]
    pub agent_concurrency: u32,
    /// How many agent and tool pairs are counted at once; beyond it new pairs are refused.
    #[schemars(range(min = 16, max = 10_000_000))]
    pub keys_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Generous for a person's agent, small for a runaway loop.
        Self {
            agent_per_minute: 600,
            agent_tool_per_minute: 300,
            agent_concurrency: 128,
            keys_max: 65_536,
        }
    }
}

/// Bounds on what the gate reads and holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Bytes of one request body, as sent and after content decoding.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub request_body_bytes: usize,
    /// Bytes of one answer that is held whole (a JSON answer) before it is passed on, and of one
    /// event of a stream.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub answer_body_bytes: usize,
    /// Body bytes held by all requests together, and as many again by all answers; of it one agent,
    /// or the answers of one route, take no more than half. Beyond it new bodies wait for the body
    /// deadline, then are refused.
    #[schemars(range(min = 1_048_576, max = 68_719_476_736_u64))]
    pub held_bytes_total: u64,
    /// Bytes of large bodies (64 KiB and more), requests and answers together, that are read and
    /// looked at at once, where a body takes several times its size in memory; one that is larger
    /// is looked at alone. Never more bodies than processors are; others wait for the body
    /// deadline, then are refused.
    #[schemars(range(min = 1_048_576, max = 68_719_476_736_u64))]
    pub inspected_bytes_total: u64,
    /// Decoded bytes for each encoded byte of a compressed body; beyond it the body is refused.
    #[schemars(range(min = 1, max = 10_000))]
    pub decompression_ratio: u32,
    /// Nesting of a JSON body.
    #[schemars(range(min = 1, max = 128))]
    pub json_depth: usize,
    /// Bytes of a request's line and headers; each header of HTTP/2 counts 32 more (RFC 9113 section
    /// 6.5.2).
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub head_bytes: usize,
    /// Connections accepted at once by all listeners. When there are as many, the oldest on which no
    /// request has come makes room for the next.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            request_body_bytes: 16 << 20,
            answer_body_bytes: 16 << 20,
            held_bytes_total: 512 << 20,
            // Two of the largest.
            inspected_bytes_total: 32 << 20,
            // zstd and br reach beyond 1000 on zeros; honest JSON stays below 50.
            decompression_ratio: 200,
            json_depth: 64,
            head_bytes: 64 << 10,
            connections: 10_000,
        }
    }
}

/// Deadlines for each phase of a call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// TLS handshake of a client.
    #[schemars(range(min = 100, max = 600_000))]
    pub handshake_ms: u64,
    /// From a connection to the end of its first request's head, the TLS handshake and all; whoever
    /// has sent none by then is cut off.
    #[schemars(range(min = 100, max = 600_000))]
    pub first_head_ms: u64,
    /// From a request's first byte to the end of its head, however slowly it trickles.
    #[schemars(range(min = 100, max = 600_000))]
    pub head_ms: u64,
    /// From the head's end to the body's end.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub body_ms: u64,
    /// TCP and TLS towards the upstream.
    #[schemars(range(min = 100, max = 600_000))]
    pub connect_ms: u64,
    /// From the request's end to the first byte of the answer.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub first_byte_ms: u64,
    /// Between two pieces of an answer that is no event stream.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub idle_ms: u64,
    /// From an answer's head to its end, where it is held whole before it is passed on: JSON, and what
    /// describes an API in YAML.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub held_answer_ms: u64,
    /// Between two pieces of an event stream; long, since a listen stream may be silent.
    #[schemars(range(min = 100, max = 86_400_000))]
    pub stream_idle_ms: u64,
    /// How long a client's connection may sit between two calls.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub keep_alive_ms: u64,
    /// How long calls in flight may go on after a stop was asked for.
    #[schemars(range(min = 0, max = 600_000))]
    pub drain_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake_ms: 10_000,
            first_head_ms: 10_000,
            head_ms: 10_000,
            body_ms: 60_000,
            connect_ms: 5_000,
            // Tools may think for minutes; clients give up at 60 s or later.
            first_byte_ms: 300_000,
            idle_ms: 60_000,
            // 16 MiB take so long at 60 kB a second.
            held_answer_ms: 300_000,
            stream_idle_ms: 3_600_000,
            keep_alive_ms: 75_000,
            drain_ms: 20_000,
        }
    }
}

/// The gate's own log, on standard error.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The least important level that is written.
    pub level: LogLevel,
    /// `json` for machines, `text` for people.
    pub format: LogFormat,
}

/// See [`Log::level`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are their own documentation")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}

/// See [`Log::format`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are their own documentation")]
pub enum LogFormat {
    #[default]
    Json,
    Text,
}
