//! A tool server on a bare socket, which keeps the exact bytes that it was sent.
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::client::find;
use crate::script::{Script, Step, json_answer};
use crate::wait::until;

/// One request as it came.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// Its head, with the empty line.
    pub head: String,
    /// Its body as it stood on the wire, framing and all.
    pub raw_body: Vec<u8>,
    /// Its body without framing.
    pub body: Vec<u8>,
}

impl Seen {
    /// Method and target.
    pub fn line(&self) -> &str {
        self.head.split(" HTTP/").next().unwrap_or_default()
    }

    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}

#[derive(Default)]
struct State {
    /// One after the other; the last for ever.
    scripts: Mutex<HashMap<String, VecDeque<Script>>>,
    seen: Mutex<Vec<Seen>>,
    /// Bytes that came on each connection, read as a request or not.
    wire: Mutex<Vec<Vec<u8>>>,
    connections: AtomicUsize,
    /// The connections that the other side has ended.
    closed: Mutex<Vec<usize>>,
}

/// The server; ends when dropped.
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Upstream {
    /// Starts a server that answers `{"ok":true}` to everything that has no script.
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    /// The same at an address.
    pub async fn start_at(address: SocketAddr) -> Self {
        let socket = TcpListener::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(State::default());
        let serving = tokio::spawn(accept(socket, Arc::clone(&state)));
        Self { address, state, serving }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it answers to a path, without the query.
    pub fn on(&self, path: &str, script: Script) {
        self.state.scripts.lock().unwrap().insert(path.to_owned(), [script].into());
    }

    /// What it answers after that, when it is asked again.
    pub fn then(&self, path: &str, script: Script) {
        self.state.scripts.lock().unwrap().entry(path.to_owned()).or_default().push_back(script);
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Every request so far; forgets them.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.seen.lock().unwrap())
    }

    /// Waits for the request to a path.
    pub async fn wait_seen(&self, path: &str) -> Seen {
        let is_it = |seen: &Seen| seen.line().split(' ').nth(1) == Some(path);
        until(path, async || self.seen().into_iter().find(is_it)).await
    }

    /// All bytes that came, connection by connection.
    pub fn wire(&self) -> Vec<Vec<u8>> {
        self.state.wire.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many of them the other side has ended.
    pub fn closed(&self) -> usize {
        self.state.closed.lock().unwrap().len()
    }

    /// Waits until this connection was ended by the other side.
    pub async fn wait_ended(&self, connection: usize) {
        until("the upstream's connection to be ended", async || {
            self.state.closed.lock().unwrap().contains(&connection).then_some(())
        })
        .await;
    }

    /// Waits until so many connections were ended by the other side.
    pub async fn wait_closed(&self, count: usize) {
        until("the upstream's connection to be closed", async || {
            (self.closed() >= count).then_some(())
        })
        .await;
    }
}

impl State {
    fn end(&self, connection: usize) {
        self.closed.lock().unwrap().push(connection);
    }
}

async fn accept(socket: TcpListener, state: Arc<State>) {
    // Connections end with the server.
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let Ok((io, _)) = socket.accept().await else { return };
        let _ = io.set_nodelay(true);
        let connection = state.connections.fetch_add(1, Ordering::SeqCst);
        state.wire.lock().unwrap().push(Vec::new());
        tasks.spawn(serve(io, connection, Arc::clone(&state)));
    }
}

async fn serve(mut io: TcpStream, connection: usize, state: Arc<State>) {
    let mut buffer = Vec::new();
    loop {
        let Ok(seen) = read_request(&mut io, &mut buffer, connection, &state).await else {
            state.end(connection);
            return;
        };
        let path = seen.line().split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default().to_owned();
        state.seen.lock().unwrap().push(seen);
        let script =
            state.scripts.lock().unwrap().get_mut(&path).and_then(|scripts| match scripts.len() {
                0 | 1 => scripts.front().cloned(),
                _ => scripts.pop_front(),
            });
        let script = script.unwrap_or_else(|| json_answer(r#"{"ok":true}"#));
        if !play(&mut io, script, connection, &state).await {
            return;
        }
    }
}

/// Plays a script; whether the connection goes on.
async fn play(io: &mut TcpStream, script: Script, connection: usize, state: &State) -> bool {
    for step in script {
        let going = match step {
            Step::Send(bytes) => write(io, &bytes, connection, state).await,
            Step::Flood(bytes, times) => {
                let mut going = true;
                for _ in 0..times {
                    going = going && write(io, &bytes, connection, state).await;
                }
                going
            }
            Step::Pause(pause) => {
                !gone_while(io, tokio::time::sleep(pause), connection, state).await
            }
            Step::Gate(gate) => {
                let permit = async {
                    if let Ok(permit) = gate.acquire().await {
                        permit.forget();
                    }
                };
                !gone_while(io, permit, connection, state).await
            }
            Step::Stall => !gone_while(io, std::future::pending(), connection, state).await,
            Step::Close => {
                let _ = io.shutdown().await;
                // Until the other side has let go of it, too.
                gone_while(io, std::future::pending(), connection, state).await;
                false
            }
            Step::Reset => {
                let _ = io.set_zero_linger();
                false
            }
        };
        if !going {
            return false;
        }
    }
    true
}

async fn write(io: &mut TcpStream, bytes: &[u8], connection: usize, state: &State) -> bool {
    let written = io.write_all(bytes).await.is_ok();
    if !written {
        state.end(connection);
    }
    written
}

/// Waits for `done`, or for the other side to go away; whether it went.
async fn gone_while(
    io: &mut TcpStream,
    done: impl Future<Output = ()>,
    connection: usize,
    state: &State,
) -> bool {
    let gone = async {
        let mut extra = [0; 1024];
        while let Ok(read @ 1..) = io.read(&mut extra).await {
            state.wire.lock().unwrap()[connection].extend(&extra[..read]);
        }
    };
    tokio::select! {
        () = done => false,
        () = gone => {
            state.end(connection);
            true
        }
    }
}

async fn more(
    io: &mut TcpStream,
    buffer: &mut Vec<u8>,
    connection: usize,
    state: &State,
) -> io::Result<()> {
    let before = buffer.len();
    buffer.reserve(64 * 1024);
    if io.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    state.wire.lock().unwrap()[connection].extend(&buffer[before..]);
    Ok(())
}

async fn read_request(
    io: &mut TcpStream,
    buffer: &mut Vec<u8>,
    connection: usize,
    state: &State,
) -> io::Result<Seen> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        more(io, buffer, connection, state).await?;
    };
    let head = buffer.drain(..end).collect::<Vec<_>>();
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut seen = Seen { connection, head, raw_body: Vec::new(), body: Vec::new() };
    if !seen.header("transfer-encoding").is_empty() {
        loop {
            let end = loop {
                if let Some(at) = find(buffer, b"\r\n") {
                    break at + 2;
                }
                more(io, buffer, connection, state).await?;
            };
            let size = String::from_utf8_lossy(&buffer[..end - 2]).into_owned();
            let length = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
            while buffer.len() < end + length + 2 {
                more(io, buffer, connection, state).await?;
            }
            seen.body.extend(&buffer[end..end + length]);
            seen.raw_body.extend(buffer.drain(..end + length + 2));
            if length == 0 {
                return Ok(seen);
            }
        }
    }
    let length = seen.header("content-length").first().and_then(|length| length.parse().ok());
    let length = length.unwrap_or(0);
    while buffer.len() < length {
        more(io, buffer, connection, state).await?;
    }
    seen.body = buffer.drain(..length).collect();
    seen.raw_body = seen.body.clone();
    Ok(seen)
}
