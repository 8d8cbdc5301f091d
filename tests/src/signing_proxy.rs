//! A signing proxy on the wire: HTTPS that asks for a client certificate, a bearer token, both
//! forms of request, and faults to order.
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Certificates, Identity, provider};
use crate::world::Builder;

/// What the proxy does with requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Signs.
    Sign,
    /// Signs, after so long.
    Slow(Duration),
    /// Answers nothing, with the connection open.
    Hang,
    /// Answers 500.
    Fail,
    /// Signs with another key.
    WrongKey,
    /// Signs something else.
    WrongSignature,
    /// Answers what is no answer.
    Garbage,
    /// Takes neither the token nor the certificate for good.
    Refuse,
}

/// The proxy; ends when dropped.
pub struct SigningProxy {
    address: SocketAddr,
    desk: Arc<Desk>,
    gate: Identity,
    tls: TlsAcceptor,
    serving: Option<JoinHandle<()>>,
}

struct Desk {
    key: Ed25519KeyPair,
    other: Ed25519KeyPair,
    manner: Mutex<Manner>,
    asked: Mutex<usize>,
}

impl Drop for SigningProxy {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl SigningProxy {
    /// The bearer token that it wants, which must be nowhere in what a gate writes.
    pub const TOKEN: &str = "canary-5f1c-signing-token";

    /// Starts one with a key of its own.
    pub async fn start() -> Self {
        let clients = Authority::new("signing-clients.test");
        let gate = clients.client(&["spiffe://acme.test/gates/one"], None);
        let socket = crate::listen_alone().await;
        let address = socket.local_addr().unwrap();
        let desk = Arc::new(Desk {
            key: Ed25519KeyPair::generate().unwrap(),
            other: Ed25519KeyPair::generate().unwrap(),
            manner: Mutex::new(Manner::Sign),
            asked: Mutex::new(0),
        });
        let tls = acceptor(&clients, address);
        let serving = Some(tokio::spawn(accept(socket, tls.clone(), Arc::clone(&desk))));
        Self { address, desk, gate, tls, serving }
    }

    /// Lets it sign for a gate: `events` is `session` or `service`, `form` is `hash` or `payload`.
    #[must_use]
    pub fn sign_for(&self, builder: Builder, events: &str, form: &str) -> Builder {
        let mut service = json!({
            "type": "signing_proxy",
            "url": format!("https://{}/signer", self.address),
            "form": form,
            "public_key": "signing-proxy.pem",
            "api_key": { "file": "signing-token" },
            "ca": "ca.pem",
            "client_certificate": "gate.pem",
            "client_key": "gate.key",
        });
        if form == "payload" {
            service["key_id"] = "audit".into();
        }
        let der: PublicKeyX509Der<'_> = self.desk.key.public_key().as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");
        builder
            .set("/audit/signer/service", service)
            .set("/audit/signer/events", events)
            .set("/audit/signer/deadline_ms", 500)
            .file("signing-proxy.pem", pem)
            .file("signing-token", Self::TOKEN)
            .file("gate.pem", self.gate.certificate.as_str())
            .file("gate.key", self.gate.key.as_str())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from now on.
    pub fn set(&self, manner: Manner) {
        *self.desk.manner.lock().unwrap() = manner;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        *self.desk.asked.lock().unwrap()
    }

    /// Drops its connections and takes no more.
    pub async fn down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Takes connections again, at the same address.
    pub async fn up(&mut self) {
        let socket = TcpListener::bind(self.address).await.unwrap();
        self.serving = Some(tokio::spawn(accept(socket, self.tls.clone(), Arc::clone(&self.desk))));
    }
}

fn acceptor(clients: &Authority, address: SocketAddr) -> TlsAcceptor {
    // By the last name it is somewhere else.
    let ip = address.ip().to_string();
    let names = ["localhost", ip.as_str(), "signer.test"];
    let (chain, key) = Certificates::shared().authority.server(&names).to_rustls();
    let roots = Arc::new(clients.roots());
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider());
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(socket: TcpListener, tls: TlsAcceptor, desk: Arc<Desk>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        let (tls, desk) = (tls.clone(), Arc::clone(&desk));
        connections.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(move |request| serve(request, Arc::clone(&desk)));
            // A connection that breaks shows on the other side.
            let serving = hyper::server::conn::http1::Builder::new();
            let _ = serving.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn serve(
    request: Request<Incoming>,
    desk: Arc<Desk>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    *desk.asked.lock().unwrap() += 1;
    let manner = *desk.manner.lock().unwrap();
    let token = head.headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let known = token == Some(format!("Bearer {}", SigningProxy::TOKEN).as_bytes());
    let (status, text) = match manner {
        _ if !known => (401, String::new()),
        Manner::Refuse => (403, String::new()),
        Manner::Fail => (500, String::new()),
        Manner::Garbage => (200, "<html>not from here</html>".to_owned()),
        Manner::Hang => std::future::pending().await,
        _ => match message(head.uri.path(), &body) {
            Some((form, message)) => (200, answer(&desk, manner, form, &message).await.to_string()),
            None => (400, String::new()),
        },
    };
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
}

/// The form, and what is to be signed.
fn message<'a>(path: &'a str, body: &[u8]) -> Option<(&'a str, Vec<u8>)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let message = match path {
        "/signer/sign/hash" => hex::decode(body["digest_hex"].as_str()?).ok()?,
        "/signer/sign" if body["key_id"] == "audit" => {
            STANDARD.decode(body["payload_b64"].as_str()?).ok()?
        }
        _ => return None,
    };
    (message.len() == 32).then_some((path, message))
}

async fn answer(desk: &Desk, manner: Manner, form: &str, message: &[u8]) -> Value {
    if let Manner::Slow(wait) = manner {
        tokio::time::sleep(wait).await;
    }
    let signature = match manner {
        Manner::WrongKey => desk.other.sign(message),
        Manner::WrongSignature => desk.key.sign(b"something else"),
        _ => desk.key.sign(message),
    };
    let signature = STANDARD.encode(signature);
    match form {
        "/signer/sign/hash" => json!({ "kid": "audit", "alg": "ed25519", "signature": signature }),
        _ => json!({ "signature_b64": signature, "signer_id": "audit" }),
    }
}
