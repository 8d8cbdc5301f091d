//! Where the vectors are that several projects share.
use std::fs;
use std::path::{Path, PathBuf};

/// The text of a vector's file, by its path below `vectors`.
pub(crate) fn text(name: &str) -> String {
    let path = vectors().join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("`{}`: {e}", path.display()))
}

/// The folder; loudly missing when it is not there.
fn vectors() -> PathBuf {
    let dir = match std::env::var_os("TOLLGATE_SHARED") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    assert!(
        dir.join("vectors").is_dir(),
        "the shared vectors are not at `{}`; set TOLLGATE_SHARED to where they are",
        dir.display()
    );
    dir.join("vectors")
}
