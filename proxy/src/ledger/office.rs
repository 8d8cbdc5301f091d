//! Who signs from when on, as the chain tells it: taking over, rotation, revocation.
use jiff::{SignedDuration, Timestamp};
use tollgate_audit::{Checkpoint, Digest, EventType, Facts, Kid, keys};
use tollgate_config::settings;

use super::LedgerError;
use super::signers::register::Asked;
use super::signers::{Signers, Successor};
use super::spool::StoreFault;
use super::writer::{ACTOR, Writer};

impl Writer {
    /// Says who signs from here on: a root's word for a session key, and that it is another root
    /// than before. The key before is not at hand any more; the registry has it beside the new one.
    pub(super) fn take_office(&mut self, last: Option<&Kid>) -> Result<(), LedgerError> {
        self.announce_session().map_err(unrecorded)?;
        let Some(last) = last.map(|last| self.root_of(last)) else { return Ok(()) };
        if last == *self.signers.root() {
            return Ok(());
        }
        self.retire(&last)?;
        let facts = self.rotation(EventType::SignerRotationApplied, &last, self.signers.root());
        self.record(facts).map(drop).map_err(unrecorded)
    }

    /// After its last event nothing by this key is believed. Before the event that says so: a
    /// crash between the two must not leave a key in service that nobody retires any more.
    fn retire(&mut self, kid: &Kid) -> Result<(), LedgerError> {
        self.register.retire(kid, self.after_last())
    }

    fn after_last(&self) -> Timestamp {
        let last = self.chain.last_ts();
        last.checked_add(SignedDuration::from_micros(1)).unwrap_or(last)
    }

    /// The key that is answerable for another: its root, or itself.
    fn root_of(&self, kid: &Kid) -> Kid {
        let signer = self.register.registry().signer(kid);
        signer.and_then(|signer| signer.delegated_by()).unwrap_or(kid).clone()
    }

    /// A session key's first event is its root's word, signed with the key itself: whoever reads
    /// on knows the key from here. Until it is written, nothing else is.
    fn announce_session(&mut self) -> Result<(), StoreFault> {
        self.unannounced = true;
        if let Some(facts) = self.signers.word().map(|word| word.facts(ACTOR)) {
            self.record(facts)?;
        }
        self.unannounced = false;
        Ok(())
    }

    /// Takes up a session key that was made in the meantime; whether there was one.
    pub(super) fn refresh_signer(&mut self) -> Result<bool, StoreFault> {
        if self.signers.refresh(&mut self.register) {
            self.keep_time();
            self.unannounced = true;
        }
        if !self.unannounced {
            return Ok(false);
        }
        self.announce_session()?;
        Ok(true)
    }

    /// Looks whether another key should sign, and whether one is to be revoked.
    ///
    /// In this order, so that a key that was stolen is replaced before it is revoked.
    pub(super) fn reconsider(&mut self, setting: settings::Signer) -> Result<(), LedgerError> {
        let changed = setting != self.signer_setting;
        let successor = Signers::successor(
            (&setting, &self.onward),
            changed,
            self.spool.dir(),
            self.chain.last_ts(),
            &self.register,
        )?;
        if let Some(successor) = successor {
            self.rotate(successor)?;
        }
        self.signer_setting = setting;
        self.revoke_asked()
    }

    fn rotate(&mut self, successor: Successor) -> Result<(), LedgerError> {
        let (old, new) = (self.signers.root().clone(), successor.kid().clone());
        if old != new {
            let facts = self.rotation(EventType::SignerRotationRequested, &old, &new);
            match self.record(facts) {
                Ok(_) => {}
                // The reason for the rotation, perhaps.
                Err(StoreFault::Unsigned) => {
                    tracing::warn!(%old, "the key before cannot sign that it is replaced");
                }
                Err(fault) => return Err(unrecorded(fault)),
            }
        }
        self.signers.replace(successor, &mut self.register)?;
        self.keep_time();
        if old != new {
            self.retire(&old)?;
        }
        self.announce_session().map_err(unrecorded)?;
        if old != new {
            let facts = self.rotation(EventType::SignerRotationApplied, &old, &new);
            self.record(facts).map_err(unrecorded)?;
            tracing::info!(%old, %new, "another key signs the record");
        }
        Ok(())
    }

    fn rotation(&self, event: EventType, old: &Kid, new: &Kid) -> Facts {
        Facts::new(event, ACTOR)
            .text(keys::OLD_SIGNER_KID, old.as_str())
            .text(keys::NEW_SIGNER_KID, new.as_str())
    }

    /// Carries out what `keys revoke` asked for. A key that signs now is not revoked: the record
    /// would stop in the same breath, and with it the word that says why.
    fn revoke_asked(&mut self) -> Result<(), LedgerError> {
        for Asked { kid, at, reason } in self.register.asked()? {
            if kid == *self.signers.root() {
                return Err(LedgerError::Signer {
                    reason: format!("`{kid}` is to be revoked and still signs; rotate it first"),
                });
            }
            // A session key does not sign that it is taken back: nothing behind it would hold.
            if kid == *self.signers.kid() {
                self.signers.renew(&mut self.register)?;
                self.keep_time();
                self.announce_session().map_err(unrecorded)?;
            }
            // What it signed in earnest until this moment stays true when nobody says otherwise.
            let at = at.unwrap_or_else(|| self.after_last());
            let facts = Facts::new(EventType::SignerCompromise, ACTOR)
                .text(keys::REVOKED_SIGNER_KID, kid.as_str())
                .text("revoked_at", &tollgate_audit::write_stamp(at))
                .text("said", &reason);
            // The word first: a registry that revokes a key without it would be a riddle. And the
            // last checkpoint must hold at the next start, so it is not one by this key.
            self.record(facts).map_err(unrecorded)?;
            self.checkpoint().map_err(unrecorded)?;
            self.register.revoke(&kid, at)?;
            tracing::warn!(%kid, "a key is revoked");
        }
        Ok(())
    }

    /// When the session key's time is over, in seconds since 1970; 0 without one.
    pub(super) fn signer_until(&self) -> u64 {
        let until = self.signers.word().map(|word| word.delegation().not_after.as_second());
        until.and_then(|until| u64::try_from(until).ok()).unwrap_or(0)
    }

    /// Whether a signature could be had now; asks for one that is of no use to anybody.
    pub(super) fn can_sign(&self) -> bool {
        let origin = self.origin.clone().unwrap_or_default();
        let head_hash = self.chain.head().copied().unwrap_or_else(|| Digest::of(&[]));
        let checkpoint =
            Checkpoint { origin, size: self.chain.size(), head_hash, ts: Timestamp::now() };
        // The next event is not older than the last, whatever the clock says.
        let next = Timestamp::now().max(self.chain.last_ts());
        self.signers.is_able(next, &checkpoint.to_sign())
    }
}

fn unrecorded(fault: StoreFault) -> LedgerError {
    let reason = match fault {
        StoreFault::Unsigned => "a signature that was asked for did not come",
        StoreFault::Full => "there is no room in the spool to say who signs",
        StoreFault::Failed => "the spool cannot be written",
    };
    LedgerError::Signer { reason: reason.to_owned() }
}
