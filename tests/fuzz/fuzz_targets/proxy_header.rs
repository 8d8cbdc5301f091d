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
    // A header whose checksum is right is read; with any bit turned, it is not.
    let Some((addresses, fact)) = rest.split_first_chunk::<12>() else { return };
    let (Ok(length), Ok(all)) = (u16::try_from(fact.len()), u16::try_from(12 + 3 + fact.len() + 7))
    else {
        return;
    };
    let mut summed = [FRONTS[0], &all.to_be_bytes(), addresses, &[0xE0]].concat();
    summed.extend(length.to_be_bytes());
    summed.extend(fact);
    summed.extend([3, 0, 4, 0, 0, 0, 0]);
    let at = summed.len() - 4;
    let sum = crc32c::crc32c(&summed).to_be_bytes();
    summed[at..].copy_from_slice(&sum);
    look(&summed);
    assert!(matches!(proxied::parse(&summed), Ok(Some(_))));
    // In the addresses or in the fact: a length that is another may hide the checksum.
    let places = (16..28).chain(31..31 + fact.len()).collect::<Vec<_>>();
    summed[places[usize::from(addresses[0]) * 7 % places.len()]] ^= 1 << (addresses[1] % 8);
    assert!(proxied::parse(&summed).is_err());
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
