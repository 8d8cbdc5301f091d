//! Base64 of both alphabets, in one piece and in lines.
#![no_main]
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "A",
    "Z2hw",
    "X0Fi",
    "eyJ",
    "d29yZD0",
    "z",
    "9",
    "+",
    "/",
    "-",
    "_",
    "=",
    "==",
    "\n",
    "\r\n",
    "\\n",
    ".",
    " ",
    "Q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0YcQ7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0YcAAAA",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| {
    let encoded = STANDARD.encode(text);
    // What wraps says how wide: mail has 76, PEM 64.
    let wide = 40 + text.len() % 40;
    if text.len() % 2 == 0 { URL_SAFE_NO_PAD.encode(text) } else { lines(&encoded, wide) }
}));

fn lines(encoded: &str, wide: usize) -> String {
    let lines = encoded.as_bytes().chunks(wide).map(|line| String::from_utf8_lossy(line));
    lines.collect::<Vec<_>>().join("\n")
}
