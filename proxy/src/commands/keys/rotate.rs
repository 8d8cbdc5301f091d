//! `tollgate keys rotate`.
use tollgate_audit::Signer;

use super::{ConfigFile, Trouble, read_registry, settings, tell, wake_gate};
use crate::ledger::signers::key_path;
use crate::ledger::signers::local::{make_next, next_path, read_key};

pub(super) fn rotate(args: &ConfigFile) -> Result<(), Trouble> {
    let settings = settings(args)?;
    let audit = &settings.audit;
    if audit.signer.service.is_some() {
        return Err(Trouble::fault(
            "the key is in a key service: make the new key there, name it in \
             `audit.signer.service`, and send the gate SIGHUP",
        ));
    }
    let path = key_path(&audit.signer, &audit.spool);
    if !path.exists() {
        let path = path.display();
        let reason = format!("there is no key `{path}` to rotate yet: the gate's start makes it");
        return Err(Trouble::Fault(reason));
    }
    let next = next_path(&path);
    if !next.exists() {
        make_next(&path).map_err(Trouble::fault)?;
    }
    let print = read_key(&next).map_err(Trouble::fault)?.public().to_pem();
    let before = read_key(&path).map_err(Trouble::fault)?.public().to_pem();
    // The old key's end is what comes last.
    let done = || {
        let Ok(known) = read_registry(&audit.spool) else { return false };
        let by = |pem: &str, is: fn(&Signer) -> bool| {
            known.signers().any(|(_, signer)| signer.key().to_pem() == pem && is(signer))
        };
        !next.exists() && by(&print, |_| true) && by(&before, |old| old.expires_at().is_some())
    };
    if wake_gate(&audit.spool, done)? {
        let known = read_registry(&audit.spool)?;
        let kid = known.signers().find(|(_, s)| s.key().to_pem() == print).map(|(kid, _)| kid);
        tell(format!("rotated: `{}` signs now\n", kid.map_or("?", |kid| kid.as_str())))
    } else {
        tell(format!("`{}` is ready; no gate runs, the next start takes it up\n", next.display()))
    }
}
