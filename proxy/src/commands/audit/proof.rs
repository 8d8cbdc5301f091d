//! `tollgate audit verify --proof`: one event, offline, without the record.
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use tollgate_audit::{
    EventProof, NoteError, PROOF_BYTES_MAX, ProofError, Proven, Registry, write_stamp,
};

use super::{BROKEN, SOUND, UNUSABLE};

/// A registry is a few keys.
const REGISTRY_BYTES_MAX: usize = 4 << 20;

/// Says whether the event in a proof's file is in a log that a registered signer signed.
pub(super) fn verify_proof(
    proof: &Path,
    signers: &Path,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let (code, written) = match check(proof, signers) {
        Ok(Ok(proven)) => (SOUND, tell_proven(&proven, json, out)),
        Ok(Err(error)) => (BROKEN, tell_broken(proof, &error, json, out)),
        Err(reason) => (UNUSABLE, writeln!(err, "cannot verify: {reason}")),
    };
    // An answer that nobody could read is none.
    if written.is_ok() { code } else { UNUSABLE }
}

/// The outer error is that there is no answer.
fn check(proof: &Path, signers: &Path) -> Result<Result<Proven, ProofError>, String> {
    let named = |path: &Path, e: &dyn std::fmt::Display| format!("`{}`: {e}", path.display());
    let text = read(signers, REGISTRY_BYTES_MAX).map_err(|e| named(signers, &e))?;
    let registry = Registry::parse(&text).map_err(|e| named(signers, &e))?;
    let text = read(proof, PROOF_BYTES_MAX).map_err(|e| named(proof, &e))?;
    let text = String::from_utf8(text).map_err(|_| named(proof, &"it is not UTF-8"))?;
    let checked = EventProof::parse(&text).and_then(|proof| proof.check(&registry));
    match checked {
        Err(
            e @ (ProofError::Form(_) | ProofError::NoEvent | ProofError::Note(NoteError::Form)),
        ) => Err(named(proof, &e)),
        answer => Ok(answer),
    }
}

/// A registry or a proof.
pub(super) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    read(path, REGISTRY_BYTES_MAX)
}

fn read(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        let reason = format!("it is longer than {} KiB", bytes_max / 1024);
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}

fn tell_proven(proven: &Proven, json: bool, out: &mut dyn Write) -> io::Result<()> {
    let (entry, note) = (&proven.entry, &proven.note);
    if json {
        let answer = serde_json::json!({
            "sound": true,
            "event": entry.id().to_string(),
            "seq": entry.seq(),
            "origin": note.origin,
            "size": note.size,
            "root": note.root,
        });
        return writeln!(out, "{answer}");
    }
    writeln!(out, "proven: event {} is number {} of {}", entry.id(), entry.seq(), note.origin)?;
    writeln!(out, "a log of {} events with root {}", note.size, note.root)?;
    writeln!(
        out,
        "{} {} {}, signed by {}",
        write_stamp(entry.ts()),
        entry.event_type(),
        entry.actor(),
        entry.signer_kid()
    )?;
    write!(out, "{}", entry.to_line())
}

fn tell_broken(path: &Path, error: &ProofError, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        let answer = serde_json::json!({
            "sound": false,
            "file": path.display().to_string(),
            "break": error.to_string(),
        });
        return writeln!(out, "{answer}");
    }
    writeln!(out, "not proven: {}: {error}", path.display())
}
