//! `tollgate keys rotate`.
use super::{KeysConfig, Trouble, read_registry, wake_gate};
use crate::ledger::signers::key_path;
use crate::ledger::signers::local::{make_next, next_path, read_key};

pub(super) fn rotate(args: &KeysConfig) -> Result<(), Trouble> {
    let settings = args.settings()?;
    let audit = &settings.audit;
    if audit.signer.service.is_some() {
        return Err(Trouble::fault(
            "the key is in a key service: make the new key there, name it in \
             `audit.signer.service`, and send the gate SIGHUP",
        ));
    }
    let path = key_path(&audit.signer, &audit.spool);
    if !path.exists() {
        return Err(Trouble::Fault(format!("there is no key `{}` to rotate yet", path.display())));
    }
    let next = next_path(&path);
    if !next.exists() {
        make_next(&path).map_err(Trouble::fault)?;
    }
    let print = read_key(&next).map_err(Trouble::fault)?.public().to_pem();
    let done = || {
        let known = read_registry(&audit.spool);
        !next.exists()
            && known.is_ok_and(|known| known.signers().any(|(_, s)| s.key().to_pem() == print))
    };
    if wake_gate(&audit.spool, done)? {
        let known = read_registry(&audit.spool)?;
        let kid = known.signers().find(|(_, s)| s.key().to_pem() == print).map(|(kid, _)| kid);
        println!("rotated: `{}` signs now", kid.map_or("?", |kid| kid.as_str()));
    } else {
        println!("`{}` is ready; no gate runs, the next start takes it up", next.display());
    }
    Ok(())
}
