//! Escapes of mail.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "=",
    "=3D",
    "=67",
    "=5F",
    "=\n",
    "=\r\n",
    "3D",
    "ghp",
    "0",
    "A",
    "a",
    "key",
    " ",
    "=E2=80=8B",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| text
    .bytes()
    .map(|byte| format!("={byte:02X}"))
    .collect()));
