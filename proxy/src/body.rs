//! The request's body: held whole, bounded, and counted against what all calls may hold.
//!
//! The only file that knows how pingora reads a body.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pingora_core::ErrorType;
use pingora_core::protocols::http::ServerSession;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tollgate_rules::Code;

use crate::coding::{CodingError, Decoder};

/// The unit in which held bytes are counted; finer would only cost atomics.
const UNIT: u64 = 4096;

/// So much of a coded body is decoded before what came of it is counted.
const CODED_PIECE: usize = 4096;

/// What all calls together may hold.
#[derive(Clone, Debug)]
pub struct Held {
    room: Arc<Semaphore>,
    units: u32,
}

/// A share of what may be held; dropping it gives the room back.
#[derive(Debug)]
pub struct Share {
    room: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    units_max: u32,
}

impl Held {
    /// `bytes` for all calls together.
    pub fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX / 8);
        let units = units.min(u32::MAX / 8);
        Self { room: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// An empty share.
    pub fn share(&self) -> Share {
        Share { room: Arc::clone(&self.room), permit: None, units_max: self.units }
    }

    /// Bytes that are held now.
    pub fn bytes(&self) -> u64 {
        let free = u64::try_from(self.room.available_permits()).unwrap_or(0);
        u64::from(self.units).saturating_sub(free) * UNIT
    }
}

impl Share {
    /// Gives all of it back before its time.
    pub fn give_back(&mut self) {
        self.permit = None;
    }

    /// Makes the share large enough for `bytes`, waiting until `deadline` for others to finish.
    /// While a call waits its client's sending stalls: that is the back-pressure.
    pub async fn grow(&mut self, bytes: usize, deadline: Instant) -> Result<(), Code> {
        let have = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let want = u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(UNIT);
        let want = usize::try_from(want).unwrap_or(usize::MAX);
        if want <= have {
            return Ok(());
        }
        let more = u32::try_from(want - have).map_err(|_| Code::BodyTooLarge)?;
        if more > self.units_max {
            return Err(Code::BytesExceeded);
        }
        let room = Arc::clone(&self.room).acquire_many_owned(more);
        match tokio::time::timeout_at(deadline, room).await {
            Ok(Ok(permit)) => {
                match &mut self.permit {
                    Some(held) => held.merge(permit),
                    None => self.permit = Some(permit),
                }
                Ok(())
            }
            _ => Err(Code::BytesExceeded),
        }
    }
}

/// A body that could not be held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyFault {
    /// A limit or deadline was reached.
    Refused(Code),
    /// The client went away or broke the framing; there is nobody to answer.
    Gone,
}

/// Reads the whole body, or refuses.
pub async fn hold(
    session: &mut ServerSession,
    declared: Option<u64>,
    limit: usize,
    share: &mut Share,
    patience: Duration,
) -> Result<Bytes, BodyFault> {
    let deadline = Instant::now() + patience;
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(BodyFault::Refused(Code::BodyTooLarge));
    }
    if expects_continue(session) {
        session.write_continue_response().await.map_err(|_| BodyFault::Gone)?;
    }
    let expected = declared.and_then(|length| usize::try_from(length).ok());
    let mut whole = Vec::new();
    loop {
        // HTTP/2 reads have no time limit of their own in pingora.
        let piece = match tokio::time::timeout_at(deadline, session.read_request_body()).await {
            Err(_) => return Err(BodyFault::Refused(Code::RequestTimeout)),
            Ok(Err(error)) if *error.etype() == ErrorType::ReadTimedout => {
                return Err(BodyFault::Refused(Code::RequestTimeout));
            }
            Ok(Err(error)) if is_broken(error.etype()) => {
                return Err(BodyFault::Refused(Code::MalformedBody));
            }
            Ok(Err(_)) => return Err(BodyFault::Gone),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(piece))) => piece,
        };
        let length = whole.len().saturating_add(piece.len());
        if length > limit {
            return Err(BodyFault::Refused(Code::BodyTooLarge));
        }
        share.grow(length, deadline).await.map_err(BodyFault::Refused)?;
        make_room(&mut whole, piece.len(), expected);
        whole.extend_from_slice(&piece);
    }
    if declared.is_some_and(|length| length != whole.len() as u64) {
        return Err(BodyFault::Gone);
    }
    Ok(whole.into())
}

/// Makes room for what has come: twice as much each time, and in the end what was announced and no
/// more. What was only announced takes no room.
fn make_room(whole: &mut Vec<u8>, piece: usize, expected: Option<usize>) {
    let wanted = whole.len().saturating_add(piece);
    if wanted <= whole.capacity() {
        return;
    }
    let roomy = whole.capacity().saturating_mul(2).max(wanted);
    let expected = expected.filter(|expected| *expected >= wanted);
    let room = expected.map_or(roomy, |expected| roomy.min(expected));
    whole.reserve_exact(room - whole.len());
}

/// Undoes a body's content coding. What comes of it is counted while it grows, so that many small
/// bodies which become large ones wait for room as large ones do.
pub async fn decode(
    mut decoder: Decoder,
    raw: &[u8],
    share: &mut Share,
    patience: Duration,
) -> Result<Bytes, Code> {
    let deadline = Instant::now() + patience;
    let mut plain = Vec::new();
    for piece in raw.chunks(CODED_PIECE) {
        decoder.push(piece, &mut plain).map_err(CodingError::code)?;
        share.grow(plain.len(), deadline).await?;
    }
    decoder.finish().map_err(CodingError::code)?;
    Ok(plain.into())
}

/// The client still speaks, but its chunks or trailers cannot be read; pingora keeps the types of
/// these errors to itself, so they are known by name.
fn is_broken(error: &ErrorType) -> bool {
    *error == ErrorType::InvalidHTTPHeader
        || matches!(error.as_str(), "InvalidChunk" | "InvalidTrailerEnd")
}

fn expects_continue(session: &ServerSession) -> bool {
    session
        .get_header(http::header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Reads what is left of a refused call's body, for a moment, so that the client sees the answer
/// and not a reset while it is still sending.
pub async fn drain(session: &mut ServerSession) {
    session.set_total_drain_timeout(Some(Duration::from_secs(2)));
    // What cannot be drained ends with the connection.
    if session.drain_request_body().await.is_err() {
        session.set_keepalive(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::{Coding, Limits};

    #[test]
    fn a_body_takes_the_room_that_it_announced_and_no_more() {
        for (expected, most) in [(Some(1_000_000), 1_000_000), (None, 1 << 20), (Some(70), 1 << 20)]
        {
            let mut whole = Vec::new();
            while whole.len() < 1_000_000 {
                let piece = (1_000_000 - whole.len()).min(1 << 16);
                make_room(&mut whole, piece, expected);
                assert!(whole.capacity() >= whole.len() + piece);
                assert!(whole.capacity() <= (2 * whole.len()).max(1 << 16), "only announced");
                whole.resize(whole.len() + piece, 0);
            }
            assert_eq!(whole.capacity(), most, "{expected:?}");
        }
    }

    #[tokio::test]
    async fn what_a_coded_body_becomes_is_counted() {
        use std::io::Write as _;
        let mut coded = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        coded.write_all(&vec![b'x'; 200_000]).unwrap();
        let coded = coded.finish().unwrap();
        let limits = Limits { limit_bytes: 1 << 20, ratio: 1000 };
        let decoder = || Decoder::new(&[Coding::Gzip], limits).unwrap();
        for (room, expect) in [(1 << 20, Ok(200_000)), (1 << 16, Err(Code::BytesExceeded))] {
            let held = Held::new(room);
            let mut share = held.share();
            let plain = decode(decoder(), &coded, &mut share, Duration::from_millis(20)).await;
            assert_eq!(plain.map(|plain| plain.len()), expect);
            share.give_back();
            assert_eq!(held.bytes(), 0);
        }
        let mut share = Held::new(1 << 20).share();
        assert_eq!(decode(decoder(), b"", &mut share, Duration::ZERO).await.unwrap(), "");
    }

    #[tokio::test]
    async fn shares_wait_for_each_other_and_give_back() {
        let held = Held::new(64 * 1024);
        let soon = || Instant::now() + Duration::from_millis(20);
        let mut first = held.share();
        first.grow(40 * 1024, soon()).await.unwrap();
        let mut second = held.share();
        assert_eq!(second.grow(40 * 1024, soon()).await, Err(Code::BytesExceeded));
        drop(first);
        second.grow(40 * 1024, soon()).await.unwrap();
        assert_eq!(held.bytes(), 40 * 1024);
        assert_eq!(held.share().grow(65 * 1024, soon()).await, Err(Code::BytesExceeded));
    }
}
