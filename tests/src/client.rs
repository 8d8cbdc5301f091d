//! A client that says anything at all.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::wait::{PATIENCE, within};

/// An HTTP/1 client on a bare socket, or on whatever was made of one.
#[derive(Debug)]
pub struct RawClient<S = TcpStream> {
    io: S,
    buffer: Vec<u8>,
}

impl RawClient {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).await.unwrap()
    }

    /// Connects, if that is possible.
    ///
    /// # Errors
    /// When it is not.
    pub async fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let io = within("a connection", TcpStream::connect(address)).await?;
        io.set_nodelay(true)?;
        Ok(Self::over(io))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawClient<S> {
    /// On a connection that stands.
    pub fn over(io: S) -> Self {
        Self { io, buffer: Vec::new() }
    }

    /// The connection itself.
    pub fn socket(&mut self) -> &mut S {
        &mut self.io
    }

    /// The connection, without what was read of it beyond the last answer.
    ///
    /// # Panics
    /// When something was.
    pub fn into_socket(self) -> S {
        assert!(self.buffer.is_empty(), "bytes that nobody asked for: {:?}", self.buffer);
        self.io
    }

    /// Sends bytes. That the other side does not want them is no error: what it says tells.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes).await;
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the other side has closed.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let sent = async {
            self.io.write_all(bytes.as_ref()).await?;
            self.io.flush().await
        };
        within("sending", sent).await
    }

    /// Sends bytes one piece after another with a pause between them, until the other side closes
    /// or there is nothing left.
    pub async fn trickle(&mut self, bytes: &[u8], piece: usize, pause: Duration) -> io::Result<()> {
        for piece in bytes.chunks(piece) {
            self.try_send(piece).await?;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// Sends a request and reads its answer.
    pub async fn call(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    /// Reads one answer to its end.
    ///
    /// # Panics
    /// When there is none.
    pub async fn answer(&mut self) -> Answer {
        self.try_answer().await.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// Reads one answer to its end.
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub async fn try_answer(&mut self) -> io::Result<Answer> {
        within("an answer", self.read_answer(false)).await
    }

    /// Reads the answer to a HEAD request: a head alone.
    pub async fn head_answer(&mut self) -> Answer {
        within("an answer", self.read_answer(true)).await.unwrap()
    }

    async fn read_answer(&mut self, head_only: bool) -> io::Result<Answer> {
        let (status, headers, mut raw) = self.read_head().await?;
        let find = |name: &str| {
            headers
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.to_ascii_lowercase())
        };
        let empty = head_only || status < 200 || status == 204 || status == 304;
        let body = if empty {
            Vec::new()
        } else if find("transfer-encoding").as_deref() == Some("chunked") {
            self.read_chunks(&mut raw).await?
        } else if let Some(length) = find("content-length") {
            let length = length.parse::<usize>().map_err(io::Error::other)?;
            self.fill(length).await?;
            let body = self.buffer.drain(..length).collect::<Vec<_>>();
            raw.extend(&body);
            body
        } else {
            while self.read_more().await? > 0 {}
            let body = std::mem::take(&mut self.buffer);
            raw.extend(&body);
            body
        };
        Ok(Answer { status, headers, body, raw })
    }

    /// Reads an answer's head: status, headers, and its bytes.
    ///
    /// # Errors
    /// When the connection ends before it does.
    pub async fn read_head(&mut self) -> io::Result<(u16, Vec<(String, String)>, Vec<u8>)> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let raw = self.buffer.drain(..end).collect::<Vec<_>>();
        let text = String::from_utf8_lossy(&raw).into_owned();
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status line: {text}")))?;
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Ok((status, headers.collect(), raw))
    }

    /// Reads one chunk of a chunked body; empty at its end.
    ///
    /// # Errors
    /// When the connection ends before it does, or it is no chunk.
    pub async fn read_chunk(&mut self) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        within("a chunk", self.chunk(&mut raw)).await
    }

    async fn chunk(&mut self, raw: &mut Vec<u8>) -> io::Result<Vec<u8>> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                break at + 2;
            }
            self.more().await?;
        };
        let line = String::from_utf8_lossy(&self.buffer[..end - 2]).into_owned();
        let length = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
            .map_err(io::Error::other)?;
        self.fill(end + length + 2).await?;
        raw.extend(self.buffer.drain(..end));
        let chunk = self.buffer.drain(..length).collect::<Vec<_>>();
        raw.extend(&chunk);
        let tail = self.buffer.drain(..2).collect::<Vec<_>>();
        raw.extend(&tail);
        if tail == b"\r\n" { Ok(chunk) } else { Err(io::Error::other("a chunk does not end")) }
    }

    async fn read_chunks(&mut self, raw: &mut Vec<u8>) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk(raw).await?;
            if chunk.is_empty() {
                return Ok(body);
            }
            body.extend(chunk);
        }
    }

    /// Reads until the connection ends; what was left on it, and whether it ended in order.
    pub async fn rest(&mut self) -> (Vec<u8>, bool) {
        let in_order = loop {
            match within("the connection's end", self.io.read_buf(&mut self.buffer)).await {
                Ok(0) => break true,
                Ok(_) => {}
                Err(_) => break false,
            }
        };
        (std::mem::take(&mut self.buffer), in_order)
    }

    /// Whether the connection stays open and silent for a moment.
    pub async fn is_silent_for(&mut self, moment: Duration) -> bool {
        assert!(moment < PATIENCE);
        self.buffer.is_empty()
            && tokio::time::timeout(moment, self.io.read_buf(&mut self.buffer)).await.is_err()
    }

    async fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.read_more().await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn read_more(&mut self) -> io::Result<usize> {
        within("bytes", self.io.read_buf(&mut self.buffer)).await
    }
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
