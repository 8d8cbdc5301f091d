//! Checkpoints of other logs: a C2SP signed note with origin, size and Merkle root
//! (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Digest, Registry};

/// A checkpoint whose signature was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Which log.
    pub origin: String,
    /// How many records it had.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: Digest,
}

/// Why a note is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// Not the form.
    #[error("not a signed checkpoint note")]
    Form,
    /// No signature by a registered Ed25519 key.
    #[error("no registered signer signed the checkpoint note")]
    Unsigned,
}

/// The type byte of a plain Ed25519 signature in a key id.
const ED25519: u8 = 1;

impl Note {
    /// Reads a note and believes it if a registered Ed25519 key signed it in the origin's name.
    pub fn read(text: &str, registry: &Registry) -> Result<Self, NoteError> {
        let (body, signatures) = text.split_once("\n\n").ok_or(NoteError::Form)?;
        let note = parse_body(body).ok_or(NoteError::Form)?;
        let message = format!("{body}\n");
        let signed = signatures.lines().any(|line| {
            let parts = line.strip_prefix("— ").and_then(|line| line.split_once(' '));
            parts.is_some_and(|(name, signature)| {
                name == note.origin && is_signed(registry, name, &message, signature)
            })
        });
        if signed { Ok(note) } else { Err(NoteError::Unsigned) }
    }
}

fn parse_body(body: &str) -> Option<Note> {
    let mut lines = body.lines();
    let origin = lines.next().filter(|line| !line.is_empty())?.to_owned();
    let digits = lines.next()?;
    let size: u64 = digits.parse().ok()?;
    let root: [u8; 32] = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    // `+7` and `07` parse too, but are not what the log wrote.
    (size.to_string() == digits).then(|| Note { origin, size, root: Digest::new(root) })
}

fn is_signed(registry: &Registry, name: &str, message: &str, signature: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(signature) else { return false };
    let Some((id, signature)) = bytes.split_first_chunk::<4>() else { return false };
    registry.signers().any(|(_, signer)| {
        let Some(public) = signer.key().ed25519_bytes() else { return false };
        let print = Digest::of(&[name.as_bytes(), b"\n", &[ED25519], public]);
        print.as_bytes().starts_with(id)
            && signer.key().signed_message(message.as_bytes(), signature)
    })
}
