//! A collector that syslog is sent to; it can go down and come back where it was.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
pub(crate) use tollgate_tests::Collector;

/// A collector that syslog is sent to over TCP.
pub(crate) struct Syslog {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    serving: Option<JoinHandle<()>>,
}

impl Syslog {
    pub(crate) async fn start() -> Self {
        let socket = tollgate_tests::listen_alone().await;
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
