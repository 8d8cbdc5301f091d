//! Text from outside, made safe for every reader of the record.
use std::fmt::Write as _;

/// How many bytes of one text are recorded; the rest is counted in a visible mark. Longer than any
/// name, host or rule id of an honest call, short enough that no agent can fill the spool with one.
pub const TEXT_BYTES_MAX: usize = 512;

/// Percent-encodes what a second reader could understand differently: `< > &` (escaped by some
/// JSON writers), controls, line and paragraph separators, invisible and direction-changing
/// characters, and `%` itself, so that decoding gives the text back without doubt.
///
/// A text longer than [`TEXT_BYTES_MAX`] bytes ends with `%[N bytes more]`. No encoded text holds
/// `%[` otherwise, so the mark cannot be forged from outside.
pub fn portable(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(TEXT_BYTES_MAX) + 16);
    write_portable(text, &mut out);
    out
}

/// The same behind what is there.
pub(crate) fn write_portable(text: &str, out: &mut String) {
    let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'<' | b'>' | b'&' | b'%');
    if text.len() <= TEXT_BYTES_MAX && text.bytes().all(plain) {
        out.push_str(text);
        return;
    }
    let kept = text.floor_char_boundary(TEXT_BYTES_MAX);
    let (kept, cut) = text.split_at_checked(kept).unwrap_or((text, ""));
    for c in kept.chars() {
        if is_plain(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    if !cut.is_empty() {
        let _ = write!(out, "%[{} bytes more]", cut.len());
    }
}

fn is_plain(c: char) -> bool {
    !matches!(c,
        '<' | '>' | '&' | '%'
        | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        // Zero width, direction marks, separators, overrides, isolates.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        // Tags: text that nobody sees and some models read.
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_encoded() {
        for (text, expect) in [
            ("send_email", "send_email"),
            ("naïve 😀 /a/b?c=d", "naïve 😀 /a/b?c=d"),
            ("<b>&", "%3Cb%3E%26"),
            ("50%", "50%25"),
            ("a\r\nCEF:0|x", "a%0D%0ACEF:0|x"),
            ("\0\u{8}\u{c}\u{7f}\u{85}", "%00%08%0C%7F%C2%85"),
            ("\u{2028}\u{202e}", "%E2%80%A8%E2%80%AE"),
        ] {
            assert_eq!(portable(text), expect);
        }
    }

    #[test]
    fn a_long_text_says_how_much_is_missing() {
        assert_eq!(portable(&"a".repeat(512)), "a".repeat(512));
        assert_eq!(portable(&"a".repeat(600)), format!("{}%[88 bytes more]", "a".repeat(512)));
        // Never through the middle of a character.
        assert_eq!(portable(&"é".repeat(300)), format!("{}%[88 bytes more]", "é".repeat(256)));
        // And nobody outside can write the mark.
        assert!(!portable("%[88 bytes more]").contains("%["));
    }

    proptest! {
        #[test]
        fn decodes_to_what_it_was(text in "\\PC{0,100}|[\\x00-\\x7f]{0,100}") {
            let encoded = portable(&text);
            let mut bytes = Vec::new();
            let mut rest = encoded.bytes();
            while let Some(byte) = rest.next() {
                if byte == b'%' {
                    let pair = [rest.next().unwrap(), rest.next().unwrap()];
                    let pair = std::str::from_utf8(&pair).unwrap();
                    bytes.push(u8::from_str_radix(pair, 16).unwrap());
                } else {
                    bytes.push(byte);
                }
            }
            prop_assume!(text.len() <= TEXT_BYTES_MAX);
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }
}
