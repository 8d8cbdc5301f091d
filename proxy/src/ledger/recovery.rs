//! What stands in the spool when it is opened, and where the chain goes on.
//!
//! A write that a crash cut short leaves bytes at the very end that are no line: those were never
//! acknowledged, so they are cut off and the cut is recorded. Everything else that is wrong was
//! not made by a crash: the ledger does not start on it.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tollgate_audit::{
    Chain, Checkpoint, Digest, Entry, Kid, Registry, SignedCheckpoint, read_json,
};

use super::LedgerError;
use super::spool::{CHECKPOINTS_FILE, Segment, segment_path};

/// A line of ours has 64 KiB at most; more than twice that is no line.
const LINE_BYTES_MAX: u64 = 160 * 1024;

/// What was found.
pub(super) struct Recovered {
    pub(super) segments: Vec<Segment>,
    pub(super) chain: Chain,
    /// Which chain it is; none while it has no event.
    pub(super) origin: Option<String>,
    pub(super) torn: Option<Torn>,
    /// Who signed the last event.
    pub(super) signer: Option<Kid>,
}

/// What was cut off.
pub(super) struct Torn {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

/// Reads the spool, checks what a crash cannot have done, and cuts a torn end.
pub(super) fn recover(dir: &Path, registry: &Registry) -> Result<Recovered, LedgerError> {
    let ordinals = list(dir)?;
    let checkpoint = last_checkpoint(dir, registry)?;
    let mut found = Found { dir, checkpoint, segments: Vec::new(), last: None, first_id: None };
    let Some((newest, older)) = ordinals.split_last() else {
        found.compare_checkpoint(0)?;
        let segments = vec![Segment::first()];
        let chain = Chain::new();
        return Ok(Recovered { segments, chain, origin: None, torn: None, signer: None });
    };
    for ordinal in older {
        found.add_older(*ordinal)?;
    }
    let torn = found.add_newest(*newest, registry)?;
    let origin = found.origin()?;
    let chain = found.last.as_ref().map_or_else(Chain::new, Chain::after);
    let signer = found.last.as_ref().map(|last| last.signer_kid().clone());
    Ok(Recovered { segments: found.segments, chain, origin, torn, signer })
}

fn list(dir: &Path) -> Result<Vec<u64>, LedgerError> {
    let fault = |e| LedgerError::file("list", dir, e);
    let mut ordinals = Vec::new();
    for file in fs::read_dir(dir).map_err(fault)? {
        let name = file.map_err(fault)?.file_name();
        let digits = name.to_str().and_then(|name| {
            name.strip_prefix("events-").and_then(|name| name.strip_suffix(".jsonl"))
        });
        if let Some(Ok(ordinal)) = digits.map(str::parse::<u64>) {
            ordinals.push(ordinal);
        }
    }
    ordinals.sort_unstable();
    for (a, b) in ordinals.iter().zip(ordinals.iter().skip(1)) {
        if a + 1 != *b {
            return Err(damaged(&segment_path(dir, a + 1), 0, "the segment is missing"));
        }
    }
    Ok(ordinals)
}

/// The last line of the checkpoints' file; a torn end of it is cut off.
fn last_checkpoint(dir: &Path, registry: &Registry) -> Result<Option<Checkpoint>, LedgerError> {
    let path = dir.join(CHECKPOINTS_FILE);
    let fault = |e| LedgerError::file("read", &path, e);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fault(e)),
    };
    let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        let file = File::options().write(true).open(&path).map_err(fault)?;
        file.set_len(length).and_then(|()| file.sync_all()).map_err(fault)?;
    }
    let lines = text.get(..whole).unwrap_or_default().split_inclusive(|b| *b == b'\n');
    let Some((number, line)) = lines.enumerate().last() else { return Ok(None) };
    let number = u64::try_from(number + 1).unwrap_or(u64::MAX);
    let wrong = |e: &dyn std::fmt::Display| damaged(&path, number, &e.to_string());
    let signed = SignedCheckpoint::parse(line).map_err(|e| wrong(&e))?;
    signed.check(registry).map_err(|e| wrong(&e)).cloned().map(Some)
}

struct Found<'a> {
    dir: &'a Path,
    checkpoint: Option<Checkpoint>,
    segments: Vec<Segment>,
    last: Option<Entry>,
    first_id: Option<String>,
}

impl Found<'_> {
    /// Only the ends of an older segment are read, so that a large spool opens fast; `tollgate
    /// audit verify` reads all.
    fn add_older(&mut self, ordinal: u64) -> Result<(), LedgerError> {
        let path = segment_path(self.dir, ordinal);
        let fault = |e| LedgerError::file("read", &path, e);
        let mut file = File::open(&path).map_err(fault)?;
        let bytes = file.metadata().map_err(fault)?.len();
        let first = {
            let mut lines = Lines::new(BufReader::new(&mut file), 0);
            match lines.next().map_err(fault)? {
                Some(Line::Whole(line)) => parse(&path, 1, line)?,
                _ => return Err(damaged(&path, 1, "it has no whole first line")),
            }
        };
        self.link(&path, 1, &first)?;
        self.segments.push(Segment::starting(ordinal, bytes, &first));
        let last = last_line(&mut file, bytes).map_err(fault)?;
        let last = last.and_then(|line| Entry::parse(&line).ok());
        self.last = last.ok_or_else(|| damaged(&path, 0, "its last line is no entry"))?.into();
        Ok(())
    }

    fn add_newest(
        &mut self,
        ordinal: u64,
        registry: &Registry,
    ) -> Result<Option<Torn>, LedgerError> {
        let path = segment_path(self.dir, ordinal);
        let fault = |e| LedgerError::file("read", &path, e);
        let file = File::open(&path).map_err(fault)?;
        let all = file.metadata().map_err(fault)?.len();
        let mut lines = Lines::new(BufReader::new(file), 0);
        let (mut number, mut good) = (0, 0);
        let mut bad: Option<u64> = None;
        let mut segment = Segment::empty(ordinal, self.last.as_ref());
        while let Some(line) = lines.next().map_err(fault)? {
            number += 1;
            match (line, bad) {
                (Line::Whole(line), None) if read_json(line.trim_ascii_end()).is_ok() => {
                    let entry = parse(&path, number, line)?;
                    self.link(&path, number, &entry)?;
                    if number == 1 {
                        segment = Segment::starting(ordinal, 0, &entry);
                    }
                    self.last = Some(entry);
                    good = lines.offset;
                }
                (_, None) => bad = Some(number),
                // Something good behind something bad: no crash does that.
                (Line::Whole(line), Some(bad)) if Entry::parse(line).is_ok() => {
                    return Err(damaged(&path, bad, "it is no entry, but entries follow it"));
                }
                (_, Some(_)) => {}
            }
        }
        self.check_last(&path, number, registry)?;
        self.compare_checkpoint(number)?;
        segment.bytes = good;
        self.segments.push(segment);
        if good == all { Ok(None) } else { cut(&path, good).map(Some).map_err(fault) }
    }

    fn link(&mut self, path: &Path, line: u64, entry: &Entry) -> Result<(), LedgerError> {
        let holds = match &self.last {
            Some(last) => {
                entry.seq() == last.seq() + 1
                    && entry.prev_hash() == Some(last.hash())
                    && entry.ts() > last.ts()
            }
            // Older segments may have been released; then the first one left names a hash.
            None => (entry.seq() == 0) == entry.prev_hash().is_none(),
        };
        if !holds {
            return Err(damaged(path, line, "it does not follow from the event before"));
        }
        if entry.seq() == 0 {
            self.first_id = Some(entry.id().to_string());
        }
        if let Some(checkpoint) = &self.checkpoint
            && checkpoint.size == entry.seq() + 1
            && checkpoint.head_hash != *entry.hash()
        {
            return Err(damaged(path, line, "a signed checkpoint saw another event here"));
        }
        Ok(())
    }

    /// The chain goes on from the last entry, so its signature is checked, too.
    fn check_last(&self, path: &Path, line: u64, registry: &Registry) -> Result<(), LedgerError> {
        let Some(last) = &self.last else { return Ok(()) };
        let kid = last.signer_kid().as_str();
        let checked = registry.check(kid, last.hash(), last.signature(), Some(last.ts()));
        checked.map(drop).map_err(|e| damaged(path, line, &e.to_string()))
    }

    fn compare_checkpoint(&self, line: u64) -> Result<(), LedgerError> {
        let size = self.last.as_ref().map_or(0, |last| last.seq() + 1);
        match &self.checkpoint {
            Some(checkpoint) if checkpoint.size > size => {
                let reason = format!(
                    "a signed checkpoint says that there were {} events, but there are {size}",
                    checkpoint.size
                );
                Err(damaged(&self.dir.join(CHECKPOINTS_FILE), line, &reason))
            }
            _ => Ok(()),
        }
    }

    fn origin(&self) -> Result<Option<String>, LedgerError> {
        match (&self.checkpoint, &self.first_id, &self.last) {
            (Some(checkpoint), _, _) => Ok(Some(checkpoint.origin.clone())),
            (None, Some(id), _) => Ok(Some(origin_of(id))),
            (None, None, None) => Ok(None),
            (None, None, Some(_)) => {
                let path = self.dir.join(CHECKPOINTS_FILE);
                Err(damaged(&path, 0, "it is missing, and so is the chain's first event"))
            }
        }
    }
}

/// A chain is named for its first event.
pub(super) fn origin_of(first_id: &str) -> String {
    format!("tollgate/{first_id}")
}

fn parse(path: &Path, number: u64, line: &[u8]) -> Result<Entry, LedgerError> {
    Entry::parse(line).map_err(|e| damaged(path, number, &e.to_string()))
}

fn damaged(path: &Path, line: u64, reason: &str) -> LedgerError {
    LedgerError::Damaged { path: path.to_owned(), line, reason: reason.to_owned() }
}

fn cut(path: &PathBuf, at: u64) -> io::Result<Torn> {
    let mut file = File::options().read(true).write(true).open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut hasher = Sha256::new();
    let bytes = io::copy(&mut file, &mut hasher)?;
    file.set_len(at)?;
    file.sync_all()?;
    tracing::warn!(path = %path.display(), bytes, "cut an unfinished write off the record's end");
    Ok(Torn { bytes, sha256: Digest::new(hasher.finalize().into()) })
}

fn last_line(file: &mut File, bytes: u64) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(bytes.saturating_sub(LINE_BYTES_MAX)))?;
    let mut tail = Vec::new();
    file.take(LINE_BYTES_MAX).read_to_end(&mut tail)?;
    let Some(body) = tail.strip_suffix(b"\n") else { return Ok(None) };
    Ok(body.rsplit(|b| *b == b'\n').next().map(<[u8]>::to_vec))
}

/// Lines of a file, bounded.
pub(super) struct Lines<R> {
    from: R,
    line: Vec<u8>,
    /// Where the next line begins.
    pub(super) offset: u64,
}

pub(super) enum Line<'a> {
    /// With its newline.
    Whole(&'a [u8]),
    /// The file's end without a newline, or something too long to be a line.
    Broken,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(from: R, offset: u64) -> Self {
        Self { from, line: Vec::new(), offset }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = LINE_BYTES_MAX;
        let read = self.from.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.offset += u64::try_from(read).unwrap_or(u64::MAX);
        if self.line.ends_with(b"\n") {
            return Ok(Some(Line::Whole(&self.line)));
        }
        Ok(Some(Line::Broken))
    }
}
