//! What a ClientHello says beside what rustls tells of it (RFC 8446 sections 4.1.2 and 5.1).

/// A handshake message is no longer than this, in however many records.
pub(super) const HELLO_BYTES: usize = 64 << 10;
/// The content type of a record that holds handshake messages.
pub(super) const HANDSHAKE: u8 = 0x16;
/// `encrypted_client_hello` (RFC 9849 section 5).
const ENCRYPTED_HELLO: u16 = 0xFE0D;

/// Whether the handshake in these records offers an encrypted ClientHello. One that cannot be read
/// to its end does, for all that anybody knows.
pub fn offers_ech(records: &[u8]) -> bool {
    extensions(&message(records)).is_none_or(|kinds| kinds.contains(&ENCRYPTED_HELLO))
}

/// The handshake messages in the records, put together.
fn message(mut records: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some(([kind, _, _, high, low], rest)) = records.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        if *kind != HANDSHAKE || message.len() + body.len() > HELLO_BYTES {
            break;
        }
        message.extend_from_slice(body);
        records = rest;
    }
    message
}

/// The kinds of the ClientHello's extensions.
fn extensions(message: &[u8]) -> Option<Vec<u16>> {
    const CLIENT_HELLO: u8 = 1;
    let ([kind, a, b, c], rest) = message.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
    let body = rest.get(..length).filter(|_| *kind == CLIENT_HELLO)?;
    // The version and the random number.
    let (_, body) = body.split_at_checked(34)?;
    let (_session, body) = short(body)?;
    let (_suites, body) = long(body)?;
    let (_compression, body) = short(body)?;
    if body.is_empty() {
        return Some(Vec::new());
    }
    let (mut list, _) = long(body)?;
    let mut kinds = Vec::new();
    while let Some(([high, low], rest)) = list.split_first_chunk() {
        kinds.push(u16::from_be_bytes([*high, *low]));
        (_, list) = long(rest)?;
    }
    Some(kinds)
}

/// A vector with one byte of length, and what follows it.
fn short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// The same with two.
fn long(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([high, low], rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello with these extensions, in records of so many bytes.
    fn hello(kinds: &[u16], record_bytes: usize) -> Vec<u8> {
        let extension = |kind: &u16| [kind.to_be_bytes().as_slice(), &[0, 3], b"abc"].concat();
        let list: Vec<u8> = kinds.iter().flat_map(extension).collect();
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
        body.extend(list);
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        let message = [&[1], &length[1..], &body].concat();
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).unwrap().to_be_bytes();
            [&[HANDSHAKE, 3, 1], length.as_slice(), part].concat()
        };
        message.chunks(record_bytes).flat_map(record).collect()
    }

    #[test]
    fn an_offer_is_seen_however_it_is_cut() {
        for bytes in [1, 7, 64, 4096] {
            assert!(offers_ech(&hello(&[0, 16, 0xFE0D, 43], bytes)), "{bytes}");
            assert!(!offers_ech(&hello(&[0, 16, 43], bytes)), "{bytes}");
        }
    }

    #[test]
    fn what_cannot_be_read_offers_it() {
        let whole = hello(&[0, 16], 4096);
        for end in 0..whole.len() {
            assert!(offers_ech(&whole[..end]), "{end}");
        }
        let mut other = whole.clone();
        other[5] = 2;
        assert!(offers_ech(&other));
    }
}
