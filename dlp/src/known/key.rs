//! The key of an index, and what is made from it.
use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher24;

/// A keyed hash of what is known, and the seals of the file that holds the hashes.
///
/// Four keys are derived from one secret by HMAC-SHA-256, so that what one of them is used for
/// tells nothing of another.
#[derive(Clone)]
pub struct KnownKey {
    pub(super) cells: SipHasher24,
    pub(super) roll: SipHasher24,
    seal: [u8; 32],
    id: [u8; 8],
}

/// A secret that is too short to be a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a key of {0} bytes is too short: it needs {min}", min = KnownKey::BYTES_MIN)]
pub struct KeyTooShort(usize);

impl KnownKey {
    /// Less can be guessed.
    pub const BYTES_MIN: usize = 16;

    /// Derives the keys.
    ///
    /// ```
    /// use tollgate_dlp::known::KnownKey;
    /// assert!(KnownKey::derive(b"0123456789abcdef0123456789abcdef").is_ok());
    /// let short = KnownKey::derive(b"hello").unwrap_err();
    /// assert_eq!(short.to_string(), "a key of 5 bytes is too short: it needs 16");
    /// ```
    pub fn derive(secret: &[u8]) -> Result<Self, KeyTooShort> {
        if secret.len() < Self::BYTES_MIN {
            return Err(KeyTooShort(secret.len()));
        }
        let derived = |label: &[u8]| tag(secret, &[b"tollgate known 1 ", label]);
        let hasher = |label: &[u8]| SipHasher24::new_with_key(&first(&derived(label)));
        Ok(Self {
            cells: hasher(b"cells"),
            roll: hasher(b"roll"),
            seal: derived(b"seal"),
            id: first(&derived(b"id")),
        })
    }

    /// What tells keys apart and tells nothing of them.
    pub fn id(&self) -> String {
        shown(&self.id)
    }

    pub(super) fn id_bytes(&self) -> [u8; 8] {
        self.id
    }

    /// The seal of a part of a file.
    pub(super) fn seal(&self, part: &[u8], bytes: &[u8]) -> [u8; 16] {
        first(&tag(&self.seal, &[part, &[0], bytes]))
    }
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

pub(super) fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tag(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length, so this arm is never taken; zeros open nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn first<const N: usize>(bytes: &[u8; 32]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    out
}
