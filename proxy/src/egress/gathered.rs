//! A connection to an upstream on which a head waits for its body.
//!
//! pingora writes a request's head apart from its body, and below nothing gathers them, which costs
//! a packet and a system call more. On a connection of this kind a write can be put off: what was
//! written is held, and leaves with what is written next, in one call to the kernel or one record
//! of TLS. The body is not copied for it.
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

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
    /// Written and not sent.
    held: Vec<u8>,
}

/// Whether writes are put off.
#[derive(Clone, Default)]
pub(super) struct Hold(Arc<AtomicBool>);

impl Hold {
    /// From here on they are.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The next write takes with it what was put off.
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
                let gathered = Self::over(session.into_inner());
                HttpSession::H1(Session::new_with_options(Box::new(gathered), peer))
            }
            other => other,
        }
    }

    fn over(io: Stream) -> Self {
        Self { io, hold: Hold::default(), held: Vec::new() }
    }

    /// Sends what is held.
    fn poll_held(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, held, .. } = &mut *self;
        while !held.is_empty() {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, held))?;
            sent(held, written)?;
        }
        Poll::Ready(Ok(()))
    }

    /// What puts the writes of a session off.
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
        if self.hold.0.load(Ordering::Relaxed) {
            self.held.extend_from_slice(data);
            return Poll::Ready(Ok(data.len()));
        }
        let Self { io, held, .. } = &mut *self;
        while !held.is_empty() {
            let both = [io::IoSlice::new(held), io::IoSlice::new(data)];
            let written = ready!(Pin::new(&mut *io).poll_write_vectored(cx, &both))?;
            let of_data = sent(held, written)?;
            if of_data > 0 {
                return Poll::Ready(Ok(of_data));
            }
        }
        Pin::new(io).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.hold.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        ready!(self.as_mut().poll_held(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Lets go of what was written of the held bytes; how many bytes behind them were as well.
fn sent(held: &mut Vec<u8>, written: usize) -> io::Result<usize> {
    if written == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    let of_held = written.min(held.len());
    held.drain(..of_held);
    Ok(written - of_held)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pingora_core::protocols::l4::stream::Stream as Socket;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn pair() -> (Gathered, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Gathered::over(Box::new(Socket::from(near))), listener.accept().await.unwrap().0)
    }

    async fn held(gathered: &mut Gathered, head: &[u8]) {
        gathered.hold.begin();
        gathered.write_all(head).await.unwrap();
        gathered.flush().await.unwrap();
        gathered.hold.end();
    }

    #[tokio::test]
    async fn a_head_leaves_with_its_body() {
        let (mut gathered, mut far) = pair().await;
        let mut read = [0; 1024];
        for body in [&b"body"[..], &[b'b'; 512]] {
            held(&mut gathered, b"head ").await;
            let early = tokio::time::timeout(Duration::from_millis(20), far.read(&mut read)).await;
            assert!(early.is_err(), "the head left alone");
            gathered.write_all(body).await.unwrap();
            gathered.flush().await.unwrap();
            let length = far.read(&mut read).await.unwrap();
            assert_eq!(read.get(..length), Some(&*[b"head ", body].concat()));
        }
    }

    #[tokio::test]
    async fn a_head_without_a_body_leaves_with_the_flush() {
        let (mut gathered, mut far) = pair().await;
        held(&mut gathered, b"head").await;
        gathered.flush().await.unwrap();
        let mut read = [0; 16];
        assert_eq!(far.read(&mut read).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn more_than_a_socket_takes_at_once_arrives_whole() {
        let (mut gathered, mut far) = pair().await;
        let (head, body) = (vec![b'h'; 3 << 20], vec![b'b'; 5 << 20]);
        let all = [&*head, &*body].concat();
        let sends = async {
            held(&mut gathered, &head).await;
            gathered.write_all(&body).await.unwrap();
            Shutdown::shutdown(&mut gathered).await;
        };
        let mut read = Vec::new();
        let (_, length) = tokio::join!(sends, far.read_to_end(&mut read));
        assert_eq!(length.unwrap(), all.len());
        assert!(read == all);
    }
}
