//! The binary under test.
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Builds the gate once for this process, in the profile of the tests themselves, and tells where
/// it is. `TOLLGATE_BINARY` names another one to test instead.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    if let Some(given) = std::env::var_os("TOLLGATE_BINARY") {
        return given.into();
    }
    // A test runs as `<target>/<profile>/deps/<name>`.
    let own = std::env::current_exe().expect("a test knows its own path");
    let folder = own.parent().and_then(|deps| deps.parent()).expect("tests lie two folders deep");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "tollgate", "--bin", "tollgate"])
        .args(["--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo can be started");
    assert!(built.success(), "the gate cannot be built");
    folder.join("tollgate")
}
