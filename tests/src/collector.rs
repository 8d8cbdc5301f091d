//! A collector of events over HTTP, which can go down and come back where it was.
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::serve::serve;

/// One delivery.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// What it was answered.
    pub status: u16,
}

impl Posted {
    /// The events in it.
    pub fn events(&self) -> Vec<Value> {
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
    /// What it says beside its status.
    said: Mutex<Bytes>,
}

/// A collector that is posted to; what it got outlives its going down.
pub struct Collector {
    address: SocketAddr,
    shelf: Arc<Shelf>,
    serving: Option<JoinHandle<()>>,
}

impl Collector {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::on(crate::listen_alone().await)
    }

    /// One at an address that is free.
    pub async fn at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).await.unwrap())
    }

    fn on(socket: TcpListener) -> Self {
        let address = socket.local_addr().unwrap();
        let shelf = Arc::new(Shelf::default());
        shelf.status.store(200, Ordering::SeqCst);
        let serving = tokio::spawn(collect(socket, Arc::clone(&shelf)));
        Self { address, shelf, serving: Some(serving) }
    }

    /// Where it is posted to.
    pub fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// What it answers from now on.
    pub fn answer(&self, status: u16) {
        self.shelf.status.store(status, Ordering::SeqCst);
    }

    /// How many events one delivery may have.
    pub fn take_at_most(&self, events: usize) {
        *self.shelf.events_max.lock().unwrap() = Some(events);
    }

    /// What it says beside its status from now on.
    pub fn say(&self, text: impl Into<Bytes>) {
        *self.shelf.said.lock().unwrap() = text.into();
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
        self.serving = Some(tokio::spawn(collect(socket, Arc::clone(&self.shelf))));
    }

    /// Every delivery that came to its end, whatever it was answered.
    pub fn posted(&self) -> Vec<Posted> {
        self.shelf.posted.lock().unwrap().clone()
    }

    /// The deliveries that came after the first so many.
    pub(crate) fn posted_since(&self, before: usize) -> Vec<Posted> {
        self.shelf.posted.lock().unwrap()[before..].to_vec()
    }

    /// Every event that was taken, in the order of its coming; some may have come twice.
    pub fn events(&self) -> Vec<Value> {
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
    serve(socket, move |request| take(request, Arc::clone(&shelf))).await;
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
    let said = shelf.said.lock().unwrap().clone();
    shelf.posted.lock().unwrap().push(Posted { headers: parts.headers, body, status });
    Ok(Response::builder().status(status).body(Full::new(said)).unwrap())
}
