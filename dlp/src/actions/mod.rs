//! What is put in the place of a finding: a tag, a mask, a token or a print.
//!
//! All of it is computed from the matched bytes where the text is edited, and kept nowhere but in
//! the text that comes out (and, for tokens that may come back, in the [`Vault`]).
pub(crate) mod mark;
mod mask;
mod vault;

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

pub use mask::CardMask;
pub use vault::{Vault, VaultLimits};

use crate::class::Class;
use crate::finding::Action;
use crate::name::Name;

/// What masks, tokens and prints are made with. Without a key there are no tokens and no prints:
/// a tag stands in their place.
#[derive(Clone, Default)]
pub struct Means {
    key: Option<Arc<Zeroizing<Vec<u8>>>>,
    cards: CardMask,
    vault: Option<Arc<Vault>>,
}

impl Means {
    /// Means with a key. The same key gives the same tokens and prints: one that the shell makes
    /// for its process gives others after each start.
    pub fn new(key: &[u8]) -> Self {
        Self { key: Some(Arc::new(Zeroizing::new(key.to_vec()))), ..Self::default() }
    }

    /// How card numbers are masked.
    #[must_use]
    pub fn with_cards(mut self, cards: CardMask) -> Self {
        self.cards = cards;
        self
    }

    /// Where the values of tokens are kept, so that they may come back.
    #[must_use]
    pub fn with_vault(mut self, vault: Arc<Vault>) -> Self {
        self.vault = Some(vault);
        self
    }

    pub(crate) fn vault(&self) -> Option<&Vault> {
        self.vault.as_deref()
    }

    /// What stands in the place of `matched`; `None` where only a tag can.
    pub(crate) fn replace(&self, action: Action, class: &Class, matched: &str) -> Option<Name> {
        let text = match action {
            Action::Mask => mask::text(class, matched, self.cards),
            Action::Tokenise => self
                .sign(mark::TOKEN, class, matched)
                .map(|sign| format!("{}{class}_{}", mark::TOKEN, mark::base32(&sign))),
            Action::Hash => self
                .sign(mark::PRINT, class, matched)
                .map(|sign| format!("{}{class}_{}", mark::PRINT, mark::hex(&sign))),
            Action::Allow | Action::Alert | Action::Restore | Action::Redact | Action::Block => {
                None
            }
        }?;
        Some(Name::from(Arc::<str>::from(text)))
    }

    /// A masked JSON number that is a number still.
    pub(crate) fn number(&self, class: &Class, matched: &str) -> Option<String> {
        mask::number(class, matched, self.cards)
    }

    /// The first half of an HMAC-SHA-256 over what it is made for, the class and the value, so
    /// that a token says nothing about a print of the same value.
    fn sign(&self, purpose: &str, class: &Class, matched: &str) -> Option<[u8; mark::SIGN_BYTES]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_ref()?).ok()?;
        for part in [purpose, class.as_str(), matched] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().first_chunk().copied()
    }
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means")
            .field("key", &self.key.is_some())
            .field("cards", &self.cards)
            .field("vault", &self.vault)
            .finish()
    }
}

#[cfg(test)]
mod tests;
