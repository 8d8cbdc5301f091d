//! Frames of a WebSocket, from either side, in pieces: what comes out is within the bounds, the same
//! however it was cut, and written again it is read again.
#![no_main]
#[allow(dead_code)]
#[path = "../../../proxy/src/socket/frames.rs"]
mod frames;

use frames::{Broken, Item, Limits, Reader, Side, write};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { message_bytes: 300, frames: 5 };

fn read(side: Side, bytes: &[u8], piece: usize) -> (Vec<Item>, Option<Broken>) {
    let mut reader = Reader::new(side, LIMITS, &[]);
    let mut items = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.buffer().extend_from_slice(piece);
        loop {
            match reader.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(broken) => return (items, Some(broken)),
            }
        }
    }
    (items, None)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let (side, mask) = match first % 2 {
        0 => (Side::Client, Some([1, 2, 3, 4])),
        _ => (Side::Upstream, None),
    };
    let (items, broken) = read(side, bytes, usize::from(first / 2) + 1);
    assert!(read(side, bytes, bytes.len().max(1)) == (items.clone(), broken));
    let mut written = Vec::new();
    for item in &items {
        if let Item::Message(_, payload) = item {
            assert!(payload.len() <= LIMITS.message_bytes);
        }
        write(item.clone(), mask, &mut written).unwrap();
    }
    assert!(read(side, &written, 7) == (items, None));
});
