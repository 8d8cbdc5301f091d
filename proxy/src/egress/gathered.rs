//! A connection to an upstream on which a head waits for its body.
//!
//! pingora flushes a request's head apart from its body, which costs a packet and a system call
//! more. On a connection of this kind a flush can be put off: what was written stays in the buffer
//! below, and leaves with the body.
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::protocols::http::v1::client::HttpSession as Session;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::tls::SslDigest;
use pingora_core::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use pingora_core::upstreams::peer::Peer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// The connection.
pub(super) struct Gathered {
    io: Stream,
    hold: Hold,
}

/// Whether flushes are put off.
#[derive(Clone, Default)]
pub(super) struct Hold(Arc<AtomicBool>);

impl Hold {
    /// From here on they are.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The next flush takes with it what was put off.
    pub(super) fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Gathered {
    /// Makes a new connection one of this kind, where HTTP/1.1 is spoken on it; one that comes back
    /// from the pool is.
    pub(super) fn session(
        session: HttpSession<()>,
        reused: bool,
        peer: &impl Peer,
    ) -> HttpSession<()> {
        match session {
            HttpSession::H1(session) if !reused => {
                let gathered = Self { io: session.into_inner(), hold: Hold::default() };
                HttpSession::H1(Session::new_with_options(Box::new(gathered), peer))
            }
            other => other,
        }
    }

    /// What puts the flushes of a session off.
    pub(super) fn hold(session: &HttpSession<()>) -> Option<Hold> {
        let HttpSession::H1(session) = session else { return None };
        let gathered = session.stream().as_ref().as_any().downcast_ref::<Self>();
        gathered.map(|gathered| gathered.hold.clone())
    }
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.io, f)
    }
}

impl AsyncRead for Gathered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Gathered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.hold.0.load(Ordering::Relaxed) {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.io).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Gathered {
    async fn shutdown(&mut self) {
        // The upstream may be gone already; there is nobody left to tell.
        let _ = AsyncWriteExt::shutdown(&mut self.io).await;
    }
}

impl UniqueID for Gathered {
    fn id(&self) -> UniqueIDType {
        self.io.id()
    }
}

impl Ssl for Gathered {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.io.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.io.selected_alpn_proto()
    }
}

impl GetTimingDigest for Gathered {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.io.get_timing_digest()
    }
}

impl GetProxyDigest for Gathered {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.io.get_proxy_digest()
    }
}

impl GetSocketDigest for Gathered {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.io.get_socket_digest()
    }
}

impl Peek for Gathered {}
