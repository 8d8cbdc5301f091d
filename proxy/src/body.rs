//! The request's body: held whole, bounded, and counted against what all calls may hold.
//!
//! The only file that knows how pingora reads a body.
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use pingora_core::ErrorType;
use pingora_core::protocols::http::ServerSession;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tollgate_rules::{Agent, Code};

use crate::coding::{CodingError, Decoder};
use crate::desks::LARGE_BYTES;

/// The unit in which held bytes are counted; finer would only cost atomics.
const UNIT: u64 = 4096;

/// So much of a coded body is decoded before what came of it is counted.
const CODED_PIECE: usize = 4096;

/// A larger share is counted for whose it is as well.
const OWNED_UNITS: u32 = units(LARGE_BYTES as u64);

/// What all calls together may hold. Of that one agent, or one upstream's answers, take no more than
/// half: who sends large bodies and stops leaves room for the others.
#[derive(Clone, Debug)]
pub struct Held {
    room: Arc<Semaphore>,
    units: u32,
    parts: Arc<Parts>,
}

/// What each of those who hold something may hold.
#[derive(Debug)]
pub struct Parts {
    units: u32,
    open: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// Whose a share is.
#[derive(Clone, Debug)]
pub enum Holder {
    /// Of a call that is nobody's yet.
    Nobody,
    /// What an agent sends.
    Agent(Arc<Agent>),
    /// Answers by way of a route.
    Route(Arc<str>),
}

impl Holder {
    fn key(&self) -> String {
        match self {
            Self::Nobody => String::new(),
            Self::Agent(agent) => format!("agent {}", agent.id.as_str()),
            Self::Route(route) => format!("route {route}"),
        }
    }
}

/// A share of what may be held; dropping it gives the room back.
#[derive(Debug)]
pub struct Share {
    held: Held,
    holder: Holder,
    permit: Option<OwnedSemaphorePermit>,
    /// The same of what its holder may hold.
    part: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// `bytes` for all calls together, and room for the largest body in what one holder may hold.
    pub fn new(bytes: u64, largest: usize) -> Self {
        let units = self::units(bytes);
        let part_units = (units / 2).max(self::units(largest as u64)).min(units);
        let room = Arc::new(Semaphore::new(units as usize));
        Self { room, units, parts: Arc::new(Parts::of(part_units)) }
    }

    /// An empty share.
    pub fn share(&self, holder: Holder) -> Share {
        Share { held: self.clone(), holder, permit: None, part: None }
    }

    /// Bytes that are held now.
    pub fn bytes(&self) -> u64 {
        let free = u64::try_from(self.room.available_permits()).unwrap_or(0);
        u64::from(self.units).saturating_sub(free) * UNIT
    }
}

impl Parts {
    /// So many units for each.
    pub fn of(units: u32) -> Self {
        Self { units, open: Mutex::default() }
    }

    /// What a holder may hold, and how much that is in all. Only asked for large bodies: it is a lock
    /// that all calls share.
    pub fn of_holder(&self, holder: &Holder) -> (Arc<Semaphore>, u32) {
        let (key, mut open) = (holder.key(), self.open.lock());
        if let Some(part) = open.get(&key).and_then(Weak::upgrade) {
            return (part, self.units);
        }
        open.retain(|_, part| part.strong_count() > 0);
        let part = Arc::new(Semaphore::new(self.units as usize));
        open.insert(key, Arc::downgrade(&part));
        (part, self.units)
    }
}

impl Share {
    /// Says whose it is, before anything is held.
    pub fn belongs_to(&mut self, holder: Holder) {
        self.holder = holder;
    }

    /// Gives all of it back before its time.
    pub fn give_back(&mut self) {
        (self.permit, self.part) = (None, None);
    }

    /// Makes the share as large as `bytes` take: [`Self::grow`], or gives back what is too much.
    pub async fn resize(&mut self, bytes: usize, deadline: Instant) -> Result<(), Code> {
        let want = units(bytes as u64);
        let owned = if want > OWNED_UNITS { want } else { 0 };
        for (permit, want) in [(&mut self.permit, want), (&mut self.part, owned)] {
            if let Some(permit) = permit {
                drop(permit.split(permit.num_permits().saturating_sub(want as usize)));
            }
        }
        self.grow(bytes, deadline).await
    }

    /// Makes the share large enough for `bytes`, waiting until `deadline` for others to finish.
    /// While a call waits its client's sending stalls: that is the back-pressure.
    pub async fn grow(&mut self, bytes: usize, deadline: Instant) -> Result<(), Code> {
        let want = units(bytes as u64);
        if want > OWNED_UNITS && missing(self.part.as_ref(), want) > 0 {
            let part = self.held.parts.of_holder(&self.holder);
            more(&mut self.part, part, want, deadline).await?;
        }
        if missing(self.permit.as_ref(), want) > 0 {
            let room = Arc::clone(&self.held.room);
            more(&mut self.permit, (room, self.held.units), want, deadline).await?;
        }
        Ok(())
    }
}

/// No more than a semaphore has: a larger body finds no room.
const fn units(bytes: u64) -> u32 {
    const MOST: u64 = u32::MAX as u64 / 8;
    let units = bytes.div_ceil(UNIT);
    if units < MOST { units as u32 } else { MOST as u32 }
}

fn missing(permit: Option<&OwnedSemaphorePermit>, want: u32) -> u32 {
    let have = permit.map_or(0, OwnedSemaphorePermit::num_permits);
    want.saturating_sub(u32::try_from(have).unwrap_or(u32::MAX))
}

/// Makes a permit as large as is wanted.
async fn more(
    permit: &mut Option<OwnedSemaphorePermit>,
    (room, most): (Arc<Semaphore>, u32),
    want: u32,
    deadline: Instant,
) -> Result<(), Code> {
    let more = missing(permit.as_ref(), want);
    if more > most {
        return Err(Code::BytesExceeded);
    }
    match tokio::time::timeout_at(deadline, room.acquire_many_owned(more)).await {
        Ok(Ok(got)) => {
            match permit {
                Some(held) => held.merge(got),
                None => *permit = Some(got),
            }
            Ok(())
        }
        _ => Err(Code::BytesExceeded),
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
            let held = Held::new(room, 0);
            let mut share = held.share(Holder::Nobody);
            let plain = decode(decoder(), &coded, &mut share, Duration::from_millis(20)).await;
            assert_eq!(plain.map(|plain| plain.len()), expect);
            share.give_back();
            assert_eq!(held.bytes(), 0);
        }
        let mut share = Held::new(1 << 20, 0).share(Holder::Nobody);
        assert_eq!(decode(decoder(), b"", &mut share, Duration::ZERO).await.unwrap(), "");
    }

    #[tokio::test]
    async fn shares_wait_for_each_other_and_give_back() {
        let held = Held::new(64 * 1024, 64 * 1024);
        let soon = || Instant::now() + Duration::from_millis(20);
        let mut first = held.share(Holder::Nobody);
        first.grow(40 * 1024, soon()).await.unwrap();
        let mut second = held.share(Holder::Nobody);
        assert_eq!(second.grow(40 * 1024, soon()).await, Err(Code::BytesExceeded));
        drop(first);
        second.grow(40 * 1024, soon()).await.unwrap();
        assert_eq!(held.bytes(), 40 * 1024);
        assert_eq!(
            held.share(Holder::Nobody).grow(65 * 1024, soon()).await,
            Err(Code::BytesExceeded)
        );
    }

    #[tokio::test]
    async fn nobody_takes_more_than_half() {
        let soon = || Instant::now() + Duration::from_millis(20);
        let held = Held::new(1 << 20, 0);
        let route = |name: &str| Holder::Route(name.into());
        let mut first = held.share(route("a"));
        first.grow(400 << 10, soon()).await.unwrap();
        let mut second = held.share(route("a"));
        assert_eq!(second.grow(200 << 10, soon()).await, Err(Code::BytesExceeded));
        // A small one is not counted for its owner, and another owner has its own half.
        second.grow(64 << 10, soon()).await.unwrap();
        let mut other = held.share(route("b"));
        other.grow(500 << 10, soon()).await.unwrap();
        other.resize(70 << 10, soon()).await.unwrap();
        first.give_back();
        second.grow(500 << 10, soon()).await.unwrap();
        drop((second, other));
        assert_eq!(held.bytes(), 0);
        // The largest body always has room.
        let held = Held::new(1 << 20, 1 << 20);
        held.share(route("a")).grow(1 << 20, soon()).await.unwrap();
    }
}
