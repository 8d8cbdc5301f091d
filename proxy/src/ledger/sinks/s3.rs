//! An archive in a bucket: objects of JSON lines, each written once, under Object Lock.
//!
//! ```text
//! <prefix><id of the chain's first event>/
//!     signers-<first>-<hash>.json              the registry, whenever it changed
//!     events-<first>-<last>.jsonl.gz           events by their numbers, in their order
//!     checkpoint-<size>.json                   the newest signed checkpoint of what is there
//! ```
//!
//! Events count as taken when the store has their object, and not before. An object ends with its
//! number of events, its bytes, its age or the gate. When an answer was lost, the object is looked
//! for, read back and compared; an object that holds something else is never written over, and the
//! sink stands still. So it does when the store refuses: an archive with a hole is none.
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use tokio::time::Instant;
use tollgate_audit::Entry;
use tollgate_config::settings::{S3LockMode, S3Sink};

use super::super::archive::span;
use super::super::aws::{Bucket, Lock, Place, Put};
use super::super::health::SinkCounters;
use super::super::holds::Hold;
use super::super::recovery::origin_of;
use super::super::spool::segment_path;
use super::DeliveryError;
use super::beside::{Beside, newest_checkpoint};
use super::cursor::{first_entry, successor};
use super::feed::Batch;
use super::holding::{Following, HoldKeeper};
use crate::egress::Onward;

/// The largest `object_bytes`.
const OBJECT_EVENTS_BYTES_MAX: u64 = 32 << 20;
/// An object that is read back: that, and an event.
pub(super) const OBJECT_BYTES_MAX: usize = (32 << 20) + (160 << 10);

/// A bucket that is written to.
pub(super) struct S3Outlet {
    setting: S3Sink,
    onward: Onward,
    bucket: Bucket,
    prefix: String,
    lock: Lock,
    gzip: bool,
    object_events: usize,
    object_bytes: u64,
    object_wait: Duration,
    spool: PathBuf,
    /// The chain's folder, once it is known.
    folder: Option<String>,
    /// Whether the store may have an object of which no answer came.
    unsure: bool,
    /// The events of an object that is there already, to be taken once more whatever the settings.
    fitting: Option<usize>,
    /// The first event that waits for an object, and since when.
    waiting: Option<(u64, Instant)>,
    beside: Beside,
    /// Events up to here were put since the start; 0 before the first.
    delivered: u64,
    /// The legal holds in force, and who else acts on them.
    following: Following,
}

impl S3Outlet {
    pub(super) fn new(setting: &S3Sink, spool: &Path, onward: &Onward) -> Result<Self, String> {
        let prefix = folder_prefix(&setting.prefix)?;
        let object_events = usize::try_from(setting.object_events).unwrap_or(1).max(1);
        Ok(Self {
            setting: setting.clone(),
            onward: onward.clone(),
            bucket: Bucket::new(&setting.bucket, &place(setting, onward))?,
            prefix,
            lock: Lock {
                retention: setting.lock.as_ref().map(|lock| (mode(lock.mode), lock.retention_days)),
                legal_hold: setting.legal_hold,
            },
            gzip: setting.gzip,
            object_events,
            object_bytes: setting.object_bytes,
            object_wait: Duration::from_secs(setting.object_secs),
            spool: spool.to_owned(),
            folder: None,
            unsure: true,
            fitting: None,
            waiting: None,
            beside: Beside::of(spool),
            delivered: 0,
            following: Following::nothing(),
        })
    }

    /// Whoever keeps the holds of what is there. What is put from here on has them from the start.
    pub(super) fn hold_keeper(
        &mut self,
        following: Following,
        counters: Arc<SinkCounters>,
    ) -> HoldKeeper {
        self.following = following.clone();
        let place = place(&self.setting, &self.onward);
        HoldKeeper::new(self.setting.clone(), place, &self.spool, following, counters)
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.fitting.unwrap_or(self.object_events)
    }

    /// An object that is taken once more may be from before the setting was changed.
    pub(super) fn bytes_at_once(&self) -> u64 {
        match self.fitting {
            None => self.object_bytes,
            Some(_) => OBJECT_EVENTS_BYTES_MAX,
        }
    }

    /// Whether these events are an object: more would not fit, or they have waited long enough.
    pub(super) fn is_due(&mut self, batch: &Batch) -> bool {
        let since = match self.waiting {
            Some((first, since)) if first == batch.first_seq => since,
            _ => {
                let now = Instant::now();
                self.waiting = Some((batch.first_seq, now));
                now
            }
        };
        batch.more || since.elapsed() >= self.object_wait
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let folder = self.folder(batch)?;
        let is_known = self.unsure && self.fit(&folder, batch).await?;
        let puts = Arc::clone(&self.following.puts);
        let putting = puts.read().await;
        let holds = Arc::clone(&self.following.holds.borrow());
        let held = self.lock(is_held(&holds, batch)?);
        let held_beside = self.lock(!holds.is_empty());
        // Until all of it is answered; being cancelled leaves it so.
        self.unsure = true;
        self.put_registry(&folder, batch, &held_beside).await?;
        self.put_events(&folder, batch, &held).await?;
        self.put_checkpoint(&folder, batch.last_seq + 1, &held_beside).await?;
        self.delivered = batch.last_seq + 1;
        // Behind one that was there already may be more.
        self.unsure = is_known;
        self.fitting = None;
        drop(putting);
        Ok(())
    }

    /// The last checkpoint may have been signed after the events that it is about were taken.
    pub(super) async fn close(&mut self) -> Result<(), DeliveryError> {
        let Some(folder) = self.folder.clone().filter(|_| self.delivered > 0) else {
            return Ok(());
        };
        let puts = Arc::clone(&self.following.puts);
        let putting = puts.read().await;
        let held = self.lock(!self.following.holds.borrow().is_empty());
        self.put_checkpoint(&folder, self.delivered, &held).await?;
        drop(putting);
        Ok(())
    }

    fn lock(&self, is_held: bool) -> Lock {
        let legal_hold = self.lock.legal_hold || is_held;
        Lock { legal_hold, ..self.lock.clone() }
    }

    /// The chain's folder: it is named for the chain's first event.
    fn folder(&mut self, batch: &Batch) -> Result<String, DeliveryError> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let first = batch.lines.split(|b| *b == b'\n').next().unwrap_or_default();
        let chain = match batch.first_seq {
            0 => Entry::parse(first).ok().map(|first| origin_of(&first.id().to_string())),
            _ => origin(&self.spool),
        };
        let origin = chain.ok_or(DeliveryError::Spool)?;
        let folder = format!("{}{}/", self.prefix, chain_of(&origin));
        self.folder = Some(folder.clone());
        Ok(folder)
    }

    /// An object that begins with the same event is there already, when its answer or this sink's
    /// cursor was lost. Then the same events are taken once more. Whether there is one of these.
    async fn fit(&mut self, folder: &str, batch: &Batch) -> Result<bool, DeliveryError> {
        let begin = format!("{folder}events-{:020}-", batch.first_seq);
        let (objects, _) = self.bucket.list(&begin, "").await?;
        let last = objects.first().and_then(|object| span(&object.key));
        let Some(span) = last else { return Ok(false) };
        if span.last == batch.last_seq {
            return Ok(true);
        }
        let events = usize::try_from(span.last.saturating_sub(span.first) + 1).unwrap_or(1);
        if self.fitting == Some(events) && span.last > batch.last_seq {
            return Err(DeliveryError::Foreign(begin));
        }
        self.fitting = Some(events);
        Err(DeliveryError::Recut)
    }

    async fn put_registry(
        &mut self,
        folder: &str,
        batch: &Batch,
        lock: &Lock,
    ) -> Result<(), DeliveryError> {
        let beside = self.beside.clone();
        let Some(registry) = reading(move || beside.registry()).await? else { return Ok(()) };
        let short = hex::encode(registry.sum.get(..8).unwrap_or_default());
        let key = format!("{folder}signers-{:020}-{short}.json", batch.first_seq);
        self.put(&key, registry.text.clone(), "application/json", lock).await?;
        self.beside.has_registry(&registry);
        Ok(())
    }

    async fn put_events(
        &self,
        folder: &str,
        batch: &Batch,
        lock: &Lock,
    ) -> Result<(), DeliveryError> {
        let end = if self.gzip { "jsonl.gz" } else { "jsonl" };
        let (first, last) = (batch.first_seq, batch.last_seq);
        let key = format!("{folder}events-{first:020}-{last:020}.{end}");
        if !self.gzip {
            return self.put(&key, batch.lines.clone(), "application/x-ndjson", lock).await;
        }
        let lines = batch.lines.clone();
        let packed = reading(move || pack(&lines)).await?;
        match self.bucket.put(&key, packed, "application/gzip", lock).await? {
            Put::Made => Ok(()),
            Put::Present => self.accept(&key, &batch.lines, lock).await,
        }
    }

    async fn put_checkpoint(
        &mut self,
        folder: &str,
        size: u64,
        lock: &Lock,
    ) -> Result<(), DeliveryError> {
        let beside = self.beside.clone();
        let newest = reading(move || beside.checkpoint(size)).await?;
        let Some(checkpoint) = newest else { return Ok(()) };
        let key = format!("{folder}checkpoint-{:020}.json", checkpoint.size);
        self.put(&key, checkpoint.line.clone(), "application/json", lock).await?;
        self.beside.has_checkpoint(&checkpoint);
        Ok(())
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        kind: &'static str,
        lock: &Lock,
    ) -> Result<(), DeliveryError> {
        match self.bucket.put(key, content.clone(), kind, lock).await? {
            Put::Made => Ok(()),
            Put::Present => self.accept(key, &content, lock).await,
        }
    }

    /// An object of this name is there already. It may be from before a hold.
    async fn accept(&self, key: &str, content: &[u8], lock: &Lock) -> Result<(), DeliveryError> {
        self.compare(key, content).await?;
        if lock.legal_hold {
            self.bucket.hold(key, None, true).await?;
        }
        Ok(())
    }

    /// Whether the object of this name holds this; by content, since another version of the gate
    /// may have compressed it otherwise.
    async fn compare(&self, key: &str, content: &[u8]) -> Result<(), DeliveryError> {
        let there = self.bucket.read(key, OBJECT_BYTES_MAX).await?;
        let there = there.ok_or_else(|| DeliveryError::Foreign(key.to_owned()))?;
        let same = match key.ends_with(".gz") {
            true => unpack(&there, content.len()).is_ok_and(|plain| plain == content),
            false => there == content,
        };
        match same {
            true => Ok(()),
            false => Err(DeliveryError::Foreign(key.to_owned())),
        }
    }
}

/// Does what reads files or takes long.
async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, DeliveryError> {
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_| DeliveryError::Spool)?.map_err(DeliveryError::Beside)
}

/// Whether a hold is about any of these events.
fn is_held(holds: &[Hold], batch: &Batch) -> Result<bool, DeliveryError> {
    if holds.is_empty() {
        return Ok(false);
    }
    let mut lines = batch.lines.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let parse = |line| Entry::parse(line).map_err(|_| DeliveryError::Spool);
    let first = parse(lines.next().ok_or(DeliveryError::Spool)?)?;
    let last = lines.next_back().map(parse).transpose()?;
    let last = last.as_ref().unwrap_or(&first);
    Ok(holds.iter().any(|hold| hold.meets(&first, last)))
}

/// Where the store is.
pub(super) fn place(setting: &S3Sink, onward: &Onward) -> Place {
    Place {
        region: setting.region.clone(),
        endpoint: setting.endpoint.clone(),
        ca: setting.ca.clone(),
        onward: onward.clone(),
    }
}

/// A prefix as it stands before the chain's folder.
pub(super) fn folder_prefix(prefix: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    let odd = prefix.split('/').any(|part| part == "." || part == "..");
    if prefix.starts_with('/') || prefix.contains("//") || odd || !prefix.bytes().all(plain) {
        return Err("`prefix` is letters, digits and `/ . _ -`, without `/` before it".to_owned());
    }
    Ok(prefix.to_owned())
}

/// A chain's folder below the prefix.
pub(super) fn chain_of(origin: &str) -> &str {
    origin.rsplit('/').next().unwrap_or(origin)
}

/// The chain's origin, as its first event or a checkpoint has it.
pub(super) fn origin(spool: &Path) -> Option<String> {
    let first = successor(spool, 0).and_then(|ordinal| first_entry(&segment_path(spool, ordinal)));
    match first.filter(|first| first.seq() == 0) {
        Some(first) => Some(origin_of(&first.id().to_string())),
        None => Some(newest_checkpoint(spool, u64::MAX).ok()??.0.origin),
    }
}

fn mode(mode: S3LockMode) -> &'static str {
    match mode {
        S3LockMode::Governance => "GOVERNANCE",
        S3LockMode::Compliance => "COMPLIANCE",
    }
}

fn pack(lines: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines)?;
    Ok(Bytes::from(encoder.finish()?))
}

/// At most a byte more than it should have.
fn unpack(packed: &[u8], bytes: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let bytes_max = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed).take(bytes_max).read_to_end(&mut plain)?;
    Ok(plain)
}

#[cfg(test)]
mod tests;
