//! What is connected to a parent proxy, in clear text or in TLS with whatever goes through it inside.
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pingora_core::protocols::l4::stream::Stream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// What taking leave may last.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is connected to a parent proxy, or to what is reached without one.
#[derive(Debug)]
pub(crate) enum Near {
    /// In clear text.
    Plain(TcpStream),
    /// In TLS.
    Secured(Box<TlsStream<TcpStream>>),
}

impl Near {
    /// The same as pingora takes a connection. It knows connections by the numbers of their files, and
    /// what has none (its virtual sockets) it never uses twice; so TLS gets a pair of sockets, and a task
    /// that carries between them until either side ends.
    pub(super) fn into_stream(self) -> io::Result<Stream> {
        let tls = match self {
            Self::Plain(io) => return Ok(Stream::from(io)),
            Self::Secured(tls) => tls,
        };
        let (near, far) = UnixStream::pair()?;
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(tls);
            let (mut given, mut gives) = far.into_split();
            // Nothing of HTTP goes on when one side is done: pingora ends what it does not keep.
            tokio::select! {
                _ = tokio::io::copy(&mut given, &mut to) => {}
                _ = tokio::io::copy(&mut from, &mut gives) => {}
            }
            // Who does not read any more need not be told.
            let _ = tokio::time::timeout(FAREWELL, to.shutdown()).await;
        });
        Ok(Stream::from(near))
    }
}

impl AsyncRead for Near {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Self::Secured(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, data),
            Self::Secured(io) => Pin::new(io).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Secured(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Self::Secured(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
