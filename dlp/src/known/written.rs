//! Other spellings of a value that is known.
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::coding::{Coding, Codings};

/// A value as it is, and as base64, hexadecimal digits, percent-encoding and an escaped string
/// would show it, each once.
pub(super) fn spellings(value: &[u8]) -> Vec<(Codings, Vec<u8>)> {
    let mut all = vec![(Codings::default(), value.to_vec())];
    let mut add = |coding: Coding, spelled: Vec<u8>| {
        if all.iter().all(|(_, known)| *known != spelled) {
            all.push((Codings::from(coding), spelled));
        }
    };
    for skip in 0..3 {
        let (standard, safe) =
            (base64(value, skip, &STANDARD_NO_PAD), base64(value, skip, &URL_SAFE_NO_PAD));
        add(Coding::Base64, standard);
        add(Coding::Base64, safe);
    }
    add(Coding::Hex, value.iter().flat_map(|byte| hex(*byte, b"0123456789abcdef")).collect());
    add(Coding::Hex, value.iter().flat_map(|byte| hex(*byte, UPPER)).collect());
    add(
        Coding::Percent,
        escaped(value, |byte| {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            (!plain).then(|| [&b"%"[..], &hex(byte, UPPER)].concat())
        }),
    );
    // Some writers of JSON escape slashes, too.
    for marks in [&b"\"\\"[..], b"\"\\/"] {
        add(
            Coding::Escape,
            escaped(value, |byte| match byte {
                b'\n' => Some(b"\\n".to_vec()),
                b'\t' => Some(b"\\t".to_vec()),
                byte if marks.contains(&byte) => Some(vec![b'\\', byte]),
                _ => None,
            }),
        );
    }
    all
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// The letters that only the value decides, when `skip` bytes stand before it in its group of
/// three.
fn base64(value: &[u8], skip: usize, coding: &impl base64::Engine) -> Vec<u8> {
    let pad = b"\0\0".get(..skip.min(2)).unwrap_or_default();
    let padded = [pad, value].concat();
    let letters = coding.encode(&padded).into_bytes();
    // Each letter is six bits: the first whole one, and the last.
    let (first, last) = ((skip * 8).div_ceil(6), padded.len() * 8 / 6);
    letters.get(first..last).unwrap_or_default().to_vec()
}

fn hex(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    let digit = |number: u8| digits.get(usize::from(number)).copied().unwrap_or(b'0');
    [digit(byte >> 4), digit(byte & 15)]
}

fn escaped(value: &[u8], escape: impl Fn(u8) -> Option<Vec<u8>>) -> Vec<u8> {
    value.iter().flat_map(|byte| escape(*byte).unwrap_or_else(|| vec![*byte])).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn base64_of_a_text_holds_the_letters_of_the_value() {
        let value = b"correct-Horse/battery+staple?9";
        let spelled = spellings(value);
        for before in 0..6 {
            for after in 0..4 {
                let text =
                    ["x".repeat(before).as_bytes(), value, "y".repeat(after).as_bytes()].concat();
                for coded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let found = spelled.iter().any(|(_, spelled)| {
                        memchr::memmem::find(coded.as_bytes(), spelled).is_some()
                    });
                    assert!(found, "{before} {after}");
                }
            }
        }
    }
}
