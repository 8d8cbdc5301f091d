//! Secrets that the ledger shows to others: read when used, so that one that was replaced is used
//! at once and none stays in memory.
use http::header::HeaderValue;
use tollgate_config::settings::SecretRef;
use zeroize::Zeroizing;

use crate::file;

/// No secret is longer; what is, is another file.
const BYTES_MAX: u64 = 64 << 10;

/// Reads a secret, less its trailing line end. The reason of a failure names the place only.
pub(super) fn read(place: &SecretRef) -> Result<Zeroizing<String>, String> {
    let text = match place {
        SecretRef::File(path) => file::read_text(path, BYTES_MAX)
            .map_err(|_| format!("cannot be read from its file `{}`", path.display())),
        SecretRef::Env(name) => {
            let value = std::env::var(name).map(Zeroizing::new);
            value.map_err(|_| format!("is not in the variable `{name}`"))
        }
    };
    let text = text?;
    let secret = text.trim_end_matches(['\r', '\n']);
    match secret {
        "" => Err("is empty".to_owned()),
        secret => Ok(Zeroizing::new(secret.to_owned())),
    }
}

/// The same as a header's value, behind what comes before it.
pub(super) fn header(before: &str, place: &SecretRef) -> Result<HeaderValue, String> {
    let secret = read(place)?;
    let value = Zeroizing::new(format!("{before}{}", secret.as_str()));
    let value = HeaderValue::from_str(&value);
    let mut value = value.map_err(|_| "has characters that no header bears".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
