//! Names that a rule, a log and a person would read as another one.
//!
//! MCP 2025-11-25 says that a tool's name should be letters, digits and `_-./`; servers have others,
//! so only what nobody can see is no name: a server that leaves it out, or trims, would do what the
//! rules about the plain name were never asked of.

/// Whether all of a name can be seen: no blank before or behind it, no control character, and none
/// that has no width or changes the direction.
pub(super) fn is_seen(name: &str) -> bool {
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return true;
    }
    let blank = |end: Option<char>| end.is_some_and(char::is_whitespace);
    let mut letters = name.chars();
    !blank(letters.clone().next()) && !blank(letters.clone().next_back()) && !letters.any(is_unseen)
}

/// Controls, the separators of lines, default ignorable code points (Unicode Standard section 5.21),
/// other format characters without a shape, and what is drawn as nothing.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(u32::from(letter),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
                | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
                | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3
                | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_no_part_of_a_name() {
        for name in [
            "delete_branch",
            "files.write",
            "a/b-c",
            "list my files",
            "naïve",
            "отправить",
            "送信",
            "",
            "✂",
        ] {
            assert!(is_seen(name), "{name}");
        }
        for letter in [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0041}',
            '\u{e0100}',
        ] {
            for name in [
                format!("{letter}delete_branch"),
                format!("delete{letter}_branch"),
                format!("delete_branch{letter}"),
            ] {
                assert!(!is_seen(&name), "{name:?}");
            }
        }
        for blank in [' ', '\u{a0}', '\u{1680}', '\u{2003}', '\u{202f}', '\u{3000}'] {
            assert!(!is_seen(&format!("{blank}delete_branch")), "{blank:?}");
            assert!(!is_seen(&format!("delete_branch{blank}")), "{blank:?}");
        }
    }
}
