//! Names that tell that a secret stands behind them.
use super::letters::{self, Letters};

/// How much a name says about its value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Strength {
    /// `key`, `auth`: many harmless values stand behind such names.
    Weak,
    /// `token`, `secret`, `api_key`.
    Secret,
    /// `password`: people choose the value, so that it need not look random.
    Password,
}

/// Every name that tells holds one of these; they are what the one pass looks for.
pub(crate) const ROOTS: [&str; 26] = [
    "pass",
    "pwd",
    "pw",
    "secret",
    "token",
    "key",
    "auth",
    "cred",
    "cookie",
    "private_data",
    "_pat",
    "_api",
    "pswd",
    "contrase",
    "senha",
    "wachtwoord",
    "kennwort",
    "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}",
    "\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}",
    "\u{5bc6}\u{7801}",
    "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}",
    "\u{be44}\u{bc00}\u{bc88}\u{d638}",
    "\u{d328}\u{c2a4}\u{c6cc}\u{b4dc}",
    "\u{be44}\u{bc88}",
    "\u{c554}\u{d638}",
    "\u{d1a0}\u{d070}",
];

/// The longest name that is looked at, on either side of the root.
pub(crate) const SIDE_BYTES: usize = 64;

/// Words with what they say, and whether they must begin a word of the name: `keyboard` and
/// `monkey` are no keys. Longer words first where one holds another.
const WORDS: [(&[u8], Strength, bool); 53] = [
    (b"password", Strength::Password, false),
    (b"passwd", Strength::Password, false),
    (b"passphrase", Strength::Password, false),
    (b"passwort", Strength::Password, false),
    (b"pwd", Strength::Password, false),
    (b"pswd", Strength::Password, false),
    (b"contrasena", Strength::Password, false),
    ("contrase\u{f1}a".as_bytes(), Strength::Password, false),
    (b"senha", Strength::Password, true),
    (b"wachtwoord", Strength::Password, false),
    (b"kennwort", Strength::Password, false),
    ("\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}".as_bytes(), Strength::Password, false),
    ("\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}".as_bytes(), Strength::Password, false),
    ("\u{5bc6}\u{7801}".as_bytes(), Strength::Password, false),
    ("\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}".as_bytes(), Strength::Password, false),
    ("\u{be44}\u{bc00}\u{bc88}\u{d638}".as_bytes(), Strength::Password, false),
    ("\u{d328}\u{c2a4}\u{c6cc}\u{b4dc}".as_bytes(), Strength::Password, false),
    ("\u{be44}\u{bc88}".as_bytes(), Strength::Password, false),
    ("\u{c554}\u{d638}".as_bytes(), Strength::Password, false),
    ("\u{d1a0}\u{d070}".as_bytes(), Strength::Secret, false),
    (b"pass", Strength::Password, true),
    (b"pw", Strength::Password, true),
    (b"credentials", Strength::Secret, false),
    (b"credential", Strength::Secret, false),
    (b"creds", Strength::Secret, true),
    (b"cred", Strength::Secret, true),
    (b"secrets", Strength::Secret, false),
    (b"secrete", Strength::Secret, false),
    (b"secret", Strength::Secret, false),
    (b"token", Strength::Secret, false),
    (b"apikey", Strength::Secret, false),
    (b"api_key", Strength::Secret, false),
    (b"api-key", Strength::Secret, false),
    (b"accesskey", Strength::Secret, false),
    (b"access_key", Strength::Secret, false),
    (b"access-key", Strength::Secret, false),
    (b"privatekey", Strength::Secret, false),
    (b"private_key", Strength::Secret, false),
    (b"private-key", Strength::Secret, false),
    (b"private_data", Strength::Secret, false),
    (b"secretkey", Strength::Secret, false),
    (b"authkey", Strength::Secret, false),
    (b"auth_key", Strength::Secret, false),
    (b"account_key", Strength::Secret, false),
    (b"accountkey", Strength::Secret, false),
    (b"encryption_key", Strength::Secret, false),
    (b"signing_key", Strength::Secret, false),
    (b"authorization", Strength::Secret, true),
    (b"pat", Strength::Weak, true),
    (b"api", Strength::Weak, true),
    (b"cookie", Strength::Weak, true),
    (b"auth", Strength::Weak, true),
    (b"key", Strength::Weak, true),
];

const WORD_LETTERS: [Letters; WORDS.len()] = {
    let mut words: [&[u8]; WORDS.len()] = [&[]; WORDS.len()];
    let mut slots: &mut [&[u8]] = &mut words;
    let mut rest: &[(&[u8], Strength, bool)] = &WORDS;
    while let (Some((slot, more)), Some(((word, _, _), known))) =
        (slots.split_first_mut(), rest.split_first())
    {
        *slot = *word;
        slots = more;
        rest = known;
    }
    letters::of_all(&words)
};

const ROOT_LETTERS: [Letters; ROOTS.len()] = {
    let mut roots: [&[u8]; ROOTS.len()] = [&[]; ROOTS.len()];
    let mut slots: &mut [&[u8]] = &mut roots;
    let mut rest: &[&str] = &ROOTS;
    while let (Some((slot, more)), Some((root, known))) =
        (slots.split_first_mut(), rest.split_first())
    {
        *slot = root.as_bytes();
        slots = more;
        rest = known;
    }
    letters::of_all(&roots)
};

/// A word behind the telling one that makes the value something about the secret.
const ABOUT: &[&[u8]] = &[
    b"name",
    b"names",
    b"type",
    b"types",
    b"url",
    b"uri",
    b"path",
    b"file",
    b"filename",
    b"dir",
    b"id",
    b"ids",
    b"count",
    b"counts",
    b"length",
    b"len",
    b"size",
    b"limit",
    b"expiry",
    b"expires",
    b"expiration",
    b"expired",
    b"expire",
    b"ttl",
    b"policy",
    b"field",
    b"label",
    b"hint",
    b"ref",
    b"index",
    b"version",
    b"format",
    b"prefix",
    b"suffix",
    b"provider",
    b"manager",
    b"required",
    b"min",
    b"max",
    b"header",
    b"param",
    b"endpoint",
    b"enabled",
    b"usage",
    b"budget",
    b"scope",
    b"description",
    b"desc",
    b"title",
    b"arn",
    b"method",
    b"at",
    b"rotation",
    b"days",
    b"hours",
    b"minutes",
    b"seconds",
    b"timeout",
    b"interval",
    b"hash",
    b"chars",
    b"domain",
    b"host",
    b"hostname",
    b"issuer",
    b"audience",
    b"by",
    b"source",
    b"percentage",
    b"percent",
    b"rate",
    b"score",
    b"encryption",
    b"algorithm",
    b"pattern",
    b"regex",
    b"placeholder",
    b"prompt",
    b"message",
    b"tooltip",
    b"strength",
    b"validator",
    b"attempts",
    b"lifetime",
    // Files of source code.
    b"ts",
    b"js",
    b"mjs",
    b"cjs",
    b"tsx",
    b"jsx",
    b"py",
    b"go",
    b"rs",
    b"java",
    b"rb",
    b"php",
    b"css",
    b"html",
    b"md",
];

/// Words that make a key one that anyone may see, or none at all.
const OPEN: [&[u8]; 9] = [
    b"public",
    b"primary",
    b"foreign",
    b"partition",
    b"sort",
    b"cache",
    b"translation",
    b"pub",
    b"hot",
];

/// Words that make a token or a key one that opens nothing: a place in a list, a round trip, a
/// handshake (RFC 6455 section 4.1).
const HANDLES: [&[u8]; 12] = [
    b"next",
    b"page",
    b"continuation",
    b"sync",
    b"progress",
    b"cursor",
    b"resume",
    b"change",
    b"idempotency",
    b"socket",
    b"csrf",
    b"xsrf",
];

/// What the name says, or `None` when it tells nothing.
pub(crate) fn strength(name: &[u8]) -> Option<Strength> {
    let any = |known: &[&[u8]]| {
        words(name).any(|word| known.iter().any(|open| word.eq_ignore_ascii_case(open)))
    };
    if any(&OPEN) {
        return None;
    }
    told(name).filter(|strength| *strength == Strength::Password || !any(&HANDLES))
}

fn told(name: &[u8]) -> Option<Strength> {
    let letters = Letters::of(name);
    WORDS.iter().zip(&WORD_LETTERS).find_map(|((word, strength, whole), known)| {
        let at = letters.may_hold(*known).then(|| rfind(name, word))??;
        // Two letters stand in any identifier by chance.
        let apart = word.len() > 2 || is_apart(name, at, word.len());
        let begins = (!*whole || begins_word(name, at)) && apart;
        (begins && ends_well(name, at + word.len(), word)).then_some(*strength)
    })
}

/// Whether the value of a member of this name is to be looked at together with the name.
pub(crate) fn holds_root(name: &[u8]) -> bool {
    holds_any(name, ROOTS.iter().map(|root| root.as_bytes()), &ROOT_LETTERS)
}

/// Whether a name holds one of the words, whose letters are known.
pub(crate) fn holds_any<'w, const N: usize>(
    name: &[u8],
    words: impl Iterator<Item = &'w [u8]>,
    known: &[Letters; N],
) -> bool {
    let letters = Letters::of(name);
    let holds =
        |(word, known): (&[u8], &Letters)| letters.may_hold(*known) && rfind(name, word).is_some();
    letters.may_hold_any(known) && words.zip(known).any(holds)
}

/// The last place of a word, whatever its case.
pub(crate) fn rfind(name: &[u8], word: &[u8]) -> Option<usize> {
    name.windows(word.len()).rposition(|part| part.eq_ignore_ascii_case(word))
}

fn is_apart(name: &[u8], at: usize, length: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| name.get(at));
    let after = name.get(at + length);
    !before.is_some_and(u8::is_ascii_alphanumeric) && !after.is_some_and(u8::is_ascii_alphanumeric)
}

fn begins_word(name: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| name.get(at));
    let first = name.get(at);
    match (before, first) {
        (Some(before), Some(first)) => {
            !before.is_ascii_alphabetic()
                || (before.is_ascii_lowercase() && first.is_ascii_uppercase())
        }
        _ => true,
    }
}

/// Whether the word ends where a word of the name ends, and nothing behind it changes its sense.
fn ends_well(name: &[u8], end: usize, word: &[u8]) -> bool {
    let rest = name.get(end..).unwrap_or_default();
    let Some(next) = rest.first() else { return true };
    let last = end.checked_sub(1).and_then(|at| name.get(at));
    let camel = next.is_ascii_uppercase() && last.is_some_and(u8::is_ascii_lowercase);
    if next.is_ascii_alphabetic() && !camel {
        return false;
    }
    let is_access_key = word.starts_with(b"access");
    !words(rest).any(|part| {
        let about = ABOUT.iter().any(|about| part.eq_ignore_ascii_case(about));
        about && !(is_access_key && part.eq_ignore_ascii_case(b"id"))
    })
}

/// The words of a name: `resetUrl`, `reset_url`, `reset-url`, `reset.url`.
fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|byte| !byte.is_ascii_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let cut = rest
                .iter()
                .zip(rest.iter().skip(1))
                .position(|(one, two)| one.is_ascii_lowercase() && two.is_ascii_uppercase());
            let (word, tail) = match cut {
                Some(cut) => rest.split_at_checked(cut + 1)?,
                None => (rest, &[][..]),
            };
            rest = tail;
            (!word.is_empty()).then_some(word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases = [
            ("password", Some(Strength::Password)),
            ("DB_PASSWORD", Some(Strength::Password)),
            ("mysqlPwd", Some(Strength::Password)),
            ("api_key", Some(Strength::Secret)),
            ("X-Api-Key", Some(Strength::Secret)),
            ("slack_TOKEN", Some(Strength::Secret)),
            ("aws_secret_access_key", Some(Strength::Secret)),
            ("aws_access_key_id", Some(Strength::Secret)),
            ("fileioSECRETKEY", Some(Strength::Secret)),
            ("Authorization", Some(Strength::Secret)),
            ("auth_token", Some(Strength::Secret)),
            ("scrutinizer_key", Some(Strength::Weak)),
            ("monkey", None),
            ("keyboard", None),
            ("author", None),
            ("capital", None),
            ("tokenizer", None),
            ("max_tokens", None),
            ("token_type", None),
            ("passwordResetUrl", None),
            ("secretName", None),
            ("compass", None),
        ];
        for (name, expect) in cases {
            assert_eq!(strength(name.as_bytes()), expect, "{name}");
        }
    }
}
