//! OpenTelemetry log records by POST (OTLP 1.x over HTTP, protobuf).
//!
//! A record's body is the event's line, so that what a collector keeps can be verified; beside it
//! stand the attributes that people search by, named as the semantic conventions name them.
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use serde_json::Value;
use tollgate_audit::{Entry, cef, keys};
use tollgate_config::settings::{OtlpSink, SecretRef};

use super::super::peer::Peer;
use super::super::secret;
use super::DeliveryError;
use super::feed::Batch;
use super::http::compressed;
use super::refusals::Portion;
use crate::egress::Onward;

/// What an answer may say.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// What a partial success is counted as: the collector understood and refused.
const REFUSED: u16 = 422;

/// Facts, and the attributes that tell them.
const ATTRIBUTES: [(&str, &str); 18] = [
    (keys::EFFECT, "tollgate.effect"),
    (keys::CODE, "tollgate.code"),
    (keys::RULE, "tollgate.rule"),
    (keys::ROUTE, "tollgate.route"),
    (keys::INTENT, "tollgate.intent"),
    (keys::CLASSES, "tollgate.classes"),
    (keys::REASON, "tollgate.reason"),
    (keys::ACTION, "tollgate.action"),
    (keys::PROTOCOL, "network.protocol.name"),
    (keys::TOOL, "gen_ai.tool.name"),
    ("http_method", "http.request.method"),
    (keys::METHOD, "rpc.method"),
    (keys::STATUS, "http.response.status_code"),
    (keys::PATH, "url.path"),
    (keys::HOST, "server.address"),
    (keys::PORT, "server.port"),
    (keys::SOURCE, "client.address"),
    (keys::SESSION, "session.id"),
];

/// A collector of telemetry.
pub(super) struct OtlpOutlet {
    peer: Peer,
    headers: Vec<(HeaderName, SecretRef)>,
    gzip: bool,
    portion: Portion,
}

impl OtlpOutlet {
    pub(super) fn new(setting: &OtlpSink, onward: &Onward) -> Result<Self, String> {
        let named = |header: &tollgate_config::settings::SecretHeader| {
            HeaderName::from_bytes(header.name.as_bytes())
                .map(|name| (name, header.value.clone()))
                .map_err(|_| format!("`headers`: `{}` is no header's name", header.name))
        };
        Ok(Self {
            peer: Peer::new(&setting.url, setting.ca.as_deref(), None)?.reached(onward),
            headers: setting.headers.iter().map(named).collect::<Result<_, _>>()?,
            gzip: setting.gzip,
            portion: Portion::of(setting.batch_events),
        })
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.portion.events()
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let request = self.request(batch)?;
        let answer = self.peer.send(request, ANSWER_BYTES_MAX).await?;
        let status = answer.head.status;
        if !status.is_success() {
            return Err(self.portion.judge(status, batch));
        }
        // A success may be a partial one, and does not say which records it is without.
        let answer = ExportLogsServiceResponse::decode(answer.body)
            .map_err(|_| DeliveryError::NoOtlp(status.as_u16()))?;
        if answer.partial_success.is_some_and(|partial| partial.rejected_log_records > 0) {
            return Err(self.portion.refused(REFUSED, batch));
        }
        self.portion.taken();
        Ok(())
    }

    fn request(&self, batch: &Batch) -> Result<Request<Full<Bytes>>, DeliveryError> {
        let records = batch
            .lines
            .split_inclusive(|b| *b == b'\n')
            .map(record)
            .collect::<Result<Vec<_>, _>>()?;
        let body = Bytes::from(export(records).encode_to_vec());
        let body = if self.gzip { compressed(&body)? } else { body };
        let mut request = Request::post(self.peer.path())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(Full::new(body))
            .map_err(|_| DeliveryError::Status(StatusCode::BAD_REQUEST.as_u16()))?;
        if self.gzip {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        for (name, value) in &self.headers {
            request
                .headers_mut()
                .insert(name, secret::header("", value).map_err(DeliveryError::Secret)?);
        }
        Ok(request)
    }
}

fn export(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let version = env!("CARGO_PKG_VERSION");
    let resource = Resource {
        attributes: vec![
            attribute("service.name", text("tollgate")),
            attribute("service.version", text(version)),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "tollgate.audit".to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    let logs = ScopeLogs { scope: Some(scope), log_records, ..ScopeLogs::default() };
    let resource_logs = ResourceLogs {
        resource: Some(resource),
        scope_logs: vec![logs],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }
}

fn record(line: &[u8]) -> Result<LogRecord, DeliveryError> {
    let entry = Entry::parse(line).map_err(|_| DeliveryError::Spool)?;
    let line = std::str::from_utf8(line).map_err(|_| DeliveryError::Spool)?;
    let time = u64::try_from(entry.ts().as_nanosecond()).map_err(|_| DeliveryError::Spool)?;
    let (severity, word) = severity(&entry);
    let mut attributes = vec![
        attribute("log.record.uid", text(&entry.id().to_string())),
        attribute("user.id", text(entry.actor())),
        attribute("tollgate.seq", number(entry.seq())),
        attribute("tollgate.hash", text(&entry.hash().to_string())),
    ];
    attributes.extend(ATTRIBUTES.iter().filter_map(|(fact, name)| {
        entry.fact(fact).and_then(any).map(|value| attribute(name, value))
    }));
    Ok(LogRecord {
        time_unix_nano: time,
        // The event was observed when it happened: the gate is its source.
        observed_time_unix_nano: time,
        severity_number: severity.into(),
        severity_text: word.to_owned(),
        body: Some(AnyValue { value: Some(text(line.trim_end_matches('\n'))) }),
        attributes,
        event_name: entry.event_type().to_owned(),
        ..LogRecord::default()
    })
}

/// Syslog's severities as the data model maps them (its appendix B).
fn severity(entry: &Entry) -> (SeverityNumber, &'static str) {
    match cef::severity(entry) {
        10.. => (SeverityNumber::Error2, "critical"),
        7..=9 => (SeverityNumber::Warn, "warning"),
        4..=6 => (SeverityNumber::Info2, "notice"),
        _ => (SeverityNumber::Info, "informational"),
    }
}

fn any(value: &Value) -> Option<Any> {
    match value {
        Value::String(value) => Some(text(value)),
        Value::Number(value) => value.as_u64().map(number),
        Value::Bool(value) => Some(Any::BoolValue(*value)),
        Value::Array(values) => {
            let values = values.iter().map(|value| AnyValue { value: any(value) }).collect();
            Some(Any::ArrayValue(ArrayValue { values }))
        }
        Value::Null | Value::Object(_) => None,
    }
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

/// A record's numbers are at most 2^53 − 1.
fn number(number: u64) -> Any {
    Any::IntValue(i64::try_from(number).unwrap_or(i64::MAX))
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
