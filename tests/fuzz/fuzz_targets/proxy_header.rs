//! Headers of the PROXY protocol, version 2.
#![no_main]
use libfuzzer_sys::fuzz_target;

#[path = "../../../proxy/src/listen/proxied.rs"]
mod proxied;

/// Signature, version and command, and the family, so that most inputs reach the parser.
const FRONTS: [&[u8]; 6] = [
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x21",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x31",
    b"\r\n\r\n\0\r\nQUIT\n\x20\x00",
    b"\r\n\r\n\0\r\nQUIT\n",
    b"",
];

fuzz_target!(|input: (u8, bool, Vec<u8>)| {
    let (front, length, rest) = input;
    let front = FRONTS[usize::from(front) % FRONTS.len()];
    let mut bytes = front.to_vec();
    if length && let Ok(length) = u16::try_from(rest.len()) {
        bytes.extend(length.to_be_bytes());
    }
    bytes.extend(&rest);
    look(&bytes);
    // Its checksum is put right, and is wrong with any bit of the header turned.
    if front.len() == 14 && length && rest.len() >= 12 + 7 {
        let at = bytes.len() - 4;
        bytes[at - 3..].copy_from_slice(&[3, 0, 4, 0, 0, 0, 0]);
        let sum = crc32c::crc32c(&bytes).to_be_bytes();
        bytes[at..].copy_from_slice(&sum);
        look(&bytes);
        let told = proxied::parse(&bytes);
        let turned = usize::from(rest[0]) % bytes.len();
        if front[12] == 0x21 && front[13] != 0x00 && told.is_ok() && turned >= 16 && turned < at - 3 {
            bytes[turned] ^= 1;
            // A bit of a fact's length may make the checksum a part of that fact.
            assert!(proxied::parse(&bytes) != told || front[13] != 0x11 || turned >= 28);
        }
    }
});

fn look(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut io = bytes;
    let whole = runtime.block_on(proxied::read(&mut io));
    let taken = bytes.len() - io.len();
    if let Ok(told) = whole {
        assert!(taken <= proxied::HEADER_BYTES_MAX);
        assert_eq!(proxied::parse(&bytes[..taken]), Ok(told));
    }
    // One byte at a time.
    let mut drops = Drops(bytes);
    assert_eq!(runtime.block_on(proxied::read(&mut drops)), whole);
    if whole.is_ok() {
        assert_eq!(drops.0.len(), io.len());
    }
    let _ = proxied::parse(bytes);
}

/// Gives one byte at each read.
struct Drops<'a>(&'a [u8]);

impl tokio::io::AsyncRead for Drops<'_> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        if let Some((first, rest)) = self.0.split_first() {
            buf.put_slice(&[*first]);
            self.0 = rest;
        }
        std::task::Poll::Ready(Ok(()))
    }
}
