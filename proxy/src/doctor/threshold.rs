//! A relay before a gate that runs already: a client's CONNECT and its handshake go through it, and
//! nothing that follows, so that whoever stands behind that gate hears of no call.
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Longer heads are no client's.
const HEAD_BYTES: usize = 16 * 1024;
/// Of TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2.1).
const CHANGE: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
/// An encrypted alert is 19 bytes and an encrypted Finished 53 or more in TLS 1.3; in TLS 1.2 a
/// Finished is 40 at most, and a second ClientHello, which may stand in its place, never so short.
const ALERT_BYTES: usize = 32;
const FINISHED_BYTES: usize = 128;

/// Where clients are sent.
pub(super) struct Threshold {
    pub(super) address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

/// Which client's turn it is, and who finished a handshake, which only those do who trust.
#[derive(Default)]
struct State {
    turn: AtomicUsize,
    finished: AtomicUsize,
    news: Notify,
}

impl Threshold {
    pub(super) async fn open(gate: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let told = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let told = Arc::clone(&told);
                // One that is slow to end must not be taken for the next.
                let turn = told.turn.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    // It is told before the client is left, which ends then.
                    if let Ok(true) = lead(&mut client, gate).await {
                        told.finished.fetch_max(turn, Ordering::SeqCst);
                        told.news.notify_waiters();
                    }
                });
            }
        });
        Ok(Self { address, state, serving })
    }

    /// The next client's turn, by its number.
    pub(super) fn next(&self) -> usize {
        self.state.turn.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Resolves when the client of this turn has finished a handshake.
    pub(super) async fn finished(&self, turn: usize) {
        loop {
            let news = self.state.news.notified();
            if self.state.finished.load(Ordering::SeqCst) >= turn {
                return;
            }
            news.await;
        }
    }
}

impl Drop for Threshold {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Whether a client finished its handshake with the gate.
async fn lead(client: &mut TcpStream, gate: SocketAddr) -> std::io::Result<bool> {
    let asked = head(client).await?;
    // Anything else would be a whole call.
    if !asked.starts_with(b"CONNECT ") {
        return Ok(false);
    }
    let mut gate = TcpStream::connect(gate).await?;
    gate.write_all(&asked).await?;
    let answer = head(&mut gate).await?;
    client.write_all(&answer).await?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(false);
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_gate, mut to_gate) = gate.split();
    tokio::select! {
        finished = handshake(&mut from_client, &mut to_gate) => finished,
        ended = tokio::io::copy(&mut from_gate, &mut to_client) => ended.map(|_| false),
    }
}

/// A head and not a byte more.
async fn head(io: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        head.push(io.read_u8().await?);
    }
    Ok(head)
}

/// Passes a client's records on up to the one that finishes its handshake, and says whether it came.
async fn handshake(
    client: &mut (impl AsyncRead + Unpin),
    gate: &mut (impl AsyncWrite + Unpin),
) -> std::io::Result<bool> {
    let mut changed = false;
    loop {
        let mut start = [0_u8; 5];
        client.read_exact(&mut start).await?;
        let [kind, _, _, high, low] = start;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let mut record = vec![0; length];
        client.read_exact(&mut record).await?;
        let finished = match kind {
            ALERT => return Ok(false),
            DATA if length < ALERT_BYTES => return Ok(false),
            DATA => true,
            HANDSHAKE => changed && length < FINISHED_BYTES,
            CHANGE => false,
            _ => return Err(std::io::ErrorKind::InvalidData.into()),
        };
        changed |= kind == CHANGE;
        gate.write_all(&start).await?;
        gate.write_all(&record).await?;
        if finished {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: u16) -> Vec<u8> {
        let mut record = vec![kind, 3, 3];
        record.extend(length.to_be_bytes());
        record.resize(record.len() + usize::from(length), 7);
        record
    }

    #[tokio::test]
    async fn what_follows_the_handshake_is_not_passed_on() {
        let call = record(DATA, 400);
        for (flight, expect) in [
            // TLS 1.3, as browsers do it and without the record that changes nothing.
            (vec![record(HANDSHAKE, 500), record(CHANGE, 1), record(DATA, 53)], true),
            (vec![record(HANDSHAKE, 500), record(DATA, 69)], true),
            // It was asked for another key first.
            (
                vec![
                    record(HANDSHAKE, 500),
                    record(CHANGE, 1),
                    record(HANDSHAKE, 600),
                    record(DATA, 53),
                ],
                true,
            ),
            // TLS 1.2.
            (
                vec![
                    record(HANDSHAKE, 300),
                    record(HANDSHAKE, 37),
                    record(CHANGE, 1),
                    record(HANDSHAKE, 40),
                ],
                true,
            ),
            // It leaves.
            (vec![record(HANDSHAKE, 500), record(CHANGE, 1), record(DATA, 19)], false),
            (vec![record(HANDSHAKE, 500), record(ALERT, 2)], false),
        ] {
            let passed = flight.concat();
            let sent = [passed.clone(), call.clone()].concat();
            let mut got = Vec::new();
            assert_eq!(handshake(&mut &sent[..], &mut got).await.unwrap(), expect);
            match expect {
                true => assert_eq!(got, passed),
                false => assert!(passed.starts_with(&got) && got.len() < passed.len()),
            }
        }
    }
}
