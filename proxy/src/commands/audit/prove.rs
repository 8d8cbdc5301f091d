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
use super::{BROKEN, SOUND, UNUSABLE};

/// A PKCS#8 Ed25519 key has about 120 bytes.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Writes a file that proves one event to whoever has the registry of signers and nothing else of
/// the record.
///
/// The whole record is verified first, and its size and root are signed. Exit codes: 0 proven, 1
/// the record is not what was written or has no such event, 2 no answer.
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
    /// The key that signs: one in the registry. Default: `signing-key.pem` in the directory.
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
    let registry_path = args.signers.clone().unwrap_or_else(|| args.dir.join("signers.json"));
    let text = fs::read(&registry_path).map_err(|e| unusable(&registry_path, &e))?;
    let registry = Registry::parse(&text).map_err(|e| unusable(&registry_path, &e))?;
    let key = open_key(args, &registry)?;
    let found = read_record(args, &registry)?;
    let tree = found.trail.tree();
    let note = Note { origin: found.origin, size: tree.size(), root: tree.root() };
    let note = note.sign(&key).map_err(|e| Trouble::Unusable(e.to_string()))?;
    let proof = EventProof::new(&found.line, found.index, &found.trail, &note);
    proof.check(&registry).map_err(|e| Trouble::Broken(e.to_string()))?;
    Ok(proof)
}

/// The key, if it is one that verifiers will believe.
fn open_key(args: &ProveArgs, registry: &Registry) -> Result<LocalKey, Trouble> {
    let path = args.key.clone().unwrap_or_else(|| args.dir.join("signing-key.pem"));
    let pem = read_key(&path).map_err(|e| {
        let fix = "name the file of `audit.signer.key` with `--key`, as a user who may read it";
        Trouble::Unusable(format!("the signing key `{}`: {e}; {fix}", path.display()))
    })?;
    let key = LocalKey::from_pem(&pem, None).map_err(|e| unusable(&path, &e))?;
    let public = key.public().to_pem();
    if registry.signers().any(|(_, signer)| signer.key().to_pem() == public) {
        return Ok(key);
    }
    let reason = "no signer in the registry has this key, so nobody would believe the proof; name \
                  the key that signs this record with `--key`";
    Err(unusable(&path, &reason))
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
}

fn read_record(args: &ProveArgs, registry: &Registry) -> Result<Found, Trouble> {
    let mut search = Search::new(args.id, registry);
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
    search.finish()
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
    origin: Option<String>,
    place: Place,
}

enum Place {
    Ahead(Frontier),
    Here { line: Vec<u8>, index: u64, trail: Trail },
}

impl<'a> Search<'a> {
    fn new(id: Uuid, registry: &'a Registry) -> Self {
        let verifier = Verifier::new(Profile::Tollgate, registry);
        Self { id: id.to_string(), verifier, origin: None, place: Place::Ahead(Frontier::new()) }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Trouble> {
        self.verifier.push(line).map_err(|e| match e.event() {
            Some(event) => Trouble::Broken(format!("event {event}: {}", e.flaw())),
            None => Trouble::Broken(e.flaw().to_string()),
        })?;
        let leaf = leaf_hash(line);
        let tree = match &mut self.place {
            Place::Here { trail, .. } => {
                trail.push_hash(leaf);
                return Ok(());
            }
            Place::Ahead(tree) => tree,
        };
        let entry = Entry::parse(line).map_err(|e| Trouble::Broken(e.to_string()))?;
        if self.origin.is_none() {
            if entry.seq() > 0 {
                let reason = format!(
                    "the first {} events were released from the spool, and a proof needs the \
                     whole record; put the segments that were kept elsewhere into one directory \
                     with the rest",
                    entry.seq()
                );
                return Err(Trouble::Unusable(reason));
            }
            self.origin = Some(format!("tollgate/{}", entry.id()));
        }
        if entry.id().to_string() == self.id {
            let (index, line) = (entry.seq(), line.to_vec());
            let trail = Trail::of_leaf(std::mem::take(tree), leaf);
            self.place = Place::Here { line, index, trail };
        } else {
            tree.push_hash(leaf);
        }
        Ok(())
    }

    fn finish(self) -> Result<Found, Trouble> {
        self.verifier.finish().map_err(|e| Trouble::Broken(e.to_string()))?;
        match (self.place, self.origin) {
            (Place::Here { line, index, trail }, Some(origin)) => {
                Ok(Found { origin, line, index, trail })
            }
            (_, Some(_)) => Err(Trouble::Broken(format!("there is no event `{}`", self.id))),
            (_, None) => Err(Trouble::Unusable("there is no event in it".to_owned())),
        }
    }
}
