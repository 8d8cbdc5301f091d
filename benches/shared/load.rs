//! A tool server and the agents that call it, over loopback and plain HTTP/1.1: no more than it
//! takes to keep a gate busy.
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A message at its largest; nothing here comes near it.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
const ANSWER: &str = r#"{"order":"4711","lines":3,"state":"waiting for stock","total":"118.40"}"#;

/// A server that answers whatever it is asked; it lives as long as the runtime.
pub(crate) async fn serve() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(answer_all(stream));
        }
    });
    address
}

async fn answer_all(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut held = Vec::new();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    while message(&mut stream, &mut held).await.is_some() {
        if stream.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
    }
}

/// So many agents at once, each with its own connection, make so many calls together.
pub(crate) async fn call(gate: SocketAddr, at_once: usize, calls: usize) {
    let agents = (0..at_once).map(|_| tokio::spawn(agent(gate, calls / at_once)));
    for agent in agents.collect::<Vec<_>>() {
        agent.await.expect("every call was answered");
    }
}

async fn agent(gate: SocketAddr, calls: usize) {
    let mut stream = TcpStream::connect(gate).await.expect("the gate listens");
    stream.set_nodelay(true).expect("a socket");
    let (body, mut held) = (body(), Vec::new());
    let request = format!(
        "POST /up/orders HTTP/1.1\r\nhost: {gate}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..calls {
        stream.write_all(request.as_bytes()).await.expect("the gate reads");
        let head = message(&mut stream, &mut held).await.expect("the gate answers");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
}

/// One KiB of JSON, as an agent sends it.
fn body() -> String {
    let note = "Leave it at the door and ring twice. ".repeat(40);
    let around = r#"{"customer":"c-1001","note":""}"#.len();
    let note: String = note.chars().take(1024 - around).collect();
    format!(r#"{{"customer":"c-1001","note":"{note}"}}"#)
}

/// The head of the next message, after its body was read as well. `None` when the other side has
/// gone, or speaks differently.
async fn message(stream: &mut TcpStream, held: &mut Vec<u8>) -> Option<String> {
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
