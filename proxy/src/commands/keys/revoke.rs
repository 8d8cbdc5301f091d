//! `tollgate keys revoke`.
use clap::Args;
use jiff::Timestamp;
use tollgate_audit::{Kid, write_stamp};

use super::super::audit::read_time;
use super::{KeysConfig, Trouble, read_registry, wake_gate};
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
    /// verify. Default: now
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    at: Option<Timestamp>,
    /// Why, for the record; no secret and no personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    config: KeysConfig,
}

impl Revoke {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        let spool = self.config.settings()?.audit.spool;
        if self.reason.trim().is_empty() || self.reason.len() > REASON_BYTES_MAX {
            let reason = format!("`--reason` is 1 to {REASON_BYTES_MAX} bytes");
            return Err(Trouble::Fault(reason));
        }
        let kid = Kid::parse(&self.kid).map_err(Trouble::fault)?;
        let at = self.at.unwrap_or_else(Timestamp::now);
        let known = read_registry(&spool)?;
        let signer = known.signer(&kid).ok_or_else(|| {
            Trouble::Fault(format!(
                "no key `{kid}` signed this record; see `tollgate keys registry`"
            ))
        })?;
        if signer.revoked_at().is_some_and(|known| known <= at) {
            println!("`{kid}` is revoked already");
            return Ok(());
        }
        if signer.expires_at().is_none() {
            return Err(Trouble::Fault(format!(
                "`{kid}` signs the record now; run `tollgate keys rotate` first"
            )));
        }
        let revocation = Revocation {
            signer_kid: kid.to_string(),
            revoked_at: write_stamp(at),
            reason: self.reason.clone(),
        };
        ask_revocation(&spool, &revocation).map_err(Trouble::fault)?;
        let done = || {
            let known = read_registry(&spool);
            known.is_ok_and(|known| {
                known.signer(&kid).is_some_and(|signer| signer.revoked_at().is_some())
            })
        };
        match wake_gate(&spool, done)? {
            true => println!("revoked: nothing by `{kid}` is believed from {at} on"),
            false => println!("`{kid}` will be revoked; no gate runs, the next start does it"),
        }
        Ok(())
    }
}
