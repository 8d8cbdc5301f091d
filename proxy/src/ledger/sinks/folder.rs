//! An archive in a directory: files of JSON lines, each written once and never again.
//!
//! Events are added to `filling.part` and synced before they count as taken. When the file has its
//! number of events, its day is over or the gate stops, it is renamed to
//! `events-<number of its first event>.jsonl` and read-only from then on. What comes twice is
//! compared with what is there and not written twice.
//!
//! Beside them stand `signers.json`, the registry, and in `checkpoints.jsonl` the newest signed
//! checkpoint of what is there, both always whole: whoever gets the directory alone can verify it,
//! and sees when its end was cut off.
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tollgate_audit::{Digest, Entry};
use tollgate_config::settings::FolderSink;

use super::super::files::{make_dir, replace, sync_parent};
use super::super::signers::register::REGISTRY_FILE;
use super::super::spool::CHECKPOINTS_FILE;
use super::DeliveryError;
use super::beside::Beside;
use super::feed::Batch;

/// Events of one batch.
pub(super) const BATCH_EVENTS: usize = 4096;
/// The file that is being filled.
const PART: &str = "filling.part";
const DAY_SECS: i64 = 86_400;

/// An archive that is written to.
pub(super) struct FolderOutlet {
    archive: Arc<Mutex<Archive>>,
}

impl FolderOutlet {
    pub(super) fn new(setting: &FolderSink, spool: &Path) -> Result<Self, String> {
        let directory = setting.directory.clone();
        let told = |e: &dyn std::fmt::Display| format!("`{}`: {e}", directory.display());
        make_dir(&directory).map_err(|e| e.to_string())?;
        let same = || Some(fs::canonicalize(&directory).ok()? == fs::canonicalize(spool).ok()?);
        // A spool's segments have names like the archive's files.
        if same() == Some(true) || directory.join("lock").exists() {
            return Err(told(&"it is a spool; an archive has a directory of its own"));
        }
        let lock = lock(&directory).map_err(|e| told(&e))?;
        let file_events = setting.file_events.max(1);
        let beside = Beside::of(spool);
        let mut archive = Archive { directory, file_events, held: None, beside, _lock: lock };
        let held = archive.read().map_err(|e| e.to_string())?;
        archive.held = Some(held);
        Ok(Self { archive: Arc::new(Mutex::new(archive)) })
    }

    pub(super) async fn deliver(&self, batch: &Batch) -> Result<(), DeliveryError> {
        let lines = batch.lines.clone();
        self.with(move |archive| archive.take(&lines)).await
    }

    /// Ends the file that is being filled.
    pub(super) async fn close(&self) -> Result<(), DeliveryError> {
        self.with(Archive::finish).await
    }

    async fn with(
        &self,
        act: impl FnOnce(&mut Archive) -> io::Result<()> + Send + 'static,
    ) -> Result<(), DeliveryError> {
        let archive = Arc::clone(&self.archive);
        let acted = tokio::task::spawn_blocking(move || act(&mut archive.lock())).await;
        acted.map_err(|_| DeliveryError::Spool)?.map_err(DeliveryError::Archive)
    }
}

/// Takes the directory for this gate, for as long as the file is held.
fn lock(directory: &Path) -> io::Result<File> {
    let path = directory.join("archive.lock");
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(io::Error::other("another gate writes to it")),
        Err(fs::TryLockError::Error(e)) => Err(e),
    }
}

struct Archive {
    directory: PathBuf,
    file_events: u64,
    /// What is there; read again after a failure.
    held: Option<Held>,
    beside: Beside,
    _lock: File,
}

/// What the directory holds.
struct Held {
    last: Option<(u64, Digest)>,
    part: Option<Part>,
}

/// The file that is being filled.
struct Part {
    file: File,
    first_seq: u64,
    day: i64,
    events: u64,
    bytes: u64,
    /// Bytes that the disk is known to have.
    synced: u64,
}

impl Archive {
    fn take(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut held = match self.held.take() {
            Some(held) => held,
            None => self.read()?,
        };
        self.keep_registry()?;
        self.add(&mut held, lines)?;
        if let Some((last, _)) = &held.last {
            self.keep_checkpoint(last + 1)?;
        }
        self.held = Some(held);
        Ok(())
    }

    fn keep_registry(&mut self) -> io::Result<()> {
        if let Some(registry) = self.beside.registry()? {
            self.replace(REGISTRY_FILE, &registry.text)?;
            self.beside.has_registry(&registry);
        }
        Ok(())
    }

    /// The newest is worth all before it.
    fn keep_checkpoint(&mut self, size: u64) -> io::Result<()> {
        if let Some(checkpoint) = self.beside.checkpoint(size)? {
            self.replace(CHECKPOINTS_FILE, &checkpoint.line)?;
            self.beside.has_checkpoint(&checkpoint);
        }
        Ok(())
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        replace(&self.directory.join(name), content).map_err(io::Error::other)
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(held) = self.held.take() else { return Ok(()) };
        // It may have been signed after the events that it is about were taken.
        if let Some((last, _)) = &held.last {
            self.keep_checkpoint(last + 1)?;
        }
        held.part.map_or(Ok(()), |part| self.seal(&part))
    }

    fn add(&self, held: &mut Held, lines: &[u8]) -> io::Result<()> {
        let mut fresh = Vec::new();
        let mut known = None;
        for line in lines.split_inclusive(|b| *b == b'\n') {
            let entry = Entry::parse(line).map_err(|_| damaged("an event cannot be read"))?;
            match &held.last {
                Some((last, _)) if entry.seq() <= *last => known = Some((entry.seq(), line)),
                _ => fresh.push((entry, line)),
            }
        }
        // The hashes chain, so when the last is the same, all before it are.
        if let Some((seq, line)) = known
            && self.line(held, seq)?.as_deref() != Some(line)
        {
            return Err(damaged("the directory holds another record"));
        }
        for (entry, line) in fresh {
            self.append(held, &entry, line)?;
        }
        held.part.as_mut().map_or(Ok(()), Part::sync)
    }

    /// Adds one event, to a new file where one is due.
    fn append(&self, held: &mut Held, entry: &Entry, line: &[u8]) -> io::Result<()> {
        let follows = held.last.as_ref().is_none_or(|(last, _)| last + 1 == entry.seq());
        if let Some((last, hash)) = &held.last {
            if follows && entry.prev_hash() != Some(hash) {
                return Err(damaged("the directory holds another record"));
            }
            if !follows {
                tracing::warn!(after = last, next = entry.seq(), "an archive has a gap");
            }
        }
        let day = day(entry);
        let is_due =
            |part: &mut Part| !follows || part.day != day || part.events >= self.file_events;
        if let Some(mut full) = held.part.take_if(is_due) {
            full.sync()?;
            self.seal(&full)?;
        }
        let part = match &mut held.part {
            Some(part) => part,
            none => none.insert(self.begin(entry, day)?),
        };
        part.append(line)?;
        held.last = Some((entry.seq(), *entry.hash()));
        Ok(())
    }

    fn begin(&self, first: &Entry, day: i64) -> io::Result<Part> {
        let path = self.directory.join(PART);
        let file =
            OpenOptions::new().create_new(true).append(true).read(true).mode(0o600).open(&path)?;
        sync_parent(&path).map_err(io::Error::other)?;
        Ok(Part { file, first_seq: first.seq(), day, events: 0, bytes: 0, synced: 0 })
    }

    /// Gives a file its last name. None is ever replaced.
    fn seal(&self, part: &Part) -> io::Result<()> {
        let name = self.name(part.first_seq);
        if name.exists() {
            return Err(damaged("a file of that name is there already"));
        }
        part.file.sync_all()?;
        fs::rename(self.directory.join(PART), &name)?;
        part.file.set_permissions(Permissions::from_mode(0o400))?;
        sync_parent(&name).map_err(io::Error::other)
    }

    fn name(&self, first_seq: u64) -> PathBuf {
        self.directory.join(format!("events-{first_seq:012}.jsonl"))
    }

    /// Looks what is there, and mends a torn end of the file that is being filled.
    fn read(&self) -> io::Result<Held> {
        let part = self.read_part()?;
        let last = match &part {
            Some((_, last)) => Some(last.clone()),
            None => match self.sealed()?.last() {
                Some(newest) => Some(survey(&self.name(*newest))?.ok_or_else(empty)?.last),
                None => None,
            },
        };
        let last = last.map(|entry| (entry.seq(), *entry.hash()));
        Ok(Held { last, part: part.map(|(part, _)| part) })
    }

    fn read_part(&self) -> io::Result<Option<(Part, Entry)>> {
        let path = self.directory.join(PART);
        let file = match OpenOptions::new().append(true).read(true).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let Some(survey) = survey(&path)? else {
            fs::remove_file(&path)?;
            return Ok(None);
        };
        if file.metadata()?.len() != survey.bytes {
            file.set_len(survey.bytes)?;
            file.sync_all()?;
        }
        let Survey { first, last, events, bytes } = survey;
        let (first_seq, day) = (first.seq(), day(&first));
        Ok(Some((Part { file, first_seq, day, events, bytes, synced: bytes }, last)))
    }

    /// The first events' numbers of the files that are whole, in order.
    fn sealed(&self) -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.directory)? {
            let name = file?.file_name();
            let digits: Option<u64> = name.to_str().and_then(|name| {
                name.strip_prefix("events-")?.strip_suffix(".jsonl")?.parse().ok()
            });
            found.extend(digits);
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The line of an event that is there.
    fn line(&self, held: &Held, seq: u64) -> io::Result<Option<Vec<u8>>> {
        let part = held.part.as_ref().filter(|part| part.first_seq <= seq);
        let (first, path) = match part {
            Some(part) => (part.first_seq, self.directory.join(PART)),
            None => match self.sealed()?.into_iter().rfind(|first| *first <= seq) {
                Some(first) => (first, self.name(first)),
                None => return Ok(None),
            },
        };
        let mut lines = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        for _ in first..=seq {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(line))
    }
}

impl Part {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(line) {
            // What is read again must not end in the middle of a line.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += u64::try_from(line.len()).unwrap_or(0);
        self.events += 1;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Err(error) = self.file.sync_data() {
            // The kernel may call pages clean that no disk has, so they are written again.
            let _ = self.file.set_len(self.synced);
            return Err(error);
        }
        self.synced = self.bytes;
        Ok(())
    }
}

/// What is in a file.
struct Survey {
    first: Entry,
    last: Entry,
    events: u64,
    /// Without a torn end.
    bytes: u64,
}

/// Nothing when it has no whole line.
fn survey(path: &Path) -> io::Result<Option<Survey>> {
    let mut lines = BufReader::new(File::open(path)?);
    let (mut first, mut last, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let (mut events, mut bytes) = (0, 0);
    while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        bytes += u64::try_from(line.len()).unwrap_or(0);
        events += 1;
        if first.is_empty() {
            first.clone_from(&line);
        }
        std::mem::swap(&mut last, &mut line);
        line.clear();
    }
    if events == 0 {
        return Ok(None);
    }
    let parse = |line: &[u8]| {
        Entry::parse(line)
            .map_err(|_| damaged(&format!("`{}` holds what is no event", path.display())))
    };
    Ok(Some(Survey { first: parse(&first)?, last: parse(&last)?, events, bytes }))
}

fn day(entry: &Entry) -> i64 {
    entry.ts().as_second().div_euclid(DAY_SECS)
}

fn empty() -> io::Error {
    damaged("its newest file holds no event")
}

fn damaged(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
