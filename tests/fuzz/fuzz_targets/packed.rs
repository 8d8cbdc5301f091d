//! What is packed, whole and cut off, in base64. The first byte says with what, the second one where
//! it breaks off.
#![no_main]
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::{decoder, letter, look};

fuzz_target!(|bytes: &[u8]| {
    let [way, cut, rest @ ..] = bytes else { return };
    // Noise behind the first bytes of each format.
    let heads: [&[u8]; 5] =
        [&[0x1f, 0x8b, 8], &[0x28, 0xb5, 0x2f, 0xfd], &[0x78, 0x9c], &[0x05], &[0x1b]];
    let head = heads[usize::from(*way) % heads.len()];
    let noise = [head, rest].concat();
    look(bytes, letter(&STANDARD.encode(&noise)).as_bytes());
    let mut broken = packed(*way, rest);
    broken.truncate(broken.len().saturating_sub(usize::from(*cut)));
    look(bytes, letter(&STANDARD.encode(&broken)).as_bytes());
    // Short texts are not tried without first bytes to know them by.
    let write = |text: &str| STANDARD.encode(packed(*way, letter(text).as_bytes()));
    decoder(rest, &["H4sI", "AAAA", "eJ", "KLUv/Q", "A", "z", "9", "+", "/", "="], write);
});

fn packed(way: u8, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let level = Compression::new(u32::from(way) % 10);
    match way % 5 {
        0 => GzEncoder::new(text, level).read_to_end(&mut out).map(|_| ()).unwrap(),
        1 => ZlibEncoder::new(text, level).read_to_end(&mut out).map(|_| ()).unwrap(),
        2 => DeflateEncoder::new(text, level).read_to_end(&mut out).map(|_| ()).unwrap(),
        3 => out = zstd::encode_all(text, i32::from(way) % 19 + 1).unwrap(),
        _ => {
            let quality = u32::from(way) % 12;
            let mut writer = brotli::CompressorWriter::new(&mut out, 4096, quality, 22);
            writer.write_all(text).unwrap();
        }
    }
    out
}
