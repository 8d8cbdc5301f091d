//! The codes that ledgers write their addresses in, with their checksums: pure functions over the
//! bytes of a candidate, each bounded by the longest that is looked at.
use sha2::{Digest, Sha256, Sha512_256};
use sha3::Keccak256;

pub(crate) const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
pub(crate) const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
/// An extended key with its checksum (BIP-32).
pub(crate) const BASE58_BYTES: usize = 84;

/// The bytes that the letters stand for, when they are no more than fit.
pub(crate) fn base58<'b>(
    text: &[u8],
    alphabet: &[u8; 58],
    bytes: &'b mut [u8; BASE58_BYTES],
) -> Option<&'b [u8]> {
    // Counted from the end: the number grows to the left.
    let mut used = 0_usize;
    for letter in text {
        let mut carry = u32::try_from(alphabet.iter().position(|known| known == letter)?).ok()?;
        for byte in bytes.iter_mut().rev().take(used) {
            carry += u32::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xFF).ok()?;
            carry >>= 8;
        }
        while carry > 0 {
            used += 1;
            let at = BASE58_BYTES.checked_sub(used)?;
            *bytes.get_mut(at)? = u8::try_from(carry & 0xFF).ok()?;
            carry >>= 8;
        }
    }
    // Each zero of the alphabet at the beginning is a zero byte.
    let zero = alphabet.first()?;
    used += text.iter().take_while(|letter| *letter == zero).count();
    bytes.get(BASE58_BYTES.checked_sub(used)?..)
}

/// Base58Check: the last four bytes are the first of the digest of the digest.
pub(crate) fn double_sha(bytes: &[u8]) -> bool {
    let Some((body, check)) = bytes.split_last_chunk::<4>() else { return false };
    !body.is_empty() && Sha256::digest(Sha256::digest(body)).starts_with(check)
}

/// BIP-173 and BIP-350: one case, a name, `1`, data, and a checksum that is right in either.
pub(crate) fn bech32(word: &[u8]) -> bool {
    const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const BECH32: u32 = 1;
    const BECH32M: u32 = 0x2bc8_30a3;
    let both = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    let Some(at) = memchr::memrchr(b'1', word).filter(|at| *at > 0 && !both) else { return false };
    let name = word.get(..at).unwrap_or_default();
    let data = word.get(at + 1..).unwrap_or_default();
    if data.len() < 6 {
        return false;
    }
    let mut check = 1_u32;
    let mut feed = |value: u8| {
        const STEPS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let top = check >> 25;
        check = (check & 0x1ff_ffff) << 5 ^ u32::from(value);
        for (bit, step) in STEPS.iter().enumerate() {
            if top >> bit & 1 == 1 {
                check ^= step;
            }
        }
    };
    name.iter().for_each(|letter| feed(letter.to_ascii_lowercase() >> 5));
    feed(0);
    name.iter().for_each(|letter| feed(letter.to_ascii_lowercase() & 31));
    for letter in data {
        let lower = letter.to_ascii_lowercase();
        let Some(value) = LETTERS.iter().position(|known| *known == lower) else { return false };
        feed(u8::try_from(value).unwrap_or(0));
    }
    matches!(check, BECH32 | BECH32M)
}

/// EIP-55: a letter is a capital where the digest of the small ones has a digit of eight or more.
pub(crate) fn eip_55(hex: &[u8]) -> bool {
    let digest = Keccak256::digest(hex.to_ascii_lowercase());
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    hex.iter().zip(digits).all(|(letter, digit)| {
        letter.is_ascii_digit() || letter.is_ascii_uppercase() == (digit >= 8)
    })
}

/// RFC 4648 without padding; how many bytes there are.
pub(crate) fn base32(text: &[u8], bytes: &mut [u8; 36]) -> Option<usize> {
    let (mut buffer, mut bits, mut count) = (0_u32, 0_u32, 0_usize);
    for letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        buffer = (buffer << 5 | u32::from(value)) & 0xFFF;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            *bytes.get_mut(count)? = u8::try_from(buffer >> bits & 0xFF).ok()?;
            count += 1;
        }
    }
    Some(count)
}

/// Stellar (SEP-23): CRC-16/XMODEM of all before it, low byte first.
pub(crate) fn stellar(bytes: &[u8]) -> bool {
    let Some((body, check)) = bytes.split_last_chunk::<2>() else { return false };
    let crc = body.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    });
    crc.to_le_bytes() == *check
}

/// Algorand: the last four bytes are the last of the digest of the key.
pub(crate) fn algorand(bytes: &[u8]) -> bool {
    let Some((key, check)) = bytes.split_last_chunk::<4>() else { return false };
    Sha512_256::digest(key).ends_with(check)
}

/// Monero writes every eight bytes in eleven letters, and what is left in fewer; the last four
/// bytes are the first of the digest of all before them.
pub(crate) fn monero(text: &[u8]) -> bool {
    let mut bytes = [0_u8; 80];
    let mut count = 0;
    for block in text.chunks(11) {
        let size = match block.len() {
            11 => 8,
            7 => 5,
            _ => return false,
        };
        let mut number = 0_u128;
        for letter in block {
            let Some(value) = BITCOIN.iter().position(|known| known == letter) else {
                return false;
            };
            number = number * 58 + value as u128;
        }
        if number >> (size * 8) != 0 {
            return false;
        }
        let all = number.to_be_bytes();
        let Some(slot) = bytes.get_mut(count..count + size) else { return false };
        slot.copy_from_slice(all.get(16 - size..).unwrap_or_default());
        count += size;
    }
    let Some((body, check)) = bytes.get(..count).and_then(|bytes| bytes.split_last_chunk::<4>())
    else {
        return false;
    };
    Keccak256::digest(body).starts_with(check)
}
