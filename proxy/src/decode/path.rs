//! One spelling for a path: what the rules see is what is forwarded.
//!
//! - Escapes of characters that mean the same written plainly (unreserved and most delimiters) are
//!   decoded; all others stay, in upper case. `+` and `;` keep the spelling they came in, since
//!   servers treat them unlike `%2B` and `%3B`.
//! - Dot segments are removed (RFC 3986 section 5.2.4); one that would climb above the root, is
//!   written with escapes or carries `;` parameters is refused, as is an empty one that does.
//! - Empty segments (`//`), `%2F`, `%5C`, `\`, control characters, escapes of escapes (`%2541`),
//!   bytes outside ASCII and escapes that are not UTF-8 are refused: servers read each of them in
//!   two ways.
use tollgate_rules::Code;

use super::Malformed;

/// Normalises a path that starts with `/`; an empty one is `/`.
pub(super) fn normalise(raw: &str) -> Result<String, Malformed> {
    if raw.is_empty() {
        return Ok("/".to_owned());
    }
    let Some(relative) = raw.strip_prefix('/') else {
        return Err(refuse("the path does not start with `/`"));
    };
    let mut kept: Vec<String> = Vec::new();
    let mut segments = relative.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let plain = decode_segment(segment)?;
        match plain.as_str() {
            "." | ".." if plain != segment => {
                return Err(refuse("the path spells a dot segment with escapes"));
            }
            "." => {}
            ".." => {
                kept.pop().ok_or_else(|| refuse("the path climbs above its root"))?;
            }
            "" if !is_last => return Err(refuse("the path has an empty segment (`//`)")),
            _ => {
                kept.push(plain);
                continue;
            }
        }
        // A trailing dot segment names a directory, so its slash stays.
        if is_last && !plain.is_empty() {
            kept.push(String::new());
        }
    }
    Ok(format!("/{}", kept.join("/")))
}

fn decode_segment(segment: &str) -> Result<String, Malformed> {
    let mut plain = String::with_capacity(segment.len());
    let mut octets: Vec<u8> = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            if !(is_plain(byte) || matches!(byte, b'+' | b';')) {
                return Err(refuse("the path has a character that must be percent-encoded"));
            }
            octets.push(byte);
            plain.push(char::from(byte));
            continue;
        }
        let Some((byte, tail)) = unescape(rest) else {
            return Err(refuse("the path has a `%` without two hexadecimal digits"));
        };
        rest = tail;
        octets.push(byte);
        if is_plain(byte) {
            plain.push(char::from(byte));
        } else if byte < 0x20 || matches!(byte, 0x7f | b'/' | b'\\') {
            return Err(refuse("the path hides a separator or control character in an escape"));
        } else if byte == b'%' && unescape(rest).is_some() {
            return Err(refuse("the path escapes an escape"));
        } else {
            plain.push('%');
            plain.extend([byte >> 4, byte & 15].map(hex_digit));
        }
    }
    let Ok(text) = std::str::from_utf8(&octets) else {
        return Err(refuse("the escapes in the path are not UTF-8"));
    };
    // Tomcat and its kin cut `;…` off a segment before they look for dots.
    if let Some((name, _)) = text.split_once(';')
        && matches!(name, "" | "." | "..")
    {
        return Err(refuse("the path has an empty or dot segment with parameters"));
    }
    Ok(plain)
}

/// RFC 3986 `pchar`, without `+` and `;`.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*,=:@".contains(&byte)
}

/// The byte that the two hexadecimal digits at the start name, and what follows them.
pub(super) fn unescape(digits: &[u8]) -> Option<(u8, &[u8])> {
    let (pair, rest) = digits.split_at_checked(2)?;
    let mut byte = 0;
    for &digit in pair {
        byte = byte << 4 | u8::try_from(char::from(digit).to_digit(16)?).ok()?;
    }
    Some((byte, rest))
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

fn refuse(what: &str) -> Malformed {
    Malformed::new(Code::MalformedHead, format!("{what}; send it in its plain form"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_meet() {
        for (given, expect) in [
            ("", "/"),
            ("/", "/"),
            ("/mcp", "/mcp"),
            ("/mcp/", "/mcp/"),
            ("/MCP", "/MCP"),
            ("/%6dcp", "/mcp"),
            ("/%6Dcp", "/mcp"),
            ("/x/../mcp", "/mcp"),
            ("/x/./mcp", "/x/mcp"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/a/..", "/"),
            ("/.", "/"),
            ("/...", "/..."),
            ("/.git/config", "/.git/config"),
            ("/file%2etxt", "/file.txt"),
            ("/message%3Asend", "/message:send"),
            ("/message:send", "/message:send"),
            ("/%40scope", "/@scope"),
            ("/a%20b", "/a%20b"),
            ("/a%2bb", "/a%2Bb"),
            ("/a+b", "/a+b"),
            ("/a;v=1", "/a;v=1"),
            ("/a%3bv", "/a%3Bv"),
            ("/%e2%82%ac", "/%E2%82%AC"),
            ("/100%25", "/100%25"),
            ("/100%25-", "/100%25-"),
            ("/%3f%23", "/%3F%23"),
        ] {
            assert_eq!(normalise(given).as_deref(), Ok(expect), "{given}");
        }
    }

    #[test]
    fn two_readings_are_refused() {
        for bad in [
            "mcp",
            "*",
            "//mcp",
            "/a//b",
            "/a//",
            "/..",
            "/a/../..",
            "/../mcp",
            "/%2e%2e/mcp",
            "/a/.%2e/b",
            "/a/%2e",
            "/a/..;/b",
            "/a/..;x=1/b",
            "/a/..%3b/b",
            "/a/%2e%2e%3b/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%0d%0aX:",
            "/a%7f",
            "/a%252fb",
            "/a%2541",
            "/%",
            "/%4",
            "/%zz",
            "/%c0%af",
            "/%ff",
            "/a b",
            "/a\"b",
            "/a<b",
            "/é",
            "/a[0]",
            "/a|b",
            "/a^b",
            "/a{b}",
            "/a`b",
        ] {
            let refusal = normalise(bad).expect_err(bad);
            assert_eq!(refusal.code, Code::MalformedHead, "{bad}");
        }
    }

    proptest! {
        /// What was normalised once stays as it is: the upstream cannot be brought to read it
        /// otherwise by a second normalising proxy.
        #[test]
        fn normal_is_normal(path in "/[a-z./%0-9A-F;+:é-]{0,24}") {
            if let Ok(once) = normalise(&path) {
                let twice = normalise(&once);
                prop_assert_eq!(twice.as_deref(), Ok(once.as_str()));
                prop_assert!(!once.split('/').any(|s| s == "." || s == ".."));
                prop_assert!(!once.contains("//"));
            }
        }
    }
}
