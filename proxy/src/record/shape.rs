//! Names that agents and upstreams choose, made fit for the record.
//!
//! A path segment, tool name or JSON key may itself be a secret. What looks like a plain word is
//! kept; anything else becomes a mark, and a keyed print (HMAC-SHA256) lets two records of the
//! same thing be recognised without saying what it was.
use std::borrow::Cow;
use std::net::IpAddr;

use aws_lc_rs::hmac;
use tollgate_dlp::Scanner;

/// The key of prints; never leaves the process.
pub struct PrintKey(hmac::Key);

impl std::fmt::Debug for PrintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrintKey")
    }
}

impl PrintKey {
    /// Takes 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The print: 16 bytes in hexadecimal, enough to recognise and too short to matter otherwise.
    pub fn print(&self, bytes: &[u8]) -> String {
        let tag = hmac::sign(&self.0, bytes);
        hex::encode(tag.as_ref().get(..16).unwrap_or_default())
    }
}

/// The longest word that is taken for a plain one. Longer ones are ids, hashes and tokens.
const WORD_MAX: usize = 40;
/// How many digits a plain word has at most (`v2`, `oauth2`, `2026`).
const DIGITS_MAX: usize = 4;

/// Whether a name is a plain word: short, of letters with few digits, and nothing the scanner
/// knows.
fn is_word(name: &str, scanner: &Scanner) -> bool {
    let plain = !name.is_empty()
        && name.len() <= WORD_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && name.bytes().filter(u8::is_ascii_digit).count() <= DIGITS_MAX
        && !is_mixed(name);
    plain && scanner.scan(name.as_bytes()).is_empty()
}

/// Random tokens change between upper and lower case often; words do not, whatever their style.
fn is_mixed(name: &str) -> bool {
    let turns = name
        .as_bytes()
        .windows(2)
        .filter(|pair| {
            matches!(pair, [a, b] if a.is_ascii_uppercase() && b.is_ascii_lowercase()
            || a.is_ascii_lowercase() && b.is_ascii_uppercase())
        })
        .count();
    turns > 1 + name.len() / 4
}

/// Whether a label is longer than words are: a host name does not keep a token's case, which tells it
/// elsewhere.
fn is_long(label: &str) -> bool {
    const WITH_DIGITS: usize = 12;
    const LETTERS: usize = 24;
    let digits = label.bytes().any(|byte| byte.is_ascii_digit());
    label.len() > if digits { WITH_DIGITS } else { LETTERS }
}

/// A path with every segment that is no plain word replaced by `*`.
pub fn path(path: &str, scanner: &Scanner) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "" => "",
        word if is_word(word, scanner) => word,
        _ => "*",
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A JSON pointer with every key that is no plain word or index replaced by `*`.
pub fn pointer(pointer: &str, scanner: &Scanner) -> String {
    path(pointer, scanner)
}

/// A host's name with every label that is no plain word replaced by `*`: what cannot leave in a call
/// could be written down in a name that is refused.
pub fn host(name: &str, scanner: &Scanner) -> String {
    if !scanner.scan(name.as_bytes()).is_empty() {
        return "*".to_owned();
    }
    let plain = |label: &&str| is_word(label, scanner) && !is_long(label);
    let labels = name.split('.').map(|label| if plain(&label) { label } else { "*" });
    labels.collect::<Vec<_>>().join(".")
}

/// A tool's or resource's name, or its print when it is no plain word.
pub fn name<'n>(name: &'n str, key: &PrintKey, scanner: &Scanner) -> Cow<'n, str> {
    let fit = name.split(['/', ':']).all(|part| part.is_empty() || is_word(part, scanner));
    if fit && name.len() <= 3 * WORD_MAX && scanner.scan(name.as_bytes()).is_empty() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("print-{}", key.print(name.as_bytes())))
    }
}

/// The network of an address: the first 24 bits of IPv4, the first 48 of IPv6. Loopback stays.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        _ if ip.is_loopback() => ip,
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_stay_and_hosts_go() {
        for (given, expect) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("192.0.2.77", "192.0.2.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ] {
            assert_eq!(network(given.parse().unwrap()).to_string(), expect);
        }
    }

    #[test]
    fn words_stay_and_tokens_go() {
        let scanner = Scanner::new().unwrap();
        for (given, expect) in [
            ("/v1/orders/42", "/v1/orders/42"),
            ("/repos/acme/web/pulls", "/repos/acme/web/pulls"),
            ("/users/8f14e45fceea167a5a36dedd4bea2543", "/users/*"),
            ("/t/canary-9f3b71c2d8", "/t/*"),
            ("/reset/AbCdEfGhIjKlMnOp", "/reset/*"),
            ("/x/4111111111111111", "/x/*"),
            ("/a%20b/ü", "/*/*"),
            ("/", "/"),
        ] {
            assert_eq!(path(given, &scanner), expect);
        }
        let key = PrintKey::new(&[7; 32]);
        assert_eq!(name("files.write", &key, &scanner), "files.write");
        assert_eq!(name("getWeather", &key, &scanner), "getWeather");
        let hidden = name("ghp_1234567890abcdef1234567890abcdef1234", &key, &scanner);
        assert!(hidden.starts_with("print-"), "{hidden}");
        assert_eq!(hidden, name("ghp_1234567890abcdef1234567890abcdef1234", &key, &scanner));
    }
}
