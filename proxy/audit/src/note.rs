//! Checkpoints as other logs have them, too: a C2SP signed note with origin, size and Merkle root
//! (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Digest, LocalKey, Registry};

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
    /// An origin that no key can be named by.
    #[error("the log's origin is empty or has a blank, a control or `+` in it")]
    Origin,
    /// The key could not sign.
    #[error("the key could not sign the checkpoint note")]
    Key,
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
        let signatures = signatures.strip_suffix('\n').ok_or(NoteError::Form)?;
        if !signatures.split('\n').all(|line| line.starts_with("— ")) {
            return Err(NoteError::Form);
        }
        let message = format!("{body}\n");
        let signed = signatures.split('\n').any(|line| {
            let parts = line.strip_prefix("— ").and_then(|line| line.split_once(' '));
            parts.is_some_and(|(name, signature)| {
                name == note.origin && is_signed(registry, name, &message, signature)
            })
        });
        if signed { Ok(note) } else { Err(NoteError::Unsigned) }
    }

    /// The note, signed by an Ed25519 key in the origin's name. What is signed is the text itself,
    /// which is always longer than the 32 bytes of a hash: the signature can pass for no event's
    /// and no checkpoint line's.
    pub fn sign(&self, key: &LocalKey) -> Result<String, NoteError> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if self.origin.is_empty() || self.origin.contains(odd) {
            return Err(NoteError::Origin);
        }
        let (origin, size) = (&self.origin, self.size);
        let text = format!("{origin}\n{size}\n{}\n", STANDARD.encode(self.root.as_bytes()));
        let public = key.public().ed25519_bytes().ok_or(NoteError::Key)?;
        let mut signature: Vec<u8> =
            key_print(origin, public).as_bytes().iter().take(4).copied().collect();
        signature.extend(key.sign_message(text.as_bytes()).map_err(|_| NoteError::Key)?);
        Ok(format!("{text}\n— {origin} {}\n", STANDARD.encode(signature)))
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
        key_print(name, public).as_bytes().starts_with(id)
            && signer.key().signed_message(message.as_bytes(), signature)
    })
}

/// Its first four bytes are the key's id in a note.
fn key_print(name: &str, public: &[u8]) -> Digest {
    Digest::of(&[name.as_bytes(), b"\n", &[ED25519], public])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_and_read_back() {
        let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
        let mut registry = Registry::new();
        registry.add(key.kid().clone(), key.public().clone(), None, "").unwrap();
        let note = Note { origin: "tollgate/x".to_owned(), size: 7, root: Digest::of(&[b"x"]) };
        let text = note.sign(&key).unwrap();
        assert!(text.starts_with("tollgate/x\n7\n"), "{text}");
        assert_eq!(Note::read(&text, &registry), Ok(note.clone()));
        assert_eq!(Note::read(&text, &Registry::new()), Err(NoteError::Unsigned));
        for origin in ["", "a b", "a\n8", "a+b", "a\u{7f}"] {
            let odd = Note { origin: origin.to_owned(), ..note.clone() };
            assert_eq!(odd.sign(&key), Err(NoteError::Origin), "for {origin:?}");
        }
    }
}
