//! `tollgate audit prove`: one event, with the proof that it is in the record.
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tollgate_audit::{
    Entry, EventProof, Frontier, LocalKey, Note, Profile, Registry, SignedCheckpoint, Trail,
    Verifier, leaf_hash,
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::files::event_files;
use super::input::each_line;
use super::registry::read_registry;
use super::{BROKEN, SOUND, UNUSABLE};
use crate::ledger::{read_notes, tree_before};

/// A PKCS#8 Ed25519 key has about 120 bytes.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Writes a file that proves one event to whoever has the registry of signers and nothing else of
/// the record.
///
/// The whole record is verified first. The proof ends at the newest signed note of `notes.txt` in
/// the directory, which the gate writes with each checkpoint; no key is needed. Exit codes: 0
/// proven, 1 the record is not what was written or has no such event, 2 no answer.
#[derive(clap::Args, Debug)]
pub struct ProveArgs {
    /// The event's id.
    #[arg(value_name = "ID")]
    pub id: Uuid,
    /// The spool's directory.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The file to write; it must not be there yet. Default: the terminal.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Signs the record's size and root as they are now with this key, one of the registry, instead
    /// of ending at the newest signed note.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The registry of signers to believe. Default: `signers.json` in the directory.
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
}

/// Why there is no proof.
enum Trouble {
    Broken(String),
    Unusable(String),
}

/// Runs the command.
pub fn prove(args: &ProveArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let written = make(args).and_then(|proof| {
        let text = proof.to_text();
        deliver(args, &text, out).map_err(|e| match &args.out {
            Some(path) => unusable(path, &e),
            None => Trouble::Unusable(format!("the proof could not be written: {e}")),
        })
    });
    let (code, reason) = match written {
        Ok(()) => return SOUND,
        Err(Trouble::Broken(reason)) => (BROKEN, reason),
        Err(Trouble::Unusable(reason)) => (UNUSABLE, reason),
    };
    let _ = writeln!(err, "cannot prove: {reason}");
    code
}

fn deliver(args: &ProveArgs, text: &str, out: &mut dyn Write) -> io::Result<()> {
    let Some(path) = &args.out else {
        out.write_all(text.as_bytes())?;
        return out.flush();
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Unusable(format!("`{}`: {error}", path.display()))
}

/// Before a long reading, what can be missing; before a proof leaves, whether it is one.
fn make(args: &ProveArgs) -> Result<EventProof, Trouble> {
    let registry = read_registry(args.signers.as_deref(), Some(&args.dir));
    let registry = registry.map_err(Trouble::Unusable)?;
    let key = args.key.as_deref().map(|path| open_key(path, &registry)).transpose()?;
    let notes = read_notes(&args.dir, &registry).map_err(|e| unusable(&args.dir, &e))?;
    let signed = notes.into_iter().next_back();
    if key.is_none() && signed.is_none() {
        let reason = "there is no signed note in `notes.txt`; a running gate writes one with each \
                      checkpoint, or name a key of the registry with `--key`";
        return Err(unusable(&args.dir, &reason));
    }
    let found = read_record(args, &registry, signed)?;
    let note = match key {
        Some(key) => {
            let tree = found.trail.tree();
            let note = Note { origin: found.origin, size: tree.size(), root: tree.root() };
            note.sign(&key).map_err(|e| Trouble::Unusable(e.to_string()))?
        }
        None => found.note,
    };
    let proof = EventProof::new(&found.line, found.index, &found.trail, &note);
    proof.check(&registry).map_err(|e| Trouble::Broken(e.to_string()))?;
    Ok(proof)
}

/// The key, if it is one that verifiers will believe.
fn open_key(path: &Path, registry: &Registry) -> Result<LocalKey, Trouble> {
    let pem = read_key(path).map_err(|e| {
        let reason = format!("the signing key `{}`: {e}", path.display());
        Trouble::Unusable(reason)
    })?;
    let key = LocalKey::from_pem(&pem, None).map_err(|e| unusable(path, &e))?;
    let public = key.public().to_pem();
    if registry.signers().any(|(_, signer)| signer.key().to_pem() == public) {
        return Ok(key);
    }
    let reason = "no signer in the registry has this key, so nobody would believe the proof; name \
                  the key that signs this record with `--key`";
    Err(unusable(path, &reason))
}

fn read_key(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let facts = fs::metadata(path)?;
    if facts.mode() & 0o077 != 0 {
        return Err(io::Error::other("others than its owner may use it (`chmod 600` it)"));
    }
    if facts.len() > KEY_BYTES_MAX {
        return Err(io::Error::other("it is too large for a signing key"));
    }
    fs::read(path).map(Zeroizing::new)
}

/// The event, and its place in the whole record.
struct Found {
    origin: String,
    line: Vec<u8>,
    index: u64,
    trail: Trail,
    /// The signed note that the trail ends at, without a key.
    note: String,
}

fn read_record(
    args: &ProveArgs,
    registry: &Registry,
    signed: Option<(String, Note)>,
) -> Result<Found, Trouble> {
    let before = tree_before(&args.dir).map_err(|e| unusable(&args.dir, &e))?;
    let mut search = Search::new(args, registry, before, signed);
    // Checkpoints first: a gate that is writing meanwhile has written each behind its events.
    add_checkpoints(&mut search.verifier, &args.dir.join("checkpoints.jsonl"))?;
    let files =
        event_files(std::slice::from_ref(&args.dir)).map_err(|e| unusable(&args.dir, &e))?;
    for path in &files {
        let is_last = files.last() == Some(path);
        let mut number = 0_u64;
        let read = each_line(path, |bytes| {
            number += 1;
            match bytes.strip_suffix(b"\n") {
                Some(line) => search.take(line),
                // It is being written just now, or never was to its end; the next start cuts it.
                None if is_last => Ok(()),
                None => Err(Trouble::Broken("the line has no end".to_owned())),
            }
        });
        read.map_err(|e| unusable(path, &e))?.map_err(|trouble| match trouble {
            Trouble::Broken(e) => Trouble::Broken(format!("{}:{number}: {e}", path.display())),
            unusable @ Trouble::Unusable(_) => unusable,
        })?;
    }
    if let Some(last) = files.last() {
        // What is signed must not be lost with the machine, or the next proof would contradict it.
        fs::File::open(last).and_then(|file| file.sync_all()).map_err(|e| unusable(last, &e))?;
    }
    search.finish(args.key.is_some())
}

fn add_checkpoints(verifier: &mut Verifier<'_>, path: &Path) -> Result<(), Trouble> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(unusable(path, &e)),
    };
    // Only whole lines: the last may be half written.
    for line in bytes.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")) {
        let signed = SignedCheckpoint::parse(line).map_err(|e| unusable(path, &e))?;
        verifier.checkpoint(&signed).map_err(|e| Trouble::Broken(e.to_string()))?;
    }
    Ok(())
}

/// Reads the record once: verifies it, grows its tree, and follows the event from where it stands.
struct Search<'a> {
    id: String,
    verifier: Verifier<'a>,
    /// The tree before the first event that is left.
    before: Option<Frontier>,
    origin: Option<String>,
    place: Place,
    signed: Option<(String, Note)>,
    /// The place as it was when the tree had the signed note's size.
    at_note: Option<Place>,
}

#[derive(Clone)]
enum Place {
    Ahead(Frontier),
    Here { line: Vec<u8>, index: u64, trail: Trail },
}

impl Place {
    fn tree(&self) -> &Frontier {
        match self {
            Self::Ahead(tree) => tree,
            Self::Here { trail, .. } => trail.tree(),
        }
    }
}

impl<'a> Search<'a> {
    fn new(
        args: &ProveArgs,
        registry: &'a Registry,
        before: Option<Frontier>,
        signed: Option<(String, Note)>,
    ) -> Self {
        let verifier = Verifier::new(Profile::Tollgate, registry);
        let place = Place::Ahead(Frontier::new());
        let id = args.id.to_string();
        Self { id, verifier, before, origin: None, place, signed, at_note: None }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Trouble> {
        self.verifier.push(line).map_err(|e| match e.event() {
            Some(event) => Trouble::Broken(format!("event {event}: {}", e.flaw())),
            None => Trouble::Broken(e.flaw().to_string()),
        })?;
        self.grow(line)?;
        let tree = self.place.tree();
        let Some((_, note)) = self.signed.as_ref().filter(|(_, note)| note.size == tree.size())
        else {
            return Ok(());
        };
        if note.root != tree.root() {
            let reason = format!("the first {} events are not those that were signed", note.size);
            return Err(Trouble::Broken(reason));
        }
        self.at_note = Some(self.place.clone());
        Ok(())
    }

    fn grow(&mut self, line: &[u8]) -> Result<(), Trouble> {
        let leaf = leaf_hash(line);
        if let Place::Here { trail, .. } = &mut self.place {
            trail.push_hash(leaf);
            return Ok(());
        }
        let entry = Entry::parse(line).map_err(|e| Trouble::Broken(e.to_string()))?;
        if self.origin.is_none() {
            self.begin(&entry)?;
        }
        let Place::Ahead(tree) = &mut self.place else { return Ok(()) };
        if entry.id().to_string() == self.id {
            let (index, line) = (entry.seq(), line.to_vec());
            let trail = Trail::of_leaf(std::mem::take(tree), leaf);
            self.place = Place::Here { line, index, trail };
        } else {
            tree.push_hash(leaf);
        }
        Ok(())
    }

    /// Where the record begins: at its first event, or behind those that were released. Then a
    /// seal says what the tree was, and a signed note has to agree with it in the end.
    fn begin(&mut self, first: &Entry) -> Result<(), Trouble> {
        let before = self.before.take().filter(|tree| tree.size() == first.seq());
        let signed = self.signed.as_ref().filter(|(_, note)| note.size > first.seq());
        self.origin = match (first.seq(), before, signed) {
            (0, _, _) => Some(format!("tollgate/{}", first.id())),
            (_, Some(tree), Some((_, note))) => {
                self.place = Place::Ahead(tree);
                Some(note.origin.clone())
            }
            (released, _, _) => {
                let reason = format!(
                    "the first {released} events were released from the spool, and no seal and \
                     signed note stand for them; put the segments that were kept elsewhere into \
                     one directory with the rest"
                );
                return Err(Trouble::Unusable(reason));
            }
        };
        Ok(())
    }

    fn finish(self, with_key: bool) -> Result<Found, Trouble> {
        self.verifier.finish().map_err(|e| Trouble::Broken(e.to_string()))?;
        let Some(origin) = self.origin else {
            return Err(Trouble::Unusable("there is no event in it".to_owned()));
        };
        let (note, size) = self.signed.map_or((String::new(), 0), |(text, note)| (text, note.size));
        if size > 0 && self.at_note.is_none() {
            let reason = format!("a note was signed over {size} events, but they are not here");
            return Err(Trouble::Broken(reason));
        }
        let Place::Here { line, index, trail } = self.place else {
            return Err(Trouble::Broken(format!("there is no event `{}`", self.id)));
        };
        match self.at_note {
            _ if with_key => Ok(Found { origin, line, index, trail, note }),
            Some(Place::Here { line, index, trail }) => {
                Ok(Found { origin, line, index, trail, note })
            }
            _ => Err(Trouble::Unusable(format!(
                "the event is number {index}, and the last signed note covers {size} events; the \
                 gate signs the next at its next checkpoint (`audit.checkpoints`) or when it \
                 stops, or name a key of the registry with `--key`"
            ))),
        }
    }
}
