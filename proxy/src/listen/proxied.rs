//! The header with which a load balancer tells whom it speaks for: PROXY protocol, version 2
//! (haproxy.org, proxy-protocol.txt, section 2.2).
use std::net::SocketAddr;

use ppp::v2::{Addresses, Command, Header, PROTOCOL_PREFIX, Protocol, Type};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The signature, version and command, family, and length.
const FIXED_BYTES: usize = 16;
/// The longest header that is read. Addresses have 216 bytes at most; the rest are facts that a
/// balancer may add (a name, a client's certificate), and none of which is used here.
pub const HEADER_BYTES_MAX: usize = 4096;
/// What a header of version 1 begins with.
const VERSION_1: &[u8] = b"PROXY ";

/// Why there is no header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unread {
    /// The other side left before it sent a byte, as health checks do.
    Gone,
    /// What came is none.
    Malformed(&'static str),
}

/// Reads a header, and not a byte more. The address that it tells; `None` when the balancer speaks
/// for itself or does not know.
pub async fn read<S: AsyncRead + Unpin>(io: &mut S) -> Result<Option<SocketAddr>, Unread> {
    let cut = Unread::Malformed("the connection ended within its header");
    let mut fixed = [0; FIXED_BYTES];
    let mut filled = 0;
    while let Some(room) = fixed.get_mut(filled..).filter(|room| !room.is_empty()) {
        match io.read(room).await {
            Ok(read @ 1..) => filled += read,
            _ if filled == 0 => return Err(Unread::Gone),
            _ => return Err(cut),
        }
        // Whoever sends something else is not waited for.
        begins(fixed.get(..filled).unwrap_or_default()).map_err(Unread::Malformed)?;
    }
    let [.., high, low] = fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED_BYTES + length > HEADER_BYTES_MAX {
        return Err(Unread::Malformed("the PROXY header is longer than the limit"));
    }
    let mut header = fixed.to_vec();
    header.resize(FIXED_BYTES + length, 0);
    let rest = header.get_mut(FIXED_BYTES..).unwrap_or_default();
    io.read_exact(rest).await.map_err(|_| cut)?;
    parse(&header).map_err(Unread::Malformed)
}

fn begins(seen: &[u8]) -> Result<(), &'static str> {
    if seen.starts_with(VERSION_1) {
        return Err("the PROXY header is of version 1; only version 2 is read");
    }
    let known = seen.len().min(PROTOCOL_PREFIX.len());
    // Until it is told apart from other words, it may become one of version 1.
    match seen.get(..known) == PROTOCOL_PREFIX.get(..known) || VERSION_1.starts_with(seen) {
        true => Ok(()),
        false => Err("the connection does not begin with a PROXY header"),
    }
}

/// Reads a whole header.
pub fn parse(bytes: &[u8]) -> Result<Option<SocketAddr>, &'static str> {
    let header = Header::try_from(bytes).map_err(|_| "the PROXY header cannot be read")?;
    if header.len() != bytes.len() {
        return Err("the PROXY header has another length than it says");
    }
    if header.command == Command::Local {
        // The balancer itself: what else stands there is to be ignored (section 2.2).
        return Ok(None);
    }
    let source = match (header.protocol, header.addresses) {
        (_, Addresses::Unspecified) => return Ok(None),
        (Protocol::Stream, Addresses::IPv4(ip)) => (ip.source_address, ip.source_port).into(),
        (Protocol::Stream, Addresses::IPv6(ip)) => (ip.source_address, ip.source_port).into(),
        // A process beside the balancer has no address.
        (Protocol::Stream, Addresses::Unix(_)) => return check(&header).map(|()| None),
        _ => return Err("the PROXY header speaks of something else than a connection"),
    };
    check(&header)?;
    Ok(Some(source))
}

/// Goes through what a balancer added: each fact must fit, and the checksum be right (section
/// 2.2.4: it covers the whole header, with zeros in its own place).
fn check(header: &Header<'_>) -> Result<(), &'static str> {
    let bytes = header.as_bytes();
    let mut at = bytes.len() - header.tlv_bytes().len();
    let mut told = None;
    for fact in header.tlvs() {
        let fact = fact.map_err(|_| "a fact in the PROXY header is longer than the header")?;
        let value = at + 3;
        at = value + fact.len();
        if fact.kind != u8::from(Type::CRC32C) {
            continue;
        }
        let sum = <[u8; 4]>::try_from(fact.value.as_ref());
        let sum = sum.map_err(|_| "the checksum of the PROXY header is no checksum")?;
        if told.replace((value, u32::from_be_bytes(sum))).is_some() {
            return Err("the PROXY header has two checksums");
        }
    }
    let Some((value, told)) = told else { return Ok(()) };
    let (before, rest) = bytes.split_at_checked(value).unwrap_or_default();
    let after = rest.get(4..).unwrap_or_default();
    let sum = crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]);
    match crc32c::crc32c_append(sum, after) == told {
        true => Ok(()),
        false => Err("the checksum of the PROXY header is wrong"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with this command, family and payload.
    fn header(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [PROTOCOL_PREFIX, &[0x20 | command, family], &length, payload].concat()
    }

    fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), value].concat()
    }

    const V4: &[u8] = &[192, 0, 2, 9, 10, 0, 0, 1, 0x30, 0x39, 1, 187];

    fn v6() -> Vec<u8> {
        let source = "2001:db8::9".parse::<std::net::Ipv6Addr>().unwrap().octets();
        [source.as_slice(), &[0; 16], &[0x30, 0x39, 1, 187]].concat()
    }

    fn unix() -> Vec<u8> {
        vec![b'x'; 216]
    }

    /// The header with a checksum fact, right or off by something.
    fn summed(off: u32) -> Vec<u8> {
        let extra = tlv(5, b"abc");
        let payload = [V4, &tlv(3, &[0; 4]), &extra].concat();
        let mut bytes = header(1, 0x11, &payload);
        let sum = crc32c::crc32c(&bytes).wrapping_add(off).to_be_bytes();
        let at = bytes.len() - extra.len() - 4;
        bytes[at..at + 4].copy_from_slice(&sum);
        bytes
    }

    #[test]
    fn headers_mean_an_address_or_nothing() {
        let told = |text: &str| Ok(Some(text.parse::<SocketAddr>().unwrap()));
        let with = |payload: &[u8], fact: &[u8]| [payload, fact].concat();
        for (what, bytes, expect) in [
            ("IPv4", header(1, 0x11, V4), told("192.0.2.9:12345")),
            ("IPv6", header(1, 0x21, &v6()), told("[2001:db8::9]:12345")),
            ("a process", header(1, 0x31, &unix()), Ok(None)),
            ("unknown", header(1, 0x00, &[]), Ok(None)),
            ("unknown with something", header(1, 0x00, b"whatever"), Ok(None)),
            ("local", header(0, 0x00, &[]), Ok(None)),
            ("local with an address", header(0, 0x11, V4), Ok(None)),
            ("facts", header(1, 0x11, &with(V4, &tlv(0xEE, b"fact"))), told("192.0.2.9:12345")),
            ("a checksum", summed(0), told("192.0.2.9:12345")),
            ("a wrong checksum", summed(1), Err("wrong")),
            ("a short checksum", header(1, 0x11, &with(V4, &tlv(3, b"abc"))), Err("no checksum")),
            ("a fact too long", header(1, 0x11, &with(V4, &[9, 0, 9, 1])), Err("longer than")),
            ("half a fact", header(1, 0x11, &with(V4, &[9, 0])), Err("longer than")),
            ("a datagram", header(1, 0x12, V4), Err("something else")),
            ("an address too short", header(1, 0x11, &V4[1..]), Err("cannot be read")),
            ("another command", header(2, 0x11, V4), Err("cannot be read")),
            ("another family", header(1, 0x41, V4), Err("cannot be read")),
            ("another transport", header(1, 0x13, V4), Err("cannot be read")),
            ("bytes behind it", [header(1, 0x11, V4), vec![1]].concat(), Err("another length")),
            ("a piece", header(1, 0x11, V4)[..20].to_vec(), Err("cannot be read")),
        ] {
            match (parse(&bytes), expect) {
                (Err(why), Err(word)) => assert!(why.contains(word), "{what}: {why}"),
                (found, expect) => assert_eq!(found, expect, "{what}"),
            }
        }
        let two = [V4, &tlv(3, &[0; 4]), &tlv(3, &[0; 4])].concat();
        assert!(parse(&header(1, 0x11, &two)).unwrap_err().contains("two checksums"));
        let version = header(1, 0x11, V4).into_iter().enumerate();
        let version = version.map(|(at, byte)| if at == 12 { 0x11 } else { byte });
        assert!(parse(&version.collect::<Vec<_>>()).is_err());
    }

    #[tokio::test]
    async fn nothing_behind_a_header_is_read() {
        let bytes = [header(1, 0x11, V4), b"GET /".to_vec()].concat();
        let mut io = bytes.as_slice();
        assert!(read(&mut io).await.unwrap().is_some());
        assert_eq!(io, b"GET /");
        // One byte at a time.
        let (mut near, mut far) = tokio::io::duplex(1);
        let write = tokio::spawn(async move {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut far, &bytes).await;
        });
        assert!(read(&mut near).await.unwrap().is_some());
        drop(near);
        let _ = write.await;
    }

    #[tokio::test]
    async fn what_is_none_is_told_at_the_first_byte_that_differs() {
        let oversize = header(1, 0x11, &[0; HEADER_BYTES_MAX - FIXED_BYTES + 1]);
        let largest = header(1, 0x11, &[V4, &tlv(4, &[0; 4065])].concat());
        assert_eq!(largest.len(), HEADER_BYTES_MAX);
        for (bytes, expect) in [
            (&b""[..], Unread::Gone),
            (b"PROXY TCP4 192.0.2.9", Unread::Malformed(begins(b"PROXY T").unwrap_err())),
            (b"PROX", Unread::Malformed("the connection ended within its header")),
            (b"POST / HTTP/1.1", Unread::Malformed(begins(b"x").unwrap_err())),
            (b"G", Unread::Malformed(begins(b"G").unwrap_err())),
            (b"\r\n\r\n\0\r\nQUIX", Unread::Malformed(begins(b"x").unwrap_err())),
            (b"\r\n", Unread::Malformed("the connection ended within its header")),
            (&oversize, Unread::Malformed("the PROXY header is longer than the limit")),
        ] {
            let mut io = bytes;
            assert_eq!(read(&mut io).await, Err(expect), "{bytes:?}");
        }
        assert!(read(&mut largest.as_slice()).await.unwrap().is_some());
        assert!(begins(b"PROXY T").unwrap_err().contains("version 1"));
        assert!(!begins(b"x").unwrap_err().contains("version 1"));
    }
}
