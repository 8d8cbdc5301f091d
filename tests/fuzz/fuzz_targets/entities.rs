//! Characters of HTML by number and by name.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "&", "&#", "&#x", "x", ";", "1", "03", "67", "6F", "f", "quot;", "amp;", "&amp;", "lowbar;",
    "nbsp", "token=", " ",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| text
    .chars()
    .map(|c| format!("&#{};", u32::from(c)))
    .collect()));
