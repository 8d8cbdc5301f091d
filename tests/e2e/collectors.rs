//! Collectors of events: one that is posted to, one that syslog is sent to. Both can go down and
//! come back where they were.
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// One delivery.
#[derive(Clone)]
pub(crate) struct Posted {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What it was answered.
    pub(crate) status: u16,
}

impl Posted {
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[derive(Default)]
struct Shelf {
    posted: Mutex<Vec<Posted>>,
    status: AtomicU16,
    /// Larger deliveries are answered 413.
    events_max: Mutex<Option<usize>>,
}

/// A collector that is posted to; what it got outlives its going down.
pub(crate) struct Collector {
    address: SocketAddr,
    shelf: Arc<Shelf>,
    serving: Option<JoinHandle<()>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    /// One at an address that is free.
    pub(crate) async fn at(address: SocketAddr) -> Self {
        let socket = TcpListener::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let shelf = Arc::new(Shelf::default());
        shelf.status.store(200, Ordering::SeqCst);
        let serving = tokio::spawn(collect(socket, Arc::clone(&shelf)));
        Self { address, shelf, serving: Some(serving) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// What it answers from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.shelf.status.store(status, Ordering::SeqCst);
    }

    /// How many events one delivery may have.
    pub(crate) fn take_at_most(&self, events: usize) {
        *self.shelf.events_max.lock().unwrap() = Some(events);
    }

    pub(crate) async fn down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    pub(crate) async fn up(&mut self) {
        let socket = TcpListener::bind(self.address).await.unwrap();
        self.serving = Some(tokio::spawn(collect(socket, Arc::clone(&self.shelf))));
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.shelf.posted.lock().unwrap().clone()
    }

    /// Every event that was taken, in the order of its coming; some may have come twice.
    pub(crate) fn events(&self) -> Vec<Value> {
        let posted = self.posted();
        posted.iter().filter(|posted| posted.status == 200).flat_map(Posted::events).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn collect(socket: TcpListener, shelf: Arc<Shelf>) {
    let mut tasks = JoinSet::new();
    while let Ok((io, _)) = socket.accept().await {
        let shelf = Arc::clone(&shelf);
        tasks.spawn(async move {
            let service = service_fn(move |request| take(request, Arc::clone(&shelf)));
            // A connection that breaks shows on the other side.
            let serving = hyper::server::conn::http1::Builder::new();
            let _ = serving.serve_connection(TokioIo::new(io), service).await;
        });
    }
}

async fn take(
    request: Request<Incoming>,
    shelf: Arc<Shelf>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::default()) };
    let body = body.to_bytes();
    let mut status = shelf.status.load(Ordering::SeqCst);
    let lines = body.iter().filter(|byte| **byte == b'\n').count();
    if shelf.events_max.lock().unwrap().is_some_and(|most| lines > most) {
        status = 413;
    }
    shelf.posted.lock().unwrap().push(Posted { headers: parts.headers, body, status });
    Ok(Response::builder().status(status).body(Full::default()).unwrap())
}

/// A collector that syslog is sent to over TCP.
pub(crate) struct Syslog {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    serving: Option<JoinHandle<()>>,
}

impl Syslog {
    pub(crate) async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let serving = Some(tokio::spawn(receive(socket, Arc::clone(&received))));
        Self { address, received, serving }
    }

    pub(crate) async fn down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    pub(crate) async fn up(&mut self) {
        let socket = TcpListener::bind(self.address).await.unwrap();
        self.serving = Some(tokio::spawn(receive(socket, Arc::clone(&self.received))));
    }

    /// All that came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.received.lock().unwrap().clone()
    }

    /// The whole frames that came, without their counts.
    pub(crate) fn frames(&self) -> Vec<String> {
        frames(&self.bytes())
    }
}

/// The whole frames of some bytes (RFC 6587 section 3.4.1), without their counts.
pub(crate) fn frames(mut rest: &[u8]) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(blank) = rest.iter().position(|byte| *byte == b' ') {
        let length = std::str::from_utf8(&rest[..blank]).unwrap().parse::<usize>().unwrap();
        let Some(frame) = rest.get(blank + 1..blank + 1 + length) else { break };
        frames.push(String::from_utf8(frame.to_vec()).unwrap());
        rest = &rest[blank + 1 + length..];
    }
    frames
}

impl Drop for Syslog {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn receive(socket: TcpListener, received: Arc<Mutex<Vec<u8>>>) {
    let mut tasks = JoinSet::new();
    while let Ok((mut io, _)) = socket.accept().await {
        let received = Arc::clone(&received);
        tasks.spawn(async move {
            let mut buffer = vec![0; 65_536];
            while let Ok(read @ 1..) = io.read(&mut buffer).await {
                received.lock().unwrap().extend(&buffer[..read]);
            }
        });
    }
}
