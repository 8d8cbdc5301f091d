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
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tollgate_audit::{Checkpoint, Entry, Registry, SignedCheckpoint};
use tollgate_config::settings::{S3LockMode, S3Sink};

use super::super::archive::span;
use super::super::aws::{Bucket, Lock, Place, Put};
use super::super::recovery::origin_of;
use super::super::signers::register::REGISTRY_FILE;
use super::super::spool::{CHECKPOINTS_FILE, segment_path};
use super::DeliveryError;
use super::cursor::{first_entry, successor};
use super::feed::Batch;

/// An object that is read back: the largest `object_bytes`, and an event.
const OBJECT_BYTES_MAX: usize = (32 << 20) + (160 << 10);
/// Where the newest checkpoints are looked for in their file: some hundred lines of it.
const CHECKPOINTS_TAIL_BYTES: u64 = 128 << 10;

/// A bucket that is written to.
pub(super) struct S3Outlet {
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
    /// Other than the setting where an object is there already.
    fitting_events: usize,
    /// The first event that waits for an object, and since when.
    waiting: Option<(u64, Instant)>,
    /// Of the registry that is in the archive.
    registry: Option<[u8; 32]>,
    /// The size of the newest checkpoint that is in the archive.
    anchored: u64,
}

impl S3Outlet {
    pub(super) fn new(setting: &S3Sink, spool: &Path) -> Result<Self, String> {
        let prefix = folder_prefix(&setting.prefix)?;
        let object_events = usize::try_from(setting.object_events).unwrap_or(1).max(1);
        Ok(Self {
            bucket: Bucket::new(&setting.bucket, &place(setting))?,
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
            fitting_events: object_events,
            waiting: None,
            registry: None,
            anchored: 0,
        })
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.fitting_events
    }

    pub(super) fn bytes_at_once(&self) -> u64 {
        self.object_bytes
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
        if self.unsure {
            self.fit(&folder, batch).await?;
        }
        // Until all of it is answered; being cancelled leaves it so.
        self.unsure = true;
        self.put_registry(&folder, batch).await?;
        self.put_events(&folder, batch).await?;
        self.put_checkpoint(&folder, batch).await?;
        self.unsure = false;
        self.fitting_events = self.object_events;
        Ok(())
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
    /// cursor was lost. Then the same events are taken once more.
    async fn fit(&mut self, folder: &str, batch: &Batch) -> Result<(), DeliveryError> {
        let begin = format!("{folder}events-{:020}-", batch.first_seq);
        let (objects, _) = self.bucket.list(&begin, "").await?;
        let last = objects.first().and_then(|object| span(&object.key));
        let Some(span) = last else { return Ok(()) };
        if span.last == batch.last_seq {
            return Ok(());
        }
        let events = usize::try_from(span.last.saturating_sub(span.first) + 1).unwrap_or(1);
        if events == self.fitting_events && span.last > batch.last_seq {
            return Err(DeliveryError::Foreign(begin));
        }
        self.fitting_events = events;
        Err(DeliveryError::Recut)
    }

    async fn put_registry(&mut self, folder: &str, batch: &Batch) -> Result<(), DeliveryError> {
        let path = self.spool.join(REGISTRY_FILE);
        let text = tokio::fs::read(&path).await.map_err(DeliveryError::Beside)?;
        let sum: [u8; 32] = Sha256::digest(&text).into();
        if self.registry == Some(sum) {
            return Ok(());
        }
        let short = hex::encode(sum.get(..8).unwrap_or_default());
        let key = format!("{folder}signers-{:020}-{short}.json", batch.first_seq);
        self.put(&key, Bytes::from(text), "application/json").await?;
        self.registry = Some(sum);
        Ok(())
    }

    async fn put_events(&self, folder: &str, batch: &Batch) -> Result<(), DeliveryError> {
        let end = if self.gzip { "jsonl.gz" } else { "jsonl" };
        let (first, last) = (batch.first_seq, batch.last_seq);
        let key = format!("{folder}events-{first:020}-{last:020}.{end}");
        if !self.gzip {
            return self.put(&key, batch.lines.clone(), "application/x-ndjson").await;
        }
        let lines = batch.lines.clone();
        let packed = tokio::task::spawn_blocking(move || pack(&lines)).await;
        let packed = packed.map_err(|_| DeliveryError::Spool)?.map_err(DeliveryError::Beside)?;
        match self.bucket.put(&key, packed, "application/gzip", &self.lock).await? {
            Put::Made => Ok(()),
            Put::Present => self.compare(&key, &batch.lines).await,
        }
    }

    async fn put_checkpoint(&mut self, folder: &str, batch: &Batch) -> Result<(), DeliveryError> {
        let (spool, size) = (self.spool.clone(), batch.last_seq + 1);
        let newest = tokio::task::spawn_blocking(move || newest_checkpoint(&spool, size)).await;
        let newest = newest.map_err(|_| DeliveryError::Spool)?.map_err(DeliveryError::Beside)?;
        let Some((Checkpoint { size, .. }, line)) = newest else { return Ok(()) };
        if size <= self.anchored {
            return Ok(());
        }
        let key = format!("{folder}checkpoint-{size:020}.json");
        self.put(&key, Bytes::from(line), "application/json").await?;
        self.anchored = size;
        Ok(())
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        kind: &'static str,
    ) -> Result<(), DeliveryError> {
        match self.bucket.put(key, content.clone(), kind, &self.lock).await? {
            Put::Made => Ok(()),
            Put::Present => self.compare(key, &content).await,
        }
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

/// Where the store is.
pub(super) fn place(setting: &S3Sink) -> Place {
    Place {
        region: setting.region.clone(),
        endpoint: setting.endpoint.clone(),
        ca: setting.ca.clone(),
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

/// The newest signed checkpoint of at most so many events, and its line.
fn newest_checkpoint(spool: &Path, size_max: u64) -> io::Result<Option<(Checkpoint, Vec<u8>)>> {
    let registry = std::fs::read(spool.join(REGISTRY_FILE))?;
    let registry = Registry::parse(&registry).map_err(io::Error::other)?;
    let fitting = |line: Vec<u8>| {
        let signed = SignedCheckpoint::parse(line.strip_suffix(b"\n")?).ok()?;
        let checkpoint = signed.check(&registry).ok()?.clone();
        (checkpoint.size <= size_max).then_some((checkpoint, line))
    };
    let lines = tail_lines(&spool.join(CHECKPOINTS_FILE))?;
    Ok(lines.into_iter().rev().find_map(fitting))
}

/// The last whole lines of a file; none when it is not there.
fn tail_lines(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let from = file.metadata()?.len().saturating_sub(CHECKPOINTS_TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(CHECKPOINTS_TAIL_BYTES).read_to_end(&mut bytes)?;
    let cut = usize::from(from > 0);
    let lines = bytes.split_inclusive(|b| *b == b'\n').skip(cut);
    Ok(lines.filter(|line| line.ends_with(b"\n")).map(<[u8]>::to_vec).collect())
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
