//! What stands behind telling names in source code, settings and lists of packages, and is no secret:
//! names, types, expressions, versions, and where the secret is kept.

/// `arn:aws:…`, `env:API_KEY`, `unix:/run/x.sock`, `projects/…/secrets/…`, `!vault`: the secret is not
/// here.
pub(crate) fn is_reference(value: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 12] = [
        b"arn:",
        b"env:",
        b"env.",
        b"file:",
        b"unix:",
        b"vault:",
        b"ssm:",
        b"sops:",
        b"tag:",
        b"projects/",
        b"!vault",
        b"op:",
    ];
    BEGINNINGS.iter().any(|head| starts(value, head))
}

/// `1.29.16`, `^4.0`, `npm:^1.0.0`, `v10.21.17/go.mod`, `1:4.13+dfsg1`: of a package whose name tells of
/// secrets.
pub(crate) fn is_version(value: &[u8]) -> bool {
    // `auth-token:1.29.16=compileClasspath`
    if let Some(colon) = value.iter().position(|byte| *byte == b':')
        && let Some((package, rest)) = value.split_at_checked(colon)
        && package.first().is_some_and(u8::is_ascii_lowercase)
        && package.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && is_version(rest.get(1..).unwrap_or_default())
    {
        return true;
    }
    const REST_BYTES: usize = 32;
    const MARKS: [&[u8]; 4] = [b"npm:", b"workspace:", b"patch:", b"="];
    let mark = MARKS.iter().find(|mark| starts(value, mark)).map_or(0, |mark| mark.len());
    let rest = value.get(mark..).unwrap_or_default();
    let rest = rest.trim_ascii_start();
    let signs = rest.iter().take_while(|byte| b"^~<>=v".contains(byte)).count();
    let rest = rest.get(signs..).unwrap_or_default();
    // The epoch of Debian's versions.
    let (rest, epoch) = match rest {
        [b'0'..=b'9', b':', rest @ ..] => (rest, true),
        _ => (rest, false),
    };
    let numbers = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let head = rest.get(..numbers).unwrap_or_default();
    let dots = head.iter().filter(|byte| **byte == b'.').count();
    let clean = head.first().is_some_and(u8::is_ascii_digit)
        && !head.windows(2).any(|pair| pair == b"..")
        && head.split(|byte| *byte == b'.').all(|part| part.len() <= 4);
    let marked = mark > 0 || signs > 0 || epoch;
    let rest = rest.get(numbers..).unwrap_or_default();
    let goes_on =
        rest.first().is_none_or(|byte| b"-+/=~ ".contains(byte)) && rest.len() <= REST_BYTES;
    clean && goes_on && (dots >= 2 || dots == 1 && marked)
}

/// `#f8f8f2`, `1f:51:ae:28:bf:89`: a colour, the print of a key.
pub(crate) fn is_print(value: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    let colour =
        value.strip_prefix(b"#").is_some_and(|rest| matches!(rest.len(), 3 | 6 | 8) && hex(rest));
    let mut pairs = value.split(|byte| *byte == b':');
    colour || value.len() >= 17 && pairs.all(|pair| pair.len() == 2 && hex(pair))
}

/// `logs/2024/05/app-3f2a9c8e71b0.gz`, `session:u1234:cart9`, `Linux-node-0531…`: the name of a thing,
/// which begins with a word.
pub(crate) fn is_path(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| b"-_./:".contains(byte));
    let word = |part: &[u8]| {
        let rest = part.get(1..).unwrap_or_default();
        part.len() >= 3
            && is_word(part)
            && rest.iter().all(u8::is_ascii_lowercase)
            && part.iter().any(|byte| b"aeiouy".contains(&byte.to_ascii_lowercase()))
    };
    parts.next().is_some_and(word)
        && parts.next().is_some()
        && (parts.next().is_some() || value.contains(&b'/'))
}

/// The value is the name once more, or, where it is not in quotes, begins with a name of several words:
/// `CHANGE_TOKEN = "CHANGE_TOKEN"`, `#define a_key_gen a_key_gen_utf8`.
pub(crate) fn repeats(name: &[u8], value: &[u8], quoted: bool) -> bool {
    let plain = |text: &[u8]| -> usize { letters(text).count() };
    let alike = letters(name).zip(letters(value)).all(|(one, two)| one == two);
    let several = name.iter().any(|byte| b"_-.".contains(byte)) || humps(name) > 0;
    let (name, all) = (plain(name), plain(value));
    name >= 3 && alike && (all == name || !quoted && several && all > name)
}

fn letters(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase)
}

/// Names, types and numbers of source code, and what is reached through them: `pkcs8::Key<'_>`,
/// `*mut c_char`, `__u32`, `!req.headers.token`, `config?.token`, `$Config->{token}`, `6i32`,
/// `Read-Host`. `spaced`: with blanks around the sign of assignment. `shouted`: the name is one of the
/// environment's, where values are no expressions.
pub(crate) fn is_expression(value: &[u8], spaced: bool, shouted: bool) -> bool {
    let signs = value.iter().take_while(|byte| b"*&!+-".contains(byte)).count();
    let rest = value.get(signs..).unwrap_or_default();
    let named = rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || b"_$".contains(byte));
    let chain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:?!>$-".contains(byte);
    if !named || !rest.iter().all(chain) {
        return is_number(value) || value.starts_with(b"::") || is_repeated(value);
    }
    const LINKS: [&[u8]; 3] = [b"::", b"->", b"?."];
    if LINKS.iter().any(|link| memchr::memmem::find(rest, link).is_some()) {
        return true;
    }
    let word = |byte: &u8| byte.is_ascii_alphabetic() || b"_.".contains(byte);
    let words = rest.iter().all(word);
    let joined = rest.contains(&b'_') || rest.contains(&b'.');
    (signs > 0 && words)
        || rest.starts_with(b"__")
        || (rest.starts_with(b"_") && rest.get(1).is_some_and(u8::is_ascii_lowercase))
        || (spaced && is_command(rest))
        || is_member(rest)
        || (words && joined && !shouted && tells(rest))
}

/// `1u32`, `2_000i64`.
fn is_number(value: &[u8]) -> bool {
    const TYPES: [&[u8]; 14] = [
        b"i8", b"i16", b"i32", b"i64", b"i128", b"isize", b"u8", b"u16", b"u32", b"u64", b"u128",
        b"usize", b"f32", b"f64",
    ];
    TYPES.iter().any(|kind| {
        let number = value.strip_suffix(*kind);
        number.is_some_and(|n| !n.is_empty() && n.iter().all(|b| b.is_ascii_digit() || *b == b'_'))
    })
}

/// `1*tchar`: so many of what a grammar names (RFC 5234 section 3.6).
fn is_repeated(value: &[u8]) -> bool {
    let star = value.iter().position(|byte| *byte == b'*');
    let parts = star.and_then(|star| value.split_at_checked(star));
    parts.is_some_and(|(count, name)| {
        let name = name.get(1..).unwrap_or_default();
        count.iter().all(u8::is_ascii_digit)
            && !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
    })
}

/// `Read-Host`: a command of PowerShell.
fn is_command(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'-');
    let capital = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_uppercase)
            && part.len() >= 3
            && part.iter().all(u8::is_ascii_alphabetic)
            && part.iter().any(u8::is_ascii_lowercase)
    };
    let (verb, noun) = (parts.next(), parts.next());
    parts.next().is_none() && verb.is_some_and(capital) && noun.is_some_and(capital)
}

/// `win32api.RegOpenKeyEx`, `specs_1.PublicKeyDetails.PKCS1_V5`: names with some digits, behind each
/// other.
fn is_member(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'.');
    let name = |part: &[u8]| {
        let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
        part.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && digits * 3 <= part.len()
            && part.len() - digits >= 3
    };
    value.contains(&b'.') && parts.all(name) && value.len() >= 12 && !starts(value, b"eyj")
}

/// A name in words that tells of secrets: `ssh_pwd`, `url_user_password`.
fn tells(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] =
        [b"password", b"passwd", b"pass", b"pwd", b"token", b"secret", b"key", b"auth"];
    let mut parts = value.split(|byte| b"_.".contains(byte));
    parts.any(|part| WORDS.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

/// Words, numbers and short marks with signs between them: `postgres-password-v2`,
/// `build.number.2024`, `x-aws-ec2-metadata-token`, `SalesResults-1.2`. No token is made like that.
pub(crate) fn is_slug(value: &[u8]) -> bool {
    // `1//refresh-token`; the groups of a product's key.
    if memchr::memmem::find(value, b"//").is_some() || !value.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    let parts = value.split(|byte| b"-_./:+ ".contains(byte)).filter(|part| !part.is_empty());
    let (mut words, mut marks, mut all) = (0, 0, 0);
    for part in parts {
        let word = part.len() >= 3 && is_word(part);
        let mark = part.len() <= 4 && part.iter().all(u8::is_ascii_alphanumeric);
        if !word && !mark {
            return false;
        }
        words += usize::from(word);
        marks += usize::from(!word && !part.iter().all(u8::is_ascii_digit));
        all += 1;
    }
    // A name and its version, in numbers alone.
    let version = value.contains(&b'.');
    all >= 3 && (words * 2 >= all || words > 0 && marks == 0 && version) || all == 2 && words == 2
}

/// `word`, `Word`, `someWord`: not `aBcDe`, not `xkcdqrt`.
fn is_word(part: &[u8]) -> bool {
    const WORD_BYTES: usize = 24;
    let vowel = |byte: &u8| b"aeiouy".contains(&byte.to_ascii_lowercase());
    let dense = part.split(vowel).all(|run| run.len() <= 4);
    part.len() < WORD_BYTES
        && part.iter().all(u8::is_ascii_alphabetic)
        && dense
        && humps(part) * 4 <= part.len()
}

/// How often a great letter follows a small one.
fn humps(text: &[u8]) -> usize {
    let hump =
        |pair: &&[u8]| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase());
    text.windows(2).filter(hump).count()
}

/// Whether it ends so, whatever its case.
pub(crate) fn ends(value: &[u8], tail: &[u8]) -> bool {
    let at = value.len().checked_sub(tail.len());
    at.and_then(|at| value.get(at..)).is_some_and(|part| part.eq_ignore_ascii_case(tail))
}

/// Whether it begins so, whatever its case.
pub(crate) fn starts(value: &[u8], head: &[u8]) -> bool {
    value.get(..head.len()).is_some_and(|part| part.eq_ignore_ascii_case(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (value, is) in [
            ("1.29.16", true),
            ("^4.0", true),
            ("npm:^1.0.0", true),
            ("v10.21.17/go.mod", true),
            ("1:4.13+dfsg1-1", true),
            ("1.29.16=compileClasspath", true),
            ("auth-token:1.29.16=compileClasspath", true),
            ("10.0", false),
            ("1.2.3abc", false),
            ("1.234567.8", false),
            ("12.hunter.2", false),
            ("^4", false),
        ] {
            assert_eq!(is_version(value.as_bytes()), is, "{value}");
        }
    }

    #[test]
    fn names_again() {
        for (name, value, is) in [
            ("key_password", "key_password", true),
            ("CHANGE_TOKEN", "change-token", true),
            ("PKCS12_key_gen", "PKCS12_key_gen_utf8", true),
            ("password", "password123", false),
            ("pass", "pass", true),
            ("api_key", "api", false),
            ("token", "tok", false),
            ("ClearTextPassword", "CleartextPassword1", true),
        ] {
            assert_eq!(repeats(name.as_bytes(), value.as_bytes(), false), is, "{name} {value}");
        }
    }

    #[test]
    fn expressions() {
        for (value, is) in [
            ("pkcs8::PrivateKeyInfo", true),
            ("*mut", true),
            ("__u32", true),
            ("_bindgen_ty_5", true),
            ("!req.headers.token", true),
            ("+token.AccessToken", true),
            ("config?.core?.askpass", true),
            ("$CPAN::Config->", true),
            ("6i32", true),
            ("::core::option::Option", true),
            ("1*tchar", true),
            ("ssh_pwd", true),
            ("win32api.RegOpenKeyEx", true),
            ("hunter2", false),
            ("!hunter2", false),
            ("correct_horse", false),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", false),
            ("a1b2.c3d4.e5f6", false),
        ] {
            assert_eq!(is_expression(value.as_bytes(), false, false), is, "{value}");
        }
        assert!(is_expression(b"Read-Host", true, false));
        assert!(!is_expression(b"smtp_password", false, true));
    }

    #[test]
    fn slugs() {
        for (value, is) in [
            ("postgres-password-v2", true),
            ("build.number.2024", true),
            ("x-aws-ec2-metadata-token", true),
            ("SalesResults-1.2", true),
            ("Apache-2.0", true),
            ("jjwt-jackson-0.11.2", true),
            ("some-name", true),
            ("a8f5f167-f44f-4964-e6c9-98e8a5d2a1f0", false),
            ("sk-live-4f9a8b7c6d5e", false),
        ] {
            assert_eq!(is_slug(value.as_bytes()), is, "{value}");
        }
    }
}
