//! Base32, in one piece and as labels of a host name.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "A",
    "M5UHAX",
    "GEZDGNBVGY",
    "7",
    "2",
    "=",
    "======",
    ".",
    "a",
    "m5uhax",
    "\n",
    "8",
    " ",
    "-",
];

fuzz_target!(
    |bytes: &[u8]| decoder(bytes, PIECES, |text| data_encoding::BASE32.encode(text.as_bytes()))
);
