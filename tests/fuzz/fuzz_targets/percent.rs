//! Escapes of URLs.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "%", "%25", "%u", "%U00", "+", "2", "5", "67", "68", "70", "5F", "e2", "g", "hp_", "&", "=",
    " ", "key",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| text
    .bytes()
    .map(|byte| format!("%{byte:02X}"))
    .collect()));
