//! A stream that was kept, looked at as one text.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::decoder;

const PIECES: &[&str] = &[
    "data:",
    "data: ",
    "\n",
    "\n\n",
    "{",
    "}",
    "\"",
    "\\",
    "\"text\":",
    "\"t\": \"",
    "gh",
    "p_q7Xw2Rb9",
    "Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc8",
    "\": ",
    ",",
    "event: x",
    "\\\"",
    "[",
];

fuzz_target!(|bytes: &[u8]| decoder(bytes, PIECES, |text| {
    let pieces = text.chars().collect::<Vec<_>>();
    let event = |piece: &[char]| {
        let event = serde_json::json!({ "delta": { "text": piece.iter().collect::<String>() } });
        format!("data: {event}\n\n")
    };
    format!("\n{}", pieces.chunks(5).map(event).collect::<String>())
}));
