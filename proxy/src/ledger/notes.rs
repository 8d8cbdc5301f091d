//! Signed notes: the size and the Merkle root of the chain, as other logs tell them, too
//! (c2sp.org/tlog-checkpoint).
//!
//! ```text
//! <spool>/checkpoint   the last one, replaced whole
//! <spool>/notes.txt    every one, with an empty line behind each
//! ```
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tollgate_audit::{Note, NoteError, Registry};

use super::LedgerError;
use super::disk;
use super::files::replace;

/// The last signed note.
pub(super) const NOTE_FILE: &str = "checkpoint";
/// Every signed note.
const NOTES_FILE: &str = "notes.txt";
/// A note has three short lines and a signature for each signer.
const NOTE_BYTES_MAX: u64 = 64 << 10;

/// The last signed note, if a registered signer signed it.
pub(super) fn last(dir: &Path, registry: &Registry) -> Result<Option<Note>, LedgerError> {
    let path = dir.join(NOTE_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(LedgerError::file("read", &path, e)),
    };
    let mut text = String::new();
    let read = file.take(NOTE_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|e| LedgerError::file("read", &path, e))?;
    let note = match Note::read(&text, registry) {
        // Signed in earnest, and of no use any more.
        Err(NoteError::Revoked) => return Ok(None),
        note => note,
    };
    note.map(Some).map_err(|e| LedgerError::damaged(&path, 1, &e.to_string()))
}

/// Where notes are kept.
pub(super) struct Notes {
    dir: PathBuf,
    file: File,
}

impl Notes {
    /// Opens the list, and cuts a note off that a crash left unfinished.
    pub(super) fn open(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(NOTES_FILE);
        let fault = |e| LedgerError::file("open", &path, e);
        let mut file = disk::open(&path).map_err(fault)?;
        let length = file.metadata().map_err(fault)?.len();
        let whole = whole_end(&mut file, length).map_err(fault)?;
        if whole < length {
            file.set_len(whole).and_then(|()| file.sync_all()).map_err(fault)?;
        }
        Ok(Self { dir: dir.to_owned(), file })
    }

    /// Keeps a note. The list comes first: what is the last must be in it.
    pub(super) fn keep(&mut self, note: &str) -> Result<(), LedgerError> {
        let path = self.dir.join(NOTES_FILE);
        let length = self.file.metadata().map(|facts| facts.len());
        let written = self.file.write_all(format!("{note}\n").as_bytes());
        let written = written.and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            if let Ok(length) = length {
                let _ = self.file.set_len(length);
            }
            return Err(LedgerError::file("write", &path, error));
        }
        replace(&self.dir.join(NOTE_FILE), note.as_bytes())
    }
}

/// Where the last whole note ends, looked for from the file's end.
fn whole_end(file: &mut File, length: u64) -> io::Result<u64> {
    let from = length.saturating_sub(NOTE_BYTES_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(NOTE_BYTES_MAX).read_to_end(&mut tail)?;
    // A note has an empty line in its middle, too: its signature stands between the two.
    let mut end = tail.len();
    while end > 0 {
        let before = tail.get(..end).unwrap_or_default();
        let signed =
            before.strip_suffix(b"\n\n").and_then(|text| text.split(|b| *b == b'\n').next_back());
        if signed.is_some_and(|line| line.starts_with("— ".as_bytes())) {
            break;
        }
        end -= 1;
    }
    Ok(from + u64::try_from(end).unwrap_or(0))
}

/// Every note of a directory that a signer signed who is believed, oldest first, with its text. Reading
/// stops at what is no note: a gate may be writing it just now.
pub fn read_notes(dir: &Path, registry: &Registry) -> io::Result<Vec<(String, Note)>> {
    let text = match fs::read_to_string(dir.join(NOTES_FILE)) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut notes = Vec::new();
    let mut parts = text.split("\n\n");
    while let (Some(body), Some(signatures)) = (parts.next(), parts.next()) {
        let text = format!("{body}\n\n{signatures}\n");
        match Note::read(&text, registry) {
            Ok(note) => notes.push((text, note)),
            // Its key was revoked since, or nobody here knows it.
            Err(NoteError::Revoked | NoteError::Unsigned) => {}
            Err(_) => break,
        }
    }
    Ok(notes)
}
