//! What a raw upstream answers.
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// One step of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends bytes as they are.
    Send(Vec<u8>),
    /// Sends the same bytes over and over; for answers without end.
    Flood(Vec<u8>, usize),
    /// Waits.
    Pause(Duration),
    /// Waits until the test gives a permit.
    Gate(Arc<Semaphore>),
    /// Does nothing more and keeps the connection open.
    Stall,
    /// Closes the connection in order.
    Close,
    /// Resets the connection.
    Reset,
}

/// An answer, step by step. The connection goes on after the last.
pub type Script = Vec<Step>;

/// An answer with a length.
pub fn fixed(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Script {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    vec![Step::Send(bytes)]
}

/// A JSON answer.
pub fn json_answer(body: impl AsRef<[u8]>) -> Script {
    fixed(200, "application/json", body)
}

/// One chunk of a chunked body; an empty one ends it.
pub fn chunked(piece: impl AsRef<[u8]>) -> Step {
    let piece = piece.as_ref();
    let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
    bytes.extend(piece);
    bytes.extend(b"\r\n");
    Step::Send(bytes)
}
