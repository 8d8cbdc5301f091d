//! CEF, JSON, LEEF or OCSF in RFC 5424 frames with octet counting, over TLS (RFC 5425 section 4.3) or TCP
//! (RFC 6587 section 3.4.1).
//!
//! Syslog has no acknowledgement. What a collector's kernel took can be lost with the collector,
//! so a batch counts as taken only when the connection stood for a while after it: a collector
//! that closes or resets in that time gets all of it again. It is a mirror, not proof of delivery.
//! The certificate of a client is judged after the handshake (TLS 1.3), so a refusal shows in
//! that while, too.
use std::net::SocketAddr;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tollgate_audit::{Entry, cef, leef, ocsf, write_stamp};
use tollgate_config::settings::{SyslogFormat, SyslogSink, SyslogTls};

use super::super::tls::connector;
use super::DeliveryError;
use super::feed::Batch;
use crate::egress::{Onward, Purpose};

/// Events of one batch; many, since each batch costs one settling time.
pub(super) const BATCH_EVENTS: usize = 4096;
/// How long the connection must stand after a batch. A reset takes one round trip.
const SETTLE: Duration = Duration::from_millis(500);
/// TCP and TLS together.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// What taking leave may last.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Facility 13, log audit (RFC 5424 table 1).
const FACILITY: u8 = 13;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for S {}

/// A collector at the other end of a connection.
pub(super) struct SyslogOutlet {
    address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    format: SyslogFormat,
    host: String,
    onward: Onward,
    connection: Option<Box<dyn Stream>>,
}

impl SyslogOutlet {
    pub(super) fn new(setting: &SyslogSink, onward: &Onward) -> Result<Self, String> {
        let (address, format) = (setting.address, setting.format);
        let tls = setting.tls.as_ref().map(set_up_tls).transpose()?;
        let (host, onward) = (host_name(), onward.clone());
        Ok(Self { address, tls, format, host, onward, connection: None })
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let frames = self.frames(batch)?;
        let mut connection = match self.connection.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        connection.write_all(&frames).await?;
        connection.flush().await?;
        settle(&mut connection).await?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Takes leave: `close_notify` over TLS (RFC 5425 section 4.4), the stream's end without.
    pub(super) async fn close(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Whoever is gone already need not be told.
            let _ = tokio::time::timeout(CLOSE_WAIT, connection.shutdown()).await;
        }
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, DeliveryError> {
        let opened = tokio::time::timeout(CONNECT_WAIT, self.open());
        opened.await.map_err(|_| DeliveryError::Late)?
    }

    async fn open(&self) -> Result<Box<dyn Stream>, DeliveryError> {
        let (host, port) = (self.address.ip().to_string(), self.address.port());
        let tcp = self.onward.connect(Purpose::Record, &host, port).await?;
        Ok(match &self.tls {
            None => Box::new(tcp),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), tcp).await?),
        })
    }

    fn frames(&self, batch: &Batch) -> Result<Vec<u8>, DeliveryError> {
        let mut frames = Vec::with_capacity(batch.lines.len() * 2);
        for line in batch.lines.split_inclusive(|b| *b == b'\n') {
            let entry = Entry::parse(line).map_err(|_| DeliveryError::Spool)?;
            let message = write_message(&entry, line, &self.host, self.format)?;
            frames.extend_from_slice(message.len().to_string().as_bytes());
            frames.push(b' ');
            frames.extend_from_slice(message.as_bytes());
        }
        Ok(frames)
    }
}

fn set_up_tls(setting: &SyslogTls) -> Result<(TlsConnector, ServerName<'static>), String> {
    let name = setting.server_name.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|_| "`tls.server_name` is no name".to_owned())?;
    let client = match (&setting.client_certificate, &setting.client_key) {
        (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
        (None, None) => None,
        _ => return Err("`client_certificate` and `client_key` come together".to_owned()),
    };
    Ok((connector(setting.ca.as_deref(), client)?, name))
}

/// A syslog collector says nothing, so an end or an error is all that can be read.
async fn settle(connection: &mut Box<dyn Stream>) -> Result<(), DeliveryError> {
    let quiet = async {
        let mut said = [0; 256];
        loop {
            match connection.read(&mut said).await {
                Ok(0) => return DeliveryError::Closed,
                Ok(_) => {}
                Err(error) => return DeliveryError::Connection(error),
            }
        }
    };
    match tokio::time::timeout(SETTLE, quiet).await {
        Ok(error) => Err(error),
        Err(_) => Ok(()),
    }
}

/// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG`; no byte order mark, since collectors
/// hand it on as text.
fn write_message(
    entry: &Entry,
    line: &[u8],
    host: &str,
    format: SyslogFormat,
) -> Result<String, DeliveryError> {
    let severity = match cef::severity(entry) {
        10.. => 2,
        7..=9 => 4,
        4..=6 => 5,
        _ => 6,
    };
    let priority = FACILITY * 8 + severity;
    let message_id: String = entry.event_type().chars().take(32).collect();
    let message = match format {
        SyslogFormat::Cef => cef::write_cef(entry),
        SyslogFormat::Json => {
            let line = std::str::from_utf8(line).map_err(|_| DeliveryError::Spool)?;
            line.trim_end_matches('\n').to_owned()
        }
        SyslogFormat::Leef => leef::write_leef(entry),
        SyslogFormat::Ocsf => ocsf::write_ocsf(entry),
    };
    Ok(format!(
        "<{priority}>1 {} {host} tollgate {} {message_id} - {message}",
        write_stamp(entry.ts()),
        std::process::id(),
    ))
}

/// The kernel's name for the machine, when it is printable ASCII; else RFC 5424's nil.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    match name.len() {
        1..=255 if name.bytes().all(|b| b.is_ascii_graphic()) => name.to_owned(),
        _ => "-".to_owned(),
    }
}
