//! Checksums and measures: pure functions over the bytes of a candidate.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The Luhn check digit (ISO/IEC 7812-1, annex B) over digits `0..=9`.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum = luhn_sum(digits.iter().rev().map(|digit| u32::from(*digit)));
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// The sum that ends in nought when the check digit is right, over digits from the last one on.
pub(crate) fn luhn_sum(reversed: impl Iterator<Item = u32>) -> u32 {
    let weighed = reversed.enumerate().map(|(at, digit)| match (at % 2, digit) {
        (0, digit) => digit,
        (_, digit) if digit > 4 => digit * 2 - 9,
        (_, digit) => digit * 2,
    });
    weighed.sum()
}

/// ISO 7064 MOD 97-10, as ISO 13616 uses it, over letters and digits with the first four moved to
/// the end.
pub(crate) fn mod_97(account: &[u8]) -> bool {
    let (head, tail) = account.split_at(account.len().min(4));
    rest_97(tail.iter().chain(head)) == Some(1)
}

/// The rest modulo 97 of letters and digits, `A` being ten, whatever the case; `None` when anything
/// else is among them.
pub(crate) fn rest_97<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> Option<u32> {
    bytes.into_iter().try_fold(0, |rest, byte| {
        let value = char::from(*byte).to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    })
}

/// Bits of entropy for one byte, from how often each occurs.
pub(crate) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    // A candidate is far shorter than 2^32, so the conversion is exact.
    let all = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether the first part of a token is the header of a JWS or JWE: JSON with an `alg`
/// (RFC 7515 section 4.1.1, RFC 7516 section 4.1.1).
pub(crate) fn jwt_header(token: &[u8]) -> bool {
    let header = token.split(|byte| *byte == b'.').next().unwrap_or_default();
    let Ok(json) = URL_SAFE_NO_PAD.decode(header) else { return false };
    serde_json::from_slice::<serde_json::Value>(&json)
        .is_ok_and(|header| header.get("alg").is_some_and(serde_json::Value::is_string))
}

/// Whether every byte is a letter of base64 and the length is one that base64 has.
pub(crate) fn is_base64(bytes: &[u8]) -> bool {
    let body = bytes.strip_suffix(b"==").or(bytes.strip_suffix(b"=")).unwrap_or(bytes);
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !body.is_empty() && body.iter().all(letters) && bytes.len().is_multiple_of(4)
}

/// Whether the bytes are words with `-`, `_` or `.` between them: a name and nothing random.
pub(crate) fn is_wordy(bytes: &[u8]) -> bool {
    let parts = || bytes.split(|byte| b"-_.".contains(byte)).filter(|part| !part.is_empty());
    let is_word = |part: &&[u8]| part.iter().all(u8::is_ascii_alphabetic) && part.len() < 16;
    // `ZAQWS-XCDER-VBGTR`: the groups of a product's key.
    if !bytes.iter().any(|byte| byte.is_ascii_lowercase() || *byte == b'_') {
        return false;
    }
    let letters: usize = parts().filter(is_word).map(<[u8]>::len).sum();
    parts().filter(is_word).count() >= 2 && letters * 2 > bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        let digits = |text: &str| text.bytes().map(|byte| byte - b'0').collect::<Vec<_>>();
        assert!(luhn(&digits("4111111111111111")));
        assert!(luhn(&digits("378282246310005")));
        assert!(!luhn(&digits("4111111111111112")));
        assert!(!luhn(&digits("0000000000000000")));
        assert!(mod_97(b"GB82WEST12345698765432"));
        assert!(mod_97(b"DE89370400440532013000"));
        assert!(!mod_97(b"DE88370400440532013000"));
        assert!(!mod_97(b"D"));
    }

    #[test]
    fn measures() {
        assert!(entropy(b"aaaaaaaa").abs() < 1e-9);
        assert!((entropy(b"abcdabcd") - 2.0).abs() < 1e-9);
        assert!(jwt_header(b"eyJhbGciOiJIUzI1NiJ9.e30."));
        assert!(!jwt_header(b"eyJhbG.e30."));
        assert!(is_base64(b"dXNlcjpwYXNz") && !is_base64(b"dXNlcjpwYX"));
    }
}
