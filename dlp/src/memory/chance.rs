//! Whether what goes on from a beginning is a piece of a secret, and no word that happens to come next.
//!
//! Who writes that keys begin with `ghp_`, or asks for `-----BEGIN`, has begun one; and what comes next
//! makes one of it, whatever it is, where a detector takes any letters.
use crate::engine::everyday;

/// So much of all pieces must look like a secret, and of the last one.
const BYTES: usize = 16;
const LAST_BYTES: usize = 6;
/// Shorter words say nothing.
const WORD_BYTES: usize = 4;
/// Numbers in hexadecimal: of spans in a trace, MD5, SHA-1, SHA-256.
const DIGESTS: [usize; 4] = [16, 32, 40, 64];

/// Whether the last of some pieces is one of a secret, of which so many bytes before it look so.
pub(super) fn is_piece(before: usize, last: &[u8]) -> bool {
    let bytes = looks_secret(last, before);
    bytes >= LAST_BYTES && before + bytes >= BYTES
}

/// How many bytes of a piece stand in words that nobody made up: letters and digits in one, or great
/// and small letters among each other. UUIDs and digests are everywhere, and none where nothing that
/// came before looks like a secret, as so many bytes of it do.
pub(super) fn looks_secret(piece: &[u8], before: usize) -> usize {
    let begun = before >= LAST_BYTES;
    if is_uuid(before, piece) {
        return 0;
    }
    let words = piece.split(|byte| !byte.is_ascii_alphanumeric());
    let words = words.filter(|word| word.len() >= WORD_BYTES && is_mixed(word));
    words.filter(|word| begun || !is_digest(word)).map(<[u8]>::len).sum()
}

/// Whether a text is a UUID that nothing before it makes anything else of.
pub(super) fn is_uuid(before: usize, text: &[u8]) -> bool {
    before < LAST_BYTES && everyday::begins_with_uuid(text)
}

fn is_digest(word: &[u8]) -> bool {
    DIGESTS.contains(&word.len()) && word.iter().all(u8::is_ascii_hexdigit)
}

fn is_mixed(word: &[u8]) -> bool {
    #[derive(PartialEq)]
    enum Kind {
        Digit,
        Lower,
        Upper,
    }
    let kind = |byte: &u8| match byte {
        b'0'..=b'9' => Kind::Digit,
        b'a'..=b'z' => Kind::Lower,
        _ => Kind::Upper,
    };
    let count = |wanted: Kind| word.iter().filter(|byte| kind(byte) == wanted).count();
    let (digits, lower, upper) = (count(Kind::Digit), count(Kind::Lower), count(Kind::Upper));
    if lower > 0 && upper > 0 {
        // `someName2` changes at every word, a secret at three letters of five.
        let turns = word.array_windows().filter(|[one, two]| kind(one) != kind(two)).count();
        return turns * 20 >= (word.len() - 1) * 9;
    }
    digits > 0 && digits < word.len() && digits * 8 >= word.len()
}

/// The same with letters and digits that say nothing in the place of its own: what is found then, is
/// found in anything.
pub(super) fn neutral(piece: &[u8]) -> impl Iterator<Item = u8> {
    let letters = b"gormlist".iter().copied().cycle();
    piece.iter().zip(letters).map(|(byte, letter)| match byte {
        b'0'..=b'9' => b'4',
        byte if byte.is_ascii_alphabetic() => letter,
        byte => *byte,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pieces_of_secrets() {
        for (piece, bytes) in [
            ("application/json", 0),
            ("Berlin", 0),
            ("get_weather", 0),
            ("getWeatherForCity", 0),
            ("claude-sonnet-4-20250514", 0),
            ("550e8400-e29b-41d4-a716-446655440000", 0),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0),
            ("python-requests/2.31.0", 0),
            ("abcdef0123456789", 0),
            ("v1", 0),
            ("9Kd4Tz1Qm8Vn5Yc3Hj6Lp0Fs1kaJlK", 30),
            ("Q7XW2RB4", 8),
            ("qWerTyUiOpAs", 12),
            ("a1b2-c3d4", 8),
        ] {
            assert_eq!(looks_secret(piece.as_bytes(), 0), bytes, "{piece}");
        }
        assert_eq!(neutral(b"a1-B").collect::<Vec<_>>(), b"g4-m");
    }
}
