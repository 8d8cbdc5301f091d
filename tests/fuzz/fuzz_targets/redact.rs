//! Redaction of a text: done twice it is done once.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_dlp::Direction;
use tollgate_fuzz::{JUDGE, SCANNER};

fuzz_target!(|text: &str| {
    let once = SCANNER.redact(text, &JUDGE, Direction::Request).text.into_owned();
    assert_eq!(SCANNER.redact(&once, &JUDGE, Direction::Request).text, once);
});
