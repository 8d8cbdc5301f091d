//! Secrets that a sink shows its collector. They are read when used, so that one that was replaced
//! is used at once, and none stays in memory.
use http::HeaderValue;
use tollgate_config::settings::SecretRef;
use zeroize::Zeroizing;

use super::DeliveryError;

/// Reads it; a newline at its end is not part of it.
pub(super) fn read(secret: &SecretRef) -> Result<Zeroizing<String>, DeliveryError> {
    let (place, text) = match secret {
        SecretRef::File(path) => ("file", std::fs::read_to_string(path).ok()),
        SecretRef::Env(name) => ("env", std::env::var(name).ok()),
    };
    let text = Zeroizing::new(text.ok_or(DeliveryError::Secret(place))?);
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The same as a header's value, behind what comes before it.
pub(super) fn header(before: &str, secret: &SecretRef) -> Result<HeaderValue, DeliveryError> {
    let text = Zeroizing::new(format!("{before}{}", read(secret)?.as_str()));
    let place = match secret {
        SecretRef::File(_) => "file",
        SecretRef::Env(_) => "env",
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| DeliveryError::Secret(place))?;
    value.set_sensitive(true);
    Ok(value)
}
