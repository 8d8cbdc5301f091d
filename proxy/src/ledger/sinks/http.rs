//! Batches of JSON lines by POST; any 2xx acknowledges.
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_config::settings::{HttpSink, SecretRef};
use url::Url;
use zeroize::Zeroizing;

use super::DeliveryError;
use super::feed::Batch;

/// Name resolution, TCP and TLS together.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// What an answer may say; only its status counts.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A collector that is spoken to over one connection at a time.
pub(super) struct HttpOutlet {
    authority: String,
    host: String,
    port: u16,
    path: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    token: Option<SecretRef>,
    batch_events: usize,
    /// Smaller than the setting after a collector said that a batch was too large.
    fitting_events: usize,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl HttpOutlet {
    pub(super) fn new(setting: &HttpSink) -> Result<Self, String> {
        let url = Url::parse(&setting.url).map_err(|_| "`url` is no URL".to_owned())?;
        let host = url.host_str().ok_or("`url` has no host")?.to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err("`url` holds a password; use `token`".to_owned());
        }
        let tls = match url.scheme() {
            "http" => None,
            "https" => {
                let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(name).map_err(|_| "`url` has no valid host")?;
                Some((connector(setting)?, name))
            }
            _ => return Err("`url` is neither `http` nor `https`".to_owned()),
        };
        let port = url.port_or_known_default().ok_or("`url` has no port")?;
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        Ok(Self {
            authority,
            host,
            port,
            path,
            tls,
            token: setting.token.clone(),
            batch_events: setting.batch_events.max(1),
            fitting_events: setting.batch_events.max(1),
            connection: None,
        })
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.fitting_events
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let request = self.request(batch)?;
        // Taken out, so that a delivery that fails or is given up leaves no connection behind.
        let mut connection = match self.connection.take() {
            Some(open) if open.is_ready() => open,
            _ => self.connect().await?,
        };
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let drained = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        if drained.is_ok() {
            self.connection = Some(connection);
        }
        if status.is_success() {
            self.fitting_events = self.batch_events.min(self.fitting_events.saturating_mul(2));
            return Ok(());
        }
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            self.fitting_events = (self.fitting_events / 2).max(1);
        }
        Err(DeliveryError::Status(status.as_u16()))
    }

    fn request(&self, batch: &Batch) -> Result<Request<Full<Bytes>>, DeliveryError> {
        let mut request = Request::post(self.path.as_str())
            .header(HOST, self.authority.as_str())
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header("tollgate-first-seq", batch.first_seq)
            .header("tollgate-last-seq", batch.last_seq)
            .header("tollgate-last-hash", batch.last_hash.as_str())
            .body(Full::new(batch.lines.clone()))
            .map_err(|_| DeliveryError::Status(StatusCode::BAD_REQUEST.as_u16()))?;
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, self.bearer(token)?);
        }
        Ok(request)
    }

    /// Read when used, so that a token that was replaced is used at once and none stays in memory.
    fn bearer(&self, token: &SecretRef) -> Result<HeaderValue, DeliveryError> {
        let (place, secret) = match token {
            SecretRef::File(path) => ("file", std::fs::read_to_string(path).ok()),
            SecretRef::Env(name) => ("env", std::env::var(name).ok()),
        };
        let secret = Zeroizing::new(secret.ok_or(DeliveryError::Token(place))?);
        let value = Zeroizing::new(format!("Bearer {}", secret.trim_end_matches(['\r', '\n'])));
        let mut value = HeaderValue::from_str(&value).map_err(|_| DeliveryError::Token(place))?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, DeliveryError> {
        let opened = tokio::time::timeout(CONNECT_WAIT, self.open());
        opened.await.map_err(|_| DeliveryError::Late)?
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, DeliveryError> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let tcp = TcpStream::connect((host, self.port)).await?;
        tcp.set_nodelay(true)?;
        match &self.tls {
            None => speak(tcp).await,
            Some((connector, name)) => speak(connector.connect(name.clone(), tcp).await?).await,
        }
    }
}

async fn speak<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, DeliveryError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; what goes wrong in it, the sender's next use says.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

fn connector(setting: &HttpSink) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    match &setting.ca {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(|all| all.collect::<Result<Vec<_>, _>>())
                .map_err(|e| format!("`ca`: `{}`: {e}", path.display()))?;
            for certificate in certificates {
                roots.add(certificate).map_err(|e| format!("`ca`: `{}`: {e}", path.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("no authority to trust: set `ca`".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
