//! Whether a request is signed as Signature Version 4 has it, computed again from its text.
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use http::request::Parts;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::answer::{Refused, refused};
use super::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN};

/// KMS takes a signature for so long.
const AGE_MAX: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn check(head: &Parts, body: &[u8], now: Timestamp) -> Result<(), Refused> {
    let header = |name: &str| head.headers.get(name)?.to_str().ok();
    let missing = || refused("MissingAuthenticationTokenException", "Missing Authentication Token");
    let authorization = header("authorization").ok_or_else(missing)?;
    let incomplete = || refused("IncompleteSignature", "the header lacks a part");
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(incomplete)?;
    let part = |name: &str| {
        let found = parts.split(',').find_map(|part| part.trim().strip_prefix(name));
        found.ok_or_else(incomplete)
    };
    let (credential, names) = (part("Credential=")?, part("SignedHeaders=")?);
    let stamp = header("x-amz-date").ok_or_else(incomplete)?;
    let day = stamp.get(..8).ok_or_else(incomplete)?;
    let scope = format!("{day}/{REGION}/kms/aws4_request");
    let unknown = || refused("UnrecognizedClientException", "The security token is invalid.");
    if credential != format!("{ACCESS_KEY_ID}/{scope}") {
        return Err(unknown());
    }
    if header("x-amz-security-token").is_some_and(|token| token != SESSION_TOKEN) {
        return Err(unknown());
    }
    for needed in ["host", "x-amz-date", "x-amz-target"] {
        if !names.split(';').any(|name| name == needed) {
            return Err(refused("InvalidSignatureException", format!("'{needed}' is not signed")));
        }
    }
    let canonical = canonical(head, body, names);
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hash(canonical.as_bytes()));
    if part("Signature=")? != signature(day, &text) {
        // The service repeats the whole text, with the session's token in it.
        let message = format!("The signature does not match. Canonical string:\n{canonical}");
        return Err(refused("InvalidSignatureException", message));
    }
    let signed_at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp);
    let signed_at = signed_at.map_err(|_| incomplete())?.to_zoned(TimeZone::UTC).unwrap();
    match now.duration_since(signed_at.timestamp()).abs() > AGE_MAX {
        true => Err(refused("InvalidSignatureException", "Signature expired")),
        false => Ok(()),
    }
}

fn canonical(head: &Parts, body: &[u8], names: &str) -> String {
    let values = |name: &str| {
        let values = head.headers.get_all(name).iter().map(|value| value.to_str().unwrap().trim());
        values.collect::<Vec<_>>().join(",")
    };
    let headers: String =
        names.split(';').map(|name| format!("{name}:{}\n", values(name))).collect();
    let (method, path) = (&head.method, head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{}", hash(body))
}

fn signature(day: &str, text: &str) -> String {
    let mac = |key: &[u8], text: &str| sign(&Key::new(HMAC_SHA256, key), text.as_bytes());
    let key = mac(format!("AWS4{SECRET_ACCESS_KEY}").as_bytes(), day);
    let key = mac(key.as_ref(), REGION);
    let key = mac(key.as_ref(), "kms");
    let key = mac(key.as_ref(), "aws4_request");
    hex(mac(key.as_ref(), text).as_ref())
}

fn hash(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
