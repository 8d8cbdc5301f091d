//! One event with the proof that it is in a log: a file that stands for itself, in the form of
//! c2sp.org/tlog-proof. The event's line is its `extra` line.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::merkle::leaf_hash;
use crate::path::is_included;
use crate::{
    Break, Digest, Entry, EntryError, Note, NoteError, Profile, Registry, Trail, Verifier,
};

/// An event has 64 KiB at most, its base64 a third more; the rest is room for hashes and notes.
pub const PROOF_BYTES_MAX: usize = 160 * 1024;

const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// A size has 64 bits, so no path is longer.
const PATH_MAX: usize = 64;

/// An event's line, its path, and a signed note with the root. Nothing is believed yet: see
/// [`Self::check`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventProof {
    event: Option<Vec<u8>>,
    index: u64,
    path: Vec<Digest>,
    note: String,
}

/// What a proof proved.
#[derive(Clone)]
pub struct Proven {
    /// The event.
    pub entry: Entry,
    /// The log that it is in, as signed.
    pub note: Note,
}

/// Why a proof proves nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// Not the form.
    #[error("not a proof: {0}")]
    Form(&'static str),
    /// It is a proof, but of what has to be known already.
    #[error("the proof has no event in it (no `extra` line)")]
    NoEvent,
    /// The log's signature.
    #[error("{0}")]
    Note(#[from] NoteError),
    /// The event itself, or its signature.
    #[error("the event: {0}")]
    Event(Box<Break>),
    /// The event's line.
    #[error("{0}")]
    Entry(#[from] EntryError),
    /// Another place than the event's number.
    #[error("the proof is for number {index}, but the event says that it is number {seq}")]
    Index {
        /// The proof's.
        index: u64,
        /// The event's.
        seq: u64,
    },
    /// The path does not lead there.
    #[error("the event is not number {index} of the log of {size} events that was signed")]
    Path {
        /// The event's number.
        index: u64,
        /// The log's size.
        size: u64,
    },
}

impl EventProof {
    /// The proof of an event's line that a trail has followed, under a signed note of the trail's
    /// tree.
    pub fn new(event: &[u8], index: u64, trail: &Trail, note: &str) -> Self {
        let event = event.strip_suffix(b"\n").unwrap_or(event).to_vec();
        Self { event: Some(event), index, path: trail.path(), note: note.to_owned() }
    }

    /// The number of the leaf.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The hashes from the leaf's sibling up.
    pub fn path(&self) -> &[Digest] {
        &self.path
    }

    /// The signed note.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The written form.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        if let Some(event) = &self.event {
            text.push_str(&format!("extra {}\n", STANDARD.encode(event)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads the written form, and no other way to write the same.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ProofError::Form("it is longer than 160 KiB"));
        }
        let (head, note) =
            text.split_once("\n\n").ok_or(ProofError::Form("it has no signed note"))?;
        let proof = parse_head(head, note)?;
        if proof.to_text() != text {
            return Err(ProofError::Form("it is not in its one written form"));
        }
        Ok(proof)
    }

    /// The event, if a registered signer sealed it, a registered Ed25519 key signed the note, and
    /// the path leads from the one to the other.
    pub fn check(&self, registry: &Registry) -> Result<Proven, ProofError> {
        let line = self.event.as_deref().ok_or(ProofError::NoEvent)?;
        let note = Note::read(&self.note, registry)?;
        let wrong = |broken| ProofError::Event(Box::new(broken));
        let mut verifier = Verifier::new(Profile::Tollgate, registry).part();
        verifier.push(line).map_err(wrong)?;
        verifier.finish().map_err(wrong)?;
        let entry = Entry::parse(line)?;
        let (index, size) = (self.index, note.size);
        if entry.seq() != index {
            return Err(ProofError::Index { index, seq: entry.seq() });
        }
        if !is_included(&leaf_hash(line), index, &self.path, size, &note.root) {
            return Err(ProofError::Path { index, size });
        }
        Ok(Proven { entry, note })
    }
}

fn parse_head(head: &str, note: &str) -> Result<EventProof, ProofError> {
    let form = ProofError::Form;
    let mut lines = head.split('\n').peekable();
    if lines.next() != Some(HEAD) {
        return Err(form("it does not begin with `c2sp.org/tlog-proof@v1`"));
    }
    let extra = lines.next_if(|line| line.starts_with("extra "));
    let event =
        extra.and_then(|line| line.strip_prefix("extra ")).map(|text| STANDARD.decode(text));
    let event = event.transpose().map_err(|_| form("`extra` is not base64"))?;
    let digits = lines.next().and_then(|line| line.strip_prefix("index "));
    let index = digits.and_then(|digits| digits.parse().ok());
    let index = index.ok_or(form("`index` is missing or no number"))?;
    let mut path = Vec::new();
    for line in lines {
        if path.len() == PATH_MAX {
            return Err(form("it has more than 64 hashes"));
        }
        path.push(read_hash(line).ok_or(form("a line is not a hash in base64"))?);
    }
    Ok(EventProof { event, index, path, note: note.to_owned() })
}

fn read_hash(line: &str) -> Option<Digest> {
    let bytes: [u8; 32] = STANDARD.decode(line).ok()?.try_into().ok()?;
    Some(Digest::new(bytes))
}
