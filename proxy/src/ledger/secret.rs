//! Secrets that the ledger shows to others: read when used, so that one that was replaced is used
//! at once and none stays in memory.
use http::header::HeaderValue;
use tollgate_config::settings::SecretRef;
use zeroize::Zeroizing;

/// No secret is longer; what is, is another file.
const BYTES_MAX: u64 = 64 << 10;

/// Reads a secret, less its trailing line end. The reason of a failure names the place only.
pub(super) fn read(place: &SecretRef) -> Result<Zeroizing<String>, String> {
    let text = match place {
        SecretRef::File(path) => {
            let too_long = std::fs::metadata(path).is_ok_and(|facts| facts.len() > BYTES_MAX);
            match std::fs::read_to_string(path) {
                Ok(text) if !too_long => Ok(text),
                _ => Err(format!("cannot be read from its file `{}`", path.display())),
            }
        }
        SecretRef::Env(name) => {
            std::env::var(name).map_err(|_| format!("is not in the variable `{name}`"))
        }
    };
    let text = Zeroizing::new(text?);
    let secret = text.trim_end_matches(['\r', '\n']);
    match secret {
        "" => Err("is empty".to_owned()),
        secret => Ok(Zeroizing::new(secret.to_owned())),
    }
}

/// An `Authorization` header's value (RFC 6750).
pub(super) fn bearer(place: &SecretRef) -> Result<HeaderValue, String> {
    let secret = read(place)?;
    let value = Zeroizing::new(format!("Bearer {}", secret.as_str()));
    let value = HeaderValue::from_str(&value);
    let mut value = value.map_err(|_| "has characters that no header bears".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
