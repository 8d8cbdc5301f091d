//! Where the record is streamed to.
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::servers::{BatchSignature, NatsSink, OtlpSink, PostgresSink};
use super::{S3Sink, SecretRef, formats};

/// Where events are streamed to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Sink {
    /// Batches of JSON lines by POST.
    Http(HttpSink),
    /// CEF, JSON, LEEF or OCSF in RFC 5424 frames with octet counting, over TLS (RFC 5425) or TCP (RFC 6587).
    Syslog(SyslogSink),
    /// Files of JSON lines in a directory, each written once and never again.
    Folder(FolderSink),
    /// Objects of JSON lines in an S3 bucket, under Object Lock.
    S3(S3Sink),
    /// JSON lines on standard output, for whoever collects a container's output.
    Stdout(StdoutSink),
    /// Messages in a NATS JetStream stream, which refuses gaps and forks.
    Nats(NatsSink),
    /// OpenTelemetry log records by POST (OTLP over HTTP, protobuf).
    Otlp(OtlpSink),
    /// Rows of a table in PostgreSQL.
    Postgres(PostgresSink),
}

/// Batches of JSON lines by POST; a 2xx answer acknowledges the batch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// `http://` or `https://` URL of the collector; no query, no userinfo.
    #[schemars(with = "formats::Url", length(min = 1, max = 2048))]
    pub url: String,
    /// Where the bearer token is. Needs `https://`, unless the collector is on loopback.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// Authorities to trust instead of the system's, PEM.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// What a line says of its event.
    #[serde(default)]
    pub format: HttpFormat,
    /// Events a batch.
    #[serde(default = "batch_events")]
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_events: usize,
    /// Compress the batches (`Content-Encoding: gzip`).
    #[serde(default)]
    pub gzip: bool,
    /// Signs each batch; unsigned when absent.
    #[serde(default)]
    pub signature: Option<BatchSignature>,
}

fn batch_events() -> usize {
    256
}

/// See [`HttpSink::format`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpFormat {
    /// The event's line as it is in the spool.
    #[default]
    Jsonl,
    /// An event of OCSF 1.8.0, with what verifies it in `unmapped`.
    Ocsf,
}

/// Syslog over TLS or TCP.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyslogSink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The collector's address and port.
    #[schemars(with = "formats::Socket")]
    pub address: SocketAddr,
    /// What a message says of its event.
    #[serde(default)]
    pub format: SyslogFormat,
    /// TLS towards the collector; clear text when absent.
    #[serde(default)]
    pub tls: Option<SyslogTls>,
}

/// See [`SyslogSink::format`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyslogFormat {
    /// Common Event Format, with what verifies the event at its end.
    #[default]
    Cef,
    /// The event's line as it is in the spool.
    Json,
    /// Log Event Extended Format 2.0, with what verifies the event at its end.
    Leef,
    /// An event of OCSF 1.8.0, with what verifies it in `unmapped`.
    Ocsf,
}

/// TLS towards a syslog collector (RFC 5425). The name is verified always; there is no switch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyslogTls {
    /// The name or IP address that the collector's certificate must be for.
    #[schemars(with = "formats::HostName", length(min = 1, max = 253), extend("examples" = ["siem.example.org"]))]
    pub server_name: String,
    /// Authorities to trust instead of the system's, PEM.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// The gate's client certificate chain, PEM. Needs `client_key`.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_certificate: Option<PathBuf>,
    /// The gate's client key, PEM. Needs `client_certificate`.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub client_key: Option<PathBuf>,
}

/// An archive in a directory: `events-<number of the first>.jsonl`, and the one that is being
/// filled, `filling.part`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderSink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The archive's directory, not the spool; made with mode 0700 when missing. One gate a
    /// directory.
    #[schemars(with = "formats::FilePath", extend("examples" = ["/var/lib/tollgate/archive"]))]
    pub directory: PathBuf,
    /// Events a file at most. A file also ends with the day (UTC) and with the gate.
    #[serde(default = "file_events")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub file_events: u64,
}

fn file_events() -> u64 {
    10_000
}

/// JSON lines on standard output.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StdoutSink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
}

impl Sink {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Http(sink) => &sink.name,
            Self::Syslog(sink) => &sink.name,
            Self::Folder(sink) => &sink.name,
            Self::S3(sink) => &sink.name,
            Self::Stdout(sink) => &sink.name,
            Self::Nats(sink) => &sink.name,
            Self::Otlp(sink) => &sink.name,
            Self::Postgres(sink) => &sink.name,
        }
    }
}
