//! Which objects of an archive a hold is about.
//!
//! Their names tell numbers. Where a hold tells times, the objects at its ends are looked for and
//! read: an event's time is always later than that of the event before.
use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;
use hyper::body::Bytes;
use jiff::Timestamp;
use tollgate_audit::Entry;

use super::super::archive::{Span, span};
use super::super::aws::{Bucket, S3Error};
use super::super::holds::{Bound, Hold};
use super::s3::OBJECT_BYTES_MAX;

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReachError {
    #[error(transparent)]
    Store(#[from] S3Error),
    #[error("`{0}` in the archive cannot be read, so the times of its events are not known")]
    Unreadable(String),
}

/// The numbers of the events that a hold is about, from the first up to and with the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reach {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Reach {
    pub(super) fn meets(self, span: Span) -> bool {
        self.first <= span.last && span.first <= self.last
    }
}

/// What a hold is about when the archive has nothing of it yet.
const NOTHING: Reach = Reach { first: u64::MAX, last: 0 };

/// Those of several holds, one for each.
pub(super) async fn reaches(
    bucket: &Bucket,
    folder: &str,
    holds: &[Hold],
) -> Result<Vec<Reach>, ReachError> {
    let mut reaches = Vec::with_capacity(holds.len());
    for hold in holds {
        let first = first(bucket, folder, hold.from).await?;
        let last = last(bucket, folder, hold.until).await?;
        let reach = last.filter(|last| first <= *last).map(|last| Reach { first, last });
        reaches.push(reach.unwrap_or(NOTHING));
    }
    Ok(reaches)
}

async fn first(bucket: &Bucket, folder: &str, from: Option<Bound>) -> Result<u64, ReachError> {
    let time = match from {
        None => return Ok(0),
        Some(Bound::Seq(number)) => return Ok(number),
        Some(Bound::Time(time)) => time,
    };
    Ok(match begun_by(bucket, folder, time).await? {
        None => 0,
        Some(object) if object.last_ts >= time => object.span.first,
        Some(object) => object.span.last.saturating_add(1),
    })
}

async fn last(
    bucket: &Bucket,
    folder: &str,
    until: Option<Bound>,
) -> Result<Option<u64>, ReachError> {
    let time = match until {
        None => return Ok(Some(u64::MAX)),
        Some(Bound::Seq(number)) => return Ok(Some(number)),
        Some(Bound::Time(time)) => time,
    };
    Ok(begun_by(bucket, folder, time).await?.map(|object| object.span.last))
}

/// An object with the times of its first and its last event.
struct Dated {
    span: Span,
    first_ts: Timestamp,
    last_ts: Timestamp,
}

/// The last object whose first event is not after this time. Halves the numbers until they are
/// told apart, so it asks 64 times at most.
async fn begun_by(
    bucket: &Bucket,
    folder: &str,
    time: Timestamp,
) -> Result<Option<Dated>, ReachError> {
    let (mut low, mut high, mut begun) = (0, u64::MAX, None);
    while low < high {
        let middle = low + (high - low) / 2;
        match object_from(bucket, folder, middle).await? {
            Some(object) if object.first_ts <= time => {
                low = object.span.first.saturating_add(1);
                begun = Some(object);
            }
            _ => high = middle,
        }
    }
    Ok(begun)
}

/// The first object that begins with this event or a later one.
async fn object_from(
    bucket: &Bucket,
    folder: &str,
    number: u64,
) -> Result<Option<Dated>, ReachError> {
    let prefix = format!("{folder}events-");
    let (objects, _) = bucket.list(&prefix, &format!("{prefix}{number:020}")).await?;
    let named = objects.into_iter().find_map(|object| Some((span(&object.key)?, object.key)));
    let Some((span, key)) = named else { return Ok(None) };
    let content = bucket.read(&key, OBJECT_BYTES_MAX).await?;
    let is_packed = key.ends_with(".gz");
    let times = tokio::task::spawn_blocking(move || times(content?, is_packed)).await;
    match times.ok().flatten() {
        Some((first_ts, last_ts)) => Ok(Some(Dated { span, first_ts, last_ts })),
        None => Err(ReachError::Unreadable(key)),
    }
}

fn times(content: Bytes, is_packed: bool) -> Option<(Timestamp, Timestamp)> {
    let lines = if is_packed { unpack(&content).ok()?.into() } else { content };
    let mut lines = lines.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let first = Entry::parse(lines.next()?).ok()?.ts();
    let last = lines.next_back().map(Entry::parse).transpose().ok()?;
    Some((first, last.map_or(first, |last| last.ts())))
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let most = u64::try_from(OBJECT_BYTES_MAX).unwrap_or(u64::MAX);
    MultiGzDecoder::new(packed).take(most).read_to_end(&mut plain)?;
    Ok(plain)
}
