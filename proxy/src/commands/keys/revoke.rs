//! `tollgate keys revoke`.
use clap::Args;
use jiff::Timestamp;
use tollgate_audit::{Kid, write_stamp};

use super::super::audit::read_time;
use super::{ConfigFile, Trouble, read_registry, settings, tell, wake_gate};
use crate::ledger::signers::register::{Revocation, ask_revocation};

/// The longest reason; the record keeps it whole.
const REASON_BYTES_MAX: usize = 400;

/// Which key, and why.
#[derive(Debug, Args)]
pub(in super::super) struct Revoke {
    /// The key's id in the registry
    #[arg(value_name = "KID")]
    kid: String,
    /// Since when it may have been in other hands; events that it signed since then will not
    /// verify. Default: from when the gate takes it back
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    at: Option<Timestamp>,
    /// Why, for the record; no secret and no personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    config: ConfigFile,
}

impl Revoke {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        let audit = settings(&self.config)?.audit;
        let (spool, is_service) = (audit.spool, audit.signer.service.is_some());
        if self.reason.trim().is_empty() || self.reason.len() > REASON_BYTES_MAX {
            let reason = format!("`--reason` is 1 to {REASON_BYTES_MAX} bytes");
            return Err(Trouble::Fault(reason));
        }
        let kid = Kid::parse(&self.kid).map_err(Trouble::fault)?;
        let known = read_registry(&spool)?;
        let signer = known.signer(&kid).ok_or_else(|| {
            Trouble::Fault(format!(
                "no key `{kid}` signed this record; see `tollgate keys registry`"
            ))
        })?;
        let is_done = |revoked: Option<Timestamp>| match (revoked, self.at) {
            (Some(revoked), Some(at)) => revoked <= at,
            (revoked, None) => revoked.is_some(),
            (None, Some(_)) => false,
        };
        if is_done(signer.revoked_at()) {
            return tell(format_args!("`{kid}` is revoked already\n"));
        }
        if signer.expires_at().is_none() {
            let first = match is_service {
                false => "run `tollgate keys rotate` first",
                true => {
                    "first make a new key in the service, name it in `audit.signer.service`, and \
                     send the gate SIGHUP"
                }
            };
            return Err(Trouble::Fault(format!("`{kid}` signs the record now; {first}")));
        }
        let revocation = Revocation {
            signer_kid: kid.to_string(),
            revoked_at: self.at.map(write_stamp),
            reason: self.reason.clone(),
        };
        ask_revocation(&spool, &revocation).map_err(Trouble::fault)?;
        let done = || {
            let known = read_registry(&spool);
            known.is_ok_and(|known| {
                is_done(known.signer(&kid).and_then(|signer| signer.revoked_at()))
            })
        };
        match wake_gate(&spool, done)? {
            true => {
                let known = read_registry(&spool)?;
                let at = known.signer(&kid).and_then(|signer| signer.revoked_at());
                let at = at.map(write_stamp).unwrap_or_default();
                tell(format_args!("revoked: nothing by `{kid}` is believed from {at} on\n"))
            }
            false => tell(format_args!(
                "`{kid}` will be revoked; no gate runs, the next start does it\n"
            )),
        }
    }
}
