//! What the key service says to a request that is signed well.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use serde_json::{Value, json};

use super::keys::{Message, StoredKey};
use super::{Fault, State};

/// What KMS signs of a message at most.
const MESSAGE_BYTES_MAX: usize = 4096;

/// An error as KMS tells it.
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

pub(super) fn refused(code: &'static str, message: impl Into<String>) -> Refused {
    Refused { status: 400, code, message: message.into() }
}

pub(super) fn answer(
    head: &Parts,
    body: &[u8],
    state: &State,
    fault: Option<Fault>,
) -> Result<Value, Refused> {
    match fault {
        Some(Fault::Throttle) => {
            return Err(refused("ThrottlingException", "Rate exceeded"));
        }
        Some(Fault::Broken) => {
            let message = "An internal error occurred".to_owned();
            return Err(Refused { status: 500, code: "KMSInternalException", message });
        }
        Some(Fault::Denied) => {
            let message = "User is not authorized to perform this on this resource";
            return Err(refused("AccessDeniedException", message));
        }
        _ => {}
    }
    let asked: Value =
        serde_json::from_slice(body).map_err(|_| refused("SerializationException", "no JSON"))?;
    let id = asked["KeyId"].as_str().unwrap_or_default();
    let missing = || refused("NotFoundException", format!("Key '{id}' does not exist"));
    let arn = state.arn(id).ok_or_else(missing)?;
    let key = &state.keys[&arn];
    if !key.enabled {
        return Err(refused("DisabledException", format!("{arn} is disabled.")));
    }
    match head.headers.get("x-amz-target").map(|target| target.as_bytes()) {
        Some(b"TrentService.GetPublicKey") => Ok(json!({
            "KeyId": arn,
            "KeySpec": key.spec.name(),
            "CustomerMasterKeySpec": key.spec.name(),
            "KeyUsage": key.spec.usage(),
            "PublicKey": STANDARD.encode(key.spki_der()),
            "SigningAlgorithms": key.spec.algorithms(),
        })),
        Some(b"TrentService.Sign") => signature(&asked, &arn, key, fault),
        _ => Err(refused("UnknownOperationException", "no such action")),
    }
}

fn signature(
    asked: &Value,
    arn: &str,
    key: &StoredKey,
    fault: Option<Fault>,
) -> Result<Value, Refused> {
    let algorithm = asked["SigningAlgorithm"].as_str().unwrap_or_default();
    if !key.spec.algorithms().contains(&algorithm) {
        let message = format!("Algorithm {algorithm} is incompatible with {}.", key.spec.name());
        return Err(refused("InvalidKeyUsageException", message));
    }
    let invalid = |message: &str| refused("ValidationException", message);
    let text = asked["Message"].as_str().unwrap_or_default();
    let bytes =
        STANDARD.decode(text).map_err(|_| refused("SerializationException", "no base64"))?;
    if bytes.is_empty() || bytes.len() > MESSAGE_BYTES_MAX {
        return Err(invalid("'message' failed: length must be between 1 and 4096"));
    }
    let message = match asked["MessageType"].as_str().unwrap_or("RAW") {
        "RAW" if algorithm == "ED25519_PH_SHA_512" => {
            return Err(invalid("ED25519_PH_SHA_512 requires MessageType DIGEST"));
        }
        "DIGEST" if algorithm == "ED25519_SHA_512" => {
            return Err(invalid("ED25519_SHA_512 requires MessageType RAW"));
        }
        "RAW" => Message::Raw(&bytes),
        "DIGEST" => Message::Digest(&bytes),
        _ => return Err(invalid("'messageType' is none of RAW, DIGEST, EXTERNAL_MU")),
    };
    let other;
    let signer = match fault {
        Some(Fault::WrongKey) => {
            other = StoredKey::make(key.spec);
            &other
        }
        _ => key,
    };
    let signed = signer.sign(message);
    let mut signed = signed.ok_or_else(|| invalid("Digest is invalid length for algorithm."))?;
    if fault == Some(Fault::WrongSignature)
        && let Some(last) = signed.last_mut()
    {
        *last ^= 1;
    }
    let signature = STANDARD.encode(signed);
    Ok(json!({ "KeyId": arn, "Signature": signature, "SigningAlgorithm": algorithm }))
}
