//! The bundle's signature: hex HMAC-SHA256 over its RFC 8785 form without `signature`.
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The key that holds it.
pub(crate) const KEY: &str = "signature";

/// Says why the bundle is not signed with this secret, if it is not.
pub(crate) fn verify(bundle: &Value, secret: &[u8]) -> Result<(), &'static str> {
    if secret.is_empty() {
        return Err("the signing secret is empty; an empty secret signs for everybody");
    }
    let Some(given) = bundle.get(KEY) else {
        return Err("is missing, and a signing secret is configured; sign the bundle");
    };
    let Some(given) = given.as_str() else {
        return Err("must be text: 64 lower-case hex digits");
    };
    let Some(expect) = sign(bundle, secret) else {
        return Err("cannot be checked: the bundle has no canonical form");
    };
    // Lengths are not secret; the comparison of equal lengths takes the same time at any byte.
    if bool::from(given.as_bytes().ct_eq(expect.as_bytes())) {
        Ok(())
    } else {
        Err("does not verify: the bundle was changed after signing, signed with another secret, \
             or signed over another form than RFC 8785 without `signature`")
    }
}

/// Signs a bundle the way [`verify`] expects it.
pub(crate) fn sign(bundle: &Value, secret: &[u8]) -> Option<String> {
    let mut unsigned = bundle.clone();
    unsigned.as_object_mut()?.shift_remove(KEY);
    let canonical = serde_json_canonicalizer::to_vec(&unsigned).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(&canonical);
    Some(hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{sign, verify};

    #[test]
    fn every_part_of_the_bundle_is_covered() {
        let bundle = json!({
            "version": "1", "rules": [{ "id": "a", "outcome": "DENY", "when": { "x": [1.5, null] } }],
            "defaults": { "outcome": "DENY" },
        });
        let mut signed = bundle.clone();
        signed["signature"] = sign(&bundle, b"k").unwrap().into();
        assert_eq!(verify(&signed, b"k"), Ok(()));
        assert!(verify(&signed, b"other").is_err());
        assert!(verify(&signed, b"").is_err());
        assert!(verify(&bundle, b"k").is_err());
        for (pointer, value) in [
            ("/version", json!("2")),
            ("/rules/0/outcome", json!("ALLOW")),
            ("/rules/0/when/x/0", json!(1.25)),
            ("/defaults/outcome", json!("ALLOW")),
        ] {
            let mut changed = signed.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert!(verify(&changed, b"k").is_err(), "{pointer}");
        }
        signed["signature"] = signed["signature"].as_str().unwrap().to_uppercase().into();
        assert!(verify(&signed, b"k").is_err());
    }
}
