//! A signature on each batch (RFC 9421 with RFC 9530), so that a collector knows whose it is, and
//! that it is whole, before it decodes a byte of it.
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Request};
use jiff::Timestamp;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use tollgate_config::settings::BatchSignature;

use super::super::signers::local::read_private;
use super::DeliveryError;

/// What is signed besides the method and where it goes, of what a batch has.
const HEADERS: [&str; 6] = [
    "content-digest",
    "content-encoding",
    "content-type",
    "tollgate-first-seq",
    "tollgate-last-seq",
    "tollgate-last-hash",
];
/// Keeps a signature of a batch from passing for one of anything else.
const TAG: &str = "tollgate-batch";

/// A key that batches are signed with.
pub(super) struct BatchSigner {
    key: Ed25519KeyPair,
    keyid: String,
}

impl BatchSigner {
    pub(super) fn new(setting: &BatchSignature) -> Result<Self, String> {
        let pem = read_private(&setting.key).map_err(|e| e.to_string())?;
        let wrong = || {
            format!(
                "`signature.key`: `{}` is no Ed25519 key in PKCS#8 PEM; make one with `openssl genpkey -algorithm ed25519`",
                setting.key.display()
            )
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| wrong())?;
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        Ok(Self { key: key.map_err(|_| wrong())?, keyid: setting.keyid.clone() })
    }

    /// Adds `Content-Digest`, `Signature-Input` and `Signature` to a request with this body.
    pub(super) fn sign<B>(
        &self,
        authority: &str,
        request: &mut Request<B>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let of_body = STANDARD.encode(digest(&SHA256, body));
        insert(request, "content-digest", &format!("sha-256=:{of_body}:"))?;
        let mut base = format!(
            "\"@method\": {}\n\"@authority\": {}\n\"@path\": {}\n",
            request.method(),
            authority.to_ascii_lowercase(),
            request.uri().path(),
        );
        let mut covered = String::from("\"@method\" \"@authority\" \"@path\"");
        for name in HEADERS {
            let Some(value) = request.headers().get(name) else { continue };
            let value = value.to_str().map_err(|_| DeliveryError::Unsigned)?;
            base.push_str(&format!("\"{name}\": {value}\n"));
            covered.push_str(&format!(" \"{name}\""));
        }
        let input = format!(
            "({covered});created={};keyid=\"{}\";alg=\"ed25519\";tag=\"{TAG}\"",
            now.as_second(),
            self.keyid,
        );
        base.push_str(&format!("\"@signature-params\": {input}"));
        let signature = STANDARD.encode(self.key.sign(base.as_bytes()));
        insert(request, "signature-input", &format!("batch={input}"))?;
        insert(request, "signature", &format!("batch=:{signature}:"))
    }
}

fn insert<B>(
    request: &mut Request<B>,
    name: &'static str,
    value: &str,
) -> Result<(), DeliveryError> {
    let value = HeaderValue::from_str(value).map_err(|_| DeliveryError::Unsigned)?;
    request.headers_mut().insert(HeaderName::from_static(name), value);
    Ok(())
}
