//! The scripted agent: a plain HTTP client that speaks MCP's stateless generation by hand.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::stage::DemoFault;

/// How long the agent waits for one answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One call of the script.
#[derive(Clone, Debug)]
pub(super) struct Say {
    pub(super) method: Method,
    /// Behind the gate's prefix or the server's own path.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Say {
    /// Calls a tool.
    pub(super) fn tool(name: &str, arguments: Value) -> Self {
        let params = json!({ "name": name, "arguments": arguments });
        Self::rpc("tools/call", params, Some(name))
    }

    /// Any JSON-RPC request of MCP 2026-07-28, with the headers that mirror it.
    pub(super) fn rpc(method: &str, mut params: Value, name: Option<&str>) -> Self {
        if let Some(params) = params.as_object_mut() {
            params.insert(
                "_meta".to_owned(),
                json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": { "name": "demo-agent", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                    "progressToken": 1,
                }),
            );
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
            ("mcp-protocol-version", "2026-07-28".to_owned()),
            ("mcp-method", method.to_owned()),
        ];
        headers.extend(name.map(|name| ("mcp-name", name.to_owned())));
        Self { method: Method::POST, path: "/mcp".to_owned(), headers, body: body.to_string() }
    }

    /// A plain HTTP call.
    pub(super) fn http(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: Vec::new(), body: String::new() }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) took: Duration,
}

impl Heard {
    /// The refusal's code, wherever the protocol put it.
    pub(super) fn code(&self) -> Option<String> {
        let document = serde_json::from_str::<Value>(&self.body).ok()?;
        let places = ["/code", "/error/data/code"];
        if let Some(code) = places.iter().find_map(|place| document.pointer(place)?.as_str()) {
            return Some(code.to_owned());
        }
        let meta = document.pointer("/result/_meta")?.as_object()?;
        meta.values().find_map(|decision| decision.get("code")?.as_str().map(str::to_owned))
    }

    /// The record's receipt.
    pub(super) fn receipt(&self) -> Option<String> {
        Some(self.headers.get(crate::answer::RECEIPT)?.to_str().ok()?.to_owned())
    }
}

/// Says something over a plain connection.
pub(super) async fn say(to: SocketAddr, say: &Say) -> Result<Heard, DemoFault> {
    let io = TcpStream::connect(to).await?;
    io.set_nodelay(true)?;
    exchange(io, to, say).await
}

/// Says something over TLS.
pub(super) async fn say_tls(
    to: SocketAddr,
    tls: &Arc<rustls::ClientConfig>,
    say: &Say,
) -> Result<Heard, DemoFault> {
    let io = TcpStream::connect(to).await?;
    let name = rustls_pki_types::ServerName::try_from("localhost").map_err(fault)?;
    let io = tokio_rustls::TlsConnector::from(Arc::clone(tls)).connect(name, io).await?;
    exchange(io, to, say).await
}

async fn exchange<S>(io: S, to: SocketAddr, say: &Say) -> Result<Heard, DemoFault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(fault)?;
    let driving = tokio::spawn(connection);
    let mut request = Request::builder().method(say.method.clone()).uri(&say.path);
    request = request.header("host", to.to_string());
    for (name, value) in &say.headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(say.body.clone()))).map_err(fault)?;
    let began = Instant::now();
    let whole = async {
        let answer = sender.send_request(request).await.map_err(fault)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(fault)?.to_bytes();
        Ok::<_, DemoFault>((parts, body))
    };
    let (parts, body) = tokio::time::timeout(PATIENCE, whole).await.map_err(fault)??;
    driving.abort();
    Ok(Heard {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        took: began.elapsed(),
    })
}

fn fault(error: impl std::fmt::Display) -> DemoFault {
    DemoFault::Agent(error.to_string())
}

/// The demo's certificates: an authority, the gate's, and a client that no registry knows.
pub(super) struct Strangers {
    authority: String,
    gate: (String, String),
    client: (String, String),
}

impl Strangers {
    /// Makes them; they live as long as the demo.
    pub(super) fn make() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let issue = |names: Vec<SanType>| {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::default();
            params.subject_alt_names = names;
            let certificate = params.signed_by(&key, &authority)?;
            Ok::<_, rcgen::Error>((certificate.pem(), key.serialize_pem()))
        };
        let gate = issue(vec![SanType::DnsName("localhost".try_into()?)])?;
        let client = issue(vec![SanType::URI("spiffe://demo/agents/stranger".try_into()?)])?;
        Ok(Self { authority: authority.pem(), gate, client })
    }

    /// Writes what the gate reads, and the client's pair for whoever wants to try it.
    pub(super) fn write(&self, dir: &Path) -> std::io::Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        std::fs::write(dir.join("ca.pem"), &self.authority)?;
        std::fs::write(dir.join("gate.pem"), &self.gate.0)?;
        std::fs::write(dir.join("stranger.pem"), &self.client.0)?;
        for (name, key) in [("gate.key", &self.gate.1), ("stranger.key", &self.client.1)] {
            let mut options = std::fs::OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            options.open(dir.join(name))?.write_all(key.as_bytes())?;
        }
        Ok(())
    }

    /// The stranger's TLS, read back from where it was written.
    pub(super) fn read(dir: &Path) -> Result<Arc<rustls::ClientConfig>, DemoFault> {
        use crate::listen::{read_certificates, read_key};
        let mut roots = rustls::RootCertStore::empty();
        for authority in read_certificates("the authority", &dir.join("ca.pem")).map_err(fault)? {
            roots.add(authority).map_err(fault)?;
        }
        let chain =
            read_certificates("the certificate", &dir.join("stranger.pem")).map_err(fault)?;
        let key = read_key("the key", &dir.join("stranger.key")).map_err(fault)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(fault)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(fault)?;
        Ok(Arc::new(config))
    }
}
