//! Asking the operators' listener of a gate on this machine.
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer that is larger is none of ours.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// What is asked.
pub(super) struct Question<'q> {
    pub(super) method: &'q str,
    pub(super) path: &'q str,
    /// Further head lines, each with its end.
    pub(super) head: &'q str,
    pub(super) body: &'q str,
}

/// Asks, and returns the status and the body.
pub(super) fn ask(
    admin: SocketAddr,
    patience: Duration,
    question: &Question<'_>,
) -> io::Result<(u16, String)> {
    let Question { method, path, head, body } = question;
    let mut io = TcpStream::connect_timeout(&admin, patience)?;
    io.set_read_timeout(Some(patience))?;
    io.set_write_timeout(Some(patience))?;
    let length = body.len();
    write!(
        io,
        "{method} {path} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n{head}content-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    io.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("that is no answer of a gate"))?;
    Ok((status, body.trim().to_owned()))
}
