//! The stream type that is handed to pingora.
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID,
};
use pingora_http::ResponseHeader;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Conn;
use super::first::First;

/// Tells the gate when the first byte of a head has come, so that a head deadline can start.
///
/// pingora's own read timeout restarts with every read, so a head that trickles would never end.
#[derive(Debug, Default)]
pub struct HeadClock {
    /// A head is waited for, and nothing of it has come.
    waiting: AtomicBool,
    /// The next head's beginning was read before it was waited for.
    begun: AtomicBool,
    first_byte: Notify,
    /// The first head of the connection, until it is here.
    first: Option<Arc<First>>,
}

impl HeadClock {
    pub(super) fn of(first: Arc<First>) -> Self {
        Self { first: Some(first), ..Self::default() }
    }

    /// The clock of the same connection for what comes on it next.
    pub(super) fn again(&self) -> Self {
        Self { first: self.first.clone(), ..Self::default() }
    }

    /// Says that a whole head has come, or what will never be one.
    pub fn head_came(&self) {
        if let Some(first) = &self.first {
            first.came();
        }
    }

    /// When the first head must be here, until it is.
    pub fn due(&self) -> Option<Instant> {
        self.first.as_ref().and_then(|first| first.due())
    }

    /// A deadline so long from now, or that of the first head.
    pub fn until(&self, patience: Duration) -> Instant {
        let until = Instant::now() + patience;
        self.due().map_or(until, |due| due.min(until))
    }

    /// Resolves when the first head is late, and never once it has come.
    pub async fn first_is_late(&self) {
        match &self.first {
            Some(first) => first.late().await,
            None => std::future::pending().await,
        }
    }

    /// Resolves when the next byte arrives after this call.
    pub async fn first_byte(&self) {
        let begun = self.begun.swap(false, Ordering::AcqRel);
        self.waiting.store(!begun, Ordering::Release);
        // A wake-up that nobody took may be left over from the head before; only the flag tells.
        while self.is_waiting() {
            self.first_byte.notified().await;
        }
    }

    /// Says that bytes of the next head were read already.
    pub(super) fn begun(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Whether a head is waited for of which no byte has come.
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    fn saw_bytes(&self) {
        if self.waiting.swap(false, Ordering::AcqRel) {
            self.first_byte.notify_one();
        }
    }
}

/// A connection of which some bytes were read already, to find out what it speaks.
pub(super) struct Replayed<S> {
    pub(super) bytes: Bytes,
    pub(super) io: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Replayed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let take = self.bytes.len().min(buf.remaining());
        let head = self.bytes.split_to(take);
        buf.put_slice(&head);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replayed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A client's connection, plain or TLS, with the bytes that were read to find out what it speaks.
pub struct GateStream<S> {
    io: Replayed<S>,
    fd: i32,
    alpn: Option<ALPN>,
    conn: Arc<Conn>,
    proxy: Arc<ProxyDigest>,
    socket: Arc<SocketDigest>,
    established: SystemTime,
}

impl<S> GateStream<S> {
    /// Wraps a stream whose socket is `fd`.
    pub fn new(
        io: S,
        sniffed: Bytes,
        fd: i32,
        alpn: Option<ALPN>,
        conn: Arc<Conn>,
        header: Box<ResponseHeader>,
    ) -> Self {
        Self {
            io: Replayed { bytes: sniffed, io },
            fd,
            alpn,
            proxy: Arc::new(ProxyDigest::new(header, Some(Box::new(Arc::clone(&conn))))),
            conn,
            socket: Arc::new(SocketDigest::from_raw_fd(fd)),
            established: crate::clock::now(),
        }
    }
}

impl<S> fmt::Debug for GateStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateStream").field("conn", &self.conn).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GateStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.conn.clock.saw_bytes();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GateStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[async_trait]
impl<S: AsyncWrite + Unpin + Send> Shutdown for GateStream<S> {
    async fn shutdown(&mut self) {
        // The peer may be gone already; there is nobody left to tell.
        let _ = self.io.shutdown().await;
    }
}

impl<S> UniqueID for GateStream<S> {
    fn id(&self) -> i32 {
        self.fd
    }
}

impl<S> Ssl for GateStream<S> {
    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.alpn.clone()
    }
}

impl<S> GetTimingDigest for GateStream<S> {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        vec![Some(TimingDigest { established_ts: self.established, ..Default::default() })]
    }
}

impl<S> GetProxyDigest for GateStream<S> {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        Some(Arc::clone(&self.proxy))
    }
}

impl<S> GetSocketDigest for GateStream<S> {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        Some(Arc::clone(&self.socket))
    }
}

impl<S> Peek for GateStream<S> {}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::HeadClock;

    #[test]
    fn a_head_that_begun_is_not_waited_for() {
        let clock = HeadClock::default();
        assert!(clock.first_byte().now_or_never().is_none());
        assert!(clock.is_waiting());
        clock.saw_bytes();
        assert!(!clock.is_waiting());
        clock.begun();
        assert!(clock.first_byte().now_or_never().is_some());
        assert!(!clock.is_waiting());
        // Only that one.
        assert!(clock.first_byte().now_or_never().is_none());
    }
}
