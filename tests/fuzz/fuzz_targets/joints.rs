//! Strings beside each other, and members of like names.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "\"",
    "\\\"",
    "'",
    "`",
    " + ",
    ", ",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "part_a",
    "part_b",
    "gh",
    "p_",
    "q7Xw2Rb9",
    "4111 1111",
    "# password",
    "\n",
    "a",
    "1",
    "<<",
    "..",
    "&",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| {
    let pieces = text.as_bytes().chunks(7).map(|piece| {
        let piece = String::from_utf8_lossy(piece);
        format!("\"{}\"", piece.replace(['\\', '"'], "_"))
    });
    pieces.collect::<Vec<_>>().join(" + ")
}));
