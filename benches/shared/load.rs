//! A tool server and the agents that call it, over loopback and HTTP/1.1: no more than it takes to
//! keep a gate busy.
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// A message at its largest; nothing here comes near it.
const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// The answer that is a document.
pub(crate) fn document(text: &str) -> Vec<String> {
    let length = text.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    vec![format!("{head}\r\ncontent-length: {length}\r\n\r\n{text}")]
}

/// A server that answers whatever it is asked with these pieces, each written by itself; it lives
/// as long as the runtime.
pub(crate) async fn serve(answer: Vec<String>) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("its address");
    let answer: Arc<[String]> = answer.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(answer_all(stream, Arc::clone(&answer)));
        }
    });
    address
}

async fn answer_all(mut stream: TcpStream, answer: Arc<[String]>) {
    let _ = stream.set_nodelay(true);
    let mut held = Held::default();
    while message(&mut stream, &mut held).await.is_some() {
        for piece in answer.iter() {
            if stream.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// One call, made again and again.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) to: SocketAddr,
    /// With the client's certificate; in cleartext without.
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
    /// A connection of its own for each call, in place of one that is kept.
    pub(crate) fresh: bool,
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
        Self { to, tls: None, fresh: false, request: request.into() }
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
        let (connections, calls) = if self.fresh { (calls, 1) } else { (1, calls) };
        for _ in 0..connections {
            drop(self.connected(calls).await);
        }
    }

    /// So many calls over a new connection, which is given back open.
    pub(crate) async fn connected(&self, calls: usize) -> Opened {
        let stream = TcpStream::connect(self.to).await.expect("somebody listens");
        stream.set_nodelay(true).expect("a socket");
        let mut stream: Opened = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::from(self.to.ip());
                let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
                Box::new(stream.expect("a handshake"))
            }
        };
        talk(&mut stream, &self.request, calls).await;
        stream
    }
}

/// A connection, in TLS or not.
pub(crate) type Opened = Box<dyn Talk>;

/// What can be read and written.
pub(crate) trait Talk: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Talk for T {}

async fn talk(stream: &mut Opened, request: &str, calls: usize) {
    let mut held = Held::default();
    for _ in 0..calls {
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let head = message(stream, &mut held).await.expect("it answers");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
}

/// The head of the next message, after its body was read as well. `None` when the other side has
/// gone, or speaks differently.
pub(crate) async fn message(
    stream: &mut (impl AsyncRead + Unpin),
    held: &mut Held,
) -> Option<String> {
    loop {
        if let Some(head) = held.whole() {
            return Some(head);
        }
        if held.bytes.len() > MESSAGE_BYTES_MAX || stream.read_buf(&mut held.bytes).await.ok()? == 0
        {
            return None;
        }
    }
}

/// What was read and belongs to a message that is not all there.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    /// How far the end was looked for.
    looked: usize,
    body: Option<Body>,
}

/// Where a body begins, and how long it is; in chunks without.
#[derive(Clone, Copy)]
struct Body {
    at: usize,
    length: Option<usize>,
}

impl Held {
    /// The head of a message that is all there, which is let go.
    pub(crate) fn whole(&mut self) -> Option<String> {
        let body = match self.body {
            Some(body) => body,
            None => *self.body.insert(Body::of(&self.bytes)?),
        };
        let end = match body.length {
            Some(length) => Some(body.at + length).filter(|end| *end <= self.bytes.len()),
            None => self.last_chunk(body.at),
        }?;
        let head = String::from_utf8_lossy(self.bytes.get(..body.at)?).into_owned();
        self.bytes.drain(..end);
        (self.looked, self.body) = (0, None);
        Some(head)
    }

    fn last_chunk(&mut self, at: usize) -> Option<usize> {
        const LAST: &[u8] = b"\r\n0\r\n\r\n";
        // It may have begun in what was looked at, and an empty body has it behind its head.
        let from = self.looked.saturating_sub(LAST.len()).max(at - 2);
        let found = memchr::memmem::find(self.bytes.get(from..)?, LAST);
        self.looked = self.bytes.len();
        found.map(|found| from + found + LAST.len())
    }
}

impl Body {
    fn of(held: &[u8]) -> Option<Self> {
        let at = memchr::memmem::find(held, b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(held.get(..at)?);
        let value = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value))
        };
        if value("transfer-encoding") == Some("chunked") {
            return Some(Self { at, length: None });
        }
        let length = value("content-length").map_or(Some(0), |length| length.parse().ok())?;
        Some(Self { at, length: Some(length) })
    }
}
