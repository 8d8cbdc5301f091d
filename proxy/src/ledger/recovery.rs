//! What stands in the spool when it is opened, and where the chain goes on.
//!
//! A write that a crash cut short leaves bytes at the very end that are no line: those were never
//! acknowledged, so they are cut off and the cut is recorded. Everything else that is wrong was
//! not made by a crash: the ledger does not start on it.
use std::fs::{self, File};
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tollgate_audit::{
    Chain, Checkpoint, Digest, Entry, Frontier, Kid, Note, Registry, SignedCheckpoint, read_json,
};

use super::LedgerError;
use super::lines::{Line, Lines};
use super::notes::{self, NOTE_FILE};
use super::seal::{Closed, Seal, Tally, parse, read_closed, seal_path};
use super::segment::{Segment, segment_path};
use super::spool::CHECKPOINTS_FILE;
use super::tail::Tail;

/// How far back calls without an end are looked for, in closed segments; a call that is under way
/// while more than this is written is not told of after a crash. At least one segment is looked at.
const LOOK_BACK_BYTES: u64 = 128 << 20;

/// What was found.
pub(super) struct Recovered {
    pub(super) segments: Vec<Segment>,
    /// The newest segment's count, and the tree.
    pub(super) tally: Tally,
    pub(super) chain: Chain,
    /// Which chain it is; none while it has no event.
    pub(super) origin: Option<String>,
    pub(super) torn: Option<Torn>,
    /// Who signed the last event.
    pub(super) signer: Option<Kid>,
    pub(super) tail: Tail,
}

/// What was cut off.
pub(super) struct Torn {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

/// Reads the whole spool, checks what a crash cannot have done, and cuts a torn end.
pub(super) fn recover(dir: &Path, registry: &Registry) -> Result<Recovered, LedgerError> {
    let ordinals = list(dir)?;
    let checkpoint = last_checkpoint(dir, registry)?;
    let note = notes::last(dir, registry)?;
    let mut found = Found::new(dir, checkpoint, note);
    let Some((newest, older)) = ordinals.split_last() else {
        found.compare_checkpoint(0)?;
        return Ok(found.recovered(vec![Segment::first()], None));
    };
    found.begin(older.first().unwrap_or(newest).saturating_sub(1))?;
    let late = late(dir, older);
    for ordinal in older {
        found.add_older(*ordinal, *ordinal >= late)?;
    }
    let torn = found.add_newest(*newest, registry)?;
    let segments = std::mem::take(&mut found.segments);
    let mut recovered = found.recovered(segments, torn);
    recovered.origin = found.origin()?;
    recovered.signer = found.last.as_ref().map(|last| last.signer_kid().clone());
    Ok(recovered)
}

/// Reads every closed segment of a spool and compares it with its seal. Returns how many have one.
///
/// # Errors
/// With the first that differs, or when something cannot be read.
pub fn compare_seals(dir: &Path) -> Result<u64, LedgerError> {
    let mut sealed = 0;
    for ordinal in numbers(dir)? {
        let Some(seal) = Seal::read(dir, ordinal)? else { continue };
        let before = ordinal.checked_sub(1).map(|before| Seal::read(dir, before)).transpose()?;
        let tree = match before.flatten() {
            Some(before) => before.tree,
            None if seal.first_seq == 0 => Some(Frontier::new()),
            None => None,
        };
        let path = segment_path(dir, ordinal);
        let closed = match read_closed(&path, ordinal, tree, |_, _, _| Ok(())) {
            Ok(closed) => closed,
            // A running gate has released it meanwhile.
            Err(LedgerError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                continue;
            }
            Err(error) => return Err(error),
        };
        if let Some(difference) = seal.difference(&closed.seal) {
            return Err(LedgerError::damaged(&path, 0, &difference));
        }
        sealed += 1;
    }
    Ok(sealed)
}

/// The tree before the first segment that is left in a spool; none when nobody kept it.
///
/// # Errors
/// When the directory or a seal in it cannot be read.
pub fn tree_before(dir: &Path) -> Result<Option<Frontier>, LedgerError> {
    match list(dir)?.first().and_then(|first| first.checked_sub(1)) {
        None | Some(0) => Ok(Some(Frontier::new())),
        Some(before) => Ok(Seal::read(dir, before)?.and_then(|seal| seal.tree)),
    }
}

/// The numbers of all segments, without a gap.
fn list(dir: &Path) -> Result<Vec<u64>, LedgerError> {
    let ordinals = numbers(dir)?;
    for (a, b) in ordinals.iter().zip(ordinals.iter().skip(1)) {
        if a + 1 != *b {
            return Err(damaged(&segment_path(dir, a + 1), 0, "the segment is missing"));
        }
    }
    Ok(ordinals)
}

/// The numbers in the names of files. In a spool they are the segments'; in an archive, whose files
/// have no seals, those of their first events.
fn numbers(dir: &Path) -> Result<Vec<u64>, LedgerError> {
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
    Ok(ordinals)
}

/// The first of the closed segments that calls under way can have begun in.
fn late(dir: &Path, older: &[u64]) -> u64 {
    let mut bytes = 0_u64;
    let near = older.iter().rev().take_while(|ordinal| {
        let before = bytes;
        let there = fs::metadata(segment_path(dir, **ordinal)).map_or(0, |facts| facts.len());
        bytes = bytes.saturating_add(there);
        before == 0 || bytes <= LOOK_BACK_BYTES
    });
    near.last().copied().unwrap_or(0)
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
    note: Option<Note>,
    segments: Vec<Segment>,
    tally: Tally,
    last: Option<Entry>,
    first_id: Option<String>,
    tail: Tail,
}

impl<'a> Found<'a> {
    fn new(dir: &'a Path, checkpoint: Option<Checkpoint>, note: Option<Note>) -> Self {
        let tally = Tally::begin(Some(Frontier::new()));
        let (segments, tail) = (Vec::new(), Tail::default());
        Self { dir, checkpoint, note, segments, tally, last: None, first_id: None, tail }
    }

    fn recovered(&mut self, segments: Vec<Segment>, torn: Option<Torn>) -> Recovered {
        Recovered {
            segments,
            tally: self.tally.clone(),
            chain: self.last.as_ref().map_or_else(Chain::new, Chain::after),
            origin: None,
            torn,
            signer: None,
            tail: std::mem::take(&mut self.tail),
        }
    }

    /// The tree before the first segment that is left, from the seal of the one before it.
    fn begin(&mut self, before: u64) -> Result<(), LedgerError> {
        if before > 0 {
            let tree = Seal::read(self.dir, before)?.and_then(|seal| seal.tree);
            self.tally = Tally::begin(tree);
        }
        Ok(())
    }

    /// A closed segment is as it was when it was closed. One without a seal is from an earlier
    /// version, or a crash came between its last line and its seal; then every line of it is
    /// checked, and it gets one.
    fn add_older(&mut self, ordinal: u64, is_late: bool) -> Result<(), LedgerError> {
        let path = segment_path(self.dir, ordinal);
        let seal = Seal::read(self.dir, ordinal)?;
        let tree = self.tree_before(&path)?;
        let (note, mut tail) = (self.note.clone(), std::mem::take(&mut self.tail));
        let mut chain = Link::new(self);
        let closed = read_closed(&path, ordinal, tree, |number, line, tree| {
            compare_note(self.dir, note.as_ref(), tree)?;
            if is_late {
                tail.see_line(line);
            }
            match &seal {
                Some(_) => Ok(()),
                None => chain.follow(self, &path, number, parse(&path, number, line)?),
            }
        })?;
        self.tail = tail;
        let Closed { segment, seal: now, last } = closed;
        match seal.as_ref().map(|seal| seal.difference(&now)) {
            Some(Some(difference)) => return Err(damaged(&path, 0, &difference)),
            Some(None) => {}
            None => {
                tracing::warn!(path = %path.display(), "a closed segment had no seal; it was read and has one now");
                now.write(self.dir)?;
            }
        }
        self.link_ends(&path, &segment, &now, last)?;
        // What an earlier gate knew of the tree is all there is when older events are gone.
        let tree = now.tree.or_else(|| seal.and_then(|seal| seal.tree));
        self.tally = Tally::begin(tree);
        self.segments.push(segment);
        Ok(())
    }

    /// The tree that a segment's first line goes into; none when it cannot be known.
    fn tree_before(&self, path: &Path) -> Result<Option<Frontier>, LedgerError> {
        if self.last.is_some() {
            return Ok(self.tally.tree().cloned());
        }
        let file = File::open(path).map_err(|e| LedgerError::file("read", path, e))?;
        let mut lines = Lines::new(BufReader::new(file), 0);
        let first = match lines.next().map_err(|e| LedgerError::file("read", path, e))? {
            Some(Line::Whole(line)) => Entry::parse(line).ok(),
            _ => None,
        };
        let Some(first) = first else { return Ok(self.tally.tree().cloned()) };
        Ok(match self.tally.tree() {
            Some(tree) if tree.size() == first.seq() => Some(tree.clone()),
            _ if first.seq() == 0 => Some(Frontier::new()),
            _ => None,
        })
    }

    fn add_newest(
        &mut self,
        ordinal: u64,
        registry: &Registry,
    ) -> Result<Option<Torn>, LedgerError> {
        let path = segment_path(self.dir, ordinal);
        if Seal::read(self.dir, ordinal)?.is_some() {
            let next = segment_path(self.dir, ordinal + 1);
            return Err(damaged(&next, 0, "the segment is missing: the one before it is sealed"));
        }
        let fault = |e| LedgerError::file("read", &path, e);
        let tree = self.tree_before(&path)?;
        self.tally = Tally::begin(tree);
        let file = File::open(&path).map_err(fault)?;
        let all = file.metadata().map_err(fault)?.len();
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file), 0);
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
                    self.tally.add(line);
                    compare_note(self.dir, self.note.as_ref(), self.tally.tree())?;
                    self.tail.see(&entry);
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

    /// A closed segment follows from the one before it.
    fn link_ends(
        &mut self,
        path: &Path,
        segment: &Segment,
        seal: &Seal,
        last: Entry,
    ) -> Result<(), LedgerError> {
        let follows = match &self.last {
            Some(before) => {
                segment.first_seq == before.seq() + 1
                    && segment.prev_hash.as_ref() == Some(before.hash())
            }
            None => (segment.first_seq == 0) == segment.prev_hash.is_none(),
        };
        if !follows {
            return Err(damaged(path, 1, "it does not follow from the event before"));
        }
        if seal.last_seq != last.seq() || seal.events == 0 {
            return Err(damaged(path, seal.events, "its events are not numbered one by one"));
        }
        if segment.first_seq == 0 && self.first_id.is_none() {
            self.first_id = first_id(path);
        }
        self.meets_checkpoint(path, seal.events, &last)?;
        self.last = Some(last);
        Ok(())
    }

    fn link(&mut self, path: &Path, line: u64, entry: &Entry) -> Result<(), LedgerError> {
        if !follows(self.last.as_ref(), entry) {
            return Err(damaged(path, line, "it does not follow from the event before"));
        }
        if entry.seq() == 0 {
            self.first_id = Some(entry.id().to_string());
        }
        self.meets_checkpoint(path, line, entry)
    }

    fn meets_checkpoint(&self, path: &Path, line: u64, entry: &Entry) -> Result<(), LedgerError> {
        match &self.checkpoint {
            Some(checkpoint)
                if checkpoint.size == entry.seq() + 1 && checkpoint.head_hash != *entry.hash() =>
            {
                Err(damaged(path, line, "a signed checkpoint saw another event here"))
            }
            _ => Ok(()),
        }
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
        let signed = [
            (CHECKPOINTS_FILE, self.checkpoint.as_ref().map(|checkpoint| checkpoint.size)),
            (NOTE_FILE, self.note.as_ref().map(|note| note.size)),
        ];
        for (name, signed) in signed {
            let Some(signed) = signed.filter(|signed| *signed > size) else { continue };
            let reason = format!(
                "a signed checkpoint says that there were {signed} events, but there are {size}"
            );
            return Err(damaged(&self.dir.join(name), line, &reason));
        }
        Ok(())
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

/// Follows the lines of a segment that has no seal.
struct Link {
    last: Option<Entry>,
}

impl Link {
    fn new(found: &Found<'_>) -> Self {
        Self { last: found.last.clone() }
    }

    fn follow(
        &mut self,
        found: &Found<'_>,
        path: &Path,
        line: u64,
        entry: Entry,
    ) -> Result<(), LedgerError> {
        if !follows(self.last.as_ref(), &entry) {
            return Err(damaged(path, line, "it does not follow from the event before"));
        }
        found.meets_checkpoint(path, line, &entry)?;
        self.last = Some(entry);
        Ok(())
    }
}

fn follows(last: Option<&Entry>, entry: &Entry) -> bool {
    match last {
        Some(last) => {
            entry.seq() == last.seq() + 1
                && entry.prev_hash() == Some(last.hash())
                && entry.ts() > last.ts()
        }
        // Older segments may have been released; then the first one left names a hash.
        None => (entry.seq() == 0) == entry.prev_hash().is_none(),
    }
}

/// The root that was signed is the root that the events have.
fn compare_note(
    dir: &Path,
    note: Option<&Note>,
    tree: Option<&Frontier>,
) -> Result<(), LedgerError> {
    let (Some(note), Some(tree)) = (note, tree) else { return Ok(()) };
    if note.size != tree.size() || note.root == tree.root() {
        return Ok(());
    }
    let reason = format!("the first {} events are not those whose root was signed", note.size);
    Err(damaged(&dir.join(NOTE_FILE), 0, &reason))
}

fn first_id(path: &Path) -> Option<String> {
    let mut lines = Lines::new(BufReader::new(File::open(path).ok()?), 0);
    match lines.next().ok()? {
        Some(Line::Whole(line)) => Entry::parse(line).ok().map(|entry| entry.id().to_string()),
        _ => None,
    }
}

/// A chain is named for its first event.
pub(super) fn origin_of(first_id: &str) -> String {
    format!("tollgate/{first_id}")
}

fn damaged(path: &Path, line: u64, reason: &str) -> LedgerError {
    LedgerError::damaged(path, line, reason)
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

/// Removes seals of segments that are gone, but for that of the last of them.
pub(super) fn forget_seals(dir: &Path, first: u64) {
    for ordinal in (1..first.saturating_sub(1)).rev() {
        if fs::remove_file(seal_path(dir, ordinal)).is_err() {
            break;
        }
    }
}
