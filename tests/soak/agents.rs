//! Agents that call without end, and one that always leaves in the middle.
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tollgate_tests::{Answer, Identity, RawClient, tls};

use crate::tools::{EVENTS, event};

/// Between two calls of an agent.
const PAUSE: Duration = Duration::from_millis(40);
/// Calls of a connection in TLS, so that there are handshakes all the time.
const EACH: usize = 25;
const CARD: &str = "5555555555554444";

/// What agents made of it.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// Receipts of calls that were let pass.
    pub(crate) receipts: HashSet<String>,
    /// Receipts of calls that were refused, as they should.
    pub(crate) refused: HashSet<String>,
    faults: Vec<String>,
}

impl Made {
    pub(crate) fn add(&mut self, other: Self) {
        self.receipts.extend(other.receipts);
        self.refused.extend(other.refused);
        self.faults.extend(other.faults);
    }

    pub(crate) fn answered(&self) -> usize {
        self.receipts.len() + self.refused.len()
    }

    pub(crate) fn assert_right(&self) {
        let first: Vec<_> = self.faults.iter().take(20).collect();
        assert!(first.is_empty(), "{} calls went wrong: {first:#?}", self.faults.len());
        assert!(self.receipts.len() > self.refused.len() && !self.refused.is_empty());
    }
}

trait Talk: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Talk for T {}
type Client = RawClient<Box<dyn Talk>>;

async fn connect(gate: SocketAddr, identity: Option<&Identity>) -> std::io::Result<Client> {
    let stream: Box<dyn Talk> = match identity {
        None => Box::new(tokio::net::TcpStream::connect(gate).await?),
        Some(_) => Box::new(tls(gate, identity, "http/1.1").await?),
    };
    Ok(RawClient::over(stream))
}

/// Calls, one after the other, until all is done.
pub(crate) async fn work(
    gate: SocketAddr,
    identity: Option<Arc<Identity>>,
    nth: usize,
    done: Arc<AtomicBool>,
) -> Made {
    let mut made = Made::default();
    let mut number = nth;
    while !done.load(Ordering::SeqCst) {
        let mut client = match connect(gate, identity.as_deref()).await {
            Ok(client) => client,
            Err(fault) => {
                made.faults.push(format!("no connection: {fault}"));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let calls = if identity.is_some() { EACH } else { usize::MAX };
        for _ in 0..calls {
            if done.load(Ordering::SeqCst) {
                break;
            }
            number += 8;
            client.send(call(number)).await;
            match client.try_answer().await {
                Ok(answer) => note(&mut made, number, &answer),
                Err(fault) => {
                    made.faults.push(format!("call {number} is not answered: {fault}"));
                    break;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    made
}

/// What a call is, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Allowed,
    Denied,
    Redacted,
    Rest,
    Stream,
}

fn kind(number: usize) -> Kind {
    const ALL: [Kind; 5] = [Kind::Rest, Kind::Allowed, Kind::Stream, Kind::Redacted, Kind::Denied];
    ALL[number % ALL.len()]
}

fn call(number: usize) -> Vec<u8> {
    let (tool, text) = match kind(number) {
        Kind::Rest => return post("/up/echo", &json!({ "n": number, "note": "as it was" })),
        Kind::Stream => {
            let head = format!("GET /up/stream?{number} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            return head.into_bytes();
        }
        Kind::Allowed => ("echo", format!("number {number}")),
        Kind::Denied => ("delete_branch", format!("number {number}")),
        Kind::Redacted => ("echo", format!("number {number} pays with {CARD}")),
    };
    let params = json!({ "name": tool, "arguments": { "text": text } });
    let call = json!({ "jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params });
    post("/mcp", &call)
}

fn post(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Keeps a call's receipt, or what was wrong with its answer.
fn note(made: &mut Made, number: usize, answer: &Answer) {
    let receipt = answer.header("tollgate-receipt").map(str::to_owned);
    match receipt.filter(|_| answer.status == 200 && is_right(number, answer)) {
        Some(receipt) if kind(number) == Kind::Denied => {
            made.refused.insert(receipt);
        }
        Some(receipt) => {
            made.receipts.insert(receipt);
        }
        None => made.faults.push(format!("call {number}: {} {}", answer.status, answer.text())),
    }
}

fn is_right(number: usize, answer: &Answer) -> bool {
    if kind(number) == Kind::Stream {
        let text = answer.text();
        let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let events = events.filter_map(|event| serde_json::from_str::<Value>(event).ok());
        let right = (0..EVENTS).map(|nth| event(&number.to_string(), nth));
        return events.eq(right);
    }
    let Ok(told) = serde_json::from_slice::<Value>(&answer.body) else { return false };
    let text = told.pointer("/result/content/0/text").and_then(Value::as_str).unwrap_or_default();
    match kind(number) {
        Kind::Rest => told["heard"] == json!({ "n": number, "note": "as it was" }),
        Kind::Allowed => told["id"] == number && text == format!("number {number}"),
        Kind::Redacted => {
            let start = format!("number {number} pays with ");
            told["id"] == number && text.starts_with(&start) && !text.contains(CARD)
        }
        Kind::Denied => told["id"] == number && answer.text().contains("POLICY_DENIED"),
        Kind::Stream => false,
    }
}

/// Leaves in the middle of what it sends, or of what it is sent; how often.
pub(crate) async fn leave(gate: SocketAddr, done: Arc<AtomicBool>) -> usize {
    let mut left = 0;
    while !done.load(Ordering::SeqCst) {
        let mut client = RawClient::connect(gate).await;
        if left % 2 == 0 {
            let body = post("/up/echo", &json!({ "note": "nobody hears the end of it" }));
            client.send(&body[..body.len() - 10]).await;
        } else {
            client.send("GET /up/slow?0 HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
            client.read_head().await.unwrap();
            client.read_chunk().await.unwrap();
        }
        drop(client);
        left += 1;
        tokio::time::sleep(PAUSE * 3).await;
    }
    left
}
