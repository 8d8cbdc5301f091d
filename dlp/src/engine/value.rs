//! Whether what stands behind a telling name looks like a secret.
use super::boundary::has_tag;
use super::checks::{entropy, is_wordy};
use super::key::{Strength, rfind};
use super::written;
use crate::finding::Grade;

/// How the value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    /// In quotes, or as a JSON string.
    Quoted,
    /// `key=value`
    Bare,
    /// `key: value`
    Colon,
    /// `key value`
    Blank,
    /// `--key value`, `KEY 'value'`: as an option of a command or a clause of SQL.
    Option,
}

/// Words that stand where a value will be.
const STAND_INS: [&[u8]; 52] = [
    b"null",
    b"none",
    b"nil",
    b"true",
    b"false",
    b"undefined",
    b"string",
    b"str",
    b"text",
    b"bytes",
    b"integer",
    b"number",
    b"boolean",
    b"bool",
    b"int",
    b"object",
    b"array",
    b"any",
    b"password",
    b"passwd",
    b"pass",
    b"pwd",
    b"secret",
    b"token",
    b"required",
    b"optional",
    b"changeme",
    b"placeholder",
    b"redacted",
    b"hidden",
    b"empty",
    b"todo",
    b"value",
    b"bearer",
    b"basic",
    b"digest",
    b"negotiate",
    b"api_key",
    b"apikey",
    b"key",
    b"test",
    b"default",
    b"disabled",
    b"enabled",
    // Labels in other languages.
    b"passwort",
    b"kennwort",
    b"wachtwoord",
    b"contrasena",
    "contrase\u{f1}a".as_bytes(),
    b"senha",
    b"mot de passe",
    b"passord",
];

/// `None` when the value is no secret, whatever the name says.
pub(crate) fn grade(value: &[u8], strength: Strength, written: Written) -> Option<Grade> {
    if value.len() < 3
        || is_stand_in(value)
        || is_elsewhere(value)
        || written::is_reference(value)
        || written::is_version(value)
        || written::is_print(value)
        || has_tag(value)
        || is_label(value)
    {
        return None;
    }
    let look = Look::at(value);
    let named = match strength {
        Strength::Weak => written::is_slug(value) || written::is_path(value),
        Strength::Secret => written::is_slug(value),
        Strength::Password => false,
    };
    if named {
        return (written == Written::Quoted).then_some(Grade::Possible);
    }
    if look.blanks {
        let short = strength == Strength::Password && value.len() <= 40;
        return (short && written == Written::Quoted).then_some(Grade::Possible);
    }
    if written != Written::Quoted && is_code(value) {
        return None;
    }
    match (strength, written) {
        (Strength::Password, Written::Option) => {
            (look.digits && look.letters && value.len() >= 6).then_some(Grade::Likely)
        }
        (Strength::Secret, Written::Option) => {
            (look.random && value.len() >= 12).then_some(Grade::Likely)
        }
        (Strength::Password, Written::Blank) if is_mixed(value) && value.len() >= 8 => {
            Some(Grade::Likely)
        }
        (Strength::Secret, Written::Blank) if is_mixed(value) && value.len() >= 14 => {
            look.random.then_some(Grade::Likely)
        }
        (_, Written::Blank | Written::Option) => {
            (look.random && value.len() >= 16).then_some(Grade::Likely)
        }
        (Strength::Weak, _) => (look.random && value.len() >= 16).then_some(Grade::Likely),
        (Strength::Secret, _) => secret(value, &look, written),
        (Strength::Password, _) => password(value, &look, written),
    }
}

/// Small and great letters and digits among each other, as people make passwords and no words:
/// `dipPr16Gg!`, not `Windows10`, `SHA256`, `v2.1-rc1`.
fn is_mixed(value: &[u8]) -> bool {
    let turns = value.windows(2).filter(|pair| match pair {
        [a, b] if a.is_ascii_lowercase() => b.is_ascii_uppercase() || b.is_ascii_digit(),
        [a, b] => a.is_ascii_digit() && b.is_ascii_alphabetic(),
        _ => false,
    });
    value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_uppercase)
        && turns.count() >= 2
        && !value.iter().any(|byte| b"._-/:=()".contains(byte))
}

fn secret(value: &[u8], look: &Look, written: Written) -> Option<Grade> {
    if look.dull {
        return Some(Grade::Possible);
    }
    // Longer than a time in milliseconds or microseconds of this century is told by chance.
    if look.digits && !look.letters && !look.symbols && value.len() >= 16 {
        return Some(Grade::Likely);
    }
    if look.random || (look.digits && look.letters && value.len() >= 8) {
        return Some(Grade::Likely);
    }
    if look.words || value.len() < 6 {
        return (value.len() >= 8 && written == Written::Quoted).then_some(Grade::Possible);
    }
    Some(if look.symbols && look.letters { Grade::Likely } else { Grade::Possible })
}

fn password(value: &[u8], look: &Look, written: Written) -> Option<Grade> {
    if look.digits && !look.letters && value.len() < 6 {
        return Some(Grade::Possible);
    }
    let telling = look.digits || look.symbols;
    Some(match written {
        _ if telling && value.len() >= 4 => Grade::Likely,
        Written::Quoted if value.len() >= 4 => Grade::Likely,
        // `user.password = hashedValue` is code; `pwd=abc` is a password.
        Written::Bare => Grade::Likely,
        _ => Grade::Possible,
    })
}

/// `${PASSWORD}`, `<token>`, `your-api-key`, `xxxxxxxx`, `********`.
pub(crate) fn is_stand_in(value: &[u8]) -> bool {
    let value = bare(value);
    const BEGINNINGS: [&[u8]; 9] =
        [b"&lt;", b"replace", b"{", b"<", b"%", b"[", b"your", b"xxx", b"-----begin"];
    BEGINNINGS.iter().any(|start| written::starts(value, start))
        || is_variable(value)
        || STAND_INS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.iter().all(|byte| matches!(byte, b'*' | b'.' | b'x' | b'X' | b'-' | b'_' | b'?'))
        || is_asked_for(value)
        || is_crossed(value)
        || is_invented(value)
        || value.first().is_some_and(|first| value.iter().all(|byte| byte == first))
}

/// `PUT_YOUR_TOKEN_HERE`, `your-api-key`.
fn is_asked_for(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [b"your_", b"your-", b"_here", b"-here"];
    WORDS.iter().any(|word| rfind(value, word).is_some())
}

/// `AKCxxxxxxxx`, `sk-live-XXXXXXXX`: more crosses than anything else.
fn is_crossed(value: &[u8]) -> bool {
    value.iter().filter(|byte| matches!(byte, b'x' | b'X')).count() * 2 > value.len()
}

/// `some-fake-key`, `dummyToken`: a name in words that says that it is none; `,.:-`: no letter.
fn is_invented(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 5] = [b"fake", b"dummy", b"example", b"sample", b"placeholder"];
    let letters = value.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-. ".contains(byte));
    let silent =
        || std::str::from_utf8(value).is_ok_and(|text| !text.chars().any(char::is_alphanumeric));
    letters && WORDS.iter().any(|word| rfind(value, word).is_some()) || silent()
}

/// The value without quotes that are part of it: `"'$PASSWORD'"`.
fn bare(value: &[u8]) -> &[u8] {
    match value {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

/// `#add-password`, `cms/passwords#update`: the name of a place where passwords are dealt with.
fn is_label(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [b"password", b"passwd", b"secret", b"token"];
    let names = WORDS.iter().any(|word| rfind(value, word).is_some());
    let place = value.iter().any(|byte| b"#/".contains(byte));
    names
        && place
        && is_wordy(value.strip_prefix(b"#").unwrap_or(value))
        && !value.iter().any(u8::is_ascii_digit)
}

/// `$NAME`, `${name}`, `$(command)`, `$name`: not `$aact_prod_3fa9…`.
fn is_variable(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"$") else { return false };
    let mut letters = name.iter();
    matches!(name.first(), Some(b'{' | b'(' | b'$'))
        || letters.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
        || name.iter().all(|b| b.is_ascii_alphabetic() || b"_->.:".contains(b))
}

/// A path or an address: the secret is not here. A URL's own detector looks at its parts.
fn is_elsewhere(value: &[u8]) -> bool {
    (value.starts_with(b"/") && !is_encoded(value))
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/")
        || value.starts_with(b"@")
        || memchr::memmem::find(value, b"://").is_some()
}

/// Base64 that begins with `/`: hardly any path of this length is one word.
fn is_encoded(value: &[u8]) -> bool {
    let longest = value.split(|byte| *byte == b'/').map(<[u8]>::len).max();
    value.len() >= 24
        && value.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b))
        && longest.is_some_and(|longest| longest >= 16)
        && value.iter().any(u8::is_ascii_digit)
        && entropy(value) >= 4.0
}

/// `session.secret`, `getenv`, `self.token`: names in source code.
fn is_code(value: &[u8]) -> bool {
    let name = |part: &[u8]| {
        part.first().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, b'_'))
            && part.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    };
    let mut parts = value.split(|byte| *byte == b'.');
    value.contains(&b'.') && parts.all(name)
}

struct Look {
    digits: bool,
    letters: bool,
    symbols: bool,
    blanks: bool,
    /// Only letters, in words: `some_name`, `someName`, `some-name`.
    words: bool,
    /// Letters and digits mixed with the entropy of a token.
    random: bool,
    /// The same few characters over and over.
    dull: bool,
}

impl Look {
    fn at(value: &[u8]) -> Self {
        let any = |is: fn(&u8) -> bool| value.iter().any(is);
        let digits = any(u8::is_ascii_digit);
        let letters = any(u8::is_ascii_alphabetic);
        let joint = |byte: &u8| matches!(byte, b'_' | b'-' | b'.' | b':' | b'/');
        let words = value.iter().all(|byte| byte.is_ascii_alphabetic() || joint(byte));
        Self {
            digits,
            letters,
            symbols: value.iter().any(|b| b.is_ascii_punctuation() && !joint(b)),
            blanks: any(u8::is_ascii_whitespace),
            words,
            random: digits && letters && entropy(value) >= 3.0,
            dull: value.len() >= 16 && entropy(value) < 2.2,
        }
    }
}
