//! The client's side of an answer.
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use pingora_core::ErrorType;
use pingora_core::protocols::http::ServerSession;
use pingora_http::ResponseHeader;

use super::RECEIPT;
use crate::refuse::{Caller, Refusal, answer};

/// Bytes that may come in advance of an answer. More of them is not a client that takes answers.
const ADVANCE_BYTES_MAX: usize = 64 << 10;

/// Resolves when the client goes away; never otherwise. Only to be used when its request was read to
/// the end.
///
/// What it sends in advance of its answer (a next call, a line end too many) is thrown away, and the
/// connection ends behind the answer: the upstream has the call, and its answer is owed.
pub async fn client_gone(session: &mut ServerSession) {
    for _ in 0..ADVANCE_BYTES_MAX {
        match session.read_body_or_idle(true).await {
            // One byte is gone with it.
            Err(error) if is_advance(session, &error) => session.set_keepalive(None),
            Err(_) => return,
            // Reading on after the end gives nothing but the end of the connection.
            Ok(_) => std::future::pending().await,
        }
    }
}

/// The same for a client that asks for a WebSocket: what it sends next would be frames, and none of
/// them may be missing.
pub async fn client_gone_or_early(session: &mut ServerSession) {
    if session.read_body_or_idle(true).await.is_ok() {
        std::future::pending().await
    }
}

/// Whether it says that the client sent something, and did not leave.
fn is_advance(session: &ServerSession, error: &pingora_core::Error) -> bool {
    matches!(session, ServerSession::H1(_)) && error.etype == ErrorType::ConnectError
}

/// Answers a refusal in the caller's protocol. Returns whether it was sent.
pub async fn refuse(session: &mut ServerSession, refusal: &Refusal, caller: &Caller) -> bool {
    // After a fault in the middle of an answer a second one would be read as a part of the first.
    if session.response_written().is_some_and(|head| !head.status.is_informational()) {
        return false;
    }
    let mut reply = answer(refusal, caller);
    if let Some(receipt) = &refusal.receipt {
        put_receipt(&mut reply.headers, receipt);
    }
    write_head(session, reply.status, &reply.headers, Some(reply.body.len())).await
        && write_end(session, reply.body).await
}

/// Names the call's record. What an upstream says under that name is not ours and goes.
pub(crate) fn put_receipt(headers: &mut HeaderMap, receipt: &str) {
    headers.remove(RECEIPT);
    if let Ok(value) = HeaderValue::from_str(receipt) {
        headers.insert(RECEIPT, value);
    }
}

/// Writes the head; with a length when it is known, else as the version wants it.
pub(super) async fn write_head(
    session: &mut ServerSession,
    status: StatusCode,
    headers: &HeaderMap,
    length: Option<usize>,
) -> bool {
    // Which case a name had counts for nobody (RFC 9110 section 5.1), so no map keeps it.
    let Ok(mut head) = ResponseHeader::build_no_case(status, Some(headers.len() + 2)) else {
        return false;
    };
    for (name, value) in headers {
        if head.append_header(name.clone(), value.clone()).is_err() {
            return false;
        }
    }
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framed = match length {
        Some(length) => head.insert_header(header::CONTENT_LENGTH, length.to_string()),
        // RFC 9112 section 6.1: a 204 must not say how it is transferred.
        None if bodiless || session.is_http2() || headers.contains_key(header::CONTENT_LENGTH) => {
            Ok(())
        }
        None if is_old(session) => {
            session.set_keepalive(None);
            Ok(())
        }
        None => head.insert_header(header::TRANSFER_ENCODING, "chunked"),
    };
    framed.is_ok() && session.write_response_header(Box::new(head)).await.is_ok()
}

/// HTTP/1.0 knows no chunks; its answers end with the connection. A session whose head could not
/// be read has no version and is closed anyway.
fn is_old(session: &ServerSession) -> bool {
    match session {
        ServerSession::H1(session) => {
            session.get_headers_raw_bytes().is_empty()
                || session.req_header().version != Version::HTTP_11
        }
        _ => false,
    }
}

/// Writes a piece that is not the last.
pub(super) async fn write(session: &mut ServerSession, piece: Bytes) -> bool {
    piece.is_empty() || session.write_response_body(piece, false).await.is_ok()
}

/// Writes the last piece and ends the body.
pub(super) async fn write_end(session: &mut ServerSession, piece: Bytes) -> bool {
    session.write_response_body(piece, true).await.is_ok()
}
