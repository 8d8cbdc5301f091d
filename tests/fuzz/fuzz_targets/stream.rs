//! A text in pieces: it comes out as the whole does. The first byte says how many of those behind it
//! say how long the pieces are.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&count, bytes)) = bytes.split_first() else { return };
    let (lengths, text) = bytes.split_at(usize::from(count % 32).min(bytes.len()));
    tollgate_fuzz::cut(lengths, text);
});
