//! Whether what calls itself text is text that inspection can read.
//!
//! Detectors look for bytes of UTF-8. In UTF-16, in an archive or in bytes of any other kind they find
//! nothing, whatever is in there; such an answer passes, and the record must say that nobody read it.

/// What begins so is no text, whatever its bytes are.
const OTHERS: [&[u8]; 7] = [
    b"\xFF\xFE",         // UTF-16 and UTF-32, little end first
    b"\xFE\xFF",         // UTF-16
    b"\x00\x00\xFE\xFF", // UTF-32
    b"\x1F\x8B",         // gzip
    b"PK\x03\x04",       // zip
    b"PK\x05\x06",       // zip without a member
    b"%PDF-",
];

/// The longest of them.
const OPENING_BYTES: usize = 5;

/// Looks at a text as it streams; where it is cut makes no difference.
#[derive(Debug, Default)]
pub(super) struct Legible {
    opening: Vec<u8>,
    /// A character that is not complete.
    begun: Vec<u8>,
    spoilt: bool,
}

impl Legible {
    /// Takes a piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        if self.spoilt {
            return;
        }
        if self.opening.len() < OPENING_BYTES {
            let missing = OPENING_BYTES - self.opening.len();
            self.opening.extend(piece.iter().take(missing));
            self.spoilt = OTHERS.iter().any(|other| self.opening.starts_with(other));
        }
        self.spoilt |= memchr::memchr(0, piece).is_some() || !self.is_utf8(piece);
    }

    fn is_utf8(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        while let (false, Some((first, behind))) = (self.begun.is_empty(), rest.split_first()) {
            self.begun.push(*first);
            rest = behind;
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let Err(error) = std::str::from_utf8(rest) else { return true };
        self.begun.extend(rest.iter().skip(error.valid_up_to()));
        error.error_len().is_none()
    }

    /// Whether something came that cannot be read.
    pub(super) fn is_spoilt(&self) -> bool {
        self.spoilt
    }

    /// Whether all of it could be read, at its end.
    pub(super) fn is_read(&self) -> bool {
        !self.spoilt && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_what_calls_itself_so() {
        for (bytes, expect) in [
            (&b""[..], true),
            (b"ghp", true),
            ("caf\u{e9} \u{20ac} \u{1d41a}".as_bytes(), true),
            ("\u{feff}with a mark".as_bytes(), true),
            (b"PK is no archive", true),
            (b"\xFF\xFEh\0i\0", false),
            (b"\xFE\xFF\0h\0i", false),
            (b"h\0i\0", false),
            (b"caf\xE9", false),
            (b"caf\xE9 au lait", false),
            (b"cut in \xE2\x82", false),
            (b"\x1F\x8B\x08", false),
            (b"PK\x03\x04", false),
            (b"%PDF-1.7\n", false),
        ] {
            for cut in 1..=bytes.len().max(1) {
                let mut legible = Legible::default();
                bytes.chunks(cut).for_each(|piece| legible.push(piece));
                assert_eq!(legible.is_read(), expect, "{bytes:?} in pieces of {cut}");
            }
        }
    }
}
