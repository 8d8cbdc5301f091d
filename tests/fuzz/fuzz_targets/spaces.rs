//! Groups with blanks, and lines.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    " ",
    "-",
    ".",
    "|",
    "ghp_",
    "abcd",
    "q7Xw",
    "g",
    "h",
    "p",
    "_",
    "1",
    "4111",
    "\n",
    "\\n",
    "\r\n",
    ": ",
    "token",
    "q7Xw2Rb9Kd4Ts6Vn1Zh8",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| {
    let letters = text.chars().map(String::from).collect::<Vec<_>>();
    letters.join(" ")
}));
