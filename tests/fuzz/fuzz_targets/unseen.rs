//! Characters that look like others, and characters that are not seen.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "\u{200b}",
    "\u{ad}",
    "\u{202e}",
    "\u{2060}",
    "\u{fe0f}",
    "\u{ff47}",
    "\u{ff48}",
    "\u{ff50}",
    "\u{ff11}",
    "\u{0430}",
    "\u{0440}",
    "\u{0301}",
    "\u{e0067}",
    "\u{e0068}",
    "\u{e0041}",
    "g",
    "h",
    "p_",
    "1",
    "é",
    "\u{1d41a}",
    " ",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| text
    .chars()
    .flat_map(|c| [c, '\u{200b}'])
    .collect()));
