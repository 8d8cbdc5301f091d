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

/// The file must have exactly one mistake: at `path`, saying `message`, helped by `help`.
pub(crate) fn check(text: &str, path: &str, message: &str, help: &str) {
    let Err(mistakes) = tollgate_config::read(text, "t.yaml", &[]) else {
        panic!("this is read:\n{text}")
    };
    let rendered = mistakes.render(false);
    assert_eq!(mistakes.iter().count(), 1, "{rendered}\n{text}");
    let mistake = mistakes.iter().next().unwrap();
    assert_eq!(mistake.path(), path, "{rendered}");
    assert!(mistake.message().contains(message), "`{message}` is not in:\n{rendered}");
    assert!(mistake.help().unwrap_or_default().contains(help), "`{help}` is not in:\n{rendered}");
    assert!(rendered.contains(message.split(" `").next().unwrap()), "{rendered}");
}
