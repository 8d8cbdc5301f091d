//! A tool server and the agents that call it, over loopback and HTTP/1.1: no more than it takes to
//! keep a gate busy.
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// A message at its largest; nothing here comes near it.
const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// A server that answers whatever it is asked with this document; it lives as long as the runtime.
pub(crate) async fn serve(document: &str) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("its address");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{document}",
        document.len()
    );
    let answer: Arc<str> = answer.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(answer_all(stream, Arc::clone(&answer)));
        }
    });
    address
}

async fn answer_all(mut stream: TcpStream, answer: Arc<str>) {
    let _ = stream.set_nodelay(true);
    let mut held = Vec::new();
    while message(&mut stream, &mut held).await.is_some() {
        if stream.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
    }
}

/// One call, made again and again.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) to: SocketAddr,
    /// With the client's certificate; in cleartext without.
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
    /// Head and body, as they are sent.
    pub(crate) request: Arc<str>,
}

impl Call {
    /// A document posted to a path, with further headers (each ends with its line).
    pub(crate) fn post(to: SocketAddr, path: &str, headers: &str, document: &str) -> Self {
        let length = document.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\n{headers}\
             content-length: {length}\r\n\r\n{document}"
        );
        Self { to, tls: None, request: request.into() }
    }

    /// So many agents at once, each with a connection of its own that is kept, make so many calls
    /// together.
    pub(crate) async fn make(&self, at_once: usize, calls: usize) {
        let agents = (0..at_once).map(|_| tokio::spawn(self.clone().agent(calls / at_once)));
        for agent in agents.collect::<Vec<_>>() {
            agent.await.expect("every call was answered");
        }
    }

    async fn agent(self, calls: usize) {
        let stream = TcpStream::connect(self.to).await.expect("somebody listens");
        stream.set_nodelay(true).expect("a socket");
        match &self.tls {
            None => talk(stream, &self.request, calls).await,
            Some(tls) => {
                let name = ServerName::from(self.to.ip());
                let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
                talk(stream.expect("a handshake"), &self.request, calls).await;
            }
        }
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str, calls: usize) {
    let mut held = Vec::new();
    for _ in 0..calls {
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let head = message(&mut stream, &mut held).await.expect("it answers");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
}

/// The head of the next message, after its body was read as well. `None` when the other side has
/// gone, or speaks differently.
async fn message(stream: &mut (impl AsyncRead + Unpin), held: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some((head, length)) = whole(held) {
            held.drain(..length);
            return Some(head);
        }
        if held.len() > MESSAGE_BYTES_MAX || stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
}

/// The head of a message that is all there, and its length.
fn whole(held: &[u8]) -> Option<(String, usize)> {
    let at = memchr::memmem::find(held, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(held.get(..at)?).into_owned();
    let value = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value))
    };
    let end = if value("transfer-encoding") == Some("chunked") {
        at + memchr::memmem::find(held.get(at..)?, b"0\r\n\r\n")? + 5
    } else {
        at + value("content-length").map_or(Some(0), |length| length.parse().ok())?
    };
    (held.len() >= end).then_some((head, end))
}
