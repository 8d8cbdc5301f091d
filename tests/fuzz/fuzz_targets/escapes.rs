//! Escapes of JSON, C, Python, JavaScript and shells, and documents in documents.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "\\", "\\u", "\\u{", "}", "\\x", "\\U000", "\\1", "\\0", "00", "67", "6", "7", "d83d", "de05",
    "\"", "\\\"", "\\n", "u", ":", "password", "{", " ",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| text.chars().map(escaped).collect()));

fn escaped(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}
