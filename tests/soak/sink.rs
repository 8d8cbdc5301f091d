//! A collector that remembers which events it has, and can go away.
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tollgate_tests::serve;

/// How long it may take until everything has come; a gate waits longer after each try in vain.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Shelf {
    /// All events up to this one are there,
    whole_to: u64,
    /// and these.
    beyond: BTreeSet<u64>,
}

impl Shelf {
    fn take(&mut self, number: u64) {
        if number > self.whole_to {
            self.beyond.insert(number);
        }
        while self.beyond.remove(&(self.whole_to + 1)) {
            self.whole_to += 1;
        }
    }
}

pub(crate) struct Sink {
    address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    serving: Option<JoinHandle<()>>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let socket = tollgate_tests::listen_alone().await;
        let address = socket.local_addr().unwrap();
        let shelf = Arc::default();
        let serving = Some(tokio::spawn(collect(socket, Arc::clone(&shelf))));
        Self { address, shelf, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// Drops its connections and takes no more.
    pub(crate) async fn down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Takes connections again, at the same address.
    pub(crate) async fn up(&mut self) {
        if self.serving.is_none() {
            let socket = TcpListener::bind(self.address).await.unwrap();
            self.serving = Some(tokio::spawn(collect(socket, Arc::clone(&self.shelf))));
        }
    }

    /// Waits until it has every event up to this one.
    pub(crate) async fn has_all(&self, last: u64) {
        let began = Instant::now();
        loop {
            let has = self.shelf.lock().unwrap().whole_to;
            if has >= last {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the collector has {has} of {last} events");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn collect(socket: TcpListener, shelf: Arc<Mutex<Shelf>>) {
    serve(socket, move |request| take(request, Arc::clone(&shelf))).await;
}

async fn take(
    request: Request<Incoming>,
    shelf: Arc<Mutex<Shelf>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let Ok(body) = request.into_body().collect().await else { return Ok(Response::default()) };
    for line in body.to_bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_slice(line).unwrap();
        shelf.lock().unwrap().take(event["seq"].as_u64().unwrap());
    }
    Ok(Response::default())
}
