//! Whom a command believes.
use std::fs;
use std::path::Path;

use tollgate_audit::Registry;

/// Reads the registry in `signers`, or else the one of a spool's directory.
///
/// A registry that auditors keep need not have session keys: those of the directory are taken over
/// when a root in it vouches for them.
pub(super) fn read_registry(
    signers: Option<&Path>,
    dir: Option<&Path>,
) -> Result<Registry, String> {
    let own = dir.map(|dir| dir.join("signers.json"));
    let Some(signers) = signers else {
        let own = own.ok_or("`--signers` is needed for a file")?;
        return read(&own);
    };
    let mut registry = read(signers)?;
    if let Some(own) = own.filter(|own| own.exists()) {
        registry.adopt_sessions(&read(&own)?);
    }
    Ok(registry)
}

fn read(path: &Path) -> Result<Registry, String> {
    let named = |e: &dyn std::fmt::Display| format!("`{}`: {e}", path.display());
    let text = fs::read(path).map_err(|e| named(&e))?;
    Registry::parse(&text).map_err(|e| named(&e))
}
