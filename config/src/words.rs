//! Words of the user's in messages: which may be shown, and which one was meant.

/// Long enough for every name, address and path worth repeating.
const SHOWN_MAX: usize = 80;

/// The word in backticks, or a stand-in when it may be a secret or is too long to repeat.
pub(crate) fn shown(word: &str) -> String {
    if showable(word) { format!("`{word}`") } else { "(not shown)".to_owned() }
}

/// Whether a word may be repeated to the reader.
pub(crate) fn showable(word: &str) -> bool {
    word.chars().count() <= SHOWN_MAX && !word.chars().any(char::is_control) && !looks_secret(word)
}

/// Whether a key by this name may hold a secret or the way to one.
pub(crate) fn names_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    const PARTS: [&str; 12] = [
        "secret",
        "token",
        "passw",
        "passphrase",
        "credential",
        "private",
        "api_key",
        "apikey",
        "bearer",
        "authorization",
        "cookie",
        "pwd",
    ];
    PARTS.iter().any(|part| key.contains(part))
        || key.ends_with("key")
        || key == "auth"
        || key == "pem"
}

/// Whether a word looks like a secret, wherever it stands. Rather too often than too seldom: the
/// price is a line that is not shown.
pub(crate) fn looks_secret(word: &str) -> bool {
    const SIGNS: [&str; 15] = [
        "-----BEGIN",
        "PRIVATE KEY",
        "sk-",
        "sk_",
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xox",
        "AKIA",
        "ASIA",
        "eyJ",
        "Bearer ",
        "Basic ",
    ];
    if SIGNS.iter().any(|sign| word.contains(sign)) {
        return true;
    }
    // Userinfo and queries are where URLs carry secrets.
    if let Some((_, rest)) = word.split_once("://")
        && rest.contains(['@', '?'])
    {
        return true;
    }
    word.split(|c: char| !(c.is_alphanumeric() || "_+=-".contains(c))).any(is_random)
}

/// A long run of letters and digits mixed, or of digits alone.
fn is_random(run: &str) -> bool {
    let digits = run.chars().filter(char::is_ascii_digit).count();
    let length = run.chars().count();
    (length >= 20 && digits >= 2) || (length >= 12 && digits == length)
}

/// The one of `known` that was probably meant.
pub(crate) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are no slips of the pen, and comparing them costs the square of their length.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3).min(4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Words as a list in a sentence: `` `a`, `b` or `c` ``.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}
