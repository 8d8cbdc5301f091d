//! A client that speaks HTTP/1.1 or HTTP/2 properly, in clear text or over TLS.
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::certificates::{Certificates, Identity, provider};
use crate::wait::within;

/// A request's body.
pub type Body = BoxBody<Bytes, Infallible>;

/// A body whose length is known.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

/// A body whose length is not known, and the end that its pieces are put in.
pub fn streamed() -> (BodySender, Body) {
    let (sender, pieces) = mpsc::unbounded::<Bytes>();
    let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    (BodySender(sender), BodyExt::boxed(StreamBody::new(frames)))
}

/// Where a streamed body's pieces are put in; the body ends when it is dropped.
#[derive(Debug)]
pub struct BodySender(mpsc::UnboundedSender<Bytes>);

impl BodySender {
    /// Puts a piece in; whether anybody still wants it.
    pub fn send(&self, piece: impl Into<Bytes>) -> bool {
        self.0.unbounded_send(piece.into()).is_ok()
    }
}

/// An answer that was read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {:?}", self.body))
    }

    /// A refusal's code; empty when it is no refusal.
    pub fn code(&self) -> String {
        match self.headers.get("content-type") {
            Some(word) if word == "application/problem+json" => {
                self.json()["code"].as_str().unwrap_or_default().to_owned()
            }
            _ => String::new(),
        }
    }
}

enum Sender {
    H1(http1::SendRequest<Body>),
    H2(http2::SendRequest<Body>),
}

/// One connection.
pub struct HttpClient {
    sender: Sender,
    driving: tokio::task::JoinHandle<()>,
}

impl Drop for HttpClient {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

/// A connection to a TLS listener, without any HTTP on it.
pub async fn tls(
    address: SocketAddr,
    identity: Option<&Identity>,
    alpn: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let io = within("a connection", TcpStream::connect(address)).await?;
    tls_over(io, identity, Some(alpn)).await
}

/// The same on a connection that stands.
pub async fn tls_over<S: AsyncRead + AsyncWrite + Unpin>(
    io: S,
    identity: Option<&Identity>,
    alpn: Option<&str>,
) -> std::io::Result<tokio_rustls::client::TlsStream<S>> {
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(Certificates::shared().authority.roots());
    let mut config = match identity.map(Identity::to_rustls) {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|alpn| alpn.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    within("a handshake", connector.connect(name, io)).await
}

impl HttpClient {
    /// HTTP/1.1, or HTTP/2 by prior knowledge, in clear text.
    pub async fn plain(address: SocketAddr, h2: bool) -> Self {
        let io = within("a connection", TcpStream::connect(address)).await.unwrap();
        io.set_nodelay(true).unwrap();
        Self::over(io, h2).await
    }

    /// HTTP/1.1, or HTTP/2 by prior knowledge, over a unix socket.
    pub async fn unix(path: &std::path::Path, h2: bool) -> Self {
        Self::over(within("a connection", UnixStream::connect(path)).await.unwrap(), h2).await
    }

    /// TLS with an identity or without; the version is what the other side chooses.
    ///
    /// # Errors
    /// When the other side refuses the handshake.
    pub async fn tls(
        address: SocketAddr,
        identity: Option<&Identity>,
        h2: bool,
    ) -> std::io::Result<Self> {
        let io = tls(address, identity, if h2 { "h2" } else { "http/1.1" }).await?;
        let h2 = io.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Self::over(io, h2).await)
    }

    /// HTTP/1.1, or HTTP/2, on a connection that stands.
    pub async fn over<S>(io: S, h2: bool) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(io);
        // A connection that breaks shows in its calls.
        if h2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            let driving = tokio::spawn(async { drop(connection.await) });
            return Self { sender: Sender::H2(sender), driving };
        }
        let (sender, connection) = http1::handshake(io).await.unwrap();
        let driving = tokio::spawn(async { drop(connection.await) });
        Self { sender: Sender::H1(sender), driving }
    }

    /// Another sender on the same connection of HTTP/2, which lasts as long as this client.
    ///
    /// # Panics
    /// When it is HTTP/1.1.
    pub fn again(&self) -> Self {
        match &self.sender {
            Sender::H1(_) => panic!("one call after the other"),
            Sender::H2(sender) => {
                Self { sender: Sender::H2(sender.clone()), driving: tokio::spawn(async {}) }
            }
        }
    }

    /// Whether HTTP/2 is spoken.
    pub fn is_h2(&self) -> bool {
        matches!(self.sender, Sender::H2(_))
    }

    /// A request's beginning with the target that its version wants.
    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        match self.sender {
            Sender::H1(_) => {
                Request::builder().method(method).uri(path).header("host", "localhost")
            }
            Sender::H2(_) => {
                Request::builder().method(method).uri(format!("http://localhost{path}"))
            }
        }
    }

    /// Sends a request and reads the answer's head.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn begin(
        &mut self,
        request: Request<Body>,
    ) -> hyper::Result<http::Response<Incoming>> {
        let sent = async {
            match &mut self.sender {
                Sender::H1(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Sender::H2(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            }
        };
        within("an answer's head", sent).await
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is none, or not all of it.
    pub async fn try_send(&mut self, request: Request<Body>) -> hyper::Result<Reply> {
        let (parts, body) = self.begin(request).await?.into_parts();
        let body = within("an answer's body", body.collect()).await?.to_bytes();
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// When there is none, or not all of it.
    pub async fn send(&mut self, request: Request<Body>) -> Reply {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Posts a body of a content type.
    pub async fn post(&mut self, path: &str, content_type: &str, body: Body) -> Reply {
        let request = self.request("POST", path).header("content-type", content_type);
        self.send(request.body(body).unwrap()).await
    }

    /// Gets a path.
    pub async fn get(&mut self, path: &str) -> Reply {
        let request = self.request("GET", path).body(full("")).unwrap();
        self.send(request).await
    }

    /// Waits until the connection has ended.
    pub async fn ended(&mut self) {
        let _ = within("the connection's end", &mut self.driving).await;
    }
}
