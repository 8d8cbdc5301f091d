//! A text in two pieces: it comes out as the whole does. The first byte says where it is cut.
#![no_main]
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tollgate_dlp::{Direction, TextStream};
use tollgate_fuzz::{JUDGE, SCANNER};

fuzz_target!(|bytes: &[u8]| {
    let Some((&at, bytes)) = bytes.split_first() else { return };
    let streamed = |pieces: &[&[u8]]| {
        let mut stream =
            TextStream::new(Arc::clone(&SCANNER), Arc::clone(&JUDGE), Direction::Answer);
        let mut out = Vec::new();
        for piece in pieces {
            stream.push(piece, &mut out);
        }
        stream.finish(&mut out);
        out
    };
    let (head, tail) = bytes.split_at(usize::from(at).min(bytes.len()));
    assert!(streamed(&[head, tail]) == streamed(&[bytes]));
});
