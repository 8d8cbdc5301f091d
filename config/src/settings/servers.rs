//! Sinks that are brokers, databases and telemetry collectors.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretRef, formats};

/// A NATS JetStream stream: one message an event, on one subject.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatsSink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The server's name or address; its certificate must be for it.
    #[schemars(with = "formats::HostName", length(min = 1, max = 253), extend("examples" = ["nats.example.org"]))]
    pub host: String,
    /// The server's port.
    #[serde(default = "nats_port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
    /// The stream, which must exist and hold this gate's events alone: the broker then refuses
    /// gaps and forks.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["AUDIT-GATE-1"]))]
    pub stream: String,
    /// The stream's one subject.
    #[schemars(with = "formats::Name", length(min = 1, max = 255), extend("examples" = ["audit.gate-1"]))]
    pub subject: String,
    /// What the gate proves itself with, besides a client certificate. Needs `tls`, unless the
    /// server is on loopback.
    #[serde(default)]
    pub auth: Option<NatsAuth>,
    /// TLS towards the server; clear text when absent.
    #[serde(default)]
    pub tls: Option<ServerTls>,
    /// Events that are on their way at once.
    #[serde(default = "batch_events")]
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_events: usize,
}

/// Where the gate's proof towards a NATS server is. Exactly one of the three.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NatsAuth {
    /// Where a token is.
    Token(SecretRef),
    /// Where the seed of a user's NKey is (`SU…`).
    Nkey(SecretRef),
    /// Where the content of a credentials file is (a JWT with its seed).
    Credentials(SecretRef),
}

/// TLS towards a server. Its name is verified always; there is no switch.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerTls {
    /// Authorities to trust instead of the system's, PEM.
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// The gate's client certificate chain, PEM. Needs `client_key`.
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_certificate: Option<PathBuf>,
    /// The gate's client key, PEM. Needs `client_certificate`.
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_key: Option<PathBuf>,
}

/// OpenTelemetry log records by POST (OTLP over HTTP, protobuf).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtlpSink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// `http://` or `https://` URL of the logs, as it is posted to; no query, no userinfo.
    #[schemars(with = "formats::Url", length(min = 1, max = 2048), extend("examples" = ["https://otel.example.org:4318/v1/logs"]))]
    pub url: String,
    /// Headers with a secret, such as an API key. Need `https://`, unless the collector is on
    /// loopback.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub headers: Vec<SecretHeader>,
    /// Authorities to trust instead of the system's, PEM.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// Events a request.
    #[serde(default = "batch_events")]
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_events: usize,
    /// Compress the requests (`Content-Encoding: gzip`).
    #[serde(default)]
    pub gzip: bool,
}

/// A header and where its value is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretHeader {
    /// The header's name.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["x-api-key"]))]
    pub name: String,
    /// Where its value is.
    pub value: SecretRef,
}

/// A table in PostgreSQL: one row an event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresSink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The server's name or address; its certificate must be for it.
    #[schemars(with = "formats::HostName", length(min = 1, max = 253), extend("examples" = ["db.example.org"]))]
    pub host: String,
    /// The server's port.
    #[serde(default = "postgres_port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
    /// The database.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["audit"]))]
    pub database: String,
    /// The role that the gate is there.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["tollgate"]))]
    pub user: String,
    /// Where its password is. Needs `tls`, unless the server is on loopback.
    #[serde(default)]
    pub password: Option<SecretRef>,
    /// TLS towards the server; clear text when absent.
    #[serde(default)]
    pub tls: Option<ServerTls>,
    /// The table's schema.
    #[serde(default = "public")]
    #[schemars(with = "formats::SqlName", length(min = 1, max = 63))]
    pub schema: String,
    /// The table, made when missing; one gate a table.
    #[serde(default = "table")]
    #[schemars(with = "formats::SqlName", length(min = 1, max = 48))]
    pub table: String,
    /// Events a transaction.
    #[serde(default = "batch_events")]
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_events: usize,
}

/// What signs each batch to a collector (RFC 9421), so that it knows whose it is before reading it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchSignature {
    /// The private Ed25519 key, PKCS#8 PEM, mode 0600; not the record's own.
    #[schemars(with = "formats::FilePath")]
    pub key: PathBuf,
    /// What the collector knows the key by.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["gate-1"]))]
    pub keyid: String,
}

fn batch_events() -> usize {
    256
}

fn nats_port() -> u16 {
    4222
}

fn postgres_port() -> u16 {
    5432
}

fn public() -> String {
    "public".to_owned()
}

fn table() -> String {
    "audit_events".to_owned()
}
