//! Checkpoints as other logs have them, too: a C2SP signed note with origin, size and Merkle root
//! (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Digest, Kid, LocalKey, Registry};

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
    /// Its signer is not believed any more, and a note does not say when it was signed.
    #[error("the checkpoint note has no time, and the key that signed it was revoked")]
    Revoked,
}

/// The type byte of a plain Ed25519 signature in a key id.
const ED25519: u8 = 1;

impl Note {
    /// Reads a note and believes it if a registered Ed25519 key signed it in the origin's name, and
    /// neither that key nor its root was revoked.
    pub fn read(text: &str, registry: &Registry) -> Result<Self, NoteError> {
        let (body, signatures) = text.split_once("\n\n").ok_or(NoteError::Form)?;
        let note = parse_body(body).ok_or(NoteError::Form)?;
        let signatures = signatures.strip_suffix('\n').ok_or(NoteError::Form)?;
        if !signatures.split('\n').all(|line| line.starts_with("— ")) {
            return Err(NoteError::Form);
        }
        let message = format!("{body}\n");
        let mut refusal = NoteError::Unsigned;
        for line in signatures.split('\n') {
            let parts = line.strip_prefix("— ").and_then(|line| line.split_once(' '));
            let Some((name, signature)) = parts.filter(|(name, _)| *name == note.origin) else {
                continue;
            };
            match signer_of(registry, name, &message, signature) {
                Some(signer) if !registry.is_revoked(signer) => return Ok(note),
                Some(_) => refusal = NoteError::Revoked,
                None => {}
            }
        }
        Err(refusal)
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

fn signer_of<'a>(
    registry: &'a Registry,
    name: &str,
    message: &str,
    signature: &str,
) -> Option<&'a Kid> {
    let bytes = STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    let signed = registry.signers().find(|(_, signer)| {
        let Some(public) = signer.key().ed25519_bytes() else { return false };
        key_print(name, public).as_bytes().starts_with(id)
            && signer.key().signed_message(message.as_bytes(), signature)
    });
    signed.map(|(kid, _)| kid)
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
        registry.revoke(key.kid(), jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(Note::read(&text, &registry), Err(NoteError::Revoked));
        for origin in ["", "a b", "a\n8", "a+b", "a\u{7f}"] {
            let odd = Note { origin: origin.to_owned(), ..note.clone() };
            assert_eq!(odd.sign(&key), Err(NoteError::Origin), "for {origin:?}");
        }
    }
}
