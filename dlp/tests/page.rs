//! The page of all detectors is what the tables say.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads the page from its file"
)]

use tollgate_dlp::{Scanner, detectors_page};

#[test]
fn the_page_of_detectors_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/DETECTORS.md");
    let text = detectors_page(Scanner::detectors());
    if std::env::var_os("TOLLGATE_UPDATE").is_some() {
        std::fs::write(path, &text).expect("the file is written");
    }
    let is = std::fs::read_to_string(path).unwrap_or_default();
    let hint = "run `TOLLGATE_UPDATE=1 cargo test -p tollgate-dlp --test page`";
    assert!(is == text, "DETECTORS.md is stale: {hint}");
}
