//! Hexadecimal digits, in one piece and as labels of a host name.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "0", "6", "7", "a", "F", "6768705f", "6768705F", ".", ".a.", "-", "\n", "0x", " ", "g", "//",
    "=",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| text
    .bytes()
    .map(|byte| format!("{byte:02x}"))
    .collect()));
