//! CEF in RFC 5424 frames with octet counting (RFC 6587 section 3.4.1) over TCP.
//!
//! Syslog has no acknowledgement. What a collector's kernel took can be lost with the collector,
//! so a batch counts as taken only when the connection stood for a while after it: a collector
//! that closes or resets in that time gets all of it again. It is a mirror, not proof of delivery.
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tollgate_audit::{Entry, cef, write_stamp};

use super::DeliveryError;
use super::feed::Batch;

/// Events of one batch; many, since each batch costs one settling time.
pub(super) const BATCH_EVENTS: usize = 4096;
/// How long the connection must stand after a batch. A reset takes one round trip.
const SETTLE: Duration = Duration::from_millis(500);
/// TCP alone.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Facility 13, log audit (RFC 5424 table 1).
const FACILITY: u8 = 13;

/// A collector at the other end of a connection.
pub(super) struct SyslogOutlet {
    address: SocketAddr,
    host: String,
    connection: Option<TcpStream>,
}

impl SyslogOutlet {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, host: host_name(), connection: None }
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let frames = self.frames(batch)?;
        let mut connection = match self.connection.take() {
            Some(open) => open,
            None => connect(self.address).await?,
        };
        connection.write_all(&frames).await?;
        settle(&mut connection).await?;
        self.connection = Some(connection);
        Ok(())
    }

    fn frames(&self, batch: &Batch) -> Result<Vec<u8>, DeliveryError> {
        let mut frames = Vec::with_capacity(batch.lines.len() * 2);
        for line in batch.lines.split_inclusive(|b| *b == b'\n') {
            let entry = Entry::parse(line).map_err(|_| DeliveryError::Spool)?;
            let message = write_message(&entry, &self.host);
            frames.extend_from_slice(message.len().to_string().as_bytes());
            frames.push(b' ');
            frames.extend_from_slice(message.as_bytes());
        }
        Ok(frames)
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, DeliveryError> {
    let opened = tokio::time::timeout(CONNECT_WAIT, TcpStream::connect(address));
    let connection = opened.await.map_err(|_| DeliveryError::Late)??;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// A syslog collector says nothing, so an end or an error is all that can be read.
async fn settle(connection: &mut TcpStream) -> Result<(), DeliveryError> {
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
fn write_message(entry: &Entry, host: &str) -> String {
    let severity = match cef::severity(entry) {
        10.. => 2,
        7..=9 => 4,
        4..=6 => 5,
        _ => 6,
    };
    let priority = FACILITY * 8 + severity;
    let message_id: String = entry.event_type().chars().take(32).collect();
    format!(
        "<{priority}>1 {} {host} tollgate {} {message_id} - {}",
        write_stamp(entry.ts()),
        std::process::id(),
        cef::write_cef(entry)
    )
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
