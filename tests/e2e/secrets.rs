//! Secrets, and every form in which they would tell themselves.
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rcgen::KeyPair;

/// What must be nowhere.
pub(crate) struct Secret {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

pub(crate) fn secrets() -> Vec<Secret> {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let texts = [
        ("a GitHub token", "ghp_R8kZ2mQ7vX4nB1cT6yW9eL3pA5sD0fG8hJ2k".to_owned()),
        ("an AWS key", "AKIAQX7ZJ3MWN5RTVBCD".to_owned()),
        ("a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnktOTcxIn0.Zk3vQ9xLr7TnB2wYc5HsDm8PjUe1GaKo4RiVt6XfN0E".to_owned()),
        ("a private key", key.replace('\r', "")),
        ("a card number", "5555555555554444".to_owned()),
        ("a random text", "zq9XfT3mLw8RbV5nKc2JhYd7PgUs4AeQo6NiZx1B".to_owned()),
    ];
    texts.into_iter().map(|(name, text)| Secret { name, text }).collect()
}

impl Secret {
    /// As it fits into a header.
    pub(crate) fn line(&self) -> String {
        self.text.replace('\n', "")
    }

    pub(crate) fn percent(&self) -> String {
        self.text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    /// As a part of a name.
    pub(crate) fn token(&self) -> String {
        let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        self.line().chars().filter(fits).collect()
    }

    /// The parts of it that tell it, as written in every form.
    pub(crate) fn needles(&self) -> Vec<String> {
        let lines = self.text.lines().filter(|line| !line.starts_with("-----"));
        let mut needles = Vec::new();
        for line in lines {
            let mut parts = vec![line];
            if line.len() > 24 {
                parts.extend([line.split_at(18).0, line.split_at(line.len() - 18).1]);
            }
            if line.len() == 16 {
                needles.push(
                    line.as_bytes()
                        .chunks(4)
                        .map(|part| std::str::from_utf8(part).unwrap())
                        .collect::<Vec<_>>()
                        .join(" "),
                );
            }
            for part in parts {
                needles.push(part.to_owned());
                needles.push(part.bytes().map(|byte| format!("%{byte:02x}")).collect());
                needles.push(part.bytes().map(|byte| format!("{byte:02x}")).collect());
                needles.push(part.bytes().map(|byte| format!("\\u{byte:04x}")).collect());
                needles.push(part.replace('=', "%3d").replace('/', "%2f").replace('+', "%2b"));
                for offset in 0..3 {
                    needles.push(STANDARD_NO_PAD.encode(whole(part, offset)));
                    needles.push(URL_SAFE_NO_PAD.encode(whole(part, offset)));
                }
            }
        }
        for needle in &mut needles {
            needle.make_ascii_lowercase();
        }
        needles.retain(|needle| needle.len() >= 12);
        needles.sort();
        needles.dedup();
        needles
    }
}

/// The bytes that Base64 writes the same whatever stands around them.
fn whole(text: &str, offset: usize) -> &[u8] {
    let rest = &text.as_bytes()[offset..];
    &rest[..rest.len() / 3 * 3]
}

pub(crate) fn contains(haystack: &[u8], needle: &str) -> bool {
    memchr::memmem::find(haystack, needle.as_bytes()).is_some()
}

/// The line that something stands in.
pub(crate) fn around(haystack: &[u8], needle: &str) -> String {
    let at = memchr::memmem::find(haystack, needle.as_bytes()).unwrap();
    let from = haystack[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let to = haystack[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(haystack.len(), |end| at + end);
    String::from_utf8_lossy(&haystack[from..to]).into_owned()
}
