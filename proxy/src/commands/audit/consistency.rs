//! `tollgate audit consistency`: that the record only grew since an older signed note.
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tollgate_audit::{
    ConsistencyError, ConsistencyProof, Frontier, Note, Registry, Trail, leaf_hash,
};

use super::files::event_files;
use super::input::each_line;
use super::proof::read_bounded;
use super::registry::read_registry;
use super::{BROKEN, SOUND, UNUSABLE};
use crate::ledger::{read_notes, tree_before};

/// Writes a file that proves, to whoever has the registry of signers, that the log of an older
/// signed note is the beginning of the log of the newest one: nothing was changed or taken out in
/// between.
///
/// Exit codes: 0 proven, 1 it is not, 2 no answer.
#[derive(clap::Args, Debug)]
pub struct ConsistencyArgs {
    /// The older signed note, as it was kept elsewhere.
    #[arg(value_name = "OLDNOTE")]
    pub old: PathBuf,
    /// The spool's directory.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The file to write; it must not be there yet. Default: the terminal.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The registry of signers to believe. Default: `signers.json` in the directory.
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
}

/// The code, and why.
type Trouble = (u8, String);

/// Runs the command.
pub fn consistency(args: &ConsistencyArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let written = make(args).and_then(|proof| {
        let text = proof.to_text();
        let written = match &args.out {
            None => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
            Some(path) => write_new(path, &text),
        };
        written.map_err(|e| (UNUSABLE, format!("the proof could not be written: {e}")))
    });
    match written {
        Ok(()) => SOUND,
        Err((code, reason)) => {
            let _ = writeln!(err, "cannot prove: {reason}");
            code
        }
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Trouble {
    (UNUSABLE, format!("`{}`: {error}", path.display()))
}

fn make(args: &ConsistencyArgs) -> Result<ConsistencyProof, Trouble> {
    let dir = &args.dir;
    let registry = read_registry(args.signers.as_deref(), Some(dir));
    let registry = registry.map_err(|reason| (UNUSABLE, reason))?;
    let old_text = fs::read_to_string(&args.old).map_err(|e| unusable(&args.old, &e))?;
    let old = Note::read(&old_text, &registry).map_err(|e| unusable(&args.old, &e))?;
    let notes = read_notes(dir, &registry).map_err(|e| unusable(dir, &e))?;
    let Some((new_text, new)) = notes.into_iter().next_back() else {
        return Err(unusable(dir, &"there is no signed note in `notes.txt`"));
    };
    if old.size == 0 || old.size > new.size {
        let reason = format!("it is of {} events, and the newest of {}", old.size, new.size);
        return Err(unusable(&args.old, &reason));
    }
    let trail = follow(dir, old.size, new.size)?;
    let proof = ConsistencyProof::new(&trail, &old_text, &new_text);
    proof.check(&registry).map_err(|e| (BROKEN, e.to_string()))?;
    Ok(proof)
}

/// Reads the record from its beginning, or from what a seal kept of it, up to the newer size.
fn follow(dir: &Path, old: u64, new: u64) -> Result<Trail, Trouble> {
    let tree = tree_before(dir).map_err(|e| unusable(dir, &e))?;
    let Some(mut tree) = tree.filter(|tree| tree.size() <= old) else {
        let reason = format!(
            "events that were there when the log had {old} were released, and a proof needs all \
             after them; put the segments that were kept elsewhere into one directory with the rest"
        );
        return Err(unusable(dir, &reason));
    };
    let mut trail = None;
    let begin =
        |tree: &Frontier| if tree.size() == old { Trail::of_tree(tree.clone()) } else { None };
    let files = event_files(&[dir.to_owned()]).map_err(|e| unusable(dir, &e))?;
    trail = trail.or_else(|| begin(&tree));
    for path in &files {
        let read = each_line(path, |line| {
            let Some(line) = line.strip_suffix(b"\n") else { return Err(()) };
            match &mut trail {
                Some(trail) if trail.tree().size() >= new => return Err(()),
                Some(trail) => trail.push_hash(leaf_hash(line)),
                None => {
                    tree.push(line);
                    trail = begin(&tree);
                }
            }
            Ok(())
        });
        // Enough, or the last line is being written just now.
        if read.map_err(|e| unusable(path, &e))?.is_err() {
            break;
        }
    }
    match trail {
        Some(trail) if trail.tree().size() == new => Ok(trail),
        _ => Err((BROKEN, format!("a note was signed over {new} events, but they are not here"))),
    }
}

/// `tollgate audit verify --consistency`.
pub(super) fn verify_consistency(
    proof: &Path,
    signers: &Path,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let (code, written) = match check(proof, signers) {
        Ok((old, new)) if json => {
            let note = |note: &Note| serde_json::json!({ "origin": note.origin, "size": note.size, "root": note.root });
            let answer = serde_json::json!({ "sound": true, "old": note(&old), "new": note(&new) });
            (SOUND, writeln!(out, "{answer}"))
        }
        Ok((old, new)) => {
            let (from, to) = (old.size, new.size);
            let told = writeln!(
                out,
                "consistent: the {from} events of {} are the first of its {to}, root {}",
                new.origin, new.root
            );
            (SOUND, told)
        }
        Err((BROKEN, reason)) if json => {
            let answer = serde_json::json!({ "sound": false, "break": reason });
            (BROKEN, writeln!(out, "{answer}"))
        }
        Err((BROKEN, reason)) => (BROKEN, writeln!(out, "not consistent: {reason}")),
        Err((code, reason)) => (code, writeln!(err, "cannot verify: {reason}")),
    };
    if written.is_ok() { code } else { UNUSABLE }
}

fn check(proof: &Path, signers: &Path) -> Result<(Note, Note), Trouble> {
    let registry = read_bounded(signers).map_err(|e| unusable(signers, &e))?;
    let registry = Registry::parse(&registry).map_err(|e| unusable(signers, &e))?;
    let text = read_bounded(proof).map_err(|e| unusable(proof, &e))?;
    let text = String::from_utf8(text).map_err(|_| unusable(proof, &"it is not UTF-8"))?;
    let parsed = ConsistencyProof::parse(&text).map_err(|e| unusable(proof, &e))?;
    parsed.check(&registry).map_err(|e| match e {
        ConsistencyError::Form(_) => unusable(proof, &e),
        e => (BROKEN, format!("{}: {e}", proof.display())),
    })
}
