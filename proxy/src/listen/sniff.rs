//! What a connection speaks, told by its first bytes, which are kept.
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, timeout_at};

use super::hello::HANDSHAKE;

/// The first bytes of HTTP/2 by prior knowledge (RFC 9113 section 3.4).
const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const CONNECT: &[u8] = b"CONNECT ";
/// The longest method that is looked for in a tunnel: `PROPPATCH` and its blank fit.
const METHOD_BYTES: usize = 24;

/// What a connection begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opening {
    Connect,
    Http1,
    Http2,
    Tls,
    /// None of these.
    Other,
}

/// Why there is nothing to go on with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Nothing {
    /// The client left.
    Gone,
    /// It was too slow.
    Late,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the first byte.
    pub(super) first: Duration,
    /// For those that tell what it is, from then on.
    pub(super) rest: Duration,
    /// For all of them, where a whole head must be here by then.
    pub(super) due: Option<Instant>,
}

impl Patience {
    fn until(self, patience: Duration) -> Instant {
        let until = Instant::now() + patience;
        self.due.map_or(until, |due| due.min(until))
    }
}

/// Looks at a client that may ask for a tunnel. What is no HTTP is left to the HTTP parser.
pub(super) async fn outside<S: AsyncRead + Unpin>(
    io: &mut S,
    patience: Patience,
) -> Result<(Opening, Bytes), Nothing> {
    read(io, patience, |seen| match seen {
        seen if seen.starts_with(CONNECT) => Some(Opening::Connect),
        seen if seen.starts_with(H2_PREFACE) => Some(Opening::Http2),
        seen if CONNECT.starts_with(seen) || H2_PREFACE.starts_with(seen) => None,
        _ => Some(Opening::Http1),
    })
    .await
}

/// Looks at what comes through a tunnel: TLS, HTTP, or something that nobody could inspect.
pub(super) async fn inside<S: AsyncRead + Unpin>(
    io: &mut S,
    patience: Patience,
) -> Result<(Opening, Bytes), Nothing> {
    read(io, patience, |seen| {
        let method = seen.iter().take(METHOD_BYTES).take_while(|b| b.is_ascii_uppercase()).count();
        match seen {
            // A record of TLS has a version of 3.x, whatever the handshake says.
            [HANDSHAKE] => None,
            [HANDSHAKE, 3, ..] => Some(Opening::Tls),
            seen if seen.starts_with(H2_PREFACE) => Some(Opening::Http2),
            seen if H2_PREFACE.starts_with(seen) => None,
            // A tunnel in a tunnel would be one that nobody looked at.
            seen if seen.starts_with(CONNECT) => Some(Opening::Other),
            _ if method == METHOD_BYTES => Some(Opening::Other),
            seen if seen.len() == method => None,
            seen if method > 0 && seen.get(method) == Some(&b' ') => Some(Opening::Http1),
            _ => Some(Opening::Other),
        }
    })
    .await
}

/// Reads until `tell` knows, and gives all that was read.
async fn read<S: AsyncRead + Unpin>(
    io: &mut S,
    patience: Patience,
    tell: impl Fn(&[u8]) -> Option<Opening>,
) -> Result<(Opening, Bytes), Nothing> {
    let mut seen = BytesMut::with_capacity(4096);
    match timeout_at(patience.until(patience.first), io.read_buf(&mut seen)).await {
        Ok(Ok(1..)) => {}
        // Between two calls a client owes nothing.
        Err(_) if patience.due.is_some() => return Err(Nothing::Late),
        _ => return Err(Nothing::Gone),
    }
    let told = async {
        loop {
            if let Some(opening) = tell(&seen) {
                return Ok(opening);
            }
            match io.read_buf(&mut seen).await {
                Ok(1..) => {}
                _ => return Err(Nothing::Gone),
            }
        }
    };
    match timeout_at(patience.until(patience.rest), told).await {
        Ok(opening) => Ok((opening?, seen.freeze())),
        Err(_) => Err(Nothing::Late),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(bytes: &[u8], tunnel: bool) -> Result<Opening, Nothing> {
        let second = Duration::from_secs(1);
        let patience = Patience { first: second, rest: second, due: None };
        // One byte at a time.
        let (mut near, mut far) = tokio::io::duplex(1);
        let bytes = bytes.to_vec();
        let write = tokio::spawn(async move {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut far, &bytes).await;
        });
        let read = match tunnel {
            true => inside(&mut near, patience).await,
            false => outside(&mut near, patience).await,
        };
        drop(near);
        let _ = write.await;
        read.map(|(opening, _)| opening)
    }

    #[tokio::test]
    async fn the_first_bytes_tell() {
        for (bytes, outside, inside) in [
            (&b"CONNECT a.test:443 HTTP/1.1"[..], Ok(Opening::Connect), Ok(Opening::Other)),
            (b"GET / HTTP/1.1", Ok(Opening::Http1), Ok(Opening::Http1)),
            (H2_PREFACE, Ok(Opening::Http2), Ok(Opening::Http2)),
            (b"PRI * HTTP/1.1", Ok(Opening::Http1), Ok(Opening::Http1)),
            (b"\x16\x03\x01\x02", Ok(Opening::Http1), Ok(Opening::Tls)),
            (b"\x16\x02", Ok(Opening::Http1), Ok(Opening::Other)),
            (b"SSH-2.0-x", Ok(Opening::Http1), Ok(Opening::Other)),
            (b"*1\r\n", Ok(Opening::Http1), Ok(Opening::Other)),
            (b"CONN", Err(Nothing::Gone), Err(Nothing::Gone)),
            (b"AAAAAAAAAAAAAAAAAAAAAAAAAAAA /", Ok(Opening::Http1), Ok(Opening::Other)),
        ] {
            assert_eq!(told(bytes, false).await, outside, "{bytes:?}");
            assert_eq!(told(bytes, true).await, inside, "{bytes:?}");
        }
    }
}
