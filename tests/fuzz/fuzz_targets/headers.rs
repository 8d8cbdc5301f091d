//! Headers and cookies, and media types.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_dlp::Direction;
use tollgate_dlp::documents::{Header, Kind, MediaType};
use tollgate_fuzz::{JUDGE, SCANNER};

fuzz_target!(|text: &str| {
    let _ = MediaType::parse(text).map(|media| Kind::of(&media));
    for name in ["cookie", "mcp-param-a", "x-note"] {
        let redact = |value: &str| {
            SCANNER.redact_header(Header { name, value }, &JUDGE, Direction::Request).0
        };
        if let Some(value) = redact(text) {
            assert_eq!(redact(&value), None);
        }
    }
});
