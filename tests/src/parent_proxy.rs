//! The proxy of a network, which leads where it is asked to, or does not.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Identity, provider};

/// What it does when it is asked for a tunnel.
#[derive(Clone, Debug)]
pub enum Leads {
    /// It says so and carries bytes.
    Whither,
    /// It says this and closes.
    Says(String),
    /// It says nothing.
    Stalls,
}

/// One tunnel that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tunnelled {
    /// Its target as it was written.
    pub target: String,
    /// What was shown of credentials.
    pub authorization: Option<String>,
}

#[derive(Default)]
struct State {
    asked: Mutex<Vec<Tunnelled>>,
    leads: Mutex<Option<Leads>>,
    names: Mutex<HashMap<String, SocketAddr>>,
}

/// The proxy; ends when dropped.
pub struct ParentProxy {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl Drop for ParentProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl ParentProxy {
    /// Starts one that leads to every address.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts one that is spoken to in TLS.
    pub async fn tls(identity: &Identity) -> Self {
        let (chain, key) = identity.to_rustls();
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::start_with(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(State::default());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let serving = tokio::spawn(accept(socket, tls, Arc::clone(&state)));
        Self { address, scheme, state, serving }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Its authority.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// What it does from now on.
    pub fn set(&self, leads: Leads) {
        *self.state.leads.lock().unwrap() = Some(leads);
    }

    /// Where a name with its port leads.
    pub fn name(&self, target: &str, address: SocketAddr) {
        self.state.names.lock().unwrap().insert(target.to_owned(), address);
    }

    /// Every tunnel that was asked for.
    pub fn asked(&self) -> Vec<Tunnelled> {
        self.state.asked.lock().unwrap().clone()
    }

    /// The same; forgets them.
    pub fn take_asked(&self) -> Vec<Tunnelled> {
        std::mem::take(&mut self.state.asked.lock().unwrap())
    }
}

async fn accept(socket: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let Ok((io, _)) = socket.accept().await else { return };
        let _ = io.set_nodelay(true);
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        tasks.spawn(async move {
            match tls {
                None => serve(io, state).await,
                Some(tls) => {
                    // Whoever does not trust it asks for nothing.
                    if let Ok(io) = tls.accept(io).await {
                        serve(io, state).await;
                    }
                }
            }
        });
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut io: S, state: Arc<State>) {
    let mut head = Vec::new();
    // A byte at a time: what follows belongs to the tunnel.
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = io.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default();
    let target = line.strip_prefix("CONNECT ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let target = target.unwrap_or_else(|| panic!("no tunnel was asked for: {head}")).to_owned();
    let authorization = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: "));
    let authorization = authorization.map(str::to_owned);
    state.asked.lock().unwrap().push(Tunnelled { target: target.clone(), authorization });
    let leads = state.leads.lock().unwrap().clone().unwrap_or(Leads::Whither);
    match leads {
        Leads::Whither => {}
        Leads::Says(text) => {
            let _ = io.write_all(text.as_bytes()).await;
            return;
        }
        Leads::Stalls => return std::future::pending().await,
    }
    let named = state.names.lock().unwrap().get(&target).copied();
    let Some(address) = named.or_else(|| target.parse().ok()) else {
        let _ = io.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await;
        return;
    };
    let Ok(mut far) = TcpStream::connect(address).await else { return };
    if io.write_all(b"HTTP/1.1 200 Connection established\r\nvia: parent\r\n\r\n").await.is_ok() {
        let _ = copy_bidirectional(&mut io, &mut far).await;
    }
}
