//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

/// Text of a file of this crate.
pub(crate) fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails when a generated file is not what the types say; writes it when asked to.
pub(crate) fn fresh(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("TOLLGATE_UPDATE").is_some() {
        std::fs::write(&path, text).expect("the file is written");
    }
    let is = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(is == text, "{name} is stale: run `TOLLGATE_UPDATE=1 cargo test -p tollgate-config`");
}

/// The smallest file with one key replaced: `old` is a line of it as it stands there.
pub(crate) fn minimal_with(old: &str, new: &str) -> String {
    let minimal = file("minimal.yaml");
    assert!(minimal.contains(old), "minimal.yaml has no `{old}`");
    minimal.replacen(old, new, 1)
}
