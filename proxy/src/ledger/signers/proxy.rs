//! A signing proxy: HTTP in front of a key. Two small forms are spoken:
//!
//! ```text
//! hash      POST <url>/sign/hash  {"digest_hex":"<64 hex>"}          → {"kid","alg","signature"}
//! payload   POST <url>/sign       {"payload_b64":"…","key_id"?:"…"}  → {"signature_b64","signer_id"}
//! ```
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::json;
use tollgate_audit::{PublicKey, ToSign};
use tollgate_config::settings::{ProxyForm, SecretRef, SigningProxy};

use super::super::peer::{Peer, PeerError};
use super::super::secret;
use super::service::ServiceError;
use crate::egress::Onward;

/// A signature in JSON has less than two KiB.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// How long before the one further try after a fault on the way.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A signing proxy that is set up; nothing is open yet.
pub(super) struct Proxy {
    peer: Peer,
    path: String,
    form: ProxyForm,
    hashes: bool,
    key_id: Option<String>,
    api_key: Option<SecretRef>,
}

#[derive(Deserialize)]
struct HashAnswer {
    signature: String,
}

#[derive(Deserialize)]
struct PayloadAnswer {
    signature_b64: String,
}

impl Proxy {
    /// The proxy and the key that its signatures are checked with.
    pub(super) fn open(
        setting: &SigningProxy,
        onward: &Onward,
    ) -> Result<(Self, PublicKey), String> {
        let path = setting.public_key.display();
        let pem = std::fs::read(&setting.public_key)
            .map_err(|e| format!("`public_key`: `{path}`: {e}"))?;
        let public =
            PublicKey::from_any_pem(&pem).map_err(|e| format!("`public_key`: `{path}`: {e}"))?;
        let client = setting.client_certificate.as_deref().zip(setting.client_key.as_deref());
        let peer = Peer::new(&setting.url, setting.ca.as_deref(), client)?.reached(onward);
        let end = match setting.form {
            ProxyForm::Hash => "/sign/hash",
            ProxyForm::Payload => "/sign",
        };
        let path = format!("{}{end}", peer.path().trim_end_matches('/'));
        let proxy = Self {
            peer,
            path,
            form: setting.form,
            hashes: setting.hashes,
            key_id: setting.key_id.clone(),
            api_key: setting.api_key.clone(),
        };
        Ok((proxy, public))
    }

    /// A signature is the same however often it is asked for, so a fault on the way is worth one
    /// more try.
    pub(super) async fn sign(&self, to_sign: &ToSign) -> Result<Vec<u8>, ServiceError> {
        match self.ask(to_sign).await {
            Err(ServiceError::Unreachable(_)) => {
                tokio::time::sleep(AGAIN_AFTER).await;
                self.ask(to_sign).await
            }
            answered => answered,
        }
    }

    async fn ask(&self, to_sign: &ToSign) -> Result<Vec<u8>, ServiceError> {
        let answer = self.peer.send(self.request(to_sign)?, ANSWER_BYTES_MAX).await;
        let answer = answer.map_err(|error| match error {
            PeerError::Answer => ServiceError::Answer("its answer is too long"),
            error => ServiceError::Unreachable(error.to_string()),
        })?;
        match answer.head.status {
            status if status.is_success() => self.signature(&answer.body),
            status if status.is_server_error() => {
                Err(ServiceError::Unreachable(format!("it answered {}", status.as_u16())))
            }
            status => Err(ServiceError::Refused(format!("it answered {}", status.as_u16()))),
        }
    }

    fn signature(&self, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let text = match self.form {
            ProxyForm::Hash => serde_json::from_slice(body).map(|a: HashAnswer| a.signature),
            ProxyForm::Payload => {
                serde_json::from_slice(body).map(|a: PayloadAnswer| a.signature_b64)
            }
        };
        let text = text.map_err(|_| ServiceError::Answer("it has no signature"))?;
        STANDARD.decode(text).map_err(|_| ServiceError::Answer("its signature is not base64"))
    }

    fn request(&self, to_sign: &ToSign) -> Result<Request<Full<Bytes>>, ServiceError> {
        let body = match self.form {
            ProxyForm::Hash => json!({ "digest_hex": to_sign.hash().to_string() }),
            ProxyForm::Payload => {
                let bytes =
                    if self.hashes { to_sign.preimage() } else { to_sign.hash().as_bytes() };
                let mut body = json!({ "payload_b64": STANDARD.encode(bytes) });
                if let (Some(key_id), Some(map)) = (&self.key_id, body.as_object_mut()) {
                    map.insert("key_id".to_owned(), key_id.as_str().into());
                }
                body
            }
        };
        let mut request = Request::post(self.path.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|_| ServiceError::Refused(StatusCode::BAD_REQUEST.to_string()))?;
        if let Some(api_key) = &self.api_key {
            let value = secret::header("Bearer ", api_key)
                .map_err(|e| ServiceError::Refused(format!("its `api_key` {e}")))?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }
}
