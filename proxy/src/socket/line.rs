//! One side of a WebSocket: what it sends, in whole items, and what it is sent.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use super::end::End;
use super::frames::{self, Item, Reader, Side};
use crate::body::Share;

/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;

/// What one side sends.
pub struct Source<'g, R> {
    io: R,
    reader: Reader,
    side: Side,
    share: Share,
    /// When what is not whole yet began.
    since: Option<Instant>,
    /// How long it may take.
    patience: Duration,
    moved: &'g AtomicU64,
}

impl<'g, R: AsyncRead + Unpin> Source<'g, R> {
    /// `moved` counts the bytes that were read.
    pub fn new(
        io: R,
        (side, reader): (Side, Reader),
        share: Share,
        patience: Duration,
        moved: &'g AtomicU64,
    ) -> Self {
        Self { io, reader, side, share, since: None, patience, moved }
    }

    /// The next whole item. Nothing is lost when this is given up in the middle.
    pub async fn next(&mut self) -> Result<Item, End> {
        loop {
            match self.reader.next() {
                Ok(Some(item)) => {
                    self.since = None;
                    return Ok(item);
                }
                Ok(None) => {}
                Err(broken) => return Err(End::Broken(self.side, broken)),
            }
            if !self.reader.is_partial() {
                // The room of the last message.
                self.share.give_back();
                self.since = None;
            }
            let until = match (self.reader.is_partial(), self.since) {
                (false, _) => None,
                (true, None) => {
                    let now = Instant::now();
                    self.since = Some(now);
                    Some(now + self.patience)
                }
                (true, Some(since)) => Some(since + self.patience),
            };
            match until {
                None => self.read().await?,
                Some(until) => match timeout_at(until, self.read()).await {
                    Ok(read) => read?,
                    Err(_) => return Err(End::Stalled(self.side)),
                },
            }
        }
    }

    async fn read(&mut self) -> Result<(), End> {
        let room = self.reader.held() + CHUNK;
        let grown = self.share.grow(room, Instant::now() + self.patience).await;
        grown.map_err(End::Refused)?;
        let buffer = self.reader.buffer();
        buffer.reserve(CHUNK);
        match (&mut self.io).take(CHUNK as u64).read_buf(buffer).await {
            Ok(0) | Err(_) => Err(End::Gone(self.side)),
            Ok(read) => {
                self.moved.fetch_add(read as u64, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Reads up to a close, and drops all else. Gives what the close says.
    pub async fn farewell(&mut self) -> Option<super::end::Said> {
        loop {
            match self.next().await {
                Ok(Item::Close(said)) => return Some(said),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Reads what is on the line until it ends: what is not read makes the system take back what
    /// was sent.
    pub async fn drain(&mut self) {
        let mut sink = [0; 4096];
        while let Ok(1..) = self.io.read(&mut sink).await {}
    }
}

/// What one side is sent.
pub struct Sink<W> {
    io: W,
    pending: BytesMut,
    side: Side,
    patience: Duration,
}

impl<W: AsyncWrite + Unpin> Sink<W> {
    /// Writes to this side.
    pub fn new(io: W, side: Side, patience: Duration) -> Self {
        Self { io, pending: BytesMut::new(), side, patience }
    }

    /// Sends an item. When this is given up in the middle, the rest of it goes first with the next.
    pub async fn send(&mut self, item: Item) -> Result<(), End> {
        let mask = match self.side {
            Side::Client => None,
            // To the upstream the gate is a client.
            Side::Upstream => {
                let mut mask = [0; 4];
                aws_lc_rs::rand::fill(&mut mask).map_err(|_| End::Bug)?;
                Some(mask)
            }
        };
        let mut bytes = Vec::new();
        frames::write(item, mask, &mut bytes).ok_or(End::Bug)?;
        self.send_bytes(&bytes).await
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.pending.extend_from_slice(bytes);
        while !self.pending.is_empty() {
            match timeout(self.patience, self.io.write(&self.pending)).await {
                Err(_) => return Err(End::Stalled(self.side)),
                Ok(Ok(written @ 1..)) => self.pending.advance(written),
                Ok(_) => return Err(End::Gone(self.side)),
            }
        }
        match timeout(self.patience, self.io.flush()).await {
            Err(_) => Err(End::Stalled(self.side)),
            Ok(flushed) => flushed.map_err(|_| End::Gone(self.side)),
        }
    }

    /// Says that nothing follows.
    pub async fn shutdown(&mut self) {
        // Who is gone need not be told.
        let _ = self.io.shutdown().await;
    }
}
