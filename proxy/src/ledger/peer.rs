//! A server that the ledger speaks HTTP to: a collector, a key service, an object store.
//!
//! Connections are kept and used again. One that failed, or whose answer was not read to its end,
//! is not; nothing is sent twice here, since only the caller knows whether that is harmless.
use std::path::Path;
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::response::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use url::Url;

use super::tls::connector;
use crate::egress::{Onward, Purpose};

/// Name resolution, TCP and TLS together.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Connections that are kept for the next request.
const IDLE_MAX: usize = 16;
/// What an answer of which only the status counts may say besides, and how long it may take for that,
/// for its connection to be kept.
const REST_BYTES_MAX: usize = 64 << 10;
const REST_WAIT: Duration = Duration::from_secs(1);

type Connection = SendRequest<Full<Bytes>>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// Nobody there, or it does not speak TLS as it should.
    #[error("it cannot be reached: {0}")]
    Connection(#[from] std::io::Error),
    /// What came is no answer.
    #[error("it does not speak HTTP as expected: {0}")]
    Http(#[from] hyper::Error),
    /// The connection was not there in time.
    #[error("it did not answer in time")]
    Late,
    /// More than was asked for, or cut short.
    #[error("its answer is too long or was cut short")]
    Answer,
}

/// What a peer answered: its head and its whole body.
pub(super) struct Answer {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

/// One server, by its URL.
pub(super) struct Peer {
    authority: String,
    host: String,
    port: u16,
    path: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    onward: Onward,
    idle: Mutex<Vec<Connection>>,
}

impl Peer {
    /// A peer at this `http://` or `https://` URL; opens nothing yet. `ca` replaces the system's
    /// authorities, `client` is a certificate chain with its key. The reason of a refusal names
    /// the setting it is about.
    pub(super) fn new(
        url: &str,
        ca: Option<&Path>,
        client: Option<(&Path, &Path)>,
    ) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|_| "`url` is no URL".to_owned())?;
        let host = url.host_str().ok_or("`url` has no host")?.to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err("`url` holds a password".to_owned());
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match url.scheme() {
            "http" => None,
            "https" => {
                let name = ServerName::try_from(bare.clone());
                let name = name.map_err(|_| "`url` has no valid host")?;
                Some((connector(ca, client)?, name))
            }
            _ => return Err("`url` is neither `http` nor `https`".to_owned()),
        };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let port = url.port_or_known_default().ok_or("`url` has no port")?;
        let (onward, idle) = (Onward::default(), Mutex::default());
        Ok(Self { authority, host: bare, port, path, tls, onward, idle })
    }

    /// The same, reached as `onward` says.
    pub(super) fn reached(self, onward: &Onward) -> Self {
        Self { onward: onward.clone(), ..self }
    }

    /// The URL's path and query.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What `Host` says.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends a request whose target is a path, and reads an answer of at most so many bytes. Cancel
    /// it to give up.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        answer_bytes_max: usize,
    ) -> Result<Answer, PeerError> {
        let (connection, answer) = self.begin(request).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, answer_bytes_max).collect().await;
        let body = body.map_err(|_| PeerError::Answer)?.to_bytes();
        self.keep(connection);
        Ok(Answer { head, body })
    }

    /// Sends a request, and the answer is its status, whatever else it says: a collector that tells of
    /// each event took the batch all the same, and would get it again for ever.
    pub(super) async fn send_for_status(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<StatusCode, PeerError> {
        let (connection, answer) = self.begin(request).await?;
        let (head, body) = answer.into_parts();
        // Only what is short and comes at once is worth the connection.
        let rest = Limited::new(body, REST_BYTES_MAX).collect();
        if let Ok(Ok(_)) = tokio::time::timeout(REST_WAIT, rest).await {
            self.keep(connection);
        }
        Ok(head.status)
    }

    /// Sends a request and waits for the head of its answer.
    async fn begin(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Connection, Response<Incoming>), PeerError> {
        if let Ok(authority) = HeaderValue::from_str(&self.authority) {
            request.headers_mut().insert(HOST, authority);
        }
        // Taken out, so that a request that fails or is given up leaves no connection behind.
        let mut connection = match self.take_idle() {
            Some(open) => open,
            None => self.connect().await?,
        };
        let answer = connection.send_request(request).await?;
        Ok((connection, answer))
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock();
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Connection, PeerError> {
        let opened = tokio::time::timeout(CONNECT_WAIT, self.open());
        opened.await.map_err(|_| PeerError::Late)?
    }

    async fn open(&self) -> Result<Connection, PeerError> {
        let tcp = self.onward.connect(Purpose::Record, &self.host, self.port).await?;
        match &self.tls {
            None => speak(tcp).await,
            Some((connector, name)) => speak(connector.connect(name.clone(), tcp).await?).await,
        }
    }
}

async fn speak<S>(stream: S) -> Result<Connection, PeerError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; what goes wrong in it, the sender's next use says.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}
