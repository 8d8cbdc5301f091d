//! Who signs the record.
//!
//! A hash is 32 bytes wherever it is signed: by a key in a file, by a session key that a key
//! service vouches for, or by the service itself. What comes back from elsewhere is checked with
//! the key that the registry has before it is stored.
pub(crate) mod local;
mod pkcs11;
mod proxy;
pub(crate) mod register;
mod service;
mod session;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tollgate_audit::{Draft, Kid, LocalKey, Signature, ToSign};
use tollgate_config::settings::{self, EventSigner};

use super::LedgerError;
use crate::egress::Onward;
use register::Register;
use service::{Service, Unnamed};
use session::{Renewal, Session};

/// Events of one write when each is a request to a key service.
const SERVICE_BATCH: usize = 64;

/// Why events could not be signed now. What is behind it was logged where it happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unsigned;

/// Whoever signs now, and the key that waits for its turn.
pub(super) struct Signers {
    hand: Hand,
    deployed_at: Option<Timestamp>,
}

enum Hand {
    Local(LocalKey),
    Service(Service),
    Session(Box<Session>, Renewal),
}

/// A signer that is ready to take over.
pub(super) struct Successor {
    hand: Hand,
    /// Where its key is and where it belongs, when it is a file.
    files: Option<(PathBuf, PathBuf)>,
}

impl Signers {
    /// Opens the signer of the settings and registers its key. The chain's last event was at
    /// `since`.
    pub(super) fn open(
        (setting, onward): (&settings::Signer, &Onward),
        spool: &Path,
        since: Timestamp,
        register: &mut Register,
    ) -> Result<Self, LedgerError> {
        let hand = match &setting.service {
            Some(service) => open_service(service, (setting, onward), since, false, register)?,
            None => {
                let path = key_path(setting, spool);
                if setting.key.is_none() && !path.exists() {
                    local::make_key(&path)?;
                    tracing::warn!(path = %path.display(), "made a development signing key");
                }
                Hand::Local(name_local(local::read_key(&path)?, setting, false, register)?)
            }
        };
        Self::of(hand, register)
    }

    /// Every key is in the registry, on the disk, before it signs.
    fn of(hand: Hand, register: &mut Register) -> Result<Self, LedgerError> {
        let now = Timestamp::now();
        let deployed_at = match &hand {
            Hand::Local(key) => register.add(key.kid(), key.public(), now)?,
            Hand::Service(service) => register.add(service.kid(), service.public(), now)?,
            Hand::Session(session, renewal) => {
                let (root, since) = (renewal.service(), session.word.delegation().not_before);
                register.add(root.kid(), root.public(), since)?;
                register.add_session(&session.word)?;
                Some(since)
            }
        };
        Ok(Self { hand, deployed_at })
    }

    /// A signer that should take over: a key beside the one in use that `keys rotate` made, or
    /// another signer in the settings.
    pub(super) fn successor(
        (setting, onward): (&settings::Signer, &Onward),
        changed: bool,
        spool: &Path,
        since: Timestamp,
        register: &Register,
    ) -> Result<Option<Successor>, LedgerError> {
        if let Some(service) = &setting.service {
            if !changed {
                return Ok(None);
            }
            let hand = open_service(service, (setting, onward), since, true, register)?;
            return Ok(Some(Successor { hand, files: None }));
        }
        let path = key_path(setting, spool);
        let next = local::next_path(&path);
        let (from, files) = match (next.exists(), changed) {
            (true, _) => (next.clone(), Some((next, path))),
            (false, true) => (path, None),
            (false, false) => return Ok(None),
        };
        let key = name_local(local::read_key(&from)?, setting, true, register)?;
        Ok(Some(Successor { hand: Hand::Local(key), files }))
    }

    /// Lets another signer take over. Its key is registered, then in its place, and only then does
    /// it sign; where that fails, the one before goes on.
    pub(super) fn replace(
        &mut self,
        successor: Successor,
        register: &mut Register,
    ) -> Result<(), LedgerError> {
        let next = Self::of(successor.hand, register)?;
        if let Some((from, to)) = successor.files {
            local::put_in_place(&from, &to)?;
        }
        *self = next;
        Ok(())
    }

    /// Who signs the next event.
    pub(super) fn kid(&self) -> &Kid {
        match &self.hand {
            Hand::Local(key) => key.kid(),
            Hand::Service(service) => service.kid(),
            Hand::Session(session, _) => session.key.kid(),
        }
    }

    /// The key whose trust is asked for: the root of a session, else the key itself.
    pub(super) fn root(&self) -> &Kid {
        match &self.hand {
            Hand::Session(session, _) => &session.word.delegation().by,
            Hand::Local(_) | Hand::Service(_) => self.kid(),
        }
    }

    /// Since when it is in service; no event is older.
    pub(super) fn deployed_at(&self) -> Option<Timestamp> {
        self.deployed_at
    }

    /// The root's word for the key that signs now, when it is a session key.
    pub(super) fn word(&self) -> Option<&tollgate_audit::SignedDelegation> {
        match &self.hand {
            Hand::Session(session, _) => Some(&session.word),
            Hand::Local(_) | Hand::Service(_) => None,
        }
    }

    /// How many events may be signed for one write.
    pub(super) fn batch_max(&self) -> usize {
        match &self.hand {
            Hand::Service(_) => SERVICE_BATCH,
            Hand::Local(_) | Hand::Session(..) => usize::MAX,
        }
    }

    /// Takes up the next session key when there is one; `true` when another key signs from here.
    pub(super) fn refresh(&mut self, register: &mut Register) -> bool {
        let Hand::Session(_, renewal) = &self.hand else { return false };
        let Some(fresh) = renewal.take() else { return false };
        if let Err(error) = self.take_up(fresh, register) {
            tracing::error!(%error, "a new session key cannot be registered");
            if let Hand::Session(_, renewal) = &self.hand {
                renewal.hurry();
            }
            return false;
        }
        true
    }

    /// Gives up the session key that signs now: another one is asked for and signs from here.
    pub(super) fn renew(&mut self, register: &mut Register) -> Result<(), LedgerError> {
        let Hand::Session(_, renewal) = &self.hand else { return Ok(()) };
        let fresh = renewal.make_now()?;
        self.take_up(fresh, register)
    }

    fn take_up(&mut self, fresh: Session, register: &mut Register) -> Result<(), LedgerError> {
        register.add_session(&fresh.word)?;
        self.deployed_at = Some(fresh.word.delegation().not_before);
        if let Hand::Session(session, _) = &mut self.hand {
            **session = fresh;
        }
        Ok(())
    }

    /// Signs all drafts, in order, or none.
    pub(super) fn sign(&self, drafts: &[Draft]) -> Result<Vec<Signature>, Unsigned> {
        match &self.hand {
            Hand::Local(key) => sign_here(key, drafts),
            Hand::Service(service) => {
                let all = drafts.iter().map(Draft::to_sign).collect();
                // The service has logged what went wrong.
                service.sign_all(all).map_err(|_| Unsigned)
            }
            Hand::Session(session, renewal) => {
                let Some(last) = drafts.last() else { return Ok(Vec::new()) };
                renewal.saw(last.ts());
                if !session.covers(last.ts()) {
                    tracing::error!(
                        root = %renewal.service().kid(),
                        "the session key's time is over and no new one came"
                    );
                    renewal.hurry();
                    return Err(Unsigned);
                }
                sign_here(&session.key, drafts)
            }
        }
    }

    /// Signs one thing that is no event.
    pub(super) fn sign_one(&self, to_sign: &ToSign) -> Result<Signature, Unsigned> {
        let here = |key: &LocalKey| key.sign(to_sign.hash()).map_err(|_| Unsigned);
        match &self.hand {
            Hand::Local(key) => here(key),
            Hand::Session(session, _) => here(&session.key),
            Hand::Service(service) => {
                let mut signed = service.sign_all(vec![to_sign.clone()]).map_err(|_| Unsigned)?;
                signed.pop().ok_or(Unsigned)
            }
        }
    }

    /// Whether a signature could be had at this time.
    pub(super) fn is_able(&self, now: Timestamp, probe: &ToSign) -> bool {
        match &self.hand {
            Hand::Local(_) => true,
            Hand::Session(session, renewal) => session.covers(now) || renewal.is_ready(),
            Hand::Service(_) => self.sign_one(probe).is_ok(),
        }
    }

    /// The key in this process that signs notes; none when only a service signs.
    pub(super) fn note_key(&self) -> Option<&LocalKey> {
        match &self.hand {
            Hand::Local(key) => Some(key),
            Hand::Session(session, _) => Some(&session.key),
            Hand::Service(_) => None,
        }
    }
}

impl Successor {
    /// Who it is.
    pub(super) fn kid(&self) -> &Kid {
        match &self.hand {
            Hand::Local(key) => key.kid(),
            Hand::Service(service) => service.kid(),
            Hand::Session(session, _) => &session.word.delegation().by,
        }
    }
}

fn sign_here(key: &LocalKey, drafts: &[Draft]) -> Result<Vec<Signature>, Unsigned> {
    drafts.iter().map(|draft| key.sign(draft.hash()).map_err(|_| Unsigned)).collect()
}

/// The file of the key that signs.
pub(crate) fn key_path(setting: &settings::Signer, spool: &Path) -> PathBuf {
    setting.key.clone().unwrap_or_else(|| spool.join(local::KEY_FILE))
}

fn name_local(
    key: LocalKey,
    setting: &settings::Signer,
    is_successor: bool,
    register: &Register,
) -> Result<LocalKey, LedgerError> {
    let kid = register.kid_of(key.public(), setting.kid.as_deref(), is_successor)?;
    Ok(key.named(kid))
}

fn open_service(
    service: &settings::KeyService,
    (setting, onward): (&settings::Signer, &Onward),
    since: Timestamp,
    is_successor: bool,
    register: &Register,
) -> Result<Hand, LedgerError> {
    let unnamed = Unnamed::open(service, Duration::from_millis(setting.deadline_ms), onward)?;
    let kid = register.kid_of(unnamed.public(), setting.kid.as_deref(), is_successor)?;
    let service = unnamed.named(kid);
    // Who may read a key may still not use it: better to know before it takes over.
    match setting.events {
        EventSigner::Service => {
            service.try_out()?;
            Ok(Hand::Service(service))
        }
        EventSigner::Session => {
            let lasting = Duration::from_secs(setting.session_secs);
            let (session, renewal) = Renewal::start(service, lasting, since)?;
            Ok(Hand::Session(Box::new(session), renewal))
        }
    }
}
