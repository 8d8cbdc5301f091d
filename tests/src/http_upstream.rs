//! A tool server that speaks HTTP/1.1 and HTTP/2 properly, in clear text or over TLS.
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Identity, provider};
use crate::wait::until;

/// One request as it was understood.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The version it came in.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The authority: `:authority` or `Host`.
    pub authority: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// The client certificate's DER, when one was presented.
    pub certificate: Option<Vec<u8>>,
}

/// The server; ends when dropped. It answers `{"bytes":<length of the body>}`.
pub struct HttpUpstream {
    address: SocketAddr,
    scheme: &'static str,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Semaphore>,
    serving: JoinHandle<()>,
}

/// While it lasts nothing is answered.
pub struct Held(Arc<Semaphore>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Drop for HttpUpstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl HttpUpstream {
    /// HTTP/1.1 in clear text.
    pub async fn h1() -> Self {
        Self::start(None, false).await
    }

    /// HTTP/2 by prior knowledge.
    pub async fn h2() -> Self {
        Self::start(None, true).await
    }

    /// TLS; `h2` offers HTTP/2, too. With `clients`, a client certificate of theirs is required.
    pub async fn tls(identity: &Identity, h2: bool, clients: Option<&Authority>) -> Self {
        Self::tls_to(identity, h2, clients.map(Authority::roots)).await
    }

    /// The same, with the authorities of clients themselves.
    pub async fn tls_to(
        identity: &Identity,
        h2: bool,
        clients: Option<rustls::RootCertStore>,
    ) -> Self {
        let (chain, key) = identity.to_rustls();
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(clients) => {
                let roots = Arc::new(clients);
                config.with_client_cert_verifier(
                    rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider())
                        .build()
                        .unwrap(),
                )
            }
        };
        let mut config = config.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = match h2 {
            true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            false => vec![b"http/1.1".to_vec()],
        };
        Self::start(Some(TlsAcceptor::from(Arc::new(config))), h2).await
    }

    async fn start(tls: Option<TlsAcceptor>, h2: bool) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Semaphore::new(1));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let serving =
            tokio::spawn(accept(socket, tls, h2, Arc::clone(&heard), Arc::clone(&answers)));
        Self { address, scheme, heard, answers, serving }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, by address.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Answers nothing until what it gives is dropped.
    pub fn hold(&self) -> Held {
        let taken = self.answers.try_acquire().expect("it is not held");
        taken.forget();
        Held(Arc::clone(&self.answers))
    }

    /// Every request so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Every request so far; forgets them.
    pub fn take_heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    /// Waits until so many requests were heard.
    pub async fn wait_heard(&self, count: usize) -> Vec<Heard> {
        until("requests", async || {
            let heard = self.heard();
            (heard.len() >= count).then_some(heard)
        })
        .await
    }
}

async fn accept(
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    h2: bool,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Semaphore>,
) {
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0.. {
        let Ok((io, _)) = socket.accept().await else { return };
        let _ = io.set_nodelay(true);
        let (tls, heard) = (tls.clone(), Arc::clone(&heard));
        let answers = Arc::clone(&answers);
        tasks.spawn(async move {
            let Some(tls) = tls else {
                return serve(io, h2, connection, None, heard, answers).await;
            };
            let Ok(io) = tls.accept(io).await else { return };
            let session = io.get_ref().1;
            let h2 = session.alpn_protocol() == Some(b"h2");
            let certificate = session.peer_certificates().map(|chain| chain[0].to_vec());
            serve(io, h2, connection, certificate, heard, answers).await;
        });
    }
}

async fn serve<S>(
    io: S,
    h2: bool,
    connection: usize,
    certificate: Option<Vec<u8>>,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Semaphore>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (heard, certificate) = (Arc::clone(&heard), certificate.clone());
        let answers = Arc::clone(&answers);
        async move {
            let answer = answer(request, connection, certificate, &heard).await;
            // It is closed with the server.
            let _ = answers.acquire().await;
            Ok::<_, Infallible>(answer)
        }
    });
    let io = TokioIo::new(io);
    // A connection that breaks shows on the other side.
    if h2 {
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
    }
}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    certificate: Option<Vec<u8>>,
    heard: &Mutex<Vec<Heard>>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    // Half a body is no request.
    let Ok(body) = body.collect().await else { return Response::new(Full::default()) };
    let body = body.to_bytes();
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(|authority| authority.as_str()).or(host);
    let text = format!("{{\"bytes\":{}}}", body.len());
    heard.lock().unwrap().push(Heard {
        version: parts.version,
        method: parts.method,
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        authority: authority.unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        connection,
        certificate,
    });
    Response::builder().header("content-type", "application/json").body(Full::from(text)).unwrap()
}
